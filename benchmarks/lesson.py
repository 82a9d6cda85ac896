"""Measures the lesson's job: losses and accuracy over five seeds, time, memory, and the import.

    python benchmarks/lesson.py [--quick]

Every time is a median, in processes of their own where a process is measured. Timings swing when neighbours are busy;
the spread is printed beside them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import quick

import tinynet as tn

LESSON = [0.4921, 0.3652, 0.3341, 0.3111, 0.2911]  # the training loss that the lesson printed, epochs 1 to 5
EXAMPLE = str(Path(__file__).parents[1] / "examples" / "fashion_mnist.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    quick.add_to(parser)
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {os.cpu_count()} cores, {blas()}\n")
    if options.quick:
        print(quick.NOTICE)
    seeds(1 if options.quick else 5, sample=options.quick)
    command(*((1, "--quick") if options.quick else (5,)))
    imports(1 if options.quick else 30)


def seeds(count, sample):
    """Five epochs at batch 32 for so many seeds, timed epoch by epoch."""
    (x, y), (x_test, y_test) = tn.datasets.fashion_mnist.load_data(sample=sample)
    x, x_test = (images.astype("float32") / 255 for images in (x, x_test))
    print("training loss by epoch   1       2       3       4       5      test accuracy")
    print("the lesson printed   " + "  ".join(f"{loss:.4f}" for loss in LESSON) + "      0.8793")
    losses, accuracies, seconds = [], [], []
    for seed in range(count):
        clock = Clock()
        model = tn.Sequential(
            [
                tn.layers.Flatten(input_shape=(28, 28, 1)),
                tn.layers.Dense(128, activation="relu"),
                tn.layers.Dense(10, activation="softmax"),
            ],
            seed=seed,
        )
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        losses.append(model.fit(x, y, epochs=5, verbose=0, callbacks=[clock]).history["loss"])
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
        seconds += clock.seconds
        print(f"seed {seed}               " + "  ".join(f"{loss:.4f}" for loss in losses[-1]), end="")
        print(f"      {accuracies[-1]:.4f}")
    print(f"largest distance from the lesson's loss: {np.abs(np.array(losses) - LESSON).max():.4f}")
    print(f"mean test accuracy: {np.mean(accuracies):.4f}")
    print(f"one epoch: {spread(seconds)} s; a step: {statistics.median(seconds) / -(-len(x) // 32) * 1e6:.0f} us\n")


class Clock(tn.callbacks.Callback):
    """The seconds of each epoch."""

    def __init__(self):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.started)


def command(count, *options):
    """The whole example, from the start of the process to its end; before the first, one brings the data."""
    runs = [process(EXAMPLE, *options) for _ in range(count + 1)][1:]
    print(f"python examples/fashion_mnist.py: {spread([s for s, _ in runs])} s", end="")
    print(f", peak memory {max(memory for _, memory in runs) / 1e6:.0f} MB\n")


def imports(count):
    """What `import tinynet` costs beyond `import numpy`, pair by pair; the first pair does not count."""
    pairs = [(process("-c", "import tinynet")[0], process("-c", "import numpy")[0]) for _ in range(count + 1)][1:]
    differences = [(ours - numpys) * 1e3 for ours, numpys in pairs]
    print(f"import tinynet: {spread(differences)} ms more than import numpy")


def process(*arguments):
    """(seconds, peak memory in bytes) of a Python process."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as installed
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=usual)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def spread(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def blas():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


if __name__ == "__main__":
    main()
