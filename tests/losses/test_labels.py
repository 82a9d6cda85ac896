"""Labels of the right and of the wrong kind."""

import numpy as np
import pytest

from tinynet.losses import SparseCategoricalCrossentropy


def close(actual, expected, atol=2e-7):
    return np.allclose(actual, expected, rtol=1e-6, atol=atol)


def test_labels_of_rank_two_and_columns_of_labels():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    labels = np.array([[0, 1, 2], [3, 2, 1]])
    values, _ = loss.forward(labels, logits)
    assert values.shape == (2, 3)
    assert np.isclose(loss(labels[..., None], logits), values.mean(), rtol=0, atol=1e-15)
    assert np.isclose(loss([[1], [0]], logits[:, 0]), loss([1, 0], logits[:, 0]), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([0, 1, 3], "label number 2 is 3"),
        ([0, -1, 2], "label number 1 is -1"),
        ([0.5, 1, 2], "label number 0 is 0.5"),
        ([0, np.nan, 2], "label number 1 is nan"),
        ([0, np.inf, 2], "label number 1 is inf"),
        (["a", "b", "c"], r"dtype <U1\.$"),
        ([True, False, True], r"dtype bool: pass y\.astype\(int\)"),
        ([0, 1], r"need labels of shape \(3,\); got \(2,\)\.$"),
        ([1], r"got \(1,\)"),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], r"one-hot labels: pass y.argmax\(axis=-1\)"),
        ([[1, 0], [0, 1], [1, 1]], r"Outputs of shape \(3, 3\) need labels of shape \(3,\); got \(3, 2\)\.$"),
        ([[0, 1, 2]], r"got \(1, 3\)"),
    ],
)
def test_labels_that_are_not_classes_are_refused(labels, what):
    with pytest.raises(ValueError, match=what):
        SparseCategoricalCrossentropy()(labels, np.full((3, 3), 1 / 3))


def test_one_hot_labels_are_told_from_others_by_their_last_axis():
    for shape, what in (((2, 4, 3), r"They look like one-hot labels"), ((2, 3, 4), r"got \(2, 3, 4\)\.$")):
        with pytest.raises(ValueError, match=what):
            SparseCategoricalCrossentropy()(np.ones(shape, int), np.full((2, 4, 3), 1 / 3))


def test_wrong_labels_are_counted_and_placed():
    with pytest.raises(ValueError, match=r"label number \(1, 0\) is 7 \(2 of 4 are wrong\)"):
        SparseCategoricalCrossentropy()([[0, 1], [7, 7]], np.ones((2, 2, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64", "float32", "float64"])
def test_labels_of_any_number_type(dtype):
    assert SparseCategoricalCrossentropy()(np.array([0, 2], dtype), np.eye(3)[[0, 2]] + 0.0) < 1e-6


@pytest.mark.parametrize("shape", [(3,), (1,), (3, 1), (1, 3)])
def test_a_column_of_labels_is_taken_whatever_the_other_sizes(shape):
    labels, outputs = np.ones(shape, int), np.full((*shape, 2), 0.5)
    assert close(SparseCategoricalCrossentropy()(labels[..., None], outputs), np.log(2))


def test_labels_of_the_wrong_shape_are_refused_whichever_axis_it_is():
    loss = SparseCategoricalCrossentropy()
    with pytest.raises(ValueError, match=r"need labels of shape \(1,\); got \(\)"):
        loss(1, [[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"need labels of shape \(2, 3\); got \(2, 2\)"):
        loss([[0, 1], [1, 0]], np.ones((2, 3, 4)))
