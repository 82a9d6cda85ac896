"""One gradient check: measure every derivative, hold the gradients that backward claims against them, report."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import number
from .causes import Suspect, likely_cause
from .function import Claim, Function
from .measure import Measured, units
from .numeric import TOLERANCES, Derivative, refusal
from .report import GradientError, Report, Row


class Check:
    """One check under way: the function, what its backward claims, what was measured, and the report on it."""

    def __init__(
        self,
        function: Function,
        subject: str,
        methods: tuple[str, ...],
        tolerance: float | None,
        rng: np.random.Generator,
    ):
        self.function, self.methods, self.rng = function, methods, rng
        self.tolerance = None if tolerance is None else number("tolerance", tolerance, least=0)
        self.report = Report(subject)

    def run(self, draw: Callable[..., Any]) -> None:
        """Measure and judge every gradient; `draw(size=shape)` gives dL/dy, an array of that shape or a number."""
        function, report = self.function, self.report
        y = self._forward_twice()
        self.factors = draw(size=y.shape)
        self.upstream = np.broadcast_to(np.asarray(self.factors, dtype="float64"), y.shape)
        self.counts = self._counts(y.shape)
        self.before = [self.rng.normal(size=value.shape) for value in function.values[1:]]
        self.claim = self._claim(meanwhile=True)
        self._compare_values()
        self._compare_without_dx()
        methods = self._possible(self.methods)
        self.measured = [
            Measured(Derivative(function, self.upstream, which), methods, self.rng)
            for which in range(len(function.values))
        ]
        finite = [gradient[np.isfinite(gradient)] for gradient in self.claim.gradients]
        largest = [np.abs(gradient).max(initial=0) for gradient in finite]
        self.largest = float(max(*largest, *(measured.largest() for measured in self.measured)))
        report.scale = self.largest
        for measured, gradient in zip(self.measured, self.claim.gradients, strict=True):
            measured.settle(gradient, self.largest, self.tolerance)
        report.rows = [self._row(which) for which in range(len(function.values))]
        self.met_kinks = any(measured.kinks or measured.near_kinks for measured in self.measured)
        self._remark()

    def finished(self) -> Report:
        """The report, if all is well; else GradientError."""
        if not self.report.passed:
            raise GradientError(self.report)
        return self.report

    def tolerance_of(self, measured: Measured) -> float:
        """The error that counts as rounding."""
        return TOLERANCES[measured.method] if self.tolerance is None else self.tolerance

    # ---- what else may be wrong -------------------------------------------------------------------------------

    def _forward_twice(self) -> np.ndarray:
        function = self.function
        y, again = function(function.values), function(function.values)
        if y.dtype != np.float64:
            raise ValueError(
                f"{self.report.subject} cannot be checked: forward gives {y.dtype} for inputs and weights in float64. "
                "Operations must keep the dtype that they are given."
            )
        if not np.isfinite(y).all():
            raise ValueError(
                f"{self.report.subject} cannot be checked there: forward gives NaN or inf. Pass inputs at which it is "
                "finite."
            )
        if not np.array_equal(y, again):
            self.report.problems.append("forward gives other results when it is called again with the same inputs.")
        return y

    def _claim(self, meanwhile: bool) -> Claim:
        x = self.function.values[0]
        claim = self.function.backward(self.factors, self.before, np.roll(x, 1) if meanwhile else None)
        for value, gradient, name in zip(self.function.values, claim.gradients, self.function.names, strict=True):
            if np.shape(gradient) != value.shape:
                raise GradientError(self._misshapen(name, np.shape(gradient), value.shape))
        return claim

    def _misshapen(self, name: str, got: tuple[int, ...], expected: tuple[int, ...]) -> Report:
        turned = " It is transposed." if got == expected[::-1] else ""
        self.report.problems.append(f"the gradient of {name} has shape {got}, but {name} has {expected}.{turned}")
        return self.report

    def claim_without_other_forward(self) -> Claim:
        """The gradients when backward follows its forward at once."""
        return self._claim(meanwhile=False)

    def _compare_values(self) -> None:
        pairs = enumerate(zip(self.function.values, self.claim.values, strict=True))
        self.changed = [index for index, (before, after) in pairs if not np.array_equal(before, after)]
        for index in self.changed:
            name = self.function.names[index]
            if index == 0:
                self.report.problems.append("forward or backward write into their inputs; they must leave them alone.")
            else:
                self.report.problems.append(f"backward changes the weight {name}; that is the optimizer's work.")

    def _compare_without_dx(self) -> None:
        """Training asks the first layer for no dx: the gradients of the weights must not depend on that."""
        short = self.function.backward(self.factors, self.before, need_dx=False)
        for index, (one, other) in enumerate(zip(self.claim.gradients[1:], short.gradients[1:], strict=True), 1):
            scale = np.abs(one[np.isfinite(one)]).max(initial=0)
            if not np.allclose(one, other, rtol=0, atol=1e-9 * scale, equal_nan=True):
                name = self.function.names[index]
                self.report.problems.append(f"with need_dx=False backward gives another gradient of {name}.")

    def compare_scalar_factor(self) -> None:
        """Training gives a loss one number as the factor of all values."""
        one = self.function.backward(0.5, [])
        all_ = self.function.backward(np.full(self.upstream.shape, 0.5), [])
        if not np.allclose(one.gradients[0], all_.gradients[0], rtol=1e-12, atol=0, equal_nan=True):
            self.report.problems.append("with a number as factors backward gives another gradient than with an array.")

    # ---- judging ----------------------------------------------------------------------------------------------

    def _possible(self, methods: tuple[str, ...]) -> tuple[str, ...]:
        if "complex step" not in methods:
            return methods
        why = refusal(self.function)
        if why is None:
            return methods
        if len(methods) == 1:
            raise ValueError(f"The complex step cannot be taken through {self.report.subject}: {why}.")
        self.report.notes.append(f"central differences alone, since the complex step cannot be taken: {why}.")
        return ("central differences",)

    def _row(self, which: int) -> Row:
        function, measured, gradient = self.function, self.measured[which], self.claim.gradients[which]
        tolerance = self.tolerance_of(measured)
        row = Row(
            layer=function.owners[which],
            parameter=function.names[which],
            error=measured.error(gradient, self.largest, tolerance),
            tolerance=tolerance,
            method=measured.method,
            checked=len(measured.directions),
            whole=measured.entries,
            kinks=len(measured.kinks),
        )
        if len(measured.kinks) < gradient.size and (measured.entries or not row.passed):
            scale = measured.scale(self.largest, tolerance)
            index, row.numeric = measured.worst(gradient, scale, self.rng)
            row.index, row.analytic = tuple(map(int, index)), float(gradient[index])
        if row.error > row.tolerance:
            row.cause = likely_cause(Suspect(self, which))
        return row

    def _remark(self) -> None:
        """Note what a reader of the report should know."""
        for row, measured in zip(self.report.rows, self.measured, strict=True):
            if measured.complex is not None and measured.method != "complex step":
                self.report.notes.append(
                    f"of {row.label} the two methods find other derivatives, so the forward pass is not analytic (it "
                    "may take an absolute value, or the real part); the differences are believed."
                )
            scale = measured.scale(self.largest, row.tolerance)
            if scale > self.largest > 0:
                self.report.notes.append(
                    f"all gradients are small beside the numbers that they come from. The error of {row.label} is "
                    f"relative to {scale:.2g}, below which rounding alone would be more than the tolerance."
                )
            if row.kinks == row.checked > 0:
                self.report.problems.append(f"all of {row.label} lies at a kink and is not checked; pass other inputs.")

    def _counts(self, y_shape: tuple[int, ...]) -> dict[str, int]:
        """The sizes that a factor may be equal to, by name."""
        sizes = {"the batch size": y_shape[0]}
        sizes |= {f"the size of axis {axis} of the outputs": n for axis, n in enumerate(y_shape[1:], 1)}
        for name, n in (("the number of rows", math.prod(y_shape[:-1])), ("the number of values", math.prod(y_shape))):
            if n not in sizes.values():
                sizes[name] = n
        return {name: n for name, n in sizes.items() if n > 1}

    def backward_matrix(self, which: int) -> np.ndarray:
        """d gradient / d dy: what each entry of the gradient gathers from each entry of dy."""
        columns = [self.function.backward(v, self.before).gradients[which].ravel() for v in units(self.upstream.shape)]
        return np.array(columns).T

    def jacobian(self, which: int) -> np.ndarray:
        """(dy / d array) transposed: how each entry of the array acts on each entry of y."""
        rows = []
        for v in units(self.function.values[which].shape):
            derivative = Derivative(self.function, np.ones(self.upstream.shape), which)
            rows.append(derivative.of_each_output(v, self.measured[which].method).ravel())
        return np.array(rows)

    def parts_that_fail(self) -> list[Report]:
        """The reports of those parts of a chain that fail by themselves, at the inputs that they have in it."""
        function, reports = self.function, []
        function(function.values)  # measuring has left other weights in the layers
        x = function.values[0]
        for part in [*function.parts, function.loss]:
            loss = part is function.loss
            alone = Function([], x, part, function.labels) if loss else Function([part], x, training=function.training)
            subject = f"{f'the loss {part.name}' if loss else f'{type(part).__name__} {part.name!r}'}, inputs {x.shape}"
            check = Check(alone, subject, self.methods, self.tolerance, self.rng)
            with contextlib.suppress(GradientError):  # a gradient of the wrong shape: the report says so
                check.run(self.rng.normal)
            if not check.report.passed:
                reports.append(check.report)
            x = alone(alone.values)
        return reports
