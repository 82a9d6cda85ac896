"""The array-backend switch: NumPy on the CPU, CuPy on an NVIDIA GPU.

Only this file and gpu.py, which tells what is missing where there is no GPU, import cupy. A backend is a value, not a
global: a model is given `backend="numpy"` or `"cupy"` and its arrays live there.
Code asks `xp_of(array)` for the module that owns an array, and uses its functions and the array's methods.
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
    """Check that a backend can be used and return its name.

    None means the environment variable TINYNET_BACKEND, or "numpy" where that is not set.
    Raises ValueError for an unknown name, ImportError where CuPy is missing or broken, and RuntimeError where it
    finds no GPU. A GPU that was asked for is never silently replaced by the CPU.
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
        from .diagnosis import gpu  # not at the top: whoever asks for no GPU does without the diagnosis

        gpu.require()
    return name


def info(print_fn: Callable[[str], Any] = print) -> None:
    """Print what there is of NumPy, CuPy and a GPU, in ten lines for an issue, and whether backend="cupy" works here.

    It works on any machine, and imports CuPy where that is installed. `print_fn` gets it as one plain string.
    """
    from .diagnosis import environment

    print_fn(environment.table())


def module(name: str) -> ModuleType:
    """The array module of a backend that `resolve` has returned."""
    if name == "numpy":
        return np
    import cupy

    return cupy


def xp_of(array: Any) -> ModuleType:
    """The module, numpy or cupy, that owns an array."""
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    return sys.modules[type(array).__module__.partition(".")[0]]


def on_device(array: Any) -> bool:
    """Whether this is an array of CuPy's; other libraries have the interface too, but no get()."""
    return hasattr(array, "__cuda_array_interface__") and hasattr(array, "get")


def to_array(values: Any) -> Any:
    """What a user gave as an array: left where it is if it is NumPy's or CuPy's, else made NumPy's."""
    return values if on_device(values) else np.asarray(values)


def to_numpy(array: Any) -> np.ndarray:
    """The array on the host: itself if it is NumPy's, a copy if it is CuPy's."""
    return array.get() if on_device(array) else np.asarray(array)


def move(array: Any, xp: ModuleType, dtype: Any = None) -> Any:
    """The array in the memory of this module, in this dtype; copied only where it must be."""
    return xp.asarray(to_numpy(array) if xp is np else array, dtype=dtype)


def take_rows(array: Any, rows: Any, out: Any) -> Any:
    """array[rows] along the first axis, written into out."""
    if isinstance(array, np.ndarray):
        return array.take(rows, axis=0, out=out, mode="clip")  # "raise" would go through a buffer; rows are in range
    return array.take(rows, axis=0, out=out)
