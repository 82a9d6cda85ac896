"""Checks of arguments: each returns an array on the host, or says what came, what was expected and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..arguments import is_integer
from ..backend import to_numpy
from ..data import Dataset
from ..intake.checks import as_samples


def as_array(value: Any, name: str) -> np.ndarray:
    """Return an array on the host whose first axis counts samples; lists are accepted."""
    if isinstance(value, Dataset):
        predict = ", and model.predict(images)" if name == "predictions" else ""
        raise ValueError(
            f"{name} must be an array: take a batch of the dataset, images, labels = next(iter(dataset.batch(25))), or "
            f"next(iter(dataset)) if it gives batches{predict}; got {value!r}."
        )
    if name == "predictions" and (value is None or callable(value)):
        raise ValueError(f"predictions must be what model.predict(images) returns; got {value!r}.")
    return to_numpy(as_samples(value, name))


def as_picture(image: Any) -> np.ndarray:
    """Return one grey image as (H, W); (H, W, 1) is accepted."""
    array = as_array(image, "image")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 or not array.size:
        hint = " It is a batch of one image: image[0]." if array.ndim in (3, 4) and array.shape[0] == 1 else ""
        raise ValueError(f"image must be one grey image of shape (H, W) or (H, W, 1); got {array.shape}.{hint}")
    return array


def as_images(images: Any) -> np.ndarray:
    """Return grey images as (N, H, W); (N, H, W, 1) is accepted."""
    array = as_array(images, "images")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 or not array.size:
        hint = " A single image needs an axis in front: image[None]." if array.ndim == 2 else ""
        raise ValueError(f"images must be grey, of shape (N, H, W) or (N, H, W, 1); got {array.shape}.{hint}")
    return array


def as_scores(predictions: Any) -> np.ndarray:
    """Return predictions as (N, C): at least one sample, at least two classes, no NaN."""
    array = as_array(predictions, "predictions")
    if array.ndim != 2 or not array.size or array.shape[1] == 1:
        hint = ""
        if array.ndim == 1 and array.size > 1 and array.dtype.kind in "iu":
            hint = " These are classes: give the probabilities, as model.predict returns them."
        elif array.ndim == 1:
            hint = " The prediction for a single sample needs an axis in front: prediction[None]."
        elif array.ndim == 2 and array.shape[1] == 1:
            hint = " Of a sigmoid's p make two classes: np.hstack([1 - p, p])."
        raise ValueError(
            f"predictions must have shape (N, C), one row for each sample, one column for each of two or more classes; "
            f"got {array.shape}.{hint}"
        )
    if np.isnan(array).any():
        raise ValueError(f"predictions must be numbers; row {np.isnan(array).any(axis=1).argmax()} holds NaN.")
    return array


def as_probabilities(predictions: Any) -> np.ndarray:
    """Return predictions as (N, C), each from 0 to 1."""
    array = as_scores(predictions)
    wrong = (array < -1e-3) | (array > 1 + 1e-3)  # float16 rounds to a thousandth
    if wrong.any():
        row, value = wrong.any(axis=1).argmax(), array[wrong][0]
        raise ValueError(
            f"predictions must be probabilities from 0 to 1; row {row} holds {value:g}. If they are logits: "
            "tn.activations.softmax(predictions)."
        )
    return array


def as_classes(labels: Any, name: str, count: int | None = None) -> np.ndarray:
    """Return classes as integers (N,), from 0 to count - 1; (N, 1) is accepted."""
    array = as_array(labels, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not array.size:
        hint = f" If they are one-hot: {name}.argmax(axis=1)." if array.ndim == 2 else ""
        raise ValueError(f"{name} must be classes, of shape (N,); got {array.shape}.{hint}")
    upper = np.inf if count is None else count - 1
    wrong = ~((array >= 0) & (array <= upper) & (np.floor(array) == array))
    if wrong.any():
        place = int(wrong.argmax())
        expected = "integers of at least 0" if count is None else f"integers from 0 to {count - 1}"
        raise ValueError(f"{name} must be classes, {expected}; got {array[place]} at place {place}.")
    return array.astype("int64")


def as_names(class_names: Any, count: int, exactly: bool = True) -> list[str]:
    """Return the name of each of `count` classes, or its number if class_names is None.

    With `exactly` there must be `count` names; without it there may be more.
    """
    names = given_names(class_names)
    if names is None:
        return [str(number) for number in range(count)]
    if len(names) < count or (exactly and len(names) > count):
        raise ValueError(f"class_names must have one name for each of the {count} classes; got {len(names)} names.")
    return names


def given_names(class_names: Any) -> list[str] | None:
    """Return the names of any iterable as a list, or None if class_names is None."""
    if class_names is None:
        return None
    names = list(class_names) if isinstance(class_names, Iterable) and not isinstance(class_names, str) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"class_names must be a list or tuple of strings, one for each class; got {class_names!r}.")
    return [str(name) for name in names]


def as_index(i: Any, count: int) -> int:
    """Return the index of a sample, from 0 to count - 1."""
    if not is_integer(i) or not 0 <= i < count:
        raise ValueError(f"i must be the place of a sample, an integer from 0 to {count - 1}; got {i!r}.")
    return int(i)


def same_length(**arrays: np.ndarray) -> None:
    """Raise ValueError unless all arrays have the same number of samples."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"The arrays must have the same number of samples: {text}. Do they belong together?")
