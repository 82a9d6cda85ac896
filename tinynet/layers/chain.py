"""Chains of layers: what they consist of, and how they run forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


def primitives(layers: Iterable[Any], trainable: bool = True) -> list[tuple[Any, bool]]:
    """Return the primitive layers that these stand for, in order, and whether each is to be trained.

    A primitive layer computes: it has a forward and a backward. A Dense is one, followed by its activation. A
    Sequential is none itself and stands for those inside it. What is inside a frozen layer is frozen too.
    """
    found = []
    for layer in layers:
        on = trainable and layer.trainable
        kind = type(layer)
        if kind.parts is not parts:  # a layer that names its parts itself
            found += [(part, on and part.trainable) for part in layer.parts()]
            continue
        if kind.primitive:
            found.append((layer, on))
        if kind.followed_by:
            inside = getattr(layer, kind.followed_by)
            found += primitives(inside if isinstance(inside, list) else [inside] if inside is not None else [], on)
    return found


def parts(layer: Any) -> list[Any]:
    """Return the primitive layers that this one stands for, in order: itself, or a Dense and its activation."""
    return [part for part, _ in primitives([layer])]


def parts_and_trained(layers: Iterable[Any], trainable: bool = True) -> tuple[list[Any], list[Any]]:
    """Return the primitive layers, and those, each once, whose weights have gradients and are changed by training."""
    found = primitives(layers, trainable)
    return [part for part, _ in found], unique(part for part, on in found if on and part.grads)


def unique(parts: Iterable[Any]) -> list[Any]:
    """Return the parts in order, each once."""
    return list({id(part): part for part in parts}.values())


def forward_chain(
    parts: Sequence[Any], x: Any, training: bool = False, draw: Callable[[int, Any], Any] | None = None
) -> tuple[Any, list[Any]]:
    """Run the parts in order; return the last one's output and the caches of all.

    In training `draw(index, part)` gives each random part its generator. Without it they take one of their own.
    """
    caches: list[Any] = []
    for index, part in enumerate(parts):
        if training and part.random and draw is not None:
            result = part.forward(x, training, draw(index, part))
        else:
            result = part.forward(x, training)
        if type(result) is not tuple or len(result) != 2:
            raise TypeError(f"{type(part).__name__}.forward must return a tuple (y, cache).")
        x, cache = result
        caches.append(cache)
    return x, caches


def backward_chain(parts: Sequence[Any], dy: Any, caches: Sequence[Any], first: int = 0, need_dx: bool = True) -> Any:
    """Run the parts backward, from the last to number `first`; each writes the gradients of its weights.

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
