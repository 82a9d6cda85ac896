"""Batches of arrays in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import module, move
from ..kernels.gather import gather

Batch = tuple[Any, Any, Any]  # x, y and sample weights; y and the weights may be None


class ArrayBatches:
    """Cuts arrays into batches (x, y, weights), in order or shuffled; the last batch may be short.

    The arrays go to the backend once, unchanged: images in uint8 stay uint8. Each batch of x is cast to `dtype` when it
    is cut. y and the weights may be None; then they are None in every batch. A shuffled pass reuses the array of x: it
    is valid until the next batch is asked for.
    """

    def __init__(self, x: Any, y: Any, weights: Any, batch_size: int, backend: str, dtype: Any):
        xp = self.xp = module(backend)
        # Contiguous, since take() would copy a strided array whole, every time.
        self.x = xp.ascontiguousarray(move(x, xp))
        self.y = None if y is None else xp.ascontiguousarray(move(y, xp))
        self.weights = None if weights is None else xp.ascontiguousarray(move(weights, xp))
        self.batch_size, self.dtype = batch_size, dtype
        self.steps = -(-len(x) // batch_size)  # batches in a pass
        self.order: Any = None

    def __len__(self) -> int:
        return self.steps

    def shuffle(self, rng: Any) -> None:
        """Draw the order of the next passes."""
        self.order = self.xp.asarray(rng.permutation(len(self.x)))

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, len(self.x), self.batch_size)
        return self._in_order(starts) if self.order is None else self._shuffled(starts)

    def _in_order(self, starts: range) -> Iterator[Batch]:
        for start in starts:
            x, *targets = _sliced((self.x, self.y, self.weights), slice(start, start + self.batch_size))
            yield x.astype(self.dtype, copy=False), *targets

    def _shuffled(self, starts: range) -> Iterator[Batch]:
        samples, size = (self.x, self.y, self.weights), min(self.batch_size, len(self.x))
        x = self.xp.empty((size, *self.x.shape[1:]), dtype=self.dtype)
        for start in starts:
            rows = self.order[start : start + size]
            yield gather(take, samples, rows, x if len(rows) == size else x[: len(rows)])


def take(samples: Batch, rows: Any, out: Any) -> Batch:
    """Return these rows of the samples, x in the array `out`, by array expressions."""
    x, y, weights = samples
    if x.dtype != out.dtype:
        out[...] = x.take(rows, axis=0)
    elif isinstance(x, np.ndarray):
        x.take(rows, axis=0, out=out, mode="clip")  # "raise" would go through a buffer; rows are in range
    else:
        x.take(rows, axis=0, out=out)
    return out, None if y is None else y[rows], None if weights is None else weights[rows]


def _sliced(arrays: Batch, rows: slice) -> Batch:
    return tuple(None if array is None else array[rows] for array in arrays)
