"""One step on one batch: by hand, in which layers, and what an interrupt leaves."""

import itertools

import numpy as np
import pytest
from models import small

import tinynet as tn
from tinynet.callbacks import Callback
from tinynet.layers import Dense, ReLU
from tinynet.losses import SparseCategoricalCrossentropy


def test_fit_is_a_loop_over_train_on_batch(corners):
    x, y = corners(50)
    model, by_hand = small(), small()
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for start in range(0, 50, 16):
            by_hand.train_on_batch(x[start : start + 16], y[start : start + 16])
    for a, b in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert model.optimizer.iterations == 8, "the short last batch counts as a step"


def test_one_step_by_hand():
    # One weight matrix, zero at first: p = 1/2 each; dW = x^T (p - onehot) = [[-1/2, 1/2]]; w = -lr dW.
    model = tn.Sequential([tn.Input((1,)), Dense(2, "softmax", kernel_initializer="zeros")])
    model.compile(tn.optimizers.SGD(0.5), "sparse_categorical_crossentropy", ["accuracy"])
    loss, accuracy = model.train_on_batch([[1.0]], [0])
    assert np.isclose(loss, np.log(2), rtol=0, atol=1e-7)
    assert accuracy == 1.0
    assert model.get_weights()[0].tolist() == [[0.25, -0.25]]
    assert model.get_weights()[1].tolist() == [0.25, -0.25]


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


def test_an_interrupt_inside_a_step_leaves_the_weights_of_the_last_whole_one(corners, monkeypatch):
    x, y = corners(64)
    model = small()
    model.fit(x, y, verbose=0)
    before = model.get_weights()
    backward = Dense.backward

    def interrupted(self, *args, **kwargs):
        backward(self, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Dense, "backward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert model.history.history == {}


def test_layers_are_told_whether_they_are_training(corners):
    flags = []

    class Watch(tn.layers.Layer):
        def forward(self, x, training=False):
            flags.append(training)
            return x, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    model = tn.Sequential([Watch(input_shape=(3,)), Dense(3, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = corners(8)
    for call, expected in [
        (lambda: model.fit(x, y, validation_data=(x, y), verbose=0), [True, False]),
        (lambda: model.train_on_batch(x, y), [True]),
        (lambda: model.gradients(x, y), [True]),
        (lambda: model.evaluate(x, y, verbose=0), [False]),
        (lambda: model.predict(x), [False]),
        (lambda: model(x), [False]),
        (lambda: model(x, training=True), [True]),
    ]:
        flags.clear()
        call()
        assert flags == expected


def test_the_first_trained_layer_is_asked_for_no_dx_and_those_before_it_for_nothing(corners):
    asked = []

    class Watched(Dense):
        def backward(self, dy, cache, need_dx=True):
            asked.append((self.name, need_dx))
            return super().backward(dy, cache, need_dx)

    x, y = corners(8)
    for frozen, expected in [
        ([], [("c", True), ("b", True), ("a", False)]),
        (["a"], [("c", True), ("b", False)]),
        (["b"], [("c", True), ("b", True), ("a", False)]),
        (["a", "b", "c"], []),
    ]:
        layers = [Watched(3, name=name, trainable=name not in frozen) for name in "abc"]
        model = tn.Sequential([tn.Input((3,)), *layers, tn.layers.Softmax()], seed=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        asked.clear()
        model.train_on_batch(x, y)
        assert asked == expected


def test_real_labels_are_cast_to_the_models_dtype():
    class Squared(tn.losses.Loss):
        """(B, 1) outputs against (B, 1) labels."""

        def forward(self, labels, outputs):
            return (outputs - labels)[:, 0] ** 2, outputs - labels

        def backward(self, labels, cache, factors):
            assert cache.dtype == np.float32
            return 2 * factors * cache

    model = tn.Sequential([tn.Input((1,)), Dense(1)], seed=0)
    model.compile(tn.optimizers.SGD(0.1), Squared())
    x = np.linspace(-1, 1, 32)[:, None]
    model.fit(x, 3 * x + 1, epochs=200, verbose=0)
    assert np.allclose(model.get_weights()[0], 3, rtol=0, atol=1e-3)
    assert np.allclose(model.get_weights()[1], 1, rtol=0, atol=1e-3)


def test_evaluate_in_a_hook_of_a_model_that_shares_layers_does_not_stop_the_training(corners):
    x, y = corners()
    logits = tn.Sequential([tn.Input((3,)), Dense(8, "relu"), Dense(3)], seed=0)
    logits.compile("adam", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    probabilities = tn.Sequential([logits, tn.layers.Softmax()])
    probabilities.compile("adam", "sparse_categorical_crossentropy")

    class Evaluate(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = [probabilities.evaluate(x, y, verbose=0), logits.evaluate(x, y, verbose=0)]
            probabilities.gradients(x, y)
            probabilities.predict(x)

    evaluate = Evaluate()
    losses = logits.fit(x, y, epochs=6, verbose=0, callbacks=[evaluate]).history["loss"]
    assert all(after < before for before, after in itertools.pairwise(losses))
    assert np.isclose(*evaluate.seen, rtol=0, atol=1e-6)
    alone = tn.Sequential([tn.Input((3,)), Dense(8, "relu"), Dense(3)], seed=0)
    alone.compile("adam", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert alone.fit(x, y, epochs=6, verbose=0).history["loss"] == losses


def test_a_step_of_another_model_in_a_hook_moves_the_shared_layers_of_both(corners):
    x, y = corners()
    shared = Dense(3, "softmax")
    models = [tn.Sequential([tn.Input((3,)), shared], seed=0) for _ in range(2)]
    for model in models:
        model.compile(tn.optimizers.SGD(0.1), "sparse_categorical_crossentropy")

    class Step(Callback):
        def on_train_batch_end(self, batch, logs=None):
            models[1].train_on_batch(x, y)

    models[0].fit(x, y, batch_size=len(x), epochs=3, verbose=0, callbacks=[Step()])
    single = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")], seed=0)
    single.compile(tn.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    single.fit(x, y, batch_size=len(x), epochs=6, verbose=0, shuffle=False)
    assert np.allclose(models[0].get_weights()[0], single.get_weights()[0], rtol=0, atol=1e-6)


def test_nothing_below_the_first_trained_layer_is_run_backward(corners):
    calls = []

    class Watch(Dense):
        def backward(self, dy, cache, need_dx=True):
            calls.append((self.name, need_dx))
            return super().backward(dy, cache, need_dx)

    layers = [
        tn.Input((3,)),
        ReLU(),
        Watch(4, name="a", trainable=False),
        ReLU(),
        Watch(4, name="b"),
        Watch(3, name="c"),
    ]
    model = tn.Sequential(layers)
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    x, y = corners(4)
    model.train_on_batch(x, y)
    assert calls == [("c", True), ("b", False)]
    calls.clear()
    model.gradients(x, y)
    assert calls == [("c", True), ("b", True), ("a", False)]


# ---- compile and what it refuses ----------------------------------------------------------------------------------


def test_penalties_are_part_of_the_loss_and_its_gradient():
    model = tn.Sequential([tn.Input((2,)), Dense(2, kernel_regularizer="l2", bias_regularizer="l1")], dtype="float64")
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 5, 2))
    model.set_weights([rng.normal(size=(2, 2)), rng.normal(size=2)])
    kernel, bias = model.get_weights()
    plain = ((x @ kernel + bias - y) ** 2).mean()
    penalty = 0.01 * (kernel**2).sum() + 0.01 * abs(bias).sum()
    for loss in (model.evaluate(x, y, verbose=0), model.gradients(x, y)[0], model.test_on_batch(x, y)):
        assert loss == pytest.approx(plain + penalty, rel=1e-12)
    step = 1e-5
    for index, gradient in enumerate(model.gradients(x, y)[1]):
        for place in np.ndindex(gradient.shape):
            ends = []
            for sign in (1, -1):
                weights = [kernel.copy(), bias.copy()]
                weights[index][place] += sign * step
                model.set_weights(weights)
                ends.append(model.test_on_batch(x, y))
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-9)  # errors of step^2
    model.set_weights([kernel, bias])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(plain, rel=1e-12), "frozen weights are not penalized"
