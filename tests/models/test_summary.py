"""The table of a model."""

import types

import numpy as np
import pytest
from models import everything, small

import tinynet as tn
from tinynet import terminal
from tinynet.layers import Dense, Flatten
from tinynet.losses import SparseCategoricalCrossentropy
from tinynet.models import summary

# ---- structure and shapes ---------------------------------------------------------------------------------------


def test_repr_and_summary(lesson_model, capsys, monkeypatch):
    monkeypatch.setattr("tinynet.terminal.columns", lambda: 80)
    model = lesson_model(seed=0)
    assert repr(model) == "<Sequential name=sequential, built=True>"
    model.summary()
    out = capsys.readouterr().out
    assert "│ dense (Dense)                   │ (None, 128)            │       100,480 │" in out
    assert " Total params: 101,770 (397.54 KB)\n" in out
    assert "\n from the logits: softmax and loss are computed together\n" in out
    assert len({len(line) for line in out.splitlines()[1:10]}) == 1, "the table's lines are of one length"
    model.fit(np.zeros((2, 28, 28)), [0, 1], verbose=0)
    texts = []
    model.summary(print_fn=texts.append)
    assert " Total params: 305,310 (1.16 MB)\n" in texts[0]
    assert " Optimizer params: 203,540 (795.08 KB)\n" in texts[0]
    tn.Sequential([Dense(3)]).summary()
    assert "?" in capsys.readouterr().out
    monkeypatch.setattr("tinynet.terminal.columns", lambda: 20)
    model = small()
    model.layers[0].trainable = False
    model.summary()
    assert " Non-trainable params: 32 (128.00 B)\n" in capsys.readouterr().out


# ---- what a model keeps to itself -----------------------------------------------------------------------------------


def test_a_layer_at_two_places_has_both_shapes_in_the_summary():
    flat = Flatten()
    model = tn.Sequential([tn.Input((2, 3)), flat, Dense(4), flat])
    assert model.output_shapes == [(None, 6), (None, 4), (None, 4)]


def test_summary_is_plain_where_the_output_has_no_box_characters(capsys, monkeypatch):
    import io
    import sys

    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", out)
    small().summary()
    out.flush()
    text = out.buffer.getvalue().decode("cp1252")
    assert "| dense (Dense)" in text
    assert "+--" in text
    assert "?" not in text


# ---- softmax and cross-entropy meet in the loss -------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "width"), [(20, 44), (80, 76), (91, 87), (92, 88), (93, 88), (200, 88)])
def test_the_summary_is_as_wide_as_the_terminal_within_bounds(columns, width, monkeypatch):
    monkeypatch.setattr("tinynet.terminal.columns", lambda: columns)
    lines = summary.table(small()).splitlines()
    assert {len(line) for line in lines[1:8]} == {width}


def test_the_summary_to_the_letter(monkeypatch):
    monkeypatch.setattr("tinynet.terminal.columns", lambda: 60)
    model = tn.Sequential([tn.Input((2, 3)), Flatten(), Dense(2, name="a_name_too_long_for_it")])
    assert summary.table(model) == (
        'Model: "sequential"\n'
        "┏━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓\n"
        "┃ Layer (type)           ┃ Output Shape    ┃   Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩\n"
        "│ flatten (Flatten)      │ (None, 6)       │         0 │\n"
        "├────────────────────────┼─────────────────┼───────────┤\n"
        "│ a_name_too_long_for_it │ (None, 2)       │        14 │\n"
        "│ (Dense)                │                 │           │\n"
        "└────────────────────────┴─────────────────┴───────────┘\n"
        " Total params: 14 (56.00 B)\n"
        " Trainable params: 14 (56.00 B)\n"
        " Non-trainable params: 0 (0.00 B)"
    )
    model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    assert summary.table(model).splitlines()[-1] == " Trained with Adam on sparse_categorical_crossentropy"


def test_sizes_and_columns(monkeypatch):
    assert [summary._bytes(n) for n in (0, 1023, 1024, 1024**2, 1024**3, 5 * 1024**4)] == [
        "0.00 B", "1023.00 B", "1.00 KB", "1.00 MB", "1.00 GB", "5120.00 GB"
    ]  # fmt: skip
    assert [summary._cut("abcd", size) for size in (5, 4, 3)] == ["abcd", "abcd", "ab…"]
    assert summary._folded("a_long_name (Dense)", 12) == ["a_long_name", "(Dense)"]
    assert summary._folded("dense (Dense)", 13) == ["dense (Dense)"]
    assert summary._folded("a_long_name (Dense)", 9) == ["a_long_n…", "(Dense)"]

    def no_terminal():
        raise OSError

    for size, expected in ((lambda: types.SimpleNamespace(columns=100), 100), (no_terminal, 80)):
        monkeypatch.setattr("os.get_terminal_size", size)
        assert terminal.columns() == expected
    monkeypatch.setattr("os.get_terminal_size", lambda: types.SimpleNamespace(columns=0))  # as some CI machines say
    assert terminal.columns() == 80


# ---- the table ----------------------------------------------------------------------------------------------------


def bars(model, width, **options):
    rule = summary.table(model, width, **options).splitlines()[1]
    return [place for place, sign in enumerate(rule) if sign in "┏┳┓"]


def test_the_rules_of_the_table_stand_where_kerass_do():
    model = small()
    assert [bars(model, width) for width in (60, 77, 79)] == [[0, 27, 47, 59], [0, 34, 60, 76], [0, 35, 62, 78]]
    expected = {60: [0, 24, 43, 53, 59], 76: [0, 30, 54, 67, 75], 77: [0, 31, 55, 68, 76], 79: [0, 31, 56, 70, 78]}
    assert {width: bars(model, width, show_trainable=True) for width in expected} == expected
    with pytest.raises(ValueError, match="needs more room than line_length=20"):
        model.summary(20)


def test_the_table_shows_models_inside_and_what_is_trained(capsys):
    model = everything()
    model.get_layer("inner").trainable = False
    model.summary(90, expand_nested=True, show_trainable=True)
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split()[1]: line.split("│")[1:-1] for line in lines if line.startswith("│")}
    assert cells["flatten"][-1].strip() == "-"
    assert cells["dense"][-1].strip() == "Y"
    assert cells["inner"][-1].strip() == "N"
    assert any("   └ dense (Dense)" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    model.summary()
    assert "└ dense" not in capsys.readouterr().out
    tn.Sequential([Flatten(), Dense(2)]).summary()
    out = capsys.readouterr().out
    assert "0 (unbuilt)" in out
    assert "?" in out


def test_the_table_is_coloured_on_a_terminal_only(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    small().summary()
    out = capsys.readouterr().out
    assert out.startswith('\x1b[1mModel: "sequential"\x1b[0m\n')
    assert "(\x1b[34mDense\x1b[0m)" in out
    assert "\x1b[32m32\x1b[0m" in out
    monkeypatch.setenv("NO_COLOR", "1")
    small().summary()
    assert "\x1b" not in capsys.readouterr().out
