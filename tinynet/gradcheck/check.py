"""Run one gradient check: measure every derivative, compare the gradients from backward with them, and report."""

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
    """A check in progress: the function, the gradients that its backward claims, the measured ones, and the report.

    Args:
        function: The layer, model or loss as a function of arrays.
        subject: Its name in the report.
        methods: The methods to use, of METHODS in measure.py.
        tolerance: The error that counts as rounding; None for that of the method.
        rng: The generator of all random numbers.
    """

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
        """Measure and judge every gradient.

        Args:
            draw: `draw(size=shape)` returns dL/dy, an array of that shape or a number.

        Raises:
            GradientError: A fault was found that makes it pointless to go on.
            ValueError: The function cannot be checked.
        """
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
        """Tell whether some entries had to be left out."""
        return any(row.kinks for row in self.report.rows)

    def finished(self) -> Report:
        """Return the report if it has no faults. Otherwise raise GradientError."""
        if not self.report.passed:
            raise GradientError(self.report)
        return self.report

    def tolerance_of(self, measured: Measured) -> float:
        """Return the error that counts as rounding."""
        return TOLERANCES[measured.method] if self.tolerance is None else self.tolerance

    # ---- faults other than a wrong gradient -------------------------------------------------------------------

    def _forward_twice(self) -> np.ndarray:
        """Return y. Raise an error if y cannot be checked or changes from call to call."""
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
        """Raise ValueError if all outputs of some part are numbers of float32, and they change with the input."""
        x, *weights = self.function.values
        moves = np.random.default_rng(0).uniform(0.99, 1.01, (2, *x.shape))
        near, far = (self.function.outputs([x * move, *weights]) for move in moves)
        for part, output, other in zip([*self.function.parts, self.function.loss], near, far, strict=False):
            moved = output != other
            with np.errstate(all="ignore"):
                single = all(np.array_equal(array, array.astype("float32")) for array in (output, other))
            if single and (output[moved] % 1).any():
                raise ValueError(
                    f"{self.report.subject} cannot be checked: {type(part).__name__}.forward rounds to float32, while "
                    "its inputs are float64. Give its buffers the dtype of the inputs: np.zeros(shape, dtype=x.dtype)."
                )

    def claimed(self, meanwhile: bool) -> Claim:
        """Return the gradients from backward. Raise GradientError if their shapes or dtypes are wrong.

        With `meanwhile` another forward comes between forward and backward.
        """
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
        """Report the inputs, weights and statistics that forward or backward has changed."""
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
        """Report gradients of weights that depend on need_dx: training asks the first layer for no dx."""
        meanwhile = other_inputs(self.function.values[0])
        short = self.function.backward(self.factors, self.before, meanwhile, need_dx=False)
        for index, measured in enumerate(self.measured[1:], 1):
            scale = measured.scale(self.largest, self.tolerance_of(measured))
            if largest(self.claim.gradients[index] - short.gradients[index]) > self.tolerance_of(measured) * scale:
                label = f"{self.function.owners[index]}.{self.function.names[index]}"
                self.report.problems.append(f"with need_dx=False backward gives another gradient of {label}.")

    def compare_scalar_factor(self) -> None:
        """Report a gradient that differs for one number as the factor of all values, as in training."""
        by_number = self.function.backward(0.5, []).gradients[0]
        by_array = self.function.backward(np.full(self.upstream.shape, 0.5), []).gradients[0]
        if largest(by_number - by_array) > 1e-12 * largest(by_array):
            self.report.problems.append("with a number as factors backward gives another gradient than with an array.")

    # ---- judging ----------------------------------------------------------------------------------------------

    def _possible(self, methods: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the methods that can be used on the function."""
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
        """Return the row of one gradient in the report."""
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
            at_index = abs(row.analytic - row.numeric) / scale
            row.error = at_index if at_index > tolerance else row.error  # before: the error along a direction
        if row.error > row.tolerance:
            row.cause = likely_cause(Suspect(self, which))
        return row

    def _remark(self) -> None:
        """Add notes on the limits of the check."""
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
            size = max(largest(gradient), measured.largest())
            if row.passed and 0 < size <= row.tolerance * scale:
                notes.append(f"of {row.label} no more is shown than that it is tiny, {size:.1g} at most.")
            if row.kinks == row.checked > 0:
                notes.append(f"all of {row.label} lies at a kink and is not checked; pass other inputs.")

    def _counts(self, y_shape: tuple[int, ...]) -> dict[str, int]:
        """Return the sizes that grow with the batch, by name."""
        sizes = {"the batch size": y_shape[0]}
        for name, n in (("the number of rows", math.prod(y_shape[:-1])), ("the number of values", math.prod(y_shape))):
            if n not in sizes.values():
                sizes[name] = n
        return {name: n for name, n in sizes.items() if n > 1}

    def check_parts(self) -> None:
        """Check every part of a chain, and the loss, by itself at the inputs that it has in the chain.

        This finds errors where the gradient of the whole is too small to show them, and tells their place.
        """
        function = self.function
        function(function.values)  # sets the weights: measuring has left others in the layers
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
            except GradientError as error:  # nothing could be measured: its gradient has another shape, say
                self.report.parts.append(error.report)
            except Exception as error:
                self.report.notes.append(f"{subject}: could not be checked by itself: {error}")
            else:
                if check.report.problems or any(row.error > row.tolerance for row in check.report.rows):
                    self.report.parts.append(check.report)
            x = alone(alone.values)


def other_inputs(x: np.ndarray) -> np.ndarray:
    """Return other inputs of the same kind: the samples in another order, or a single sample made smaller."""
    return np.roll(x, 1, axis=0) if len(x) > 1 else 0.9 * x
