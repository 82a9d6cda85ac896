"""Metrics, under Keras's names: what is reported beside the loss. Each is a mean of one value per label."""

from typing import Any

from ..arguments import absent
from ..config import by_name
from .accuracy import (
    AnyAccuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .base import FunctionMetric, Metric
from .regression import MeanAbsoluteError, MeanSquaredError

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "get",
]

METRICS = {
    "accuracy": AnyAccuracy,
    "acc": AnyAccuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
}


def get(identifier: Any) -> Metric:
    """The metric of that name, called as it was written ("acc" is reported as acc), or the given Metric itself, or one
    made of a function of (y_true, y_pred)."""
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return FunctionMetric(identifier)
    metric = by_name("metric", identifier, Metric, METRICS)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


__getattr__ = absent(__name__, __all__)
