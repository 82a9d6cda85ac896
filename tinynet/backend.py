"""The array-backend switch: NumPy on the CPU, CuPy on an NVIDIA GPU.

A backend is a value, not a global: a model is given `backend="numpy"` or `"cupy"` and its arrays live there.
`xp_of(array)` is numpy or cupy, whichever made the array. Code calls its functions, xp.exp and the like, and the
array's methods. Only this file and diagnosis/gpu.py, which tells what a GPU misses, import cupy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .arguments import lookup


def resolve(name: str | None = None) -> str:
    """Check that a backend can be used, and return its name. A GPU is never silently replaced by the CPU.

    Args:
        name: "numpy" or "cupy". None means the environment variable TINYNET_BACKEND, or "numpy" if that is not set.

    Raises:
        ValueError: The name is unknown.
        ImportError: CuPy is missing or broken.
        RuntimeError: CuPy finds no GPU.
    """
    kind = "backend"
    if name is None and os.environ.get("TINYNET_BACKEND"):
        kind, name = "backend in the environment variable TINYNET_BACKEND,", os.environ["TINYNET_BACKEND"]
    if not isinstance(name, (str, type(None))):
        raise TypeError(f"backend must be 'numpy' or 'cupy'; got {name!r}.")
    if isinstance(name, str) and name.lower() in ("gpu", "cuda"):
        raise ValueError(f"Unknown {kind} {name!r}. Did you mean 'cupy', which is for NVIDIA GPUs?")
    name = lookup(kind, name or "numpy", {"numpy": "numpy", "cupy": "cupy"})
    if name == "cupy":
        from .diagnosis import gpu  # not at the top: users of the CPU do without it

        gpu.require()
    return name


def info(print_fn: Callable[[str], Any] = print) -> None:
    """Print which NumPy, CuPy and GPU this machine has, and whether backend="cupy" works here.

    The ten lines are meant for an issue. The function works on any machine, and imports CuPy if it is installed.

    Args:
        print_fn: Function that gets the lines as one plain string.
    """
    from .diagnosis import environment

    print_fn(environment.table())


def module(name: str) -> ModuleType:
    """Return the array module of a backend that `resolve` has returned."""
    if name == "numpy":
        return np
    import cupy

    return cupy


def xp_of(array: Any) -> ModuleType:
    """Return the module, numpy or cupy, that owns an array."""
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    return sys.modules[type(array).__module__.partition(".")[0]]


def on_device(array: Any) -> bool:
    """Tell whether this is an array of CuPy's. Other libraries have the interface too, but no get()."""
    return hasattr(array, "__cuda_array_interface__") and hasattr(array, "get")


def to_array(values: Any) -> Any:
    """Return values as an array: NumPy's and CuPy's arrays unchanged, anything else as NumPy's."""
    return values if on_device(values) else np.asarray(values)


def to_numpy(array: Any) -> np.ndarray:
    """Return the array on the host: itself if it is NumPy's, a copy if it is CuPy's."""
    return array.get() if on_device(array) else np.asarray(array)


def move(array: Any, xp: ModuleType, dtype: Any = None) -> Any:
    """Return the array in the memory of this module and in this dtype, copied only if it must be."""
    return xp.asarray(to_numpy(array) if xp is np else array, dtype=dtype)
