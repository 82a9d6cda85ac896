"""What compile chose, and when it must be asked again."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from lines import X, Y, line
from models import CALLS, same, small

import tinynet as tn
from tinynet.layers import Dense, ReLU


def test_compile_again_keeps_the_weights_and_forgets_the_optimizers_state(corners):
    model = small()
    model.fit(*corners(), verbose=0)
    before = model.get_weights()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert model.optimizer.iterations == 0
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


# ---- interrupts and callbacks ---------------------------------------------------------------------------------------


def test_the_step_is_made_once_for_a_compile(corners):
    model = small()
    model.train_on_batch(*corners())
    step = model.compilation.step
    model.train_on_batch(*corners())
    model.fit(*corners(), verbose=0)
    assert model.compilation.step is step
    model.compile("adam", "sparse_categorical_crossentropy")
    model.train_on_batch(*corners())
    assert model.compilation.step is not step


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


# ---- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'. Did you mean 'adam'"),
        ({"loss": "sparse_crossentropy"}, "Unknown loss .* Did you mean .*'sparse_categorical_crossentropy'"),
        ({"metrics": ["acuracy"]}, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
    ],
)
def test_unknown_names_are_refused_in_compile_and_the_old_ones_stay(arguments, message):
    model = small()
    optimizer = model.optimizer
    given = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **arguments}
    with pytest.raises(ValueError, match=message):
        model.compile(**given)
    assert model.optimizer is optimizer


def test_compile_arguments_of_the_wrong_kind():
    model = small()
    with pytest.raises(TypeError, match=r"metrics must be a list, as in metrics=\['accuracy'\]; got 'accuracy'"):
        model.compile("adam", "sparse_categorical_crossentropy", "accuracy")
    with pytest.raises(ValueError, match="Metrics need names of their own"):
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy", "accuracy"])
    with pytest.raises(TypeError, match="optimizer must be a name"):
        model.compile(None, "sparse_categorical_crossentropy")


@pytest.mark.parametrize("call", CALLS)
def test_compile_comes_first(call):
    model = tn.Sequential([tn.Input((3,)), Dense(3, "softmax")])
    with pytest.raises(RuntimeError, match=r"Call model\.compile"):
        call(model, np.zeros((1, 3)), [0])


def test_two_models_cannot_mix_their_steps_in_one_optimizer(corners):
    x, y = corners()
    optimizer = tn.optimizers.Adam()
    first, second = small(seed=0), small(seed=1)
    first.compile(optimizer, "sparse_categorical_crossentropy")
    first.fit(x, y, verbose=0)
    second.compile(optimizer, "sparse_categorical_crossentropy")
    assert optimizer.iterations == 0
    second.fit(x, y, verbose=0)
    with pytest.raises(RuntimeError, match="replaced, or compiled into another model"):
        first.fit(x, y, verbose=0)


def test_a_layer_added_after_training_asks_for_a_new_compile(corners):
    x, y = corners()
    model = small()
    model.fit(x, y, verbose=0)
    model.add(Dense(3, "softmax"))
    with pytest.raises(RuntimeError, match=r"added since training began\. Call compile again"):
        model.fit(x, y, verbose=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_freezing_after_training_asks_for_a_new_compile_and_summary_tells_the_truth(corners):
    x, y = corners()
    model = small()
    model.layers[0].trainable = False  # before the first step it simply counts
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    assert same(model.get_weights()[:2], before[:2])
    model.layers[0].trainable = True
    model.evaluate(x, y, verbose=0)
    for twin in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with pytest.raises(RuntimeError, match="Layers were frozen, unfrozen or added since training began"):
            twin.fit(x, y, verbose=0)
        twin.compile("adam", "sparse_categorical_crossentropy")
        twin.fit(x, y, verbose=0)
        assert not same(twin.get_weights()[:1], before[:1])


def test_reset_of_the_optimizer_starts_it_afresh(corners):
    x, y = corners()
    model = small()
    start = model.get_weights()
    first = model.fit(x, y, verbose=0).history
    model.optimizer.reset()
    model.set_weights(start)
    assert model.fit(x, y, verbose=0).history == first


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


def test_outputs_that_cannot_be_probabilities_are_warned_of():
    for end in (Dense(3), Dense(3, "tanh"), ReLU()):
        model = tn.Sequential([tn.Input((3,)), end])
        with pytest.warns(UserWarning, match=r"are no probabilities.* Add activation='softmax'") as caught:
            model.compile("sgd", "sparse_categorical_crossentropy")
        assert caught[0].filename == __file__
    model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    tn.Sequential([tn.Input((3,)), Dense(3, "sigmoid")]).compile("sgd", "sparse_categorical_crossentropy")


def test_metrics_may_be_a_tuple_but_not_be_called_loss():
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", ("accuracy",))
    assert [metric.name for metric in model.metrics] == ["accuracy"]
    with pytest.raises(ValueError, match="Metrics need names of their own, other than 'loss'"):
        model.compile("adam", "sparse_categorical_crossentropy", [tn.metrics.SparseCategoricalAccuracy(name="loss")])


def test_compile_may_come_before_the_shapes_and_the_layers(corners):
    model = tn.Sequential([Dense(3, "softmax")])
    assert model.trains_from_logits is False
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.trains_from_logits is True
    model.fit(*corners(), verbose=0)
    empty = tn.Sequential()
    empty.compile("sgd", "sparse_categorical_crossentropy")
    assert empty.trains_from_logits is False
    empty.add(Dense(3, "softmax"))
    empty.fit(*corners(), verbose=0)


def test_compile_after_an_inner_model_has_grown(corners):
    inner = tn.Sequential([tn.Input((3,)), Dense(4)])
    outer = tn.Sequential([tn.Input((3,)), inner])
    inner.add(Dense(3, "softmax"))
    outer.compile("adam", "sparse_categorical_crossentropy")
    outer.fit(*corners(), verbose=0)
    assert outer.output_shape == (None, 3)


def test_a_metric_that_gives_a_mean_is_refused_and_ragged_labels_are_named(corners):
    class Mean(tn.metrics.Metric):
        def values(self, labels, outputs):
            return (outputs.argmax(-1) == labels).mean()

    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", [Mean()])
    with pytest.raises(ValueError, match=r"must give one value for each label, \(32,\); got \(\)"):
        model.evaluate(*corners(), batch_size=32, verbose=0)
    with pytest.raises(ValueError, match="y must be an array, or lists that make one"):
        model.fit(np.zeros((2, 3)), [[0], [1, 2]])


def test_an_optimizer_holds_nothing_of_its_model():
    model = tn.Sequential([tn.Input((100,)), Dense(100)], seed=0)
    model.compile("sgd", "mse", [lambda y_true, y_pred: 0])
    model.train_on_batch(np.zeros((4, 100)), np.zeros((4, 100)))
    model.optimizer.state = []
    assert len(pickle.dumps(model.optimizer)) < 1000
    layer = weakref.ref(model.layers[0])
    gc.disable()  # nothing refers to it in a circle
    try:
        del model
        assert layer() is None
    finally:
        gc.enable()
