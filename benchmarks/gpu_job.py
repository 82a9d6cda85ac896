"""A job of benchmarks/gpu.py: a process that answers questions, so that several can take turns."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from machine import usual

JOBS = Path(__file__).parent / "jobs"
ROOT = Path(__file__).resolve().parents[1]  # of the checkout whose tinynet is measured, installed or not
# Settings by which a user may have changed what is measured
UNWANTED = ("CUPY_", "JAX_", "XLA_", "TORCH", "PYTORCH_", "TINYNET_", "NVIDIA_TF32", "CUDA_LAUNCH", "CUBLAS_")


class Failed(Exception):
    """A job ended or did not answer, and what is known of it."""


class Job:
    """A process that answers questions, a line of JSON each."""

    def __init__(self, arguments, rehearse):
        command = [sys.executable, str(JOBS / arguments[0]), *arguments[1:]]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115, close() closes it
        self.process = subprocess.Popen(
            [*command, *(["--rehearse"] if rehearse else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(rehearse),
        )
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def ask(self, seconds, **question):
        """The answer; Failed if there is none within so many seconds."""
        with contextlib.suppress(BrokenPipeError):  # it has ended: the answer says so
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        return self.answer(seconds)

    def answer(self, seconds):
        try:
            line = self.lines.get(timeout=max(1, seconds))
        except queue.Empty:
            raise Failed(f"no answer within {seconds:.0f} s") from None
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            raise Failed(said[-1] if said else f"it ended with status {self.process.returncode}")
        return json.loads(line)

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.errors.close()


def environment(rehearse):
    """That of a job: this checkout's tinynet comes first; what would change numbers or speed is left out, no TF32."""
    given = {name: value for name, value in usual().items() if not name.startswith(UNWANTED)}
    # Without a GPU "cuda" alone fails with a bare AssertionError; the first of the list is JAX's default device
    given |= {"JAX_PLATFORMS": "cpu" if rehearse else "cuda,cpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    given["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [given.get("PYTHONPATH")])])
    return given | {"NVIDIA_TF32_OVERRIDE": "0"}
