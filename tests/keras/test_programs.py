"""Programs written for Keras, run here with no change but that of the imports, beside what Keras computed.

`reference/keras_programs.py` makes starting weights and order the same and says where the tolerance comes from.
"""

import copy
import json

import keras_programs
import numpy as np
import pytest

EXPECTED = json.loads(keras_programs.RECORD.read_text())


@pytest.mark.parametrize("program", keras_programs.NAMES)
def test_a_program_for_keras_gives_what_it_gave_there(program):
    got = keras_programs.run(program, "tinynet")
    assert keras_programs.differences(EXPECTED[program], got) == []


def test_each_program_has_its_record():
    assert list(EXPECTED) == ["keras", "backend", *keras_programs.NAMES]


@pytest.mark.parametrize("program", keras_programs.NAMES)
def test_only_the_imports_of_a_program_are_changed(program):
    text = (keras_programs.PROGRAMS / f"{program}.py").read_text()
    lines = text.splitlines()
    changed = keras_programs.translated(text).splitlines()
    assert len(lines) == len(changed)
    pairs = [(a, b) for a, b in zip(lines, changed, strict=True) if a != b]
    assert pairs
    for before, after in pairs:
        assert before.split()[0] in ("import", "from")
        assert before == after.replace("import tinynet as keras", "import keras").replace("from tinynet", "from keras")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import keras", "import tinynet as keras"),
        ("import keras.utils", "import tinynet.utils, tinynet as keras"),
        ("    import keras.losses as kl", "    import tinynet.losses as kl"),
        ("from keras import layers", "from tinynet import layers"),
        ("from keras.optimizers.schedules import CosineDecay", "from tinynet.optimizers.schedules import CosineDecay"),
        ("import keras_hub", "import keras_hub"),
        ("model = keras.Sequential()", "model = keras.Sequential()"),
    ],
)
def test_translated(line, expected):
    assert keras_programs.translated(f"first\n{line}\nlast") == f"first\n{expected}\nlast"


ENTRY = {
    "results": {"history": {"loss": [2.0, 1.0]}, "epochs": [0, 1], "layers": ["a", "b"], "shape": [None, 3]},
    "spread": {"history.loss": 1e-4},
}


def changed(*path, to):
    """ENTRY's results with another value at the end of that path."""
    results = inner = copy.deepcopy(ENTRY["results"])
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return results


def test_what_is_within_the_tolerance_is_no_difference():
    # 3 times the spread, 1e-5 of the largest number, and 1e-6
    allowed = 3e-4 + 2e-5 + 1e-6
    assert keras_programs.differences(ENTRY, changed("history", "loss", 1, to=1 + 0.99 * allowed)) == []
    assert keras_programs.differences(ENTRY, changed("history", "loss", 1, to=1 + 1.01 * allowed)) != []


def test_the_order_of_keys_is_no_difference():
    results = dict(reversed(ENTRY["results"].items()))
    assert keras_programs.differences(ENTRY, results) == []


@pytest.mark.parametrize(
    "results",
    [
        changed("history", "loss", 0, to=np.nan),
        changed("history", "loss", to=[2.0]),
        changed("history", "loss", to=[[2.0, 1.0]]),
        changed("history", "loss", to=[2.0, None]),
        changed("history", "val_loss", to=[2.0, 1.0]),
        changed("history", to={}),
        changed("epochs", 1, to=2),
        changed("layers", 1, to="c"),
        changed("layers", to=["a"]),
        changed("shape", 0, to=3),
    ],
)
def test_a_difference_is_seen(results):
    lines = keras_programs.differences(ENTRY, results)
    assert lines
    assert all("Keras" in line and "tinynet" in line for line in lines)
