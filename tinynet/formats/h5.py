"""Write and read HDF5, as far as Keras's weight files need it: groups, and datasets of numbers in one piece.

A file is a tree: groups with links to groups and datasets. Keras writes superblock version 0, hard links, and datasets
that are contiguous, uncompressed and little-endian. h5py writes the same by default. Everything else that HDF5 can do
is refused before an entry is read: links to names and to other files, datasets in other files, in pieces, compressed or
virtual, and more entries than the file has bytes for. The bytes stay in memory: h5py is given no path.

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
    """Import h5py and return it.

    Raises:
        ImportError: It is not installed. The message says how to install it.
    """
    try:
        import h5py as library
    except ImportError:
        raise ImportError("Keras's files of models and weights need h5py: python -m pip install h5py") from None
    return library


def encode(groups: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of an HDF5 file.

    Args:
        groups: The value of the attribute "name" of each group, by the path of the group.
        arrays: The arrays by their paths.
    """
    content = io.BytesIO()
    with h5py().File(content, "w", libver="earliest") as file:
        for path, name in groups.items():
            file.create_group(path).attrs["name"] = name
        for path, array in arrays.items():
            file.create_dataset(path, data=np.asarray(array, np.asarray(array).dtype.newbyteorder("<")))
    return content.getvalue()


def decode(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays in the bytes of an HDF5 file, by their paths.

    Raises:
        FileError: The bytes are not HDF5, are damaged, or hold something that is not read.
    """
    library = h5py()
    if not content.startswith(SIGNATURE):
        raise FileError("it does not begin as an HDF5 file does")
    try:
        with library.File(io.BytesIO(content), "r") as file:
            datasets = _Walk(library, len(content)).datasets(file)
            return {path: np.asarray(dataset[()]) for path, dataset in datasets.items()}
    except (FileError, MemoryError):
        raise
    except Exception as error:  # h5py raises OSError, RuntimeError, KeyError and others for damaged files
        raise FileError(f"the HDF5 data are damaged: {error}") from None


class _Walk:
    """Walks over the tree of a file of `size` bytes and checks it, without reading an entry of an array."""

    def __init__(self, library: Any, size: int):
        self.library, self.size = library, size
        self.bytes = 0
        self.seen: set[int] = set()

    def datasets(self, group: Any, path: str = "", depth: int = 0) -> dict[str, Any]:
        """Return the datasets of a group and of the groups in it, by path."""
        if depth > DEEPEST:
            raise FileError(f"the HDF5 data have groups inside groups {DEEPEST} times")
        self._count(group, path)
        found = {}
        for name in group:
            inner = f"{path}{name}"
            if len(inner) > LONGEST:
                raise FileError(f"the HDF5 data have a name of {len(inner):,} characters")
            if not isinstance(group.get(name, getlink=True), self.library.HardLink):
                raise FileError(f"the HDF5 data have a link {inner!r} to another name or file, which is not read")
            entry = group[name]
            if isinstance(entry, self.library.Group):
                found.update(self.datasets(entry, f"{inner}/", depth + 1))
            elif isinstance(entry, self.library.Dataset):
                self._check(entry, inner)
                found[inner] = entry
            else:
                raise FileError(f"the HDF5 data have at {inner!r} neither a group nor an array")
        return found

    def _count(self, entry: Any, path: str) -> None:
        """Raise FileError for an object that is met a second time, as in a circle, and for too many objects."""
        address = self.library.h5o.get_info(entry.id).addr
        if address in self.seen:
            raise FileError(f"the HDF5 data have two names for what is at {path!r}")
        self.seen.add(address)
        if len(self.seen) > MOST_OBJECTS:
            raise FileError(f"the HDF5 data have more than {MOST_OBJECTS:,} groups and arrays")

    def _check(self, dataset: Any, path: str) -> None:
        """Raise FileError unless the dataset is plain and lies within the bytes of the file."""
        self._count(dataset, path)
        layout = dataset.id.get_create_plist()
        plain = layout.get_layout() == self.library.h5d.CONTIGUOUS and not layout.get_nfilters()
        if not plain or layout.get_external_count():
            raise FileError(f"the array {path!r} is compressed, in pieces or elsewhere, which is not read")
        if dataset.dtype.str not in DTYPES or dataset.shape is None:
            raise FileError(f"the array {path!r} has dtype {dataset.dtype}; float32, float64 and integers are read")
        length, offset = dataset.size * dataset.dtype.itemsize, dataset.id.get_offset()
        self.bytes += length
        inside = length == 0 or (offset is not None and offset + length <= self.size)
        if not inside or dataset.id.get_storage_size() != length or self.bytes > self.size:
            raise FileError(f"the array {path!r} has more entries, {dataset.shape}, than the file has bytes")
