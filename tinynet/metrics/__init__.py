"""Metrics, under Keras's names: numbers that are reported beside the loss. Each is a mean of one value per label."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

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


def get(identifier: str | Mapping[str, Any] | Metric | Callable[[Any, Any], Any]) -> Metric:
    """Return the metric that is meant.

    Args:
        identifier: A name, a record, a Metric, which is returned, or a function of (y_true, y_pred). A metric is
            reported under the name that was given here: "acc" as acc.

    Raises:
        ValueError: There is no metric of this name.
        TypeError: `identifier` is something else.
    """
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return FunctionMetric(identifier)
    metric = by_name("metric", identifier, Metric, METRICS)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
