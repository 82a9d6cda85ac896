"""Find derivatives along directions, without calculus.

The complex step: for an analytic f, Im f(a + ihv) / h is the derivative of f along v with an error of order h^2. There
is no subtraction, so h = 1e-100 gives it to the last digits (Squire and Trapp, "Using complex variables to estimate
derivatives of real functions", SIAM Review 40, 1998). Away from their kinks maximum, clip and the like count as
analytic: NumPy compares complex numbers by their real parts.

Central differences, (f(a + hv) - f(a - hv)) / 2h, work for any f that is smooth near a. Their error is h^2 f'''/6 of
truncation and eps |f| / h of rounding; h = eps^(1/3) = 6e-6 balances the two near 1e-10.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from .function import Function

EPS = float(np.finfo("float64").eps)
COMPLEX_STEP = 1e-100
# The errors, relative to the largest gradient, that count as rounding. The complex step leaves that of sums of some
# thousand terms; differences leave h^2/6 = 6e-12 times a third derivative of up to 100,000 times the gradient.
TOLERANCES = {"complex step": 1e-12, "central differences": 1e-6}


def refusal(function: Function) -> str | None:
    """Return the reason why the complex step cannot be taken, or None if forward works on complex arrays."""
    expected = function(function.values)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            y = function(as_complex(function.values))
    except Exception as error:  # a layer may do anything with numbers that it does not expect
        return f"its forward pass does not work on complex numbers: {str(error) or type(error).__name__}"
    if y.dtype.kind != "c":
        return "its forward pass makes real numbers of complex ones"
    if not largest(y.real - expected) <= 1e-9 * max(1, largest(expected)):
        return "its forward pass gives other values for complex numbers"
    return None


def largest(*arrays: np.ndarray) -> float:
    """Return the absolute value of the largest finite entry of all arrays, or 0 if there is none."""
    sizes = [np.abs(array[np.isfinite(array)]) for array in arrays]
    return max((float(size.max()) for size in sizes if size.size), default=0.0)


def as_complex(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the arrays as complex arrays."""
    return [value.astype("complex128") for value in values]


class Derivative:
    """The derivative of L = sum(upstream * f) with respect to one array of f, by both methods.

    Args:
        function: f.
        upstream: dL/df.
        which: The index of the array in `function.values`.
        at: The arrays at which the derivative is taken; `function.values` by default.
    """

    STEP = EPS ** (1 / 3)

    def __init__(self, function: Function, upstream: np.ndarray, which: int, at: Sequence[np.ndarray] | None = None):
        self.function, self.upstream, self.which = function, upstream, which
        self.values = list(function.values if at is None else at)

    def _moved(self, move: np.ndarray, values: list[np.ndarray] | None = None) -> list[np.ndarray]:
        """Return all arrays, with this one moved."""
        values = self.values if values is None else values
        return [*values[: self.which], values[self.which] + move, *values[self.which + 1 :]]

    def along(self, v: np.ndarray, method: str, h: float | None = None) -> float:
        """Return the derivative along v; h is the step of a difference.

        The values of y are subtracted before they are summed: entries that do not depend on v leave no rounding.
        """
        return float((self.upstream * self.of_each_output(v, method, h)).sum())

    def of_each_output(self, v: np.ndarray, method: str, h: float | None = None) -> np.ndarray:
        """Return the derivative of every entry of y along v; h is the step of a difference."""
        with np.errstate(all="ignore"):  # a step may leave the domain of f: it then agrees with no other number
            if method == "complex step":
                y = self.function(self._moved(1j * COMPLEX_STEP * v, as_complex(self.values)))
                return y.imag / COMPLEX_STEP
            return (self.function(self._moved(h * v)) - self.function(self._moved(-h * v))) / (2 * h)

    def bends(self, v: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray]:
        """Compare the slopes ahead and behind along v, for every number that a part of f returns.

        The numbers inside f are compared too, since two kinks may cancel in y.

        Returns:
            For every number, |ahead - behind| and |ahead| + |behind|.
        """
        with np.errstate(all="ignore"):
            up, here, down = (self.function.trace(self._moved(step * v)) for step in (h, 0.0, -h))
            ahead, behind = (up - here) / h, (here - down) / h
        return np.abs(ahead - behind), np.abs(ahead) + np.abs(behind)

    def rounding(self, method: str) -> float:
        """Return the largest rounding in a derivative of L: for differences it is divided by their step."""
        if method == "complex step":
            return 4 * EPS * largest(self.upstream) * max(1.0, largest(*self.values))
        return 10 * EPS * max(self._size, largest(self.upstream)) / self.STEP

    @cached_property
    def _size(self) -> float:
        """Return the sum of all |upstream * f|."""
        return float(np.abs(self.upstream * self.function(self.values)).sum())
