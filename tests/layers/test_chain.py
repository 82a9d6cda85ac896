"""Layers one after another, forward and backward."""

import numpy as np

import tinynet as tn
from tinynet import Sequential
from tinynet.layers import BatchNormalization, Dense, Layer
from tinynet.layers.chain import backward_chain, forward_chain

X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)


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


class Scaled(Dense):
    """A Dense with a scale behind it, which a user adds to the parts."""

    def __init__(self, units, **options):
        super().__init__(units, **options)
        self.scale = BatchNormalization()

    def parts(self):
        return [*super().parts(), *self.scale.parts()]


class Half(Dense):
    """A Dense whose kernel is not trained, as a user says."""

    def trained_parts(self):
        return []


class Pair(Layer):
    """Two layers in a row."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units, self.first, self.second = units, Dense(units), Sequential([Dense(units)])

    def parts(self):
        return [*self.first.parts(), *self.second.parts()]


def compiled(layer):
    model = Sequential([tn.Input((3,)), layer, Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def test_a_layer_may_add_to_the_parts_of_its_base():
    model = compiled(Scaled(4, activation="relu"))
    assert [type(part).__name__ for part in model.parts()] == ["Scaled", "ReLU", "BatchNormalization", "Dense"]
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_layer_may_say_which_parts_are_trained():
    model = compiled(Half(4))
    kernel = model.layers[0].kernel.copy()
    assert model.layers[0] not in model.trained_parts()
    model.fit(X, Y, verbose=0)
    assert np.array_equal(model.layers[0].kernel, kernel)


def test_what_a_layer_of_two_trains_is_what_its_file_has(tmp_path):
    pair = Pair(4)
    pair.first.trainable = False  # a layer with parts of its own is frozen as a whole, or not
    model = compiled(pair)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.npz")
    again = tn.models.load_model(tmp_path / "m.npz", {"Pair": Pair})
    for each in (model, again):
        each.fit(X, Y, epochs=2, initial_epoch=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    pair.trainable = False
    assert pair.trained_parts() == []
