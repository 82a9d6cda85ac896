"""Input: the shape of one sample."""

from __future__ import annotations

from collections.abc import Sequence

from .base import Layer


class Input(Layer):
    """The shape of one sample, as the first entry of a model: y = x. It is not listed in `model.layers`."""

    def __init__(self, shape: Sequence[int], name: str | None = None):
        super().__init__(name=name, input_shape=shape)

    def parts(self):
        return []

    def get_config(self):
        return {"name": self.name, "shape": list(self.declared_shape)}
