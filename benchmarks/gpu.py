"""Measures a training step on an NVIDIA GPU: tinynet beside PyTorch, eager and in CUDA graphs, and JAX.

    python -m pip install -r benchmarks/requirements-gpu.txt && python benchmarks/gpu.py
    (for a driver of CUDA 12: requirements-gpu-cuda12.txt, and what it says of PyTorch before it)

    python benchmarks/gpu.py [--minutes 9] [--rounds 5] [--json FILE]
    python benchmarks/gpu.py --rehearse      the same code on the CPU, tiny: no figure of it means anything; or --quick

784 - units - 10, relu, cross-entropy from logits, Adam, on 60,000 random uint8 images of Fashion-MNIST's shape, which
lie on the device before the clock starts; every variant gathers and scales its batches there, in a new random order
each epoch, reports mean loss and accuracy, and takes whole batches only. tinynet's epoch is a call of `fit`, as its
users make it; the others are as one who knows them would write them (benchmarks/jobs/gpu_*.py). TF32 is off.

A variant is timed only if 50 steps at batch 32 and 3 at batch 8,192, from the same weights on the same batches, come
within 1e-4 of NumPy's in float64, in the weights (norm of the difference / norm) and in the mean loss; and only while
its loss is finite. Each has a process of its own, and they take turns in an order that moves on. In a turn one epoch,
which is not timed, wakes the device's clocks; then come as many as fill 0.25 s, at least one, and a wait for the
device. Every epoch gives its loss, so each ends with a wait. Launches and transfers are counted afterwards, in new
processes (cupti.py). What there was no time for is named. The exit status is 1 if tinynet is wrong or fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from gpu_job import Failed, Job, environment
from gpu_machine import calls, check, machine, micro
from gpu_table import NEEDS, median, table

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
    *[(32, 1024), (8192, 1024), (32, 4096), (8192, 4096)],
]
COUNTED = [(32, 128), (8192, 128)]
IMAGES, TURN = 60_000, 0.25  # seconds that a turn's epochs fill
TINY = {"settings": [(32, 16), (128, 16), (32, 32)], "counted": [(32, 16)], "images": 1024, "turn": 0.02}
BOUND = 1e-4  # of the gate
STARTING, COUNTING = 120, 90  # seconds that a job may take to start; that are kept for counting
LEGEND = """
Medians and ranges are of the turns' means. Of a step, the kernels and graphs that are launched; of an epoch,
the copies up to the device and down from it, and the calls that wait for it; where they were counted. Times over
tinynet's: 2 is twice as long."""
REHEARSAL = "a rehearsal on the CPU: no figure here means anything"


def main():
    options, started = parse(), time.monotonic()
    if not options.rehearse:
        check()
    plan = {"settings": SETTINGS, "counted": COUNTED, "images": IMAGES, "turn": TURN}
    plan, end = TINY if options.rehearse else plan, started + 60 * options.minutes
    print("\n\n".join(__doc__.split("\n\n")[3:]) + (REHEARSAL if options.rehearse else ""))
    found = {"rehearsal": options.rehearse, "plan": plan, "machine": machine(options.rehearse), "left out": {}}
    found["single calls"] = micro(options.rehearse, min(STARTING, end - time.monotonic()))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        jobs = start(options.rehearse, stack, end, found["left out"])
        found["gate"] = gate(jobs, Path(folder) / "reference.npz", end, found["left out"], options.rehearse)
        found["samples"] = timed(jobs, plan, options.rounds, started, end - COUNTING, found["left out"])
    report(found, None, options)
    report(found, counted(list(jobs), plan, end, options.rehearse), options)
    print(f"\n{time.monotonic() - started:.0f} s in all", flush=True)
    if "tinynet" in found["left out"]:
        raise SystemExit(f"tinynet is left out: {found['left out']['tinynet']['reason']}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rehearse", "--quick", action="store_true", help="on the CPU, tiny, to see that it runs")
    parser.add_argument("--minutes", type=float, default=9, help="of which all is done, or left out (default: 9)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each variant (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples into this file, too")
    options = parser.parse_args()
    if options.rounds < 1 or options.minutes <= 0:
        parser.error("--rounds and --minutes must be positive")
    return options


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
    """{name: [{"steps", "batch", "weights", "loss": relative differences}]}; those that are wrong are left out."""
    command = [sys.executable, str(HERE / "jobs" / "gpu_reference.py"), str(reference)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(rehearse))
    if done.returncode:
        raise SystemExit(f"The reference cannot be computed:\n{done.stderr}")
    print("\nbeside NumPy in float64: ||difference|| / ||weights||, |difference| / loss", flush=True)
    found = {}
    for name in list(jobs):
        with dropping(jobs, name, left_out):
            question = {"do": "gate", "reference": str(reference)}
            found[name] = jobs[name].ask(min(STARTING, end - time.monotonic()), **question)["gates"]
            for held in found[name]:
                for what in ("weights", "loss"):
                    if not held[what] < BOUND:  # NaN is not
                        after = f"after {held['steps']} steps at batch {held['batch']}"
                        raise Failed(f"WRONG: {what} {after} off by {held[what]:.1e}; {BOUND:g} would do")
            cells = (f"{held['weights']:.1e}, {held['loss']:.1e} at batch {held['batch']:,}" for held in found[name])
            print(f"    {VARIANTS[name][0]:21}{'    '.join(cells)}    right", flush=True)
    return found


def timed(jobs, plan, rounds, started, end, left_out):
    """[{batch, units, warm-up: {name: loss and accuracy}, turns: {name: [seconds, ...]}}], until the time is up."""
    samples, longest = [], 0
    print("\nmedian us a step, as they come")
    for batch, units in plan["settings"]:
        sample = {"batch": batch, "units": units, "warm-up": {}, "turns": {name: [] for name in jobs}}
        began = time.monotonic()
        if began + longest > end:
            print(f"batch {batch}, {units} units: left out, the time would not suffice", flush=True)
            continue
        for name in list(jobs):
            question = {"do": "configure", "images": plan["images"], "units": units, "batch": batch}
            with dropping(jobs, name, left_out):
                sample["warm-up"][name] = finite(jobs[name].ask(end + COUNTING / 2 - time.monotonic(), **question))
        for number in range(rounds):
            names = list(jobs)
            for name in names[number % len(names) :] + names[: number % len(names)] if names else []:
                if number and time.monotonic() > end:
                    break
                with dropping(jobs, name, left_out):
                    question = {"do": "turn", "fill": plan["turn"]}
                    answer = finite(jobs[name].ask(end + COUNTING / 2 - time.monotonic(), **question))
                    sample["turns"][name].append(answer)
        samples.append(sample)
        longest = max(longest, time.monotonic() - began)
        elapsed = f"{time.monotonic() - started:5.0f} s"
        print(f"{elapsed}   batch {batch}, {units} units: {medians(sample, plan)}", flush=True)
    return samples


def finite(answer):
    """The answer, if the loss of each of its epochs is finite; else it fails."""
    for loss in answer["loss"]:
        if not math.isfinite(loss):
            raise Failed(f"its loss became {loss}")
    return answer


def medians(sample, plan):
    """One line of what a setting gave."""
    steps = plan["images"] // sample["batch"]
    known = {name: turns for name, turns in sample["turns"].items() if turns}
    return "; ".join(f"{VARIANTS[name][0]} {1e6 * median(turns) / steps:,.1f}" for name, turns in known.items())


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


def report(found, counts, options):
    """Write the file, print the table; `counts` is None before the counting, which may hang where CUPTI does."""
    found["counts"] = counts
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    labels = {name: label for name, (label, _) in VARIANTS.items()}
    short = {name: textwrap.shorten(why["reason"], 80, placeholder=" ...") for name, why in found["left out"].items()}
    remarks = {name: f"left out: {reason}" for name, reason in short.items()}  # in full it stands above
    remarks |= {GRAPHS: NEEDS} if options.rehearse else {}
    print(f"{LEGEND}\n{calls(found['single calls'])}\n{REHEARSAL if options.rehearse else ''}")
    print(table(found["samples"], counts, labels, found["plan"]["images"], remarks), flush=True)


if __name__ == "__main__":
    main()
