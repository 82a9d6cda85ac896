"""fit, evaluate and predict: their arguments and what they return."""

import threading
import warnings

import numpy as np
import pytest
from lines import X, Y, line
from models import same, small

import tinynet as tn
from tinynet.layers import Dense, Dropout

# ---- steps, epochs, validation ------------------------------------------------------------------------------------


def test_initial_epoch_goes_on_to_the_same_bits():
    """Orders and masks depend on the seed and the steps alone."""

    def model():
        made = tn.Sequential([tn.Input((3,)), Dense(8, "relu"), Dropout(0.5), Dense(1)], seed=3)
        made.compile("adam", "mse")
        return made

    x, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    whole, parts = model(), model()
    whole.fit(x, y[:, 0], epochs=4, batch_size=8, verbose=0)
    parts.fit(x, y[:, 0], epochs=1, batch_size=8, verbose=0)
    history = parts.fit(x, y[:, 0], epochs=4, initial_epoch=1, batch_size=8, verbose=0, validation_split=0.0)
    assert history.epoch == [1, 2, 3]
    assert same(whole.get_weights(), parts.get_weights())
    assert parts.fit(x, y[:, 0], epochs=4, initial_epoch=4, verbose=0).history == {}


def test_validation_does_not_change_the_training():
    first, second = line(), line()
    first.fit(X, Y, epochs=3, verbose=0)
    second.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y))
    assert same(first.get_weights(), second.get_weights())


@pytest.mark.parametrize(("freq", "times"), [(1, 5), (2, 2), (5, 1), (6, 0), ([1, 4], 2), ((5,), 1), ({2}, 1)])
def test_validation_freq(freq, times):
    history = line().fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=freq).history
    assert len(history.get("val_loss", [])) == times
    assert len(history["loss"]) == 5


@pytest.mark.parametrize("freq", [0, -1, 1.5, "2", [1.5], None])
def test_bad_validation_freq(freq):
    with pytest.raises(ValueError, match="validation_freq must be"):
        line().fit(X, Y, validation_data=(X, Y), validation_freq=freq, verbose=0)


# ---- compile and what it refuses ----------------------------------------------------------------------------------


def test_results_in_every_form():
    model = line(metrics=["mae"])
    whole = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(whole.values()) == model.evaluate(X, Y, verbose=0)
    assert model.test_on_batch(X, Y, return_dict=True) == whole
    before = model.get_weights()
    assert model.test_on_batch(X, Y) == list(whole.values())
    assert same(model.get_weights(), before)
    assert model.train_on_batch(X, Y, None, None, True) == whole
    assert isinstance(line().train_on_batch(X, Y), float)
    assert np.array_equal(model.predict_on_batch(X), model.predict(X))
    assert type(model.predict_on_batch(X)) is np.ndarray


def test_misspelt_arguments_are_named_with_the_nearest():
    model = line()
    for call, message in (
        (lambda: model.fit(X, Y, epoch=2), r"fit has no argument 'epoch' in tinynet. Did you mean 'epochs'\?"),
        (lambda: model.evaluate(X, Y, verbos=0), r"evaluate has .* Did you mean 'verbose'\?"),
        (lambda: model.predict(X, batchsize=0), r"predict has .* Did you mean 'batch_size'\?"),
        (lambda: model.predict(X, workers=0), "predict has no argument 'workers' .* It takes x, batch_size, verbose"),
        (lambda: model.train_on_batch(X, Y, weights=1), "train_on_batch has no argument 'weights'"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
    assert model.fit.__name__ == "fit"
    assert "validation_split" in model.fit.__doc__


def test_history(corners):
    model = small()
    history = model.fit(*corners(), epochs=3, validation_data=corners(20, seed=1), verbose=0)
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 2}
    assert history.model is model
    assert model.fit(*corners(), epochs=0, verbose=0).history == {}


def test_validation_is_evaluate_after_each_epoch(corners):
    x_val, y_val = corners(20, seed=1)
    model = small()
    history = model.fit(*corners(), epochs=2, validation_data=(x_val, y_val), verbose=0).history
    loss, accuracy = model.evaluate(x_val, y_val, verbose=0)
    assert history["val_loss"][-1] == loss
    assert history["val_accuracy"][-1] == accuracy


@pytest.mark.parametrize("epochs", [-1, 2.5, None, "3"])
def test_bad_numbers_of_epochs(corners, epochs):
    with pytest.raises(ValueError, match="epochs must be an integer of at least 0"):
        small().fit(*corners(), epochs=epochs)


def test_evaluate_gives_a_list_a_number_or_a_dictionary(corners):
    x, y = corners()
    model = small()
    values = model.evaluate(x, y, verbose=0)
    assert [type(value) for value in values] == [float, float]
    assert model.evaluate(x, y, verbose=0, return_dict=True) == dict(zip(["loss", "accuracy"], values, strict=True))
    model.compile("adam", "sparse_categorical_crossentropy")
    assert type(model.evaluate(x, y, verbose=0)) is float
    assert type(model.train_on_batch(x, y)) is float
    assert list(model.train_on_batch(x, y, return_dict=True)) == ["loss"]


def test_evaluate_changes_nothing(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    before, history = model.get_weights(), model.history
    model.evaluate(*corners(), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    assert model.optimizer.iterations == 2
    assert model.history is history


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


def test_default_batch_sizes(capsys):
    model = small()
    for call, size in (
        (lambda n: model.fit(np.zeros((n, 3)), np.zeros(n, int), verbose=2), 32),
        (lambda n: model.evaluate(np.zeros((n, 3)), np.zeros(n, int), verbose=2), 512),
        (lambda n: model.predict(np.zeros((n, 3)), verbose=2), 512),
    ):
        for n, steps in ((size, "1/1 - "), (size + 1, "2/2 - ")):
            call(n)
            assert steps in capsys.readouterr().out


def test_a_batch_that_nobody_watches_is_predicted_without_the_loop(corners, monkeypatch):
    x, _ = corners()
    model = tn.Sequential([tn.layers.Flatten(), tn.layers.Dense(2, "softmax")], seed=0)
    in_parts = model.predict(x, batch_size=3)
    monkeypatch.setattr(tn.intake.adapters, "Limited", None)  # what the loop needs
    assert model.predict(x) == pytest.approx(in_parts, rel=1e-6)
    assert model.predict(x, batch_size=len(x)).dtype == np.float32
    with pytest.raises(TypeError):
        model.predict(x, batch_size=len(x) - 1)
    with pytest.raises(TypeError):
        model.predict(x, callbacks=[tn.callbacks.Callback()])
    with pytest.raises(TypeError):
        model.predict(x, verbose=2)


def test_what_predict_returns_is_no_view_of_what_it_was_given():
    x = np.ones((2, 3), "float32")
    tn.Sequential([tn.layers.Flatten()]).predict(x)[...] = 0
    assert (x == 1).all()


def test_predict_in_one_batch_says_that_there_are_too_few(corners):
    x, _ = corners()
    model = tn.Sequential([tn.layers.Dense(2)], seed=0)
    with pytest.warns(UserWarning, match="The data ran out"):
        model.predict(x, batch_size=len(x), steps=5)


# ---- structure and shapes ---------------------------------------------------------------------------------------


def test_predict_gives_probabilities_in_float32(lesson_model, sample):
    probabilities = lesson_model(seed=0).predict(sample[1][0][:32])
    assert probabilities.shape == (32, 10)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)


def test_predict_does_not_depend_on_how_it_is_cut_into_batches():
    x = np.random.default_rng(0).normal(size=(50, 3))
    model = small()
    assert np.allclose(model.predict(x, batch_size=7), model.predict(x), rtol=0, atol=1e-6)


def test_predict_of_nothing_has_the_right_shape():
    assert small().predict(np.zeros((0, 3))).shape == (0, 3)


def test_predict_prints_nothing_unasked(capsys):
    small().predict(np.zeros((4, 3)))
    assert capsys.readouterr().out == ""
    small().predict(np.zeros((4, 3)), verbose=1)
    assert capsys.readouterr().out.startswith("1/1 [==============================] - ")


def test_predict_runs_in_several_threads():
    model, x = small(), np.random.default_rng(0).normal(size=(8, 200, 3))
    expected = [model.predict(part) for part in x]
    results = [None] * len(x)

    def work(i):
        for _ in range(20):
            results[i] = model.predict(x[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(x))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(results, expected)


def test_a_float64_model_computes_in_float64(corners):
    model = small(dtype="float64")
    assert model.predict(np.ones((1, 3), "float32")).dtype == np.float64
    model.fit(*corners(), verbose=0)
    assert all(weight.dtype == np.float64 for weight in model.get_weights())


# ---- weights and buffers ----------------------------------------------------------------------------------------


def test_gradients_are_those_of_the_mean_loss_in_the_order_of_the_weights(corners):
    x, y = corners(8)
    model = small(dtype="float64")
    before = model.get_weights()
    loss, gradients = model.gradients(x, y)
    assert type(loss) is float
    assert np.isclose(loss, model.evaluate(x, y, verbose=0)[0], rtol=0, atol=1e-12)
    assert [gradient.shape for gradient in gradients] == [weight.shape for weight in before]
    assert same(model.get_weights(), before)
    assert model.optimizer.iterations == 0
    # gradients of two part-batches, weighted by their sizes, add up to the whole's
    parts = [model.gradients(x[rows], y[rows])[1] for rows in (slice(0, 3), slice(3, 8))]
    for whole, first, second in zip(gradients, *parts, strict=True):
        assert np.allclose(whole, (3 * first + 5 * second) / 8, rtol=0, atol=1e-15)


def test_gradients_of_frozen_layers_are_there_too(corners):
    x, y = corners()
    model = small()
    expected = model.gradients(x, y)[1]
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    assert same(model.gradients(x, y)[1], expected)


# ---- seeds ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits(corners):
    x, y = corners()
    first, second = small(seed=5), small(seed=5)
    for model in (first, second):
        model.fit(x, y, epochs=3, verbose=0)
    assert same(first.get_weights(), second.get_weights())
    assert first.history.history == second.history.history


def test_another_seed_gives_other_weights_and_another_order(corners):
    assert not np.array_equal(small(seed=1).get_weights()[0], small(seed=2).get_weights()[0])
    x, y = corners()
    one, other = small(seed=1), small(seed=2)
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.fit(x, y, verbose=0)
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_the_first_predictions_of_several_threads_build_the_model_once():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    expected = tn.Sequential([Dense(8, "relu"), Dense(3)], seed=0).predict(x)
    for _ in range(20):
        model = tn.Sequential([Dense(8, "relu"), Dense(3)], seed=0)
        results = [None] * 4
        barrier = threading.Barrier(4)

        def work(i, model=model, results=results, barrier=barrier):
            barrier.wait()
            results[i] = model.predict(x)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(result, expected) for result in results)


def test_evaluate_needs_no_optimizer_of_its_own(corners):
    x, y = corners()
    optimizer, models = tn.optimizers.Adam(), [small(), small()]
    for model in models:
        model.compile(optimizer, "sparse_categorical_crossentropy")
    assert models[0].evaluate(x, y, verbose=0) == models[1].evaluate(x, y, verbose=0)
    models[0].gradients(x, y)


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_outputs_of_another_shape_than_built_are_refused_everywhere(corners):
    class Narrow(tn.layers.Layer):
        def forward(self, x, training=False):
            return x.sum(axis=1, keepdims=True), x

    model = tn.Sequential([tn.Input((3,)), Narrow()])
    for call in (model.predict, model):
        with pytest.raises(ValueError, match=r"shape \(60, 1\), but the layers were built for \(None, 3\)"):
            call(corners()[0])


class FitsAgain(tn.callbacks.Callback):
    """Fits its model once more, for an epoch, within the first epoch's end."""

    def __init__(self, then=None):
        self.then, self.fits = then, False

    def on_epoch_end(self, epoch, logs=None):
        if not self.fits:
            self.fits = True
            self.model.fit(X, Y, verbose=0)
            if self.then:
                raise self.then


def test_a_fit_within_a_fit_of_the_same_model():
    model = line()
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[FitsAgain()])
    assert (history.epoch, model.epochs_trained, model.optimizer.iterations) == ([0, 1, 2], 3, 4)
    with pytest.raises(KeyError, match="mine"):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[FitsAgain(then=KeyError("mine"))])
    assert model.fit(X, Y, verbose=0).epoch == [0]


@pytest.mark.parametrize("name", ["loss", "metrics", "weighted_metrics"])
def test_what_compile_chose_is_not_set_behind_its_back(name):
    with pytest.raises(AttributeError, match=f"{name} is chosen by compile: call model.compile"):
        setattr(line(), name, [])


def test_the_number_of_epochs_can_be_set():
    model = line()
    model.epochs_trained = 4
    assert model.fit(X, Y, epochs=6, initial_epoch=model.epochs_trained, verbose=0).epoch == [4, 5]

    class Sets(tn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.epochs_trained = 9

    model.fit(X, Y, verbose=0, callbacks=[Sets()])
    assert model.epochs_trained == 9


def test_a_model_that_warns_in_compile_is_compiled_all_the_same():
    model = line()
    with pytest.warns(UserWarning, match="whose outputs are no probabilities"):
        model.compile("adam", "binary_crossentropy")
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="whose outputs are no probabilities"):
            model.compile("adam", "binary_crossentropy")
    assert (model.loss.name, model.optimizer.name) == ("binary_crossentropy", "adam")
    model.fit(X, Y / 2, verbose=0)
