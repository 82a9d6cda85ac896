"""TerminateOnNaN and EarlyStopping: when they stop, and what is left when they have done it."""

import math
import warnings

import numpy as np
import pytest
from models import same, small
from told import watch

import tinynet as tn
from tinynet.callbacks import (
    Callback,
    EarlyStopping,
    TerminateOnNaN,
)


class Spoil(Callback):
    """Sets a weight to a bad number after so many batches."""

    def __init__(self, batches, bad=np.nan):
        self.left, self.bad = batches, bad

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.model.layers[-1].bias[0] = self.bad


def stopped(model, x, y, *callbacks, **options):
    """The History of a fit that TerminateOnNaN ends, and what the warning says."""
    with pytest.warns(RuntimeWarning, match="training stops") as caught, np.errstate(invalid="ignore"):
        history = model.fit(x, y, callbacks=[*callbacks, TerminateOnNaN()], **{"verbose": 0, **options})
    assert [warning.filename for warning in caught] == [__file__], "it points at the call of fit"
    return history, str(caught[0].message)


def test_it_stops_after_the_first_bad_batch_and_says_which(corners):
    x, y = corners(100)
    model = small()
    history, text = stopped(model, x, y, Spoil(8), batch_size=16, epochs=5, validation_data=(x, y))
    # 7 batches an epoch: the weight is NaN after batch 1 of epoch 2, the loss from batch 2 on
    assert text == "Batch 2 of epoch 2 (step 9): the loss is nan; training stops."
    assert model.optimizer.iterations == 9
    assert history.epoch == [0, 1]
    assert math.isfinite(history.history["loss"][0])
    assert math.isnan(history.history["loss"][1])
    assert math.isnan(history.history["val_loss"][1])


def test_steps_are_counted_over_all_calls_of_fit_and_batches_and_epochs_in_each(corners):
    x, y = corners(64)
    model = small()
    model.fit(x, y, epochs=3, verbose=0)
    x[y == 0] = np.nan
    assert stopped(model, x, y, shuffle=False)[1] == "Batch 1 of epoch 1 (step 7): the loss is nan; training stops."


def test_an_infinite_loss_counts_and_the_bad_step_has_been_made(corners):
    x, y = corners(32)
    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(3)], seed=0)
    model.compile("sgd", tn.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = model.get_weights()
    weights[1][:] = [0, 0, -np.inf]  # a class that cannot be: its labels have the loss inf, and finite gradients
    model.set_weights(weights)
    _, text = stopped(model, x, y)
    assert text == "Batch 1 of epoch 1 (step 1): the loss is inf; training stops."
    assert not same(model.get_weights(), weights)


def test_nothing_happens_as_long_as_the_loss_is_finite(corners):
    watched, free = small(), small()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = watched.fit(*corners(), epochs=3, callbacks=TerminateOnNaN(), verbose=0)
    assert history.history == free.fit(*corners(), epochs=3, verbose=0).history
    assert same(watched.get_weights(), free.get_weights())


def test_one_instance_serves_again_and_without_it_training_goes_on(corners):
    x, y = corners(32)
    x[0] = np.nan
    callback, model = TerminateOnNaN(), small()
    for epochs in (1, 2):
        with pytest.warns(RuntimeWarning, match="Batch 1 of epoch 1"):
            assert model.fit(x, y, epochs=epochs, callbacks=callback, verbose=0).epoch == [0]
    assert model.fit(x, y, epochs=3, verbose=0).epoch == [0, 1, 2]


def test_the_progress_line_shows_nan(corners, capsys):
    x, y = corners(32)
    x[0] = np.nan
    small().fit(x, y, verbose=2)
    assert " - loss: nan - accuracy: 0." in capsys.readouterr().out


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_line_of_an_epoch_that_was_stopped_counts_the_steps_made(corners, capsys, verbose):
    class Stop(tn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    small().fit(*corners(60), batch_size=6, verbose=verbose, callbacks=Stop())
    line = capsys.readouterr().out.splitlines()[-1]
    assert " 3/10 " in f" {line}"
    assert "10/10" not in line


def test_terminate_on_nan_raises_if_asked_to():
    model = small()
    with pytest.raises(RuntimeError, match=r"Batch 1 of epoch 1 \(step 1\): the loss is nan; training stops"):
        model.fit(np.full((2, 3), np.nan), [0, 1], verbose=0, callbacks=[tn.callbacks.TerminateOnNaN(raise_error=True)])


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


# ---- arguments ----------------------------------------------------------------------------------------------------


def test_nothing_is_said_unasked(capsys):
    watch(EarlyStopping(patience=1, restore_best_weights=True), [1, 2, 3])
    assert capsys.readouterr().out == ""
