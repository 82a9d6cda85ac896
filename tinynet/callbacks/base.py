"""Callback and History: what a user may hook into training."""

from __future__ import annotations

from collections.abc import Mapping
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
    saved_attributes: tuple[str, ...] = ()  # plain values, and lists of float arrays, that `model.save` keeps
    last = 0  # above 0 it is called after all others, because it saves what they have done; the highest at the end
    identity: tuple[str, ...] = ()  # what must be the same for a saved state to be this callback's

    def set_model(self, model: Any) -> None:
        """Called first: the model that is trained."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called second: epochs, steps and verbose."""
        self.params = params

    def on_resume(self) -> None:
        """Called after on_train_begin where a state that `model.save` kept was put into `saved_attributes`."""

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
    """Records the logs of each epoch: `history` maps a name to a list of floats, `epoch` lists the epochs' numbers,
    counted from 0.

    Not every name is in the logs of every epoch: with validation_freq=2 those with "val_" are in every second one.
    `epochs_of` maps each name to the numbers of the epochs in which it was, one for each float of `history`.
    """

    def __init__(self):
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.epochs_of: dict[str, list[int]] = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self.epochs_of.setdefault(name, []).append(epoch)

    def __repr__(self) -> str:
        return f"<History epochs={len(self.epoch)}, keys={list(self.history)}>"
