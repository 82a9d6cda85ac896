"""Callbacks that come with the package: what they do, and what is left when they have done it."""

import math
import warnings

import numpy as np
import pytest
from models import same, small

import tinynet as tn
from tinynet.callbacks import Callback, TerminateOnNaN


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


def test_the_history_tells_the_epochs_of_each_name():
    history = tn.callbacks.History()
    assert history.epochs_of == {}
    for epoch, logs in ((3, {"loss": 1.0}), (4, {"loss": 0.5, "val_loss": 2.0}), (5, None), (6, {"val_loss": 1.5})):
        history.on_epoch_end(epoch, logs)
    assert history.epochs_of == {"loss": [3, 4], "val_loss": [4, 6]}
    assert history.history == {"loss": [1.0, 0.5], "val_loss": [2.0, 1.5]}
    assert history.epoch == [3, 4, 5, 6]
