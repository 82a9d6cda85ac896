"""Write and read archives: zip files whose members are stored, not compressed.

Nothing in an archive is believed before it was compared with its bytes. Members are found by name in the archive's
directory and read into memory. No member is ever written to the disk under its name. Since members are stored, the
contents are no larger than the file. The CRC-32 of each is verified.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from .record import FileError

MOST_MEMBERS = 20_000
DIRECTORY_ENTRY, LOCAL_SIZE = b"PK\x01\x02", 30  # begins a member's entry in the directory; size of its header
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def pack(members: Mapping[str, bytes | memoryview]) -> bytes:
    """Return the bytes of an archive with these members, in this order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), data)
    return content.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Return the members of an archive by name.

    Raises:
        FileError: The bytes are not an archive, are damaged, or hold more or other members than are read.
    """
    if not content.startswith(b"PK"):
        raise FileError("it is no archive")
    count = content.count(DIRECTORY_ENTRY)  # counted before zipfile makes an object of each
    if count > MOST_MEMBERS:
        raise FileError(f"the archive has {count:,} members, more than the {MOST_MEMBERS:,} that are read")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            _check(infos, len(content))
            _check_overlap(infos, content)
            return {info.filename: archive.read(info) for info in infos}
    except (FileError, MemoryError):
        raise
    except Exception as error:  # zipfile raises a dozen kinds of them for damaged files
        raise FileError(f"the archive is damaged: {error}") from None


def _check(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Raise FileError for names, compression and sizes that are not read; `size` is that of the file."""
    names = set()
    total = 0
    for info in infos:
        name = info.filename
        if name in names:
            raise FileError(f"the archive has two members called {name!r}")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise FileError(f"the archive has a member with a name that points elsewhere, {name!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise FileError(f"the member {name!r} is compressed or encrypted; members are stored as they are")
        names.add(name)
        total += info.file_size
    if total > size:
        raise FileError(f"the members are declared to have {total:,} bytes, more than the file's {size:,}")


def _check_overlap(infos: list[zipfile.ZipInfo], content: bytes) -> None:
    """Raise FileError if two members share bytes. A member lies behind its header, its name and further fields."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        start = info.header_offset
        header = content[start : start + LOCAL_SIZE]
        if start < end:
            raise FileError(f"the member {info.filename!r} overlaps another one")
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        end = start + LOCAL_SIZE + lengths + info.file_size
