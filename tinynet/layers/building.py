"""How the weights of layers are made."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..rng import generator

_building: ContextVar[tuple[Any, str, Any]] = ContextVar("building", default=(None, "numpy", np.dtype("float32")))


_hollow: ContextVar[bool] = ContextVar("hollow", default=False)


building_lock = threading.RLock()  # two threads that meet at the first call of a layer build it once


@contextlib.contextmanager
def hollow() -> Iterator[None]:
    """Within it weights are built without memory of their own: a single zero in every place, until `bind`.

    So a model from a file can be compared with the arrays that are there before any memory is taken for it.
    """
    token = _hollow.set(True)
    try:
        yield
    finally:
        _hollow.reset(token)


class NoDraws:
    """In place of a generator, where nothing is drawn."""

    def spawn(self, count: int) -> list[NoDraws]:
        """As a generator's: so many of them."""
        return [self] * count


def generators(seed: int, count: int) -> list[Any]:
    """For each layer of a model the generator of its starting weights."""
    return [NoDraws() if _hollow.get() else generator(seed, "weights", index) for index in range(count)]
