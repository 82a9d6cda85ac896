"""Accuracies: the share of labels that are predicted correctly."""

from __future__ import annotations

from typing import Any

from ..arguments import integer, number
from ..backend import xp_of
from ..losses.labels import check_class_labels, check_like_outputs
from .base import Metric


class SparseCategoricalAccuracy(Metric):
    """Measures how often the largest output is that of the label: values = [argmax_j outputs_j = label].

    Shapes: labels (B, ...), outputs (B, ..., C), probabilities or logits.

    Of equal outputs the first one counts as the largest. A sample with a NaN among its outputs is never correct. (In
    Keras argmax takes the first NaN for the largest. So a model that has become NaN still scores the share of class 0.)

    Args:
        name: The name that it is reported under.
    """

    name = "sparse_categorical_accuracy"
    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy"):
        super().__init__(name)

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_class_labels(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        best = outputs.argmax(axis=-1)
        p = outputs.reshape(best.size, outputs.shape[-1])
        largest = p[xp_of(p).arange(len(p)), best.reshape(-1)].reshape(best.shape)
        return (best == labels) & (largest == largest)  # NaN, which argmax takes for the largest, differs from itself


class CategoricalAccuracy(Metric):
    """Measures the same for one-hot labels (B, ..., C): values = [argmax_j outputs_j = argmax_j labels_j].

    Args:
        name: The name that it is reported under.
    """

    name = "categorical_accuracy"
    direction = "up"

    def __init__(self, name: str = "categorical_accuracy"):
        super().__init__(name)

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_like_outputs(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        return SPARSE.values(labels.argmax(axis=-1), outputs)


class BinaryAccuracy(Metric):
    """Measures how often labels of 0 or 1 are predicted: values = [(outputs > threshold) = label].

    The values are averaged over the last axis.

    Shapes: labels and outputs (B, ..., K), values (B, ...). Labels (B, ...) are taken as (B, ..., 1).

    Args:
        name: The name that it is reported under.
        threshold: The output above which a label of 1 is predicted. Logits need threshold=0. Keras compares them with
            0.5 as well.
    """

    name = "binary_accuracy"
    direction = "up"

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5):
        super().__init__(name)
        self.threshold = number("threshold", threshold, least=float("-inf"))

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_like_outputs(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        hits = ((outputs > self.threshold) == labels) & (outputs == outputs)  # NaN is never correct
        return hits.mean(axis=-1, dtype=outputs.dtype) if hits.ndim > 1 else hits


class SparseTopKCategoricalAccuracy(Metric):
    """Measures how often the label's output is among the k largest: values = [number of outputs above it < k].

    Shapes: labels (B, ...) of integers, outputs (B, ..., C).

    All outputs that equal the k-th largest count as being among them, as in Keras. An output that is NaN does not.

    Args:
        k: The number of outputs that count, a positive integer.
        name: The name that it is reported under.
    """

    name = "sparse_top_k_categorical_accuracy"
    direction = "up"

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy"):
        super().__init__(name)
        self.k = integer("k", k)

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_class_labels(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        p = outputs.reshape(labels.size, outputs.shape[-1])
        at_label = p[xp_of(p).arange(len(p)), labels.reshape(-1)][:, None]
        return (~(p <= at_label)).sum(axis=-1).reshape(labels.shape) < self.k  # not p > at_label: NaN counts as above


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """Measures the same for one-hot labels (B, ..., C).

    Args:
        k: The number of outputs that count, a positive integer.
        name: The name that it is reported under.
    """

    name = "top_k_categorical_accuracy"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy"):
        super().__init__(k, name)

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return check_like_outputs(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        return super().values(labels.argmax(axis=-1), outputs)


class AnyAccuracy(Metric):
    """Chooses the accuracy that the name "accuracy" stands for, as Keras does: by the shapes alone, not by the loss.

    - BinaryAccuracy if a sample has one output. The threshold is 0.5, for logits too.
    - SparseCategoricalAccuracy if the labels have one axis less than the outputs, or a last axis of size 1.
    - CategoricalAccuracy otherwise.
    """

    name = "accuracy"
    direction = "up"

    def meant(self, labels: Any, output_shape: tuple[int | None, ...]) -> Metric:
        """Return the metric for these labels."""
        if output_shape[-1] == 1:
            return BINARY
        return SPARSE if labels.ndim < len(output_shape) or labels.shape[-1] == 1 else CATEGORICAL

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        return self.meant(super().check(labels, output_shape), output_shape).check(labels, output_shape)

    def values(self, labels: Any, outputs: Any) -> Any:
        return self.meant(labels, outputs.shape).values(labels, outputs)


BINARY, SPARSE, CATEGORICAL = BinaryAccuracy(), SparseCategoricalAccuracy(), CategoricalAccuracy()
