"""Callbacks that end the training: EarlyStopping and TerminateOnNaN."""

from __future__ import annotations

import math
from typing import Any

from ..arguments import integer, number, warn
from .base import Callback, Logs
from .monitor import Monitor
from .progress import announce


class EarlyStopping(Monitor):
    """Stops the training when `monitor` has not improved for `patience` epochs.

    An epoch improves if its value is better than the best so far by more than `min_delta`. The first epoch always
    improves. NaN never does. (Keras takes a first NaN for the best, and nothing improves on that.)

    After each epoch without an improvement `wait` grows by 1. The training stops when it has reached `patience`.

    With a `baseline` an epoch sets `wait` back to 0 only if it is also better than the baseline by more than
    `min_delta`. Otherwise `wait` grows, but only an epoch that does not improve can stop the training.

    After the training `stopped_epoch` (0 if it did not stop), `best`, `best_epoch` and `best_weights` can be read.

    Args:
        monitor: The name of one of the logs.
        min_delta: The least improvement that counts.
        patience: The number of epochs without an improvement after which the training stops. 0 acts as 1, as in Keras.
        verbose: 1 prints when the training stops, and when weights are restored.
        mode: "min", "max" or "auto"; see Monitor.
        baseline: A value that an epoch must improve on as well; None for no such bound.
        restore_best_weights: Put the weights of the best epoch back at the end, whether it stopped early or not.
        start_from_epoch: Epochs before this one are ignored.

    Raises:
        ValueError: An argument is out of its range.

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
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self.worst(), None

    def on_resume(self) -> None:
        if self.stopped_epoch and self.wait >= self.patience:
            self.model.stop_training = True  # it had stopped already
        else:
            self.stopped_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
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

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            announce(f"Epoch {self.stopped_epoch + 1}: early stopping.")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                announce(f"The weights of the best epoch, {self.best_epoch + 1}, are restored.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stops the training after the first batch whose loss is NaN or infinite, and says which batch it was:

        Batch 5 of epoch 2 (step 1880): the loss is nan; training stops.

    This is a RuntimeWarning, which is seen with verbose=0 too. Batches and epochs count from 1, as in the progress
    line. The step is the optimizer's `iterations`.

    The loss of a batch is computed before the batch's update, and the update has been made when this callback is
    called. The update has most likely made the weights NaN. Its gradients came from weights that were already too
    large, or from bad samples. So these weights are of no use: train again from earlier ones.

    Validation and the hooks at the end of the epoch still run, as in Keras, and the epoch is in the History. A loss
    that only grows does not stop the training, however large it is.

    The value that is tested is the running mean over the epoch, which stays NaN or infinite once it is. It has to come
    to the host after every batch: on a GPU each step then waits for the previous one.

    Args:
        raise_error: Raise a RuntimeError instead of warning.
    """

    def __init__(self, raise_error: bool = False):
        self.raise_error, self.epoch = bool(raise_error), 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            where = f"Batch {batch + 1} of epoch {self.epoch + 1} (step {self.model.optimizer.iterations})"
            text = f"{where}: the loss is {loss}; training stops."
            if self.raise_error:
                raise RuntimeError(text)
            warn(text, RuntimeWarning, always=True)
            self.model.stop_training = True
