"""Checks of labels, which say what is wrong with them, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import to_numpy


def check_class_labels(labels: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
    """Return labels as integers (B, ...), after a check against outputs of shape (B, ..., C).

    Raises:
        ValueError: The shapes do not fit, or a label is not an integer in [0, C). The message has the first such label
            and its place.
    """
    if len(output_shape) < 2:
        got = tuple(output_shape)
        raise ValueError(f"Outputs must be (batch, ..., classes); got {got}. Are y_true and y_pred swapped?")
    labels, classes = to_numpy(labels), output_shape[-1]
    if classes < 2:
        raise ValueError(
            "The sparse categorical cross-entropy needs an output for each class, two at least; the model has one. For "
            "two classes end it in Dense(2, activation='softmax'), or in Dense(1, activation='sigmoid') with the loss "
            "binary_crossentropy."
        )
    if labels.ndim == len(output_shape) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    batch, *inner = output_shape[:-1]
    if labels.ndim != len(output_shape) - 1 or list(labels.shape[1:]) != inner or batch not in (None, len(labels)):
        hint = ""
        if labels.ndim == len(output_shape) and labels.shape[-1] == classes:
            hint = " They look like one-hot labels: pass y.argmax(axis=-1)."
        elif labels.ndim == 1 and inner:
            hint = " For one label a sample, put a Flatten() in front of the last Dense."
        outputs, want = str(tuple(output_shape)), str(tuple(output_shape[:-1]))
        raise ValueError(f"Outputs of shape {outputs} need labels of shape {want}; got {labels.shape}.{hint}")
    if labels.dtype.kind not in "iuf":
        hint = ": pass y.astype(int)" if labels.dtype.kind == "b" else ""
        raise ValueError(f"Labels must be integers from 0 to {classes - 1}; got dtype {labels.dtype}{hint}.")
    wrong = ~((labels >= 0) & (labels < classes))  # NaN is wrong too
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        place = np.unravel_index(np.flatnonzero(wrong)[0], labels.shape)
        place = place[0] if len(place) == 1 else tuple(map(int, place))
        raise ValueError(
            f"Labels must be integers from 0 to {classes - 1}, since the model has {classes} outputs; "
            f"label number {place} is {labels[place]} ({wrong.sum()} of {labels.size} are wrong)."
        )
    return labels.astype(np.intp)


def as_real(labels: Any, dtype: Any) -> Any:
    """Return real labels in this dtype. Integers stay unchanged."""
    return labels.astype(dtype, copy=False) if labels.dtype.kind == "f" else labels


def check_like_outputs(labels: Any, output_shape: tuple[int | None, ...], hint: str = "") -> np.ndarray:
    """Return labels as real numbers in the shape of the outputs. A last axis of size 1 may be missing or extra.

    Raises:
        ValueError: The labels are not real numbers, or their shape does not fit. `hint` ends the message about a shape.
    """
    labels = to_numpy(labels)
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"Labels must be real numbers; got dtype {labels.dtype}.")
    batch, *inner = output_shape
    got = list(labels.shape[1:])
    fits = got == inner or [*got, 1] == inner or got == [*inner, 1]
    if labels.ndim == 0 or not fits or batch not in (None, len(labels)):
        raise ValueError(
            f"Outputs of shape {tuple(output_shape)} need labels of the same shape; got {labels.shape}.{hint}"
        )
    labels = labels.reshape(len(labels), *inner)
    return labels if labels.dtype.kind == "f" else labels.astype("float64")
