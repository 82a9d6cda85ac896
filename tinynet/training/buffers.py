"""Flat buffers: all weights of a model in one array, all gradients in another; the layers hold views of them.

So an optimizer's update is a handful of operations on whole arrays, whatever the number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import module, move
from ..layers.base import Layer
from ..layers.chain import unique


class FlatBuffers:
    """The weights of some built layers, trained ones first, and their gradients in the same order.

    `weights` and `gradients` are 1-D; their first part, `trained_weights` and `trained_gradients`, belongs to the
    layers that are trained, in order, the rest to frozen ones, and the end of `weights` to statistics, which have no
    gradients; `trained_views` are the parts of `trained_gradients`, one for each weight. The memory is taken at the
    first `claim`.
    """

    def __init__(self, parts: Sequence[Layer], trained: Sequence[Layer], backend: str, dtype: Any):
        frozen = [part for part in unique(parts) if part not in trained]
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

    def claim(self) -> None:
        """Bring every weight to its place, where it is not there: new, copied, or lent to another model meanwhile."""
        if self.weights is None:
            self.weights = self.xp.zeros(self.size, dtype=self.dtype)
            self.gradients = self.xp.zeros(self.gradient_size, dtype=self.dtype)
            self.trained_weights = self.weights[: self.trained_size]
            self.trained_gradients = self.gradients[: self.trained_size]
            trained = [place for _, _, place, _ in self.places if place.stop <= self.trained_size]
            self.trained_views = [self.gradients[place] for place in trained]
        for part, name, place, shape in self.places:
            weight = part.__dict__[name]
            if weight.base is not self.weights:
                own = self.weights[place].reshape(shape)
                own[...] = move(weight, self.xp)
                part.bind(name, own, self.gradients[place].reshape(shape) if name in part.grads else None)
