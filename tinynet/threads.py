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

    Where nobody writes weights, in a prediction, a second thread can save a little, and cost as much on a busy machine.

    A number of threads that the user has set is left alone: by the environment (`SETTINGS`), or by a lower limit of
    threadpoolctl's. The limit is on the whole process, other Python threads too, until the last of the contexts that
    overlap ends.

    Args:
        multiplications: In training, the number of samples in a batch times that of the weights. In a prediction,
            whose batches are larger, as if they had 32 samples: one model is small or large in all that it does.
    """
    global _within, _limit
    if multiplications >= SMALL or any(name in os.environ for name in SETTINGS):
        yield
        return
    with _lock:
        if _within == 0:
            _limit = _unlimited(_blas()).limit(limits=1)
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                _limit.restore_original_limits()


@functools.cache
def _blas() -> Any:
    """Return threadpoolctl's controller of the BLAS libraries that are loaded."""
    from threadpoolctl import ThreadpoolController  # costs 10 ms: loaded at the first training, not at import

    blas = ThreadpoolController().select(user_api="blas")
    for library in blas.lib_controllers:
        library.threads_at_first = library.num_threads
    return blas


def _unlimited(blas: Any) -> Any:
    """Return the libraries whose number of threads the user has not lowered.

    OpenBLAS begins with a thread for each processor. Others, as MKL, may begin with fewer: for them the number at first
    counts.
    """
    every = min(_processors(), MOST)
    free = [
        library.filepath
        for library in blas.lib_controllers
        if library.num_threads >= (every if library.internal_api == "openblas" else library.threads_at_first)
    ]
    return blas.select(filepath=free)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
