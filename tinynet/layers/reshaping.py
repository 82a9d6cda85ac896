"""Layers that change the form of samples, not what they say: Reshape and Rescaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..arguments import MOST_AXES, integer, number
from .base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Reshape(Layer):
    """Give each sample another shape: y[n] = x[n] with the entries in the same (C) order.

    Shapes: x (B, ...), y (B, *target_shape). One entry of `target_shape` may be -1: what is left goes there.
    Backward: dx = dy in the shape of x.

    ValueError, when the model is built, if the numbers of entries differ.
    """

    def __init__(self, target_shape: Sequence[int], **options: Unpack[LayerOptions]):
        super().__init__(**options)
        if not isinstance(target_shape, (tuple, list)):
            raise ValueError(f"target_shape must be a tuple of integers, as (28, 28); got {target_shape!r}.")
        if len(target_shape) > MOST_AXES:
            raise ValueError(f"target_shape can have at most {MOST_AXES} axes; got {len(target_shape):,}.")
        entries = [size if size == -1 else integer("each entry of target_shape", size) for size in target_shape]
        if entries.count(-1) > 1:
            raise ValueError(f"target_shape can have one -1 at most; got {target_shape!r}.")
        self.target_shape = tuple(entries)

    def build(self, input_shape):
        entries, known = math.prod(input_shape), math.prod(size for size in self.target_shape if size != -1)
        fits = entries % known == 0 if -1 in self.target_shape else entries == known
        if not fits:
            raise ValueError(
                f"Layer '{self.name}' cannot give samples of shape {tuple(input_shape)}, {entries} entries, the shape "
                f"{self.target_shape}."
            )
        return tuple(entries // known if size == -1 else size for size in self.target_shape)

    def forward(self, x, training=False):
        return x.reshape(x.shape[0], *self.build(x.shape[1:])), x.shape

    def backward(self, dy, cache, need_dx=True):
        return dy.reshape(cache)


class Rescaling(Layer):
    """Scale and shift: y = scale * x + offset. Any shape; Rescaling(1 / 255) as the first layer takes raw pixels.

    Backward: dx = scale * dy.
    """

    def __init__(self, scale: float, offset: float = 0.0, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.scale = number("scale", scale, least=-math.inf)
        self.offset = number("offset", offset, least=-math.inf)

    def forward(self, x, training=False):
        y = x * self.scale
        if self.offset:
            y += self.offset
        return y, None

    def backward(self, dy, cache, need_dx=True):
        return dy * self.scale


class Flatten(Layer):
    """Flatten all axes but the batch: y[n] = the entries of x[n] in C order.

    Shapes: x (B, d1, ..., dk), y (B, d1 ... dk); x (B,) gives y (B, 1).
    Backward: dx = dy in the shape of x.
    """

    def build(self, input_shape):
        return (math.prod(input_shape),)

    def forward(self, x, training=False):
        return x.reshape(x.shape[0], math.prod(x.shape[1:])), x.shape

    def backward(self, dy, cache, need_dx=True):
        return dy.reshape(cache)
