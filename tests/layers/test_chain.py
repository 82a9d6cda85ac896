"""Layers one after another, forward and backward."""

import numpy as np

from tinynet.layers import Dense
from tinynet.layers.chain import backward_chain, forward_chain


def close(actual, expected, atol=1e-6):
    return np.allclose(actual, expected, rtol=0, atol=atol)


def test_backward_through_a_chain_by_hand():
    # y = tanh(2 x) at x = log(3) / 2: tanh(log 3) = 0.8, dy/dx = 2 (1 - 0.64)
    dense = Dense(1, activation="tanh", use_bias=False)
    dense.setup((1,), dtype="float64")
    dense.kernel = [[2]]
    y, caches = forward_chain(dense.parts(), np.array([[np.log(3.0) / 2]]))
    assert close(y, 0.8, 1e-15)
    assert close(backward_chain(dense.parts(), np.ones((1, 1)), caches), 0.72, 1e-15)
