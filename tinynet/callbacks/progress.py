"""The progress line, in the look of the lesson.

    1875/1875 [==============================] - 1s 300us/step - loss: 0.4921 - accuracy: 0.8267
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .. import terminal
from .base import Callback

WIDTH = 30
REDRAW_EVERY = 0.1  # seconds


class Progress:
    """Draws the line of one pass over the batches; leaving its `with` block unfinished ends the line.

    verbose 0 prints nothing. 1 draws the bar again and again, at most ten times a second, where the output can be drawn
    over. Elsewhere it prints the finished bar alone. 2 prints one plain line at the end, without the bar. In a narrow
    terminal the bar is shortened: the line fits and can be drawn over.
    """

    open_line: Progress | None = None  # the one whose line is half drawn, if any

    def __init__(self, verbose: int, steps: int | None, epoch: str = ""):
        self.verbose, self.steps, self.epoch = verbose, steps, epoch
        self.redraws = verbose == 1 and terminal.is_interactive()
        self.length = 0
        self.made: int | None = None  # how many steps, if not all are made or their number is not known
        self.started = self.drawn = time.perf_counter()
        if verbose == 1 and epoch:
            announce(epoch)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.end()

    def end(self) -> None:
        """End the line if it is half drawn; it stays as it is."""
        if self.length:
            print(flush=True)
            self.length, Progress.open_line = 0, None

    def due(self) -> bool:
        """Tell whether it is time to draw again."""
        return self.redraws and time.perf_counter() - self.drawn >= REDRAW_EVERY

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """Draw the running line after this many steps."""
        self.drawn = time.perf_counter()
        seconds = (self.drawn - self.started) / step
        eta = "" if self.steps is None else f" - ETA: {clock(seconds * (self.steps - step))}"
        rest = f"{eta}{formatted(values)}"
        self._write(self._line(step, rest)[: terminal.columns() - 1], end="")

    def finish(self, values: Mapping[str, float]) -> None:
        """Write the finished line."""
        steps = self.steps if self.made is None else self.made
        if self.verbose == 0 or not steps:
            return
        if self.steps is None:
            self.steps = steps
        seconds = time.perf_counter() - self.started
        rest = f" - {seconds:.0f}s {step_time(seconds / steps)}{formatted(values)}"
        if self.verbose == 1:
            self._write(self._line(steps, rest), end="\n")
        else:
            epoch = f"{self.epoch} - " if self.epoch else ""
            announce(f"{epoch}{steps}/{self.steps}{rest}")

    def _line(self, step: int, rest: str) -> str:
        if self.steps is None:
            return f"{step}/Unknown{rest}"
        count = f"{step:{len(str(self.steps))}d}/{self.steps}"
        room = terminal.columns() - 1 - len(count) - len(" []") - len(rest) if self.redraws else WIDTH
        return f"{count} [{bar(step, self.steps, min(room, WIDTH))}]{rest}" if room >= 5 else count + rest

    def _write(self, line: str, end: str) -> None:
        if Progress.open_line is not None and Progress.open_line is not self:
            Progress.open_line.end()
        start = "\r" if self.redraws else ""
        print(start + line.ljust(self.length), end=end, flush=True)
        self.length = len(line) if end == "" else 0
        Progress.open_line = self if self.length else None


def announce(text: str) -> None:
    """Print a line of its own, after ending a progress line that is half drawn."""
    if Progress.open_line is not None:
        Progress.open_line.end()
    print(text, flush=True)


def bar(step: int, steps: int, width: int) -> str:
    """'=====>....' of this width, or '==========' when all steps are done."""
    done = width * step // steps
    return "=" * width if step == steps else ("=" * (done - 1) + ">" if done else "").ljust(width, ".")


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


class ProgbarLogger(Callback):
    """Draws the progress line of fit, evaluate and predict, as `verbose` asks for.

    They add one, last, if none is given. One that is given keeps its place, and shows only what the callbacks before it
    have added to the logs. The line is drawn ten times a second at most, and only then are numbers fetched for it.
    """

    draws_line = True

    def __init__(self):
        self.progress: Progress | None = None
        self.fits = self.paused = False

    def on_train_begin(self, logs=None):
        self.fits = True

    def on_train_end(self, logs=None):
        self.fits = False

    def on_epoch_begin(self, epoch, logs=None):
        self._start(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_begin(self, logs=None):
        if self.fits:
            self.paused = True
        else:
            self._start()

    def on_test_end(self, logs=None):
        if self.fits:
            self.paused = False
        else:
            self._finish(logs)

    def on_predict_begin(self, logs=None):
        self._start()

    def on_predict_end(self, logs=None):
        self._finish({})

    def due(self) -> bool:
        """Tell whether the line is to be drawn: never while fit validates."""
        return not self.paused and self.progress.due()

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """Draw the line after this many batches."""
        self.progress.draw(step, values)

    def passed(self, steps: int) -> None:
        """Note that the pass has ended after this many batches."""
        if not self.paused:
            self.progress.made = steps

    def abandon(self) -> None:
        """End a line that is half drawn."""
        self.fits = False
        if self.progress is not None:
            self.progress.end()
            self.progress = None

    def _start(self, title=""):
        self.paused = False
        self.progress = Progress(self.params["verbose"], self.params["steps"], title)

    def _finish(self, logs):
        self.progress.finish(logs or {})
