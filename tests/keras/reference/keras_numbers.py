"""Compute tests/keras/reference/keras_numbers.json with real Keras: every case of keras_cases.py.

    python -m pip install keras jax && KERAS_BACKEND=jax python tests/keras/reference/keras_numbers.py

With --check it computes them again and compares, within the cases' bounds, and writes nothing: on another machine, with
another version or another KERAS_BACKEND. Keras on TensorFlow then differs in one case, the cross-entropy of rows that
do not add up to 1, which it clips before it normalises; Keras on NumPy cannot train.
"""

import json
import sys
from pathlib import Path

import numpy as np
from keras_cases import CASES, DRAWN, DRAWN_SHAPE, QUANTILES
from keras_runs import differences, drawn, rounded

FILE = Path(__file__).with_suffix(".json")


def main():
    import keras

    numbers = {"keras": keras.__version__, "backend": keras.backend.backend(), "cases": {}, "drawn": {}}
    for case in CASES:
        keras.utils.clear_session()  # layers are numbered from the start
        numbers["cases"][case.name] = rounded(case.run(keras))
    for name, entry in DRAWN.items():
        weights = drawn(keras, entry.make, DRAWN_SHAPE)
        numbers["drawn"][name] = rounded(
            {
                "quantiles": np.quantile(weights, QUANTILES).tolist(),
                "std": float(weights.std()),
                "largest": float(np.abs(weights).max()),
            }
        )
    FILE.write_text(json.dumps(numbers, separators=(",", ":")).replace('},"', '},\n"') + "\n")


def check():
    import keras

    expected, wrong = json.loads(FILE.read_text())["cases"], 0
    for case in CASES:
        keras.utils.clear_session()
        try:
            lines = differences(case, expected[case.name], rounded(case.run(keras)))
        except Exception as error:
            lines = [f"{type(error).__name__}: {str(error).strip()[:300]}"]
        wrong += bool(lines)
        if lines:
            print("\n    ".join([case.name, *lines]))
    print(f"{wrong} of {len(CASES)} cases differ")


if __name__ == "__main__":
    check() if "--check" in sys.argv else main()
