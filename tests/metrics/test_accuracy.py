"""Accuracies and the other metrics by hand: ties, thresholds, NaN and infinity."""

import numpy as np
import pytest

import tinynet as tn
from tinynet import metrics

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("metric", "labels", "outputs", "expected"),
    [
        (metrics.BinaryAccuracy(), [[0, 1]], [[0.5, 0.5]], [0.5]),  # 0.5 is not above the threshold
        (metrics.BinaryAccuracy(threshold=0), [[0], [1]], [[-0.1], [0.1]], [1, 1]),
        (metrics.BinaryAccuracy(), [[0], [1]], [[nan], [nan]], [0, 0]),
        (metrics.CategoricalAccuracy(), [[0, 1], [1, 0]], [[0.5, 0.5], [0.5, 0.5]], [0, 1]),  # the first of equals
        (metrics.SparseTopKCategoricalAccuracy(1), [0, 1], [[1, 1, 0], [1, 1, 0]], [1, 1]),  # all of equals
        (metrics.SparseTopKCategoricalAccuracy(2), [2, 1, 0], [[3, 2, 1], [3, 2, 1], [nan, 1, 2]], [0, 1, 0]),
        (metrics.TopKCategoricalAccuracy(2), [[0, 0, 1], [0, 1, 0]], [[3, 2, 1], [3, 2, 1]], [0, 1]),
        (metrics.MeanSquaredError(), [[1, 2]], [[2, 4]], [2.5]),
        (metrics.MeanAbsoluteError(), [[1, 2], [0, 0]], [[2, 4], [inf, 0]], [1.5, inf]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(metric, labels, outputs, expected):
    outputs = np.array(outputs, "float64")
    assert metric.values(metric.check(labels, outputs.shape), outputs).tolist() == expected


def test_accuracy_counts_hits_and_takes_the_first_of_equals():
    metric = tn.metrics.SparseCategoricalAccuracy()
    outputs = np.array([[0.1, 0.9], [0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])
    assert metric.values(np.array([1, 0, 0, 1]), outputs).tolist() == [True, True, False, False]
    assert metric([1, 0, 0, 1], outputs) == 0.5
    assert metric([1, 1, 0, 1], outputs) == 0.25
    assert metric(np.zeros((0,), int), np.zeros((0, 3))) == 0.0
    assert metric([[0, 1]], [[[3, 1], [1, 3]]]) == 1.0


def test_accuracy_takes_labels_of_any_number_type_where_the_loss_lets_them_through():
    values = tn.metrics.SparseCategoricalAccuracy().values
    for labels in (np.float32([1, 0.5]), np.uint8([1, 1])):
        assert values(labels, np.array([[0.1, 0.9], [0.7, 0.3]])).tolist() == [True, False]
