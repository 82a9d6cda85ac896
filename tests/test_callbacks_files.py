"""Callbacks that write and show: CSVLogger, ModelCheckpoint, LambdaCallback, schedules, the progress line."""

import pickle
import re

import numpy as np
import pytest
from models import same, small

import tinynet as tn
from tinynet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
)
from tinynet.callbacks.logs import Hooks

X, Y = np.zeros((4, 3), "float32"), np.array([0, 1, 2, 0])


class Tell(Callback):
    """Makes the logs of each epoch what is given."""

    def __init__(self, *logs):
        self.logs = logs

    def on_epoch_end(self, epoch, logs=None):
        logs.clear()
        logs.update(self.logs[epoch])


def fit(callbacks, epochs=1, model=None, **options):
    return (model or small()).fit(X, Y, epochs=epochs, callbacks=callbacks, **{"verbose": 0, **options})


# ---- CSVLogger ----------------------------------------------------------------------------------------------------


def test_the_csv_file_to_the_byte(tmp_path):
    path = tmp_path / "log.csv"
    told = Tell({"loss": 0.5, "acc": 0.25}, {"acc": 0.5, "loss": 0.125, "val_loss": 1.0})
    fit([told, CSVLogger(path)], epochs=2)
    assert path.read_bytes() == (
        b"epoch,acc,loss,val_acc,val_loss\r\n0,0.25,0.5,NA,NA\r\n1,0.5,0.125,NA,1.0\r\n"
    )
    fit([Tell({"loss": 0.5, "val_loss": 2.0}), CSVLogger(str(path), separator=";")])
    assert path.read_bytes() == b"epoch;loss;val_loss\r\n0;0.5;2.0\r\n"


def test_appending_writes_no_second_header(tmp_path):
    path = tmp_path / "log.csv"
    for epochs in (1, 2):
        fit([Tell({"a": 1}, {"a": 2}), CSVLogger(path, append=True)], epochs=epochs, initial_epoch=epochs - 1)
    assert path.read_text().split() == ["epoch,a,val_a", "0,1,NA", "1,2,NA"]


def test_an_interrupted_fit_leaves_the_rows_so_far_and_the_next_one_starts_afresh(tmp_path):
    path = tmp_path / "log.csv"

    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    logger = CSVLogger(path)
    with pytest.raises(KeyboardInterrupt):
        fit([Tell({"a": 1}, {"a": 2}), LambdaCallback(on_epoch_end=stop), logger], epochs=2)
    assert path.read_text().split() == ["epoch,a,val_a", "0,1,NA"]
    pickle.loads(pickle.dumps(logger))
    fit([Tell({"b": 3}), logger])
    assert path.read_text().split() == ["epoch,b,val_b", "0,3,NA"]


def test_bad_separators():
    for separator in ("", ", ", None):
        with pytest.raises(ValueError, match="separator must be a single character"):
            CSVLogger("log.csv", separator)


# ---- ModelCheckpoint ----------------------------------------------------------------------------------------------


def checkpoint(path, **options):
    return ModelCheckpoint(path, save_weights_only=True, **options)


def test_names_are_filled_in_and_folders_made(tmp_path):
    path = tmp_path / "a" / "b" / "w-{epoch:02d}-{loss:.2f}.npz"
    model = small()
    fit([Tell({"loss": 0.5}, {"loss": 0.25}), checkpoint(path)], epochs=2, model=model)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["w-01-0.50.npz", "w-02-0.25.npz"]
    other = small(seed=1)
    other.load_weights(files[1])
    assert same(other.get_weights(), model.get_weights())
    other.load_weights(files[0])
    assert not same(other.get_weights(), model.get_weights())


def test_only_what_is_better_than_ever_is_saved(tmp_path, capsys):
    values = [0.5, 0.6, 0.4, 0.4, 0.3]
    told = Tell(*({"val_loss": value} for value in values))
    saving = checkpoint(tmp_path / "{epoch}.npz", save_best_only=True, verbose=1)
    fit([told, saving], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.npz", "3.npz", "5.npz"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Epoch 1: val_loss improved from inf to 0.5; the weights are saved in {tmp_path / '1.npz'}."
    assert lines[1] == "Epoch 2: val_loss did not improve from 0.5."
    fit([Tell({"val_loss": 0.35}), saving])
    assert saving.best == 0.3, "the best lasts over several fits"
    threshold = checkpoint(tmp_path / "t{epoch}.npz", save_best_only=True, initial_value_threshold=0.45)
    fit([told, threshold], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name[0] == "t") == ["t3.npz", "t5.npz"]
    rising = checkpoint(tmp_path / "m{epoch}.npz", save_best_only=True, mode="max")
    fit([told, rising], epochs=5)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name[0] == "m") == ["m1.npz", "m2.npz"]


def test_without_the_value_it_warns_and_saves(tmp_path):
    with pytest.warns(UserWarning, match="watches 'val_loss', which is not among the logs: loss, accuracy") as seen:
        fit(checkpoint(tmp_path / "w.npz", save_best_only=True))
    assert seen[0].filename.endswith("test_callbacks_files.py")
    assert (tmp_path / "w.npz").exists()


def test_saving_after_batches_counts_across_epochs(tmp_path):
    saving = checkpoint(tmp_path / "{epoch}-{batch}.npz", save_freq=3)
    fit(saving, epochs=2, batch_size=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1-3.npz", "2-2.npz"]


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("w.h5", {"save_weights_only": False}, "must end in '.npz' or"),
        ("w.h5", {}, "must end in '.npz' or"),
        ("w.npz", {"save_freq": 0}, "save_freq, unless 'epoch', must be a positive integer"),
        ("w.npz", {"save_freq": "batch"}, "save_freq, unless 'epoch', must be a positive integer"),
        ("w.npz", {"mode": "best"}, "mode must be one of"),
        ("w.npz", {"initial_value_threshold": "low"}, "initial_value_threshold must be"),
    ],
)
def test_bad_arguments_of_a_checkpoint(path, options, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(path, **{"save_weights_only": True, **options})


def test_a_name_that_is_not_among_the_logs(tmp_path):
    with pytest.raises(ValueError, match="asks for 'val_acc'; what there is: epoch, loss, accuracy"):
        fit(checkpoint(tmp_path / "{val_acc}.npz"))


# ---- LambdaCallback and LearningRateScheduler ---------------------------------------------------------------------


def test_functions_as_hooks():
    calls = []
    fit(LambdaCallback(on_train_begin=calls.append, on_epoch_end=lambda epoch, logs: calls.append(epoch)), epochs=2)
    assert calls == [{}, 0, 1]
    with pytest.raises(ValueError, match=r"no hook 'on_epoch_ends'\. Did you mean on_epoch_end\?"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function; got 3"):
        LambdaCallback(on_epoch_end=3)
    assert repr(LambdaCallback(on_train_end=len)) == "LambdaCallback(on_train_end=<built-in function len>)"


def test_type_checkers_know_every_hook_of_lambda_callback():
    assert set(Hooks.__annotations__) == {name for name in vars(Callback) if name.startswith("on_")}


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)])
def test_a_schedule_of_one_argument_or_two(schedule, capsys):
    history = fit(LearningRateScheduler(schedule, verbose=1), epochs=2).history
    assert history["learning_rate"] == [0.1, 0.05]
    assert capsys.readouterr().out == (
        "Epoch 1: LearningRateScheduler sets the learning rate to 0.1.\n"
        "Epoch 2: LearningRateScheduler sets the learning rate to 0.05.\n"
    )


def test_the_present_rate_is_given_and_integers_are_taken():
    assert fit(LearningRateScheduler(lambda epoch, rate: rate * 2), epochs=3).history["learning_rate"] == [
        0.002, 0.004, 0.008
    ]  # fmt: skip
    assert fit(LearningRateScheduler(lambda epoch: 1)).history["learning_rate"] == [1.0]


def test_faults_of_a_schedule():
    def wrong(epoch, rate):
        return rate + "x"

    with pytest.raises(TypeError, match="unsupported operand"):
        fit(LearningRateScheduler(wrong))
    for value in (None, "0.1", -1, float("nan"), True):
        with pytest.raises(ValueError, match="what the schedule of LearningRateScheduler returns must be"):
            fit(LearningRateScheduler({0: value}.get))
    with pytest.raises(TypeError, match=r"schedule must be a function of the epoch; got 0\.1"):
        LearningRateScheduler(0.1)


# ---- the progress line --------------------------------------------------------------------------------------------


def test_what_callbacks_add_is_shown_and_recorded(capsys):
    history = fit([LearningRateScheduler(lambda epoch: 0.5)], verbose=2)
    out = capsys.readouterr().out
    assert out.startswith("Epoch 1/1 - 1/1 - ")
    assert " - learning_rate: 0.5000\n" in out
    assert history.history["learning_rate"] == [0.5]


def test_a_line_of_ones_own_is_the_only_one(capsys):
    fit([ProgbarLogger(), LearningRateScheduler(lambda epoch: 0.5)], verbose=2)
    out = capsys.readouterr().out
    assert out.count("1/1 - 0s") == 1
    assert "learning_rate" not in out, "it stands before the other"


def test_validation_within_fit_is_silent_and_evaluate_is_not(capsys):
    model = small()
    fit(None, model=model, verbose=2, validation_data=(X, Y), epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("val_loss" in line for line in lines)
    model.evaluate(X, Y, verbose=2)
    assert capsys.readouterr().out.startswith("1/1 - 0s")
    model.predict(X, verbose=2)
    assert capsys.readouterr().out.startswith("1/1 - 0s")


def test_an_unknown_number_of_batches(capsys, monkeypatch):
    monkeypatch.setattr("tinynet.callbacks.progress.is_interactive", lambda: True)
    monkeypatch.setattr("tinynet.callbacks.progress.REDRAW_EVERY", 0)
    small().fit(((X, Y) for _ in range(3)), verbose=1)
    out = capsys.readouterr().out
    assert "\r1/Unknown - loss: " in out
    assert "ETA" not in out
    assert re.search(r"\r3/3 \[=+\] - 0s .*/step - loss: ", out)


def test_a_message_and_an_exception_end_a_line_that_is_half_drawn(capsys, monkeypatch):
    monkeypatch.setattr("tinynet.callbacks.progress.is_interactive", lambda: True)
    monkeypatch.setattr("tinynet.callbacks.progress.REDRAW_EVERY", 0)
    stopping = EarlyStopping("loss", patience=1, min_delta=10, verbose=1)
    fit(stopping, epochs=5, verbose=1)
    assert "\nEpoch 2: early stopping.\n" in capsys.readouterr().out

    def fail(batch, logs):
        if batch == 1:
            raise RuntimeError

    model = small()
    for call, hook in ((model.fit, "on_train_batch_begin"), (model.evaluate, "on_test_batch_begin")):
        with pytest.raises(RuntimeError):
            call(X, Y, batch_size=2, verbose=1, callbacks=[LambdaCallback(**{hook: fail})])
        assert capsys.readouterr().out.endswith("\n")
    with pytest.raises(RuntimeError):
        model.predict(X, batch_size=2, verbose=1, callbacks=LambdaCallback(on_predict_batch_begin=fail))
    assert capsys.readouterr().out.endswith("\n")
    fit(None, model=model, verbose=1)
    assert capsys.readouterr().out.startswith("Epoch 1/1\n")


def test_hooks_of_evaluate_and_predict_in_order():
    calls = []

    def record(name):
        return lambda *arguments: calls.append((name, *arguments[:-1], *sorted(arguments[-1])))

    every = LambdaCallback(**{name: record(name) for name in vars(Callback) if name.startswith("on_")})
    model = small()
    model.evaluate(X, Y, verbose=0, callbacks=every)
    assert calls == [
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0, "accuracy", "loss"),
        ("on_test_end", "accuracy", "loss"),
    ]
    calls.clear()
    model.predict(X, batch_size=3, callbacks=[every])
    assert calls == [
        ("on_predict_begin",),
        ("on_predict_batch_begin", 0),
        ("on_predict_batch_end", 0, "outputs"),
        ("on_predict_batch_begin", 1),
        ("on_predict_batch_end", 1, "outputs"),
        ("on_predict_end",),
    ]


def test_the_old_names_of_the_batch_hooks_are_called():
    calls = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(batch)

        def on_batch_end(self, batch, logs=None):
            calls.append(tuple(logs))

    fit(Old())
    assert calls == [0, ("loss", "accuracy")]


def test_callbacks_are_written_as_they_were_made():
    assert repr(EarlyStopping(patience=3)) == "EarlyStopping(patience=3)"
    assert repr(CSVLogger("a.csv", append=True)) == "CSVLogger(filename='a.csv', append=True)"
    assert repr(ProgbarLogger()) == "ProgbarLogger()"
    assert repr(tn.callbacks.History()) == "<History epochs=0, keys=[]>"
