"""Callbacks that change the learning rate: LearningRateScheduler and ReduceLROnPlateau."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from ..arguments import integer, number
from .base import Callback, Logs
from .monitor import Monitor
from .progress import announce


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to what a function returns.

    The rate is added to the logs as "learning_rate".

    Args:
        schedule: A function of the epoch, counted from 0, and of the present rate, or of the epoch alone. It returns a
            number of at least 0, which may be an integer (Keras wants a float).
        verbose: 1 prints each rate that is set.

    Raises:
        TypeError: `schedule` is not a function. When training begins: the optimizer's learning rate follows a schedule.
        ValueError: While training: the function returned something else.
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

    def on_train_begin(self, logs: Logs | None = None) -> None:
        refuse_schedule(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        rate = number("what the schedule of LearningRateScheduler returns", rate, least=0)
        optimizer.learning_rate = rate
        if self.verbose:
            announce(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when `monitor` has not improved for `patience` epochs.

    An epoch improves if its value is better than the best so far by more than `min_delta`. The rate of the epoch,
    before a reduction, is added to the logs as "learning_rate".

    Args:
        monitor: The name of one of the logs.
        factor: The factor of a reduction, in [0, 1).
        patience: The number of epochs without an improvement after which the rate is reduced.
        verbose: 1 prints each reduction.
        mode: "min", "max" or "auto"; see Monitor.
        min_delta: The least improvement that counts.
        cooldown: The number of epochs after a reduction that pass before the count begins again.
        min_lr: The rate below which it is not reduced.

    Raises:
        ValueError: An argument is out of its range.
        TypeError: When training begins: the optimizer's learning rate follows a schedule.
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
        self.best = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        refuse_schedule(self)
        self.wait = self.cooldown_counter = 0
        self.best = self.worst()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        if logs is not None:
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
    """Raise TypeError if the optimizer's learning rate follows a schedule, since a callback cannot set it then."""
    schedule = callback.model.optimizer.schedule
    if schedule is not None:
        raise TypeError(
            f"{type(callback).__name__} sets the learning rate, but the optimizer's follows {schedule!r}. Take one of "
            "the two."
        )
