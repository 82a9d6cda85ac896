"""Gives the jobs their options, the data, and lines of JSON to report by. It imports nothing heavy."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

RATE, BETA_1, BETA_2, EPSILON = 0.001, 0.9, 0.999, 1e-7  # Adam, as the lesson has it
PREDICTED = 1000  # images at once where many are predicted or tested: quicker than the 32 that Keras takes


def parse(**more):
    """The options; `more` are choices of the job's own, the first of each being the default."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--data", required=True, metavar="FOLDER", help="with Fashion-MNIST's four .gz files")
    parser.add_argument("--units", type=int, default=128, help="of each hidden layer (default: 128)")
    parser.add_argument("--layers", type=int, default=1, help="hidden layers (default: 1)")
    parser.add_argument("--batch", type=int, default=32, help="images in a step (default: 32)")
    parser.add_argument("--epochs", type=int, default=5, help="the default is 5")
    parser.add_argument("--steps", type=int, help="train on this many batches an epoch, test nothing")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="the files are the sample's; few calls are timed")
    parser.add_argument("--cache", metavar="FOLDER", help="of compiled code, where the peer keeps any")
    for name, choices in more.items():
        parser.add_argument(f"--{name}", choices=choices, default=choices[0])
    options = parser.parse_args()
    options.sizes = [784, *[options.units] * options.layers, 10]
    return options


def pin():
    """Keep XLA to one thread where one is asked for: its flags leave it a pool of as many as there are processors.

    Where work as small as this is handed to and fro, a step takes 0.7 to 1.5 times as long, by chance.
    """
    if os.environ.get("OMP_NUM_THREADS") == "1" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])


def load(options):
    """(images, labels), (test images, test labels) as uint8, the images of shape (n, 784)."""
    import numpy as np

    def read(name, header):
        with gzip.open(Path(options.data) / f"{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    train, test = (
        (read(f"{split}-images-idx3", 16).reshape(-1, 784), read(f"{split}-labels-idx1", 8))
        for split in ("train", "t10k")
    )
    return limit(train, options), test


def limit(arrays, options):
    """As many samples as --steps asks for, or all."""
    count = options.steps * options.batch if options.steps else None
    return tuple(array[:count] for array in arrays)


def pieces(images):
    """The images by `PREDICTED`."""
    return (images[start : start + PREDICTED] for start in range(0, len(images), PREDICTED))


def glorot(options):
    """(kernel, bias) of each layer: Glorot's uniform distribution and zeros."""
    import numpy as np

    rng = np.random.default_rng(options.seed)
    for inputs, outputs in zip(options.sizes, options.sizes[1:], strict=False):
        bound = (6 / (inputs + outputs)) ** 0.5
        yield rng.uniform(-bound, bound, (inputs, outputs)).astype("float32"), np.zeros(outputs, "float32")


class Report:
    """Prints what was reached, as it is reached; the driver stamps the line with the test accuracy."""

    def __init__(self, options):
        self.options = options
        self.last = time.perf_counter()

    def epoch(self, loss, accuracy):
        """At the end of an epoch; its seconds count from the end of the one before."""
        now = time.perf_counter()
        line(loss=float(loss), accuracy=None if accuracy is None else float(accuracy), seconds=now - self.last)
        self.last = now

    def trained(self, evaluate, one, many, lean=None):
        """Test the model by evaluate(), then time the functions that predict one image and 10,000."""
        if self.options.steps:
            return line(memory=peak())
        accuracy = float(evaluate())
        line(test_accuracy=accuracy, memory=peak())
        calls = 10 if self.options.quick else 500
        line(one=latency(one, calls), many=latency(many, calls), lean=lean and latency(lean, calls))


def line(**values):
    print(json.dumps(values), flush=True)


def peak():
    """The most memory that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def latency(function, calls, seconds=1.0):
    """The median time of a call, of many: as many as fit into `seconds`, from 10 up to `calls`."""
    times = []
    for _ in range(3):
        function()
    began = time.perf_counter()
    while len(times) < 10 or (len(times) < calls and time.perf_counter() - began < seconds):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
