"""NVIDIA's own compiler of kernels, NVRTC, which needs no GPU: does a text compile, and for which architecture.

It comes with the wheels nvidia-cuda-nvrtc (CUDA 13) and nvidia-cuda-nvrtc-cu12, or with an installed CUDA.
"""

import ctypes
import ctypes.util
import functools
import sys
from pathlib import Path

NAMES = ("libnvrtc.so*", "nvrtc64_*_0.dll")  # beside them are others: nvrtc-builtins, and libnvrtc.alt


class NvrtcError(RuntimeError):
    """NVRTC's log, with the lines of the text, or what else it says."""


def paths():
    """Where NVRTC may be: in the wheels, then wherever the system finds its libraries."""
    for folder in sys.path:
        for name in NAMES:
            yield from map(str, sorted(Path(folder, "nvidia").rglob(name), reverse=True))
    if found := ctypes.util.find_library("nvrtc"):
        yield found


@functools.cache
def library():
    """NVRTC, or None where it is not installed."""
    path = next(paths(), None)
    if path is None:
        return None
    nvrtc = ctypes.CDLL(path)
    nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
    return nvrtc


def version():
    """NVRTC's version, as in (13, 0)."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def compile(code, architecture, options=(), name="kernel.cu"):
    """The binary, a CUBIN, of a kernel text for an architecture such as "sm_90"; NvrtcError with the log otherwise."""
    nvrtc, program = library(), ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), name.encode(), 0, None, None))
    try:
        words = [f"--gpu-architecture={architecture}", "--std=c++17", *options]
        words = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
        result = nvrtc.nvrtcCompileProgram(program, len(words), words)
        if result:
            log = _text(program, "ProgramLog").rstrip(b"\0").decode().strip()
            raise NvrtcError(f"{_error(result)} for {architecture}:\n{log}")
        return _text(program, "CUBIN")
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _text(program, what):
    """The bytes of a program's log or binary."""
    size = ctypes.c_size_t()
    _check(getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    content = ctypes.create_string_buffer(size.value)
    _check(getattr(library(), f"nvrtcGet{what}")(program, content))
    return content.raw


def _error(result):
    return library().nvrtcGetErrorString(result).decode()


def _check(result):
    if result:
        raise NvrtcError(_error(result))
