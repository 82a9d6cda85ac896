"""What tinynet computes and what Keras computed, case by case.

The list is reference/keras_cases.py, and Keras's numbers come from reference/keras_numbers.py (Keras on JAX).
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import keras_cases
import keras_runs
import numpy as np
import pytest

import tinynet as tn

REFERENCE = Path(__file__).parent / "reference"
NUMBERS = json.loads((REFERENCE / "keras_numbers.json").read_text())


@pytest.mark.parametrize("case", keras_cases.CASES, ids=lambda case: case.name)
def test_keras_computes_the_same(case):
    got = keras_runs.rounded(case.run(tn))
    lines = keras_runs.differences(case, NUMBERS["cases"][case.name], got)
    assert not lines, "\n".join([f"{case.name}:", *lines[:20]])


@pytest.mark.parametrize("name", keras_cases.DRAWN)
def test_keras_draws_from_the_same_distribution(name):
    """60,000 numbers of each. Both have their own errors, so that a difference has sqrt(2) times one's; five standard
    errors are allowed."""
    make, ends = keras_cases.DRAWN[name]
    weights, expected = keras_runs.drawn(tn, make, keras_cases.DRAWN_SHAPE).ravel(), NUMBERS["drawn"][name]
    n = weights.size
    # The share below Keras's p-quantile: a share has the variance p (1 - p) / n.
    for p, quantile in zip(keras_cases.QUANTILES, expected["quantiles"], strict=True):
        assert abs((weights < quantile).mean() - p) < 5 * math.sqrt(2 * p * (1 - p) / n), f"at {quantile}"
    # A standard deviation s has the variance s^2 (kurtosis - 1) / (4 n), and no kurtosis here is above 3.
    assert abs(weights.std() - expected["std"]) < 5 * expected["std"] / math.sqrt(n)
    # That the largest of n falls short of the end by the share s has a probability of (1 - density s)^n: e^-15 here.
    if ends is not None:
        assert abs(np.abs(weights).max() / expected["largest"] - 1) < 15 / (ends * n)


def test_the_numbers_are_those_of_the_cases():
    names = [case.name for case in keras_cases.CASES]
    assert len(set(names)) == len(names)
    assert list(NUMBERS["cases"]) == names
    assert list(NUMBERS["drawn"]) == list(keras_cases.DRAWN)
    assert NUMBERS["backend"] == "jax"


def test_keras_is_not_imported():
    code = "import sys, keras_cases, tinynet; assert not {'keras', 'jax', 'tensorflow'} & set(sys.modules)"
    paths = [str(REFERENCE), str(Path(tn.__file__).parents[1])]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"], check=True)


def test_differences_finds_what_differs():
    case = keras_runs.Case("", None, units=4, scale=0.5)
    unit = 2.0**-23
    assert keras_runs.differences(case, {"a": [1.0, 0.0]}, {"a": [1 + 4 * unit, -2 * unit]}) == []
    assert len(keras_runs.differences(case, [1.0, 0.0], [1 + 5 * unit, 3 * unit])) == 2
    assert keras_runs.differences(case, {"a": 1, "b": 2}, {"b": 3, "c": 1}) == [
        "the result: 'a' is missing",
        "the result: 'c' is not in Keras's",
        "['b']: Keras has\n2\ngot\n3",
    ]
    assert len(keras_runs.differences(case, [[1.0]], [[1.0, 1.0]])) == 1
    assert len(keras_runs.differences(case, [1.0], 1.0)) == 1
    assert keras_runs.differences(case, [math.nan, math.inf], [math.nan, math.inf]) == []
    assert len(keras_runs.differences(case, [math.nan, math.inf, 1.0], [1.0, -math.inf, math.nan])) == 3
