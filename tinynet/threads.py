"""How many threads BLAS takes for the matrix products of a model."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")
SMALL = 20_000_000  # multiplications in a forward pass; benchmarks/NOTES.md has what was measured
TINY = 262_144  # multiplications whose time a limit, which costs 11 us, would show in; OpenBLAS takes one thread anyway
MOST = 64  # threads that NumPy's own OpenBLAS has, however many processors there are

_lock, _within, _limit = threading.Lock(), 0, None


@contextlib.contextmanager
def one_for_small(multiplications: int) -> Iterator[None]:
    """Within this context BLAS takes one thread, if the products are small.

    Several threads read the weights, which the optimizer then writes in one. With every step they move from core to
    core. For few samples that costs more than the second core saves: half as much again where two cores are far apart,
    and ten times as much where other programs use them.

    A number of threads that the user has set is left alone: by the environment (`SETTINGS`), or by a limit of
    threadpoolctl's below the number of processors. The limit is on the whole process, other Python threads too, until
    the last of the contexts that overlap ends.

    Args:
        multiplications: Number of samples in a batch times that of the weights.
    """
    global _within, _limit
    if multiplications >= SMALL or any(name in os.environ for name in SETTINGS):
        yield
        return
    blas = _blas()
    with _lock:
        limits = _within > 0 or not _limited_by_user(blas)
        if limits:
            if _within == 0:
                _limit = blas.limit(limits=1)
            _within += 1
    try:
        yield
    finally:
        if limits:
            with _lock:
                _within -= 1
                if _within == 0:
                    _limit.restore_original_limits()


@functools.cache
def _blas() -> Any:
    """Return threadpoolctl's controller of the BLAS libraries that are loaded."""
    from threadpoolctl import ThreadpoolController  # costs 10 ms: loaded at the first training, not at import

    return ThreadpoolController().select(user_api="blas")


def _limited_by_user(blas: Any) -> bool:
    """Tell whether a library takes fewer threads than there are processors."""
    return any(library.num_threads < min(_processors(), MOST) for library in blas.lib_controllers)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
