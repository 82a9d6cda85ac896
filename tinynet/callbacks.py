"""Callbacks: what a user may hook into training, the History that fit returns, and TerminateOnNaN."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

Logs = Mapping[str, float]


class Callback:
    """Base class, with Keras's hooks for training. `self.model.stop_training = True` ends the training: in a batch hook
    after this batch, and in any case after this epoch.

    `logs` holds the running means over the epoch so far ("loss", and each metric by name) as floats; at the end of an
    epoch also those on the validation data, with the prefix "val_". Only a callback that overrides a batch hook costs
    anything per batch. `self.params` holds "epochs", "steps" and "verbose".
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
        """Called after each epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an epoch, counted from 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an epoch."""


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


class TerminateOnNaN(Callback):
    """Stops the training after the first batch whose loss is NaN or infinite, and says which it was:

        Batch 5 of epoch 2 (step 1880): the loss is nan; training stops.

    It is a RuntimeWarning, so that it is seen with verbose=0 too. Batches and epochs count from 1, as in the progress
    line; the step is the optimizer's `iterations`.

    The loss of a batch is that before its update, and the update has been made when this is called: it has most likely
    made the weights NaN, and its gradients came from weights that were too large already or from bad samples. So the
    weights are of no use; train again from earlier ones. Validation and the hooks at the end of the epoch still run, as
    in Keras, and the epoch stands in the History.

    A loss that only grows does not stop the training, however large it is.

    What is looked at is the running mean over the epoch, which stays NaN or infinite once it is. It has to come to
    the host after every batch: on a GPU each step then waits for the one before it.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            where = f"Batch {batch + 1} of epoch {self.epoch + 1} (step {self.model.optimizer.iterations})"
            fit = sys._getframe(5)  # the line that called fit
            warnings.warn_explicit(
                f"{where}: the loss is {logs['loss']}; training stops.",
                RuntimeWarning,
                fit.f_code.co_filename,
                fit.f_lineno,
                registry={},  # so that every stop is said, not only the first from that line
            )
            self.model.stop_training = True


class CallbackList:
    """Calls one hook of every callback, in the order of the list."""

    def __init__(self, callbacks: Sequence[Callback], model: Any, params: Mapping[str, Any]):
        for callback in callbacks:
            _check(callback)
        self.model = model
        self.callbacks = list(callbacks)
        self.batch_hooks = [c for c in self.callbacks if overrides(c, "on_train_batch_begin", "on_train_batch_end")]
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def call(self, hook: str, *arguments: Any, logs: Logs | None = None) -> None:
        """Call `hook(*arguments, logs=logs)` on every callback."""
        for callback in self.batch_hooks if "batch" in hook else self.callbacks:
            getattr(callback, hook)(*arguments, logs if logs is not None else {})


def overrides(callback: Callback, *hooks: str) -> bool:
    """Whether the callback, or its class, defines one of the hooks itself."""
    methods = (getattr(callback, hook) for hook in hooks)
    originals = (getattr(Callback, hook) for hook in hooks)
    return any(getattr(m, "__func__", m) is not original for m, original in zip(methods, originals, strict=True))


def _check(callback: Any) -> None:
    """TypeError unless it is a Callback whose hooks will all be called: none of Keras's that is not here, no typo."""
    if not isinstance(callback, Callback):
        hint = f"; write {callback.__name__}()" if isinstance(callback, type) else ""
        raise TypeError(f"callbacks must be instances of Callback; got {callback!r}{hint}.")
    hooks = [name for name in vars(Callback) if name.startswith("on_")]
    for name in dir(callback):
        if not name.startswith("on_") or name in hooks or not callable(getattr(callback, name)):
            continue
        import difflib

        near = difflib.get_close_matches(name, hooks, n=1, cutoff=0.8)
        keras = name.startswith(("on_test_", "on_predict_", "on_batch_"))
        if near or keras:
            hint = f"Did you mean {near[0]}?" if near else f"The hooks are {', '.join(hooks)}."
            raise TypeError(f"{type(callback).__name__}.{name} would never be called. {hint}")
