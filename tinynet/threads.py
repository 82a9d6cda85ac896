"""How many threads BLAS takes for the matrix products of a training."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")
SMALL = 20_000_000  # multiplications in a forward pass; benchmarks/NOTES.md has what was measured

_lock, _within, _limit = threading.Lock(), 0, None


@contextlib.contextmanager
def one_for_small(multiplications: int) -> Iterator[None]:
    """A context in which BLAS takes one thread if the products are small, where threadpoolctl is installed.

    `multiplications` is the number of samples in a batch times that of the weights. Several threads read the weights,
    which the optimizer then writes in one: with every step they move from core to core. For few samples that can cost
    more than the second core saves, half as much again where two cores are far apart, and several times as much where
    other programs use them. A number of threads that the environment sets (`SETTINGS`) is left as it is, and so is all
    where threadpoolctl, an optional package, is missing.

    The limit is on the whole process, other Python threads too, until the last of the contexts that overlap ends.
    """
    global _within, _limit
    small = multiplications < SMALL and not any(name in os.environ for name in SETTINGS)
    controller = _controller() if small else None
    if controller is None:
        yield
        return
    with _lock:
        if _within == 0:
            _limit = controller.limit(limits=1, user_api="blas")
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                _limit.restore_original_limits()


@functools.cache
def _controller() -> Any:
    """What threadpoolctl knows of the libraries that are loaded; None where it is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
