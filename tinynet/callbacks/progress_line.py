"""ProgbarLogger: the progress line as a callback."""

from __future__ import annotations

from collections.abc import Mapping

from ..progress import Progress
from .base import Callback


class ProgbarLogger(Callback):
    """The progress line of fit, evaluate and predict, as `verbose` asks for. They add one, last, if none is given; one
    that is given stands where it is, and shows only what the callbacks before it have added to the logs.

    Its line is drawn ten times a second at most, and only then are numbers fetched for it.
    """

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
        """Whether the line is to be drawn: never while fit validates."""
        return not self.paused and self.progress.due()

    def draw(self, step: int, values: Mapping[str, float]) -> None:
        """Draw it."""
        self.progress.draw(step, values)

    def passed(self, steps: int) -> None:
        """The pass has ended after this many batches."""
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
