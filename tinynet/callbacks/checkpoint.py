"""ModelCheckpoint, the callback that writes the model to files while it is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments import integer, number
from .base import Logs
from .monitor import Monitor
from .progress import announce

MODEL_ENDS, WEIGHTS_ENDS = (".npz", ".keras"), (".npz", ".weights.h5")


class ModelCheckpoint(Monitor):
    """Saves the model after each epoch, after every so many batches, or only when `monitor` has improved.

    It is called after all other callbacks. So the state of callbacks that have one (EarlyStopping, ReduceLROnPlateau)
    is saved as the epoch left it. Only .npz files hold that state, because Keras's formats have no place for it.
    Missing folders are made. A file is written whole or not at all.

    Args:
        filepath: The file to write. Its name must end in ".npz" or ".keras", or for weights alone in ".npz" or
            ".weights.h5". Fields in braces are filled in: "m-{epoch:02d}-{val_loss:.2f}.npz" takes the epoch, counted
            from 1, and any of the logs. When saving after batches there is also {batch}, counted from 1.
        monitor: The name of the value that `save_best_only` watches.
        verbose: 1 prints a line for each file that is saved.
        save_best_only: Save only if `monitor` is better than ever before, in this fit or an earlier one, and better
            than `initial_value_threshold`. If the value is not among the logs, it warns and saves, as Keras does.
        save_weights_only: Save the weights alone. Otherwise the file holds all that `model.save` writes, from which
            `fit` can go on.
        mode: "min", "max" or "auto"; see Monitor.
        save_freq: "epoch", or a number of batches, which are counted across epochs.
        initial_value_threshold: The value that the first saved one must improve on; None for no such bound.

    Raises:
        ValueError: An argument is none of these. While training: `filepath` has a field that is not among the logs.
    """

    saved_attributes = ("best", "batches")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = bool(save_best_only), bool(save_weights_only)
        ends = WEIGHTS_ENDS if self.save_weights_only else MODEL_ENDS
        if not self.filepath.endswith(ends):
            must = " or ".join(map(repr, ends))
            raise ValueError(f"The filepath of ModelCheckpoint must end in {must}; got {self.filepath!r}.")
        self.save_freq: Any = save_freq if save_freq == "epoch" else integer("save_freq, unless 'epoch',", save_freq)
        threshold = initial_value_threshold
        self.initial_value_threshold = None if threshold is None else number("initial_value_threshold", threshold)
        self.best, self.batches, self.epoch = self.initial_value_threshold, 0, 0
        self.last = 1 if self.save_best_only else 2  # the unconditional one comes last: its file holds the others' best
        if self.save_freq != "epoch":  # only then is a hook called after every batch
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.save_best_only and self.best is None:
            self.best = self.worst()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {}, {"epoch": epoch + 1})

    def _after_batch(self, batch: int, logs: Logs | None = None) -> None:
        self.batches += 1
        if self.batches % self.save_freq == 0:
            self._save(logs or {}, {"epoch": self.epoch + 1, "batch": batch + 1})

    def _save(self, logs: Logs, counts: Mapping[str, int]) -> None:
        """Save the model, unless only the best is wanted and this one is not better."""
        try:
            path = Path(self.filepath.format(**{**logs, **counts}))
        except (KeyError, IndexError) as error:
            names = ", ".join([*counts, *logs])
            raise ValueError(f"filepath {self.filepath!r} asks for {error}; what there is: {names}.") from None
        value, reason = self.watched(logs) if self.save_best_only else None, ""
        if value is not None and not self.better(value, self.best):
            self._say(counts, f"{self.monitor} did not improve from {self.best:.5g}.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if value is not None:
            reason, self.best = f"{self.monitor} improved from {self.best:.5g} to {value:.5g}; ", value
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)  # with the new best
        self._say(counts, f"{reason}the {'weights are' if self.save_weights_only else 'model is'} saved in {path}.")

    def _say(self, counts: Mapping[str, int], text: str) -> None:
        if self.verbose:
            announce(f"Epoch {counts['epoch']}: {text}")
