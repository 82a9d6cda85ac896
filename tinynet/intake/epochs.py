"""Epochs: the batches of each epoch, and the order of the samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from ..arguments import warn
from ..data import Dataset
from ..data.dataset import is_reproducible
from ..rng import generator
from .arrays import ArrayBatches, Batch
from .streams import StreamBatches


class Epochs:
    """Gives the batches of one epoch after the other: a whole pass each, or so many `steps`.

    With `steps` one pass goes on from epoch to epoch, as in Keras. Where it ends within an epoch, that epoch is short,
    with a warning, and the next one begins a new pass.

    Args:
        batches: ArrayBatches or StreamBatches.
        steps: Batches in an epoch; None for a whole pass.
        reshuffle: Function that draws the order of a pass, called before each. With a number it draws the order of a
            pass that began so many steps ago.
    """

    def __init__(self, batches: Any, steps: int | None = None, reshuffle: Callable[..., Any] | None = None):
        self.batches, self.asked, self.reshuffle = batches, steps, reshuffle
        self.steps: int | None = batches.steps if steps is None else steps  # batches in an epoch, None if not known
        self.running: Iterator[Batch] | None = None
        self.seen = self.batches_made = 0  # batches of the running pass, and of all passes
        self.began: list[int] = []  # the passes of the shuffles when the running pass began
        self.warned = False

    @property
    def place(self) -> dict[str, Any]:
        """Where the next batch is.

        "position" is how many batches of the running pass came before it. "began" is what the order of the running pass
        depends on, "passes" what that of the next pass does: how many passes the dataset's shuffles have begun.
        """
        now = self.batches.passes if isinstance(self.batches, StreamBatches) else []
        within = self.running is not None
        return {"position": self.seen if within else 0, "began": self.began if within else now, "passes": now}

    def go_to(self, place: dict[str, Any]) -> None:
        """Begin at a place that another process had come to; a warning where that cannot be the same."""
        position = place["position"]
        if isinstance(self.batches, StreamBatches):
            source = self.batches.source
            if not self.batches.set_passes(place["began"]):
                warn("The data are shuffled in another way than in the training that is resumed: this one begins anew.")
                return
            if isinstance(source, Dataset) and not is_reproducible(source):
                warn(
                    "The dataset's shuffle has no seed, so its order is not that of the training that is resumed, and "
                    "the result will differ from that of a training without a stop."
                )
            if position:
                self.running, self.began = self.batches.after(position), place["began"]
            self.batches.set_passes(place["passes"])
        elif position:
            if self.reshuffle is not None:
                self.reshuffle(position)
            self.running = itertools.islice(iter(self.batches), position, None)
        self.seen = self.batches_made = position

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        if self.running is None:
            if self.reshuffle is not None:
                self.reshuffle()
            self.began = self.batches.passes if isinstance(self.batches, StreamBatches) else []
            self.running, self.seen = iter(self.batches), 0
        made = 0
        for batch in itertools.islice(self.running, self.asked):
            made += 1
            yield batch
        self.seen += made
        self.batches_made += made
        if made != self.asked or self.seen == self.batches.steps:
            self.running = None
        if self.batches_made == 0:
            return  # nothing at all: whoever asked raises an error
        if made == 0 or (self.asked and made < self.asked and not self.warned):
            self.warned = True
            whole = f"{self.asked} batches for each epoch" if self.asked else "more"
            warn(
                f"The data ran out: this epoch has {made} batches; asked for were {whole}. Give data that last for "
                "steps_per_epoch * epochs batches (dataset.repeat() never ends), or a smaller steps_per_epoch; a "
                "generator can be used up only once.",
            )


class Limited:
    """Gives the first batches of each pass, or all of them."""

    def __init__(self, batches: Any, limit: int | None):
        self.batches, self.limit, self.warned = batches, limit, False
        known = [steps for steps in (batches.steps, limit) if steps is not None]
        self.steps: int | None = min(known, default=None)

    @property
    def passes(self) -> list[int]:
        """How many passes each shuffle of a dataset has begun; none of arrays."""
        return self.batches.passes if isinstance(self.batches, StreamBatches) else []

    def set_passes(self, passes: list[int]) -> None:
        """Let the shuffles of a dataset have begun so many."""
        if isinstance(self.batches, StreamBatches):
            self.batches.set_passes(passes)

    def __iter__(self) -> Iterator[Batch]:
        made = 0
        for batch in itertools.islice(iter(self.batches), self.limit):
            made += 1
            yield batch
        if self.limit is not None and 0 < made < self.limit and not self.warned:
            self.warned = True
            warn(f"The data ran out: there were {made} batches; asked for were {self.limit}. Give a smaller number.")


def shuffled_by(batches: ArrayBatches, model: Any) -> Callable[..., None]:
    """Return what draws the order of a pass that begins now, or began `behind` steps ago.

    The order depends alone on the model's seed and on what the optimizer's iterations were when the pass began.
    """
    optimizer = model.compilation.optimizer
    return lambda behind=0: batches.shuffle(generator(model.seed, "shuffle", optimizer.iterations - behind))
