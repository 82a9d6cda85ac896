"""Finding or downloading the files of a data set: folders, mirrors, Debian's package, and everything that fails."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import re
import socket
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tinynet.datasets import fashion_mnist, fetch, idx

ARRAYS = {
    "train-images-idx3-ubyte": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "train-labels-idx1-ubyte": np.array([9, 0], np.uint8),
    "t10k-images-idx3-ubyte": np.arange(100, 112, dtype=np.uint8).reshape(1, 3, 4),
    "t10k-labels-idx1-ubyte": np.array([7], np.uint8),
}
PLAIN = {name: idx.encode(array) for name, array in ARRAYS.items()}
FILES = {name: hashlib.sha256(content).hexdigest() for name, content in PLAIN.items()}
GZIPPED = {name: gzip.compress(content) for name, content in PLAIN.items()}
FIRST, SECOND, THIRD, FOURTH = NAMES = list(ARRAYS)
OTHER = gzip.compress(idx.encode(ARRAYS[FIRST] + 1))  # a whole IDX file of the right shape, but not the right one
PAGE = b"<!DOCTYPE html><html><body>Please log in to the network</body></html>"
PACKAGE, PACKAGE_FOLDER = "dataset-toys", "/usr/share/datasets/toys"


@pytest.fixture(autouse=True)
def closed_world(tmp_path, monkeypatch):
    """Nothing beyond 127.0.0.1 can be reached, and no folder, program or variable of the user's is seen."""
    for name in ("home", "no-programs", "temporary"):
        (tmp_path / name).mkdir()
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name in ("TINYNET_DATA", "KERAS_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(fashion_mnist, "FILES", FILES)
    monkeypatch.setattr(fashion_mnist, "MIRRORS", ())
    monkeypatch.setattr(fashion_mnist, "PACKAGE", PACKAGE)
    monkeypatch.setattr(fashion_mnist, "PACKAGE_FOLDER", str(tmp_path / "no-package"))
    monkeypatch.setattr(urllib.request, "_opener", None)  # one made before may remember a proxy
    connect = socket.create_connection

    def connect_here(address, *rest, **options):
        assert address[0] == "127.0.0.1", f"a test tried to reach {address}"
        return connect(address, *rest, **options)

    monkeypatch.setattr(socket, "create_connection", connect_here)


@pytest.fixture
def server():
    """A web server on 127.0.0.1. `pages` maps a path to (status, headers, body); `requests` lists the paths asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self):
            self.server.requests.append(self.path)
            status, headers, body = self.server.pages.get(self.path, (404, {}, b"nothing here"))
            with contextlib.suppress(ConnectionError):  # the client may hang up on a body that is too long
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads = False  # so that leaving the with block waits for them
        made.pages, made.requests = {}, []
        made.base = f"http://127.0.0.1:{made.server_address[1]}"
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


@pytest.fixture
def closed_port():
    """A mirror's address on which nobody listens; the port stays bound, so that nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"


@pytest.fixture
def debian(tmp_path, monkeypatch):
    """A function that puts a fake apt-get and a fake dpkg-deb on PATH.

    They note their folder and arguments, a line each in the file that is returned. An archive is a file that names the
    folder tree which is in it; `content` is what is in the package, and `update`, `download` and `unpack` are shell
    commands that run first.
    """
    programs, tree, log = tmp_path / "programs", tmp_path / "tree", tmp_path / "log"

    def install(content=GZIPPED, update=":", download=":", unpack=":"):
        fill(tree / PACKAGE_FOLDER.lstrip("/"), content)
        log.touch()
        programs.mkdir()
        note = f'#!/bin/sh\nPATH=/usr/bin:/bin\necho "$PWD|${{0##*/}} $*" >> "{log}"\n'
        (programs / "apt-get").write_text(
            f"""{note}
            for part in "$@"; do
                case "$part" in
                    Dir::State::Lists=*) test -d "${{part#*=}}/partial" || {{ echo "E: no lists"; exit 100; }} ;;
                    Dir::Cache=*) test -d "${{part#*=}}/archives/partial" || {{ echo "E: no cache"; exit 100; }} ;;
                    update) {update} ;;
                    download) {download}; echo "{tree}" > "{PACKAGE}_1.0_all.deb" ;;
                esac
            done
            """
        )
        (programs / "dpkg-deb").write_text(f'{note}\n{unpack}\ntest "$1" = -x && cp -r "$(cat "$2")" "$3"\n')
        for program in programs.iterdir():
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(programs))
        return log

    return install


def fill(folder, files, ending=".gz"):
    """Write these files into a folder, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{ending}").write_bytes(content)
    return folder


def publish(server, path, files):
    """Serve these files below a path; the mirror's address is returned."""
    server.pages.update({f"{path}{name}.gz": (200, {}, content) for name, content in files.items()})
    return server.base + path


def obtain(known=(), given=None, mirrors=()):
    folders = [Path(given)] if given else list(known)
    return fetch.obtain("Toys", FILES, folders, bool(given), mirrors, PACKAGE, PACKAGE_FOLDER)


def failure(**options):
    with pytest.raises(fetch.FetchError) as caught:
        obtain(**options)
    return str(caught.value)


def assert_complete(arrays):
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == np.uint8
        assert arrays[name].tolist() == array.tolist()


def contents(folder):
    """What is in a folder, by name; hidden and temporary files too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def gz(files):
    return {f"{name}.gz": content for name, content in files.items()}


def only(files, *names):
    return {name: files[name] for name in names}


# --- found on this machine


def test_files_in_the_first_folder_are_used_without_a_request(tmp_path, server):
    mirror = publish(server, "/", GZIPPED)
    assert_complete(obtain([fill(tmp_path / "a", GZIPPED), tmp_path / "b"], mirrors=[mirror]))
    assert server.requests == []


def test_files_that_are_not_gzipped_are_found_too(tmp_path):
    assert_complete(obtain([fill(tmp_path / "a", PLAIN, ending="")]))


def test_a_plain_file_under_a_gzipped_name_is_read_all_the_same(tmp_path):
    assert_complete(obtain([fill(tmp_path / "a", PLAIN)]))


def test_a_plain_file_goes_before_a_gzipped_one(tmp_path, monkeypatch):
    folder, decompressed = fill(fill(tmp_path / "a", GZIPPED), only(PLAIN, SECOND), ending=""), []
    inflate = idx._inflate
    monkeypatch.setattr(
        idx, "_inflate", lambda content, limit: decompressed.append(bytes(content)) or inflate(content, limit)
    )
    assert_complete(obtain([folder]))
    assert set(decompressed) == {content for name, content in GZIPPED.items() if name != SECOND}


def test_what_lies_in_the_place_of_a_gzipped_file_in_the_cache_does_no_harm(tmp_path, server):
    (tmp_path / "cache" / f"{FIRST}.gz").mkdir(parents=True)
    assert_complete(obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)]))


def test_files_may_lie_in_different_folders(tmp_path, server):
    a = fill(tmp_path / "a", only(GZIPPED, FIRST))
    b = fill(tmp_path / "b", only(PLAIN, SECOND, THIRD), ending="")
    c = fill(tmp_path / "c", only(GZIPPED, THIRD, FOURTH))
    assert_complete(obtain([a, tmp_path / "absent", b, c], mirrors=[server.base + "/"]))
    assert server.requests == []
    assert contents(a) == gz(only(GZIPPED, FIRST))  # nothing is copied about


def test_the_content_is_verified_and_not_the_gzip_file(tmp_path):
    assert_complete(obtain([fill(tmp_path / "a", {n: gzip.compress(c, 1, mtime=7) for n, c in PLAIN.items()})]))


def test_a_wrong_file_in_one_known_folder_is_passed_over_for_a_right_one_in_the_next(tmp_path):
    a, b = fill(tmp_path / "a", {**GZIPPED, FIRST: OTHER}), fill(tmp_path / "b", GZIPPED)
    assert_complete(obtain([a, b]))


def test_a_file_that_was_found_is_not_looked_for_again(tmp_path):
    a, b = fill(tmp_path / "a", only(GZIPPED, FIRST)), fill(tmp_path / "b", {FIRST: OTHER})
    assert str(b / FIRST) not in failure(known=[a, b])


def test_arrays_from_files_can_be_written_to(tmp_path):
    arrays = obtain([fill(tmp_path / "a", GZIPPED)])
    assert all(array.flags.writeable for array in arrays.values())


# --- fetched from mirrors


def test_what_is_missing_is_fetched_and_nothing_else(tmp_path, server):
    cache, other = fill(tmp_path / "cache", only(GZIPPED, FIRST)), fill(tmp_path / "other", only(GZIPPED, FOURTH))
    assert_complete(obtain([cache, other], mirrors=[publish(server, "/", GZIPPED)]))
    assert server.requests == [f"/{SECOND}.gz", f"/{THIRD}.gz"]
    assert contents(cache) == {**gz(only(GZIPPED, FIRST)), **only(PLAIN, SECOND, THIRD)}
    assert contents(other) == gz(only(GZIPPED, FOURTH))


def test_what_was_fetched_is_in_the_cache_afterwards(tmp_path, server):
    cache = tmp_path / "deep" / "cache"
    mirror = publish(server, "/", GZIPPED)
    assert_complete(obtain([cache, tmp_path / "other"], mirrors=[mirror]))
    assert server.requests == [f"/{name}.gz" for name in NAMES]
    assert contents(cache) == PLAIN  # so that the next start need not decompress
    assert not (tmp_path / "other").exists()
    assert_complete(obtain([cache, tmp_path / "other"], mirrors=[mirror]))
    assert len(server.requests) == len(NAMES)


def test_mirrors_are_asked_in_order_and_only_for_what_is_still_missing(tmp_path, server):
    one = publish(server, "/one/", only(GZIPPED, FIRST, SECOND, FOURTH))
    two, three = publish(server, "/two/", GZIPPED), publish(server, "/three/", GZIPPED)
    assert_complete(obtain([tmp_path / "cache"], mirrors=[one, two, three]))
    asked = [f"/one/{FIRST}.gz", f"/one/{SECOND}.gz", f"/one/{THIRD}.gz", f"/two/{THIRD}.gz", f"/two/{FOURTH}.gz"]
    assert server.requests == asked


def test_what_came_before_a_failure_is_kept(tmp_path, server):
    mirror = publish(server, "/", only(GZIPPED, FIRST, SECOND))
    failure(known=[tmp_path / "cache"], mirrors=[mirror])
    assert contents(tmp_path / "cache") == only(PLAIN, FIRST, SECOND)


BAD_ANSWERS = {
    "wrong content": ((200, {}, OTHER), "the content is another: its SHA-256 is"),
    "not found": ((404, {}, b"no"), "404"),
    "server error": ((503, {}, PAGE), "503"),
    "web page": ((200, {}, PAGE), "web page"),
    "gzipped web page": ((200, {}, gzip.compress(PAGE)), "web page"),
    "nothing": ((200, {}, b""), "there are 0"),
    "short body": ((200, {"Content-Length": "1000"}, GZIPPED[FIRST]), rf"{len(GZIPPED[FIRST])}.*1,000"),
    "cut off": ((200, {}, GZIPPED[FIRST][:-9]), "cut off"),
    "unknown length, cut off": ((200, {"Content-Length": None}, GZIPPED[FIRST][:-9]), "cut off"),
    "no number for a length": ((200, {"Content-Length": "many"}, GZIPPED[FIRST]), "many"),
    "endless redirection": ((302, {"Location": f"/one/{FIRST}.gz"}, b""), "302|redirect"),
    "redirection into the disk": ((302, {"Location": "file:///etc/passwd"}, b""), "302|redirect"),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_bad_mirror_is_passed_over_for_a_good_one(tmp_path, server, kind):
    one, two = publish(server, "/one/", GZIPPED), publish(server, "/two/", GZIPPED)
    server.pages[f"/one/{FIRST}.gz"], _ = BAD_ANSWERS[kind]
    assert_complete(obtain([tmp_path / "cache"], mirrors=[one, two]))
    assert f"/one/{FIRST}.gz" in server.requests
    assert [path for path in server.requests if path.startswith("/two/")] == [f"/two/{name}.gz" for name in NAMES]
    assert contents(tmp_path / "cache") == PLAIN


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_the_reason_why_a_mirror_failed_is_told_with_the_file(tmp_path, server, kind):
    mirror = publish(server, "/one/", GZIPPED)
    server.pages[f"/one/{FIRST}.gz"], reason = BAD_ANSWERS[kind]
    (line,) = [line for line in failure(known=[tmp_path / "cache"], mirrors=[mirror]).splitlines() if mirror in line]
    assert re.search(reason, line)
    assert FIRST in line
    assert contents(tmp_path / "cache") == {}


def test_a_mirror_that_cannot_be_reached_is_passed_over(tmp_path, server, closed_port):
    assert_complete(obtain([tmp_path / "cache"], mirrors=[closed_port, publish(server, "/", GZIPPED)]))


def test_a_mirror_that_hangs_up_is_passed_over(tmp_path, server):
    with socket.create_server(("127.0.0.1", 0)) as rude:
        rude.settimeout(10)

        def hang_up():
            connection, _ = rude.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        mirror = f"http://127.0.0.1:{rude.getsockname()[1]}/"
        assert_complete(obtain([tmp_path / "cache"], mirrors=[mirror, publish(server, "/", GZIPPED)]))
        thread.join()


def test_a_mirror_has_so_many_seconds_to_answer(tmp_path, server, monkeypatch):
    connect, timeouts = socket.create_connection, []
    monkeypatch.setattr(socket, "create_connection", lambda *args: (timeouts.append(args[1]), connect(*args))[1])
    obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)])
    assert timeouts == [fetch.TIMEOUT] * len(NAMES)
    assert 5 <= fetch.TIMEOUT <= 60


def test_a_mirror_that_stays_silent_is_passed_over(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections wait in its queue, never accepted
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        (line,) = [line for line in failure(known=[tmp_path], mirrors=[mirror]).splitlines() if mirror in line]
    assert "timed out" in line


def test_a_body_that_is_too_large_is_refused_before_it_is_whole(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST_FILE", 1 << 20)
    mirror = publish(server, "/one/", GZIPPED)
    server.pages[f"/one/{FIRST}.gz"] = (200, {"Content-Length": None}, bytes(5 << 20))
    text = failure(known=[tmp_path / "cache"], mirrors=[mirror])
    assert re.search(rf"{re.escape(mirror)}.*{FIRST}.*more than 1 MiB", text)
    assert_complete(obtain([tmp_path / "cache"], mirrors=[mirror, publish(server, "/two/", GZIPPED)]))


def test_a_file_of_exactly_the_largest_size_is_accepted(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fetch, "LARGEST_FILE", max(len(content) for content in GZIPPED.values()))
    assert_complete(obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)]))


def test_a_body_of_unknown_length_is_accepted(tmp_path, server):
    mirror = publish(server, "/", GZIPPED)
    server.pages = {path: (200, {"Content-Length": None}, body) for path, (_, _, body) in server.pages.items()}
    assert_complete(obtain([tmp_path / "cache"], mirrors=[mirror]))


def test_a_mirror_may_redirect(tmp_path, server):
    publish(server, "/new/", GZIPPED)
    server.pages.update({f"/old/{name}.gz": (302, {"Location": f"/new/{name}.gz"}, b"") for name in NAMES})
    assert_complete(obtain([tmp_path / "cache"], mirrors=[f"{server.base}/old/"]))


def test_what_is_being_fetched_is_said_on_stderr(tmp_path, server, capsys):
    mirror = publish(server, "/", GZIPPED)
    obtain([tmp_path / "cache"], mirrors=[mirror])
    said = capsys.readouterr()
    assert said.out == ""
    first, *rest = said.err.splitlines()
    assert first == f"Fetching Toys into {tmp_path / 'cache'}"
    assert rest == [f"  {name}.gz from {mirror.split('/')[2]}" for name in NAMES]
    obtain([tmp_path / "cache"], mirrors=[mirror])
    assert capsys.readouterr().err == ""


def test_nothing_is_said_where_there_is_no_stderr(tmp_path, server, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as after 2>&-
    assert_complete(obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)]))
    assert capsys.readouterr().out == ""


def test_a_terminal_shows_how_much_has_come(tmp_path, server, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    server.pages[f"/{FIRST}.gz"] = (200, {}, bytes(1_500_000))
    failure(known=[tmp_path / "cache"], mirrors=[f"{server.base}/"])
    _, line, failed, *_ = sys.stderr.getvalue().split("\n")
    redrawn = line.split("\r")
    assert redrawn[0] == f"  {FIRST}.gz from {server.base.split('/')[2]}"
    assert failed.startswith("    failed: the type byte is 00")
    assert all(line.startswith(redrawn[0]) and line.endswith(" of 1.5 MB") for line in redrawn[1:])
    assert 3 <= len(redrawn) <= 10  # now and then, not with every piece


# --- damaged files


@pytest.mark.parametrize("damaged", [OTHER, GZIPPED[FIRST][:-3], PAGE, b""], ids=["other", "cut off", "page", "empty"])
def test_a_damaged_file_in_the_cache_is_replaced(tmp_path, server, damaged):
    cache = fill(tmp_path / "cache", {**GZIPPED, FIRST: damaged})
    assert_complete(obtain([cache], mirrors=[publish(server, "/", GZIPPED)]))
    assert server.requests == [f"/{FIRST}.gz"]
    assert contents(cache) == {**gz(only(GZIPPED, SECOND, THIRD, FOURTH)), **only(PLAIN, FIRST)}


def test_a_damaged_plain_file_in_the_cache_is_not_met_again(tmp_path, server):
    cache = fill(fill(tmp_path / "cache", only(GZIPPED, SECOND, THIRD, FOURTH)), {FIRST: b"damaged"}, ending="")
    mirror = publish(server, "/", GZIPPED)
    assert_complete(obtain([cache], mirrors=[mirror]))
    assert_complete(obtain([cache], mirrors=[mirror]))
    assert server.requests == [f"/{FIRST}.gz"]


def test_a_damaged_file_in_the_cache_is_named_if_it_cannot_be_replaced(tmp_path):
    cache = fill(tmp_path / "cache", {**GZIPPED, FIRST: OTHER})
    assert f"{cache / FIRST}.gz: the content is another" in failure(known=[cache])
    assert contents(cache) == gz({**GZIPPED, FIRST: OTHER})


@pytest.mark.parametrize("damaged", [OTHER, GZIPPED[FIRST][:-3], PAGE, b""], ids=["other", "cut off", "page", "empty"])
def test_a_damaged_file_in_a_given_folder_is_an_error_and_stays(tmp_path, server, damaged):
    folder = fill(tmp_path / "given", {**GZIPPED, FIRST: damaged})
    known = fill(tmp_path / "known", GZIPPED)
    with pytest.raises(idx.IdxError, match=re.escape(f"{folder / FIRST}.gz is not the file that belongs there")):
        obtain([known], given=folder, mirrors=[publish(server, "/", GZIPPED)])
    assert server.requests == []
    assert contents(folder) == gz({**GZIPPED, FIRST: damaged})


def test_a_good_plain_file_beside_a_damaged_gzipped_one_is_used(tmp_path):
    folder = fill(fill(tmp_path / "a", {**GZIPPED, FIRST: OTHER}), only(PLAIN, FIRST), ending="")
    assert_complete(obtain([folder]))


# --- given folders


def test_a_given_folder_is_used_alone(tmp_path, server):
    given = fill(tmp_path / "given", only(GZIPPED, FIRST))
    known = fill(tmp_path / "known", only(GZIPPED, SECOND))
    assert_complete(obtain([known], given=given, mirrors=[publish(server, "/", GZIPPED)]))
    assert server.requests == [f"/{name}.gz" for name in (SECOND, THIRD, FOURTH)]
    assert contents(given) == gz(GZIPPED)
    assert contents(known) == gz(only(GZIPPED, SECOND))


def test_a_given_folder_is_made_if_it_is_not_there(tmp_path, server):
    obtain([tmp_path / "cache"], given=str(tmp_path / "a" / "b"), mirrors=[publish(server, "/", GZIPPED)])
    assert contents(tmp_path / "a" / "b") == gz(GZIPPED)
    assert not (tmp_path / "cache").exists()


def test_a_given_folder_that_cannot_be_written_is_an_error(tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    mirror = publish(server, "/", GZIPPED)
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))) as caught:
        obtain([tmp_path / "cache"], given=tmp_path / "file" / "data", mirrors=[mirror])
    assert not isinstance(caught.value, fetch.FetchError)
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_costs_a_warning_and_not_the_data(tmp_path, server):
    (tmp_path / "file").write_bytes(b"")
    with pytest.warns(UserWarning, match="cannot be written to .* so Toys will be fetched again") as caught:
        arrays = obtain([tmp_path / "file" / "cache"], mirrors=[publish(server, "/", GZIPPED)])
    assert_complete(arrays)
    assert str(tmp_path / "file" / "cache") in str(caught[0].message)


def test_a_failing_disk_leaves_no_temporary_files_in_the_cache(tmp_path, server, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.warns(UserWarning, match="No space left"):
        assert_complete(obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)]))
    assert contents(tmp_path / "cache") == {}


def test_a_folder_that_cannot_be_looked_into_is_passed_over(tmp_path):
    hidden = tmp_path / ("x" * 300)  # no system has names that long; a folder without permission acts alike
    assert_complete(obtain([hidden, fill(tmp_path / "a", GZIPPED)]))


# --- when everything fails


def test_the_error_lists_all_that_was_tried_and_what_to_do(tmp_path, server, closed_port):
    cache, other = tmp_path / "cache", fill(tmp_path / "other", only(GZIPPED, FIRST))
    one, two = f"{server.base}/one/", publish(server, "/two/", {SECOND: OTHER})
    text = failure(known=[cache, other], mirrors=[one, closed_port, two])
    tried = [line[4:] for line in text.partition("What you can do:")[0].splitlines() if line.startswith("  - ")]
    assert text.startswith("Toys is not on this machine and could not be fetched.\n")
    assert len(tried) == 6
    assert tried[0] == f"{cache}: no such folder"
    assert tried[1] == f"{other}: no {SECOND}, {THIRD}, {FOURTH}"
    assert re.match(rf"{re.escape(one)}: .*404", tried[2])
    assert re.match(rf"{re.escape(closed_port)}: .*refused", tried[3])
    assert re.match(rf"{re.escape(two)}: .*SHA-256", tried[4])
    assert re.match(rf".*{PACKAGE}.*: apt-get is not on this machine", tried[5])
    advice = text.partition("What you can do:")[2]
    assert f"put {SECOND}.gz, {THIRD}.gz, {FOURTH}.gz into a folder" in advice
    for way in ("data_dir", "TINYNET_DATA", f"apt-get install {PACKAGE}", "sample=True"):
        assert way in advice


def test_a_fetch_error_is_an_os_error():
    assert issubclass(fetch.FetchError, OSError)


# --- Debian's package


def test_the_package_is_fetched_when_the_mirrors_fail(tmp_path, server, debian):
    log = debian()
    assert_complete(obtain([tmp_path / "cache"], mirrors=[publish(server, "/", only(GZIPPED, FIRST))]))
    assert server.requests == [f"/{FIRST}.gz", f"/{SECOND}.gz"]
    commands = [line.partition("|")[2] for line in log.read_text().splitlines()]
    assert [(command.split()[0], command.split()[-1]) for command in commands] == [
        ("apt-get", "update"),
        ("apt-get", PACKAGE),
        ("dpkg-deb", "out"),
    ]
    assert commands[1].endswith(f" download {PACKAGE}")
    assert contents(tmp_path / "cache") == PLAIN
    assert_complete(obtain([tmp_path / "cache"]))
    assert len(log.read_text().splitlines()) == 3


def test_the_package_is_left_alone_when_a_mirror_has_everything(tmp_path, server, debian):
    log = debian()
    obtain([tmp_path / "cache"], mirrors=[publish(server, "/", GZIPPED)])
    assert log.read_text() == ""


def test_apt_gets_lists_and_cache_of_its_own_which_are_gone_afterwards(tmp_path, debian):
    log = debian()
    obtain([tmp_path / "cache"])
    for line in log.read_text().splitlines()[:2]:
        work, _, command = line.partition("|")
        assert Path(work).parent == tmp_path / "temporary"
        assert f"-o Dir::State::Lists={work}/lists -o Dir::Cache={work}/cache" in command
    assert contents(tmp_path / "temporary") == {}


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_root_fetches_as_root_and_others_as_themselves(tmp_path, debian, monkeypatch, user, expected):
    log = debian()
    monkeypatch.setattr(os, "geteuid", lambda: user)
    obtain([tmp_path / "cache"])
    assert ["APT::Sandbox::User=root" in line for line in log.read_text().splitlines()[:2]] == [expected] * 2


def test_a_failing_update_does_not_matter_if_the_download_works(tmp_path, debian):
    debian(update='echo "E: one source is broken"; exit 100')
    assert_complete(obtain([tmp_path / "cache"]))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"download": 'echo "Reading lists"; echo "E: Unable to locate it"; exit 100'}, "E: Unable to locate it$"),
        ({"update": 'echo "W: no network"; exit 100', "download": "exit 100"}, "W: no network$"),
        ({"download": 'echo "a strange sentence"; exit 1'}, "a strange sentence$"),
        ({"download": 'echo "W: nothing to do"; exit 0'}, "downloaded nothing: W: nothing to do$"),
        ({"download": 'echo "E: the language is $LC_ALL"; exit 100'}, "E: the language is C$"),
        ({"unpack": 'echo "dpkg-deb: error: no archive"; exit 2'}, "dpkg-deb: error: no archive$"),
        ({"download": r"printf 'E: caf\351 is closed\n'; exit 100"}, "E: caf. is closed$"),  # Latin-1 on a UTF-8 system
        ({"content": only(GZIPPED, FIRST)}, f"the package has no {PACKAGE_FOLDER}/{SECOND}.gz$"),
        ({"content": {**GZIPPED, THIRD: OTHER}}, f"{THIRD}.*the content is another"),
    ],
)
def test_the_reason_why_the_package_failed_is_told(tmp_path, debian, broken, reason):
    debian(**broken)
    (line,) = [line for line in failure(known=[tmp_path / "cache"]).splitlines() if f"- package {PACKAGE}" in line]
    assert re.search(reason, line)
    assert contents(tmp_path / "temporary") == {}


@pytest.mark.parametrize("absent", ["apt-get", "dpkg-deb"])
def test_a_machine_without_apt_is_told_so(tmp_path, debian, absent):
    log = debian()
    (tmp_path / "programs" / absent).unlink()
    assert f"{absent} is not on this machine (it is on Debian and Ubuntu)" in failure(known=[tmp_path / "cache"])
    assert log.read_text() == ""


def test_a_program_that_cannot_be_run_is_told(tmp_path, debian):
    debian()
    (tmp_path / "programs" / "apt-get").write_bytes(b"#!/absent/shell\n")
    assert "apt-get failed: " in failure(known=[tmp_path / "cache"])


def test_a_given_folder_is_filled_from_the_package(tmp_path, debian):
    debian()
    assert_complete(obtain([tmp_path / "cache"], given=tmp_path / "given"))
    assert contents(tmp_path / "given") == gz(GZIPPED)


def test_no_temporary_folder_is_left_if_the_given_folder_cannot_be_written(tmp_path, debian):
    debian()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        obtain(given=tmp_path / "file" / "data")
    assert contents(tmp_path / "temporary") == {}


# --- the folders of Fashion-MNIST


def test_load_data_returns_images_and_labels_of_both_parts(tmp_path):
    found = fashion_mnist.load_data(fill(tmp_path / "given", GZIPPED))
    assert isinstance(found, tuple)
    assert [array.tolist() for part in found for array in part] == [array.tolist() for array in ARRAYS.values()]


def test_load_data_fetches_into_the_cache_below_home(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (publish(server, "/", GZIPPED),))
    fashion_mnist.load_data()
    assert contents(tmp_path / "home" / ".cache" / "tinynet" / "fashion-mnist") == PLAIN
    fashion_mnist.load_data()
    assert len(server.requests) == len(NAMES)


def test_load_data_fills_the_folder_in_tinynet_data(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (publish(server, "/", GZIPPED),))
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "data"))
    fashion_mnist.load_data()
    assert contents(tmp_path / "data") == gz(GZIPPED)
    assert contents(tmp_path / "home") == {}


def test_a_wrong_file_in_tinynet_data_is_an_error(tmp_path, server, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (publish(server, "/", GZIPPED),))
    monkeypatch.setenv("TINYNET_DATA", str(fill(tmp_path / "data", {**GZIPPED, FOURTH: OTHER})))
    with pytest.raises(idx.IdxError, match=FOURTH):
        fashion_mnist.load_data()
    assert server.requests == []


def test_data_dir_goes_before_tinynet_data(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNET_DATA", str(fill(tmp_path / "data", {FIRST: OTHER})))
    (images, _), _ = fashion_mnist.load_data(str(fill(tmp_path / "given", GZIPPED)))
    assert images.tolist() == ARRAYS[FIRST].tolist()


def test_an_empty_tinynet_data_is_as_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNET_DATA", "")
    fill(tmp_path / "home" / ".cache" / "tinynet" / "fashion-mnist", GZIPPED)
    fashion_mnist.load_data()


def test_debians_and_kerass_folders_are_searched(tmp_path, server, monkeypatch):
    package = fill(tmp_path / "package", only(GZIPPED, FIRST, SECOND))
    keras = fill(tmp_path / "home" / ".keras" / "datasets" / "fashion-mnist", only(GZIPPED, THIRD, FOURTH))
    monkeypatch.setattr(fashion_mnist, "PACKAGE_FOLDER", str(package))
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (f"{server.base}/",))
    fashion_mnist.load_data()
    assert server.requests == []
    assert fashion_mnist._known_folders() == [fetch.cache_folder("fashion-mnist"), package, keras]


def test_keras_home_is_honoured(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    fill(tmp_path / "keras" / "datasets" / "fashion-mnist", GZIPPED)
    assert fashion_mnist._known_folders()[2] == tmp_path / "keras" / "datasets" / "fashion-mnist"
    fashion_mnist.load_data()


def test_xdg_cache_home_is_honoured(tmp_path, server, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (publish(server, "/", GZIPPED),))
    assert fetch.cache_folder("toys") == tmp_path / "xdg" / "tinynet" / "toys"
    fashion_mnist.load_data()
    assert contents(tmp_path / "xdg" / "tinynet" / "fashion-mnist") == PLAIN
    assert contents(tmp_path / "home") == {}


@pytest.mark.parametrize("value", ["relative/folder", ".", ""])
def test_a_relative_xdg_cache_home_is_ignored(tmp_path, monkeypatch, value):
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert fetch.cache_folder("toys") == tmp_path / "home" / ".cache" / "tinynet" / "toys"


def test_a_given_folder_is_enough_for_a_user_without_a_home(tmp_path, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    fashion_mnist.load_data(fill(tmp_path / "given", GZIPPED))


def test_the_warning_of_a_cache_that_cannot_be_written_points_at_the_call(tmp_path, server, monkeypatch):
    (tmp_path / "home" / ".cache").write_bytes(b"")
    monkeypatch.setattr(fashion_mnist, "MIRRORS", (publish(server, "/", GZIPPED),))
    with pytest.warns(UserWarning, match="cannot be written to") as caught:
        fashion_mnist.load_data()
    assert {warning.filename for warning in caught} == {__file__}


def test_the_error_of_load_data_names_its_folders(tmp_path):
    with pytest.raises(fetch.FetchError, match="Fashion-MNIST is not on this machine") as caught:
        fashion_mnist.load_data()
    for folder in (fetch.cache_folder("fashion-mnist"), tmp_path / "no-package", tmp_path / "home" / ".keras"):
        assert str(folder) in str(caught.value)
