"""EarlyStopping and ReduceLROnPlateau: sequences of values, worked by hand."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from models import same, small

import tinynet as tn
from tinynet.callbacks import Callback, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau

X, Y = np.zeros((4, 3), "float32"), np.array([0, 1, 2, 0])


class Tell(Callback):
    """Puts the values of a sequence into the logs, epoch by epoch, and keeps the weights of each."""

    def __init__(self, values, name="val_loss"):
        self.values, self.name, self.weights = values, name, []

    def on_epoch_end(self, epoch, logs=None):
        if self.values[epoch] is not None:
            logs[self.name] = self.values[epoch]
        self.weights.append(self.model.get_weights())


def watch(callback, values, name="val_loss", model=None, **options):
    """Fit as long as there are values, or until stopped; the History and the weights of each epoch."""
    model, tell = model or small(), Tell(values, name)
    history = model.fit(X, Y, epochs=len(values), callbacks=[tell, callback], **{"verbose": 0, **options})
    return history, tell.weights


def made(values, name="val_loss", **options):
    """How many epochs EarlyStopping lets pass."""
    return len(watch(EarlyStopping(**options), values, name)[0].epoch)


# ---- EarlyStopping ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "patience", "epochs"),
    [
        ([1, 0.9, 0.9, 0.1], 0, 3),
        ([1, 0.9, 0.9, 0.1], 1, 3),
        ([1, 1, 0.1], 0, 2),
        ([1, 0.9, 0.95, 0.96, 0.1], 2, 4),
        ([1, 0.9, 0.95, 0.89, 0.9, 0.9, 0.1], 2, 6),  # an improvement sets the count back
        ([1, 2, 3, 4, 5], 3, 4),
        ([1, 2, 3, 4, 5], 5, 5),
        ([4, 3, 2, 1], 0, 4),
    ],
)
def test_it_stops_when_nothing_has_improved_for_so_many_epochs(values, patience, epochs):
    assert made(values, patience=patience) == epochs


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([1, 0.5, 0.25, 0.0], {"min_delta": 0.5}, 2),  # exactly min_delta is not enough
        ([1, 0.5, 0.0, -0.5], {"min_delta": 0.499}, 4),
        ([1, 0.5, 0.0, -0.5], {"min_delta": -0.5}, 2),  # its sign does not count, as in Keras
        ([0, 0.5, 0.75, 1], {"min_delta": 0.5, "mode": "max"}, 2),
        ([0, 0.5, 1, 1.5], {"min_delta": 0.499, "mode": "max"}, 4),
        ([3, 2, 1], {"mode": "max"}, 2),
        ([1, 2, 3], {"mode": "max"}, 3),
    ],
)
def test_better_is_better_by_more_than_min_delta(values, options, epochs):
    assert made(values, **options) == epochs


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        # wait 1, 2, 3 while the values improve without beating the baseline; the first that does not improve stops
        ([0.9, 0.8, 0.7, 0.75, 0.1], {"baseline": 0.5, "patience": 3}, 4),
        ([0.9, 0.8, 0.4, 0.75, 0.6, 0.1], {"baseline": 0.5, "patience": 2}, 5),  # 0.4 beats it and sets wait back
        ([0.9, 0.95, 0.1], {"baseline": 0.5, "patience": 2}, 2),
        ([0.9, 0.95, 0.1], {"patience": 2}, 3),
        ([0.5, 0.6, 0.1], {"baseline": 0.5, "patience": 2}, 2),  # equal does not beat it
        ([0.45, 0.6, 0.1], {"baseline": 0.5, "patience": 2}, 3),
        ([0.45, 0.6, 0.1], {"baseline": 0.5, "patience": 2, "min_delta": 0.1}, 2),  # not by more than min_delta
        ([0.6, 0.5, 0.9], {"baseline": 0.5, "patience": 2, "mode": "max"}, 3),
    ],
)
def test_with_a_baseline_only_what_beats_it_sets_the_count_back(values, options, epochs):
    assert made(values, **options) == epochs


def test_epochs_before_start_from_epoch_are_not_looked_at():
    values = [0.1, 0.1, 0.1, 1, 0.9, 0.95, 0.5]
    assert made(values, start_from_epoch=3) == 6
    assert made(values, start_from_epoch=2) == 4
    stop = EarlyStopping(start_from_epoch=3, restore_best_weights=True)
    watch(stop, values)
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (0.9, 4, 5)


def test_nan_never_improves_and_a_first_nan_is_no_best():
    nan = math.nan
    assert made([nan, 1, 0.9, 0.8]) == 4
    assert made([1, nan, 0.1]) == 2
    assert made([nan, nan, 0.1], patience=2) == 2
    stop = EarlyStopping(restore_best_weights=True, patience=5)
    model = small()
    _, weights = watch(stop, [nan, nan], model=model)
    assert (stop.best_epoch, stop.best) == (0, math.inf)
    assert same(model.get_weights(), weights[0]), "the first weights are the best as long as nothing is better"


@pytest.mark.parametrize(
    ("values", "epoch", "stopped"), [([3, 1, 2, 2, 0], 1, 3), ([3, 2, 1, 2], 2, 0), ([3, 2], 1, 0)]
)
def test_the_best_weights_are_put_back_whether_it_stopped_or_not(values, epoch, stopped, capsys):
    model, stop = small(), EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    _, weights = watch(stop, values, model=model)
    assert same(model.get_weights(), weights[epoch])
    assert same(stop.best_weights, weights[epoch])
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (min(values[: epoch + 1]), epoch, stopped)
    first = f"Epoch {stopped + 1}: early stopping.\n" if stopped else ""
    assert capsys.readouterr().out == f"{first}The weights of the best epoch, {epoch + 1}, are restored.\n"
    model = small()
    _, weights = watch(EarlyStopping(patience=2), values, model=model)
    assert same(model.get_weights(), weights[-1]), "unasked the last weights stay"
    assert capsys.readouterr().out == ""


def test_one_object_serves_in_two_fits():
    stop = EarlyStopping(patience=1, restore_best_weights=True)
    assert (stop.wait, stop.stopped_epoch, stop.best_epoch, stop.best, stop.best_weights) == (0, 0, 0, None, None)
    watch(stop, [1, 0.5, 0.6])
    assert (stop.best, stop.stopped_epoch) == (0.5, 2)
    history, _ = watch(stop, [5, 4, 3])
    assert history.epoch == [0, 1, 2]
    assert (stop.best, stop.stopped_epoch, stop.best_epoch) == (3, 0, 2)


# ---- which way is better ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [EarlyStopping, ReduceLROnPlateau, lambda m: ModelCheckpoint("w.npz", m, 0, True, True)]
)
def test_auto_knows_losses_and_the_models_metrics_and_asks_when_training_begins(kind):
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    for monitor, rises in (("loss", False), ("val_loss", False), ("accuracy", True), ("val_accuracy", True)):
        callback = kind(monitor)
        callback.set_model(model)
        callback.on_train_begin()
        assert callback.best == (-math.inf if rises else math.inf)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"cannot tell whether 'val_other' is to rise or to fall: pass mode='max' or"):
        model.fit(X, Y, callbacks=kind("val_other"), verbose=0)
    assert same(model.get_weights(), before)
    assert model.history.epoch == []


def test_auto_lets_errors_fall_and_asks_about_functions():
    def own(y_true, y_pred):
        return (y_true - y_pred) ** 2

    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse", ["mae", own], weighted_metrics=["mse"])
    for monitor in ("mae", "val_mae", "mse"):
        callback = EarlyStopping(monitor)
        callback.set_model(model)
        assert not callback.rises()
    with pytest.raises(ValueError, match="'own' is to rise or to fall"):
        model.fit(X, Y, callbacks=EarlyStopping("own"), verbose=0)
    assert model.fit(X, Y, callbacks=EarlyStopping("own", mode="min"), verbose=0).epoch == [0]


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_what_is_not_among_the_logs_is_said_at_the_line_that_called_fit(kind):
    with pytest.warns(UserWarning, match=r"watches 'val_loss', which is not among .* loss, accuracy") as caught:
        history = small().fit(X, Y, epochs=2, callbacks=kind(), verbose=0)
    assert {warning.filename for warning in caught} == {__file__}
    assert history.epoch == [0, 1]
    values = [1, None, 0.9, None, 0.95]
    with pytest.warns(UserWarning, match="watches"):
        assert made(values) == 5, "an epoch without the value is skipped"
    with pytest.warns(UserWarning, match="watches"):
        assert made([*values[:4], 0.95, 0.1]) == 5


# ---- ReduceLROnPlateau --------------------------------------------------------------------------------------------


def rates(values, name="val_loss", **options):
    """The learning rate after each epoch, and the one that stands in the logs."""
    after = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            after.append(self.model.optimizer.learning_rate)

    model, reduce = small(), ReduceLROnPlateau(**options)
    model.compile(tn.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    history = model.fit(X, Y, epochs=len(values), callbacks=[Tell(values, name), reduce, Look()], verbose=0)
    assert history.history["learning_rate"] == [1.0, *after[:-1]], "the rate of the epoch, before it is reduced"
    return after


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([1] * 7, {"factor": 0.5, "patience": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]),
        ([1] * 9, {"factor": 0.5, "patience": 2, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
        ([1] * 5, {"factor": 0.5, "patience": 1}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ([1] * 3, {"factor": 0.5, "patience": 0}, [1, 0.5, 0.25]),
        ([1] * 5, {"factor": 0.5, "patience": 1, "min_lr": 0.2}, [1, 0.5, 0.25, 0.2, 0.2]),
        ([1] * 3, {"factor": 0.5, "patience": 1, "min_lr": 2}, [1, 1, 1]),  # never raised to min_lr
        ([1] * 3, {"factor": 0, "patience": 1}, [1, 0, 0]),
        ([1, 1, 0.5, 0.5, 0.5], {"factor": 0.5, "patience": 2}, [1, 1, 1, 1, 0.5]),
        ([1, 0.5, 0.25], {"factor": 0.5, "patience": 1, "min_delta": 0.5}, [1, 0.5, 0.5]),  # 0.5 is not more than 0.5
        ([1, 0.49, 0.25], {"factor": 0.5, "patience": 1, "min_delta": 0.5}, [1, 1, 0.5]),
        ([1, 1, 0.5, 0.5], {"factor": 0.5, "patience": 1, "cooldown": 3}, [1, 0.5, 0.5, 0.5]),
        ([1, 2, 3, 3], {"factor": 0.5, "patience": 1, "mode": "max"}, [1, 1, 1, 0.5]),
        ([1, math.nan, math.nan], {"factor": 0.5, "patience": 1}, [1, 0.5, 0.25]),
    ],
)
def test_the_rate_falls_on_a_plateau(values, options, expected):
    assert rates(values, **options) == expected


def test_a_reduction_is_said_and_one_object_serves_in_two_fits(capsys):
    reduce, model = ReduceLROnPlateau(factor=0.5, patience=2, verbose=1), small()
    model.compile(tn.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    watch(reduce, [1] * 4, model=model)
    assert capsys.readouterr().out == "Epoch 3: ReduceLROnPlateau reduces the learning rate to 0.5.\n"
    watch(reduce, [5, 5], model=model)
    assert (reduce.best, reduce.wait, reduce.cooldown_counter) == (5, 1, 0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("callback", [ReduceLROnPlateau(), LearningRateScheduler(lambda epoch: 0.1)])
def test_a_schedule_of_the_optimizer_and_a_callback_cannot_both_set_the_rate(callback):
    model = small()
    model.compile(tn.optimizers.SGD(tn.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse")
    model.compile(model.optimizer, "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"sets the learning rate, but the optimizer's follows ExponentialDecay"):
        model.fit(X, Y, callbacks=callback, verbose=0)


# ---- arguments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (EarlyStopping, {"mode": "up"}, "mode must be one of 'auto', 'min', 'max'; got 'up'"),
        (EarlyStopping, {"patience": -1}, "patience must be an integer of at least 0"),
        (EarlyStopping, {"patience": 1.5}, "patience"),
        (EarlyStopping, {"min_delta": "a"}, "min_delta must be a finite number"),
        (EarlyStopping, {"baseline": math.nan}, "baseline"),
        (EarlyStopping, {"start_from_epoch": -1}, "start_from_epoch"),
        (ReduceLROnPlateau, {"factor": 1.0}, r"factor must be a finite number in \[0, 1\); got 1.0"),
        (ReduceLROnPlateau, {"factor": -0.1}, "factor"),
        (ReduceLROnPlateau, {"patience": -1}, "patience"),
        (ReduceLROnPlateau, {"cooldown": -1}, "cooldown"),
        (ReduceLROnPlateau, {"min_delta": -1}, "min_delta"),
        (ReduceLROnPlateau, {"min_lr": -1}, "min_lr"),
    ],
)
def test_bad_arguments_are_refused_when_they_are_given(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)


def test_the_monitor_is_a_name():
    with pytest.raises(TypeError, match="monitor must be the name of one of the logs, as 'val_loss'; got 3"):
        EarlyStopping(3)


def test_they_are_written_as_they_were_made_and_can_be_copied():
    text = "EarlyStopping(monitor='loss', patience=3, restore_best_weights=True)"
    assert repr(EarlyStopping("loss", patience=3, restore_best_weights=True)) == text
    assert repr(ReduceLROnPlateau(factor=0.5, cooldown=1)) == "ReduceLROnPlateau(factor=0.5, cooldown=1)"
    for callback, end in ((EarlyStopping(patience=1), 3), (ReduceLROnPlateau(patience=1), 4)):
        watch(callback, [1, 0.5])  # with a model, then
        for other in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
            assert repr(other) == repr(callback)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert len(watch(other, [1, 0.5, 0.6, 0.7])[0].epoch) == end


def test_nothing_is_said_unasked(capsys):
    watch(EarlyStopping(patience=1, restore_best_weights=True), [1, 2, 3])
    assert capsys.readouterr().out == ""
