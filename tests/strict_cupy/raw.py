"""RawKernel: a kernel in CUDA C++, whose text is compiled for the CPU and run there."""

import os

import cuda_on_cpu
import numpy as np
import pytest

from tests.strict_cupy.array import ndarray
from tests.strict_cupy.device import device

NO_COMPILER = "needs a C++ compiler on Linux: $CXX, c++, g++ or clang++"


class RawKernel:
    """CuPy's kernel of one's own; compiled by the first call, as there."""

    def __init__(self, code, name, options=(), backend="nvrtc"):
        for argument, value, kind in (("code", code, str), ("name", name, str), ("options", options, tuple)):
            if not isinstance(value, kind):
                got = type(value).__name__
                raise TypeError(f"Argument '{argument}' has incorrect type (expected {kind.__name__}, got {got})")
        self.code, self.name, self.options, self.backend = code, name, options, backend

    def __call__(self, grid, block, args, *, shared_mem=0):
        if shared_mem:
            raise NotImplementedError("The stand-in has no dynamic shared memory: give __shared__ arrays a size.")
        hosts = tuple(_host(place, value) for place, value in enumerate(args, 1))
        if cuda_on_cpu.compiler() is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_COMPILER)
        cuda_on_cpu.compile(self.code, self.options).launch(self.name, grid, block, hosts)
        device.launch()


def _host(place, value):
    """The array that is held, or a scalar of NumPy's; all else is refused, as CuPy refuses most of it."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.generic):
        return value
    if isinstance(value, (bool, int, float)):
        raise TypeError(f"argument {place}: CuPy passes {value!r} in 8 bytes, or a bool in one; give a NumPy scalar.")
    raise TypeError(f"Unsupported type {type(value)}")
