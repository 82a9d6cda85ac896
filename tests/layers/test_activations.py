"""ReLU, Softmax, Sigmoid and Tanh: values worked by hand, axes and dtypes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.layers import ReLU, Sigmoid, Softmax, Tanh


def close(actual, expected, atol=1e-6):
    return np.allclose(actual, expected, rtol=0, atol=atol)


def test_relu_by_hand():
    y, cache = ReLU().forward(np.array([-2.0, -0.0, 0.0, 3.0]))
    assert y.tolist() == [0, 0, 0, 3]
    assert ReLU().backward(np.array([5.0, 5, 5, 5]), cache).tolist() == [0, 0, 0, 5]


def test_softmax_by_hand():
    assert close(tn.nn.softmax([[1, 2], [3, 4]]), [[0.26894142, 0.73105858]] * 2)
    assert close(Softmax(axis=0)([[1, 2], [3, 4]]), [[0.1192, 0.1192], [0.8808, 0.8808]], 5e-5)
    assert close(Softmax(axis=(0, 1))([[1, 2], [3, 4]]), [[0.0321, 0.0871], [0.2369, 0.6439]], 5e-5)
    assert tn.nn.softmax([[1e4, 0, -1e4]]).tolist() == [[1, 0, 0]]
    # dx_j = y_j (dy_j - sum_i dy_i y_i) for y = (1/4, 3/4), dy = (1, 0)
    y, cache = Softmax().forward(np.log([[1.0, 3.0]]))
    assert close(y, [[0.25, 0.75]], 1e-15)
    assert close(Softmax().backward(np.array([[1.0, 0.0]]), cache), [[0.1875, -0.1875]], 1e-15)


def test_softmax_takes_the_maximum_of_each_row_not_of_the_whole_array():
    # A rival's NaN depending on the batch: with the largest entry of all subtracted the second row would be 0 / 0.
    assert close(tn.nn.softmax([[1000, 1000], [-1000, -1000]]), 0.5)


def test_sigmoid_and_tanh_by_hand():
    assert close(tn.nn.sigmoid([0, np.log(3), -1000, 1000]), [0.5, 0.75, 0, 1])
    for x in (-10.0, -17.0, -20.0, -80.0, 10.0):  # small values keep their digits
        assert np.isclose(tn.nn.sigmoid(np.float32([x]))[0], 1 / (1 + np.exp(-x)), rtol=3e-7, atol=0)
    y, cache = Sigmoid().forward(np.array([np.log(3.0)]))
    assert close(Sigmoid().backward(np.array([2.0]), cache), 2 * 0.75 * 0.25, 1e-15)
    assert close(tn.nn.tanh([0, np.log(3)]), [0, 0.8])
    y, cache = Tanh().forward(np.array([np.log(3.0)]))
    assert close(Tanh().backward(np.array([2.0]), cache), 2 * (1 - 0.64), 1e-15)
    assert close(y, 0.8, 1e-15)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(0, 4), st.booleans(), st.sampled_from([-1, 1, 0])
)
def test_softmax_sums_to_one_whatever_the_shape(shape, batch, big, axis):
    x = np.random.default_rng(0).normal(size=(batch + 1, *shape)).astype("float32") * (1e30 if big else 1)
    assert close(Softmax(axis=axis)(x).sum(axis=axis), 1)


def test_a_layer_without_weights_computes_in_the_dtype_of_its_inputs():
    for dtype in ("float16", "float32", "float64"):
        assert tn.nn.relu(np.array([1.5], dtype)).dtype == dtype


def test_softmax_refuses_axes_that_are_not_there():
    with pytest.raises(ValueError, match="has axis=2, but its inputs have rank 2"):
        Softmax(axis=2)(np.zeros((2, 3)))
    for axis in (1.5, "1", None, (), (1, "2")):
        with pytest.raises(ValueError, match="axis must be"):
            Softmax(axis=axis)


def test_softmax_axes_count_from_either_end():
    x = np.zeros((2, 4))
    assert Softmax(axis=-2)(x).tolist() == [[0.5] * 4] * 2
    assert Softmax(axis=[0, 1])(x).tolist() == [[0.125] * 4] * 2
    with pytest.raises(ValueError, match="has axis=-3, but its inputs have rank 2"):
        Softmax(axis=-3)(x)
