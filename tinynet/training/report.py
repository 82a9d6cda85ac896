"""Totals: the sums behind what a pass over the batches reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import to_numpy


class Totals:
    """Sums over the batches of a pass, kept on the backend, and what they are divided by.

    A sum costs as much over the values of many small batches as over those of one. So values wait, in an array for each
    sum, until it is full or the means are asked for.
    """

    TOGETHER = 2048

    def __init__(self, xp: Any, names: Sequence[str], weighted: int = 0):
        self.names, self.weighted = names, weighted  # of how many names, the last ones, the weights are summed too
        count = len(names) + weighted
        self.xp, self.sums = xp, xp.zeros(count, dtype="float64")
        self.waiting = xp.empty((count, self.TOGETHER), dtype="float64")  # for each sum, values to be added to it,
        self.counts, self.shares = [0] * count, [1.0] * count  # how many, and by what they are to be multiplied
        self.samples = 0

    def add(self, index: int, values: Any, share: float = 1.0) -> None:
        """Add share * (the sum of the values) to the sum of this number."""
        if values.size > self.waiting.shape[1]:
            self.sums[index] += values.sum(dtype="float64") * share
        else:
            self.room(index, values.size, share)[...] = values.reshape(-1)

    def room(self, index: int, size: int, share: float = 1.0) -> Any:
        """An array (size,) of float64, to be filled at once with values that are then added as in `add`."""
        share = 1.0 if math.isclose(share, 1) else share  # but for its rounding
        if share != self.shares[index] or self.counts[index] + size > self.waiting.shape[1]:
            self._sum(index)
            self.shares[index] = share
        if size > self.waiting.shape[1]:
            self._widen(size)
        start = self.counts[index]
        self.counts[index] += size
        return self.waiting[index, start : self.counts[index]]

    def _widen(self, size: int) -> None:
        for index in range(len(self.counts)):
            self._sum(index)
        self.waiting = self.xp.empty((len(self.counts), size), dtype="float64")

    def _sum(self, index: int) -> None:
        if self.counts[index]:
            total = self.waiting[index, : self.counts[index]].sum()
            self.sums[index] += total if self.shares[index] == 1 else total * self.shares[index]
            self.counts[index] = 0

    def means(self) -> dict[str, float]:
        """The means so far by name; the one place where numbers come to the host. Of no samples they are 0.0."""
        for index in range(len(self.counts)):
            self._sum(index)
        sums, named = to_numpy(self.sums).tolist(), len(self.names)
        counts = [self.samples] * (named - self.weighted) + sums[named:]
        means = (total / count if count else 0.0 for total, count in zip(sums[:named], counts, strict=True))
        return dict(zip(self.names, means, strict=True))
