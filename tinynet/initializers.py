"""Starting weights, drawn on the host in float64 from an explicit generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .checks import by_name
from .rng import choose_seed


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out): how many inputs and outputs one unit of a weight of this shape has.

    A matrix is (inputs, outputs); in a kernel of more axes the leading ones are the receptive field.
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class Initializer:
    """Base class: `initializer(shape, rng)` returns a float64 array of that shape.

    With a seed of its own an initializer returns the same values at every call, as Keras's do; without one it draws
    from `rng`, which the model derives from its seed.
    """

    def __init__(self, seed: int | None = None):
        self.seed = None if seed is None else choose_seed(seed)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator | None = None) -> np.ndarray:
        if rng is None or self.seed is not None:
            rng = np.random.default_rng(self.seed)
        return self.draw(tuple(shape), rng)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw an array of this shape from rng; each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define draw(shape, rng).")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.seed is None else f'seed={self.seed}'})"


class Zeros(Initializer):
    """All zeros."""

    def __init__(self):
        super().__init__()

    def draw(self, shape, rng):
        return np.zeros(shape)


class Ones(Initializer):
    """All ones."""

    def __init__(self):
        super().__init__()

    def draw(self, shape, rng):
        return np.ones(shape)


class GlorotUniform(Initializer):
    """Uniform on [-L, L) with L = sqrt(6 / (fan_in + fan_out)).

    The variance 2 / (fan_in + fan_out) keeps the scale of activations going forward and of gradients going backward
    about equal from layer to layer.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """

    def draw(self, shape, rng):
        limit = math.sqrt(6 / sum(fans(shape)))
        return rng.uniform(-limit, limit, shape)


INITIALIZERS = {"glorot_uniform": GlorotUniform, "ones": Ones, "zeros": Zeros}


def get(identifier: Any) -> Initializer:
    """The initializer of that name ("glorot_uniform", "ones", "zeros"), or the given Initializer itself."""
    return by_name("initializer", identifier, Initializer, INITIALIZERS)
