"""Callbacks: what a user may hook into training, and the History that fit returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Logs = Mapping[str, float]


class Callback:
    """Base class, with Keras's hooks. Set `self.model.stop_training = True` to end training after the epoch.

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


class CallbackList:
    """Calls one hook of every callback, in the order of the list."""

    def __init__(self, callbacks: Sequence[Callback], model: Any, params: Mapping[str, Any]):
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise TypeError(f"callbacks must be instances of Callback; got {callback!r}.")
            for name in dir(callback):
                if name.startswith("on_") and not hasattr(Callback, name):
                    raise TypeError(f"{type(callback).__name__}.{name} is no hook here and would never be called.")
        self.callbacks = list(callbacks)
        self.batch_hooks = [c for c in self.callbacks if overrides(c, "on_train_batch_begin", "on_train_batch_end")]
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def call(self, hook: str, *arguments: Any, logs: Logs | None = None) -> None:
        """Call `hook(*arguments, logs=logs)` on every callback."""
        for callback in self.batch_hooks if "batch" in hook else self.callbacks:
            getattr(callback, hook)(*arguments, logs=logs if logs is not None else {})


def overrides(callback: Callback, *hooks: str) -> bool:
    """Whether the callback defines one of the hooks itself."""
    return any(getattr(type(callback), hook) is not getattr(Callback, hook) for hook in hooks)
