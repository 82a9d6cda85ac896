"""Measures time per step and peak memory as batch, units and layers grow: tinynet beside PyTorch and JAX.

    python benchmarks/scaling.py [--rounds 3] [--threads 1] [--out benchmarks/results]
    python benchmarks/scaling.py --quick      tinynet alone, few settings; writes nothing without --out

From a checkout with benchmarks/requirements.txt installed. The jobs are those of peers.py (PyTorch eager; JAX with a
scan over the steps), on the first images of Fashion-MNIST, and stop after a few short epochs: the first, which compiles
and warms up, does not count, and the time of a step is the median of the others. Every sample is of a process of its
own; the peers take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import quick
from machine import cpu, dropped, versions
from peers import HERE, PEERS, environment, gzipped

BASE = {"batch": 32, "units": 128, "layers": 1}
SERIES = {
    "batch": (1, 8, 32, 128, 512, 4096),
    "units": (10, 32, 128, 512, 2048),
    "layers": (1, 2, 4, 8),
}
NAMES = ("tinynet", "torch", "jax")
IMAGES, EPOCHS = 60_000, 5
WORK = 3e9  # multiplications of an epoch's matrices in the forward pass: some tenths of a second
FLOOR, CEILING = 10, 500  # steps of an epoch


def main():
    options = parse()
    names, series = NAMES, SERIES
    if options.quick:
        print(quick.NOTICE)
        names, series = NAMES[:1], {axis: values[1:3] for axis, values in SERIES.items()}
    found = versions(["numpy", *NAMES[1:]])
    print(f"{cpu()}, {os.cpu_count()} cores, threads {options.threads}; ", end="")
    print(", ".join(f"{name} {version}" for name, version in found.items()) + f"\n{dropped()}", end="", flush=True)
    samples = measured(names, series, options)
    table(samples, names, series)
    if len(names) > 1:
        verdict(samples)
    if options.out is None:
        return
    options.out.mkdir(parents=True, exist_ok=True)
    kept = {"cpu": cpu(), "threads": options.threads, "versions": found, "samples": samples}
    (options.out / "scaling.json").write_text(json.dumps(kept, indent=1))
    from pictures import draw_scaling  # matplotlib, and NumPy with it, once the children have run

    medians = {
        axis: {
            name: [
                [middle(samples, {**BASE, axis: value}, name, what) for value in values] for what in ("step", "memory")
            ]
            for name in names
        }
        for axis, values in series.items()
    }
    draw_scaling(medians, series, options.out / "scaling.png")
    print(f"\n{options.out / 'scaling.json'}, {options.out / 'scaling.png'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="the default is 3")
    parser.add_argument("--threads", type=int, default=1, help="of each process (default: 1)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="by default benchmarks/results; none with --quick")
    quick.add_to(parser)
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    if not options.quick:
        options.out = options.out or HERE / "results"
        quick.need("python -m pip install -r benchmarks/requirements.txt", "torch", "jax")
    if options.out:
        quick.need("python -m pip install -r benchmarks/requirements.txt", "matplotlib")  # for the picture at the end
    return options


def measured(names, series, options):
    """{setting: {name: {"step": [seconds, ...], "memory": [bytes, ...]}}}, a value for each round."""
    settings = [{**BASE, name: value} for name, values in series.items() for value in values]
    unique = list({tuple(setting.items()): setting for setting in settings}.values())
    samples = {key(setting): {name: {"step": [], "memory": []} for name in names} for setting in unique}
    with tempfile.TemporaryDirectory() as data:
        gzipped(data, options.quick)
        for number in range(options.rounds):
            for place, setting in enumerate(unique):
                turn = (number + place) % len(names)
                for name in names[turn:] + names[:turn]:
                    step, memory = run(name, setting, data, options)
                    samples[key(setting)][name]["step"].append(step)
                    samples[key(setting)][name]["memory"].append(memory)
            print(f"round {number + 1} done", flush=True)
    return samples


def key(setting):
    return "batch {batch}, units {units}, layers {layers}".format(**setting)


def steps(setting):
    """Steps of an epoch: enough for a time, few enough that the large ones end; never more than there are images."""
    units, layers = setting["units"], setting["layers"]
    work = setting["batch"] * (784 * units + (layers - 1) * units**2 + 10 * units)
    return min(max(FLOOR, min(CEILING, int(WORK / work))), IMAGES // setting["batch"])


def run(name, setting, data, options):
    """(median seconds of a step, peak memory in bytes) of a process."""
    count, epochs = (10, 2) if options.quick else (steps(setting), EPOCHS)
    command = [sys.executable, str(HERE / "jobs" / PEERS[name][2][0]), "--data", data, "--epochs", str(epochs)]
    command += ["--steps", str(count), *(text for each in setting for text in (f"--{each}", str(setting[each])))]
    command += ["--quick"] if options.quick else []
    done = subprocess.run(command, capture_output=True, text=True, env=environment(options.threads))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    lines = [json.loads(text) for text in done.stdout.splitlines()]
    seconds = [line["seconds"] / count for line in lines if "seconds" in line][1:]
    return statistics.median(seconds), lines[-1]["memory"]


def middle(samples, setting, name, what):
    return statistics.median(samples[key(setting)][name][what])


def table(samples, names, series):
    print(f"\n{'a step, us: median (range)':32}" + "".join(f"{name:>24}" for name in names), end="")
    print("".join(f"{'/ ' + name:>9}" for name in names[1:]) + "   peak memory, MB")
    for axis, values in series.items():
        for value in values:
            setting = {**BASE, axis: value}
            each = [[step * 1e6 for step in samples[key(setting)][name]["step"]] for name in names]
            cells = [f"{statistics.median(some):,.0f} ({min(some):,.0f}-{max(some):,.0f})" for some in each]
            memory = [f"{middle(samples, setting, name, 'memory') / 1e6:6.0f}" for name in names]
            ratios = [f"{ratio(samples, setting, name):9.2f}" for name in names[1:]]
            print(
                f"{key(setting):32}"
                + "".join(f"{cell:>24}" for cell in cells)
                + "".join(ratios)
                + "  "
                + "".join(memory)
            )
        print()


def ratio(samples, setting, name):
    return middle(samples, setting, "tinynet", "step") / middle(samples, setting, name, "step")


def verdict(samples):
    """Whether tinynet keeps within twice JAX's time where the matrices are large."""
    for setting in ({**BASE, "units": 512}, {**BASE, "batch": 512}):
        found = ratio(samples, setting, "jax")
        print(f"{key(setting)}: {found:.2f} times raw JAX, {'worse than 2' if found > 2 else 'not worse than 2'}")


if __name__ == "__main__":
    main()
