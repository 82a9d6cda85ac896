"""Runs a job of benchmarks/gpu.py: a process that answers questions, so that several can take turns."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from machine import usual

JOBS = Path(__file__).parent / "jobs"
ROOT = Path(__file__).resolve().parents[1]  # of the checkout whose tinynet is measured, installed or not
TAIL = 20_000  # bytes of stderr that are kept
ERROR = re.compile(r"^[\w.]*(Error|Exception|Interrupt)\b|\b[Ee]rror:|^Fatal |^terminate called")
# Settings by which a user may have changed what is measured
UNWANTED = ("CUPY_ACCELERATORS", "CUPY_COMPILE_WITH_PTX", "CUPY_CUDA_COMPILE_WITH_DEBUG", "CUPY_GPU_MEMORY_LIMIT")
UNWANTED += ("CUPY_CUDA_PER_THREAD_DEFAULT_STREAM", "CUPY_TF32", "JAX_", "XLA_", "TORCH", "PYTORCH_", "TINYNET_")
UNWANTED += ("NVIDIA_TF32", "CUDA_LAUNCH", "CUBLAS_")


class Failed(Exception):
    """A job failed, ended or did not answer: the reason, a line, and in `said` the end of what it wrote to stderr."""

    def __init__(self, reason, said=""):
        super().__init__(reason)
        self.said = said


class Job:
    """A process that answers questions, a line of JSON each."""

    def __init__(self, arguments, rehearse):
        command = [sys.executable, str(JOBS / arguments[0]), *arguments[1:]]
        self.errors = tempfile.TemporaryFile("a+b")  # noqa: SIM115, close() closes it; it writes at the end, wherever we read
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
            raise self._failed(f"no answer within {seconds:.0f} s") from None
        if not line:
            status = self.process.wait()
            how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            raise self._failed(f"ended {how}")
        found = json.loads(line)
        if "failed" in found:
            raise Failed(found["failed"], self.said())
        return found

    def said(self):
        """The end of what it has written to stderr."""
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - TAIL))
        return self.errors.read().decode(errors="replace").strip()

    def _failed(self, what):
        said = self.said()
        last = telling(said)
        return Failed(f"{what}: {last}" if last else what, said)

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


def telling(text):
    """The last line that names an error; behind it may stand notes and rulers. Else the last line, or nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if ERROR.search(line)), lines[-1] if lines else "")


def environment(rehearse):
    """That of a job: this checkout's tinynet comes first; what would change numbers or speed is left out, no TF32."""
    given = {name: value for name, value in usual().items() if not name.startswith(UNWANTED)}
    # Without a GPU "cuda" alone fails with a bare AssertionError; the first of the list is JAX's default device
    given |= {"JAX_PLATFORMS": "cpu" if rehearse else "cuda,cpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    given["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [given.get("PYTHONPATH")])])
    given |= {"OMP_NUM_THREADS": "1"} if rehearse else {}  # else tiny work waits for threads
    return given | {"NVIDIA_TF32_OVERRIDE": "0"}
