"""What callbacks share that watch one of the logs: which way is better, and whether a value is better."""

from __future__ import annotations

import math
from typing import Any

from ..arguments import warn
from .base import Callback

MODES = ("auto", "min", "max")


class Monitor(Callback):
    """Base of callbacks that watch `logs[monitor]`. With mode "auto" a loss is to fall, and a metric of the model goes
    its own way (accuracies rise, errors fall); of another name ValueError asks for "min" or "max"."""

    identity = ("monitor", "mode")

    def __init__(self, monitor: str, mode: str):
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of one of the logs, as 'val_loss'; got {monitor!r}.")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}; got {mode!r}.")
        self.monitor, self.mode = monitor, mode

    def rises(self) -> bool:
        """Whether larger is better."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        every = [*self.model.metrics, *self.model.weighted_metrics]
        found = dict(zip(self.model.metrics_names[1:], every, strict=True)).get(name)
        if found is None or found.direction is None:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether {self.monitor!r} is to rise or to fall: pass mode='max' or "
                "mode='min'."
            )
        return found.direction == "up"

    def better(self, value: float, best: float, by: float = 0.0) -> bool:
        """Whether value improves on best by more than `by`. NaN never does."""
        return value - by > best if self.rises() else value + by < best

    def worst(self) -> float:
        """What every number improves on."""
        return -math.inf if self.rises() else math.inf

    def watched(self, logs: Any) -> float | None:
        """The value, or None, with a warning, where it is not among the logs."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            have = ", ".join(logs or {}) or "none"
            warn(f"{type(self).__name__} watches {self.monitor!r}, which is not among the logs: {have}.")
        return value
