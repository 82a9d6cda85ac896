"""Layers against overfitting: Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import share
from ..backend import move, xp_of
from ..kernels.dropout import dropout
from ..rng import choose_seed
from .base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dropout(Layer):
    """Dropout, inverted: in training each entry is 0 with probability `rate`, else divided by 1 - rate.

        y = m x / (1 - rate),  with m 0 or 1, drawn for each entry;  outside training y = x

    So the expected output is x, and nothing is to be scaled afterwards. With rate 1 everything is 0. Any shape.

    Backward: dx = m dy / (1 - rate), with the same m.

    In `fit` the mask depends on the model's seed, the optimizer's iterations and the layer's place alone, so that
    training which is taken up again draws the same ones; with a `seed` of its own the layer does not follow the
    model's. A frozen Dropout still drops, as in Keras. ValueError for a rate outside [0, 1].

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A simple way to prevent neural
    networks from overfitting", JMLR 15, 2014, section 4 (there the weights are scaled afterwards; section 10 has this
    form).
    """

    random = True

    def __init__(self, rate: float, seed: int | None = None, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.rate = share("rate", rate)
        self.seed = None if seed is None else choose_seed(seed)

    def forward(self, x, training=False, rng=None):
        if not training or self.rate == 0:
            return x, None
        if self.rate == 1:
            return x * 0, 0
        rng = np.random.default_rng(self.seed) if rng is None else rng
        return dropout(masked, x, rng, self.rate)

    def backward(self, dy, cache, need_dx=True):
        if cache is None:
            return dy
        return dy * cache * (1 / (1 - self.rate)) if self.rate < 1 else dy * 0


def masked(x: Any, rng: np.random.Generator, rate: float) -> tuple[Any, Any]:
    """Return (m x / (1 - rate), m), by array expressions."""
    kept = move(rng.random(x.shape, dtype="float32") >= rate, xp_of(x))
    return x * kept * (1 / (1 - rate)), kept
