"""HDF5, as far as Keras's files of weights need it: groups, and datasets of numbers that lie in one piece.

A file is a tree: groups with links to groups and datasets. What Keras writes has superblock version 0, hard links, and
datasets that are contiguous, not compressed and little-endian; h5py writes the same by default. Everything else that
HDF5 can do is refused before an entry is read: links to names and to other files, datasets in other files or made of
pieces, compressed or virtual ones, and more entries than the file has bytes for. The bytes stay in memory; h5py sees no
path.

Source: HDF5 File Format Specification, version 3.0, sections II.A, III and IV.A; keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from .record import FileError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
DTYPES = ("<f4", "<f8", "<i4", "<i8", "<u4")
MOST_OBJECTS, DEEPEST, LONGEST = 20_000, 64, 1000


def h5py() -> Any:
    """The module; ImportError that says how to get it."""
    try:
        import h5py as found
    except ImportError:
        raise ImportError("Keras's files of models and weights need h5py: python -m pip install h5py") from None
    return found


def encode(groups: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a file with these groups, each with its attribute `name`, and these arrays, by their paths."""
    content = io.BytesIO()
    with h5py().File(content, "w", libver="earliest") as file:
        for path, name in groups.items():
            file.create_group(path).attrs["name"] = name
        for path, array in arrays.items():
            file.create_dataset(path, data=np.asarray(array, np.asarray(array).dtype.newbyteorder("<")))
    return content.getvalue()


def decode(content: bytes) -> dict[str, np.ndarray]:
    """The arrays in the bytes of a file by their paths; FileError for whatever is not right with it."""
    library = h5py()
    if not content.startswith(SIGNATURE):
        raise FileError("it does not begin as an HDF5 file does")
    try:
        with library.File(io.BytesIO(content), "r") as file:
            datasets = _Walk(library, len(content)).datasets(file)
            return {path: np.asarray(dataset[()]) for path, dataset in datasets.items()}
    except (FileError, MemoryError):
        raise
    except Exception as error:  # whatever damage there is: h5py raises OSError, RuntimeError, KeyError and others
        raise FileError(f"the HDF5 data are damaged: {error}") from None


class _Walk:
    """A walk over the tree that reads no entry, for a file of so many bytes."""

    def __init__(self, library: Any, size: int):
        self.library, self.size = library, size
        self.bytes = 0
        self.seen: set[int] = set()

    def datasets(self, group: Any, path: str = "", depth: int = 0) -> dict[str, Any]:
        """The datasets of a group and of those in it, by path."""
        if depth > DEEPEST:
            raise FileError(f"the HDF5 data have groups inside groups {DEEPEST} times")
        self._count(group, path)
        found = {}
        for name in group:
            own = f"{path}{name}"
            if len(own) > LONGEST:
                raise FileError(f"the HDF5 data have a name of {len(own):,} characters")
            if not isinstance(group.get(name, getlink=True), self.library.HardLink):
                raise FileError(f"the HDF5 data have a link {own!r} to another name or file; only plain ones are read")
            entry = group[name]
            if isinstance(entry, self.library.Group):
                found.update(self.datasets(entry, f"{own}/", depth + 1))
            elif isinstance(entry, self.library.Dataset):
                self._check(entry, own)
                found[own] = entry
            else:
                raise FileError(f"the HDF5 data have at {own!r} neither a group nor an array")
        return found

    def _count(self, entry: Any, path: str) -> None:
        """Each object once, or it is a circle."""
        place = self.library.h5o.get_info(entry.id).addr
        if place in self.seen:
            raise FileError(f"the HDF5 data have two names for what is at {path!r}")
        self.seen.add(place)
        if len(self.seen) > MOST_OBJECTS:
            raise FileError(f"the HDF5 data have more than {MOST_OBJECTS:,} groups and arrays")

    def _check(self, dataset: Any, path: str) -> None:
        self._count(dataset, path)
        layout = dataset.id.get_create_plist()
        plain = layout.get_layout() == self.library.h5d.CONTIGUOUS and not layout.get_nfilters()
        if not plain or layout.get_external_count():
            raise FileError(f"the array {path!r} is compressed, in pieces or elsewhere, which is not read")
        if dataset.dtype.str not in DTYPES or dataset.shape is None:
            raise FileError(f"the array {path!r} has dtype {dataset.dtype}; float32, float64 and integers are read")
        length, place = dataset.size * dataset.dtype.itemsize, dataset.id.get_offset()
        self.bytes += length
        there = length == 0 or (place is not None and place + length <= self.size)
        if not there or dataset.id.get_storage_size() != length or self.bytes > self.size:
            raise FileError(f"the array {path!r} has more entries, {dataset.shape}, than the file has bytes")
