"""Monitor, the base of callbacks that watch one of the logs: which direction is better, and whether a value is."""

from __future__ import annotations

import math
from typing import Any

from ..arguments import warn
from .base import Callback, Logs

MODES = ("auto", "min", "max")


class Monitor(Callback):
    """Watches `logs[monitor]`. This is the base of EarlyStopping, ModelCheckpoint and ReduceLROnPlateau.

    Args:
        monitor: The name of one of the logs, such as "val_loss".
        mode: "min" if a smaller value is better, "max" if a larger one is, or "auto". With "auto" a loss is to fall,
            and a metric of the model decides for itself: accuracies rise, errors fall.

    Raises:
        TypeError: `monitor` is not a string.
        ValueError: The mode is unknown. At the start of the training: the mode is "auto", and `monitor` is neither a
            loss nor a metric that knows its direction.
    """

    identity = ("monitor", "mode")
    best: Any  # the best value so far, a float; None before the first training

    def __init__(self, monitor: str, mode: str):
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of one of the logs, as 'val_loss'; got {monitor!r}.")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}; got {mode!r}.")
        self.monitor, self.mode = monitor, mode

    def rises(self) -> bool:
        """Return whether a larger value is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        metrics = [*self.model.metrics, *self.model.weighted_metrics]
        metric = dict(zip(self.model.metrics_names[1:], metrics, strict=True)).get(name)
        if metric is None or metric.direction is None:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} is to rise or to fall: pass mode='max' or "
                "mode='min'."
            )
        return metric.direction == "up"

    def better(self, value: float, best: float, by: float = 0.0) -> bool:
        """Return whether `value` improves on `best` by more than `by`. NaN never does."""
        return value - by > best if self.rises() else value + by < best

    def worst(self) -> float:
        """Return the worst possible value."""
        return -math.inf if self.rises() else math.inf

    def watched(self, logs: Logs | None) -> float | None:
        """Return the watched value. If it is not among the logs, warn and return None."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            present = ", ".join(logs or {}) or "none"
            warn(f"{type(self).__name__} watches {self.monitor!r}, which is not among the logs: {present}.")
        return value
