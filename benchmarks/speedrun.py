"""Runs examples/speedrun.py with 20 seeds: mean accuracy, and the time from before a process starts to its exit.

    python benchmarks/speedrun.py
    python benchmarks/speedrun.py --jax /path/to/python      beside the same recipes in JAX, run by that interpreter
    python benchmarks/speedrun.py --targets 0.89 --seeds 10-19
    python benchmarks/speedrun.py --quick

Each run is a process of its own. With --jax each seed is run by tinynet, by JAX with an empty compilation cache and by
JAX with a cache that an earlier run has filled, one after the other; the files are read from the folder in
TINYNET_DATA. The standard error is that of the mean over the seeds, for this one test set: another set of 10,000 images
would give a mean that differs by about 0.003.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import quick
from lesson import blas, spread
from machine import dropped, usual

ROOT = Path(__file__).resolve().parents[1]
OURS, THEIRS = ROOT / "examples" / "speedrun.py", ROOT / "benchmarks" / "jobs" / "speedrun_jax.py"


def main():
    options = parse()
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {os.cpu_count()} cores, {blas()}")
    if options.jax:
        code = "import jax, numpy, sys; print(f'Python {sys.version.split()[0]}, JAX', jax.__version__, end=', NumPy ')"
        code += "; print(numpy.__version__)"
        print(subprocess.run([options.jax, "-c", code], check=True, capture_output=True, text=True).stdout.strip())
    print(dropped(), end="")
    if options.quick:
        print(quick.NOTICE)
    first, last = options.seeds
    print(f"seeds {first} to {last}; seconds are medians (smallest to largest)")
    with tempfile.TemporaryDirectory() as folder:
        for target in options.targets:
            measure(target, range(first, last + 1), options.jax, Path(folder), options.quick)


def measure(target, seeds, jax, folder, sample):
    """A table for one target: a line for each program."""
    ours = [sys.executable, OURS, "--target", target, *(["--sample"] if sample else [])]
    programs = {"tinynet": lambda seed: ours}
    if jax:
        example = runpy.run_path(str(OURS))
        recipe = {"components": example["COMPONENTS"], **example["RECIPES"][target]}
        command = [jax, THEIRS, os.environ["TINYNET_DATA"]]
        command += [part for name, value in recipe.items() for part in (f"--{name}", value)]
        programs["JAX, cold cache"] = lambda seed: [*command, "--cache", folder / f"{target} {seed}"]
        programs["JAX, warm cache"] = lambda seed: [*command, "--cache", folder / "warm"]
    results = {name: [] for name in programs}
    for number, seed in enumerate([seeds[0], *seeds]):
        for name, of_seed in programs.items():
            if number == 0 and "cold" in name:
                continue
            result = run([*of_seed(seed), "--seed", seed])
            if number:  # the first run fills the caches
                results[name].append(result)
    print(f"\ntarget {target}      mean accuracy   deviation   standard error   seconds")
    usually = statistics.median(seconds for _, seconds in results["tinynet"])
    for name, runs in results.items():
        accuracies, seconds = zip(*runs, strict=True)
        deviation = statistics.stdev(accuracies) if len(runs) > 1 else math.nan
        print(f"{name:18}{statistics.mean(accuracies):10.4f}{deviation:15.4f}", end="")
        print(f"{deviation / math.sqrt(len(runs)):14.4f}        {spread(seconds)}", end="")
        print(f"   {statistics.median(seconds) / usually:.2f} times" if name != "tinynet" else "")


def run(command):
    """(test accuracy, seconds from before the start to the exit) of a process."""
    command = [str(part) for part in command]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=usual())
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return float(re.search(r"Test accuracy: ([\d.]+\d)", done.stdout)[1]), seconds


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=float, nargs="+", help="default: 0.88 0.89")
    parser.add_argument("--seeds", type=pair, help="from the first to the last (default: 0-19)")
    parser.add_argument("--jax", metavar="PYTHON", help="an interpreter that has JAX")
    quick.add_to(parser)
    options = parser.parse_args()
    options.targets = options.targets or ([0.88] if options.quick else [0.88, 0.89])
    options.seeds = options.seeds or ((0, 1) if options.quick else (0, 19))
    if options.quick and options.jax:
        parser.error("--quick measures tinynet alone")
    data = Path(os.environ.get("TINYNET_DATA", ""))
    if options.jax and (not list(data.glob("*-ubyte.gz")) or list(data.glob("*-ubyte"))):
        parser.error("--jax needs a folder of the four .gz files, and of no decompressed ones, in TINYNET_DATA")
    if options.jax and subprocess.run([options.jax, "-c", "import jax"], capture_output=True).returncode:
        parser.error(f"{options.jax} has no JAX")
    return options


def pair(text):
    first, _, last = text.partition("-")
    first, last = int(first), int(last or first)
    if not 0 <= first <= last:
        raise ValueError(text)
    return first, last


pair.__name__ = "FIRST-LAST"  # argparse shows it


if __name__ == "__main__":
    main()
