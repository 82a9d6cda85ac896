"""How the kernels in CUDA C++ are compiled and launched."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import on_device

REALS = {"float32": "float", "float64": "double"}
TYPES = {  # what samples may be made of, and how CUDA C++ calls it
    **REALS,
    "bool": "bool", "int8": "signed char", "int16": "short", "int32": "int", "int64": "long long",
    "uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned int", "uint64": "unsigned long long",
}
OPTIONS = ("--fmad=false",)  # as NumPy rounds
THREADS = 256  # in a block
BLOCKS = 4096  # at most, where a thread can have several elements
NULL = np.uintp(0)  # the address of no array


def computes(array: Any) -> bool:
    """Tell whether the kernels compute with this array: one of CuPy's, in float32 or float64."""
    return on_device(array) and array.dtype.name in REALS


def launch(xp: Any, code: str, name: str, blocks: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
    """Run the kernel of this name in this text; nothing where it has no blocks, which CUDA refuses."""
    if 0 not in blocks:
        compiled(xp, code, name)(blocks, (THREADS,), arguments)


@functools.cache
def compiled(xp: Any, code: str, name: str) -> Any:
    """Return the kernel, made once; CuPy keeps what it has compiled on the disk as well."""
    return xp.RawKernel(code, name, options=OPTIONS)


@functools.cache
def text(name: str, **types: str) -> str:
    """Return the CUDA C++ of a kernel: typedefs that give these names to types, and its file."""
    names = "".join(f"typedef {type_} {own};\n" for own, type_ in types.items())
    return names + (Path(__file__).parent / f"{name}.cu").read_text(encoding="utf-8")


def blocks_for(threads: int) -> int:
    """Return how many blocks of THREADS threads make at least so many threads."""
    return -(-threads // THREADS)
