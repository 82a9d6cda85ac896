"""A layer's weights and gradients: views that are read by name and written in place."""

import numpy as np
import pytest
from scale import Scale

import tinynet as tn
from tinynet.layers import Dense


def test_weights_are_read_by_name_and_written_in_place():
    dense = Dense(2)
    with pytest.raises(AttributeError, match=r"Dense has no attribute 'kernel'\. It is not built yet"):
        _ = dense.kernel
    dense(np.zeros((1, 3)))
    before = dense.kernel
    dense.kernel = np.ones((3, 2))
    assert dense.kernel is before
    assert before.tolist() == [[1, 1]] * 3
    with pytest.raises(ValueError, match=r"dense\.kernel has shape \(3, 2\); got an array of shape \(2, 3\)"):
        dense.kernel = np.ones((2, 3))
    with pytest.raises(ValueError, match="real numbers"):
        dense.bias = ["a", "b"]
    with pytest.raises(AttributeError, match="second name of a weight"):
        dense.other = dense.kernel


def test_layer_get_and_set_weights():
    dense = Dense(2, name="d")
    dense(np.zeros((1, 3)))
    weights = [np.full((3, 2), 2.0), np.array([3.0, 4])]
    dense.set_weights(weights)
    got = dense.get_weights()
    assert [a.tolist() for a in got] == [a.tolist() for a in weights]
    got[0][...] = 9
    assert dense.kernel[0, 0] == 2
    assert dense.count_params() == 8
    with pytest.raises(TypeError, match=r"set_weights takes a list of arrays; got 3\.$"):
        dense.set_weights(3)
    with pytest.raises(ValueError, match=r"'d' has 2 weights \(\(3, 2\), \(2,\)\); set_weights got 1"):
        dense.set_weights([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"weight 1 \(d\.bias\) has shape \(2,\); got an array of shape \(3,\)"):
        dense.set_weights([np.zeros((3, 2)), np.zeros(3)])
    assert dense.kernel[0, 0] == 2, "nothing is written when one of the arrays does not fit"


def test_gradients_may_be_assigned_and_stay_where_they_are(corners):
    class Assigning(Scale):
        def backward(self, dy, cache, need_dx=True):
            self.grads["a"] = (dy * cache).sum(axis=0)
            return dy * self.a

    x, y = corners()
    models = [tn.Sequential([make(input_shape=(3,)), Dense(3, "softmax")], seed=0) for make in (Scale, Assigning)]
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, verbose=0)
    assert np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])
    with pytest.raises(ValueError, match=r"The gradient of a has shape \(3,\); got \(2,\)"):
        models[1].layers[0].grads["a"] = np.zeros(2)
    with pytest.raises(KeyError, match=r"'b' is no weight of this layer; it has \['a'\]"):
        models[1].layers[0].grads["b"] = np.zeros(3)
    with pytest.raises(AttributeError, match=r"self\.grads is written by name"):
        models[1].layers[0].grads = {"a": np.zeros(3)}


def test_a_weight_of_another_shape_than_its_initializer_draws():
    class Wrong(tn.initializers.Initializer):
        def draw(self, shape, rng):
            return np.zeros(3)

    with pytest.raises(ValueError, match=r"dense\.kernel returned shape \(3,\), not \(4, 2\)"):
        Dense(2, kernel_initializer=Wrong())(np.zeros((1, 4)))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float64"])
def test_weights_can_be_set_to_numbers_of_any_type(dtype):
    dense = Dense(2)
    dense(np.zeros((1, 3)))
    dense.kernel = np.ones((3, 2), dtype)
    assert dense.kernel.dtype == np.float32
    assert dense.kernel.tolist() == [[1, 1]] * 3
