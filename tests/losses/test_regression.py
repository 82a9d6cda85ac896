"""The other losses by hand."""

import numpy as np
import pytest

import tinynet as tn


@pytest.mark.parametrize(
    ("loss", "labels", "outputs", "values", "gradient"),
    [
        (tn.losses.MeanSquaredError(), [[1, 0]], [[2, 2]], [2.5], [[1, 2]]),
        (tn.losses.MeanAbsoluteError(), [[1, 0]], [[1, -2]], [1], [[0, -0.5]]),  # 0 at the kink
        (tn.losses.Huber(0.5), [[0, 0]], [[0.5, -2]], [0.5], [[0.25, -0.25]]),  # (1/8 + 1 - 1/8) / 2
        (
            tn.losses.BinaryCrossentropy(True),
            [[1], [0], [1]],
            [[0], [1e4], [-1e4]],
            [np.log(2), 1e4, 1e4],
            [[-0.5], [1], [-1]],
        ),
        (tn.losses.BinaryCrossentropy(), [[1], [1]], [[0.5], [0]], [np.log(2), -np.log(1e-7)], [[-2], [0]]),
        (tn.losses.CategoricalCrossentropy(), [[0.5, 0.5]], [[0.5, 0.5]], [np.log(2)], [[0, 0]]),
        (tn.losses.CategoricalCrossentropy(True), [[0, 1]], [[1e4, 0]], [1e4], [[1, -1]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_other_losses_by_hand(loss, labels, outputs, values, gradient):
    outputs = np.array(outputs, "float64")
    labels = loss.check(labels, outputs.shape)
    got, cache = loss.forward(labels, outputs)
    assert np.allclose(got, values, rtol=1e-15, atol=1e-15)
    assert np.allclose(loss.backward(labels, cache, 1.0), gradient, rtol=1e-15, atol=1e-15)


def test_a_factor_of_any_kind_leaves_the_gradient_in_its_dtype():
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    labels, logits = np.array([0, 1]), np.array([[1, 2], [3, 5]], "float32")
    _, cache = loss.forward(labels, logits)
    expected = loss.backward(labels, cache, 0.5)
    for factors in (np.float64(0.5), np.float32(0.5), np.array(0.5), np.full(2, 0.5)):
        gradient = loss.backward(labels, cache, factors)
        assert gradient.dtype == np.float32
        assert np.array_equal(gradient, expected)
