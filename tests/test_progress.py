"""The progress line: its look, when it is drawn over, and what a pipe gets."""

import itertools
import re

import numpy as np
import pytest

import tinynet as tn
from tinynet import progress
from tinynet.progress import Progress, choose_verbose, clock, formatted, step_time


@pytest.fixture
def terminal(monkeypatch):
    """Let stdout count as a terminal, and every look at the clock be 60 ms after the last."""
    monkeypatch.setattr(progress, "is_interactive", lambda: True)
    monkeypatch.setattr(progress, "columns", lambda: 120)
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
    model.evaluate(np.zeros((64, 2)), np.zeros(64, int))
    expected = r"2/2 - \d+s \d+(us|ms|s)/step - loss: \d\.\d{4} - accuracy: \d\.\d{4}\n"
    assert re.fullmatch(expected, capsys.readouterr().out)
    model.evaluate(np.zeros((64, 2)), np.zeros(64, int), verbose=1)
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
    monkeypatch.setattr(progress, "is_interactive", lambda: False)
    line = Progress(1, 1875, "Epoch 1/5")
    line.started -= 26.0
    line.finish({"loss": 0.4921, "accuracy": 0.8267})
    assert capsys.readouterr().out == (
        "Epoch 1/5\n"
        "1875/1875 [==============================] - 26s 14ms/step - loss: 0.4921 - accuracy: 0.8267\n"
    )
    assert line._line(0, "") == "   0/1875 [..............................]"
    assert line._line(32, "") == "  32/1875 [..............................]"
    assert line._line(125, "") == " 125/1875 [=>............................]"
    assert line._line(1874, "") == "1874/1875 [============================>.]"


@pytest.mark.parametrize("width", [100, 80, 60, 40, 10])
def test_a_narrow_terminal_gets_a_shorter_bar_that_can_be_drawn_over(capsys, terminal, monkeypatch, width):
    monkeypatch.setattr(progress, "columns", lambda: width)
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

    assert not progress.is_interactive()
    notebook = types.SimpleNamespace(get_ipython=lambda: ZMQInteractiveShell())
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert progress.is_interactive()
    colab = type("Shell", (ZMQInteractiveShell,), {})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: colab()))
    assert progress.is_interactive()
    console = types.SimpleNamespace(get_ipython=lambda: None)
    monkeypatch.setitem(sys.modules, "IPython", console)
    assert not progress.is_interactive()
