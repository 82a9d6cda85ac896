"""Compares a training step with that of another commit: both versions in one process, in alternation.

    OPENBLAS_NUM_THREADS=1 python benchmarks/against.py 8c67f7b

The lesson's model and batch size on random images; one measurement is 200 steps of `fit`. Prints the median of each
version, and their ratio. The other version is taken out of git, whatever its modules are called.
"""

import argparse
import importlib
import io
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import quick

ROOT = Path(__file__).resolve().parents[1]
BATCH, STEPS, ROUNDS = 32, 200, 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="what to compare with, as git knows it")
    quick.add_to(parser)
    options = parser.parse_args()
    steps, rounds = (5, 2) if options.quick else (STEPS, ROUNDS)
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        packages = {options.commit: other(options.commit, folder), "now": importlib.import_module("tinynet")}
        if options.quick:
            print(quick.NOTICE)
        times = alternate({name: compiled(package) for name, package in packages.items()}, steps, rounds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:>10}: {median * 1e6:6.1f} us a step")
    ratio = medians["now"] / medians[options.commit]
    print(f"now / {options.commit}: {ratio:.3f}, medians of {rounds} in alternation")


def other(commit, folder):
    """The package at that commit, under the name tinynet_then: its own imports are relative."""
    if shutil.which("git") is None:
        quick.absent("git is not installed")
    done = subprocess.run(["git", "archive", commit, "tinynet"], cwd=ROOT, capture_output=True)
    if done.returncode:
        quick.absent(f"git has no tinynet of {commit}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (Path(folder) / "tinynet").rename(Path(folder) / "tinynet_then")
    sys.path.insert(0, folder)
    return importlib.import_module("tinynet_then")


def compiled(tn):
    layers = [tn.layers.Flatten(input_shape=(28, 28)), tn.layers.Dense(128, "relu"), tn.layers.Dense(10, "softmax")]
    model = tn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def alternate(models, steps, rounds):
    """{name: [seconds of a step in each round]}; the first round warms up and does not count."""
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH * steps, 28, 28), dtype="float32"), rng.integers(0, 10, BATCH * steps)
    times = {name: [] for name in models}
    for count in range(rounds + 1):
        for name in list(models)[:: 1 if count % 2 else -1]:
            begin = time.perf_counter()
            models[name].fit(x, y, verbose=0)
            if count:
                times[name].append((time.perf_counter() - begin) / steps)
    return times


if __name__ == "__main__":
    main()
