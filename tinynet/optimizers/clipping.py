"""Clipping of gradients: by value, by the norm of each, or by the norm of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import positive
from ..backend import xp_of


def bounds(**given: float | None) -> dict[str, float | None]:
    """Return clipnorm, clipvalue and global_clipnorm, checked.

    Raises:
        ValueError: A bound is not positive, or more than one is given.
    """
    checked = {name: None if value is None else positive(name, value) for name, value in given.items()}
    taken = {name: value for name, value in checked.items() if value is not None}
    if len(taken) > 1:
        raise ValueError(f"Only one of clipnorm, clipvalue and global_clipnorm can be set; got {taken}.")
    return checked


def clip(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
    """Clip the gradients in place, as the optimizer asks for; `variables` are the gradients of single weights."""
    if optimizer.clipnorm is not None:
        for gradient in variables:
            scale_to_norm([gradient], optimizer.clipnorm)
    elif optimizer.global_clipnorm is not None:
        scale_to_norm(gradients, optimizer.global_clipnorm)
    elif optimizer.clipvalue is not None:
        for gradient in gradients:
            xp_of(gradient).clip(gradient, -optimizer.clipvalue, optimizer.clipvalue, out=gradient)


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
