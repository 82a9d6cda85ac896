"""A training step on an NVIDIA GPU: tinynet on CuPy beside PyTorch, eager and with CUDA graphs, and JAX with a scan.

    python -m pip install -r benchmarks/requirements-gpu.txt && python benchmarks/gpu.py      for a driver of CUDA 12:
                             requirements-gpu-cuda12.txt, PyTorch before it

    python benchmarks/gpu.py [--minutes 9] [--rounds 5] [--json FILE]
    python benchmarks/gpu.py --rehearse      the same code on the CPU, tiny: no figure of it means anything

784 - units - 10, relu, cross-entropy from logits, Adam, on 60,000 random uint8 images of Fashion-MNIST's shape, which
lie on the device before the clock starts; every variant gathers and scales its batches there, in a new random order
each epoch, reports mean loss and accuracy, and takes whole batches only. tinynet's epoch is a call of `fit`, as its
users make it; the others are as one who knows them would write them (benchmarks/jobs/gpu_*.py). TF32 is off.

A variant is timed only if 50 steps from the same weights on the same batches come within 1e-4 of the weights that NumPy
computes in float64 (norm of the difference / norm). Each has a process of its own, and they take turns, an epoch each,
in an order that moves on; one epoch warms up. A time is a wall clock's, with one wait for the device at the end of the
epoch. Launches and transfers are counted afterwards, in new processes (cupti.py). What there was no time for is named.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cupti
from gpu_job import Failed, Job, environment
from gpu_table import NEEDS, table
from machine import cpu, versions

HERE = Path(__file__).parent
VARIANTS = {  # name: label, job with its options
    "tinynet": ("tinynet", ["gpu_tinynet.py"]),
    "torch": ("PyTorch, eager", ["gpu_torch.py"]),
    "torch-graph": ("PyTorch, CUDA graph", ["gpu_torch.py", "--graph"]),
    "jax": ("JAX, scan", ["gpu_jax.py"]),
}
GRAPHS = "torch-graph"  # has nothing to rehearse: the CPU has no graphs
SETTINGS = [  # (batch, units), the most telling first: the last ones may find no time
    *[(32, 128), (8192, 128), (512, 128), (128, 128), (2048, 128)],
    *[(32, 1024), (8192, 1024), (32, 4096), (8192, 4096), (32, 512), (8192, 512)],
]
COUNTED = [(32, 128), (8192, 128)]
IMAGES = 60_000
TINY = {"settings": [(32, 16), (128, 16), (32, 32)], "counted": [(32, 16)], "images": 1024}
BOUND = 1e-4  # of the gate
STARTING, COUNTING = 120, 90  # seconds that a job may take to start; that are kept for counting
DISTRIBUTIONS = ["numpy", "cupy-cuda12x", "cupy-cuda13x", "torch", "jax", "jaxlib", "jax-cuda12-plugin"]
DISTRIBUTIONS += ["jax-cuda13-plugin", "nvidia-cuda-cupti-cu12", "nvidia-cuda-cupti"]
LEGEND = """
Of a step, the kernels and graphs that are launched; of an epoch, the copies up to the device and down from it, and the
calls that wait for it; where they were counted. Times over tinynet's: 2 is twice as long."""
REHEARSAL = "a rehearsal on the CPU: no figure here means anything"


def main():
    options, started = parse(), time.monotonic()
    devices, cuda = cupti.driver()
    if not options.rehearse and not devices:
        driver = "there is no NVIDIA driver" if cuda is None else "the NVIDIA driver finds no device"
        raise SystemExit(f"benchmarks/gpu.py needs an NVIDIA GPU: {driver} here. --rehearse runs its code on the CPU.")
    plan = TINY if options.rehearse else {"settings": SETTINGS, "counted": COUNTED, "images": IMAGES}
    end = started + 60 * options.minutes
    found = {"rehearsal": options.rehearse, "machine": machine(options.rehearse), "left out": {}}
    found["single calls"] = micro(options.rehearse, end)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        jobs = start(options.rehearse, stack, end, found["left out"])
        found["gate"] = gate(jobs, Path(folder) / "reference.npz", end, found["left out"], options.rehearse)
        found["samples"] = timed(jobs, plan, options.rounds, end - COUNTING, found["left out"])
    found["counts"] = counted(list(jobs), plan, end, options.rehearse)
    print(f"{time.monotonic() - started:.0f} s in all\n{LEGEND}")
    print(REHEARSAL if options.rehearse else "")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    labels = {name: label for name, (label, _) in VARIANTS.items()}
    print(table(found["samples"], found["counts"], labels, plan["images"], (GRAPHS,) if options.rehearse else ()))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, tiny, to see that it runs")
    parser.add_argument("--minutes", type=float, default=9, help="of which all is done, or left out (default: 9)")
    parser.add_argument("--rounds", type=int, default=5, help="timed epochs of each variant (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples into this file, too")
    options = parser.parse_args()
    if options.rounds < 1 or options.minutes <= 0:
        parser.error("--rounds and --minutes must be positive")
    return options


def machine(rehearse):
    """What runs here, printed and returned."""
    known = {"python": platform.python_version(), "cpu": cpu(), "cores": os.cpu_count()}
    known |= {"versions": versions(DISTRIBUTIONS), "driver": None}
    if not rehearse:
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm", "--format=csv,noheader"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            known["driver"] = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout
    print("\n\n".join(__doc__.split("\n\n")[3:]))
    print(REHEARSAL if rehearse else (known["driver"] or "nvidia-smi says nothing").strip())
    print(f"Python {known['python']}, {known['cpu']}, {known['cores']} cores")
    print(", ".join(f"{name} {version}" for name, version in known["versions"].items()), flush=True)
    return known


def micro(rehearse, end):
    """The processor's time of single calls."""
    job = Job(["gpu_micro.py"], rehearse)
    try:
        found = job.answer(min(STARTING, end - time.monotonic()))
    except Failed as reason:
        found = {"left_out": str(reason), "stderr": reason.said}
        job.process.kill()
    finally:
        job.close()
    if "left_out" in found:
        print(f"single calls are left out: {found['left_out']}")
        return found
    print(", ".join(f"{name}: {value}" for name, value in found["device"].items()))
    print("\nthe processor's time of a call, us")
    for what, us in found["us"].items():
        print(f"    {what:32}{NEEDS if us is None else f'{us:.1f}':>12}")
    return found


def start(rehearse, stack, end, left_out):
    """{name: Job} of the variants that can run here."""
    jobs = {}
    for name, (_, arguments) in VARIANTS.items():
        if not (rehearse and name == GRAPHS):
            jobs[name] = Job(arguments, rehearse)
            stack.callback(jobs[name].close)
    for name in list(jobs):
        with dropping(jobs, name, left_out):
            reason = jobs[name].answer(min(STARTING, end - time.monotonic())).get("left_out")
            if reason:
                raise Failed(reason)
        if name not in jobs and name == "tinynet":
            raise SystemExit(f"Nothing is measured without tinynet: {left_out[name]['reason']}")
    return jobs


@contextlib.contextmanager
def dropping(jobs, name, left_out):
    """A variant whose job fails inside is left out from here on."""
    try:
        yield
    except Failed as reason:
        left_out[name] = {"reason": str(reason), "stderr": reason.said}
        jobs.pop(name).process.kill()
        print(f"{VARIANTS[name][0]} is left out: {reason}", flush=True)


def gate(jobs, reference, end, left_out, rehearse):
    """{name: relative difference of the weights from float64}; those that are wrong are left out."""
    command = [sys.executable, str(HERE / "jobs" / "gpu_reference.py"), str(reference)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(rehearse))
    if done.returncode:
        raise SystemExit(f"The reference cannot be computed:\n{done.stderr}")
    print("\nweights after 50 steps beside NumPy in float64, ||difference|| / ||weights||", flush=True)
    found = {}
    for name in list(jobs):
        with dropping(jobs, name, left_out):
            answer = jobs[name].ask(min(STARTING, end - time.monotonic()), do="gate", reference=str(reference))
            found[name] = answer["difference"]
            if not found[name] < BOUND:  # NaN is not
                raise Failed(f"WRONG: its weights differ by {found[name]:.1e}; {BOUND:g} would do")
            print(f"    {VARIANTS[name][0]:21}{found[name]:10.1e}   right", flush=True)
    return found


def timed(jobs, plan, rounds, end, left_out):
    """[{batch, units, seconds: {name: [of each epoch]}}], until the time is up."""
    samples, longest = [], 0
    print()
    for batch, units in plan["settings"]:
        sample = {"batch": batch, "units": units, "seconds": {name: [] for name in jobs}}
        began = time.monotonic()
        if began + longest > end:
            print(f"batch {batch}, {units} units: left out, the time would not suffice")
            continue
        for name in list(jobs):
            question = {"do": "configure", "images": plan["images"], "units": units, "batch": batch}
            with dropping(jobs, name, left_out):
                jobs[name].ask(end + COUNTING / 2 - time.monotonic(), **question)
        for number in range(rounds):
            names = list(jobs)
            for name in names[number % len(names) :] + names[: number % len(names)] if names else []:
                if number and time.monotonic() > end:
                    break
                with dropping(jobs, name, left_out):
                    answer = jobs[name].ask(end + COUNTING / 2 - time.monotonic(), do="epoch")
                    sample["seconds"][name].append(answer["seconds"])
        samples.append(sample)
        longest = max(longest, time.monotonic() - began)
        print(f"batch {batch}, {units} units: {time.monotonic() - began:.1f} s", flush=True)
    return samples


def counted(names, plan, end, rehearse):
    """[{batch, units, name, ...}]: what an epoch launches and transfers, or why it is not known."""
    found = []
    for place, name in enumerate(names):
        share = time.monotonic() + (end - time.monotonic()) / (len(names) - place)  # lest one that hangs takes it all
        entries = [{"batch": batch, "units": units, "name": name} for batch, units in plan["counted"]]
        found += entries
        if rehearse:
            for entry in entries:
                entry["uncounted"] = NEEDS
            continue
        job = Job(VARIANTS[name][1], rehearse)
        try:
            job.answer(share - time.monotonic())
            for entry in entries:
                setting = {"batch": entry["batch"], "units": entry["units"]}
                job.ask(share - time.monotonic(), do="configure", images=plan["images"], **setting)
                entry |= job.ask(share - time.monotonic(), do="count")
        except Failed as reason:
            job.process.kill()
            for entry in entries:
                if "counts" not in entry:
                    entry |= {"uncounted": str(reason), "stderr": reason.said}
        finally:
            job.close()
    return found


if __name__ == "__main__":
    main()
