"""Tells what the machine is and what is installed there, without importing any of it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
from pathlib import Path

# Some systems set these as an old workaround: they make NumPy's BLAS take another processor's kernels.
WORKAROUNDS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def usual():
    """The environment of one who has installed something: bytecode is kept, and BLAS is free to know its processor."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", *WORKAROUNDS)}


def dropped():
    """What `usual` leaves out of the environment that BLAS would heed, as a line; else nothing."""
    found = ", ".join(name for name in WORKAROUNDS if name in os.environ)
    return f"not handed on to what is measured: {found}\n" if found else ""


def size(distributions):
    """Bytes of the files of these distributions and of all that they depend on."""
    waiting, seen, total = list(distributions), set(), 0
    if "tinynet-nn" in waiting:  # installed from a checkout, it lists none of its own files
        waiting = ["numpy"]
        package = Path(importlib.util.find_spec("tinynet").origin).parent
        files = (path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
        total = sum(path.stat().st_size for path in files)
    while waiting:
        name = normal(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform or an extra
        files = (path.locate() for path in distribution.files or [])
        total += sum(os.path.getsize(path) for path in files if os.path.isfile(path))
        for requirement in distribution.requires or []:
            wanted, _, marker = requirement.partition(";")
            if "extra" not in marker:
                waiting.append(re.match(r"[\w.-]+", wanted.strip())[0])
    return total


def normal(name):
    """The one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(names):
    """{name: version} of those that are installed."""
    known = {normal(each.metadata["Name"]): each.version for each in importlib.metadata.distributions()}
    return {name: known[name] for name in names if name in known}


def cpu():
    """The name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*: (.*)", text)[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()
