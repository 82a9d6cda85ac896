"""How long a model takes to a file and back: the lesson's, trained, with the state of Adam.

    python benchmarks/files.py [FOLDER]

Saving includes flushing the file and its folder to the disk. The medians of 50 runs in one process, and of the first
load and save of ten processes, the import aside.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
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
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=folder) as where:
        for name in ("model.npz", *(["model.keras"] if has_h5py() else [])):
            path = Path(where, name)
            report(path)


def report(path):
    model = lesson()
    model.train_on_batch(np.zeros((32, 28, 28, 1), "float32"), np.zeros(32, int))
    saving, loading = [], []
    for _ in range(50):
        saving.append(seconds(lambda: model.save(path)))
        loading.append(seconds(lambda: tn.models.load_model(path)))
    first = [
        [float(text) for text in subprocess.run(
            [sys.executable, "-c", FIRST, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()]
        for _ in range(10)
    ]
    loads, saves = zip(*first, strict=True)
    print(f"{path.name}, {path.stat().st_size / 1e6:.2f} MB")
    print(f"    save {spread(saving)} ms; the first in a process {spread(saves)} ms")
    print(f"    load {spread(loading)} ms; the first in a process {spread(loads)} ms")


def has_h5py():
    try:
        import h5py  # noqa: F401
    except ImportError:
        return False
    return True


def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def spread(values):
    values = [value * 1e3 for value in values]
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
