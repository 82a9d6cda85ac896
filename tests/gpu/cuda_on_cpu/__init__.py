"""CUDA kernels where there is no GPU: their unchanged text, compiled by a C++ compiler and run on the CPU.

    module = compile(text)
    module.launch("scale", grid=(4,), block=(256,), args=(x, np.float32(2), np.int64(x.size)))

`shim.h` gives the text what it takes from CUDA. The lanes of a warp wait for each other at a shuffle, and at nothing
else: there are no barriers, no shared memory and no atomic functions, since no kernel here has one (a text with
`__syncthreads` does not compile). A launch runs the kernel twice, with threads and blocks in order and in reverse
order, and raises what a GPU would leave to luck:

- Race: the two orders give different bits;
- LaunchError: a shuffle that not all lanes of its mask take part in, or from a lane outside its mask;
- TypeError, ValueError: arguments that have not exactly the types of the parameters.

A write outside an array is not seen. Subnormal numbers of float32, which CuPy has the kernels flush to 0 (-ftz=true),
stay what they are.
"""

import atexit
import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

FLAGS = ["-std=c++17", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-exceptions", "-Wno-unknown-pragmas"]
FLAGS += ["-ffp-contract=off"]  # the same bits on every processor
FLAGS += ["-U_FORTIFY_SOURCE"]  # it forbids jumps from one stack to another
MEANT_ANYWAY = {"-std=c++17", "--std=c++17", "-fmad=false", "--fmad=false"}  # NVRTC's words for what FLAGS say
LIMITS = {"grid": (2**31 - 1, 65535, 65535), "block": (1024, 1024, 64)}
FOLDER = "CUDA_ON_CPU_FOLDER"  # the variable: where the shared objects of several processes are, each built once
TEXT = """#define LOCKSTEP {lockstep}
#include "shim.h"
namespace {{
#line 1 "kernel.cu"
{code}
#line 1 "launchers"
}}
{launchers}
"""
LAUNCHER = """
#define EXPORT extern "C" __attribute__((visibility("default"))) const char*
EXPORT launch_{0}(const unsigned* size, void** args, int reverse) {{ return shim::launch({0}, size, args, reverse); }}
EXPORT signature_{0}() {{ return shim::signature({0}); }}
"""


class CompileError(RuntimeError):
    """The compiler's message; its lines are those of the kernel's text."""


class LaunchError(RuntimeError):
    """What a kernel did that must not be done."""


class Race(LaunchError):
    """The result depends on the order of the threads."""


def compiler():
    """The C++ compiler's path, $CXX or the first of c++, g++, clang++; None if there is none, or this is not Linux."""
    if sys.platform != "linux":  # for ucontext
        return None
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, names)), None)


@functools.cache
def _folder():
    if FOLDER in os.environ:
        return Path(os.environ[FOLDER])
    folder = tempfile.TemporaryDirectory(prefix="cuda_on_cpu-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def compile(code, options=()):
    """The Module of a kernel text; `options` may be macros, -DNAME=VALUE, and what is done anyway."""
    if compiler() is None:
        raise CompileError("There is no C++ compiler here, or this is not Linux.")
    macros = [option for option in options if option not in MEANT_ANYWAY]
    for option in macros:
        if not option.startswith("-D"):
            raise ValueError(f"The option {option!r} has no meaning on a CPU.")
    kernels = _declarations(code)
    target = _folder() / f"{hashlib.sha256(repr((code, macros)).encode()).hexdigest()[:16]}.so"
    if not target.exists():  # another process may have built it
        launchers = "".join(map(LAUNCHER.format, kernels))
        text = TEXT.format(lockstep=int("__shfl" in code), code=code, launchers=launchers)
        own = target.with_suffix(f".{os.getpid()}")
        command = [compiler(), *FLAGS, *macros, f"-I{Path(__file__).parent}", "-x", "c++", "-", "-o", str(own), "-lm"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        if done.returncode:
            raise CompileError(done.stderr)
        own.replace(target)
    return Module(target, kernels)


def _declarations(code):
    """The kernels of a text, by name, with the declarations of their parameters."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.S)
    head = r'extern\s+"C"\s+__global__\s+void\s+(\w+)\s*\(([^)]*)\)\s*\{'
    found = re.findall(head, code)
    return {name: [" ".join(p.split()) for p in inside.split(",") if p.strip()] for name, inside in found}


class Module:
    """The kernels of one text. `parameters` gives, by name, the declarations of each and their types.

    A type is in the words of shim.h: "const f4*" is a `const float*`, "i8" a `long long`; v stands for void and char.
    """

    def __init__(self, path, kernels):
        self._library, self.parameters = ctypes.PyDLL(str(path)), {}  # with the GIL: one launch at a time
        for name, texts in kernels.items():
            signature = getattr(self._library, f"signature_{name}")
            signature.restype = getattr(self._library, f"launch_{name}").restype = ctypes.c_char_p
            codes = [code for code in signature().decode().split(",") if code]
            self.parameters[name] = list(zip(texts, codes, strict=True))

    def launch(self, name, grid, block, args):
        """Run the kernel, and write what its pointers without const point to.

        args: C-contiguous NumPy arrays for pointers, or numpy.uintp(0), null; NumPy's scalars of exactly the type
        otherwise.
        """
        if name not in self.parameters:
            raise LaunchError(f'CUDA_ERROR_NOT_FOUND: named symbol not found: extern "C" __global__ void {name}')
        parameters, size = self.parameters[name], _launch_size(grid, block)
        if len(args) != len(parameters):
            raise TypeError(f"{name} takes {len(parameters)} arguments; got {len(args)}.")
        for place, (parameter, value) in enumerate(zip(parameters, args, strict=True), 1):
            _check(f"argument {place} ({parameter[0]})", parameter[1], value)
        pairs = zip(parameters, args, strict=True)
        written = {
            (value.ctypes.data, value.nbytes): (text, value)
            for (text, code), value in pairs
            if isinstance(value, np.ndarray) and not code.startswith("const ")
        }
        results = [self._run(name, size, args, written, reverse) for reverse in (False, True)]
        for key, (text, array) in written.items():
            first, last = (result[key].view(np.uint8).reshape(-1) for result in results)
            if not np.array_equal(first, last):
                item = np.flatnonzero(first != last)[0] // array.itemsize
                raise Race(f"{name} gives other results for threads in reverse order: item {item} of {text}.")
        for key, (_, array) in written.items():
            array[...] = results[0][key]

    def _run(self, name, size, args, written, reverse):
        """What the kernel makes of copies of the arrays that are `written`, by the same keys."""
        copies = {key: array.copy() for key, (_, array) in written.items()}
        arrays = [v if isinstance(v, np.ndarray) else None for v in args]
        arrays = [a if a is None else copies.get((a.ctypes.data, a.nbytes), a) for a in arrays]
        values = [np.array([v if a is None else a.ctypes.data]) for a, v in zip(arrays, args, strict=True)]
        addresses = (ctypes.c_void_p * max(1, len(values)))(*(value.ctypes.data for value in values))
        error = getattr(self._library, f"launch_{name}")(size, addresses, reverse)
        if error:
            raise LaunchError(f"{name}, {error.decode()}")
        return copies


def _check(where, code, value):
    """Raise where CUDA would read other bytes than the caller means."""
    kind = code.removeprefix("const ").removesuffix("*")
    dtype = None if kind == "v1" else np.dtype(kind)  # None: void or char, any
    got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"{value!r} of {type(value)}"
    if not code.endswith("*"):
        if not isinstance(value, np.generic) or value.dtype != (dtype or np.int8):
            raise TypeError(f"{where} takes a numpy.{dtype or 'int8'} by value; got {got}.")
    elif isinstance(value, np.uintp):
        if value:
            raise ValueError(f"{where}: of addresses only numpy.uintp(0), null, can be given.")
    elif not isinstance(value, np.ndarray):
        raise TypeError(f"{where} takes an array, or numpy.uintp(0) for null; got {got}.")
    elif dtype is not None and value.dtype != dtype:
        raise TypeError(f"{where} takes an array of {dtype}; got one of {value.dtype}.")
    elif not value.flags.c_contiguous:
        raise ValueError(f"{where}: the array is not C-contiguous, and a kernel sees no strides.")


def _launch_size(grid, block):
    """Six numbers, the x, y, z of grid and block; ValueError where CUDA refuses them, or CuPy makes 1 of 0."""
    size = []
    for name, given in (("grid", grid), ("block", block)):
        if not isinstance(given, tuple):
            raise TypeError(f"Argument '{name}' has incorrect type (expected tuple, got {type(given).__name__})")
        within = all(1 <= n <= limit for n, limit in zip(given, LIMITS[name], strict=False))
        if not 1 <= len(given) <= 3 or not within or (name == "block" and np.prod(given) > 1024):
            raise ValueError(f"invalid configuration argument: {name} {given}")
        size += [*given, 1, 1][:3]
    return (ctypes.c_uint * 6)(*size)
