"""What EarlyStopping and ReduceLROnPlateau have in common: the name that they watch, and their arguments."""

import copy
import math
import pickle
import warnings

import pytest
from models import same, small
from told import X, Y, watch

import tinynet as tn
from tinynet.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau


def made(values, name="val_loss", **options):
    """How many epochs EarlyStopping lets pass."""
    return len(watch(EarlyStopping(**options), values, name)[0].epoch)


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
