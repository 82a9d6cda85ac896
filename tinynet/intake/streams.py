"""Batches from an iterable: a dataset, a generator, a list of batches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..data import INFINITE_CARDINALITY, Dataset
from ..data.dataset import get_passes, passing, set_passes
from .arrays import Batch


class StreamBatches:
    """Takes batches from an iterable of (x,), (x, y) or (x, y, weights); `prepare` makes each ready as it comes.

    A generator can be gone through once, anything else anew for each pass. `steps` is how many batches a pass has, or
    None if that is not known. `endless` is whether a dataset is known to repeat without end.
    """

    def __init__(self, source: Iterable[Any], prepare: Callable[[Any], Batch]):
        self.source, self.prepare = source, prepare
        self.endless = isinstance(source, Dataset) and source.cardinality() == INFINITE_CARDINALITY
        self.steps: int | None = len(source) if hasattr(source, "__len__") and not self.endless else None
        self.begun: Iterator[Any] | None = None  # the pass that `peek` began

    def peek(self) -> None:
        """Make the first batch ready, which builds the model; it is not lost to the pass that follows."""
        passes, batches = self.passes, self._pass()
        for first in batches:
            self.prepare(first)
            if isinstance(self.source, Dataset):
                self.set_passes(passes)  # and the pass that follows begins anew
            else:
                self.begun = itertools.chain([first], batches)
            return
        raise ValueError("There are no batches: the data are empty, or a generator is used up.")

    @property
    def passes(self) -> list[int]:
        """How many passes each shuffle of a dataset has begun; nothing of other iterables."""
        return get_passes(self.source) if isinstance(self.source, Dataset) else []

    def set_passes(self, passes: list[int]) -> bool:
        """Let the shuffles of a dataset have begun so many; False if these are not those of this dataset."""
        if len(passes) != len(self.passes):
            return False
        if passes:
            set_passes(self.source, passes)
        return True

    def __iter__(self) -> Iterator[Batch]:
        batches, self.begun = self.begun or self._pass(), None
        return map(self.prepare, itertools.islice(batches, self.steps))  # Keras's own iterators never end

    def after(self, batches: int) -> Iterator[Batch]:
        """A pass without its first batches."""
        return map(self.prepare, itertools.islice(self._pass(batches), self.steps and self.steps - batches))

    def _pass(self, batches: int = 0) -> Iterator[Any]:
        if isinstance(self.source, Dataset):
            return passing(self.source, batches)
        return itertools.islice(self.source, batches, None)
