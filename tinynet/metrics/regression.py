"""Metrics for real numbers: mean squared and mean absolute error. Labels and outputs (B, ..., K), values (B, ...)."""

from __future__ import annotations

from ..losses import regression
from ..losses.labels import check_like_outputs
from .base import Metric


class MeanSquaredError(Metric):
    """The mean of (outputs - labels)^2 over the last axis."""

    name = "mean_squared_error"
    direction = "down"
    loss = regression.MeanSquaredError()

    def __init__(self, name: str = "mean_squared_error"):
        super().__init__(name)

    def check(self, labels, output_shape):
        return check_like_outputs(labels, output_shape)

    def values(self, labels, outputs):
        return self.loss.forward(labels, outputs)[0]


class MeanAbsoluteError(MeanSquaredError):
    """The mean of |outputs - labels| over the last axis."""

    name = "mean_absolute_error"
    loss = regression.MeanAbsoluteError()

    def __init__(self, name: str = "mean_absolute_error"):
        super().__init__(name)
