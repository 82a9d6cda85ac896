"""The door of a batch that is cut from the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import xp_of
from .launch import NULL, REALS, TYPES, blocks_for, launch, text

Samples = tuple[Any, Any, Any]  # x, y and sample weights; y and the weights may be None


def gather(reference: Callable[[Samples, Any, Any], Samples], samples: Samples, rows: Any, out: Any) -> Samples:
    """Return a batch: these rows of the samples, x in the array `out` and in its dtype, y and weights as new arrays.

    All arrays are C-contiguous. The rows are in range, which nothing checks here. `reference` does the same by array
    expressions.
    """
    x = samples[0]
    if isinstance(x, np.ndarray) or not x.size or x.dtype.name not in TYPES or out.dtype.name not in REALS:
        return reference(samples, rows, out)
    batch = (out, *(None if array is None else _empty(array, len(rows)) for array in samples[1:]))
    launch_gather(samples, rows, batch)
    return batch


def launch_gather(samples: Samples, order: Any, batch: Samples) -> None:
    """Write rows `order` of the samples into the arrays of the batch, in one kernel."""
    (x, y, weights), (x_batch, labels, batch_weights), rows = samples, batch, len(order)
    width = x.size // len(x)
    code = text("gather", sample=TYPES[x.dtype.name], real=REALS[x_batch.dtype.name])
    copied = (*_with_row_size(y, labels), *_with_row_size(weights, batch_weights))
    arguments = (x, order, x_batch, np.int64(rows), np.int64(width), *copied)
    launch(xp_of(x), code, "gather", (blocks_for(width), min(rows, 65535)), arguments)


def _empty(array: Any, rows: int) -> Any:
    """Return an array for so many rows of this one."""
    return xp_of(array).empty((rows, *array.shape[1:]), dtype=array.dtype)


def _with_row_size(array: Any, cut: Any) -> tuple[Any, Any, Any]:
    """Return an array, its batch, and the bytes of a row; for None null pointers."""
    return (NULL, NULL, np.int64(0)) if array is None else (array, cut, np.int64(array.nbytes // len(array)))
