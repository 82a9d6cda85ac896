"""Chains of layers: what they consist of, and how they run forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


def primitives(layers: Iterable[Any], trainable: bool = True) -> list[tuple[Any, bool]]:
    """Unpack these layers into primitive ones, in order, and tell whether each is to be trained.

    A primitive layer has a forward and a backward. A Dense counts as two: itself, then its activation. A Sequential
    counts as the layers inside it. What is inside a frozen layer is frozen too.
    """
    found: list[tuple[Any, bool]] = []
    for layer in layers:
        kind, on = type(layer), trainable and layer.trainable
        if kind.trained_parts is not trained_parts:  # it says itself which parts are trained
            changed = [id(part) for part in layer.trained_parts()] if on else []
            found += [(part, id(part) in changed) for part in layer.parts()]
        elif kind.parts is not parts:  # it says itself which parts it has
            found += [(part, on) for part in layer.parts()]
        else:
            found += _expanded(layer, on)
    return found


def _expanded(layer: Any, on: bool) -> list[tuple[Any, bool]]:
    kind = type(layer)
    inside = getattr(layer, kind.followed_by) if kind.followed_by else None
    inside = inside if isinstance(inside, list) else [] if inside is None else [inside]
    return ([(layer, on)] if kind.primitive else []) + primitives(inside, on)


def parts(layer: Any) -> list[Any]:
    """Return the primitive layers that this one stands for, in order: itself, or a Dense and its activation."""
    return [part for part, _ in _expanded(layer, True)]


def trained_parts(layer: Any) -> list[Any]:
    """Return the parts whose weights have gradients and are changed by training: none if this layer is frozen."""
    on = layer.trainable
    pairs = _expanded(layer, on) if type(layer).parts is parts else [(part, on) for part in layer.parts()]
    return unique(part for part, on in pairs if on and part.grads)


def parts_and_trained(layers: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """Return the primitive layers, and those, each once, whose weights have gradients and are changed by training."""
    found = primitives(layers)
    return [part for part, _ in found], unique(part for part, on in found if on and part.grads)


def unique(parts: Iterable[Any]) -> list[Any]:
    """Return the parts in order, each once."""
    return list({id(part): part for part in parts}.values())


def forward_chain(
    parts: Sequence[Any], x: Any, training: bool = False, draw: Callable[[int, Any], Any] | None = None
) -> tuple[Any, list[Any]]:
    """Run the parts in order; return the last one's output and the caches of all.

    In training `draw(index, part)` gives each random part its generator. Without `draw` each makes its own.
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

    If a part is used twice, its gradient is the sum of both uses: for L(w, w) the derivative by the first w plus that
    by the second. Returns the gradient of the input of part `first`, or None if it is not needed.
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
