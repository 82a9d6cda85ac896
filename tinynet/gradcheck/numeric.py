"""Derivatives without calculus, along directions.

The complex step: for an analytic f, Im f(a + ihv) / h is the derivative of f along v with an error of order h^2 and
without a subtraction, so that h = 1e-100 gives it to the last digits (Squire and Trapp, "Using complex variables to
estimate derivatives of real functions", SIAM Review 40, 1998). Away from their kinks maximum, clip and the like count
as analytic: NumPy compares complex numbers by their real parts.

Central differences, (f(a + hv) - f(a - hv)) / 2h, work for any f that is smooth near a. Their error is h^2 f'''/6 of
truncation and eps |f| / h of rounding; h = eps^(1/3) = 6e-6 balances the two near 1e-10.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from .function import Function

EPS = float(np.finfo("float64").eps)
COMPLEX_STEP = 1e-100
STEP = EPS ** (1 / 3)
# What may be left of an error relative to the largest gradient: rounding in sums of some thousand terms for the complex
# step; for differences, h^2/6 = 6e-12 times a third derivative of up to 100,000 times the gradient.
TOLERANCES = {"complex step": 1e-12, "central differences": 1e-6}


def refusal(function: Function) -> str | None:
    """Why the complex step cannot be taken: the forward pass does not work on complex arrays; None if it does."""
    expected = function(function.values)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            y = function(as_complex(function.values))
    except Exception as error:  # whatever the layer does with numbers that it does not expect
        return f"its forward pass does not work on complex numbers: {str(error) or type(error).__name__}"
    if y.dtype.kind != "c":
        return "its forward pass makes real numbers of complex ones"
    if not np.allclose(y.real, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(initial=0)):
        return "its forward pass gives other values for complex numbers"
    return None


def as_complex(values: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arrays as complex ones."""
    return [value.astype("complex128") for value in values]


class Derivative:
    """The derivative of L = sum(upstream * f) in one of f's arrays, by both methods."""

    def __init__(self, function: Function, upstream: np.ndarray, which: int, at: Sequence[np.ndarray] | None = None):
        self.function, self.upstream, self.which = function, upstream, which
        self.values = list(function.values if at is None else at)
        self.step = STEP * max(1.0, float(np.abs(self.values[which]).max(initial=0)))
        self.y: np.ndarray | None = None  # f at `values`, computed when differences first need it

    def _at(self, array: np.ndarray, values: list[np.ndarray]) -> np.ndarray:
        return self.function([*values[: self.which], array, *values[self.which + 1 :]])

    def by_complex_step(self, v: np.ndarray) -> float:
        """Along v, by the complex step."""
        values = as_complex(self.values)
        y = self._at(values[self.which] + 1j * COMPLEX_STEP * v, values)
        return float((self.upstream * y.imag).sum() / COMPLEX_STEP)

    def of_each_output(self, v: np.ndarray, method: str) -> np.ndarray:
        """Along v, the derivative of every entry of y."""
        values, h = self.values, self.step
        if method == "complex step":
            return self._at(values[self.which] + 1j * COMPLEX_STEP * v, as_complex(values)).imag / COMPLEX_STEP
        up, down = self._at(values[self.which] + h * v, values), self._at(values[self.which] - h * v, values)
        return (up - down) / (2 * h)

    def slopes(self, v: np.ndarray, share: float = 1.0) -> tuple[float, float]:
        """Along v, ahead and behind, over a share of the step; their mean is the central difference.

        y is subtracted before the sum is taken: so what does not depend on v leaves no rounding behind.
        """
        if self.y is None:
            self.y = self.function(self.values)
        array, h = self.values[self.which], self.step * share
        up, down = self._at(array + h * v, self.values), self._at(array - h * v, self.values)
        return float((self.upstream * (up - self.y)).sum() / h), float((self.upstream * (self.y - down)).sum() / h)

    def rounding(self) -> float:
        """How large the rounding of a difference may be: eps |f| / h, with numbers of size 1 at least inside f."""
        if self.y is None:
            self.y = self.function(self.values)
        upstream = np.abs(self.upstream)
        return EPS * float(max((upstream * np.abs(self.y)).sum(), upstream.max(initial=0))) / self.step
