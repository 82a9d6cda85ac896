"""Input: the first entry of a model, which declares the shape of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .base import Layer


class Input(Layer):
    """Declares the shape of one sample, as the first entry of a model: y = x.

    It is not listed in `model.layers`.

    Args:
        shape: Shape of one sample, without the batch axis.
        name: Name of the input. By default "input".
    """

    primitive = False

    def __init__(self, shape: Sequence[int], name: str | None = None):
        super().__init__(name=name, input_shape=shape)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "shape": list(self.declared_shape)}
