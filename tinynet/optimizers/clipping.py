"""Clipping of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend import xp_of


def scale_to_norm(gradients: Sequence[Any], bound: float) -> None:
    """Multiply the gradients in place by bound / max(norm, bound), with one norm over all of them.

    The norm stays an array of no axes: on a GPU the host does not wait for it.
    """
    squares = [flat @ flat for flat in (gradient.ravel() for gradient in gradients)]
    if squares:
        xp, square = xp_of(gradients[0]), sum(squares[1:], start=squares[0])
        factor = bound / xp.maximum(xp.sqrt(square), bound)
        for gradient in gradients:
            gradient *= factor
