"""Saving is whole or not at all: what the disk, the user or the system does in the middle costs no model."""

import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import tinynet as tn
from tinynet import files

ROOT = Path(__file__).parents[1]
KILLS = 100 if settings.default.max_examples >= 500 else 5
SIZE = 200  # of the matrix of the model: a file of 160 KB
posix = pytest.mark.skipif(os.name == "nt", reason="signals, permissions and limits are POSIX's")


def constant(value, size=SIZE):
    """A model all of whose weights have this value, so that a file put together from two models is seen."""
    model = tn.Sequential([tn.layers.Dense(size, input_shape=(size,))], seed=0)
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    return model


def value_of(path):
    """The value of all weights in the file."""
    (value,) = {*np.concatenate([weight.ravel() for weight in tn.models.load_model(path).get_weights()]).tolist()}
    return value


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def script(text):
    """The beginning of a command that runs these lines, with `constant` in them."""
    head = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_files import constant\n"
    return [sys.executable, "-c", head + textwrap.dedent(text)]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


# ---- the order of the steps ----------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("save", ["save", "save_weights"])
def test_the_content_is_flushed_then_named_then_the_folder_is_flushed(tmp_path, monkeypatch, save):
    steps = []
    fsync, replace = os.fsync, os.replace

    def flushed(number):
        found = os.fstat(number)
        steps.append(("flush", "folder" if stat.S_ISDIR(found.st_mode) else found.st_size))
        fsync(number)

    def named(old, new):
        steps.append(("name", Path(old).parent, Path(new)))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", named)
    getattr(constant(1), save)(tmp_path / "m.npz")
    size = (tmp_path / "m.npz").stat().st_size
    assert steps == [("flush", size), ("name", tmp_path, tmp_path / "m.npz"), ("flush", "folder")]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_whatever_fails_the_old_file_stays_and_nothing_else(tmp_path, monkeypatch, step, error):
    path = tmp_path / "m.npz"
    constant(1).save(path)
    other = constant(2)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open" if step == "open" else f"os.{step}", fail)
        with pytest.raises(type(error)):
            other.save(path)
    assert value_of(path) == 1
    assert names(tmp_path) == ["m.npz"]
    other.save(path)
    assert value_of(path) == 2


def test_a_model_that_cannot_be_written_down_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.npz"
    constant(1).save(path)
    with pytest.raises(ValueError, match="digits"):
        tn.Sequential([tn.layers.Dense(1, input_shape=(1,))], seed=10**200).save(path)
    assert value_of(path) == 1
    assert names(tmp_path) == ["m.npz"]


@posix
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_permissions_are_those_of_any_new_file(tmp_path, mask, mode):
    old = os.umask(mask)
    try:
        for _ in range(2):
            constant(1, 2).save(tmp_path / "m.npz")
            assert stat.S_IMODE((tmp_path / "m.npz").stat().st_mode) == mode
    finally:
        os.umask(old)


@posix
def test_a_link_keeps_pointing_to_the_file(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "m.npz").symlink_to(Path("there") / "real.npz")
    for value in (1, 2):
        constant(value, 2).save(tmp_path / "m.npz")
        assert (tmp_path / "m.npz").is_symlink()
        assert value_of(tmp_path / "m.npz") == value_of(tmp_path / "there" / "real.npz") == value
    assert names(tmp_path / "there") == ["real.npz"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_an_error_of_the_system(tmp_path):
    constant(1, 2).save(tmp_path / "m.npz")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            constant(2, 2).save(tmp_path / "m.npz")
    finally:
        tmp_path.chmod(0o755)
    assert value_of(tmp_path / "m.npz") == 1


@pytest.mark.parametrize("save", ["save", "save_weights"])
def test_overwrite_false_leaves_what_is_there(tmp_path, save):
    path = tmp_path / "m.npz"
    if save == "save_weights":
        constant(3, 2).save_weights(tmp_path / "new.npz", overwrite=False)
    else:
        constant(3, 2).save(tmp_path / "new.npz", overwrite=False)
    assert (tmp_path / "new.npz").exists()
    constant(1, 2).save(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite is False"):
        getattr(constant(2, 2), save)(path, overwrite=False)
    assert path.read_bytes() == before


def test_a_name_that_nothing_can_be_saved_under(tmp_path):
    with pytest.raises(FileNotFoundError):
        constant(1, 2).save(tmp_path / "absent" / "m.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OSError, match=r"folder\.npz"):
        constant(1, 2).save(tmp_path / "folder.npz")
    assert names(tmp_path) == ["folder.npz"]


# ---- litter --------------------------------------------------------------------------------------------------------


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@posix
def test_what_processes_left_that_are_gone_is_removed_and_nothing_else(tmp_path):
    gone = [f".m.npz.{number}.0123abcd.tmp" for number in (dead_process(), os.getpid())]
    stay = [f".m.npz.{os.getppid()}.0123abcd.tmp", f".n.npz.{dead_process()}.0123abcd.tmp"]
    stay += ["m.npz.tmp", ".m.npz.x.y.tmp"]
    for name in (*gone, *stay):
        (tmp_path / name).write_bytes(b"x")
    constant(1, 2).save(tmp_path / "m.npz")
    assert names(tmp_path) == sorted([*stay, "m.npz"])


def test_a_name_with_the_signs_of_a_pattern_is_a_name(tmp_path):
    litter = tmp_path / f".a.npz.{dead_process()}.0123abcd.tmp"
    litter.write_bytes(b"x")
    constant(1, 2).save(tmp_path / "[ab].npz")
    assert names(tmp_path) == sorted([litter.name, "[ab].npz"])


# ---- at once -------------------------------------------------------------------------------------------------------


def test_threads_that_save_to_one_path_never_leave_half_a_file(tmp_path):
    path, failed = tmp_path / "m.npz", []
    constant(0).save(path)

    def saves(value):
        try:
            for _ in range(15):
                constant(value).save(path)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=saves, args=(value,)) for value in (1, 2)]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(value_of(path))
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen <= {0, 1, 2}
    assert value_of(path) in {1, 2}
    assert names(tmp_path) == ["m.npz"]
    assert not files._writing


def test_processes_that_save_to_one_path_never_leave_half_a_file(tmp_path):
    path = tmp_path / "m.npz"
    constant(0).save(path)
    command = script("for _ in range(20):\n    constant(float(sys.argv[1])).save(sys.argv[2])")
    running = [subprocess.Popen([*command, str(value), str(path)], env=environment()) for value in (1, 2)]
    while any(one.poll() is None for one in running):
        assert value_of(path) in {0, 1, 2}
    assert [one.returncode for one in running] == [0, 0]
    assert value_of(path) in {1, 2}
    assert names(tmp_path) == ["m.npz"]


# ---- killed, and no room -------------------------------------------------------------------------------------------


@posix
def test_a_process_that_is_killed_while_it_saves_leaves_a_whole_file(tmp_path):
    """At random moments of a loop of saves; each time the file is whole, and one temporary file at most is left."""
    path, moments, cut = tmp_path / "m.npz", random.Random(0), 0
    constant(0).save(path)
    command = script(
        """
        models = [constant(value) for value in range(4)]
        print("ready", flush=True)
        while True:
            for model in models:
                model.save(sys.argv[1])
        """
    )
    for _ in range(KILLS):
        with subprocess.Popen([*command, str(path)], env=environment(), stdout=subprocess.PIPE) as running:
            assert running.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0, 0.05))
            running.send_signal(signal.SIGKILL)
            running.wait()
        assert value_of(path) in range(4)
        left = [name for name in names(tmp_path) if name != "m.npz"]
        cut += len(left)
        assert len(left) <= 1, left
    constant(5).save(path)
    assert value_of(path) == 5
    assert names(tmp_path) == ["m.npz"]
    if KILLS >= 100:
        assert cut >= 5, "no save was hit in the middle: the test shows nothing"


@posix
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_process_that_is_killed_at_a_given_step(tmp_path, step):
    """Killed when it has the file open, when it flushes it, and when it gives it its name."""
    path = tmp_path / "m.npz"
    constant(1).save(path)
    lines = f"""
        import os, signal
        model = constant(2)
        def stop(*_):
            os.kill(os.getpid(), signal.SIGKILL)
        if {step!r} == "open":
            import tinynet.files
            class Stopping:
                def __init__(self, *given): self.file = open(*given)
                def __enter__(self): self.file.write(b"half"); self.file.flush(); stop()
                def __exit__(self, *_): pass
            tinynet.files.open = Stopping
        else:
            setattr(os, {step!r}, stop)
        model.save(sys.argv[1])
        """
    done = subprocess.run([*script(lines), str(path)], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert value_of(path) == 1
    assert len(names(tmp_path)) == 2  # the file and what was left behind
    constant(3).save(path)
    assert value_of(path) == 3
    assert names(tmp_path) == ["m.npz"]


@posix
@pytest.mark.parametrize("room", [0, 1, 4096, 100_000, 160_000])
def test_without_room_for_the_file_the_old_one_stays_and_nothing_else(tmp_path, room):
    path = tmp_path / "m.npz"
    constant(1).save(path)
    assert path.stat().st_size > room
    lines = """
        import errno, resource
        model, room = constant(2), int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            model.save(sys.argv[1])
        except OSError as error:
            sys.exit(0 if error.errno == errno.EFBIG else 1)
        sys.exit(2)
        """
    done = subprocess.run([*script(lines), str(path), str(room)], env=environment(), check=False)
    assert done.returncode == 0
    assert value_of(path) == 1
    assert names(tmp_path) == ["m.npz"]
