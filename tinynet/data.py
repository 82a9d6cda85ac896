"""Arrays in memory, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .backend import module, move, take_rows


class ArrayBatches:
    """Batches (x, y) of two arrays, in order or in a shuffled one; the last batch may be short.

    The arrays go to the backend once, as they are: images in uint8 stay uint8. Each batch of x is cast to `dtype`
    when it is cut. y may be None; then it is None in every batch. A shuffled pass reuses one array for x, so a batch
    is valid until the next one is asked for.
    """

    def __init__(self, x: Any, y: Any, batch_size: int, backend: str, dtype: Any):
        self.xp = module(backend)
        self.x = self.xp.ascontiguousarray(move(x, self.xp))  # take() would copy a strided array whole, every time
        self.y = None if y is None else move(y, self.xp)
        self.batch_size, self.dtype = batch_size, dtype
        self.order: Any = None

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def shuffle(self, rng: Any) -> None:
        """Draw the order of the next passes."""
        self.order = move(rng.permutation(len(self.x)), self.xp)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        starts = range(0, len(self.x), self.batch_size)
        return self._in_order(starts) if self.order is None else self._shuffled(starts)

    def _in_order(self, starts):
        for start in starts:
            rows = slice(start, start + self.batch_size)
            yield self.x[rows].astype(self.dtype, copy=False), None if self.y is None else self.y[rows]

    def _shuffled(self, starts):
        shape = (min(self.batch_size, len(self.x)), *self.x.shape[1:])
        taken = self.xp.empty(shape, dtype=self.x.dtype)
        cast = taken if taken.dtype == self.dtype else self.xp.empty(shape, dtype=self.dtype)
        for start in starts:
            rows = self.order[start : start + self.batch_size]
            take_rows(self.x, rows, out=taken[: len(rows)])
            if cast is not taken:
                cast[: len(rows)] = taken[: len(rows)]
            yield cast[: len(rows)], None if self.y is None else self.y[rows]
