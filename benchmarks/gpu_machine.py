"""Tells benchmarks/gpu.py whether it can run, what is installed, and what single calls cost."""

from __future__ import annotations

import os
import platform
import subprocess
import time

import cupti
from gpu_job import Failed, Job
from gpu_table import NEEDS
from machine import cpu, versions

DISTRIBUTIONS = ["numpy", "cupy-cuda12x", "cupy-cuda13x", "torch", "jax", "jaxlib", "jax-cuda12-plugin"]
DISTRIBUTIONS += ["jax-cuda13-plugin", "nvidia-cuda-cupti-cu12", "nvidia-cuda-cupti"]


def check():
    """Stop where there is no GPU, or one that lets no second process in: the variants' processes live together."""
    devices, cuda = cupti.driver()
    if not devices:
        driver = "there is no NVIDIA driver" if cuda is None else "the NVIDIA driver finds no device"
        raise SystemExit(f"benchmarks/gpu.py needs an NVIDIA GPU: {driver} here. --rehearse runs its code on the CPU.")
    for mode in map(str.strip, (nvidia_smi("compute_mode") or "").splitlines()):
        if mode != "Default" and not mode.startswith("["):  # [N/A] and the like
            raise SystemExit(
                f"The GPU's compute mode is {mode}, and benchmarks/gpu.py has several processes on it that take turns. "
                "An administrator allows it by: nvidia-smi -c DEFAULT"
            )


def nvidia_smi(fields):
    """What nvidia-smi says of each GPU, a line each; None where it says nothing."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def machine(rehearse):
    """What runs here, printed and returned."""
    known = {"python": platform.python_version(), "cpu": cpu(), "cores": os.cpu_count()}
    known |= {"versions": versions(DISTRIBUTIONS), "driver": None}
    if not rehearse:
        known["driver"] = nvidia_smi("name,driver_version,memory.total,clocks.max.sm")
        print(known["driver"] or "nvidia-smi says nothing")
    print(f"Python {known['python']}, {known['cpu']}, {known['cores']} cores")
    print(", ".join(f"{name} {version}" for name, version in known["versions"].items()), flush=True)
    return known


def micro(rehearse, seconds):
    """The processor's time of single calls, {"device", "us"}; or {"left_out", "stderr"}."""
    job, began = Job(["gpu_micro.py"], rehearse), time.monotonic()
    try:
        found = job.answer(seconds)
    except Failed as reason:
        found = {"left_out": str(reason), "stderr": reason.said}
        job.process.kill()
    finally:
        job.close()
    known = ", ".join(f"{name}: {value}" for name, value in found.get("device", {}).items())
    print(f"{known or calls(found)}; {time.monotonic() - began:.1f} s", flush=True)
    return found


def calls(found):
    """What `micro` found, as a line above the table."""
    if "left_out" in found:
        return f"Single calls are left out: {found['left_out']}"
    each = (f"{what} {NEEDS if us is None else f'{us:.1f}'}" for what, us in found["us"].items())
    return f"The processor's time of a call of CuPy's, us:\n{'; '.join(each)}."
