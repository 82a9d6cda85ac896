"""Momenta that have decayed into the subnormal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import xp_of


def clear_subnormal(momentum: Any, scratch: Any) -> None:
    """Put 0 in the place of entries that are next to nothing, in place: up to 1.2e-34 in float32, 2.3e-304 in float64.

    The momentum of a weight whose gradient has become 0 decays, and within a thousand steps into the subnormal numbers,
    with which processors compute many times as slowly. In float16, where those are large numbers, nothing is cleared.
    """
    if bound := negligible(momentum.dtype):
        xp_of(momentum).absolute(momentum, out=scratch)
        momentum *= scratch > bound


def negligible(dtype: Any) -> float:
    """Up to what a number is next to nothing; 0 in float16."""
    return float(np.finfo(dtype).tiny) * 1e4 if dtype.itemsize >= 4 else 0.0
