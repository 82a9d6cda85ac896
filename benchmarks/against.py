"""Is a training step slower than at another commit? Both versions in one process, in alternation, ratio of medians.

    OPENBLAS_NUM_THREADS=1 python benchmarks/against.py 8c67f7b

The lesson's model and batch size on random images; one measurement is 200 steps of `fit`.
"""

import importlib
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
STEPS, ROUNDS = 200, 60


def other(commit, folder):
    """The package at that commit, under the name tinynet_then: its own imports are relative."""
    archive = subprocess.run(["git", "archive", commit, "tinynet"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder)
    (Path(folder) / "tinynet").rename(Path(folder) / "tinynet_then")
    sys.path.insert(0, folder)
    return importlib.import_module("tinynet_then")


def compiled(tn):
    layers = [tn.layers.Flatten(input_shape=(28, 28)), tn.layers.Dense(128, "relu"), tn.layers.Dense(10, "softmax")]
    model = tn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def main(commit):
    sys.path.insert(0, str(ROOT))
    rng = np.random.default_rng(0)
    x, y = rng.random((32 * STEPS, 28, 28), dtype="float32"), rng.integers(0, 10, 32 * STEPS)
    with tempfile.TemporaryDirectory() as folder:
        models = {commit: compiled(other(commit, folder)), "now": compiled(importlib.import_module("tinynet"))}
        times = {name: [] for name in models}
        for count in range(ROUNDS + 1):
            for name in list(models)[:: 1 if count % 2 else -1]:
                begin = time.perf_counter()
                models[name].fit(x, y, verbose=0)
                times[name].append((time.perf_counter() - begin) / STEPS)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:>10}: {median * 1e6:6.1f} us a step")
    print(f"now / {commit}: {medians['now'] / medians[commit]:.3f}, medians of {ROUNDS} in alternation")


if __name__ == "__main__":
    main(sys.argv[1])
