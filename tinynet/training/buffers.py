"""Flat buffers: all weights of a model in one array, all gradients in another; the layers hold views of them.

So an optimizer's update is a few operations on one large array, however many layers there are.
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

        weights    [ trained | frozen | statistics ]
        gradients  [ trained | frozen ]

    `trained_weights` and `trained_gradients` are the first parts, `trained_views` those of `trained_gradients` for each
    weight. The memory is taken at the first `claim`.
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
        return [(*found, place, shape) for *found, place, shape in self.places if place.stop <= self.trained_size]

    def claim(self) -> None:
        """Move every weight into the flat array, if it is not there: new, copied, or moved by another model."""
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
