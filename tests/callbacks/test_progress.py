"""The progress line: its look, when it is drawn over, and what a pipe gets."""

import io
import itertools
import re
import sys
import types

import numpy as np
import pytest
from models import small
from told import X, Y, fitted

import tinynet as tn
from tinynet import terminal as output
from tinynet.arguments import choose_verbose
from tinynet.callbacks import (
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ProgbarLogger,
    progress,
)
from tinynet.callbacks.progress import Progress, clock, formatted, step_time


@pytest.fixture
def terminal(monkeypatch):
    """Let stdout count as a terminal, and every look at the clock be 60 ms after the last."""
    monkeypatch.setattr(output, "is_interactive", lambda: True)
    monkeypatch.setattr(output, "columns", lambda: 120)
    ticks = iter(range(10**6))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(ticks) * 0.06)


def fit(n, **options):
    rng = np.random.default_rng(0)
    model = tn.Sequential([tn.Input((2,)), tn.layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(rng.random((n, 2)), rng.integers(0, 2, n), **options)
    return model


def test_a_pipe_gets_one_plain_line_for_each_epoch(capsys):
    fit(64, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for number, line in enumerate(lines, 1):
        expected = rf"Epoch {number}/2 - 2/2 - \d+s \d+(us|ms|s)/step - loss: 0\.\d{{4}} - accuracy: 0\.\d{{4}}"
        assert re.fullmatch(expected, line)


def test_a_pipe_that_asks_for_the_bar_gets_it_finished_and_never_redrawn(capsys):
    fit(64, epochs=1, verbose=1)
    out = capsys.readouterr().out
    expected = r"Epoch 1/1\n2/2 \[={30}\] - \d+s \d+(us|ms|s)/step - loss: 0\.\d{4} - accuracy: 0\.\d{4}\n"
    assert re.fullmatch(expected, out)


def test_verbose_0_prints_nothing(capsys):
    model = fit(64, epochs=2, verbose=0)
    model.evaluate(np.zeros((4, 2)), [0, 1, 0, 1], verbose=0)
    assert capsys.readouterr().out == ""


def test_evaluate_has_the_same_line(capsys):
    model = fit(4, verbose=0)
    model.evaluate(np.zeros((64, 2)), np.zeros(64, int), batch_size=32)
    expected = r"2/2 - \d+s \d+(us|ms|s)/step - loss: \d\.\d{4} - accuracy: \d\.\d{4}\n"
    assert re.fullmatch(expected, capsys.readouterr().out)
    model.evaluate(np.zeros((64, 2)), np.zeros(64, int), 32, verbose=1)
    assert re.fullmatch(r"2/2 \[={30}\] - \d+s \d+(us|ms|s)/step - loss: .*\n", capsys.readouterr().out)


def test_a_terminal_is_drawn_over_at_most_ten_times_a_second(capsys, terminal):
    fit(32 * 40, epochs=1)
    header, *rest = capsys.readouterr().out.split("\n")
    assert header == "Epoch 1/1"
    draws = rest[0].split("\r")[1:]
    # 40 steps look at the clock every 60 ms, so at best every second look draws; the finished line comes on top.
    assert 5 < len(draws) <= 21
    assert re.fullmatch(r" ?\d+/40 \[=*>\.*\] - ETA: \d+s - loss: 0\.\d{4} - accuracy: 0\.\d{4} *", draws[2])
    assert draws[-1].startswith("40/40 [==============================] - ")
    assert "ETA" not in draws[-1]
    for before, after in itertools.pairwise(draws):
        assert len(after) >= len(before.rstrip()), "a shorter line covers the longer one before it"


def test_validation_is_silent_and_its_values_stand_in_the_epochs_line(capsys):
    fit(64, epochs=1, validation_split=0.5)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert re.search(r"val_loss: 0\.\d{4} - val_accuracy: [01]\.\d{4}\n$", out)


def test_an_interrupted_line_is_ended(capsys, terminal):
    class Stop(tn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 30:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(32 * 40, callbacks=[Stop()])
    assert capsys.readouterr().out.endswith("\n")


def test_the_bar_of_the_lesson(capsys, monkeypatch):
    monkeypatch.setattr(output, "is_interactive", lambda: False)
    line = Progress(1, 1875, "Epoch 1/5")
    line.started -= 26.0
    line.finish({"loss": 0.4921, "accuracy": 0.8267})
    assert capsys.readouterr().out == (
        "Epoch 1/5\n1875/1875 [==============================] - 26s 14ms/step - loss: 0.4921 - accuracy: 0.8267\n"
    )
    assert line._line(0, "") == "   0/1875 [..............................]"
    assert line._line(32, "") == "  32/1875 [..............................]"
    assert line._line(125, "") == " 125/1875 [=>............................]"
    assert line._line(1874, "") == "1874/1875 [============================>.]"


@pytest.mark.parametrize("width", [100, 80, 60, 40, 10])
def test_a_narrow_terminal_gets_a_shorter_bar_that_can_be_drawn_over(capsys, terminal, monkeypatch, width):
    monkeypatch.setattr(output, "columns", lambda: width)
    fit(32 * 40, epochs=1)
    draws = capsys.readouterr().out.split("\r")[1:]
    assert len(draws) > 5
    assert all(len(draw) < width for draw in draws[:-1])
    assert re.match(r" ?\d+/40 " if width > 40 else "", draws[2])
    assert ("[=" in draws[-1]) == (width >= 80), "without room for five characters of bar there is none"
    assert re.search(r"40/40 .*- \d+s \d+ms/step - loss: \d\.\d{4} - accuracy: \d\.\d{4} *\n", draws[-1])


def test_numbers_and_times():
    assert formatted({"loss": 0.49214, "small": 0.00012345, "nan": float("nan"), "zero": 0.0}) == (
        " - loss: 0.4921 - small: 1.2345e-04 - nan: nan - zero: 0.0000"
    )
    assert [step_time(s) for s in (2, 0.0138, 0.0003, 0)] == ["2s/step", "14ms/step", "300us/step", "0s/step"]
    assert [clock(s) for s in (5, 60, 62, 3662)] == ["5s", "60s", "1:02", "1:01:02"]


def test_verbose_is_checked():
    assert [choose_verbose(v) for v in (0, 1, 2, True, False, np.int64(2))] == [0, 1, 2, 1, 0, 2]
    assert choose_verbose("auto") == 2
    for verbose in (3, "loud", None, 1.5, -1):
        with pytest.raises(ValueError, match="verbose must be 'auto', 0"):
            fit(4, verbose=verbose)


def test_a_notebook_counts_as_a_place_to_draw(monkeypatch):
    import sys
    import types

    class ZMQInteractiveShell:
        pass

    assert not output.is_interactive()
    notebook = types.SimpleNamespace(get_ipython=lambda: ZMQInteractiveShell())
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert output.is_interactive()
    colab = type("Shell", (ZMQInteractiveShell,), {})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: colab()))
    assert output.is_interactive()
    console = types.SimpleNamespace(get_ipython=lambda: None)
    monkeypatch.setitem(sys.modules, "IPython", console)
    assert not output.is_interactive()


def test_a_terminal_counts_as_a_place_to_draw(monkeypatch):
    for stdout, expected in (
        (types.SimpleNamespace(isatty=lambda: True), True),
        (types.SimpleNamespace(isatty=lambda: False), False),
        (types.SimpleNamespace(), False),
        (None, False),  # as under pythonw
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            assert output.is_interactive() is expected


@pytest.fixture
def timer(monkeypatch):
    """Let stdout count as a terminal, and the clock stand at timer[0]."""
    now = [0.0]
    monkeypatch.setattr(output, "is_interactive", lambda: True)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_only_a_bar_on_a_terminal_is_drawn_before_the_end(timer, monkeypatch):
    lines = [Progress(verbose, 10) for verbose in (0, 1, 2)]
    monkeypatch.setattr(output, "is_interactive", lambda: False)
    lines.append(Progress(1, 10))
    for now, due in ((0.09, False), (0.11, True)):
        timer[0] = now
        assert [line.due() for line in lines] == [False, due, False, False]


def test_a_running_line_to_the_letter(timer, capsys):
    timer[0] = 5.0
    line = Progress(1, 8)
    timer[0] = 15.0
    line.draw(2, {"loss": 0.5})
    line.draw(4, {})
    line.finish({})
    _, first, second, last = capsys.readouterr().out.split("\r")
    assert first == "2/8 [======>.......................] - ETA: 30s - loss: 0.5000"
    assert second.rstrip() == "4/8 [==============>...............] - ETA: 10s"
    assert len(second) == len(first)
    assert last.rstrip() == "8/8 [==============================] - 10s 1s/step"


def test_only_an_unfinished_line_is_ended(timer, capsys):
    line = Progress(1, 8)
    line.__exit__(None, None, None)
    assert capsys.readouterr().out == ""
    line.draw(1, {})
    assert not capsys.readouterr().out.endswith("\n")
    line.__exit__(None, None, None)
    assert capsys.readouterr().out == "\n"
    line.finish({})
    capsys.readouterr()
    line.__exit__(None, None, None)
    assert capsys.readouterr().out == ""


def test_every_line_is_flushed(timer, monkeypatch):
    flushed = []

    class Out(io.StringIO):
        def flush(self):
            flushed.append(self.getvalue()[-1:])

    monkeypatch.setattr(sys, "stdout", Out())
    line = Progress(1, 8)
    line.draw(1, {})
    line.__exit__(None, None, None)
    Progress(2, 8).finish({})
    assert flushed == ["s", "\n", "\n"]


def every_step_is_due(monkeypatch):
    monkeypatch.setattr(output, "columns", lambda: 200)
    monkeypatch.setattr(output, "is_interactive", lambda: True)
    ticks = iter(range(10**6))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(ticks)))


def test_the_step_that_is_drawn_is_the_one_that_is_done(capsys, monkeypatch):
    every_step_is_due(monkeypatch)
    x, y = np.zeros((4, 3)), [0, 1, 2, 0]
    model = small()
    for call in (
        lambda: model.fit(x, y, batch_size=1, validation_data=(x, y), verbose=1),
        lambda: model.evaluate(x, y, batch_size=1, verbose=1),
        lambda: model.predict(x, batch_size=1, verbose=1),
    ):
        call()
        out = capsys.readouterr().out
        assert re.findall(r"\r(\d)/4 \[[=>.]{30}\] - ETA", out) == ["1", "2", "3", "4"]
        assert re.search(r"\r4/4 \[={30}\] - \d+s \ds/step[^\r]*\n$", out)


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (2, 1)])
def test_no_bar_is_drawn_unasked(verbose, lines, capsys, monkeypatch):
    every_step_is_due(monkeypatch)
    small().fit(np.zeros((4, 3)), [0, 1, 2, 0], batch_size=1, verbose=verbose)
    out = capsys.readouterr().out
    assert out.count("\n") == lines
    assert "\r" not in out


def test_predict_of_nothing_prints_nothing(capsys):
    assert small().predict(np.zeros((0, 3)), verbose=1).shape == (0, 3)
    assert capsys.readouterr().out == ""


def test_an_interrupted_evaluation_ends_its_line_and_is_interrupted(capsys, terminal):
    class Stop(tn.metrics.Metric):
        def values(self, labels, outputs):
            self.seen = getattr(self, "seen", 0) + 1
            if self.seen == 30:
                raise KeyboardInterrupt
            return outputs.argmax(axis=-1) == labels

    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy", [Stop()])
    with pytest.raises(KeyboardInterrupt):
        model.evaluate(np.zeros((40, 3)), np.zeros(40, int), batch_size=1, verbose=1)
    assert re.search(r"ETA[^\n]*\n$", capsys.readouterr().out)


def test_numbers_and_times_at_their_bounds():
    assert formatted({"a": 0.001, "b": 0.0011, "c": -0.0002}) == " - a: 1.0000e-03 - b: 0.0011 - c: -2.0000e-04"
    assert [step_time(s) for s in (1, 0.001)] == ["1s/step", "1ms/step"]
    times = {61: "1:01", 119: "1:59", 120: "2:00", 3599: "59:59", 3600: "1:00:00", 3660: "1:01:00", 7199: "1:59:59"}
    assert {seconds: clock(seconds) for seconds in times} == times
    assert clock(7200) == "2:00:00"


def test_an_interrupted_prediction_ends_its_line(capsys, terminal, monkeypatch):
    calls = iter(range(100))

    def forward(self, x, training=False):
        if next(calls) == 30:
            raise KeyboardInterrupt
        return x, None

    monkeypatch.setattr(tn.layers.Softmax, "forward", forward)
    with pytest.raises(KeyboardInterrupt):
        small().predict(np.zeros((40, 3)), batch_size=1, verbose=1)
    assert re.search(r"ETA[^\n]*\n$", capsys.readouterr().out)


# ---- the progress line --------------------------------------------------------------------------------------------


def test_what_callbacks_add_is_shown_and_recorded(capsys):
    history = fitted([LearningRateScheduler(lambda epoch: 0.5)], verbose=2)
    out = capsys.readouterr().out
    assert out.startswith("Epoch 1/1 - 1/1 - ")
    assert " - learning_rate: 0.5000\n" in out
    assert history.history["learning_rate"] == [0.5]


def test_a_line_of_ones_own_is_the_only_one(capsys):
    fitted([ProgbarLogger(), LearningRateScheduler(lambda epoch: 0.5)], verbose=2)
    out = capsys.readouterr().out
    assert out.count("1/1 - 0s") == 1
    assert "learning_rate" not in out, "it stands before the other"


def test_validation_within_fit_is_silent_and_evaluate_is_not(capsys):
    model = small()
    fitted(None, model=model, verbose=2, validation_data=(X, Y), epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("val_loss" in line for line in lines)
    model.evaluate(X, Y, verbose=2)
    assert capsys.readouterr().out.startswith("1/1 - 0s")
    model.predict(X, verbose=2)
    assert capsys.readouterr().out.startswith("1/1 - 0s")


def test_an_unknown_number_of_batches(capsys, monkeypatch):
    monkeypatch.setattr("tinynet.terminal.is_interactive", lambda: True)
    monkeypatch.setattr("tinynet.callbacks.progress.REDRAW_EVERY", 0)
    small().fit(((X, Y) for _ in range(3)), verbose=1)
    out = capsys.readouterr().out
    assert "\r1/Unknown - loss: " in out
    assert "ETA" not in out
    assert re.search(r"\r3/3 \[=+\] - 0s .*/step - loss: ", out)


def test_a_message_and_an_exception_end_a_line_that_is_half_drawn(capsys, monkeypatch):
    monkeypatch.setattr("tinynet.terminal.is_interactive", lambda: True)
    monkeypatch.setattr("tinynet.callbacks.progress.REDRAW_EVERY", 0)
    stopping = EarlyStopping("loss", patience=1, min_delta=10, verbose=1)
    fitted(stopping, epochs=5, verbose=1)
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
    fitted(None, model=model, verbose=1)
    assert capsys.readouterr().out.startswith("Epoch 1/1\n")
