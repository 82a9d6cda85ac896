"""Compares a training step with that of another commit: both versions in one process, in alternation.

    OPENBLAS_NUM_THREADS=1 python benchmarks/against.py 8c67f7b

The lesson's model and batch size on random images; one measurement is 200 steps of `fit`. Where arrays lie in memory
changes a step by some five percent, one way or the other. So the models are made anew in ten places, in alternating
order, and each place gives a ratio of medians. Prints the medians of each version, and the median of the ratios with
their range. The other version is taken out of git, whatever its modules are called.
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
BATCH, STEPS, ROUNDS, PLACES = 32, 200, 8, 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", help="what to compare with, as git knows it")
    quick.add_to(parser)
    options = parser.parse_args()
    steps, rounds, places = (5, 2, 2) if options.quick else (STEPS, ROUNDS, PLACES)
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        packages = {options.commit: other(options.commit, folder), "now": importlib.import_module("tinynet")}
        if options.quick:
            print(quick.NOTICE)
        medians = in_places(packages, steps, rounds, places)
    for name, values in medians.items():
        print(f"{name:>10}: {statistics.median(values) * 1e6:6.1f} us a step")
    ratios = sorted(now / then for then, now in zip(medians[options.commit], medians["now"], strict=True))
    print(
        f"now / {options.commit}: {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}), of {places} "
        f"places in memory, {rounds} rounds each in alternation"
    )


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


def in_places(packages, steps, rounds, places):
    """{name: [median seconds of a step in each place]}."""
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH * steps, 28, 28), dtype="float32"), rng.integers(0, 10, BATCH * steps)
    medians, gaps = {name: [] for name in packages}, []
    for place in range(places):
        gaps.append(np.empty(int(rng.integers(1_000, 400_000)), "uint8"))  # what is made next lies elsewhere
        names = list(packages)[:: 1 if place % 2 else -1]
        models = {name: compiled(packages[name]) for name in names}
        for name, values in alternate(models, x, y, rounds).items():
            medians[name].append(statistics.median(values) / steps)
    return medians


def alternate(models, x, y, rounds):
    """{name: [seconds of each round]}; the first round warms up and does not count."""
    times = {name: [] for name in models}
    for count in range(rounds + 1):
        for name in list(models)[:: 1 if count % 2 else -1]:
            begin = time.perf_counter()
            models[name].fit(x, y, verbose=0)
            if count:
                times[name].append(time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    main()
