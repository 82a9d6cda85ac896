"""Metrics by hand: ties, thresholds, NaN and infinity."""

import numpy as np
import pytest

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


def test_weights_count_and_batches_add_up():
    metric = metrics.MeanAbsoluteError()
    assert metric([[0.0], [0.0]], [[1.0], [3.0]], sample_weight=[3, 1]) == 1.5
    metric.update_state([[0.0]], [[1.0]])
    metric.update_state([[0.0], [0.0]], [[4.0], [4.0]])
    assert metric.result() == 3
    metric.reset_state()
    assert metric.result() == 0


def test_an_empty_batch_adds_nothing_and_functions_get_labels_in_the_shape_of_the_outputs():
    metric = metrics.MeanAbsoluteError()
    metric.update_state(np.zeros((0, 1)), np.zeros((0, 1)))
    assert metric.result() == 0.0
    metric.update_state([1.0, 2.0], [[2.0], [4.0]])
    assert metric.result() == 1.5
    metric.reset_state()
    assert metric.result() == 0.0
    function = metrics.get(lambda y_true, y_pred: abs(y_true - y_pred))
    assert function([1.0, 2.0], np.array([[1.0], [2.0]])) == 0, "no table of all pairs"
    assert function([1.0, 2.0], np.full((2, 2, 2), 4.0)) == 2.5
