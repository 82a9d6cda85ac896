"""Times saving and loading a model: the lesson's, trained, with the state of Adam.

    python benchmarks/files.py [FOLDER] [--quick]

The file is written in FOLDER, by default the one for temporary files. Saving includes flushing the file and its folder
to the disk. Prints the medians of 50 runs in one process, and of the first load and save of ten processes, the import
aside. A .keras file is timed too where h5py is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quick
from pipeline import model as lesson

import tinynet as tn

FIRST = """
import sys, time
import tinynet as tn
started = time.perf_counter()
model = tn.models.load_model(sys.argv[1])
loaded = time.perf_counter()
model.save(sys.argv[1])
print(loaded - started, time.perf_counter() - loaded)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="where the file is written")
    quick.add_to(parser)
    options = parser.parse_args()
    if options.quick:
        print(quick.NOTICE)
    runs, processes = (2, 1) if options.quick else (50, 10)
    with tempfile.TemporaryDirectory(dir=options.folder) as where:
        for name in ("model.npz", *(["model.keras"] if importlib.util.find_spec("h5py") else [])):
            report(Path(where, name), runs, processes)


def report(path, runs, processes):
    model = lesson()
    model.train_on_batch(np.zeros((32, 28, 28, 1), "float32"), np.zeros(32, int))
    saving, loading = [], []
    for _ in range(runs):
        saving.append(seconds(lambda: model.save(path)))
        loading.append(seconds(lambda: tn.models.load_model(path)))
    first = [
        [float(text) for text in subprocess.run(
            [sys.executable, "-c", FIRST, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()]
        for _ in range(processes)
    ]
    loads, saves = zip(*first, strict=True)
    print(f"{path.name}, {path.stat().st_size / 1e6:.2f} MB")
    print(f"    save {spread(saving)} ms; the first in a process {spread(saves)} ms")
    print(f"    load {spread(loading)} ms; the first in a process {spread(loads)} ms")


def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def spread(values):
    values = [value * 1e3 for value in values]
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
