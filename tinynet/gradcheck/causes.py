"""The likely cause of a wrong gradient. Each hypothesis is tried out: it is named only if it explains every number.

A hypothesis corrects what backward gave (the opposite sign, another factor, transposed), or changes the question that
it answered (the gradient at the updated weights, with a weight transposed). If the numbers then agree to the last
digits that the method gives, that is the cause; else nothing is said.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .measure import Measured
from .numeric import Derivative

SUPPORT = 1_000_000  # how large the matrix from dy to a gradient may be in which the axes of its sums are looked for


class Suspect:
    """A wrong gradient, and what is needed to try a hypothesis on it."""

    def __init__(self, check: Any, which: int):
        self.check, self.which = check, which
        self.function, self.upstream = check.function, check.upstream
        self.measured: Measured = check.measured[which]
        self.gradient: np.ndarray = check.claim.gradients[which]
        self.name = self.function.names[which]

    def explains(self, corrected: np.ndarray, measured: Measured | None = None) -> bool:
        """Whether backward's gradient, so corrected, is right; `measured` may hold other numbers than the true ones."""
        measured = measured or self.measured
        if corrected.shape != measured.shape or not np.isfinite(corrected).all():
            return False
        largest = max(measured.largest(), np.abs(corrected).max(initial=0))
        tolerance = self.check.tolerance_of(self.measured)
        return bool(largest) and measured.error(corrected, largest, tolerance) <= tolerance

    def at(self, values: list[np.ndarray]) -> Measured:
        """The derivative at other values, measured in the same way."""
        derivative = Derivative(self.function, self.upstream, self.which, values)
        return Measured(derivative, (self.measured.method,), self.check.rng)


def likely_cause(suspect: Suspect) -> str | None:
    """The first hypothesis that explains the wrong gradient, in words; None if none does, or if it holds NaN or inf."""
    if not np.isfinite(suspect.gradient).all():
        return None
    return next((text for hypothesis in HYPOTHESES for text in hypothesis(suspect)), None)


def not_written(suspect: Suspect) -> Iterator[str]:
    if suspect.which and np.array_equal(suspect.gradient, suspect.check.before[suspect.which - 1]):
        yield f"backward never writes self.grads[{suspect.name!r}]."


def added(suspect: Suspect) -> Iterator[str]:
    if suspect.which and suspect.explains(suspect.gradient - suspect.check.before[suspect.which - 1]):
        yield "it is added to what the array held before; backward must overwrite it."


def zero(suspect: Suspect) -> Iterator[str]:
    if not suspect.gradient.any():
        yield "it is 0 everywhere."


def updated_weights(suspect: Suspect) -> Iterator[str]:
    after = suspect.check.claim.values
    changed = [index for index in suspect.check.changed if index != 0]
    if not changed:
        return
    values = [suspect.function.values[0], *after[1:]]
    if suspect.explains(suspect.gradient, suspect.at(values)):
        names = ", ".join(suspect.function.names[index] for index in changed)
        yield f"it is computed from the updated weights: backward changes {names} before it uses the old value."


def remembered(suspect: Suspect) -> Iterator[str]:
    alone = suspect.check.claim_without_other_forward()
    if suspect.explains(alone.gradients[suspect.which]):
        yield (
            "it is computed from what the last forward left on the layer; between forward and backward there may be "
            "another forward. Whatever backward needs must travel in the cache."
        )


def sign(suspect: Suspect) -> Iterator[str]:
    if suspect.explains(-suspect.gradient):
        yield "every element has the wrong sign."


def factor(suspect: Suspect) -> Iterator[str]:
    claimed, true = suspect.measured.along(suspect.gradient), suspect.measured.numeric
    if not true.any():
        return
    ratio = float(claimed @ true / (true @ true))
    if not ratio or not suspect.explains(suspect.gradient / ratio):
        return
    size = max(abs(ratio), 1 / abs(ratio))
    names = [name for name, count in suspect.check.counts.items() if math.isclose(size, count, rel_tol=1e-6)]
    if not names and np.count_nonzero(true) < 2:
        return  # two single numbers always have a ratio
    off = f"every element is off by a factor equal to {' and '.join(names)}" if names else ""
    opposite = ", and has the wrong sign" if ratio < 0 else ""
    if names and abs(ratio) > 1:
        yield f"{off} ({size:.6g} times too large){opposite}: is 1/N missing?"
    elif names:
        yield f"{off} ({size:.6g} times too small){opposite}: is a mean taken where the sum is meant?"
    else:
        yield f"every element is off by the same factor, {ratio:.6g}."


def transposed(suspect: Suspect) -> Iterator[str]:
    rank = suspect.gradient.ndim
    for order in itertools.permutations(range(rank)) if rank <= 4 else ():
        if order != tuple(range(rank)) and suspect.explains(suspect.gradient.transpose(order)):
            yield "it is transposed." if rank == 2 else f"it is transposed: its axes stand in the order {order}."


def transposed_weight(suspect: Suspect) -> Iterator[str]:
    values = suspect.function.values
    for index, weight in enumerate(values):
        square = weight.ndim == 2 and weight.shape[0] == weight.shape[1]
        if index not in (0, suspect.which) and square:
            at = suspect.at([*values[:index], weight.T.copy(), *values[index + 1 :]])
            if suspect.explains(suspect.gradient, at):
                name = suspect.function.names[index]
                yield f"it is computed with {name} transposed, or with {name} where its transpose is meant."


def upstream_left_out(suspect: Suspect) -> Iterator[str]:
    gradient, upstream = suspect.gradient, suspect.upstream
    if suspect.function.loss is not None:
        upstream = upstream.reshape(*upstream.shape, *[1] * (gradient.ndim - upstream.ndim))
        if suspect.which == 0 and np.ptp(upstream) and suspect.explains(gradient * upstream):
            yield "the factors are left out: each value's gradient must be multiplied by its factor."
    elif gradient.shape == upstream.shape and suspect.explains(gradient * upstream):
        yield "dy is left out: backward must return dL/dx = dL/dy dy/dx, not dy/dx."


def wrong_axis(suspect: Suspect) -> Iterator[str]:
    """Compares the axes of y along which an entry of the array acts with those along which backward gathers dy."""
    y_shape = suspect.upstream.shape
    if suspect.function.loss is not None or suspect.gradient.size * suspect.upstream.size > SUPPORT:
        return
    matrix, gradient = suspect.check.backward_matrix(suspect.which), suspect.gradient.ravel()
    largest = np.abs(gradient).max(initial=0)
    if not np.allclose(matrix @ suspect.upstream.ravel(), gradient, rtol=0, atol=1e-9 * largest):
        return  # it is not linear in dy, so the matrix says nothing
    gathers = spanned(matrix, y_shape)
    acts = spanned(suspect.check.jacobian(suspect.which), y_shape)
    wrongly, missed = sorted(gathers - acts), sorted(acts - gathers)
    if wrongly and missed:
        yield f"summed over the wrong axis: dy is summed over {axes(wrongly)} where {axes(missed)} is meant."
    elif wrongly:
        yield f"summed over one axis too many: dy is summed over {axes(wrongly)} too."
    elif missed:
        yield f"a sum over {axes(missed)} of dy is missing."


def spanned(matrix: np.ndarray, y_shape: tuple[int, ...]) -> set[int]:
    """The axes of y along which some row of the matrix (one for each entry of the array) has several nonzeros."""
    rows = np.abs(matrix) > 1e-9 * np.abs(matrix).max(initial=0)
    spans = set()
    for row in rows.reshape(len(matrix), *y_shape):
        for axis in range(len(y_shape)):
            others = tuple(other for other in range(len(y_shape)) if other != axis)
            if row.any(axis=others).sum() > 1:
                spans.add(axis)
    return spans


def axes(numbers: list[int]) -> str:
    """[0, 1] as "axis 0 (the batch) and axis 1"."""
    return " and ".join(f"axis {number}{' (the batch)' if number == 0 else ''}" for number in numbers)


HYPOTHESES: list[Callable[[Suspect], Iterator[str]]] = [
    not_written,
    added,
    zero,
    updated_weights,
    remembered,
    sign,
    factor,
    transposed,
    transposed_weight,
    upstream_left_out,
    wrong_axis,
]
