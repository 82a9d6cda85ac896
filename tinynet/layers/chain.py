"""How a chain of layers runs forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Layer


def forward_chain(
    parts: Sequence[Layer],
    x: Any,
    training: bool = False,
    draw: Callable[[int, Layer], Any] | None = None,
    first: int = 0,
) -> tuple[Any, list[Any]]:
    """Run the parts in order; return the last one's output and the caches of all.

    In training `draw(index, part)` gives each random part its generator; without it they take one of their own. The
    parts before number `first` are left out, and their caches are None.
    """
    caches: list[Any] = [None] * first
    for index, part in enumerate(parts[first:], first):
        if training and part.random and draw is not None:
            result = part.forward(x, training, draw(index, part))
        else:
            result = part.forward(x, training)
        if type(result) is not tuple or len(result) != 2:
            raise TypeError(f"{type(part).__name__}.forward must return a tuple (y, cache).")
        x, cache = result
        caches.append(cache)
    return x, caches


def backward_chain(parts: Sequence[Layer], dy: Any, caches: Sequence[Any], first: int = 0, need_dx: bool = True) -> Any:
    """Run the parts backward, from the last to number `first`, leaving in each the gradients of its weights.

    A part that stands in the chain more than once gets the sum over its places: L(w, w) has the derivative
    dL/dw = d1 L + d2 L. Returns the gradient of the input of part `first`, or None if it is not needed.
    """
    seen: set[int] = set()
    for index in range(len(parts) - 1, first - 1, -1):
        part, need = parts[index], need_dx or index > first
        before = {name: part.grads[name].copy() for name in part.grads} if id(part) in seen else {}
        dy = part.backward(dy, caches[index], need_dx=need)
        if need and not hasattr(dy, "shape"):
            kind = type(dy).__name__
            raise TypeError(f"{type(part).__name__}.backward must return dx, an array; it returned {kind}.")
        for name, gradient in before.items():
            part.grads[name] += gradient
        seen.add(id(part))
    return dy if need_dx else None


def unique(parts: Iterable[Layer]) -> list[Layer]:
    """The parts in order, each once."""
    return list({id(part): part for part in parts}.values())
