"""Dropout: the share and the mean that it keeps, and its mask."""

import numpy as np
import pytest
from models import same

import tinynet as tn
from tinynet.layers import Dropout


def test_dropout_keeps_a_share_and_the_mean_and_backward_has_the_same_mask():
    layer, x = tn.layers.Dropout(0.25), np.ones((100, 1000), "float32")
    y, cache = layer.forward(x, True, np.random.default_rng(0))
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs((y == 0).mean() - 0.25) < 0.007  # five times its deviation, the root of 3/16 / 100,000
    assert np.array_equal(layer.backward(x, cache), y)
    assert np.array_equal(layer.forward(x, True, np.random.default_rng(0))[0], y)
    assert layer.forward(x)[0] is x
    assert not tn.layers.Dropout(1)(x, training=True).any()
    seeded = tn.layers.Dropout(0.5, seed=3)
    assert np.array_equal(seeded.forward(x, True)[0], seeded.forward(x, True)[0])


def test_shares_are_numbers_from_0_to_1_both_included():
    assert [tn.layers.Dropout(rate).rate for rate in (0, 0.5, 1)] == [0.0, 0.5, 1.0]
    for rate in (-0.1, 1.1, float("nan"), "0.5", True, None):
        with pytest.raises(ValueError, match="rate must be a number from 0 to 1; got"):
            tn.layers.Dropout(rate)
        with pytest.raises(ValueError, match="label_smoothing must be a number from 0 to 1; got"):
            tn.losses.BinaryCrossentropy(label_smoothing=rate)


# ---- layers of a model --------------------------------------------------------------------------------------------


def test_calls_in_training_differ_and_can_be_repeated_from_the_seed():
    def calls():
        model = tn.Sequential([tn.Input((50,)), Dropout(0.5)], seed=4)
        return [model(np.ones((1, 50)), training=True) for _ in range(3)]

    first, second = calls(), calls()
    assert same(first, second)
    assert not np.array_equal(first[0], first[1])
    alone = Dropout(0.5, seed=4)
    assert not np.array_equal(alone(np.ones((1, 50)), training=True), alone(np.ones((1, 50)), training=True))
    assert np.array_equal(alone(np.ones((1, 50))), np.ones((1, 50)))
