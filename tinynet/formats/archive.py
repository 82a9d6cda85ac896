"""Archives: a zip file whose members are stored as they are. Nothing is believed that was not compared first.

Members are found by name in the archive's directory and read into memory; none is ever written to the disk under its
own name. Each is stored, not compressed, so what is read is no larger than the file; its CRC-32 is verified.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from .record import FileError

MOST_MEMBERS = 20_000
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # so that the same content gives the same bytes


def pack(members: Mapping[str, bytes | memoryview]) -> bytes:
    """The bytes of an archive with these members, in this order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), data)
    return content.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """The members of an archive by name. FileError for whatever is not right with it."""
    if not content.startswith(b"PK"):
        raise FileError("it is no archive")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            _check(infos, len(content))
            return {info.filename: archive.read(info) for info in infos}
    except FileError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # whatever damage there is: zipfile raises a dozen kinds
        raise FileError(f"the archive is damaged: {error}") from None


def _check(infos: list[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > MOST_MEMBERS:
        raise FileError(f"the archive has {len(infos):,} members, more than the {MOST_MEMBERS:,} that are read")
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
