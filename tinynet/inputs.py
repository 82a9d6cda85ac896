"""Checks of the data that a model is given: each says what came, what was expected and, where it can, the fix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .backend import to_array
from .losses import Loss
from .metrics import Metric


def as_samples(x: Any, name: str = "x") -> Any:
    """x as an array of real numbers, its first axis counting samples; lists are accepted."""
    try:
        x = to_array(x)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, or lists that make one: {error}") from None
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers; got dtype {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{name} must be an array of samples, the first axis counting them; got a single number.")
    return x


def as_labels(y: Any) -> Any:
    """y as an array; lists are accepted."""
    try:
        return to_array(y)
    except ValueError as error:
        raise ValueError(f"y must be an array, or lists that make one: {error}") from None


def fit_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """x with samples of this shape, a view if possible; a last axis of size 1 may be missing or extra, as in Keras."""
    if x.shape[1:] == shape:
        return x
    if x.shape[1:] == (*shape, 1) or (*x.shape[1:], 1) == shape:
        return x.reshape(len(x), *shape)
    wrong = f"expected {as_text(shape)}, got {x.shape}"
    if x.shape == shape or (*x.shape, 1) == shape:
        raise ValueError(f"x is a single sample: {wrong}. Add a batch axis: x[None].")
    fits = math.prod(x.shape[1:]) == math.prod(shape)
    hint = f" Its samples have as many entries: x.reshape({', '.join(map(str, (-1, *shape)))})." if fits else ""
    raise ValueError(f"x has the wrong shape: {wrong}.{hint}")


def check_lengths(x: Any, y: Any) -> None:
    """ValueError unless x and y are arrays of the same, positive length."""
    if y.ndim == 0 or len(y) != len(x):
        got = f"y has {len(y)}" if y.ndim else f"y is {y}"
        raise ValueError(f"x and y must have the same number of samples: x has {len(x)}, {got}.")
    if len(x) == 0:
        raise ValueError("There are no samples: x and y are empty.")


def check_labels(
    y: Any, loss: Loss, metrics: Sequence[Metric], output_shape: tuple[int | None, ...], dtype: Any
) -> np.ndarray:
    """The labels as the loss wants them, real ones in the model's dtype; ValueError if any is not valid."""
    labels = loss.check(y, output_shape)
    for metric in metrics:
        metric.check(labels, output_shape)
    return labels.astype(dtype, copy=False) if labels.dtype.kind == "f" else labels


def as_text(shape: tuple[int, ...]) -> str:
    """(28, 28, 1) as "(batch, 28, 28, 1)"."""
    return f"({', '.join(['batch', *map(str, shape)])})"
