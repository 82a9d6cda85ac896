"""Callback, History and CallbackList: what a user may hook into training, and how the hooks are called."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..config import as_call

Logs = Mapping[str, Any]


class Callback:
    """Base class, with Keras's hooks. `self.model.stop_training = True` ends the training: in a batch hook after this
    batch, and in any case after this epoch.

    `logs` holds the running means over the epoch so far ("loss", and each metric by name) as floats; at the end of an
    epoch also those on the validation data, with the prefix "val_". Only a callback that overrides a batch hook costs
    anything per batch. `self.params` holds "epochs", "steps" (None if unknown) and "verbose".

    The order: set_model, set_params, on_train_begin; for each epoch on_epoch_begin, the batches, the test hooks where
    there are validation data, on_epoch_end; at last on_train_end. `evaluate` calls the test hooks, `predict` its own.
    """

    model: Any = None
    params: Mapping[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called first: the model that is trained."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called second: epochs, steps and verbose."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called after the last epoch, with its logs; not if an exception ended the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before each epoch, which is counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after each epoch and its validation. What is added to logs is seen by the callbacks that follow, the
        History and the progress line."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an epoch, counted from 0. By default calls on_batch_begin, its old name."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an epoch. By default calls on_batch_end, its old name."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of on_train_batch_end."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before evaluation, that of validation data in fit too."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after it, with its results."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an evaluation, with the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after it."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of a prediction, with logs {"outputs": array}."""

    def __repr__(self) -> str:
        return as_call(self)


class History(Callback):
    """Records the logs of each epoch: `history` maps a name to a list of floats, `epoch` lists the epochs' numbers."""

    def __init__(self):
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"<History epochs={len(self.epoch)}, keys={list(self.history)}>"


class CallbackList:
    """Calls the hooks of the callbacks: the user's in their order, then the History, and the ProgbarLogger last.

    It is a context: an exception that leaves it ends a progress line that is half drawn.
    """

    OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None,
        model: Any,
        params: Mapping[str, Any],
        history: History | None = None,
    ):
        from .progress_line import ProgbarLogger

        own = list(callbacks or ()) if isinstance(callbacks, (list, tuple, type(None))) else [callbacks]
        for callback in own:
            _check(callback)
        lines = [callback for callback in own if isinstance(callback, ProgbarLogger)]
        self.line = lines[0] if lines else ProgbarLogger()
        self.model = model
        self.callbacks = [*own, *([history] if history is not None else []), *([] if lines else [self.line])]
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def __enter__(self) -> CallbackList:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.line.abandon()

    def call(self, hook: str, *arguments: Any, logs: Logs | None = None) -> None:
        """Call `hook(*arguments, logs)` on every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments, logs)

    def hooked(self, hook: str) -> bool:
        """Whether a callback defines this batch hook, so that it is worth calling."""
        return any(overrides(callback, hook, self.OLD_NAMES.get(hook, hook)) for callback in self.callbacks)

    def due(self) -> bool:
        """Whether the progress line is to be drawn."""
        return self.line.due()

    def draw(self, step: int, values: Logs) -> None:
        """Draw the progress line after this many batches."""
        self.line.draw(step, values)

    def passed(self, steps: int) -> None:
        """A pass over the batches has ended, after this many."""
        self.line.passed(steps)


def overrides(callback: Callback, *hooks: str) -> bool:
    """Whether the callback, or its class, defines one of the hooks itself."""
    methods = (getattr(callback, hook) for hook in hooks)
    originals = (getattr(Callback, hook) for hook in hooks)
    return any(getattr(m, "__func__", m) is not original for m, original in zip(methods, originals, strict=True))


def warn(text: str, category: type[Warning] = UserWarning, always: bool = False) -> None:
    """Warn of the line that called fit; `always` each time, not only the first from that line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tinynet."):
        frame = frame.f_back
    registry = {} if always else frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(text, category, frame.f_code.co_filename, frame.f_lineno, registry=registry)


def _check(callback: Any) -> None:
    """TypeError unless it is a Callback whose hooks will all be called: no typo."""
    if not isinstance(callback, Callback):
        hint = f"; write {callback.__name__}()" if isinstance(callback, type) else ""
        raise TypeError(f"callbacks must be instances of Callback; got {callback!r}{hint}.")
    hooks = [name for name in vars(Callback) if name.startswith("on_")]
    for name in dir(callback):
        if not name.startswith("on_") or name in hooks or not callable(getattr(callback, name)):
            continue
        import difflib

        near = difflib.get_close_matches(name, hooks, n=1, cutoff=0.8)
        if near:
            raise TypeError(f"{type(callback).__name__}.{name} would never be called. Did you mean {near[0]}?")
