"""Input: the shape of one sample, as the first entry of a model."""

from __future__ import annotations

from collections.abc import Sequence

from .base import Layer


class Input(Layer):
    """Declares the shape of one sample, as the first entry of a model: y = x. It is not listed in `model.layers`.

    Args:
        shape: Shape of one sample, without the batch axis.
        name: Name of the input.
    """

    primitive = False

    def __init__(self, shape: Sequence[int], name: str | None = None):
        super().__init__(name=name, input_shape=shape)

    def get_config(self):
        return {"name": self.name, "shape": list(self.declared_shape)}
