"""Flat buffers: all weights of a model in one array, all gradients in another; the layers hold views of them.

So an optimizer's update is a handful of operations on whole arrays, whatever the number of layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .backend import module, move
from .layers.base import Layer


class FlatBuffers:
    """The weights of some built layers, trained ones first, and their gradients in the same order.

    `weights` and `gradients` are 1-D; their first `trained_size` entries belong to trained weights, in the layers'
    order, the rest to layers that were frozen (trainable=False) when the buffers were made.
    """

    def __init__(self, parts: Sequence[Layer], backend: str, dtype):
        unique = list({id(part): part for part in parts}.values())
        self.places: list[tuple[Layer, str, slice, tuple[int, ...]]] = []
        offset = 0
        for trained in (True, False):
            for part in unique:
                for name in part.weight_names if bool(part.trainable) is trained else ():
                    shape = part.__dict__[name].shape
                    place = slice(offset, offset := offset + math.prod(shape))
                    self.places.append((part, name, place, shape))
            if trained:
                self.trained_size = offset
        self.xp = module(backend)
        self.weights = self.xp.zeros(offset, dtype=dtype)
        self.gradients = self.xp.zeros(offset, dtype=dtype)
        self.trained_weights = self.weights[: self.trained_size]
        self.trained_gradients = self.gradients[: self.trained_size]

    def claim(self) -> None:
        """Bring every weight to its place, where it is not there: new, copied, or lent to another model meanwhile."""
        for part, name, place, shape in self.places:
            weight = part.__dict__[name]
            if weight.base is not self.weights:
                own = self.weights[place].reshape(shape)
                own[...] = move(weight, self.xp)
                part.bind(name, own, self.gradients[place].reshape(shape))
