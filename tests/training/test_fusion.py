"""Softmax or sigmoid and its cross-entropy become one, where that is right."""

import numpy as np
import pytest
from models import small

import tinynet as tn
from tinynet.layers import Dense, Flatten, ReLU, Softmax
from tinynet.losses import SparseCategoricalCrossentropy


def test_sigmoid_with_from_logits_is_refused_and_without_trains_from_logits():
    model = tn.Sequential([tn.Input((3,)), Dense(1, "sigmoid")])
    with pytest.raises(ValueError, match="would take sigmoid twice"):
        model.compile("sgd", tn.losses.BinaryCrossentropy(from_logits=True))
    model.compile("sgd", "binary_crossentropy")
    assert model.trains_from_logits
    model.set_weights([np.full((3, 1), -100.0), [0.0]])
    assert model.evaluate(np.ones((2, 3)), [1, 1], verbose=0) == 300, "not clipped at 16"
    with pytest.warns(UserWarning, match="ends in Dense, .* Add activation='sigmoid'"):
        tn.Sequential([tn.Input((3,)), Dense(1)]).compile("sgd", "bce")


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_a_subclass_of_softmax_is_trained_as_what_it_is(corners):
    x, y = corners()

    class Temperature(Softmax):
        def forward(self, x, training=False):
            return super().forward(x / 10)

        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, cache) / 10

    model = tn.Sequential([tn.Input((3,)), Dense(3), Temperature()], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert not model.trains_from_logits
    assert np.isclose(model.evaluate(x, y, verbose=0), model.loss(y, model.predict(x)), rtol=0, atol=1e-12)


def test_training_from_logits_is_decided_once_and_only_where_it_is_right():
    def trained_from_logits(*end, **loss):
        model = tn.Sequential([tn.Input((3,)), Dense(3), *end])
        model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(**loss))
        return model.trains_from_logits

    assert trained_from_logits(Softmax())
    assert trained_from_logits(Dense(3, activation="softmax"))
    assert trained_from_logits(Softmax(axis=1))
    assert not trained_from_logits(Softmax(axis=0))
    with pytest.warns(UserWarning, match="ends in ReLU, whose outputs are no probabilities"):
        assert not trained_from_logits(ReLU())
    assert not trained_from_logits(from_logits=True)


def test_softmax_with_from_logits_is_refused():
    model = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    with pytest.raises(ValueError, match="softmax twice"):
        model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=True))


def test_both_ways_give_the_same_loss_and_gradients(corners):
    x, y = corners()

    class Plain(tn.losses.SparseCategoricalCrossentropy):
        def on_logits(self):
            return None

    fused, plain = small(dtype="float64"), small(dtype="float64")
    plain.compile("adam", Plain(), ["accuracy"])
    (loss, gradients), (expected_loss, expected) = fused.gradients(x, y), plain.gradients(x, y)
    assert np.isclose(loss, expected_loss, rtol=0, atol=1e-12)
    assert all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(gradients, expected, strict=True))
    assert fused.evaluate(x, y, verbose=0)[1] == plain.evaluate(x, y, verbose=0)[1]


def test_a_confident_mistake_still_has_a_gradient():
    model = tn.Sequential([tn.Input((1,)), Dense(2, "softmax", use_bias=False)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([[[1000.0, -1000.0]]])
    loss, gradients = model.gradients([[1.0]], [1])
    assert loss == 2000
    assert gradients[0].tolist() == [[1, -1]]


def test_metrics_see_probabilities_when_trained_from_logits(corners):
    class Mass(tn.metrics.Metric):
        name = "mass"

        def values(self, labels, outputs):
            return outputs.sum(axis=-1)

    model = small(dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", [Mass()])
    x, y = corners()
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], 1, rtol=0, atol=1e-12)
    assert np.isclose(model.fit(x, y, verbose=0).history["mass"][0], 1, rtol=0, atol=1e-12)


def test_softmax_over_the_last_axis_counted_from_the_front_is_trained_from_logits_after_flatten_too():
    model = tn.Sequential([tn.Input((1, 1)), Flatten(), Dense(2, use_bias=False), Softmax(axis=1)])
    with pytest.raises(ValueError, match="softmax twice"):
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.set_weights([[[1000.0, -1000.0]]])
    loss, gradients = model.gradients([[[1.0]]], [1])
    assert loss == 2000
    assert gradients[0].tolist() == [[1, -1]]


def test_metrics_see_the_logits_of_a_model_that_ends_in_them(corners):
    class Mass(tn.metrics.Metric):
        def values(self, labels, outputs):
            return outputs.sum(axis=-1)

    x, y = corners()
    model = tn.Sequential([tn.Input((3,)), Dense(3)], seed=0, dtype="float64")
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), [Mass()])
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], model.predict(x).sum(axis=1).mean(), rtol=0, atol=1e-12)
