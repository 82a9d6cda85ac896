"""One gradient check: measure every derivative, hold the gradients that backward claims against them, report."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .causes import Suspect, likely_cause
from .function import Claim, Function
from .measure import ENTRIES, Measured
from .numeric import TOLERANCES, Derivative, largest, refusal
from .report import GradientError, Report, Row


class NotFiniteError(ValueError):
    """The forward pass gives NaN or inf."""


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
        self.tolerance = tolerance
        self.report = Report(subject)

    def run(self, draw: Callable[..., Any]) -> None:
        """Measure and judge every gradient; `draw(size=shape)` gives dL/dy, an array of that shape or a number."""
        function, report = self.function, self.report
        self.y = y = self._forward_twice()
        self.factors = draw(size=y.shape)
        self.upstream = np.broadcast_to(np.asarray(self.factors, dtype="float64"), y.shape)
        self.counts = self._counts(y.shape)
        self.before = [self.rng.normal(size=value.shape) for value in function.values[1:]]
        self.claim = self.claimed(meanwhile=True)
        self._compare_values()
        self.methods = self._possible(self.methods)
        derivatives = [Derivative(function, self.upstream, which) for which in range(len(function.values))]
        self.measured = [Measured(derivative, self.methods, self.rng) for derivative in derivatives]
        found = [measured.largest() for measured in self.measured]
        report.scale = self.largest = max(largest(*self.claim.gradients), *found)
        for which, gradient in enumerate(self.claim.gradients):
            if not self.measured[which].settle(gradient, self.largest, self.tolerance):
                some = np.sort(self.rng.permutation(gradient.size)[:ENTRIES])
                self.measured[which] = Measured(derivatives[which], self.methods, self.rng, some)
                self.measured[which].settle(gradient, self.largest, self.tolerance)
        self._compare_without_dx()
        report.rows = [self._row(which) for which in range(len(function.values))]
        self._remark()

    @property
    def met_kinks(self) -> bool:
        """Whether something had to be left out."""
        return any(row.kinks for row in self.report.rows)

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
        function, subject = self.function, self.report.subject
        y, again = function(function.values), function(function.values)
        if y.ndim == 0 or y.size == 0:
            raise ValueError(f"{subject} cannot be checked: forward gives shape {y.shape}, without a batch of samples.")
        if y.dtype != np.float64:
            raise ValueError(
                f"{subject} cannot be checked: forward gives {y.dtype} for inputs and weights in float64. Operations "
                "must keep the dtype that they are given."
            )
        if not np.isfinite(y).all():
            raise NotFiniteError(
                f"{subject} cannot be checked there: forward gives NaN or inf. Pass inputs at which it is finite."
            )
        if not np.array_equal(y, again):
            self.report.problems.append(
                "forward gives other results when it is called again with the same inputs. If it draws random numbers, "
                "set random = True in the class and take them from the generator that forward(x, training, rng) is "
                "given, or from a np.random.Generator that is an attribute of the layer: both are set back before each "
                "call. Or check with training=False."
            )
            raise GradientError(self.report)
        self._look_for_rounding()
        return y

    def _look_for_rounding(self) -> None:
        """ValueError if all numbers that some part gives out are those of float32, and they change with the input."""
        x, *weights = self.function.values
        moves = np.random.default_rng(0).uniform(0.99, 1.01, (2, *x.shape))
        near, far = (self.function.outputs([x * move, *weights]) for move in moves)
        for part, one, other in zip([*self.function.parts, self.function.loss], near, far, strict=False):
            moved = one != other
            with np.errstate(all="ignore"):
                single = all(np.array_equal(output, output.astype("float32")) for output in (one, other))
            if single and (one[moved] % 1).any():
                raise ValueError(
                    f"{self.report.subject} cannot be checked: {type(part).__name__}.forward rounds to float32, while "
                    "its inputs are float64. Give its buffers the dtype of the inputs: np.zeros(shape, dtype=x.dtype)."
                )

    def claimed(self, meanwhile: bool) -> Claim:
        """What backward gives, with another forward between its own and it or without; GradientError if misshapen."""
        function, problems = self.function, []
        claim = function.backward(self.factors, self.before, other_inputs(function.values[0]) if meanwhile else None)
        for value, gradient, name in zip(function.values, claim.gradients, function.names, strict=True):
            if gradient.shape != value.shape:
                turned = " It is transposed." if gradient.shape == value.shape[::-1] else ""
                problems.append(f"the gradient of {name} has shape {gradient.shape}, not {value.shape}.{turned}")
            elif gradient.dtype != np.float64:
                problems.append(f"the gradient of {name} is {gradient.dtype}, where all else is float64.")
        if problems:
            self.report.problems += problems
            raise GradientError(self.report)
        return claim

    def _compare_values(self) -> None:
        for name, before, after in zip(
            self.function.names[1:], self.function.values[1:], self.claim.forward_weights, strict=True
        ):
            if not np.array_equal(before, after):
                self.report.problems.append(f"forward changes the weight {name}.")
                raise GradientError(self.report)
        for name in self.claim.changed_statistics:
            self.report.problems.append(f"forward or backward change the statistic {name}; after_step(cache) may.")
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
        meanwhile = other_inputs(self.function.values[0])
        short = self.function.backward(self.factors, self.before, meanwhile, need_dx=False)
        for index, measured in enumerate(self.measured[1:], 1):
            scale = measured.scale(self.largest, self.tolerance_of(measured))
            if largest(self.claim.gradients[index] - short.gradients[index]) > self.tolerance_of(measured) * scale:
                label = f"{self.function.owners[index]}.{self.function.names[index]}"
                self.report.problems.append(f"with need_dx=False backward gives another gradient of {label}.")

    def compare_scalar_factor(self) -> None:
        """Training gives a loss one number as the factor of all values."""
        one = self.function.backward(0.5, []).gradients[0]
        other = self.function.backward(np.full(self.upstream.shape, 0.5), []).gradients[0]
        if largest(one - other) > 1e-12 * largest(other):
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
            size=gradient.size,
            checked=measured.count,
            whole=measured.entries is not None,
            kinks=len(measured.kinks),
        )
        if len(measured.kinks) < measured.count and (row.whole or not row.passed):
            scale = measured.scale(self.largest, tolerance)
            index, row.numeric = measured.worst(gradient, scale, self.rng)
            row.index, row.analytic = tuple(map(int, index)), float(gradient[index])
            there = abs(row.analytic - row.numeric) / scale
            row.error = there if there > tolerance else row.error  # along a direction it was that of all entries
        if row.error > row.tolerance:
            row.cause = likely_cause(Suspect(self, which))
        return row

    def _remark(self) -> None:
        """Note what a reader of the report should know."""
        notes = self.report.notes
        if self.methods == ("complex step",):
            notes.append("by the complex step alone, right and wrong mean nothing if forward is not analytic.")
        if not self.largest:
            notes.append("all gradients are 0 here, and nothing else is shown.")
        for row, measured, gradient in zip(self.report.rows, self.measured, self.claim.gradients, strict=True):
            if measured.complex is not None and measured.method != "complex step":
                notes.append(
                    f"of {row.label} the two methods find other derivatives, so the forward pass is not analytic (it "
                    "may take an absolute value, or the real part); the differences are believed."
                )
            scale = measured.scale(self.largest, row.tolerance)
            if scale > self.largest > 0:
                notes.append(
                    f"all gradients are small beside the numbers that they come from. The error of {row.label} is "
                    f"relative to {scale:.2g}, below which rounding alone would be more than the tolerance."
                )
            own = max(largest(gradient), measured.largest())
            if row.passed and 0 < own <= row.tolerance * scale:
                notes.append(f"of {row.label} no more is shown than that it is tiny, {own:.1g} at most.")
            if row.kinks == row.checked > 0:
                notes.append(f"all of {row.label} lies at a kink and is not checked; pass other inputs.")

    def _counts(self, y_shape: tuple[int, ...]) -> dict[str, int]:
        """The sizes that grow with the batch, by name."""
        sizes = {"the batch size": y_shape[0]}
        for name, n in (("the number of rows", math.prod(y_shape[:-1])), ("the number of values", math.prod(y_shape))):
            if n not in sizes.values():
                sizes[name] = n
        return {name: n for name, n in sizes.items() if n > 1}

    def check_parts(self) -> None:
        """Check every part of a chain, and the loss, by itself too, at the inputs that it has in the chain.

        So an error is found where the gradient has become too small to show it, and known by its place.
        """
        function = self.function
        function(function.values)  # measuring has left other weights in the layers
        x = function.values[0]
        for part in [*function.parts, function.loss]:
            if part is function.loss:
                alone, subject = Function([], x, part, function.labels), f"the loss {part.name}, inputs {x.shape}"
            else:
                alone = Function([part], x, training=function.training)
                subject = f"{type(part).__name__} '{part.name}', inputs {x.shape}"
            check = Check(alone, subject, self.methods, self.tolerance, self.rng)
            try:
                check.run(self.rng.normal)
            except GradientError as error:  # its gradient has another shape, say, so that there is nothing to measure
                self.report.parts.append(error.report)
            except Exception as error:
                self.report.notes.append(f"{subject}: could not be checked by itself: {error}")
            else:
                if check.report.problems or any(row.error > row.tolerance for row in check.report.rows):
                    self.report.parts.append(check.report)
            x = alone(alone.values)


def other_inputs(x: np.ndarray) -> np.ndarray:
    """Inputs of the same kind: the samples in another order, or a single one made smaller."""
    return np.roll(x, 1, axis=0) if len(x) > 1 else 0.9 * x
