"""The sparse cross-entropy: Keras's numbers, its gradient by hand, and stability."""

import numpy as np
import pytest

from tinynet.losses import SparseCategoricalCrossentropy


def close(actual, expected, atol=2e-7):
    return np.allclose(actual, expected, rtol=1e-6, atol=atol)


def test_values_from_probabilities_are_those_of_keras():
    loss = SparseCategoricalCrossentropy()
    outputs = np.float32([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
    values, _ = loss.forward(np.array([1, 2]), outputs)
    assert values.dtype == np.float32
    assert close(values, [0.05129331, 2.30258512])
    assert close(loss([1, 2], outputs), 1.17693925)
    assert close(loss([0], [[0.5, 0.5, 0.5]]), 1.09861231)  # divided by its sum first
    assert close(loss([0], np.float32([[0, 1, 0]])), 16.11809540)  # clipped at 1e-7
    assert close(loss([1], np.float32([[0, 1, 0]])), 1.1920930e-07)


def test_values_from_logits_are_those_of_keras():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    outputs = np.float32([[2, 1, 0.1], [0, 0, 0], [1000, 0, -1000]])
    values, _ = loss.forward(np.array([0, 1, 2]), outputs)
    assert close(values, [0.41702995, 1.09861231, 2000])


def test_gradient_by_hand():
    # softmax(log 1, log 2, log 1) = (1/4, 1/2, 1/4); p - onehot, times the factor 1/2
    loss = SparseCategoricalCrossentropy(from_logits=True)
    _, cache = loss.forward(np.array([1]), np.log([[1.0, 2.0, 1.0]]))
    assert np.allclose(loss.backward(np.array([1]), cache, 0.5), [[0.125, -0.25, 0.125]], rtol=0, atol=1e-16)
    # L = log s - log p_1 with s = 1: 1 - [j = 1] / p_1
    loss = SparseCategoricalCrossentropy()
    _, cache = loss.forward(np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    assert np.allclose(loss.backward(np.array([1]), cache, 1), [[1, -1, 1]], rtol=0, atol=1e-15)


def test_gradient_is_zero_where_the_probability_is_clipped():
    loss = SparseCategoricalCrossentropy()
    for outputs in ([[0.0, 1.0]], [[1e-8, 1.0]], [[1.0, 0.0]]):
        _, cache = loss.forward(np.array([0]), np.array(outputs))
        assert loss.backward(np.array([0]), cache, 1.0).tolist() == [[0, 0]]


def test_the_bounds_of_the_clip_are_inside():
    # dL/dp_j = 1/s - [j = y] / p_y with s = 1, at p_y = e and at p_y = 1 - e
    loss, p = SparseCategoricalCrossentropy(), np.array([[1e-7, 1 - 1e-7]])
    assert p.sum() == 1
    for label, expected in ((0, [1 - 1e7, 1]), (1, [1, 1 - 1 / (1 - 1e-7)])):
        _, cache = loss.forward(np.array([label]), p)
        assert np.allclose(loss.backward(np.array([label]), cache, 1.0), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_of_ten_thousand_stay_finite(dtype):
    loss = SparseCategoricalCrossentropy(from_logits=True)
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    values, cache = loss.forward(np.array([1, 1]), logits)
    assert values.tolist() == [20000, 0]
    assert loss.backward(np.array([1, 1]), cache, 1.0).tolist() == [[1, -1, 0], [0, 0, 0]]


def test_each_row_has_its_own_maximum():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    values, _ = loss.forward(np.array([0, 0]), np.array([[1000.0, 1000], [-1000, -1000]]))
    assert np.allclose(values, np.log(2), rtol=0, atol=1e-15)


@pytest.mark.parametrize("from_logits", [True, False])
def test_factors_in_float64_leave_the_gradient_in_the_dtype_of_the_outputs(from_logits):
    loss, labels, outputs = SparseCategoricalCrossentropy(from_logits), np.array([0]), np.float32([[0.2, 0.8]])
    _, cache = loss.forward(labels, outputs)
    assert loss.backward(labels, cache, np.array([0.5])).dtype == np.float32


def test_probabilities_are_clipped_below_one_too():
    value = SparseCategoricalCrossentropy()([1], np.array([[0.0, 1.0]]))
    assert np.isclose(value, -np.log1p(-1e-7), rtol=1e-6, atol=0)
