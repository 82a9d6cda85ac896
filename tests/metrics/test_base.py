"""What every metric has: names, weights, and batches that add up."""

import numpy as np
import pytest

import tinynet as tn
from tinynet import metrics


def test_metrics_are_found_by_name_and_keep_it():
    assert [tn.metrics.get(name).name for name in ("accuracy", "acc")] == ["accuracy", "acc"]
    assert tn.metrics.SparseCategoricalAccuracy().name == "sparse_categorical_accuracy"
    with pytest.raises(ValueError, match=r"Unknown metric 'accurcy'. Did you mean 'accuracy'"):
        tn.metrics.get("accurcy")
    with pytest.raises(ValueError, match="Labels must be integers from 0 to 1"):
        tn.metrics.get("accuracy")([2], [[0.5, 0.5]])


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
