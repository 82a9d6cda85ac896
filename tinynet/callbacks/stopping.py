"""Callbacks that end the training: EarlyStopping and TerminateOnNaN."""

from __future__ import annotations

import math
from typing import Any

from ..arguments import integer, number, warn
from .base import Callback
from .monitor import Monitor
from .progress import announce


class EarlyStopping(Monitor):
    """Stops when `monitor` has not improved for `patience` epochs.

    An epoch improves if its value is better than the best so far by more than `min_delta`; the first one always does.
    After each epoch that does not, `wait` grows by 1, and the training stops when it has reached `patience` (0 acts as
    1, as in Keras). With a `baseline` an epoch sets wait back only if it is better than that, too, by more than
    `min_delta`; else it grows, but only an epoch that does not improve stops. Epochs before `start_from_epoch` are not
    looked at. `restore_best_weights` puts the weights of the best epoch back at the end,
    whether stopped early or not. `mode` is "min", "max" or "auto": see Monitor. `verbose=1` says what it does.

    NaN is never an improvement (Keras takes a first NaN for the best, and nothing improves on that). After the
    training `stopped_epoch` (0 if it did not stop), `best`, `best_epoch` and `best_weights` can be read.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, algorithm 7.1.
    """

    saved_attributes = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode)
        self.min_delta = abs(number("min_delta", min_delta))
        self.patience, self.verbose = integer("patience", patience, least=0), verbose
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, least=0)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs=None):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self.worst(), None

    def on_resume(self):
        if self.stopped_epoch and self.wait >= self.patience:
            self.model.stop_training = True  # it had stopped already
        else:
            self.stopped_epoch = 0

    def on_epoch_end(self, epoch, logs=None):
        value = self.watched(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.better(value, self.best, by=self.min_delta):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.better(value, self.baseline, by=self.min_delta):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stopped_epoch and self.verbose:
            announce(f"Epoch {self.stopped_epoch + 1}: early stopping.")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                announce(f"The weights of the best epoch, {self.best_epoch + 1}, are restored.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stops the training after the first batch whose loss is NaN or infinite, and says which it was:

        Batch 5 of epoch 2 (step 1880): the loss is nan; training stops.

    It is a RuntimeWarning, so that it is seen with verbose=0 too; with raise_error=True a RuntimeError. Batches and
    epochs count from 1, as in the progress line; the step is the optimizer's `iterations`.

    The loss of a batch is that before its update, and the update has been made when this is called: it has most likely
    made the weights NaN, and its gradients came from weights that were too large already or from bad samples. So the
    weights are of no use; train again from earlier ones. Validation and the hooks at the end of the epoch still run, as
    in Keras, and the epoch stands in the History.

    A loss that only grows does not stop the training, however large it is.

    What is looked at is the running mean over the epoch, which stays NaN or infinite once it is. It has to come to
    the host after every batch: on a GPU each step then waits for the one before it.
    """

    def __init__(self, raise_error: bool = False):
        self.raise_error, self.epoch = bool(raise_error), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            where = f"Batch {batch + 1} of epoch {self.epoch + 1} (step {self.model.optimizer.iterations})"
            text = f"{where}: the loss is {logs['loss']}; training stops."
            if self.raise_error:
                raise RuntimeError(text)
            warn(text, RuntimeWarning, always=True)
            self.model.stop_training = True
