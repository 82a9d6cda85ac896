"""Clones and copies: their own weights, and the same way on."""

import copy
import pickle

import numpy as np
import pytest
from models import Scale, everything, is_view, same, small

import tinynet as tn
from tinynet.layers import Dense


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("epochs_before", [0, 2])
def test_a_copy_goes_on_as_the_original_and_shares_nothing(twin, epochs_before, corners):
    x, y = corners()
    model = small()
    if epochs_before:
        model.fit(x, y, epochs=epochs_before, verbose=0)
    other = twin(model)
    assert same(other.get_weights(), model.get_weights())
    before = model.get_weights()
    other.fit(x, y, epochs=2, verbose=0)
    assert same(model.get_weights(), before)
    assert is_view(other)
    model.fit(x, y, epochs=2, verbose=0)
    assert same(other.get_weights(), model.get_weights()), "to the last bit, the optimizer's state included"


def test_a_pickle_holds_the_weights_once(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    extra = len(pickle.dumps(model)) - len(pickle.dumps(small()))
    assert extra < 3.5 * 4 * model.count_params() + 2000, "two slots and a scratch array of the optimizer, no buffers"


# ---- written down -------------------------------------------------------------------------------------------------


def test_a_clone_without_a_seed_starts_elsewhere_and_keeps_the_rest():
    model = tn.Sequential([tn.Input((4,)), Dense(3), Scale(2.0, name="mine")], dtype="float64", name="own")
    clone = tn.models.clone_model(model)
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    assert (clone.name, clone.dtype, clone.get_layer("mine").factor) == ("own", np.float64, 2.0)
    assert "seed" not in model.get_config()
    lazy = tn.models.clone_model(tn.Sequential([Dense(3)]))
    assert not lazy.built
    frozen = tn.models.clone_model(tn.Sequential([tn.Input((4,)), Dense(3, trainable=False)]))
    assert frozen.trainable_weights == []
    with pytest.raises(TypeError, match="clone_model takes a Sequential; got 3"):
        tn.models.clone_model(3)


def test_a_layer_that_stands_twice_does_so_in_the_clone():
    twice = Dense(4)
    clone = tn.models.clone_model(tn.Sequential([tn.Input((4,)), twice, Dense(4), twice], seed=1))
    assert clone.layers[0] is clone.layers[2]
    assert clone.layers[0] is not twice
    assert len(clone.weights) == 4


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_trained_model_goes_on_to_the_same_bits(copied):
    model = everything()
    model.compile(tn.optimizers.Adam(0.01, clipnorm=0.5), "sparse_categorical_crossentropy", ["accuracy"])
    x, y = np.random.default_rng(0).normal(size=(20, 2, 3)), np.arange(20) % 3
    model.fit(x, y, verbose=0)
    other = copied(model)
    for each in (model, other):
        each.fit(x, y, epochs=2, initial_epoch=1, verbose=0)
    assert same(model.get_weights(), other.get_weights())


def test_a_model_whose_save_calls_save_model(tmp_path):
    class Mine(tn.Sequential):
        def save(self, filepath, overwrite=True):
            tn.models.save_model(self, filepath, overwrite)

    Mine([tn.Input((2,)), tn.layers.Dense(1)], seed=0).save(tmp_path / "m.npz")
    assert tn.models.load_model(tmp_path / "m.npz").count_params() == 3
