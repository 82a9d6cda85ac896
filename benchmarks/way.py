"""Counts how many files and calls lie between `fit` and its first multiplication, and in a save.

    python benchmarks/way.py            the figures, in a second
    python benchmarks/way.py --show     and each stay on the way of `fit`, as file: function

A stay is an entry into another file: a call of a function of tinynet in another file than the call before it. A reader
who follows the calls one by one opens so many files, each as often as it is opened again. Returns are not stays; a
second figure counts them too, each time that another file of tinynet is the one that runs.

The way begins with the call of `model.fit(x, y, verbose=0)` and ends with the first call of Dense.forward, whose first
line is the first multiplication of the first batch. The model is the lesson's: Flatten, Dense of 128 with ReLU, Dense
of 10 with softmax, Adam, accuracy; it is compiled. Another model has trained before, so that imports and what is kept
between calls are not counted. `--until Step.train` ends the way earlier, where the first batch has been cut.

What is written is the same model, trained, by `model.save("m.npz")`; another was written before.

Calls are those that sys.setprofile reports for functions of tinynet: comprehensions are among them before Python 3.12,
and so is each item that a generator gives. Only public names are used, so any commit can be measured:

    PYTHONPATH=/path/to/other/checkout python benchmarks/way.py
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import tinynet as tn

PACKAGE = Path(tn.__file__).resolve().parent
FOLDER = str(PACKAGE) + os.sep
STATE = ("formats/state.py", "saving.py")  # where a model becomes plain values: the name now, and an older one


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="store_true", help="print each stay, and how often saving enters each file")
    parser.add_argument("--until", default="Dense.forward", metavar="FUNCTION", help="default: Dense.forward")
    options = parser.parse_args()
    calls, changes = way_of_fit(options.until)
    entered = stays(calls)
    if options.show:
        print(*(f"{number:4}  {file}: {function}" for number, (file, function) in enumerate(entered, 1)), sep="\n")
        print()
    files = len({file for file, _ in entered})
    print(f"from fit to {options.until}: {len(entered)} stays in {files} files, {len(calls)} calls; ", end="")
    print(f"the file changes {changes} times, returns counted too")
    calls, _ = way_of_save()
    entered = collections.Counter(file for file, _ in stays(calls))
    print(f"model.save: {entered.total()} stays in {len(entered)} files, {len(calls)} calls; ", end="")
    times = sum(entered[file] for file in STATE)
    print(f"{next((file for file in STATE if entered[file]), STATE[0])} is entered {times} times")
    if options.show:
        within = collections.Counter(file for file, _ in calls)
        print(f"\n{'model.save':32}{'entered':>9}{'calls':>8}")
        print(*(f"{file:32}{times:9}{within[file]:8}" for file, times in entered.most_common()), sep="\n")


def way_of_fit(until="Dense.forward"):
    """What `traced` gives for a fit, up to the first call of that function, which is the last of the calls."""
    model, x, y = lesson()
    model.fit(x, y, verbose=0)
    model, x, y = lesson()
    calls, changes = traced(lambda: model.fit(x, y, verbose=0), until)
    if not calls or calls[-1][1] != until:
        raise SystemExit(f"A fit does not call {until}.")
    return calls, changes


def way_of_save():
    """What `traced` gives for `model.save` of a trained model."""
    model, x, y = lesson()
    model.fit(x, y, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "m.npz")
        model.save(path)
        return traced(lambda: model.save(path))


def lesson():
    """The lesson's model, compiled, and two batches for it."""
    layers = [tn.layers.Flatten(input_shape=(28, 28)), tn.layers.Dense(128, activation="relu")]
    model = tn.Sequential([*layers, tn.layers.Dense(10, activation="softmax")], seed=0)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    return model, rng.random((64, 28, 28), dtype="float32"), rng.integers(0, 10, 64)


def traced(action, until=None):
    """The calls of functions of tinynet, and how often its running file changes.

    Returns:
        ([(file, function) of each call], number of changes). Files are relative to the package.
    """
    calls, running, changes, last = [], [], 0, None

    def profile(frame, event, argument):
        nonlocal changes, last
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(FOLDER):
            return
        file = code.co_filename[len(FOLDER) :].replace(os.sep, "/")
        if event == "call":
            calls.append((file, name_of(frame)))
            running.append(file)
        elif running:
            running.pop()
        if running and running[-1] != last:
            last, changes = running[-1], changes + 1
        if event == "call" and calls[-1][1] == until:
            sys.setprofile(None)

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls, changes


def name_of(frame):
    """The function's name with its class: Dense.forward."""
    code, owner = frame.f_code, frame.f_locals.get("self")
    short = code.co_name if owner is None else f"{type(owner).__name__}.{code.co_name}"
    return getattr(code, "co_qualname", short)  # Python 3.10 does not know it


def stays(calls):
    """The calls that enter another file than the call before them."""
    return [call for before, call in zip([(None, None), *calls], calls, strict=False) if call[0] != before[0]]


if __name__ == "__main__":
    main()
