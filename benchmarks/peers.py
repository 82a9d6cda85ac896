"""Measures the lesson's job in tinynet and in JAX, Keras, PyTorch and scikit-learn: time, memory and size.

    python -m venv peers && peers/bin/python -m pip install -r benchmarks/requirements.txt -e . && \\
        peers/bin/python benchmarks/peers.py

    python benchmarks/peers.py [--rounds 5] [--only tinynet,jax] [--out benchmarks/results]
    python benchmarks/peers.py --quick      tinynet alone; writes nothing without --out

784-128-10, Adam, batch 32, five epochs of Fashion-MNIST, then the accuracy on the test images; each peer as one who
knows it would write that (benchmarks/jobs). Each runs in a process of its own, in alternation, in an order that moves
on with every round, with one thread or two, as is quicker for it. A row "cold" begins with an empty cache of compiled
code, a row "warm" with one that an earlier run has filled. Peers that are not installed are named and left out.
The figures are written into the folder of --out, by default benchmarks/results, together with a picture of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import quick
from machine import cpu, dropped, size, usual, versions

HERE = Path(__file__).parent
PEERS = {  # name: distribution, what is imported, job with its options
    "tinynet": ("tinynet-nn", "import tinynet", ["tinynet_job.py"]),
    "jax": ("jax", "import jax, jax.numpy", ["jax_job.py"]),
    "keras-jax": ("keras jax", "import keras", ["keras_job.py", "--backend", "jax"]),
    "keras-tf": ("keras tensorflow-cpu", "import keras", ["keras_job.py", "--backend", "tensorflow"]),
    "torch": ("torch", "import torch", ["torch_job.py"]),
    "torch-compile": ("torch", "import torch", ["torch_job.py", "--mode", "compile"]),
    "sklearn": ("scikit-learn", "from sklearn.neural_network import MLPClassifier", ["sklearn_job.py"]),
}
CACHED = ("jax", "keras-jax", "torch-compile")  # those that keep compiled code: two rows each
COLUMNS = {  # key: heading, unit, factor
    "job": ("whole job", "s", 1),
    "step": ("step", "us", 1e6),
    "one": ("predict 1", "us", 1e6),
    "many": ("predict 10,000", "ms", 1e3),
    "import": ("import", "s", 1),
    "memory": ("peak memory", "MB", 1e-6),
    "size": ("installed", "MB", 1e-6),
}
TARGETS = (  # what, column, peers of which the best row counts (none: any), bound of tinynet / that row
    ("whole job / quickest peer, cold caches", "job", (), 0.75),
    ("whole job / quickest peer, warm caches too", "job", (), 0.75),
    ("whole job / Keras on JAX, cold caches", "job", ("keras-jax",), 0.42),
    ("whole job / Keras on JAX, warm caches too", "job", ("keras-jax",), 0.42),
    ("whole job / PyTorch, eager or compiled", "job", ("torch", "torch-compile"), 0.35),
    ("whole job / Keras on TensorFlow", "job", ("keras-tf",), 0.12),
    ("step / Keras on JAX", "step", ("keras-jax",), 0.8),
    ("step / PyTorch, eager or compiled", "step", ("torch", "torch-compile"), 0.55),
    ("step / raw JAX", "step", ("jax",), 2.0),
    ("predict of one image / Keras on JAX", "one", ("keras-jax",), 0.05),
    ("peak memory / leanest peer", "memory", (), 0.5),
)
SLOW = 4  # seconds of a job of which one run has to do to choose the number of threads
DISTRIBUTIONS = ["numpy", *dict.fromkeys(name for peer in PEERS.values() for name in peer[0].split())]


class Data(NamedTuple):
    """A folder with the four files, and what the jobs are to know of it."""

    folder: str
    steps: int = 1875  # of an epoch
    options: tuple[str, ...] = ()


def main():
    options = parse()
    if options.quick:
        print(quick.NOTICE)
    names = [name for name in options.only if installed(name)]
    if "tinynet" not in names:
        raise SystemExit("tinynet is not installed here: python -m pip install -e .")
    print(f"Python {platform.python_version()}, {cpu()}, {os.cpu_count()} cores")
    print(", ".join(f"{name} {version}" for name, version in versions(DISTRIBUTIONS).items()))
    print(dropped(), end="")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as caches:
        caches = Path(caches)
        gzipped(folder, options.quick)
        data = Data(folder, 63, ("--quick", "--epochs", "2")) if options.quick else Data(folder)
        rows, expected = calibrate(names, data, caches, (options.threads,) if options.threads else (1, 2))
        print(f"\n{options.rounds} rounds, about {expected * options.rounds / 60:.1f} minutes")
        samples = rounds(rows, options.rounds, data, caches)
    for name in names:
        for row in (row for row in rows if rows[row]["name"] == name):
            samples[row]["size"] = [size(PEERS[name][0].split())]
    marks = {row: incomparable(samples[row]) for row in rows}
    table(samples, marks)
    reached = targets(samples, rows, marks)
    if options.out is None:
        return
    options.out.mkdir(parents=True, exist_ok=True)
    found = {"machine": {"cpu": cpu(), "cores": os.cpu_count(), "python": platform.python_version()}}
    found |= {"versions": versions(DISTRIBUTIONS), "rows": rows, "samples": samples}
    found |= {"not comparable": marks, "targets": reached}
    (options.out / "peers.json").write_text(json.dumps(found, indent=1))
    from pictures import draw_peers  # matplotlib, and NumPy with it, once the children have run

    draw_peers(samples, COLUMNS, options.out / "peers.png")
    print(f"\n{options.out / 'peers.json'}, {options.out / 'peers.png'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, help="the default is 5")
    parser.add_argument("--only", default=",".join(PEERS), help=f"of {','.join(PEERS)}; tinynet always runs")
    parser.add_argument("--threads", type=int, choices=(1, 2), help="of all; by default what is quicker for each")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="by default benchmarks/results; none with --quick")
    quick.add_to(parser)
    options = parser.parse_args()
    if options.quick:
        options.only, options.threads = "tinynet", options.threads or 1
    else:
        options.out = options.out or HERE / "results"
    if options.out:
        quick.need("python -m pip install -r benchmarks/requirements.txt", "matplotlib")  # for the picture at the end
    options.rounds = options.rounds or (1 if options.quick else 5)
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(PEERS):
        parser.error(f"no peer is called {', '.join(unknown)}")
    options.only = [name for name in PEERS if name in chosen or name == "tinynet"]
    return options


def installed(name):
    """Whether the distributions of this peer are there; else it is named."""
    imports = {"tinynet-nn": "tinynet", "tensorflow-cpu": "tensorflow", "scikit-learn": "sklearn"}
    missing = []
    for distribution in PEERS[name][0].split():
        module = imports.get(distribution, distribution)
        found = subprocess.run(
            [sys.executable, "-c", f"import importlib.util as u; u.find_spec('{module}').name"],
            capture_output=True,
            env=environment(),
        )
        if found.returncode:
            missing.append(distribution)
    if missing:
        print(f"{name} is left out: {', '.join(missing)} is not installed")
    return not missing


def gzipped(folder, sample=False):
    """Let a child write the data's four files into the folder, gzipped: the same for all, whatever a cache holds."""
    code = (
        "import gzip, sys; from pathlib import Path; from tinynet.datasets import fashion_mnist, idx; "
        "(a, b), (c, d) = fashion_mnist.load_data(sample=sys.argv[2:] == ['sample']); "
        "[(Path(sys.argv[1]) / f'{name}.gz').write_bytes(gzip.compress(idx.encode(array), 6)) "
        "for name, array in zip(fashion_mnist.FILES, (a, b, c, d))]"
    )
    command = [sys.executable, "-c", code, folder, *(["sample"] if sample else [])]
    if subprocess.run(command, env=environment()).returncode:
        raise SystemExit("The data cannot be had; see above.")
    return folder


def environment(threads=None):
    """That of a child, in which so many threads compute."""
    given = usual()
    if threads:
        given |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    if threads == 1:
        given["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return given


def run(name, data, threads, cache, seed=0):
    """One job in a process of its own: what it measured, and the seconds to its test accuracy."""
    command = [sys.executable, str(HERE / "jobs" / PEERS[name][2][0]), *PEERS[name][2][1:]]
    command += ["--data", data.folder, *data.options]
    command += ["--seed", str(seed), *(["--cache", str(cache)] if name in CACHED else [])]
    found, epochs = {}, []
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment(threads)) as child:
            for text in child.stdout:
                line = json.loads(text)
                if "test_accuracy" in line:
                    line["job"] = time.perf_counter() - started
                if "loss" in line:
                    epochs.append(line)
                else:
                    found |= line
        if child.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read().decode()}")
    later = [epoch["seconds"] for epoch in epochs[1:]]
    return {**found, "step": statistics.median(later) / data.steps, "first_loss": epochs[0]["loss"], "epochs": epochs}


def calibrate(names, data, caches, numbers):
    """The rows, each with the number of threads that is quicker for it, and the seconds that a round takes.

    Medians of three runs with each number of threads, in alternation; one run where the job is slow or one number takes
    more than twice the time of the other.
    """
    print(f"\nthreads: whole job with {' and with '.join(map(str, numbers))}, s")
    rows, expected = {}, 0
    for name in names:
        for temperature in ("cold", "warm") if name in CACHED else ("",):
            row = f"{name} {temperature}".strip()
            rows[row] = {"name": name, "cold": temperature == "cold", "warm": temperature == "warm"}
            seconds, whole = {threads: [] for threads in numbers}, []
            for _ in range(3 if len(numbers) > 1 else 1):
                for threads in numbers:
                    started = time.perf_counter()
                    seconds[threads].append(run(name, data, threads, cache(rows[row], threads, caches))["job"])
                    whole.append(time.perf_counter() - started)
                first = sorted(each[0] for each in seconds.values())
                if first[0] >= SLOW or first[-1] > 2 * first[0]:
                    break
            medians = {threads: statistics.median(each) for threads, each in seconds.items()}
            rows[row]["threads"] = min(medians, key=medians.get)
            expected += min(whole) + 0.5
            tried = "".join(f"{median:7.2f}" for median in medians.values())
            print(f"    {row:20}{tried}   -> {rows[row]['threads']}", flush=True)
    return rows, expected


def cache(row, threads, caches):
    """The folder of compiled code for a run of this row: emptied where it is to be cold."""
    folder = caches / f"{row['name']}{threads}"
    if row["cold"]:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def rounds(rows, count, data, caches):
    """Samples of each row: {column: [value of each round]}."""
    samples = {row: {} for row in rows}
    for number in range(count):
        order = list(rows)[number % len(rows) :] + list(rows)[: number % len(rows)]
        for row in order:
            name, threads = rows[row]["name"], rows[row]["threads"]
            found = run(name, data, threads, cache(rows[row], threads, caches), seed=number)
            found["import"] = importing(name)
            for column, value in found.items():
                samples[row].setdefault(column, []).append(value)
        print(f"    round {number + 1} done", flush=True)
    return samples


def importing(name):
    """Seconds that the import takes beyond those of a bare interpreter: the median of three pairs."""
    backend = {"keras-jax": "jax", "keras-tf": "tensorflow"}.get(name, "jax")
    given = {**environment(), "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    differences = []
    for _ in range(3):
        seconds = []
        for code in (PEERS[name][1], "pass"):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL, env=given)
            seconds.append(time.perf_counter() - started)
        differences.append(seconds[0] - seconds[1])
    return statistics.median(differences)


def incomparable(samples):
    """Why these samples are of another job, or an empty string."""
    if not all(0.84 <= accuracy <= 0.90 for accuracy in samples["test_accuracy"]):
        return f"test accuracy {spread(samples['test_accuracy'])}"
    if not all(0.45 <= loss <= 0.56 for loss in samples["first_loss"]):
        return f"first loss {spread(samples['first_loss'])}"
    return ""


def spread(values, factor=1.0):
    low, middle, high = (f"{value * factor:.3g}" for value in (min(values), statistics.median(values), max(values)))
    low, middle, high = (f"{float(text):,.0f}" if "e" in text else text for text in (low, middle, high))
    return middle if low == high else f"{middle} ({low}-{high})"


def table(samples, marks):
    """Medians with their ranges, then tinynet's beside each peer's."""
    heads = [f"{heading}, {unit}" for heading, unit, _ in COLUMNS.values()]
    print("\nmedian (range)".ljust(21) + "".join(f"{head:>23}" for head in heads))
    for row, each in samples.items():
        cells = [spread(each[column], factor) for column, (_, _, factor) in COLUMNS.items()]
        note = f"   not comparable: {marks[row]}" if marks[row] else ""
        print(f"{row:20}" + "".join(f"{cell:>23}" for cell in cells) + note)
    if len(samples) == 1:
        return
    print("\ntinynet / peer".ljust(21) + "".join(f"{heading:>16}" for heading, _, _ in COLUMNS.values()))
    for row in list(samples)[1:]:
        ratios = [middle(samples, "tinynet", column) / middle(samples, row, column) for column in COLUMNS]
        print(f"{row:20}" + "".join(f"{ratio:16.3f}" for ratio in ratios))


def middle(samples, row, column):
    return statistics.median(samples[row][column])


def targets(samples, rows, marks):
    """Print what was aimed at, and what is reached; return the same."""
    print(f"\n{'target: tinynet / best row':44} {'row':20} ratio  bound  reached")
    reached = []
    for what, column, peers, bound in TARGETS:
        chosen = [row for row in list(rows)[1:] if not peers or rows[row]["name"] in peers]
        known = [row for row in chosen if not marks[row] and not ("cold" in what and rows[row]["warm"])]
        if not known:
            print(f"{what:44} not measured")
            continue
        row = min(known, key=lambda row: middle(samples, row, column))
        ratio = middle(samples, "tinynet", column) / middle(samples, row, column)
        print(f"{what:44} {row:20} {ratio:5.3f}  {bound:5}  {'yes' if ratio <= bound else 'no'}")
        reached.append({"target": what, "row": row, "ratio": ratio, "bound": bound, "reached": ratio <= bound})
    return reached


if __name__ == "__main__":
    main()
