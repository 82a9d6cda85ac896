"""Flat buffers: all weights of a model in one array, all gradients in another; the layers hold views of them.

So an optimizer's update is a handful of operations on whole arrays, whatever the number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import module, move
from ..layers import Layer
from ..layers.chain import unique


class FlatBuffers:
    """The weights of some built layers, trained ones first, and their gradients in the same order.

    `weights` and `gradients` are 1-D. Their first part, `trained_weights` and `trained_gradients`, belongs to the
    layers that are trained, in order. The rest belongs to frozen layers. The end of `weights` belongs to statistics,
    which have no gradients. `trained_views` are the parts of `trained_gradients`, one for each weight. The memory is
    taken at the first `claim`.
    """

    def __init__(self, parts: Sequence[Layer], trained: Sequence[Layer], backend: str, dtype: Any):
        frozen = [part for part in unique(parts) if part not in trained]
        self.trained = trained
        self.places: list[tuple[Layer, str, slice, tuple[int, ...]]] = []
        self.size = 0
        self.trained_size = self._place([(part, name) for part in trained for name in part.grads])
        self.gradient_size = self._place([(part, name) for part in frozen for name in part.grads])
        rest = [(part, name) for part in unique(parts) for name in part.weight_names if name not in part.grads]
        self._place(rest)
        self.xp, self.dtype, self.weights = module(backend), dtype, None

    def _place(self, weights: list[tuple[Layer, str]]) -> int:
        """Give these weights the next places; return where they end."""
        for part, name in weights:
            shape = part.__dict__[name].shape
            place = slice(self.size, self.size + math.prod(shape))
            self.places.append((part, name, place, shape))
            self.size = place.stop
        return self.size

    def trained_places(self) -> list[tuple[Layer, str, slice, tuple[int, ...]]]:
        """Return (part, name, place, shape) of the weights that are trained."""
        return [entry for entry in self.places if entry[2].stop <= self.trained_size]

    def claim(self) -> None:
        """Bring every weight to its place, if it is elsewhere: new, copied, or lent to another model meanwhile."""
        if self.weights is None:
            self.weights = self.xp.zeros(self.size, dtype=self.dtype)
            self.gradients = self.xp.zeros(self.gradient_size, dtype=self.dtype)
            self.trained_weights = self.weights[: self.trained_size]
            self.trained_gradients = self.gradients[: self.trained_size]
            self.trained_views = [self.gradients[place] for _, _, place, _ in self.trained_places()]
        for part, name, place, shape in self.places:
            weight = part.__dict__[name]
            if weight.base is not self.weights:
                view = self.weights[place].reshape(shape)
                view[...] = move(weight, self.xp)
                part.bind(name, view, self.gradients[place].reshape(shape) if name in part.grads else None)
