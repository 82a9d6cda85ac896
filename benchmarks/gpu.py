"""A training step on an NVIDIA GPU: tinynet on CuPy beside PyTorch, eager and with CUDA graphs, and JAX with a scan.

    python -m pip install -e . -r benchmarks/requirements-gpu.txt && python benchmarks/gpu.py

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
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cupti
from gpu_table import NEEDS, table
from machine import cpu, usual, versions

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
STARTING, COUNTING = 120, 60  # seconds that a job may take to start; that are kept for counting
DISTRIBUTIONS = ["numpy", "cupy-cuda12x", "cupy-cuda13x", "torch", "jax", "jaxlib", "jax-cuda12-plugin"]
DISTRIBUTIONS += ["jax-cuda13-plugin", "nvidia-cuda-cupti-cu12", "nvidia-cuda-cupti"]
REHEARSAL = "a rehearsal on the CPU: no figure here means anything"
# Settings by which a user may have changed what is measured
UNWANTED = ("CUPY_", "JAX_", "XLA_", "TORCH", "PYTORCH_", "TINYNET_", "NVIDIA_TF32", "CUDA_LAUNCH", "CUBLAS_")


class Failed(Exception):
    """A job ended or did not answer, and what is known of it."""


class Job:
    """A process that answers questions, a line of JSON each."""

    def __init__(self, arguments, rehearse):
        command = [sys.executable, str(HERE / "jobs" / arguments[0]), *arguments[1:]]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, *(["--rehearse"] if rehearse else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(rehearse),
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def ask(self, seconds, **question):
        """The answer; Failed if there is none within so many seconds."""
        with contextlib.suppress(BrokenPipeError):  # it has ended: the answer says so
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        return self.answer(seconds)

    def answer(self, seconds):
        try:
            line = self.lines.get(timeout=max(1, seconds))
        except queue.Empty:
            raise Failed(f"no answer within {seconds:.0f} s") from None
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            raise Failed(said[-1] if said else f"it ended with status {self.process.returncode}")
        return json.loads(line)

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


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
    for name, reason in found["left out"].items():
        print(f"{VARIANTS[name][0]} is left out: {reason}")
    print(f"{time.monotonic() - started:.0f} s in all\n" + (REHEARSAL if options.rehearse else ""))
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


def environment(rehearse):
    """That of a job: what would change the arithmetic or make every launch wait is left out, TF32 forbidden."""
    given = {name: value for name, value in usual().items() if not name.startswith(UNWANTED)}
    given |= {"JAX_PLATFORMS": "cpu" if rehearse else "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return given | {"NVIDIA_TF32_OVERRIDE": "0"}


def machine(rehearse):
    """What runs here, printed and returned."""
    known = {"python": platform.python_version(), "cpu": cpu(), "cores": os.cpu_count()}
    known |= {"versions": versions(DISTRIBUTIONS), "driver": None}
    if not rehearse:
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm", "--format=csv,noheader"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            known["driver"] = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout
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
        found = {"left_out": str(reason)}
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
    return jobs


@contextlib.contextmanager
def dropping(jobs, name, left_out):
    """A variant whose job fails inside is left out from here on."""
    try:
        yield
    except Failed as reason:
        left_out[name] = str(reason)
        jobs.pop(name).process.kill()


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
            right = found[name] < BOUND  # not for NaN
            print(f"    {VARIANTS[name][0]:21}{found[name]:10.1e}   {'right' if right else 'WRONG'}", flush=True)
            if not right:
                raise Failed(f"WRONG: its weights differ by {found[name]:.1e}, more than {BOUND:g}; not timed")
    return found


def timed(jobs, plan, rounds, end, left_out):
    """[{batch, units, seconds: {name: [of each epoch]}}], until the time is up."""
    samples = []
    print()
    for batch, units in plan["settings"]:
        sample = {"batch": batch, "units": units, "seconds": {name: [] for name in jobs}}
        if time.monotonic() > end:
            print(f"batch {batch}, {units} units: left out, the time is up")
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
        print(f"batch {batch}, {units} units: done", flush=True)
    return samples


def counted(names, plan, end, rehearse):
    """[{batch, units, name, ...}]: what an epoch launches and transfers, or why it is not known."""
    found = []
    for name in names:
        for batch, units in plan["counted"]:
            entry = {"batch": batch, "units": units, "name": name}
            found.append(entry)
            if rehearse:
                entry["uncounted"] = NEEDS
                continue
            job = Job(VARIANTS[name][1], rehearse)
            try:
                job.answer(min(STARTING, end - time.monotonic()))
                job.ask(end - time.monotonic(), do="configure", images=plan["images"], units=units, batch=batch)
                entry |= job.ask(end - time.monotonic(), do="count")
            except Failed as reason:
                entry["uncounted"] = str(reason)
                job.process.kill()
            finally:
                job.close()
    return found


if __name__ == "__main__":
    main()
