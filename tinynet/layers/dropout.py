"""Dropout: entries that are 0 at random in training, against overfitting."""

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

    So the expected output is x, and nothing needs scaling outside training. With rate 1 every entry is 0. Any shape.

    Backward: dx = m dy / (1 - rate), with the same m.

    In `fit` the mask m depends only on the seed, the optimizer's iterations and the layer's place in the model. So a
    training that is resumed draws the same masks. A frozen Dropout still drops, as in Keras.

    Args:
        rate: Probability of an entry to become 0, from 0 to 1.
        seed: Seed of the masks, a non-negative integer. By default it is the model's.

    Raises:
        ValueError: `rate` is outside [0, 1], or `seed` is not such an integer.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A simple way to prevent neural
    networks from overfitting", JMLR 15, 2014, section 4 (there the weights are scaled afterwards; section 10 has this
    form).
    """

    random = True

    def __init__(self, rate: float, seed: int | None = None, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.rate = share("rate", rate)
        self.seed = None if seed is None else choose_seed(seed)

    def forward(self, x: Any, training: bool = False, rng: np.random.Generator | None = None) -> tuple[Any, Any]:
        if not training or self.rate == 0:
            return x, None
        if self.rate == 1:
            return x * 0, 0
        rng = np.random.default_rng(self.seed) if rng is None else rng
        return dropout(masked, x, rng, self.rate)

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        if cache is None:
            return dy
        return dy * cache * (1 / (1 - self.rate)) if self.rate < 1 else dy * 0


def masked(x: Any, rng: np.random.Generator, rate: float) -> tuple[Any, Any]:
    """Return (m x / (1 - rate), m), by array expressions."""
    kept = move(rng.random(x.shape, dtype="float32") >= rate, xp_of(x))
    return x * kept * (1 / (1 - rate)), kept
