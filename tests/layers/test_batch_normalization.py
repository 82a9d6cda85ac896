"""BatchNormalization: statistics in training, in prediction and frozen."""

import numpy as np
import pytest
from models import same

import tinynet as tn
from tinynet.layers import BatchNormalization, Dense


def test_moving_statistics_after_a_step_and_frozen():
    x = np.array([[0.0], [4.0]])  # mean 2, variance 4
    for trainable, expected in ((True, [[1.0], [2.5]]), (False, [[0.0], [1.0]])):
        layer = tn.layers.BatchNormalization(momentum=0.5, epsilon=0, trainable=trainable)
        layer.setup((1,), dtype="float64")
        y, cache = layer.forward(x, training=True)
        assert y.tolist() == ([[-1], [1]] if trainable else x.tolist())
        assert layer.get_weights()[2:] == [[0.0], [1.0]]  # forward is pure
        layer.after_step(cache)
        assert layer.get_weights()[2:] == expected


# ---- layers of a model --------------------------------------------------------------------------------------------


def test_frozen_batch_normalization_uses_its_statistics_in_training_too():
    model = tn.Sequential([tn.Input((2,)), BatchNormalization(name="norm"), Dense(1)], seed=0)
    x, y = np.random.default_rng(0).normal(3, 2, size=(2, 16, 2))
    model.compile("sgd", "mse")
    model.train_on_batch(x, y[:, :1])
    norm = model.get_layer("norm")
    assert norm.moving_mean == pytest.approx(0.01 * x.mean(axis=0), rel=1e-5)
    assert norm.moving_variance == pytest.approx(0.99 + 0.01 * x.var(axis=0), rel=1e-5)
    before = norm.get_weights()
    model.trainable = False
    model.compile("sgd", "mse")
    model.train_on_batch(x, y[:, :1])
    assert same(norm.get_weights(), before)
    assert np.array_equal(model(x, training=True), model(x))
