"""One flat array of all weights: layers hold views of it, whatever happens to them."""

import numpy as np
from models import is_view, small

import tinynet as tn
from tinynet.layers import Dense
from tinynet.training.buffers import FlatBuffers


def test_flat_buffers_put_trained_weights_first_and_bring_strays_back():
    frozen, trained = Dense(2, trainable=False), Dense(3)
    for layer in (frozen, trained):
        layer.setup((4,))
    values = [layer.get_weights() for layer in (frozen, trained)]
    buffers = FlatBuffers([frozen, trained, frozen], [trained], "numpy", np.dtype("float32"))
    buffers.claim()
    assert buffers.trained_weights.size == buffers.trained_gradients.size == 15
    assert buffers.weights.size == buffers.gradients.size == 25
    expected = np.concatenate([w.ravel() for w in [*values[1], *values[0]]])
    assert np.array_equal(buffers.weights, expected)
    kernel = trained.kernel
    buffers.claim()
    assert trained.kernel is kernel, "what is in its place is left alone"
    trained.bind("kernel", np.full((4, 3), 5.0, "float32"), np.zeros((4, 3), "float32"))
    buffers.claim()
    assert (buffers.weights[:12] == 5).all()
    trained.kernel[0, 0] = 6
    trained.grads["kernel"][...] = 7
    assert buffers.trained_weights[0] == 6
    assert (buffers.trained_gradients[:12] == 7).all()


# ---- weights and buffers ----------------------------------------------------------------------------------------


def test_weights_are_views_of_the_buffer_after_all_that_can_happen_to_them(corners):
    x, y = corners()
    model = small()
    model.fit(x, y, verbose=0)
    assert is_view(model)
    buffer = model.compilation.step.buffers.weights
    model.set_weights([weight + 1 for weight in model.get_weights()])
    model.layers[0].kernel = np.ones((3, 8))
    model.layers[0].kernel *= 2
    model.layers[0].kernel += 1
    assert is_view(model)
    assert model.compilation.step.buffers.weights is buffer
    assert (buffer[:24] == 3).all()
    model.fit(x, y, verbose=0)
    assert is_view(model)


def test_a_layer_lent_to_another_model_trains_in_both(corners):
    x, y = corners()
    shared = Dense(8, "relu")
    models = [tn.Sequential([tn.Input((3,)), shared, Dense(3, "softmax")], seed=seed) for seed in (0, 1)]
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
    for model in [*models, *models]:
        before = shared.kernel.copy()
        model.fit(x, y, verbose=0)
        assert not np.array_equal(shared.kernel, before)
        assert is_view(model)
    assert np.array_equal(models[0].get_weights()[0], models[1].get_weights()[0])


def test_a_layer_standing_twice_has_one_set_of_weights(corners):
    x, y = corners()
    shared = Dense(3, "relu")
    model = tn.Sequential([tn.Input((3,)), shared, shared, Dense(3, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    assert len(model.layers) == 3
    assert len(model.get_weights()) == 4
    assert model.count_params() == 24
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_references_to_weights_taken_after_compile_stay_the_weights(corners):
    model = small()
    weights = model.weights
    model.fit(*corners(), verbose=0)
    assert all(a is b for a, b in zip(weights, model.weights, strict=True))
