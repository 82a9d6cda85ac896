"""Writing files so that a failure never costs data."""

from __future__ import annotations

import contextlib
import os
from glob import escape as glob_escape
from pathlib import Path

_writing: set[str] = set()  # the temporary files that threads of this process are writing


def write_whole(path: str | os.PathLike[str], content: bytes | bytearray | memoryview) -> None:
    """Write a file whole or not at all: to a temporary name beside it, flushed to the disk, then renamed.

    The file is on the disk under its name when this returns: the folder is flushed too. Its permissions are those of
    any new file. What an earlier process left behind that was killed in the middle is removed.

    Raises OSError as open and write do; the file that was there before is then untouched.
    """
    path = Path(os.path.realpath(path))  # of a link, the file that it points to
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
    """Remove temporary files of this one whose process is gone; one before may have had this process's number."""
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{glob_escape(path.name)}.*.tmp"):
            number = left.name.removeprefix(f".{path.name}.").partition(".")[0]
            own = number == str(os.getpid())
            if number.isdigit() and (left.name not in _writing if own else not _runs(int(number))):
                with contextlib.suppress(OSError):
                    left.unlink()


def _runs(process: int) -> bool:
    """Whether there is a process of this number. On Windows it is not asked: an open file cannot be removed there."""
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
    """A handle to flush a folder by; None where that cannot be done: on Windows, or without the right to read it."""
    if os.name == "nt":
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:
        return None


def _flush_folder(handle: int | None) -> None:
    """Make sure that a new name in this folder is on the disk."""
    if handle is not None:
        with contextlib.suppress(OSError):  # the file itself is on the disk; some file systems cannot flush folders
            os.fsync(handle)


def _close_folder(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)
