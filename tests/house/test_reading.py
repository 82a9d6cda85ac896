"""The reading list: 13 files that say how a network learns, short enough to be read, and standing by themselves."""

import re
from pathlib import Path

import pytest
from imports import graph

import tinynet as tn

READING = [
    "backend.py",
    "layers/base.py",
    "layers/chain.py",
    "layers/dense.py",
    "layers/activations.py",
    "losses/base.py",
    "losses/sparse_crossentropy.py",
    "optimizers/base.py",
    "optimizers/adam.py",
    "training/buffers.py",
    "training/fusion.py",
    "training/step.py",
    "training/loop.py",
]
MOST = 1500  # lines of all, with their docstrings
STRANGERS = {"intake", "models", "formats", "callbacks", "plotting"}
PACKAGE = Path(tn.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"


def lines_of(folder, files):
    """How many lines each of the files has that are there."""
    return {
        file: len((folder / file).read_text(encoding="utf-8").splitlines())
        for file in files
        if (folder / file).exists()
    }


def strangers(links, files):
    """What the files import, wherever in them, from the rooms that a reader need not know."""
    names = [file.removesuffix(".py").replace("/", ".") for file in files]
    return [f"{name} imports {other}" for name in names for other in links[name] if other.split(".")[0] in STRANGERS]


def listed(text):
    """The files that stand one in a line, first in it but for signs of a list or a table, in their order."""
    return re.findall(r"^[ \d.*`|-]*(?:tinynet/)?((?:\w+/)?\w+\.py)\b", text, re.M)


def test_the_reading_list_is_short():
    lines = lines_of(PACKAGE, READING)
    assert list(lines) == READING
    assert sum(lines.values()) <= MOST, lines


def test_the_reading_list_stands_by_itself():
    assert strangers(graph(PACKAGE), READING) == []


@pytest.mark.parametrize("where", ["the package's docstring", "CONTRIBUTING"])
def test_the_list_is_written_where_a_reader_looks(where):
    if where == "CONTRIBUTING" and not CONTRIBUTING.exists():
        pytest.skip("the package is installed, and no CONTRIBUTING.md is beside it")
    text = tn.__doc__ if where != "CONTRIBUTING" else CONTRIBUTING.read_text(encoding="utf-8")
    assert [file for file in listed(text) if file in READING] == READING


# ---- these tests are able to fail ---------------------------------------------------------------------------------


def test_lines_strangers_and_lists_are_found(tmp_path):
    (tmp_path / "house" / "models").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "plain.py": "import math\n\n\nx = 1\n",
        "knows.py": "def f():\n    from .models import sequential\n",
        "models/__init__.py": "",
        "models/sequential.py": "",
    }.items():
        (tmp_path / "house" / name).write_text(text)
    house = tmp_path / "house"
    assert lines_of(house, ["plain.py", "none.py", "knows.py"]) == {"plain.py": 4, "knows.py": 2}
    assert strangers(graph(house), ["plain.py"]) == []
    assert strangers(graph(house), ["plain.py", "knows.py"]) == ["knows imports models.sequential"]
    text = "In this order:\n\n    backend.py  arrays\n 1. `layers/base.py`\n- tinynet/losses/base.py\nSee x."
    assert listed(text) == ["backend.py", "layers/base.py", "losses/base.py"]
