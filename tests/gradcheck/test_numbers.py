"""The checker where numbers are unkind: saturated, far from zero, sparse, without entries."""

import numpy as np
import own_layers
import pytest
import sabotage

import tinynet as tn
from tinynet import gradcheck
from tinynet.layers import Dense, Flatten, ReLU

WAYS = ["auto", "complex", "central"]


# ---- right layers, unkind numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("size", [30, 100, 255])
def test_saturated_units(method, activation, size):
    for seed in range(5):
        x = np.random.default_rng(seed).normal(size=(6, 4)) * size
        layer = Dense(5, activation)
        layer.setup((4,), np.random.default_rng(seed), dtype="float64")
        assert gradcheck.check_layer(layer, x=x, seed=seed, method=method).passed


def test_a_normalization_far_from_zero():
    x = 1e6 + np.random.default_rng(0).normal(size=(4, 5))
    assert gradcheck.check_layer(own_layers.Normalization(-1), x=x).passed


# ---- many kinks --------------------------------------------------------------------------------------------------


def test_a_padded_row_in_front_of_dense_and_relu():
    x = np.random.default_rng(0).normal(size=(6, 4))
    x[2] = 0
    report = gradcheck.check_layer(Dense(5, "relu", use_bias=False), x=x)
    assert report["x"].kinks == 4
    assert report["kernel"].kinks == 0


def test_sparse_images_through_a_relu_at_once(sample):
    (x, y), _ = sample
    model = tn.Sequential([Flatten(input_shape=(28, 28)), ReLU(), Dense(10, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    report = gradcheck.check_model(model, x[:4] / 255, y[:4])
    assert 0 < report["x"].kinks < 200


# ---- drawn inputs and noise --------------------------------------------------------------------------------------


def test_a_weight_without_entries():
    class Empty(sabotage.Scale):
        def build(self, input_shape):
            self.add_weight("nothing", (0,), "zeros")
            return super().build(input_shape)

    layer = Empty()
    layer.setup((3,))
    assert gradcheck.check_layer(layer, (3,))["nothing"].checked == 0
