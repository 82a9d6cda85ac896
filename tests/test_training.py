"""fit, evaluate and train_on_batch: what is computed, reported and kept."""

import itertools

import numpy as np
import pytest
from models import small

import tinynet as tn
from tinynet.callbacks import Callback
from tinynet.layers import Dense, ReLU
from tinynet.losses import SparseCategoricalCrossentropy


class Frozen(tn.optimizers.SGD):
    """Steps of length zero: the weights stay, so that what fit reports can be computed from them."""

    def __init__(self):
        super().__init__(0)


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


def test_what_fit_reports_is_the_mean_over_samples_with_a_short_last_batch(corners):
    x, y = corners(37)
    model = small()
    model.compile(Frozen(), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, batch_size=16, verbose=0).history
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    assert np.isclose(history["loss"][0], expected["loss"], rtol=0, atol=1e-7)
    assert history["accuracy"][0] == expected["accuracy"]
    losses = -np.log(model.predict(x)[np.arange(37), y])
    assert np.isclose(expected["loss"], losses.mean(), rtol=0, atol=1e-6)
    assert np.isclose(expected["accuracy"], (model.predict(x).argmax(1) == y).mean(), rtol=0, atol=1e-15)


def test_every_epoch_shows_every_sample_once_in_a_new_order(monkeypatch):
    seen = []

    class Watch(tn.layers.Layer):
        def forward(self, x, training=False):
            seen.extend(x[:, 0].tolist())
            return x, None

        def backward(self, dy, cache, need_dx=True):
            return dy

    def orders(shuffle):
        seen.clear()
        model = tn.Sequential([Watch(input_shape=(1,)), Dense(2, "softmax")], seed=3)
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(np.arange(100.0)[:, None], np.zeros(100, int), batch_size=7, epochs=2, shuffle=shuffle, verbose=0)
        return seen[:100], seen[100:]

    first, second = orders(True)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert first != list(range(100))
    assert orders(True) == (first, second), "the order depends on the seed alone"
    assert orders(False) == (list(range(100)), list(range(100)))


def test_the_order_depends_on_the_seed_and_the_iterations_so_training_can_stop_and_go_on(corners):
    x, y = corners()
    once, twice = small(), small()
    once.fit(x, y, epochs=4, verbose=0)
    for epochs in (1, 3):
        twice.fit(x, y, epochs=epochs, verbose=0)
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        assert np.array_equal(a, b)


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


def test_validation_split_takes_the_last_part_before_shuffling(corners):
    x, y = corners(10)
    for split, count in ((0.25, 7), (0.3, 7), (0.5, 5)):  # floor(10 (1 - split)), as Keras
        model, explicit = small(), small()
        model.fit(x, y, epochs=2, validation_split=split, verbose=0)
        explicit.fit(x[:count], y[:count], epochs=2, validation_data=(x[count:], y[count:]), verbose=0)
        assert model.history.history == explicit.history.history


@pytest.mark.parametrize("split", [-0.1, 1.0, 1.5, float("nan"), "a"])
def test_bad_validation_splits(corners, split):
    with pytest.raises(ValueError, match=r"validation_split must be a finite number in \[0, 1\)"):
        small().fit(*corners(), validation_split=split, verbose=0)


def test_a_validation_split_that_leaves_one_side_empty(corners):
    with pytest.raises(ValueError, match=r"validation_split=0\.9 of 1 samples leaves one side empty"):
        small().fit(*corners(1), validation_split=0.9, verbose=0)


def test_bad_validation_data_is_called_that(corners):
    with pytest.raises(ValueError, match=r"validation_data must be \(x, y\), \(x, y, sample_weight\) or"):
        small().fit(*corners(), validation_data=np.zeros((3, 3)), verbose=0)
    with pytest.raises(ValueError, match="validation_data: x and y must have the same number of samples"):
        small().fit(*corners(), validation_data=(np.zeros((3, 3)), [0]), verbose=0)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "32", True])
def test_bad_batch_sizes(corners, batch_size):
    x, y = corners()
    for call in (small().fit, small().evaluate):
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            call(x, y, batch_size=batch_size)
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        small().predict(x, batch_size=batch_size)


@pytest.mark.parametrize("epochs", [-1, 2.5, None, "3"])
def test_bad_numbers_of_epochs(corners, epochs):
    with pytest.raises(ValueError, match="epochs must be an integer of at least 0"):
        small().fit(*corners(), epochs=epochs)


def test_a_batch_larger_than_the_data_is_one_batch(corners):
    model = small()
    model.fit(*corners(5), batch_size=100, verbose=0)
    assert model.optimizer.iterations == 1


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


def test_compile_again_keeps_the_weights_and_forgets_the_optimizers_state(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    before = model.get_weights()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert model.optimizer.iterations == 0
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_data_of_any_number_type_and_layout_trains_alike(corners, dtype):
    x, y = corners()
    x = (np.abs(x) * 10).round()
    model, expected = small(), small()
    expected.fit(x, y, epochs=2, verbose=0)
    given = np.asfortranarray(x.astype(dtype))
    given.setflags(write=False)
    labels = y.astype("uint8")[:, None]
    model.fit(given, labels, epochs=2, verbose=0)
    assert model.history.history == expected.history.history


def test_strided_data_and_lists_train_alike(corners):
    x, y = corners()
    expected, strided, lists = small(), small(), small()
    expected.fit(x, y, verbose=0)
    strided.fit(np.repeat(x, 2, axis=0)[::2], np.repeat(y, 2)[::2], verbose=0)
    lists.fit(x.tolist(), y.tolist(), verbose=0)
    assert strided.history.history == expected.history.history == lists.history.history


def test_the_data_is_not_written_to(corners):
    x, y = corners()
    before = x.copy(), y.copy()
    small().fit(x, y, epochs=2, validation_split=0.2, verbose=0)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


def test_sequences_train(corners):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5, 3))
    y = x.argmax(axis=-1)
    model = tn.Sequential([tn.Input((5, 3)), Dense(16, "tanh"), Dense(3, "softmax")], seed=0)
    model.compile(tn.optimizers.Adam(0.02), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, epochs=60, batch_size=7, verbose=0).history
    assert history["accuracy"][-1] > 0.95
    assert model.predict(x).shape == (40, 5, 3)
    assert np.isclose(model.evaluate(x, y, verbose=0)[1], (model.predict(x).argmax(-1) == y).mean())


# ---- learning -----------------------------------------------------------------------------------------------------


def test_32_images_are_overfitted(sample, lesson_model):
    (x, y), _ = sample
    x, y = x[:32].astype("float32") / 255, y[:32]
    model = lesson_model(seed=0)
    losses = model.fit(x, y, epochs=200, verbose=0).history["loss"]
    assert losses[-1] < 0.01
    assert (model.predict(x).argmax(axis=1) == y).all()


def test_an_untrained_model_knows_nothing(sample, lesson_model):
    # -log(1/10) = 2.303; weights of Glorot's size on pixels in [0, 1] move it by some tenths.
    (x, y), _ = sample
    loss, accuracy = lesson_model(seed=0).evaluate(x.astype("float32") / 255, y, verbose=0)
    assert 2.2 < loss < 2.7
    assert accuracy < 0.3


def test_the_sample_is_learned(sample, lesson_model):
    (x, y), (x_test, y_test) = sample
    model = lesson_model(seed=0)
    model.fit(x.astype("float32") / 255, y, epochs=10, verbose=0)
    assert model.evaluate(x_test.astype("float32") / 255, y_test, verbose=0)[1] > 0.78


def test_the_lesson_on_the_real_data_over_five_seeds(full_data, lesson_model):
    (x, y), (x_test, y_test) = full_data
    x, x_test = x.astype("float32") / 255, x_test.astype("float32") / 255
    printed_in_the_lesson = np.array([0.4921, 0.3652, 0.3341, 0.3111, 0.2911])
    accuracies = []
    for seed in range(5):
        model = lesson_model(seed=seed)
        losses = model.fit(x, y, epochs=5, batch_size=32, verbose=0).history["loss"]
        assert np.abs(losses - printed_in_the_lesson).max() < 0.02
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
    assert np.mean(accuracies) >= 0.865


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


class Interrupt(Callback):
    def __init__(self, after):
        self.left = after

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_whole_steps_and_the_history_so_far(corners):
    x, y = corners(64)
    model = small()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=5, verbose=0, callbacks=[Interrupt(after=5)])
    assert model.history.epoch == [0, 1]
    assert len(model.history.history["loss"]) == 2
    assert model.optimizer.iterations == 5
    stepped = small()
    with pytest.raises(KeyboardInterrupt):
        stepped.fit(x, y, epochs=5, verbose=0, callbacks=[Interrupt(after=5)])
    for a, b in zip(model.get_weights(), stepped.get_weights(), strict=True):
        assert np.array_equal(a, b)
    model.fit(x, y, epochs=1, verbose=0)
    assert model.optimizer.iterations == 7
    assert model.predict(x).shape == (64, 3)


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


def test_hooks_are_called_in_keras_order_with_floats(corners):
    calls = []

    class Recorder(Callback):
        def set_model(self, model):
            super().set_model(model)
            calls.append("set_model")

        def set_params(self, params):
            super().set_params(params)
            calls.append("set_params")

    def record(name):
        def hook(self, *arguments):
            *arguments, logs = arguments
            assert all(type(value) is float for value in logs.values())
            calls.append((name, *arguments, *logs))

        return hook

    for name in dir(Callback):
        if name.startswith("on_"):
            setattr(Recorder, name, record(name))
    model = small()
    model.fit(*corners(40), validation_data=corners(8), epochs=1, callbacks=[Recorder()], verbose=0)
    assert calls == [
        "set_model",
        "set_params",
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0, "loss", "accuracy"),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1, "loss", "accuracy"),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "loss", "accuracy"),
        ("on_test_end", "loss", "accuracy"),
        ("on_epoch_end", 0, "loss", "accuracy", "val_loss", "val_accuracy"),
        ("on_train_end", "loss", "accuracy", "val_loss", "val_accuracy"),
    ]


def test_batch_logs_are_the_running_means(corners):
    class Last(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.logs = logs

    last, model = Last(), small()
    history = model.fit(*corners(50), callbacks=[last], verbose=0).history
    assert last.logs == {name: values[-1] for name, values in history.items()}


def test_a_callback_can_stop_training_and_add_to_the_history(corners):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["twice"] = 2 * logs["loss"]
            if epoch == 1:
                self.model.stop_training = True

    model = small()
    history = model.fit(*corners(), epochs=5, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]
    assert history.history["twice"] == [2 * loss for loss in history.history["loss"]]
    assert model.fit(*corners(), epochs=2, verbose=0).epoch == [0, 1], "the next fit starts unstopped"


def test_what_is_no_callback_and_what_is_no_hook(corners):
    with pytest.raises(TypeError, match="callbacks must be instances of Callback; got 3"):
        small().fit(*corners(), callbacks=[3], verbose=0)

    class Typo(Callback):
        def on_epoch_ends(self, epoch, logs=None):
            raise AssertionError("never called")

    with pytest.raises(TypeError, match=r"Typo\.on_epoch_ends would never be called\. Did you mean on_epoch_end\?"):
        small().fit(*corners(), callbacks=[Typo()], verbose=0)

    for given in ([Typo], Typo):
        with pytest.raises(TypeError, match=r"write Typo\(\)"):
            small().fit(*corners(), callbacks=given, verbose=0)


def test_only_callbacks_that_ask_for_batches_cost_a_transfer_for_each(corners, monkeypatch):
    means = []
    original = tn.training.report.Totals.means
    monkeypatch.setattr(tn.training.report.Totals, "means", lambda self: means.append(1) or original(self))
    small().fit(*corners(64), epochs=3, callbacks=[Callback()], verbose=0)
    assert len(means) == 3
    means.clear()
    small().fit(*corners(64), epochs=3, callbacks=[Interrupt(after=1000)], verbose=0)
    assert len(means) == 3 + 3 * 2


def test_stopping_in_a_batch_hook_ends_the_epoch_after_that_batch(corners):
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    model = small()
    history = model.fit(*corners(320), epochs=3, callbacks=Stop(), validation_data=corners(8), verbose=0)
    assert model.optimizer.iterations == 3
    assert history.epoch == [0]
    assert "val_loss" in history.history


def test_hooks_set_on_an_instance_are_called_and_other_things_named_on_something_are_left_alone(corners):
    callback, calls = Callback(), []
    callback.on_train_batch_end = lambda batch, logs: calls.append(batch)
    callback.on_gpu, callback.on_fire = False, lambda: None
    small().fit(*corners(64), callbacks=[callback], verbose=0)
    assert calls == [0, 1]


def test_a_hook_may_name_its_logs_as_it_likes(corners):
    class Own(Callback):
        def on_epoch_end(self, number, values):
            self.values = values

    own = Own()
    small().fit(*corners(), callbacks=[own], verbose=0)
    assert list(own.values) == ["loss", "accuracy"]


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


def test_sums_over_an_epoch_are_taken_in_float64():
    # 2^24 + 1 is no float32: a batch of values that add up to it would lose the last one.
    class Big(tn.metrics.Metric):
        name = "big"

        def values(self, labels, outputs):
            return np.float32([2.0**24, 1.0])

    class BigLoss(tn.losses.Loss):
        def forward(self, labels, outputs):
            return np.float32([2.0**24, 1.0]), outputs

        def backward(self, labels, cache, factors):
            return np.zeros_like(cache)

    model = tn.Sequential([tn.Input((1,)), Dense(2)], seed=0)
    model.compile("sgd", BigLoss(), [Big()])
    x = np.zeros((2, 1))
    assert model.evaluate(x, [0, 0], verbose=0) == [(2**24 + 1) / 2] * 2
    assert model.fit(x, [0, 0], verbose=0).history == {"loss": [(2**24 + 1) / 2], "big": [(2**24 + 1) / 2]}


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


def test_the_step_is_made_once_for_a_compile(corners):
    model = small()
    model.train_on_batch(*corners())
    step = model._step
    model.train_on_batch(*corners())
    model.fit(*corners(), verbose=0)
    assert model._step is step
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(*corners())
    assert model._step is not step


def test_a_loss_and_a_metric_of_ones_own_train_with_what_their_base_gives_them(corners):
    class Square(tn.losses.Loss):
        def forward(self, labels, outputs):
            off = outputs - np.eye(3)[labels]
            return (off**2).sum(axis=-1), off

        def backward(self, labels, cache, factors):
            return 2 * factors * cache

    class Distance(tn.metrics.Metric):
        def values(self, labels, outputs):
            return abs(outputs.argmax(axis=-1) - labels)

    assert Square()([1], [[0.0, 0, 0]]) == 1.0
    assert Distance()([2, 0], np.eye(3)[[0, 1]]) == 1.5
    x, y = corners()
    model = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")], seed=0)
    model.compile(tn.optimizers.SGD(0.1), Square(), [Distance()])
    history = model.fit(x, y.tolist(), epochs=10, verbose=0).history
    assert list(history) == ["loss", "metric"]
    assert history["loss"][-1] < history["loss"][0] / 2
    assert repr(model.loss) == "Square()"


def test_a_metric_may_refuse_labels_before_any_work_is_done(corners):
    class Picky(tn.metrics.SparseCategoricalAccuracy):
        def check(self, labels, output_shape):
            raise ValueError("not these")

    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", [Picky()])
    with pytest.raises(ValueError, match="not these"):
        model.fit(*corners(), verbose=0)
    assert model.optimizer.iterations == 0


def test_a_validation_split_may_leave_one_sample_but_not_none(corners):
    with pytest.raises(ValueError, match=r"validation_split=1e-17 of 60 samples leaves one side empty"):
        small().fit(*corners(), validation_split=1e-17, verbose=0)
    assert "val_loss" in small().fit(*corners(2), validation_split=0.5, verbose=0).history


def test_validation_data_is_a_pair_or_has_weights_too(corners):
    x, y = corners()
    for data in (np.zeros((2, 3)), (x, y, np.ones(60), 0), (x,), {"x": x, "y": y}):
        with pytest.raises(ValueError, match=r"validation_data must be \(x, y\), \(x, y, sample_weight\) or"):
            small().fit(x, y, validation_data=data, verbose=0)
    assert "val_loss" in small().fit(x, y, validation_data=[x, y], verbose=0).history
    assert "val_loss" in small().fit(x, y, validation_data=(x, y, np.ones(60)), verbose=0).history


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


def test_totals_add_many_arrays_at_once_and_give_the_same_sums(monkeypatch):
    rng, totals, summed = np.random.default_rng(0), tn.training.report.Totals(np, ["loss", "hits"]), []
    original = tn.training.report.Totals._sum
    monkeypatch.setattr(tn.training.report.Totals, "_sum", lambda self, i: summed.append(i) or original(self, i))
    expected = np.zeros(2)
    for size in [32] * 70 + [5, 49, 3000, 1, 32]:
        losses, hits = rng.random(size, dtype="float32"), rng.random((size, 1)) < 0.5
        totals.add(0, losses, size * (1 / size))  # 49 * (1 / 49) is not 1
        totals.add(1, hits, 0.5)
        totals.samples += size
        expected += losses.sum(dtype="float64"), 0.5 * hits.sum()
        losses[:], hits[:] = 7, True  # their owner may write to them
    assert len(summed) < 8, "sums are made for many batches at once"
    means = totals.means()
    assert list(means) == ["loss", "hits"]
    assert list(means.values()) == pytest.approx(expected / totals.samples, rel=1e-13)
    assert totals.means() == means


def test_totals_keep_apart_what_counts_differently():
    totals = tn.training.report.Totals(np, ["loss"])
    for value, share in ((1.0, 1.0), (2.0, 10.0), (3.0, 10.0), (4.0, 1.0)):
        totals.add(0, np.array([value]), share)
    totals.samples = 1
    assert totals.means() == {"loss": 1 + 20 + 30 + 4}


def test_a_batch_that_nobody_watches_is_predicted_without_the_loop(corners, monkeypatch):
    x, _ = corners()
    model = tn.Sequential([tn.layers.Flatten(), tn.layers.Dense(2, "softmax")], seed=0)
    in_parts = model.predict(x, batch_size=3)
    monkeypatch.setattr(tn.models.trainer, "Limited", None)  # what the loop needs
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


def test_what_a_generator_or_a_metric_writes_to_again_has_been_counted():
    class Buffered(tn.metrics.Metric):
        buffer = np.empty((4, 1), "float32")

        def values(self, labels, outputs):
            return np.subtract(outputs, labels, out=self.buffer)[:, 0]

    def batches(own):
        weights = np.empty(4, "float32")
        for number in range(5):
            weights = np.empty_like(weights) if own else weights
            weights[:] = number
            yield np.full((4, 2), number, "float32"), np.full((4, 1), 1.5 * number, "float32"), weights

    model = tn.Sequential([tn.layers.Dense(1, kernel_initializer="ones")], seed=0)
    model.compile("sgd", "mse", metrics=[Buffered("difference")], weighted_metrics=["mae"])
    found = model.evaluate(batches(own=False), verbose=0, return_dict=True)
    assert found == model.evaluate(batches(own=True), verbose=0, return_dict=True)
    assert found["difference"] == pytest.approx(0.5 * 2)  # 2 x - 1.5 x, x being 2 on average
    assert found["mae"] == pytest.approx(0.5 * (0 + 1 + 4 + 9 + 16) / (0 + 1 + 2 + 3 + 4))


def test_predict_in_one_batch_says_that_there_are_too_few(corners):
    x, _ = corners()
    model = tn.Sequential([tn.layers.Dense(2)], seed=0)
    with pytest.warns(UserWarning, match="The data ran out"):
        model.predict(x, batch_size=len(x), steps=5)
