"""How many threads BLAS takes for the matrix products of a training."""

from __future__ import annotations

import contextlib
import functools
import os
from typing import Any

SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS")
SMALL = 128  # samples in a batch; benchmarks/NOTES.md has what was measured


def one_for_small(batch_size: int) -> contextlib.AbstractContextManager[Any]:
    """A context in which BLAS takes one thread if the batches are small, where threadpoolctl is installed.

    Several threads read the weights, which the optimizer then writes in one: with every step they move from core to
    core. For fewer than `SMALL` samples that can cost more than the second core saves, half as much again where two
    cores are far apart, and several times as much where other programs use them. A number of threads that the
    environment sets (`SETTINGS`) is left as it is, and so is all where threadpoolctl, an optional package, is missing.

    The limit is on the whole process, other Python threads too, as long as the context lasts.
    """
    if batch_size >= SMALL or any(name in os.environ for name in SETTINGS):
        return contextlib.nullcontext()
    controller = _controller()
    return contextlib.nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> Any:
    """What threadpoolctl knows of the libraries that are loaded; None where it is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
