"""Checks of the data that a model is given: each says what came, what was expected and, if it can, the fix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arguments import is_integer, number, warn
from ..backend import to_array, to_numpy
from ..losses import Loss, SparseCategoricalCrossentropy
from ..losses.labels import as_real
from ..metrics import SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy
from ..metrics.accuracy import AnyAccuracy

OF_CLASSES = (AnyAccuracy, SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy)


def as_samples(x: Any, name: str = "x") -> Any:
    """Return x as an array of real numbers, its first axis counting samples; lists are accepted."""
    try:
        x = to_array(x)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, or lists that make one: {error}") from None
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of real numbers; got dtype {x.dtype}.")
    if x.ndim == 0:
        raise ValueError(f"{name} must be an array of samples, the first axis counting them; got a single number.")
    return x


def samples_and_labels(x: Any, y: Any) -> tuple[Any, Any]:
    """Return x and y as arrays, x of real numbers, the first axis of both counting samples; lists are accepted."""
    if y is None and isinstance(x, dict):
        names = ", ".join(map(repr, x))
        raise ValueError(f"x is a dictionary of {names}. Of the splits that datasets.load gives, take one.")
    if y is None:
        raise ValueError("y is missing: the labels, one for each sample of x.")
    x = as_samples(x)
    try:
        return x, to_array(y)
    except ValueError as error:
        raise ValueError(f"y must be an array, or lists that make one: {error}") from None


def fit_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Return x with samples of this shape, a view if possible.

    A last axis of size 1 may be missing or extra, as in Keras. ValueError for another shape.
    """
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


def check_labels(y: Any, compilation: Any, output_shape: tuple[int | None, ...], dtype: Any) -> np.ndarray:
    """Return the labels as the loss wants them, real ones in the model's dtype; ValueError if any is not valid.

    `compilation` has the loss and the metrics that the labels are for.
    """
    loss = compilation.loss
    labels = loss.check(y, output_shape)
    classes = type(loss) is SparseCategoricalCrossentropy
    for metric in (*compilation.metrics, *compilation.weighted_metrics):
        if not (classes and type(metric) in OF_CLASSES):  # these would look for the same once more
            metric.check(labels, output_shape)
    return as_real(labels, dtype)


def as_weights(weights: Any, labels: Any, output_shape: tuple[int | None, ...], dtype: Any) -> Any:
    """Return sample_weight as an array in the model's dtype, one for each sample or each value of the loss."""
    weights = as_samples(weights, "sample_weight")
    if weights.ndim > 1 and weights.shape[-1] == 1 and weights.ndim == len(output_shape):
        weights = weights.reshape(weights.shape[:-1])
    whole = (len(labels), *output_shape[1:-1])
    fits = weights.ndim <= len(whole) and len(weights) == len(labels)
    if not fits or any(mine not in (1, size) for mine, size in zip(weights.shape[1:], whole[1:], strict=False)):
        raise ValueError(f"sample_weight must have one entry for each sample, {whole[:1]}; got {weights.shape}.")
    return weights.astype(dtype, copy=False)


def class_weights(given: Any, sample_weight: Any = None) -> dict[int, float]:
    """Return class_weight, checked: a dictionary from classes to numbers of at least 0; not beside sample_weight."""
    if not isinstance(given, Mapping) or not all(is_integer(label) for label in given):
        raise ValueError(f"class_weight must be a dictionary, as {{0: 1.0, 1: 5.0}}; got {given!r}.")
    if sample_weight is not None:
        raise ValueError("Give class_weight or sample_weight, not both: both are factors of each sample's loss.")
    return {int(label): number(f"class_weight[{label}]", factor, least=0) for label, factor in given.items()}


def weights_by_class(
    factors: Mapping[int, float], labels: np.ndarray, output_shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return the factor of each label, 1 for classes that have none; ValueError where labels are no classes."""
    if labels.ndim == len(output_shape):
        labels = labels.argmax(axis=-1) if labels.shape[-1] > 1 else labels[..., 0]
    if labels.dtype.kind == "f" and (labels != np.floor(labels)).any():
        raise ValueError("class_weight needs labels that are classes; these are real numbers.")
    result = np.ones(labels.shape)
    for label, factor in factors.items():
        result[labels == label] = factor
    return result


def split(share: float, loss: Loss, *arrays: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the first samples of each array and the last `share` of them; None stays None.

    ValueError if one side would be empty; a warning if the labels, the second array, are classes in sorted order and
    the last ones, though enough for one of each, are only some of them.
    """
    count = len(arrays[0])
    cut = int(count * (1 - share))
    if not 0 < cut < count:
        raise ValueError(f"validation_split={share} of {count} samples leaves one side empty.")
    if loss.link is not None and _are_sorted(to_numpy(arrays[1]), count - cut):
        warn(
            f"The labels are sorted by class, and validation_split={share} takes the last samples: they are of the "
            "last classes only. Shuffle x and y together before.",
        )
    return tuple(
        tuple(None if array is None else array[rows] for array in arrays) for rows in (slice(cut), slice(cut, None))
    )


def _are_sorted(labels: np.ndarray, last: int) -> bool:
    """Tell whether there are several classes, one after the other, at most as many as there are `last` samples."""
    one_hot = labels.ndim == 2 and labels.shape[1] > 1
    classes = labels.argmax(axis=-1) if one_hot else labels.reshape(len(labels), -1)[:, 0]
    steps = classes[1:].astype("float64") - classes[:-1]
    ordered = bool((steps >= 0).all() or (steps <= 0).all())
    return ordered and 0 < np.count_nonzero(steps) < last  # a step is where the next class begins


def as_text(shape: tuple[int, ...]) -> str:
    """Return (28, 28, 1) as "(batch, 28, 28, 1)"."""
    return f"({', '.join(['batch', *map(str, shape)])})"
