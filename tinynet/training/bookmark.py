"""Bookmark: where a training is, and Run: a fit that is going on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..callbacks.base import Callback, CallbackList, SavedCallback, state_of


@dataclasses.dataclass
class Bookmark:
    """Where a training is: what a file keeps of it beside weights and optimizer.

    epochs      number of the last epoch of `fit` that is done, counted from 1: the next initial_epoch
    place       where the training is in its data, as `Epochs.place` gives it, with the passes of the validation data
    callbacks   the callbacks of the last fit that have a state, or their states from a file
    from_file   whether the next fit begins here; else it begins with the data and callbacks that it is given
    """

    epochs: int = 0
    place: dict[str, Any] | None = None
    callbacks: list[Callback | SavedCallback] = dataclasses.field(default_factory=list)
    from_file: bool = False

    def states(self) -> list[SavedCallback]:
        """Return the states of the callbacks, as they are now."""
        return [each if isinstance(each, SavedCallback) else state_of(each) for each in self.callbacks]

    def __getstate__(self) -> dict[str, Any]:
        saved = [each for each in self.callbacks if isinstance(each, SavedCallback)]
        return {**self.__dict__, "callbacks": saved}  # callbacks belong to their fit: a copy does without


@dataclasses.dataclass
class Run:
    """A fit that is going on: its data, its callbacks, and how far it is.

    batches      the batches of an epoch, anew for each iteration: `intake.epochs.Epochs`
    validation   the batches for validation, or None
    validated    whether to validate after an epoch, counted from 0
    epochs       the epochs to make, counted from 0
    callbacks    the callbacks
    done         number of the last epoch that is done, counted from 1
    states       states of callbacks, from a file, that the callbacks are still to take over
    start        the file's bookmark, until the callbacks have taken it over: till then nothing is trained
    """

    batches: Any
    validation: Any
    validated: Callable[[int], bool]
    epochs: range
    callbacks: CallbackList
    done: int
    states: list[SavedCallback] = dataclasses.field(default_factory=list)
    start: Bookmark | None = None

    def resume(self, bookmark: Bookmark) -> None:
        """Let data and callbacks go on from a file's bookmark, if its next epoch is the first one here."""
        self.start = bookmark
        if bookmark.epochs != self.epochs.start:
            return
        self.states = bookmark.states()
        if bookmark.place is not None:
            self.batches.go_to(bookmark.place)
            if self.validation is not None:
                self.validation.set_passes(bookmark.place["validation"])

    def bookmark(self) -> Bookmark:
        """Return where this training is."""
        if self.start is not None:  # from a file, and nothing is trained yet
            return dataclasses.replace(self.start, epochs=self.done)
        validated = self.validation.passes if self.validation is not None else []
        place = {**self.batches.place, "validation": validated}
        return Bookmark(self.done, place, self.callbacks.with_state())
