"""Cross-entropies other than the sparse one: their clips."""

import numpy as np
import pytest

import tinynet as tn


def test_binary_crossentropy_of_a_vector_and_at_the_bound():
    loss = tn.losses.BinaryCrossentropy(reduction="none")
    assert loss([1.0, 0.0], np.array([0.5, 0.75])) == pytest.approx([np.log(2), np.log(4)], rel=1e-12)
    labels, at_bound = np.ones((1, 1)), np.array([[1 - 1e-7]])
    _, cache = loss.forward(labels, at_bound)
    assert loss.backward(labels, cache, 1.0)[0, 0] == pytest.approx(-1 / (1 - 1e-7), rel=1e-6), "not clipped there"
    _, cache = loss.forward(labels, at_bound + 1e-9)
    assert loss.backward(labels, cache, 1.0) == 0
