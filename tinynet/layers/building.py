"""How weights are made when a layer is built: where, in which dtype, and from which generator."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from .. import initializers
from ..backend import module
from ..rng import generator

# (generator, backend, dtype): `setup` sets it, and `build`, which knows of the shape alone, makes weights by it.
_home: ContextVar[tuple[Any, str, Any]] = ContextVar("home", default=(None, "numpy", np.dtype("float32")))
_placeholders: ContextVar[bool] = ContextVar("placeholders", default=False)
building_lock = threading.RLock()  # two threads that meet at the first call of a layer build it once


@contextlib.contextmanager
def weights_made(rng: Any, backend: str, dtype: Any) -> Iterator[None]:
    """Within this context weights are drawn from `rng` and live on this backend, in this dtype."""
    token = _home.set((rng, backend, np.dtype(dtype)))
    try:
        yield
    finally:
        _home.reset(token)


@contextlib.contextmanager
def placeholders() -> Iterator[None]:
    """Within this context weights are placeholders that take no memory: one zero stands for every entry.

    A model from a file is built so. Its shapes are then compared with the arrays of the file before memory is taken.
    """
    token = _placeholders.set(True)
    try:
        yield
    finally:
        _placeholders.reset(token)


def home() -> tuple[str, Any]:
    """Return the backend and the dtype of the weights that are made here."""
    return _home.get()[1:]


def new_weight(label: str, shape: tuple[int, ...], initializer: Any, trainable: bool) -> tuple[Any, Any]:
    """Make a weight and its gradient, which is None without `trainable`.

    Raises:
        ValueError: The initializer is unknown, or returned another shape. `label` names the weight.
    """
    rng, backend, dtype = _home.get()
    xp, initializer = module(backend), initializers.get(initializer)
    if _placeholders.get():
        nothing = xp.broadcast_to(xp.zeros((), dtype=dtype), shape)
        return nothing, nothing if trainable else None
    values = initializer(shape, rng)
    if values.shape != shape:
        raise ValueError(f"The initializer of {label} returned shape {values.shape}, not {shape}.")
    return xp.asarray(values, dtype=dtype), xp.zeros(shape, dtype=dtype) if trainable else None


class NoDraws:
    """Stands for a generator where nothing is drawn."""

    def spawn(self, count: int) -> list[NoDraws]:
        """Return as many of them, as a generator's spawn does."""
        return [self] * count


def generators(seed: int, count: int) -> Sequence[Any]:
    """Return the generator of the starting weights for each layer of a model."""
    return [NoDraws() if _placeholders.get() else generator(seed, "weights", index) for index in range(count)]
