"""Losses for real numbers: mean squared error, mean absolute error and Huber's.

Shapes: labels t and outputs p (B, ..., K), values (B, ...). Labels (B, ...) are taken as (B, ..., 1).
With d = p - t each value is the mean of f(d) over the last axis, and its gradient is f'(d) / K.
"""

from __future__ import annotations

from typing import Any

from ..arguments import number
from ..backend import xp_of
from .base import Loss, for_entries, mean_of_last
from .labels import check_like_outputs


class RegressionLoss(Loss):
    """Base class of these losses. A subclass defines f as `of(d)` and f' as `slope(d)`."""

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_like_outputs(labels, output_shape)

    def of(self, d: Any) -> Any:
        """Return f(d), entry by entry."""
        raise TypeError(f"{type(self).__name__} must define of(d).")

    def slope(self, d: Any) -> Any:
        """Return f'(d), entry by entry."""
        raise TypeError(f"{type(self).__name__} must define slope(d).")

    def forward(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
        d = outputs - labels
        return mean_of_last(self.of(d)), d

    def backward(self, labels: Any, cache: Any, factors: Any) -> Any:
        return self.slope(cache) * for_entries(factors, cache)


class MeanSquaredError(RegressionLoss):
    """Mean squared error: f(d) = d^2, f'(d) = 2 d.

    Args:
        reduction: How values become one number. See Loss.
        name: Name of the loss.
    """

    name = "mean_squared_error"

    def of(self, d: Any) -> Any:
        return d * d

    def slope(self, d: Any) -> Any:
        return 2 * d


class MeanAbsoluteError(RegressionLoss):
    """Mean absolute error: f(d) = |d|, f'(d) = sign d. At d = 0, where there is no derivative, it is taken as 0.

    Args:
        reduction: How values become one number. See Loss.
        name: Name of the loss.
    """

    name = "mean_absolute_error"

    def of(self, d: Any) -> Any:
        return xp_of(d).maximum(d, -d)

    def slope(self, d: Any) -> Any:
        return xp_of(d).sign(d)


class Huber(RegressionLoss):
    """Huber's loss: f(d) = d^2 / 2 where |d| <= delta, else delta |d| - delta^2 / 2.

    f'(d) = d, clipped to [-delta, delta].

    Args:
        delta: Where the parabola becomes a straight line, at least 0.
        reduction: How values become one number. See Loss.
        name: Name of the loss.

    Source: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964, section 4.
    """

    name = "huber_loss"

    def __init__(self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str = "huber_loss"):
        super().__init__(reduction, name)
        self.delta = number("delta", delta, least=0)

    def of(self, d: Any) -> Any:
        xp = xp_of(d)
        size = xp.maximum(d, -d)
        return xp.where(size <= self.delta, 0.5 * d * d, self.delta * size - 0.5 * self.delta**2)

    def slope(self, d: Any) -> Any:
        return d.clip(-self.delta, self.delta)
