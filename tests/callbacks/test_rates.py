"""LearningRateScheduler and ReduceLROnPlateau: sequences of rates, worked by hand."""

import math

import pytest
from models import small
from told import Tell, X, Y, fitted, watch

import tinynet as tn
from tinynet.callbacks import (
    Callback,
    LearningRateScheduler,
    ReduceLROnPlateau,
)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)])
def test_a_schedule_of_one_argument_or_two(schedule, capsys):
    history = fitted(LearningRateScheduler(schedule, verbose=1), epochs=2).history
    assert history["learning_rate"] == [0.1, 0.05]
    assert capsys.readouterr().out == (
        "Epoch 1: LearningRateScheduler sets the learning rate to 0.1.\n"
        "Epoch 2: LearningRateScheduler sets the learning rate to 0.05.\n"
    )


def test_the_present_rate_is_given_and_integers_are_taken():
    assert fitted(LearningRateScheduler(lambda epoch, rate: rate * 2), epochs=3).history["learning_rate"] == [
        0.002, 0.004, 0.008
    ]  # fmt: skip
    assert fitted(LearningRateScheduler(lambda epoch: 1)).history["learning_rate"] == [1.0]


def test_faults_of_a_schedule():
    def wrong(epoch, rate):
        return rate + "x"

    with pytest.raises(TypeError, match="unsupported operand"):
        fitted(LearningRateScheduler(wrong))
    for value in (None, "0.1", -1, float("nan"), True):
        with pytest.raises(ValueError, match="what the schedule of LearningRateScheduler returns must be"):
            fitted(LearningRateScheduler({0: value}.get))
    with pytest.raises(TypeError, match=r"schedule must be a function of the epoch; got 0\.1"):
        LearningRateScheduler(0.1)


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
