"""Finds the files of a data set, or downloads them. Their content is verified in any case.

A file's SHA-256 is that of its decompressed content, since the same images are published in .gz files that differ.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..files import write_whole
from . import idx

TIMEOUT = 15  # seconds without an answer from a mirror
LARGEST_FILE = 1 << 26  # bytes; no file of a data set here has half of that


class FetchError(OSError):
    """The data is not on this machine and could not be fetched. The message says what was tried and what to do."""


def cache_folder(name: str) -> Path:
    """Return the folder for a data set in the user's cache, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base and os.path.isabs(base) else Path.home() / ".cache") / "tinynet" / name


def decode_verified(content: bytes | bytearray, sha256: str) -> np.ndarray:
    """Return the array in the bytes of an IDX file; IdxError unless its decompressed content has this SHA-256."""
    return idx.parse(verified(content, sha256))


def verified(content: bytes | bytearray, sha256: str) -> bytearray:
    """Return the decompressed content of an IDX file; IdxError unless it has this SHA-256."""
    import hashlib

    whole = idx.payload(content)
    found = hashlib.sha256(whole).hexdigest()
    if found != sha256:
        raise idx.IdxError(f"the content is another: its SHA-256 is {found}, not {sha256}")
    return whole


def obtain(
    title: str,
    files: Mapping[str, str],
    folders: Sequence[Path],
    given: bool,
    mirrors: Sequence[str],
    package: str,
    package_folder: str,
) -> dict[str, np.ndarray]:
    """Return the arrays of a data set by file name.

    The folders are searched in order. Missing files are fetched into the first of them: from the mirrors in order, then
    out of the distribution's package.

    Args:
        title: The name of the data set, for messages.
        files: The SHA-256 of each file by its name, without .gz.
        folders: The folders to search.
        given: The user named the folder. A wrong file in it is then an error, and is left alone. Otherwise a wrong file
            is replaced, and a folder that cannot be written to is only a warning.
        mirrors: The addresses in front of the files' names.
        package: The package of Debian or Ubuntu that holds the files.
        package_folder: The folder of the files in that package.

    Raises:
        FetchError: A file is still missing in the end.
        IdxError: A file in a `given` folder is wrong.
        OSError: A `given` folder cannot be read or written.
    """
    tried: list[str] = []
    arrays: dict[str, np.ndarray] = {}
    for folder in folders:
        arrays.update(_search(folder, {n: files[n] for n in files if n not in arrays}, given, tried))
    missing = [name for name in files if name not in arrays]
    unwritable = _make_writable(folders[0]) if missing else None
    if unwritable and given:
        raise OSError(f"{title} is not in {folders[0]}, and that cannot be made or written to: {unwritable}")
    if missing:
        _say(f"Fetching {title} into {folders[0]}")
    sources = [(base, from_mirror) for base in mirrors] + [(f"package {package}", from_package(package_folder))]
    for source, get in sources if missing else ():
        try:
            for name, content in get(source, list(missing), title):
                whole = _checked(f"{name}.gz", content, files[name])
                arrays[name] = idx.parse(whole)
                missing.remove(name)
                unwritable = unwritable or _keep(folders[0], name, content if given else whole, compressed=given)
        except FetchError as error:
            tried.append(f"{source}: {error}")
            _say(f"    failed: {str(error).removeprefix(f'{missing[0]}.gz: ')}")
        if not missing:
            break
    if missing:
        raise FetchError(_explain(title, missing, tried, package))
    if unwritable and given:
        raise unwritable
    if unwritable:
        why = f"{folders[0]} cannot be written to ({unwritable})"
        warnings.warn(f"{why}, so {title} will be fetched again next time.", stacklevel=3)
    return arrays


def from_mirror(source: str, names: Sequence[str], title: str) -> Iterator[tuple[str, bytes]]:
    """Download `<source><name>.gz` for each name, and yield it; FetchError as soon as a download fails."""
    for name in names:
        yield name, _download(f"{source}{name}.gz", title)


def from_package(folder: str) -> Callable[[str, Sequence[str], str], Iterator[tuple[str, bytes]]]:
    """Return a source like `from_mirror`, for the files in this folder of "package NAME", one of Debian's or Ubuntu's.

    The package is downloaded as an ordinary user. apt-get works on temporary lists and cache folders, so nothing on the
    system changes and no root is needed.
    """

    def get(source: str, names: Sequence[str], title: str) -> Iterator[tuple[str, bytes]]:
        import shutil
        import tempfile

        for program in ("apt-get", "dpkg-deb"):
            if shutil.which(program) is None:
                raise FetchError(f"{program} is not on this machine (it is on Debian and Ubuntu)")
        with tempfile.TemporaryDirectory(prefix="tinynet-") as work, _announced(f"  {source}, with apt-get"):
            _unpack_package(source.rpartition(" ")[2], work)
            for name in names:
                path = Path(work, "out", folder.lstrip("/"), f"{name}.gz")
                if not path.is_file():
                    raise FetchError(f"the package has no {folder}/{name}.gz")
                yield name, path.read_bytes()

    return get


def _unpack_package(package: str, work: str) -> None:
    """Download a package with apt-get and unpack it into `work`/out."""
    for part in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(work, part))
    options = ["-q", "-o", f"Dir::State::Lists={work}/lists", "-o", f"Dir::Cache={work}/cache"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]
    said = _run(["apt-get", *options, "update"], work, must=False)  # one broken source may not matter
    said = _run(["apt-get", *options, "download", package], work, said)
    archives = [entry for entry in os.listdir(work) if entry.endswith(".deb")]
    if not archives:
        raise FetchError(f"apt-get downloaded nothing: {said}")
    _run(["dpkg-deb", "-x", archives[0], "out"], work)


def _search(folder: Path, files: Mapping[str, str], given: bool, tried: list[str]) -> dict[str, np.ndarray]:
    """Return the arrays of the right files in a folder, plain or gzipped. Add to `tried` what is absent or wrong."""
    from concurrent.futures import ThreadPoolExecutor  # decompressing and hashing leave other threads free to run

    arrays: dict[str, np.ndarray] = {}
    absent = []
    with ThreadPoolExecutor(len(files) or 1) as threads:
        found = threads.map(lambda name: _read_verified(folder, name, files[name]), files)
    for name, (array, wrong) in zip(files, found, strict=True):
        if array is not None:
            arrays[name] = array
        else:
            if not wrong:
                absent.append(name)
            elif given and isinstance(wrong[0][1], OSError):
                raise wrong[0][1]
            elif given:
                hint = (
                    "Delete the file to have it fetched again, or name another folder; images of your own are read by "
                    f"datasets.load({str(folder)!r})."
                )
                raise idx.IdxError(f"{wrong[0][0]} is not the file that belongs there: {wrong[0][1]}. {hint}")
        tried += [f"{path}: {error}" for path, error in wrong]
    if absent:
        tried.append(f"{folder}: " + (f"no {', '.join(absent)}" if os.path.isdir(folder) else "no such folder"))
    return arrays


def _read_verified(folder: Path, name: str, sha256: str) -> tuple[np.ndarray | None, list[tuple[Path, Exception]]]:
    """Return the array of the first right file, plain or gzipped, or None, and the wrong files with their errors."""
    wrong: list[tuple[Path, Exception]] = []
    for path in filter(os.path.isfile, (folder / name, folder / f"{name}.gz")):  # the plain one needs no decompressing
        try:
            content = bytearray(path.stat().st_size)
            with open(path, "rb") as file:
                file.readinto(content)
            return decode_verified(content, sha256), wrong
        except (idx.IdxError, OSError) as error:
            wrong.append((path, error))
    return None, wrong


def _checked(file: str, content: bytes, sha256: str) -> bytearray:
    """Return the decompressed content of a downloaded file; FetchError if it is another one."""
    try:
        return verified(content, sha256)
    except idx.IdxError as error:
        raise FetchError(f"{file}: {error}") from None


def _make_writable(folder: Path) -> OSError | None:
    """Make the folder and write a file into it as a trial. Return the error, if there is one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error
    probe = folder / ".writable"
    failure = _write(probe, b"")
    probe.unlink(missing_ok=True)
    return failure


def _keep(folder: Path, name: str, content: bytes | bytearray, compressed: bool) -> OSError | None:
    """Write a file that was fetched. Return the error, if there is one.

    The user's folder gets the file compressed, as it came. The cache gets it decompressed, which is read several times
    as quickly, and a damaged .gz file there is removed.
    """
    if compressed:
        return _write(folder / f"{name}.gz", content)
    error = _write(folder / name, content)
    if error is None:
        with contextlib.suppress(OSError):  # a .gz file that stays does no harm: the plain file is read first
            (folder / f"{name}.gz").unlink()
    return error


def _write(path: Path, content: bytes | bytearray) -> OSError | None:
    """Write a file whole or not at all. Return the error, if there is one."""
    try:
        write_whole(path, content)
    except OSError as error:
        return error
    return None


def _download(url: str, title: str) -> bytes:
    """Return the content of a file at this address; FetchError if it does not arrive whole."""
    from http.client import HTTPException
    from urllib.request import urlopen  # 43 ms, so not at import

    file = url.rpartition("/")[2]
    with _announced(f"  {file} from {url.split('/')[2]}") as show:
        try:
            with urlopen(url, timeout=TIMEOUT) as response:
                length = int(response.headers.get("Content-Length") or 0)
                content = bytearray()
                while piece := response.read(1 << 16):
                    content += piece
                    if len(content) > LARGEST_FILE:
                        raise FetchError(f"{file}: more than {LARGEST_FILE >> 20} MiB are sent; that is not the file")
                    show(len(content), length)
        except FetchError:
            raise
        except (OSError, HTTPException, ValueError) as error:
            if hasattr(error, "close"):  # an HTTPError holds the connection
                error.close()
            raise FetchError(f"{file}: {error}") from None
    if length and len(content) != length:
        raise FetchError(f"{file}: {len(content):,} of {length:,} bytes arrived")
    return bytes(content)


def _say(text: str, end: str = "\n") -> None:
    """Print to stderr, if there is one."""
    if sys.stderr is not None:  # print(file=None) would write to stdout
        print(text, end=end, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _announced(what: str) -> Iterator[Callable[[int, int], None]]:
    """Say on stderr what is being fetched. Yields show(done, total), which redraws the line on a terminal."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        if terminal and done >> 18 != shown:
            shown = done >> 18
            of = f" of {total / 1e6:.1f}" if total else ""
            _say(f"\r{what}: {done / 1e6:.1f}{of} MB", end="")

    _say(what, end="" if terminal else "\n")
    try:
        yield show
    finally:
        if terminal:
            _say("")


def _run(command: Sequence[str], work: str, before: str = "", must: bool = True) -> str:
    """Run a program in the folder `work`, and return its messages; FetchError if it failed, unless `must` is False."""
    import subprocess

    try:
        done = subprocess.run(
            command,
            cwd=work,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=300,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{command[0]} failed: {error}") from None
    said = "; ".join(line for line in done.stdout.splitlines() if line.startswith(("E:", "W:", "dpkg")))
    if done.returncode and must:
        raise FetchError(f"{command[0]} {command[-2]} {command[-1]} failed: {said or before or done.stdout.strip()}")
    return said


def _explain(title: str, missing: Sequence[str], tried: Sequence[str], package: str) -> str:
    """Return the message that says what was tried, and what the user can do."""
    lines = [f"{title} is not on this machine and could not be fetched.", "Tried:"]
    lines += [f"  - {attempt}" for attempt in tried]
    lines += [
        "What you can do:",
        f"  - put {', '.join(f'{name}.gz' for name in missing)} into a folder and pass it as data_dir=, or set "
        "TINYNET_DATA to it;",
        f"  - on Debian or Ubuntu: sudo apt-get install {package};",
        "  - start with the sample that comes with tinynet: load_data(sample=True).",
    ]
    return "\n".join(lines)
