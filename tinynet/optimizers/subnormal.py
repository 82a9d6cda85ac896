"""Momenta that have decayed into the subnormal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import xp_of

CLEARED_EVERY = 32  # steps; a decay by 0.75 each, or slower, does not reach the subnormal numbers meanwhile


def clear_subnormal(momentum: Any, scratch: Any, bound: float) -> None:
    """Put 0 in the place of entries whose magnitude is at most `bound`, in place.

    The momentum of a weight whose gradient has become 0 decays. Within a thousand steps it is among the subnormal
    numbers, with which processors compute many times as slowly.
    """
    xp_of(momentum).absolute(momentum, out=scratch)
    momentum *= scratch > bound


def negligible(dtype: Any) -> float:
    """Return the magnitude below which an entry is cleared: 1.2e-34 for float32, 2.3e-304 for float64, else 0."""
    return float(np.finfo(dtype).tiny) * 1e4 if dtype.itemsize >= 4 else 0.0
