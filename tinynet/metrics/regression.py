"""Metrics for real numbers: mean squared and mean absolute error. Labels and outputs (B, ..., K), values (B, ...)."""

from __future__ import annotations

from typing import Any

from ..losses import regression
from ..losses.base import Loss
from ..losses.labels import check_like_outputs
from .base import Metric


class MeanSquaredError(Metric):
    """Measures the mean of (outputs - labels)^2 over the last axis.

    Args:
        name: The name that it is reported under.
    """

    name = "mean_squared_error"
    direction = "down"
    loss: Loss = regression.MeanSquaredError()

    def __init__(self, name: str = "mean_squared_error"):
        super().__init__(name)

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_like_outputs(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        return self.loss.forward(labels, outputs)[0]


class MeanAbsoluteError(MeanSquaredError):
    """Measures the mean of |outputs - labels| over the last axis.

    Args:
        name: The name that it is reported under.
    """

    name = "mean_absolute_error"
    loss = regression.MeanAbsoluteError()

    def __init__(self, name: str = "mean_absolute_error"):
        super().__init__(name)
