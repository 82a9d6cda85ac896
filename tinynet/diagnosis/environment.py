"""Describe this machine for `backend.info()`: the versions, the GPU, and whether backend="cupy" works."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

from .._version import __version__
from ..threads import SETTINGS
from .gpu import Found, attempt, dotted, gigabytes, is_absent, look, problem, said


def table() -> str:
    """Return the versions, the GPU and the verdict, in aligned lines."""
    found = look(attempt())
    wrong = problem(found)
    rows = {
        "tinynet": __version__,
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "NumPy": f"{np.__version__}, {_blas()}",
        "CuPy": _cupy(found),
        "driver": f"CUDA {dotted(found.driver)}" if found.driver else f"none ({found.no_driver})",
        "CUDA runtime": dotted(found.runtime) if found.runtime else "-",
        "NVRTC": _library(found.nvrtc),
        "cuBLAS": _library(found.cublas),
        "GPU": _gpu(found),
        "verdict": f"backend='cupy' does not work here: {wrong}" if wrong else "backend='cupy' works here",
    }
    return "\n".join(f"{name:14}{value}" for name, value in rows.items())


def _cupy(found: Found) -> str:
    """Describe CuPy and the packages that it comes from."""
    packages = ", ".join(f"{name} {version}" for name, version in found.packages.items())
    if is_absent(found):
        return "not installed"
    return f"{found.cupy or 'cannot be imported'} ({packages or 'in no package'})"


def _library(version: Any) -> str:
    """Describe a library by its version, or by the error that came instead."""
    return f"none ({said(version)})" if isinstance(version, Exception) else version or "-"


def _gpu(found: Found) -> str:
    """Describe the GPU."""
    if not found.devices:
        return "none" if found.failed == "device" else "-"
    parts = [found.name or "unknown"]
    if found.capability:
        parts.append(f"compute capability {dotted(found.capability)}")
    if found.memory:
        parts.append(gigabytes(found.memory))
    return ", ".join([*parts, f"{found.devices} in all"])


def _blas() -> str:
    """Describe NumPy's BLAS: its number of threads, if threadpoolctl can tell, and the environment's settings."""
    try:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        parts = [f"BLAS {blas['name']} {blas['version']}"]
    except (KeyError, TypeError):
        parts = ["BLAS unknown"]
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        pass
    else:
        parts += [f"{pool['num_threads']} threads" for pool in threadpool_info() if pool["user_api"] == "blas"][:1]
    return ", ".join([*parts, *(f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ)])
