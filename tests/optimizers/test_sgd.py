"""SGD and its momentum by hand."""

import numpy as np

from tinynet.optimizers import SGD


def gradient(t, dtype="float32"):
    return np.array([0.1, -0.5, 2 * t], dtype)


def test_sgd_by_hand():
    w = np.array([1.0, 2.0])
    SGD(0.5).apply([np.array([1.0, -2.0])], [w])
    assert w.tolist() == [0.5, 3.0]


def test_momentum_by_hand():
    for nesterov, expected in ((False, [-1.0, -2.5]), (True, [-1.5, -3.25])):
        optimizer, w = SGD(1, momentum=0.5, nesterov=nesterov), np.array([0.0])
        steps = []
        for _ in range(2):
            optimizer.apply([np.array([1.0])], [w])
            steps.append(w[0])
        assert steps == expected


def test_momentum_zero_is_plain_sgd_and_keeps_nothing():
    w, v = np.ones(3), np.ones(3)
    plain, zero = SGD(0.1), SGD(0.1, momentum=0)
    for t in range(1, 4):
        plain.apply([gradient(t)], [w])
        zero.apply([gradient(t)], [v])
    assert np.array_equal(w, v)
    assert zero.state_size == 0
