"""Metrics: what is reported beside the loss. Each is a mean of one value per label."""

from __future__ import annotations

from typing import Any

from .backend import move, to_array, xp_of
from .checks import by_name
from .losses import check_class_labels


class Metric:
    """Base class: `values(labels, outputs)` gives one number for each label; what is reported is their mean.

    In a model the labels are those that the loss has checked, and the outputs of a softmax are probabilities.
    """

    name = "metric"

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        """Validate the labels, as a loss does."""
        return to_array(labels)

    def values(self, labels: Any, outputs: Any) -> Any:
        """Return one value per label."""
        raise TypeError(f"{type(self).__name__} must define values(labels, outputs).")

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        outputs = to_array(y_pred)
        labels = move(self.check(y_true, outputs.shape), xp_of(outputs))
        return float(self.values(labels, outputs).mean()) if labels.size else 0.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class SparseCategoricalAccuracy(Metric):
    """The share of labels that are hit: values = [argmax_j outputs_j = label]; of equal outputs the first counts.

    Shapes: labels (B, ...), outputs (B, ..., C), probabilities or logits.

    Where an output is NaN nothing is hit. argmax takes the first NaN for the largest, so in Keras a model that has
    become NaN still scores the share of the class 0.
    """

    def __init__(self, name: str = "sparse_categorical_accuracy"):
        self.name = name

    def check(self, labels, output_shape):
        return check_class_labels(labels, output_shape)

    def values(self, labels, outputs):
        best = outputs.argmax(axis=-1)
        p = outputs.reshape(best.size, outputs.shape[-1])
        largest = p[xp_of(p).arange(len(p)), best.reshape(-1)].reshape(best.shape)
        return (best == labels) & (largest == largest)  # NaN, which argmax takes for the largest, differs from itself


METRICS = {
    "accuracy": SparseCategoricalAccuracy,
    "acc": SparseCategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
}


def get(identifier: Any) -> Metric:
    """The metric of that name, called as it was written ("acc" is reported as acc), or the given Metric itself."""
    metric = by_name("metric", identifier, Metric, METRICS)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
