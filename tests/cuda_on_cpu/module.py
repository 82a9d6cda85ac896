"""Compile a kernel's text to a shared object, and launch what is in it."""

import atexit
import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.cuda_on_cpu.arguments import Guarded, Parameter, check_arguments, declarations

SCHEDULES = {"forward": (0, 0xFF), "reverse": (1, 0xA5)}  # 1 for the reverse order; the byte in memory of nobody's
FLAGS = [
    *("-std=c++17", "-O1", "-fPIC", "-shared", "-Wno-unknown-pragmas"),
    "-fvisibility=hidden",  # each text has its own fibers.h, with its own static data
    "-ffp-contract=off",  # the same bits on every processor
    "-U_FORTIFY_SOURCE",  # it forbids jumps from one stack to another
    *("-fsanitize=thread", "-fno-exceptions"),  # accesses.h is told of every access
]
LIBRARIES = ["-nodefaultlibs", "-lm", "-lc", "-lgcc"]  # without libtsan
MEANT_ANYWAY = {"-std=c++17", "--std=c++17", "-fmad=false", "--fmad=false"}  # NVRTC's words for what FLAGS say
LIMITS = {"grid": (2**31 - 1, 65535, 65535), "block": (1024, 1024, 64)}
THREADS = 1024  # of a block
TEXT = """#include "shim.h"
namespace {{  // so that __shared__ arrays of inline functions and templates can be in the one section
#line 1 "kernel.cu"
{code}
#line 1 "launchers"
}}
#define EXPORT extern "C" __attribute__((visibility("default")))
{launchers}
"""
LAUNCHER = """
EXPORT const char* launch_{0}(const unsigned* shim_size, void** shim_args, const unsigned long* shim_arrays,
                              shim::Conflict* shim_conflict, int shim_reverse, int shim_filling) {{
    return shim::launch({0}, shim_size, shim_args, shim_reverse, shim_filling, shim_arrays, shim_conflict);
}}
EXPORT const char* signature_{0}() {{ return shim::signature({0}); }}
"""


class CompileError(RuntimeError):
    """The compiler's message; its lines are those of the kernel's text."""


class LaunchError(RuntimeError):
    """What a kernel did that must not be done."""


class Race(LaunchError):
    """The result depends on the order of the threads, or would if they did not run one after the other."""


def compiler():
    """The C++ compiler's path, $CXX or the first of c++, g++, clang++; None if there is none, or this is not Linux."""
    if sys.platform != "linux":  # fibers.h needs its ucontext, and its linker
        return None
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, names)), None)


@functools.cache
def _folder():
    """Where the shared objects of this process are, until it ends."""
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
    kernels = declarations(code)
    launchers = "".join(map(LAUNCHER.format, kernels))
    stem = _folder() / hashlib.sha256(repr((code, options)).encode()).hexdigest()[:16]
    source, target = stem.with_suffix(".cpp"), stem.with_suffix(".so")
    source.write_text(TEXT.format(code=code, launchers=launchers), encoding="utf-8")
    command = [compiler(), *FLAGS, *macros, f"-I{Path(__file__).parent}", str(source), "-o", str(target), *LIBRARIES]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise CompileError(done.stderr)
    return Module(target, kernels)


class Module:
    """The kernels of one text. `parameters` gives those of each by its name."""

    def __init__(self, path, kernels):
        self._library, self.parameters = ctypes.PyDLL(str(path)), {}  # with the GIL: one launch at a time
        for name, texts in kernels.items():
            signature = getattr(self._library, f"signature_{name}")
            signature.restype = getattr(self._library, f"launch_{name}").restype = ctypes.c_char_p
            codes = [code for code in signature().decode().split(",") if code]
            if len(texts) != len(codes):  # (void), or a macro for several parameters
                texts = codes
            self.parameters[name] = list(map(Parameter, texts, codes))

    def launch(self, name, grid, block, args, schedule="both"):
        """Run the kernel, and write what its pointers without const point to.

        args: C-contiguous NumPy arrays for pointers, or numpy.uintp(0); NumPy's scalars of exactly the type otherwise.
        schedule: "forward", "reverse", or "both", which raises Race if a bit differs or accesses race.
        """
        if name not in self.parameters:
            raise LaunchError(f'CUDA_ERROR_NOT_FOUND: named symbol not found: extern "C" __global__ void {name}')
        parameters, size = self.parameters[name], launch_size(grid, block)
        check_arguments(name, parameters, args)
        arrays = [(p, a) for p, a in zip(parameters, args, strict=True) if isinstance(a, np.ndarray)]
        written = [(p, a) for p, a in arrays if not p.const]
        results, conflict, watched = [], (ctypes.c_uint64 * 5)(), schedule == "both"
        for one in SCHEDULES if schedule == "both" else [schedule]:
            guarded = Guarded(args, SCHEDULES[one][1])
            self._run(name, size, guarded, one, written if watched else None, conflict)
            watched = False  # once is enough
            for parameter, array in arrays:
                offset = guarded.written_outside(array)
                if offset is not None:
                    item = offset // array.itemsize
                    raise LaunchError(f"{name} writes outside {parameter.text}: item {item} of {array.size}.")
            results.append(guarded)
        for parameter, array in written:
            first, last = (result.result(array) for result in (results[0], results[-1]))
            if not np.array_equal(first, last):
                item = np.flatnonzero(first != last)[0] // array.itemsize
                raise Race(
                    f"{name} gives other results for threads in reverse order: item {item} of {parameter.text}."
                    " It is a race, or memory was read that nobody wrote, or outside an array."
                )
        check_conflict(name, written, *conflict)
        for _, array in written:
            array.reshape(-1).view(np.uint8)[...] = results[0].result(array)

    def _run(self, name, size, guarded, schedule, watched, conflict):
        """Run it once. Of the first race in the arrays that are `watched`, if any, `conflict` gets the numbers."""
        values = list(guarded.pointers())
        addresses = (ctypes.c_void_p * max(1, len(values)))(*(value.ctypes.data for value in values))
        if watched is not None:
            items = ((a, p.dtype.itemsize if p.dtype else 1) for p, a in watched)
            numbers = [n for a, item in items for n in (guarded.result(a).ctypes.data, a.nbytes, item)]
            watched = (ctypes.c_uint64 * (len(numbers) + 1))(*numbers)
        error = getattr(self._library, f"launch_{name}")(size, addresses, watched, conflict, *SCHEDULES[schedule])
        if error:
            raise LaunchError(f"{name}, {error.decode()}")
        return list(conflict)


def check_conflict(name, written, memory, item, first, second, wrote):
    """Raise Race for what accesses.h found; its first memory is the shared one, and 0 is none."""
    if not memory:
        return
    what = f"byte {item} of shared memory"
    if memory > 1:
        what = f"item {item} of {written[memory - 2][0].text}"
    (one, verb), (other, other_verb) = (
        (f"thread {thread % THREADS} of block {thread // THREADS}", "writes" if wrote & bit else "reads")
        for thread, bit in ((first, 1), (second, 2))
    )
    raise Race(
        f"{name}: {what} is a race: {one} {verb} it and {other} {other_verb} it, with no barrier between them;"
        " only one thread after the other gives this result."
    )


def launch_size(grid, block):
    """Six numbers, the x, y, z of grid and block; ValueError where CUDA refuses them, or CuPy makes 1 of 0."""
    size = []
    for name, given in (("grid", grid), ("block", block)):
        if not isinstance(given, tuple):
            raise TypeError(f"Argument '{name}' has incorrect type (expected tuple, got {type(given).__name__})")
        within = all(1 <= n <= limit for n, limit in zip(given, LIMITS[name], strict=False))
        if not 1 <= len(given) <= 3 or not within or (name == "block" and np.prod(given) > THREADS):
            raise ValueError(f"invalid configuration argument: {name} {given}")
        size += [*given, 1, 1][:3]
    return (ctypes.c_uint * 6)(*size)
