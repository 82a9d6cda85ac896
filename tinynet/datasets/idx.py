"""The IDX format, in which MNIST and Fashion-MNIST are published: an array after a short header.

    bytes 0, 1   zero
    byte 2       type: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte 3       number of dimensions n
    then         n sizes of 4 bytes each, then the entries in C order; all numbers are big-endian

A file may be gzipped. Format: http://yann.lecun.com/exdb/mnist/, "the IDX file format".
"""

from __future__ import annotations

import math
import os
import zlib
from typing import TYPE_CHECKING

import numpy as np

from ..files import write_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"
LARGEST_HEADER = 4 + 4 * 255
DEFLATE_RATIO = 1032  # no deflate stream expands further (zlib's technical details, "maximum compression factor")
CHUNK = 1 << 18


class IdxError(ValueError):
    """The file is not a whole and well-formed IDX file. The message says why."""


def read(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file, plain or gzipped, into an array of native byte order.

    The sizes in the header are compared with the length of the file before memory is taken for them.

    Args:
        path: The file.

    Returns:
        An array of the shape and dtype that the header declares.

    Raises:
        IdxError: (a ValueError) The file is not whole and well-formed, or something follows its last entry.
        OSError: The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(LARGEST_HEADER)
            if start[:2] != GZIP:
                _check_length(header(start)[2], os.fstat(file.fileno()).st_size)
            return decode(start + file.read())
    except IdxError as error:
        raise IdxError(f"{os.fspath(path)}: {error}") from None


def decode(content: bytes | bytearray) -> np.ndarray:
    """Return the array in the bytes of an IDX file, plain or gzipped.

    An array of single bytes shares the memory of `content` if that is a plain bytearray.
    """
    return parse(payload(content))


def payload(content: bytes | bytearray) -> bytearray:
    """Return the decompressed bytes of an IDX file, exactly as many as the header declares; IdxError otherwise.

    A bytearray that is not gzipped is returned itself, without a copy.
    """
    if content[:2] != GZIP:
        _check_length(header(content)[2], len(content))
        return content if isinstance(content, bytearray) else bytearray(content)
    expected = header(_inflate(content, LARGEST_HEADER))[2]
    if expected > DEFLATE_RATIO * len(content):
        declared = f"the header declares {expected:,} bytes, more than {len(content):,} gzipped bytes can hold"
        raise IdxError(f"the data is cut off: {declared}")
    whole = _inflate(content, expected + 1)
    if len(whole) > expected:
        raise IdxError(f"there are more entries than the header declares: more than {expected:,} bytes")
    _check_length(expected, len(whole))
    return whole


def header(start: bytes | bytearray) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return (dtype, shape, length of the whole file in bytes), as the first bytes of an IDX file declare them."""
    if len(start) < 4:
        raise IdxError(f"an IDX header has at least 4 bytes; there are {len(start)}")
    if start[0] or start[1]:
        page = "; it looks like a web page that was saved under this name" if start.lstrip()[:1] == b"<" else ""
        raise IdxError(f"not an IDX file: it starts with {bytes(start[:8])!r}, not with two zero bytes{page}")
    if start[2] not in TYPES:
        known = ", ".join(f"{code:02X}" for code in TYPES)
        raise IdxError(f"the type byte is {start[2]:02X}; known are {known}")
    rank = start[3]
    if rank > 64:
        raise IdxError(f"the header declares {rank} dimensions; NumPy arrays have at most 64")
    if len(start) < 4 + 4 * rank:
        raise IdxError(f"the header ends after {len(start)} bytes, but {rank} dimensions take {4 + 4 * rank}")
    dtype = np.dtype(TYPES[start[2]])
    shape = tuple(int.from_bytes(start[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    return dtype, shape, 4 + 4 * rank + math.prod(shape) * dtype.itemsize


def parse(whole: bytearray) -> np.ndarray:
    """Return the array in a payload. An array of single bytes shares the payload's memory."""
    dtype, shape, _ = header(whole)
    try:
        array = np.frombuffer(whole, dtype, offset=4 + 4 * len(shape)).reshape(shape)
    except ValueError as error:  # a size of zero beside sizes whose product NumPy cannot hold
        raise IdxError(f"the header declares the shape {shape}, which NumPy cannot hold: {error}") from None
    return array if array.dtype.isnative else array.astype(dtype.newbyteorder("="))  # aligned, too


def encode(array: ArrayLike) -> bytes:
    """Return the bytes of the IDX file, not gzipped, that holds this array; ValueError for a dtype that IDX lacks."""
    array = np.asarray(array)
    codes = {np.dtype(dtype).newbyteorder("="): code for code, dtype in TYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(dtype.name for dtype in codes)
        raise ValueError(f"IDX has no type for {array.dtype}; cast the array to one of {known}.")
    if any(size >= 1 << 32 for size in array.shape):
        raise ValueError(f"A size in {array.shape} does not fit into the 4 bytes that IDX has for it.")
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(TYPES[code], copy=False).tobytes()


def write(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write an array as an IDX file, whole or not at all. The same array gives the same bytes.

    Args:
        path: The file to write. It is gzipped if its name ends in .gz.
        array: An array, or lists that make one.

    Raises:
        ValueError: The array has a dtype that IDX lacks (bool, int64, float16, ...), or a size of 2**32 or more.
        OSError: The file cannot be written.
    """
    content = encode(array)
    if os.fspath(path).endswith(".gz"):
        import gzip

        content = gzip.compress(content, compresslevel=9, mtime=0)
    write_whole(path, content)


def _inflate(content: bytes | bytearray, limit: int) -> bytearray:
    """Decompress the gzip members in content, up to `limit` bytes. Memory is taken as the data arrives."""
    whole, rest = bytearray(), memoryview(content)
    while len(rest) and len(whole) < limit:
        if bytes(rest[:2]) != GZIP:
            raise IdxError(f"{len(rest):,} bytes of something else follow the gzip data")
        member, used = zlib.decompressobj(wbits=31), 0
        try:
            while used < len(rest) and not member.eof and len(whole) < limit:
                whole += member.decompress(rest[used : used + CHUNK], limit - len(whole))
                used += CHUNK
        except zlib.error as error:
            raise IdxError(f"the gzip data is damaged ({error})") from None
        if not member.eof and len(whole) < limit:
            raise IdxError(f"the gzip data is cut off after {len(whole):,} decompressed bytes")
        rest = rest[min(used, len(rest)) - len(member.unused_data) :]
    return whole


def _check_length(expected: int, found: int) -> None:
    """Raise IdxError unless there are as many bytes as the header declares."""
    if expected != found:
        how = "cut off" if found < expected else "followed by something else"
        raise IdxError(f"the data is {how}: the header declares {expected:,} bytes, there are {found:,}")
