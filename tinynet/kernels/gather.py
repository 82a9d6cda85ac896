"""The door of a batch that is cut from the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import xp_of
from .launch import NULL, REALS, TYPES, blocks_for, launch, text

Samples = tuple[Any, Any, Any]  # x, y and sample weights; y and the weights may be None


def gather(reference: Callable[[Samples, Any, Samples], None], samples: Samples, order: Any, batch: Samples) -> None:
    """Write rows `order` of the samples into the arrays of the batch, x in the dtype that it has there.

    All arrays are C-contiguous. The rows are in range, which nothing checks here. `reference` does the same by array
    expressions.
    """
    x = samples[0]
    on_gpu = not isinstance(x, np.ndarray)
    if on_gpu and x.size and x.dtype.name in TYPES and batch[0].dtype.name in REALS:
        launch_gather(samples, order, batch)
    else:
        reference(samples, order, batch)


def launch_gather(samples: Samples, order: Any, batch: Samples) -> None:
    """Do what `gather` does, in one kernel."""
    (x, y, weights), (x_batch, labels, batch_weights), rows = samples, batch, len(order)
    width = x.size // len(x)
    code = text("gather", sample=TYPES[x.dtype.name], real=REALS[x_batch.dtype.name])
    copied = (*_with_row_size(y, labels), *_with_row_size(weights, batch_weights))
    arguments = (x, order, x_batch, np.int64(rows), np.int64(width), *copied)
    launch(xp_of(x), code, "gather", (blocks_for(width), min(rows, 65535)), arguments)


def _with_row_size(array: Any, cut: Any) -> tuple[Any, Any, Any]:
    """Return an array, its batch, and the bytes of a row; for None null pointers."""
    return (NULL, NULL, np.int64(0)) if array is None else (array, cut, np.int64(array.nbytes // len(array)))
