"""Write files whole or not at all: a failure never costs data."""

from __future__ import annotations

import contextlib
import os
from glob import escape as glob_escape
from pathlib import Path

_writing: set[str] = set()  # names of the temporary files that threads of this process are writing


def write_whole(path: str | os.PathLike[str], content: bytes | bytearray | memoryview) -> None:
    """Write a file whole or not at all.

    The content goes to a temporary file in the same folder, is flushed to the disk, and is then renamed. When this
    returns, the file is on the disk under its name: the folder is flushed too. Its permissions are those of any new
    file. Temporary files of earlier processes that were killed while they wrote this file are removed.

    Args:
        path: The name of the file. A link is followed: the file that it points to is written.
        content: All bytes of the file.

    Raises:
        OSError: The file cannot be opened or written. A file that was there before is untouched.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"'{path}' is a folder, not the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder '{path.parent}' for the file {path.name!r}.")
    _clear(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    folder = _open_folder(path.parent)
    _writing.add(temporary.name)
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    finally:
        _writing.discard(temporary.name)
        _close_folder(folder)


def _clear(path: Path) -> None:
    """Remove the temporary files of `path` that no process writes any more.

    A process that is gone may have had the number of this one: then `_writing` tells.
    """
    with contextlib.suppress(OSError):
        for temporary in path.parent.glob(f".{glob_escape(path.name)}.*.tmp"):
            number = temporary.name.removeprefix(f".{path.name}.").partition(".")[0]
            ours = number == str(os.getpid())
            if number.isdigit() and (temporary.name not in _writing if ours else not _runs(int(number))):
                with contextlib.suppress(OSError):
                    temporary.unlink()


def _runs(process: int) -> bool:
    """Tell whether a process with this number runs.

    Windows is not asked and the answer is no: an open file cannot be removed there.
    """
    if os.name == "nt":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _open_folder(folder: Path) -> int | None:
    """Return a handle with which to flush a folder, or None on Windows and without the right to read the folder."""
    if os.name == "nt":
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:
        return None


def _flush_folder(handle: int | None) -> None:
    """Flush a folder, to have a new name in it on the disk."""
    if handle is not None:
        with contextlib.suppress(OSError):  # some file systems cannot; the file itself is on the disk
            os.fsync(handle)


def _close_folder(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)
