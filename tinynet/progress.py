"""The progress line, in the look of the lesson.

    1875/1875 [==============================] - 1s 300us/step - loss: 0.4921 - accuracy: 0.8267
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

WIDTH = 30
REDRAW_EVERY = 0.1  # seconds


def choose_verbose(verbose: Any) -> int:
    """0, 1 or 2: "auto" is 1 (a bar) on a terminal or in a notebook and 2 (a line per epoch) anywhere else."""
    if verbose == "auto":
        return 1 if is_interactive() else 2
    if isinstance(verbose, (int, bool)) and int(verbose) in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"verbose must be 'auto', 0 (silent), 1 (a bar) or 2 (a line per epoch); got {verbose!r}.")


def is_interactive() -> bool:
    """Whether a line printed to stdout can be drawn over: on a terminal and in a notebook."""
    isatty = getattr(sys.stdout, "isatty", None)
    if isatty is not None and isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class Progress:
    """Draws the line of one pass over the batches.

    verbose 0 prints nothing. 1 draws the bar over and over, at most ten times a second, where the output can be drawn
    over, and prints the finished bar alone elsewhere. 2 prints one plain line at the end, without the bar.
    """

    def __init__(self, verbose: int, steps: int, epoch: str = ""):
        self.verbose, self.steps, self.epoch = verbose, steps, epoch
        self.redraws = verbose == 1 and is_interactive()
        self.length = 0
        self.started = self.drawn = time.perf_counter()
        if verbose == 1 and epoch:
            print(epoch)

    def due(self) -> bool:
        """Whether it is time to draw again."""
        return self.redraws and time.perf_counter() - self.drawn >= REDRAW_EVERY

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """Draw the running line after this many steps."""
        self.drawn = time.perf_counter()
        seconds = (self.drawn - self.started) / step
        eta = f"ETA: {clock(seconds * (self.steps - step))}"
        self._write(f"{self._bar(step)} - {eta}{formatted(values)}", end="")

    def finish(self, values: Mapping[str, float]) -> None:
        """Write the finished line."""
        if self.verbose == 0:
            return
        seconds = time.perf_counter() - self.started
        timing = f"{seconds:.0f}s {step_time(seconds / self.steps)}"
        if self.verbose == 1:
            self._write(f"{self._bar(self.steps)} - {timing}{formatted(values)}", end="\n")
        else:
            epoch = f"{self.epoch} - " if self.epoch else ""
            print(f"{epoch}{self.steps}/{self.steps} - {timing}{formatted(values)}", flush=True)

    def abort(self) -> None:
        """Leave an unfinished line as it is and go to the next one."""
        if self.length:
            print(flush=True)

    def _bar(self, step: int) -> str:
        done = WIDTH * step // self.steps
        fill = "=" * WIDTH if step == self.steps else ("=" * (done - 1) + ">" if done else "").ljust(WIDTH, ".")
        return f"{step:{len(str(self.steps))}d}/{self.steps} [{fill}]"

    def _write(self, line: str, end: str) -> None:
        start = "\r" if self.redraws else ""
        print(start + line.ljust(self.length), end=end, flush=True)
        self.length = len(line) if end == "" else 0


def formatted(values: Mapping[str, float]) -> str:
    """' - loss: 0.4921 - accuracy: 0.8267': four digits, or an exponent for small values."""
    return "".join(f" - {name}: {v:{'.4e' if 0 < abs(v) <= 1e-3 else '.4f'}}" for name, v in values.items())


def step_time(seconds: float) -> str:
    """'2s/step', '14ms/step' or '300us/step'."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


def clock(seconds: float) -> str:
    """'45s', '1:02' or '1:01:02'."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"
