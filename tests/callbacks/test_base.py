"""Callbacks of one's own: functions as hooks, old names, and how callbacks are written."""

import pytest
from told import fitted

import tinynet as tn
from tinynet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ProgbarLogger,
)
from tinynet.callbacks.logs import Hooks

# ---- LambdaCallback and LearningRateScheduler ---------------------------------------------------------------------


def test_functions_as_hooks():
    calls = []
    fitted(LambdaCallback(on_train_begin=calls.append, on_epoch_end=lambda epoch, logs: calls.append(epoch)), epochs=2)
    assert calls == [{}, 0, 1]
    with pytest.raises(ValueError, match=r"no hook 'on_epoch_ends'\. Did you mean on_epoch_end\?"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function; got 3"):
        LambdaCallback(on_epoch_end=3)
    assert repr(LambdaCallback(on_train_end=len)) == "LambdaCallback(on_train_end=<built-in function len>)"


def test_type_checkers_know_every_hook_of_lambda_callback():
    assert set(Hooks.__annotations__) == {name for name in vars(Callback) if name.startswith("on_")}


# ---- the progress line --------------------------------------------------------------------------------------------


def test_the_old_names_of_the_batch_hooks_are_called():
    calls = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(batch)

        def on_batch_end(self, batch, logs=None):
            calls.append(tuple(logs))

    fitted(Old())
    assert calls == [0, ("loss", "accuracy")]


def test_callbacks_are_written_as_they_were_made():
    assert repr(EarlyStopping(patience=3)) == "EarlyStopping(patience=3)"
    assert repr(CSVLogger("a.csv", append=True)) == "CSVLogger(filename='a.csv', append=True)"
    assert repr(ProgbarLogger()) == "ProgbarLogger()"
    assert repr(tn.callbacks.History()) == "<History epochs=0, keys=[]>"
