"""Every argument of fit, evaluate and predict, as Keras has them: what comes in, in which order, and how it counts."""

import warnings

import numpy as np
import pytest
from models import same

import tinynet as tn
from tinynet.intake.epochs import Epochs
from tinynet.layers import Dense, Dropout


def line(**options):
    """y = w x, from w = 0.5; SGD of rate 0.1."""
    layers = [tn.Input((1,)), Dense(1, use_bias=False, kernel_initializer=tn.initializers.Constant(0.5))]
    model = tn.Sequential(layers, seed=0)
    model.compile(tn.optimizers.SGD(0.1), **{"loss": "mse", **options})
    return model


def binary(**options):
    model = tn.Sequential([tn.Input((3,)), Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", **options)
    return model


X, Y = np.arange(10.0)[:, None] / 10, np.arange(10.0) / 5


def pairs(count=4, size=2):
    for index in range(count):
        rows = slice(index * size, index * size + size)
        yield X[rows], Y[rows]


class Sized:
    """Batches as a class of one's own gives them: anew for each pass, and their number is known."""

    def __len__(self):
        return 4

    def __iter__(self):
        return pairs()


# ---- batches from elsewhere ---------------------------------------------------------------------------------------


def test_a_list_of_pairs_an_iterable_and_arrays_train_alike():
    expected = line()
    expected.fit(X[:8], Y[:8], batch_size=2, epochs=2, shuffle=False, verbose=0)
    for data in (list(pairs()), Sized()):
        model = line()
        history = model.fit(data, epochs=2, verbose=0)
        assert same(model.get_weights(), expected.get_weights())
        assert history.params["steps"] == 4
        assert model.evaluate(data, verbose=0) == expected.evaluate(X[:8], Y[:8], batch_size=2, verbose=0)
        assert np.array_equal(model.predict(data), expected.predict(X[:8]))


def test_a_generator_trains_one_epoch_and_builds_the_model_from_its_first_batch():
    model = tn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    history = model.fit(pairs(), verbose=0)
    assert model.optimizer.iterations == 4, "the first batch is not lost"
    assert history.params["steps"] is None
    fresh = tn.Sequential([Dense(1)], seed=0)
    fresh.compile("sgd", "mse")
    assert fresh.evaluate(pairs(), verbose=0) > 0
    assert tn.Sequential([Dense(1)], seed=0).predict(x for x, _ in pairs()).shape == (8, 1)
    assert tn.Sequential([Dense(1)], seed=0).predict(pairs()).shape == (8, 1)


def test_a_generator_that_is_used_up_is_said_to_be():
    used = pairs()
    list(used)
    for call in (line().fit, line().evaluate):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(ValueError, match="no batches"):
                call(used, verbose=0)
    with pytest.raises(ValueError, match="no batches"):
        tn.Sequential([Dense(1)]).predict(iter(()))
    with pytest.raises(ValueError, match="validation_data, after epoch 2: There are no batches"):
        line().fit(X, Y, epochs=3, validation_data=pairs(), verbose=0)
    with pytest.warns(UserWarning, match="The data ran out: this epoch has 0 batches"):
        history = line().fit(pairs(), epochs=3, verbose=0)
    assert history.epoch == [0], "an epoch without batches is none"


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X, Y, None, 1), "Batches must be .* a tuple of 4"),
        (X[:2], r"Batches must be .* an array of shape \(2, 1\)"),
        ((X, Y[:3]), "x has 10, y has 3"),
        ((X, Y, np.ones(3)), r"sample_weight must have one entry for each sample, \(10,\); got \(3,\)"),
    ],
)
def test_bad_batches_are_refused_when_they_come(batch, message):
    with pytest.raises(ValueError, match=message):
        line().fit(iter([(X, Y), batch]), verbose=0)


@pytest.mark.parametrize(
    ("name", "value"), [("y", Y), ("sample_weight", Y), ("batch_size", 3), ("validation_split", 0.5)]
)
def test_what_cannot_be_given_with_batches(name, value):
    with pytest.raises(ValueError, match=f"{name} cannot be given where x gives the batches"):
        line().fit(pairs(), **{name: value}, verbose=0)
    if name in ("y", "batch_size"):
        with pytest.raises(ValueError, match=f"{name} cannot be given"):
            line().evaluate(pairs(), **{name: value}, verbose=0)


def test_lists_of_numbers_are_samples_and_y_must_be_there():
    assert line().fit(X.tolist(), Y.tolist(), verbose=0).epoch == [0]
    for call in (line().fit, line().evaluate, line().train_on_batch, line().test_on_batch):
        with pytest.raises(ValueError, match="y is missing"):
            call(X)


# ---- steps, epochs, validation ------------------------------------------------------------------------------------


def test_one_pass_goes_on_from_epoch_to_epoch():
    """Three batches, two steps an epoch: 2, 1, 2, 1, as in Keras; where they are four, 2, 2, 2, 2 and no warning."""
    counts = []
    count = tn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: counts.append(batch))
    with pytest.warns(UserWarning, match="The data ran out: this epoch has 1 batches") as seen:
        line().fit(X[:6], Y[:6], batch_size=2, epochs=4, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1, 0, 0, 1, 0]
    assert len(seen) == 1, "it is said once"
    counts.clear()
    line().fit(X[:8], Y[:8], batch_size=2, epochs=4, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1] * 4
    counts.clear()
    line().fit(pairs(4), epochs=2, steps_per_epoch=2, verbose=0, callbacks=count)
    assert counts == [0, 1] * 2


def test_only_steps_given_make_one_pass():
    model = line()
    assert model.fit(X, Y, steps_per_epoch=3, verbose=0).params["steps"] == 3
    assert model.optimizer.iterations == 3  # of 4, 4 and 2
    assert line().evaluate(X, Y, steps=3, verbose=0) == pytest.approx(line().evaluate(X, Y, verbose=0), rel=1e-6)


def test_each_pass_is_shuffled_anew():
    seen = []

    class Batches:
        steps = 2

        def __iter__(self):
            return iter([(1,), (2,)])

    epochs = Epochs(Batches(), 1, lambda: seen.append(len(seen)))
    assert [list(epochs) for _ in range(4)] == [[(1,)], [(2,)], [(1,)], [(2,)]]
    assert seen == [0, 1]
    assert epochs.steps == 1
    assert Epochs(Batches()).steps == 2


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


def test_validation_steps_and_batch_size():
    counts = []
    count = tn.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: counts.append(batch))
    model = line()
    options = {"verbose": 0, "callbacks": count, "validation_data": (X, Y)}
    model.fit(X, Y, batch_size=4, **options)
    assert counts == [0, 1, 2], "batch_size counts there too"
    counts.clear()
    model.fit(X, Y, batch_size=4, validation_batch_size=5, **options)
    assert counts == [0, 1]
    counts.clear()
    history = model.fit(X, Y, validation_batch_size=2, validation_steps=2, epochs=2, **options).history
    assert counts == [0, 1] * 2
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X[:4], Y[:4], verbose=0), rel=1e-6)
    with pytest.raises(ValueError, match="validation_batch_size must be a positive integer"):
        model.fit(X, Y, validation_batch_size=0, **options)


def test_validation_data_may_be_batches_or_have_weights():
    model = line()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=Sized()).history
    assert history["val_loss"][1] == model.evaluate(Sized(), verbose=0)
    weights = np.array([1.0] * 5 + [0.0] * 5)
    history = model.fit(X, Y, verbose=0, validation_data=(X, Y, weights)).history
    assert history["val_loss"][0] == model.evaluate(X, Y, sample_weight=weights, verbose=0)


def test_validation_split_takes_the_last_of_everything():
    weights = np.array([1.0] * 8 + [0.0, 3.0])
    model = line()
    history = model.fit(X, Y, sample_weight=weights, validation_split=0.2, verbose=0).history
    assert history["val_loss"][0] == model.evaluate(X[8:], Y[8:], sample_weight=weights[8:], verbose=0)
    assert model.optimizer.iterations == 1


def test_sorted_labels_with_a_split_are_warned_of_at_the_line_that_called_fit():
    x = np.zeros((12, 3))
    for labels in ([0] * 6 + [1] * 6, [1] * 6 + [0] * 6):
        with pytest.warns(UserWarning, match="The labels are sorted by class") as seen:
            binary().fit(x, labels, validation_split=0.25, verbose=0)
        assert seen[0].filename == __file__
    for labels in ([0, 1] * 6, [1] * 12):
        binary().fit(x, labels, validation_split=0.25, verbose=0)
    binary().fit(x, [0] * 6 + [1] * 6, verbose=0)
    line().fit(X, Y, validation_split=0.2, verbose=0)  # real numbers may well be sorted


@pytest.mark.parametrize("shuffle", ["batch", 1, None])
def test_shuffle_is_true_or_false(shuffle):
    with pytest.raises(ValueError, match="shuffle must be True or False"):
        line().fit(X, Y, shuffle=shuffle, verbose=0)


# ---- weights of samples and classes -------------------------------------------------------------------------------


def test_a_weight_is_a_factor_of_the_samples_loss():
    weights = np.array([2.0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    d = 0.5 * X[:, 0] - Y
    expected = (weights * d**2).sum() / 10
    for given in (weights, weights[:, None], weights.tolist()):
        assert line().evaluate(X, Y, sample_weight=given, verbose=0) == pytest.approx(expected, rel=1e-6)
    model = line()
    assert model.train_on_batch(X, Y, given) == pytest.approx(expected, rel=1e-6)
    slope = 2 * (weights * d * X[:, 0]).sum() / 10
    assert model.get_weights()[0][0, 0] == pytest.approx(0.5 - 0.1 * slope, rel=1e-6)
    assert model.gradients(X, Y, weights)[0] == model.test_on_batch(X, Y, weights)


def test_weights_for_each_value_of_a_sequence():
    model = tn.Sequential([tn.Input((3, 2)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(4, 3, 2)), np.zeros((4, 3, 1))
    values = model.predict(x)[..., 0] ** 2
    each = np.arange(12.0).reshape(4, 3)
    assert model.evaluate(x, y, sample_weight=each, verbose=0) == pytest.approx((each * values).mean(), rel=1e-5)
    of_samples = model.evaluate(x, y, sample_weight=each[:, 0], verbose=0)
    assert of_samples == pytest.approx((each[:, :1] * values).mean(), rel=1e-5)
    alike = model.evaluate(x, y, sample_weight=each[:, :1], verbose=0)
    assert alike == of_samples
    for shape in ((4, 2), (3,), (4, 3, 2), (5, 3), (1,), (1, 3)):
        with pytest.raises(ValueError, match="sample_weight must have one entry for each sample"):
            model.evaluate(x, y, sample_weight=np.ones(shape), verbose=0)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
def test_class_weights_are_sample_weights_by_label(loss):
    x, y = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3
    labels = np.eye(3)[y] if loss == "categorical_crossentropy" else y

    def trained(**options):
        model = tn.Sequential([tn.Input((4,)), Dense(3, "softmax")], seed=0)
        model.compile("sgd", loss)
        model.fit(x, labels, verbose=0, **options)
        return model

    by_class = trained(class_weight={0: 2, np.int64(2): 0.5})
    assert same(by_class.get_weights(), trained(sample_weight=np.array([2, 1, 0.5])[y]).get_weights())
    model = trained()
    stream = model.fit(iter([(x, labels)]), class_weight={1: 3.0}, verbose=0).history["loss"]
    again = trained()
    assert stream == again.fit(x, labels, class_weight={1: 3.0}, shuffle=False, verbose=0).history["loss"]
    assert trained().train_on_batch(x, labels, class_weight={0: 0, 1: 0, 2: 0}) == 0


def test_class_weights_of_one_output():
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
    one, other = binary(), binary()
    one.fit(x, y, class_weight={1: 4.0}, verbose=0)
    other.fit(x, y, sample_weight=np.where(y == 1, 4.0, 1.0), verbose=0)
    assert same(one.get_weights(), other.get_weights())


def test_bad_class_weights():
    for bad in ([1.0, 2.0], {"a": 1.0}, {0.5: 1.0}, 3):
        with pytest.raises(ValueError, match="class_weight must be a dictionary"):
            binary().fit(np.zeros((2, 3)), [0, 1], class_weight=bad, verbose=0)
    for factor in (-1, "2", np.nan):
        with pytest.raises(ValueError, match=r"class_weight\[1\] must be"):
            binary().fit(np.zeros((2, 3)), [0, 1], class_weight={1: factor}, verbose=0)
    with pytest.raises(ValueError, match="class_weight needs labels that are classes"):
        line().fit(X, Y, class_weight={0: 1.0}, verbose=0)
    for call in (binary().fit, binary().train_on_batch):
        with pytest.raises(ValueError, match="class_weight or sample_weight, not both"):
            call(np.zeros((2, 3)), [0, 1], class_weight={1: 2.0}, sample_weight=[1, 1])
    with pytest.raises(ValueError, match="batches have sample weights"):
        binary().fit(iter([(np.zeros((2, 3)), [0, 1], [1, 1])]), class_weight={1: 2.0}, verbose=0)


def test_weighted_metrics_divide_by_the_weights_and_others_do_not_see_them():
    weights = np.array([1.0, 3.0] + [0.0] * 8)
    model = line(metrics=["mae"], weighted_metrics=["mae", "mse"])
    assert model.metrics_names == ["loss", "mae", "weighted_mae", "mse"]
    got = model.evaluate(X, Y, sample_weight=weights, batch_size=3, verbose=0, return_dict=True)
    off = abs(0.5 * X[:, 0] - Y)
    assert got["mae"] == pytest.approx(off.mean(), rel=1e-6)
    assert got["weighted_mae"] == pytest.approx((weights * off).sum() / 4, rel=1e-6)
    assert got["mse"] == pytest.approx((weights * off**2).sum() / 4, rel=1e-6)
    without = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert without["weighted_mae"] == without["mae"]
    nothing = model.evaluate(X, Y, sample_weight=0 * weights, verbose=0, return_dict=True)
    assert nothing["weighted_mae"] == nothing["loss"] == 0


# ---- compile and what it refuses ----------------------------------------------------------------------------------


def test_functions_are_metrics():
    def off(y_true, y_pred):
        return abs(y_true - y_pred)[:, 0]

    def largest(y_true, y_pred):
        return abs(y_true - y_pred).max()

    model = line(metrics=[off, largest, lambda y_true, y_pred: abs(y_true - y_pred)])
    assert model.metrics_names == ["loss", "off", "largest", "lambda"]
    got = model.evaluate(X, Y, verbose=0, return_dict=True)
    expected = abs(0.5 * X[:, 0] - Y)
    assert got["off"] == pytest.approx(expected.mean(), rel=1e-6)
    assert got["lambda"] == pytest.approx(expected.mean(), rel=1e-6)
    assert got["largest"] == pytest.approx(expected.max(), rel=1e-6)
    weights = np.arange(10.0)
    model = line(weighted_metrics=[lambda y_true, y_pred: abs(y_true - y_pred), largest])
    got = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    assert got["lambda"] == pytest.approx((weights * expected).sum() / weights.sum(), rel=1e-6)
    assert got["largest"] == pytest.approx(expected.max(), rel=1e-6)
    assert line(metrics=[lambda y_true, y_pred: 3]).evaluate(X, Y, verbose=0)[1] == 3
    with pytest.raises(ValueError, match=r"must give one value for each sample, \(10,\); got \(3,\)"):
        line(metrics=[lambda y_true, y_pred: np.zeros(3)]).evaluate(X, Y, verbose=0)


def test_compile_refuses_what_has_no_meaning_here():
    model = tn.Sequential([tn.Input((1,)), Dense(1)])
    with pytest.raises(ValueError, match="compile needs a loss"):
        model.compile("adam")
    for name in ("jit_compile", "run_eagerly", "loss_weights", "steps_per_execution"):
        with pytest.raises(TypeError, match=f"compile has no argument '{name}'"):
            model.compile("adam", "mse", **{name: None})
    for reduction in ("none", None):
        with pytest.raises(ValueError, match="needs a reduction"):
            model.compile("adam", tn.losses.MeanSquaredError(reduction=reduction))
    with pytest.raises(TypeError, match="A function alone has no gradient here: write a Loss"):
        model.compile("adam", lambda y_true, y_pred: 0)
    with pytest.raises(TypeError, match=r"weighted_metrics must be a list"):
        model.compile("adam", "mse", weighted_metrics="mae")
    assert not model.compiled
    model.compile(loss="mse")
    assert type(model.optimizer) is tn.optimizers.RMSprop
    assert model.compiled


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


def test_more_steps_than_samples_make_batches_of_one():
    counts = []
    count = tn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: counts.append(batch))
    with pytest.warns(UserWarning, match="The data ran out"):
        line().fit(X[:2], Y[:2], steps_per_epoch=5, verbose=0, callbacks=count)
    assert counts == [0, 1]


def test_one_hot_labels_of_two_classes_are_seen_to_be_sorted():
    model = tn.Sequential([tn.Input((3,)), Dense(2, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy")
    x, labels = np.zeros((12, 3)), np.eye(2)[[0] * 6 + [1] * 6]
    with pytest.warns(UserWarning, match="sorted by class"):
        model.fit(x, labels, validation_split=0.25, verbose=0)
    model.fit(x, np.eye(2)[[0, 1] * 6], validation_split=0.25, verbose=0)


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
