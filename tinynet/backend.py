"""The array-backend switch: NumPy on the CPU, CuPy on an NVIDIA GPU. The only file that imports cupy.

A backend is a value, not a global: a model is given `backend="numpy"` or `"cupy"` and its arrays live there.
Code asks `xp_of(array)` for the module that owns an array, and uses its functions and the array's methods.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import numpy as np

from .checks import lookup

CUPY_REQUIREMENT = {12: "cupy-cuda12x[ctk]>=14.2,<15", 13: "cupy-cuda13x[ctk]>=14.2,<15"}


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
    name = lookup(kind, name or "numpy", {"numpy": "numpy", "cupy": "cupy"})
    if name == "cupy":
        _require_gpu()
    return name


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


def _require_gpu() -> None:
    cpu = "backend='numpy' runs on the CPU."
    try:
        import cupy
    except ImportError as error:
        why = "CuPy is not installed" if error.name == "cupy" else f"CuPy cannot be imported ({error})"
        raise ImportError(f"backend='cupy': {why}. {_pip_lines()} {cpu}", name="cupy") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
        reason = "the driver finds no CUDA device"
    except RuntimeError as error:
        count, reason = 0, str(error)
    if count == 0:
        fix = _pip_lines() if _driver_cuda_version() else "This machine has no NVIDIA driver (libcuda)."
        raise RuntimeError(
            f"backend='cupy': CuPy {cupy.__version__} is installed, but there is no usable GPU: {reason}. {fix} {cpu}"
        )
    try:  # the kernels' compiler and cuBLAS are libraries of their own, and may be missing
        ones = cupy.ones((2, 2), dtype="float32")
        float(((ones + 1) @ ones).sum())
    except Exception as error:
        raise RuntimeError(
            f"backend='cupy': CuPy {cupy.__version__} finds a GPU, but its first operation failed: {error}. "
            f"{_pip_lines()} {cpu}"
        ) from error


def _pip_lines() -> str:
    """What to install for the CUDA version of this machine's driver."""
    version = _driver_cuda_version()
    if version is None:
        lines = " or ".join(f"python -m pip install '{spec}' (CUDA {cuda})" for cuda, spec in CUPY_REQUIREMENT.items())
        return f"This machine has no NVIDIA driver (libcuda); where there is one: {lines}."
    major = max((m for m in CUPY_REQUIREMENT if m <= version), default=None)
    if major is None:
        return f"The NVIDIA driver here supports CUDA {version} only; CuPy needs a driver for CUDA 12 or later."
    return f"For the driver here (CUDA {version}): python -m pip install '{CUPY_REQUIREMENT[major]}'."


def _driver_cuda_version() -> int | None:
    """The major CUDA version that the NVIDIA driver supports, or None without a driver."""
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
        version = ctypes.c_int()
        failed = driver.cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return None if failed else version.value // 1000
