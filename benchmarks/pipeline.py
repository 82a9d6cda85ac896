"""Measures what a pipeline costs: time per step beside plain arrays, and the memory of the lesson's program.

    python benchmarks/pipeline.py [--rounds N] [--quick]

The same model is trained for an epoch at a time, in alternation, from arrays in float32, from the lesson's pipeline
(a function called for each image) and from the quick one (called for each batch). The ratios are those of the medians;
timings swing when neighbours are busy, so the spread stands beside them. The memory is that of a process of its own
which loads the data, trains from the lesson's pipeline for an epoch and evaluates.
"""

from __future__ import annotations

import argparse
import functools
import math
import statistics
import sys
import time

import quick
from lesson import blas, process

import tinynet as tn

BATCH = 32
LESSON = """
import math, sys
import tinynet as tn

def normalize(images, labels):
    images = images.astype("float32")
    images /= 255
    return images, labels

sample = "--quick" in sys.argv
dataset, metadata = tn.datasets.load("fashion_mnist", as_supervised=True, with_info=True, sample=sample)
train, test = dataset["train"].map(normalize), dataset["test"].map(normalize)
n, n_test = (metadata.splits[split].num_examples for split in ("train", "test"))
model = tn.Sequential([
    tn.layers.Flatten(input_shape=(28, 28, 1)),
    tn.layers.Dense(128, activation=tn.nn.relu),
    tn.layers.Dense(10, activation=tn.nn.softmax),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train.repeat().shuffle(n).batch(32), epochs=1, steps_per_epoch=math.ceil(n / 32))
model.evaluate(test.batch(32), steps=math.ceil(n_test / 32))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="epochs of each kind (default: 7)")
    quick.add_to(parser)
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.quick else 7)
    if options.quick:
        print(quick.NOTICE)
    print(f"Python {sys.version.split()[0]}, {blas()}; an epoch each of {rounds} rounds, in alternation\n")
    # Memory first: a child's peak counts what its parent held when it began.
    program = ["-c", LESSON, *(["--quick"] if options.quick else [])]
    print(f"peak memory of the lesson's program: {process(*program)[1] / 1e6:.0f} MB")
    print(f"of the import and nothing else:      {process('-c', 'import tinynet')[1] / 1e6:.0f} MB\n")
    steps(options.quick)(rounds)


def normalize(images, labels):
    images = images.astype("float32")
    images /= 255
    return images, labels


def steps(sample):
    """A function that trains from each source in turn and prints the time per step."""
    load = functools.partial(tn.datasets.load, "fashion_mnist", as_supervised=True, sample=sample)
    dataset, metadata = load(with_info=True)
    train, n = dataset["train"], metadata.splits["train"].num_examples
    images, labels = load(split="train", batch_size=-1)
    count = math.ceil(n / BATCH)
    sources = {
        "arrays, float32": {"x": images.astype("float32") / 255, "y": labels},
        "map, repeat, shuffle, batch (the lesson's)": {
            "x": train.map(normalize).repeat().shuffle(n).batch(BATCH), "steps_per_epoch": count
        },
        "shuffle, batch, map": {"x": train.shuffle(n).batch(BATCH).map(normalize)},
    }
    models = {name: model() for name in sources}

    def run(rounds):
        seconds = {name: [] for name in sources}
        for round_ in range(rounds + 1):
            for name, source in sources.items():
                started = time.perf_counter()
                models[name].fit(**source, epochs=1, verbose=0)
                if round_:  # the first one warms up
                    seconds[name].append((time.perf_counter() - started) / count * 1e6)
        plain = statistics.median(next(iter(seconds.values())))
        for name, each in seconds.items():
            median = statistics.median(each)
            print(f"{name:43} {median:4.0f} us a step ({min(each):.0f} to {max(each):.0f})   {median / plain:.2f}")

    return run


def model():
    made = tn.Sequential(
        [
            tn.layers.Flatten(input_shape=(28, 28, 1)),
            tn.layers.Dense(128, activation="relu"),
            tn.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    made.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return made


if __name__ == "__main__":
    main()
