"""Find the likely cause of a wrong gradient. A hypothesis is named only if it explains every number.

Each hypothesis is tried out. It corrects the gradient from backward (the opposite sign, another factor, transposed), or
it changes the question that backward answered (the gradient at the updated weights, or with a weight transposed). If
the numbers then agree to the last digits that the method gives, that is the cause. Otherwise no cause is named.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .measure import Measured, units
from .numeric import Derivative, largest

PASSES = 2000  # at most so many forward and backward passes to look for the axes of a sum


class Suspect:
    """A wrong gradient, with everything needed to try a hypothesis on it."""

    def __init__(self, check: Any, which: int):
        self.check, self.which = check, which
        self.function, self.upstream = check.function, check.upstream
        self.measured: Measured = check.measured[which]
        self.gradient: np.ndarray = check.claim.gradients[which]
        self.name = self.function.names[which]

    def explains(self, corrected: np.ndarray, measured: Measured | None = None) -> bool:
        """Tell whether the gradient is right after this correction; `measured` replaces the true numbers."""
        measured = measured or self.measured
        if corrected.shape != measured.shape or not np.isfinite(corrected).all():
            return False
        size, tolerance = max(measured.largest(), largest(corrected)), self.check.tolerance_of(self.measured)
        return measured.error(corrected, size, tolerance) <= tolerance

    def follows_the_batch(self, ratio: float) -> bool:
        """Tell whether this factor changes with the batch size, when one sample is left out.

        A factor of 2 may be equal to the batch size by chance.
        """
        check, samples = self.check, len(self.function.values[0])
        if samples < 2:
            return False
        fewer = self.function.first(samples - 1)
        y_shape = fewer(fewer.values).shape
        if np.ndim(check.factors):
            factors = check.factors[: samples - 1]
        else:
            factors = check.factors * self.upstream.size / math.prod(y_shape)  # 1/N, for the new N
        gradient = fewer.backward(factors, check.before).gradients[self.which]
        derivative = Derivative(fewer, np.broadcast_to(np.asarray(factors, dtype="float64"), y_shape), self.which)
        now = ratio_of(Measured(derivative, (self.measured.method,), check.rng), gradient)
        power = 1 if abs(ratio) > 1 else -1
        return math.isclose(now / ratio, ((samples - 1) / samples) ** power, rel_tol=1e-6)

    def backward_matrix(self) -> np.ndarray:
        """Return the weight of each entry of dy, a column, in each entry of backward's gradient, a row."""
        claims = [self.function.backward(v, self.check.before) for v in units(self.upstream.shape)]
        return np.array([claim.gradients[self.which].ravel() for claim in claims]).T

    def jacobian(self) -> np.ndarray:
        """Return the derivative of each entry of y, a column, with respect to each entry of the array, a row."""
        derivative, method = self.measured.derivative, self.measured.method
        rows = [derivative.of_each_output(v, method, derivative.STEP).ravel() for v in units(self.gradient.shape)]
        return np.array(rows)

    def at(self, values: list[np.ndarray]) -> Measured:
        """Measure the derivative in the same way at other values."""
        derivative = Derivative(self.function, self.upstream, self.which, values)
        return Measured(derivative, (self.measured.method,), self.check.rng)


def likely_cause(suspect: Suspect) -> str | None:
    """Return the first hypothesis that explains the wrong gradient, in words, or None."""
    if not np.isfinite(suspect.gradient).all():
        return "it holds NaN or infinity; was every entry written?"
    return next((text for hypothesis in HYPOTHESES for text in hypothesis(suspect)), None)


# ---- hypotheses ---------------------------------------------------------------------------------------------------
# Each yields its words if it explains the gradient.


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
    function, after = suspect.function, suspect.check.claim.values
    changed = [function.names[index] for index in suspect.check.changed if index != 0]
    if changed and suspect.explains(suspect.gradient, suspect.at([function.values[0], *after[1:]])):
        names = ", ".join(changed)
        yield f"it is computed from the updated weights: backward changes {names} before it uses the old value."


def remembered(suspect: Suspect) -> Iterator[str]:
    alone = suspect.check.claimed(meanwhile=False)
    if suspect.explains(alone.gradients[suspect.which]):
        yield (
            "it is computed from what the last forward left on the layer; between forward and backward there may be "
            "another forward. Whatever backward needs must travel in the cache."
        )


def sign(suspect: Suspect) -> Iterator[str]:
    if suspect.explains(-suspect.gradient):
        yield "every element has the wrong sign."


def factor(suspect: Suspect) -> Iterator[str]:
    ratio = ratio_of(suspect.measured, suspect.gradient)
    if not ratio or not suspect.explains(suspect.gradient / ratio):
        return
    size = max(abs(ratio), 1 / abs(ratio))
    names = [name for name, count in suspect.check.counts.items() if math.isclose(size, count, rel_tol=1e-6)]
    opposite = ", and has the wrong sign" if ratio < 0 else ""
    if names and suspect.follows_the_batch(ratio):
        off = f"every element is off by a factor equal to {' and '.join(names)}"
        if abs(ratio) > 1:
            yield f"{off} ({size:.6g} times too large){opposite}: is 1/N missing?"
        else:
            yield f"{off} ({size:.6g} times too small){opposite}: is a mean taken where the sum is meant?"
    elif np.count_nonzero(suspect.measured.numeric) > 1:  # a single number always has a ratio to another
        yield f"every element is off by the same factor, {ratio:.9g}."


def ratio_of(measured: Measured, gradient: np.ndarray) -> float:
    """Return the c for which c times the true gradient is nearest to this one; 0 if that is 0 or not finite."""
    claimed, true = measured.along(gradient), measured.numeric
    square = float(true @ true)
    return float(claimed @ true) / square if square and math.isfinite(square) else 0.0


def transposed(suspect: Suspect) -> Iterator[str]:
    rank = suspect.gradient.ndim
    for order in itertools.permutations(range(rank)):
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


def exchanged(suspect: Suspect) -> Iterator[str]:
    check = suspect.check
    for index, (other, measured) in enumerate(zip(check.claim.gradients, check.measured, strict=True)):
        if index != suspect.which and suspect.explains(other) and suspect.explains(suspect.gradient, measured):
            yield f"the gradient of {suspect.function.names[index]} is the right one here: the two are exchanged."


def upstream_left_out(suspect: Suspect) -> Iterator[str]:
    twice = suspect.function.backward(2 * suspect.check.factors, suspect.check.before).gradients[suspect.which]
    if np.array_equal(twice, suspect.gradient):
        if suspect.function.loss is not None:
            yield "the factors are left out: each value's gradient must be multiplied by its factor."
        else:
            yield "dy is left out: backward must return dL/dx = dL/dy dy/dx, and so for the weights, not dy/dx."


def wrong_axis(suspect: Suspect) -> Iterator[str]:
    """Compare the Jacobian with the weights of dy in backward's gradient.

    Both are matrices, and for a right backward they are equal. After a sum over a wrong axis they are equal where
    neither is 0, and they differ by whole axes of y along which only one of them is not 0.
    """
    y_shape, size = suspect.upstream.shape, suspect.gradient.size
    if size + suspect.upstream.size > PASSES:
        return
    gathers, acts = suspect.backward_matrix(), suspect.jacobian()
    both, rounding = (gathers != 0) & (acts != 0), 1e-6 * largest(acts)
    linear = largest(gathers @ suspect.upstream.ravel() - suspect.gradient.ravel()) <= rounding
    if not linear or not both.any() or largest(gathers[both] - acts[both]) > rounding:
        return
    sums, meant = spanned(gathers != 0, y_shape), spanned(acts != 0, y_shape)
    wrongly, missed = sorted(sums.keys() - meant), sorted(meant.keys() - sums)
    whole = all(whole for axis, whole in [*sums.items(), *meant.items()] if axis in (*wrongly, *missed))
    if not whole or len(wrongly) > 1 or len(missed) > 1:
        return
    if wrongly and missed:
        yield f"summed over the wrong axis: dy is summed over {axes(wrongly)} where {axes(missed)} is meant."
    elif wrongly:
        yield f"summed over one axis too many: dy is summed over {axes(wrongly)} too."
    elif missed:
        yield f"a sum over {axes(missed)} of dy is missing."


def spanned(nonzero: np.ndarray, y_shape: tuple[int, ...]) -> dict[int, bool]:
    """Return the axes of y along which some row has several nonzeros, each with whether all rows fill the axis."""
    rows = nonzero[nonzero.any(axis=1)].reshape(-1, *y_shape)
    result = {}
    for axis, size in enumerate(y_shape):
        others = tuple(other + 1 for other in range(len(y_shape)) if other != axis)
        counts = rows.any(axis=others).sum(axis=1)
        if (counts > 1).any():
            result[axis] = size > 2 and bool((counts == size).all())
    return result


def axes(numbers: list[int]) -> str:
    """Write [0, 1] as "axis 0 (the batch) and axis 1"."""
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
    exchanged,
    upstream_left_out,
    wrong_axis,
]
