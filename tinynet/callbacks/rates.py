"""Callbacks that change the learning rate: LearningRateScheduler and ReduceLROnPlateau."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..arguments import integer, number
from .base import Callback
from .monitor import Monitor
from .progress import announce


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to schedule(epoch, present rate), or schedule(epoch) if the function
    takes one argument; the epoch counts from 0. The rate stands in the logs as "learning_rate".

    `verbose=1` says what is set. ValueError if the function returns anything but a number of at least 0, which may be
    an integer (Keras wants a float); TypeError where the optimizer follows a schedule of its own.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of the epoch; got {schedule!r}.")
        self.schedule, self.verbose = schedule, verbose
        try:
            inspect.signature(schedule).bind(0, 0.1)
            self._takes_rate = True
        except (TypeError, ValueError):
            self._takes_rate = False

    def on_train_begin(self, logs=None):
        refuse_schedule(self)

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        rate = number("what the schedule of LearningRateScheduler returns", rate, least=0)
        optimizer.learning_rate = rate
        if self.verbose:
            announce(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:g}.")

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when `monitor` has not improved for `patience` epochs, down to `min_lr`.

    An epoch improves if its value is better than the best so far by more than `min_delta`. After a reduction `cooldown`
    epochs pass before the count begins again. The rate stands in the logs as "learning_rate", as it was in the epoch,
    before the reduction. `mode` is "min", "max" or "auto": see Monitor; `verbose=1` says what is set.

    ValueError for a factor outside [0, 1), TypeError where the optimizer follows a schedule of its own.
    """

    saved_attributes = ("wait", "cooldown_counter", "best")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, mode)
        self.factor = number("factor", factor, least=0, below=1)
        self.patience, self.verbose = integer("patience", patience, least=0), verbose
        self.min_delta, self.cooldown = number("min_delta", min_delta, least=0), integer("cooldown", cooldown, least=0)
        self.min_lr = number("min_lr", min_lr, least=0)
        self.wait = self.cooldown_counter = 0
        self.best: float | None = None

    def on_train_begin(self, logs=None):
        refuse_schedule(self)
        self.wait = self.cooldown_counter = 0
        self.best = self.worst()

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        logs["learning_rate"] = optimizer.learning_rate
        value = self.watched(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best, by=self.min_delta):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    rate = optimizer.learning_rate
                    announce(f"Epoch {epoch + 1}: ReduceLROnPlateau reduces the learning rate to {rate:g}.")


def refuse_schedule(callback: Callback) -> None:
    """TypeError where the optimizer's learning rate follows a schedule, which a callback cannot set."""
    schedule = callback.model.optimizer.schedule
    if schedule is not None:
        raise TypeError(
            f"{type(callback).__name__} sets the learning rate, but the optimizer's follows {schedule!r}. Take one of "
            "the two."
        )
