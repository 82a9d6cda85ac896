"""Write and read NumPy's format of one array, .npy, as far as model files need it: real numbers, no pickle.

    bytes 0-5    93 4E 55 4D 50 59 (\\x93NUMPY)
    bytes 6, 7   version 1, 0
    bytes 8, 9   length of the header, little-endian
    then         the header, a dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (784, 128), } and spaces
    then         the entries in C order

Source: NumPy Enhancement Proposal 1 and numpy.lib.format.
"""

from __future__ import annotations

import io
import math
import re

import numpy as np

from .record import FileError

DTYPES = {"<f4": np.float32, "<f8": np.float64}
MOST_AXES = 32  # NumPy 1 allows no more
HEADER = re.compile(
    rb"\{'descr': '(<f[48])', 'fortran_order': (True|False), 'shape': \(((?:\d{1,12}, ?)*(?:\d{1,12})?)\), ?\} *\n"
)


def encode(array: np.ndarray) -> bytes:
    """Return the bytes of the .npy file of an array.

    Raises:
        ValueError: The array is neither float32 nor float64.
    """
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"Only arrays of float32 and float64 can be saved; got one of {array.dtype}.")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(array) if array.ndim else array, (1, 0), False)
    return content.getvalue()


def decode(content: bytes) -> np.ndarray:
    """Return the array in the bytes of a .npy file.

    Raises:
        FileError: The header is of another kind, or does not declare exactly the bytes that follow.
    """
    length = int.from_bytes(content[8:10], "little")
    match = HEADER.fullmatch(content[10 : 10 + length])
    if content[:8] != b"\x93NUMPY\x01\x00" or match is None:
        raise FileError("it is no array of float32 or float64 numbers in NumPy's format, version 1.0")
    dtype = np.dtype(DTYPES[match[1].decode()])
    shape = tuple(int(size) for size in match[3].replace(b",", b" ").split())
    if len(shape) > MOST_AXES:
        raise FileError(f"it has {len(shape):,} axes, more than the {MOST_AXES} that are read")
    declared, there = math.prod(shape) * dtype.itemsize, len(content) - 10 - length
    if declared != there:
        raise FileError(f"its header declares {declared:,} bytes of entries, shape {shape}; there are {there:,}")
    order = "F" if match[2] == b"True" else "C"
    try:
        array = np.ndarray(shape, dtype.newbyteorder("<"), content, 10 + length, order=order)
    except ValueError as error:  # an axis of 0, and others that are too long
        raise FileError(f"there is no array of shape {shape}: {error}") from None
    return array.astype(dtype)  # a copy: aligned, writable, and in the native byte order
