"""Accuracies: the share of labels that the outputs hit."""

from __future__ import annotations

from typing import Any

from ..arguments import integer, number
from ..backend import xp_of
from ..losses.labels import check_class_labels, check_like_outputs
from .base import Metric


class SparseCategoricalAccuracy(Metric):
    """The share of labels that are hit: values = [argmax_j outputs_j = label]; of equal outputs the first counts.

    Shapes: labels (B, ...), outputs (B, ..., C), probabilities or logits.

    Where an output is NaN nothing is hit. argmax takes the first NaN for the largest, so in Keras a model that has
    become NaN still scores the share of the class 0.
    """

    name = "sparse_categorical_accuracy"
    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy"):
        super().__init__(name)

    def check(self, labels, output_shape):
        return check_class_labels(labels, output_shape)

    def values(self, labels, outputs):
        best = outputs.argmax(axis=-1)
        p = outputs.reshape(best.size, outputs.shape[-1])
        largest = p[xp_of(p).arange(len(p)), best.reshape(-1)].reshape(best.shape)
        return (best == labels) & (largest == largest)  # NaN, which argmax takes for the largest, differs from itself


class CategoricalAccuracy(Metric):
    """The same for one-hot labels (B, ..., C): values = [argmax_j outputs_j = argmax_j labels_j]."""

    name = "categorical_accuracy"
    direction = "up"

    def __init__(self, name: str = "categorical_accuracy"):
        super().__init__(name)

    def check(self, labels, output_shape):
        return check_like_outputs(labels, output_shape)

    def values(self, labels, outputs):
        return SparseCategoricalAccuracy.values(self, labels.argmax(axis=-1), outputs)


class BinaryAccuracy(Metric):
    """The share of labels of 0 or 1 that are hit: the mean over the last axis of [(outputs > threshold) = label].

    Shapes: labels and outputs (B, ..., K), values (B, ...); labels (B, ...) are taken as (B, ..., 1). Outputs that are
    logits need threshold=0; Keras compares them with 0.5 as well.
    """

    name = "binary_accuracy"
    direction = "up"

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5):
        super().__init__(name)
        self.threshold = number("threshold", threshold, least=float("-inf"))

    def check(self, labels, output_shape):
        return check_like_outputs(labels, output_shape)

    def values(self, labels, outputs):
        hits = ((outputs > self.threshold) == labels) & (outputs == outputs)  # NaN hits nothing
        return hits.mean(axis=-1, dtype=outputs.dtype) if hits.ndim > 1 else hits


class SparseTopKCategoricalAccuracy(Metric):
    """The share of labels whose output is among the k largest: values = [number of outputs above the label's < k].

    Shapes: labels (B, ...) of integers, outputs (B, ..., C). Of equal outputs all count as hit, as in Keras. Where the
    label's output is NaN it is a miss.
    """

    name = "sparse_top_k_categorical_accuracy"
    direction = "up"

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy"):
        super().__init__(name)
        self.k = integer("k", k)

    def check(self, labels, output_shape):
        return check_class_labels(labels, output_shape)

    def values(self, labels, outputs):
        p = outputs.reshape(labels.size, outputs.shape[-1])
        own = p[xp_of(p).arange(len(p)), labels.reshape(-1)][:, None]
        return (~(p <= own)).sum(axis=-1).reshape(labels.shape) < self.k  # so that NaN counts as above


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """The same for one-hot labels (B, ..., C)."""

    name = "top_k_categorical_accuracy"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy"):
        super().__init__(k, name)

    def check(self, labels, output_shape):
        return check_like_outputs(labels, output_shape)

    def values(self, labels, outputs):
        return super().values(labels.argmax(axis=-1), outputs)


class AnyAccuracy(Metric):
    """What the name "accuracy" means, as in Keras: it depends on the shapes alone, not on the loss.

    Of one output a sample it is BinaryAccuracy (with logits too: the threshold is 0.5), of labels with an axis less
    than the outputs SparseCategoricalAccuracy, else CategoricalAccuracy.
    """

    name = "accuracy"
    direction = "up"

    def meant(self, labels: Any, output_shape: tuple[int | None, ...]) -> Metric:
        """The metric that is meant for these labels."""
        if output_shape[-1] == 1:
            return BINARY
        return SPARSE if labels.ndim < len(output_shape) or labels.shape[-1] == 1 else CATEGORICAL

    def check(self, labels, output_shape):
        return self.meant(super().check(labels, output_shape), output_shape).check(labels, output_shape)

    def values(self, labels, outputs):
        return self.meant(labels, outputs.shape).values(labels, outputs)


BINARY, SPARSE, CATEGORICAL = BinaryAccuracy(), SparseCategoricalAccuracy(), CategoricalAccuracy()
