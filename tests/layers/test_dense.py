"""Dense: values worked by hand, its activation, and what it refuses."""

import numpy as np
import pytest
from scale import Scale

import tinynet as tn
from tinynet.layers import Dense, ReLU


def close(actual, expected, atol=1e-6):
    return np.allclose(actual, expected, rtol=0, atol=atol)


def test_dense_by_hand():
    dense = Dense(2)
    dense.setup((3,), dtype="float64")
    dense.kernel = [[1, 2], [3, 4], [5, 6]]
    dense.bias = [10, 20]
    x = np.array([[1.0, 0, -1], [2, 1, 0]])
    y, cache = dense.forward(x)
    assert y.tolist() == [[6, 16], [15, 28]]
    dx = dense.backward(np.array([[1.0, 0], [2, 1]]), cache)
    assert dense.grads["kernel"].tolist() == [[5, 2], [2, 1], [-1, 0]]
    assert dense.grads["bias"].tolist() == [3, 1]
    assert dx.tolist() == [[1, 3, 5], [4, 10, 16]]


def test_dense_without_need_of_dx_returns_none_and_still_writes_gradients():
    dense = Dense(2)
    x = np.ones((4, 3), "float32")
    dense(x)
    _, cache = dense.forward(x)
    assert dense.backward(np.ones((4, 2), "float32"), cache, need_dx=False) is None
    assert dense.grads["bias"].tolist() == [4, 4]


def test_dense_treats_middle_axes_as_rows():
    dense = Dense(5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    y = dense(x)
    assert y.shape == (2, 3, 5)
    assert dense.kernel.shape == (4, 5)
    assert dense.output_shape == (None, 3, 5)
    assert close(y[1, 2], x[1, 2] @ dense.kernel)


def test_dense_without_bias_has_one_weight():
    dense = Dense(3, use_bias=False)
    assert dense(np.zeros((2, 4))).tolist() == [[0, 0, 0]] * 2
    assert [weight.shape for weight in dense.get_weights()] == [(4, 3)]


def test_dense_applies_its_activation_given_in_any_way():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    plain = Dense(3)
    plain(x)
    for activation in ("relu", "ReLU", tn.nn.relu, tn.activations.relu, ReLU()):
        dense = Dense(3, activation=activation)
        dense(x)
        dense.set_weights(plain.get_weights())
        assert np.array_equal(dense(x), np.maximum(plain(x), 0))
    for activation in (None, "linear"):
        assert Dense(3, activation).parts()[1:] == []


@pytest.mark.parametrize("units", [0, -1, 2.5, "10", None, True, [3], np.float64(3)])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="units must be a positive integer; got"):
        Dense(units)


def test_numpy_integers_are_integers():
    assert Dense(np.int64(3)).units == 3
    assert type(Dense(np.uint8(3)).units) is int


def test_unknown_initializer_names_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown initializer 'glorot'. Did you mean .*'glorot_uniform'"):
        Dense(2, kernel_initializer="glorot")


@pytest.mark.parametrize("shape", [(3,), (2, 5)])
def test_dense_refuses_wrong_inputs(shape):
    dense = Dense(2, name="d")
    dense(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"Layer 'd' needs inputs of shape \(batch, \.\.\., 4\); got"):
        dense(np.zeros(shape))


def test_dense_on_vectors_says_how_to_add_an_axis():
    with pytest.raises(ValueError, match=r"x\[:, None\]"):
        Dense(2)(np.zeros(5))


def test_an_activation_with_weights_is_trained_with_its_dense_and_frozen_with_it():
    for trainable in (True, False):
        scale = Scale()
        dense = Dense(3, activation=scale, trainable=trainable)
        dense(np.zeros((1, 2)))
        assert dense.trained_parts() == ([dense, scale] if trainable else [])


def test_dense_refuses_a_vector_of_the_right_length():
    dense = Dense(2, name="d")
    dense(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"Layer 'd' needs inputs of shape \(batch, \.\.\., 4\); got \(4,\)"):
        dense(np.zeros(4))


# ---- values of the other layers, by hand --------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_dense_layer_takes_any_number_of_rows_forward_and_backward(rows):
    layer = tn.layers.Dense(4)
    layer.setup((3,), np.random.default_rng(0), dtype="float64")
    x, dy = np.arange(3.0 * rows).reshape(rows, 3), np.arange(4.0 * rows).reshape(rows, 4) - 1
    _, cache = layer.forward(x)
    assert layer.backward(dy, cache).shape == (rows, 3)
    assert layer.grads["kernel"].tolist() == np.einsum("ni,no->io", x, dy).tolist()
