"""to_categorical, labels as rows of zeros and a one, and set_random_seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import absent, integer
from .backend import to_numpy
from .rng import start_fresh_seeds


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Labels as one-hot rows: a float64 array of shape (*x.shape, num_classes), with a 1 at each label, else 0.

    A last axis of size 1 is dropped first, as in Keras: (N, 1) gives (N, num_classes). Without num_classes it is the
    greatest label + 1. The labels are integers from 0 on, floats with integer values too; others raise ValueError
    (Keras cuts fractions off and counts negative labels from the end).
    """
    try:
        labels = to_numpy(x)
    except ValueError as error:
        raise ValueError(f"x must be an array of labels, or lists that make one: {error}") from None
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"x must be an array of integers; got dtype {labels.dtype}.")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None and labels.size == 0:
        raise ValueError("x is empty, so that num_classes cannot be seen from it: give num_classes.")
    most = np.inf if num_classes is None else integer("num_classes", num_classes)
    wrong = labels[~((labels >= 0) & (labels < most) & (labels == np.floor(labels)))]
    if wrong.size:
        bound = "of at least 0" if num_classes is None else f"from 0 to {most - 1}, since num_classes is {most}"
        raise ValueError(f"x must be integers {bound}; got {wrong[0]}.")
    labels = labels.astype("int64")
    classes = int(labels.max()) + 1 if num_classes is None else most
    rows = np.zeros((labels.size, classes))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and the seeds of what is made without one.

    Models, and initializers that are called by themselves, which are not given a seed draw one; after this call they
    draw from a stream that starts at `seed`, so that a program that makes the same things in the same order makes them
    with the same numbers. tinynet itself draws nothing from the two global generators: they are seeded for the
    program's own use of them, as in Keras.
    """
    import random

    seed = integer("seed", seed, least=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, which is NumPy's limit; got {seed}.")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    start_fresh_seeds(seed)


__getattr__ = absent(__name__, ["set_random_seed", "to_categorical"])
