"""Arrays in memory, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..backend import module, move, on_device, take_rows
from ..kernels import TYPES, gather

Batch = tuple[Any, Any, Any]  # x, y and sample weights; y and the weights may be None


class ArrayBatches:
    """Batches (x, y, weights) of arrays, in order or in a shuffled one; the last batch may be short.

    The arrays go to the backend once, as they are: images in uint8 stay uint8. Each batch of x is cast to `dtype`
    when it is cut. y and the weights may be None; then they are None in every batch. A shuffled pass reuses its arrays,
    so a batch is valid until the next one is asked for. On a GPU one kernel cuts a shuffled batch, and scales it too,
    if `scale` has been called: (scale, offset) is then in `scaling`, and x scale + offset in each batch.
    """

    scaling: tuple[float, float] | None = None

    def __init__(self, x: Any, y: Any, weights: Any, batch_size: int, backend: str, dtype: Any):
        self.xp = module(backend)
        self.x = self.xp.ascontiguousarray(move(x, self.xp))  # take() would copy a strided array whole, every time
        self.y = None if y is None else move(y, self.xp)
        self.weights = None if weights is None else move(weights, self.xp)
        self.batch_size, self.dtype = batch_size, dtype
        self.order: Any = None
        self.in_one_kernel = on_device(self.x) and len(self.x) > 0 and self.x.dtype.name in TYPES
        if self.in_one_kernel:
            targets = (self.y, self.weights)
            self.y, self.weights = (None if own is None else self.xp.ascontiguousarray(own) for own in targets)

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return len(self)

    def shuffle(self, rng: Any) -> None:
        """Draw the order of the next passes."""
        self.order = move(rng.permutation(len(self.x)), self.xp)

    def scale(self, scaling: tuple[float, float] | None) -> None:
        """Let shuffled batches be scaled, if they are cut by the kernel; else nothing changes."""
        self.scaling = scaling if self.in_one_kernel else None

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, len(self.x), self.batch_size)
        if self.order is None:
            return self._in_order(starts)
        return self._gathered(starts) if self.in_one_kernel else self._shuffled(starts)

    def _in_order(self, starts):
        for start in starts:
            rows = slice(start, start + self.batch_size)
            yield self.x[rows].astype(self.dtype, copy=False), *self._targets(rows)

    def _shuffled(self, starts):
        shape = (min(self.batch_size, len(self.x)), *self.x.shape[1:])
        batch = self.xp.empty(shape, dtype=self.dtype)
        taken = batch if self.x.dtype == self.dtype else self.xp.empty(shape, dtype=self.x.dtype)
        for start in starts:
            rows = self.order[start : start + self.batch_size]
            if len(rows) < len(batch):  # the last one
                batch, taken = batch[: len(rows)], taken[: len(rows)]
            take_rows(self.x, rows, out=taken)
            if self.x.dtype != self.dtype:
                batch[...] = taken
            yield batch, *self._targets(rows)

    def _gathered(self, starts):
        size = min(self.batch_size, len(self.x))
        empty, samples = self.xp.empty, (self.x, self.y, self.weights)
        x = empty((size, *self.x.shape[1:]), dtype=self.dtype)
        y, weights = (None if own is None else empty((size, *own.shape[1:]), dtype=own.dtype) for own in samples[1:])
        for start in starts:
            rows = self.order[start : start + self.batch_size]
            batch = tuple(None if own is None else own[: len(rows)] for own in (x, y, weights))
            gather(samples, rows, batch, self.scaling or (1.0, 0.0))
            yield batch

    def _targets(self, rows):
        y = None if self.y is None else self.y[rows]
        return y, None if self.weights is None else self.weights[rows]
