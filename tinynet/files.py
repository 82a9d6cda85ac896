"""Writing files so that a failure never costs data."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_whole(path: str | os.PathLike[str], content: bytes | bytearray | memoryview) -> None:
    """Write a file whole or not at all: to a temporary name beside it, flushed to the disk, then renamed.

    Raises OSError as open and write do; the file that was there before is then untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a file of NumPy's .npz format, without pickle; ValueError unless its name ends in ".npz"."""
    if not os.fspath(path).endswith(".npz"):
        raise ValueError(f"The name of a file of weights must end in '.npz'; got {os.fspath(path)!r}.")
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_whole(path, content.getbuffer())


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of a file of NumPy's .npz format, by name; ValueError if it is none, or damaged, or holds objects."""
    content = io.BytesIO(Path(path).read_bytes())
    try:
        archive = np.load(content, allow_pickle=False)
        return {name: archive[name] for name in archive.files}
    except MemoryError:
        raise
    except Exception as error:  # whatever damage there is: zipfile and NumPy raise a dozen kinds
        raise ValueError(f"{os.fspath(path)!r} is no file of arrays (.npz), or it is damaged: {error}") from None
