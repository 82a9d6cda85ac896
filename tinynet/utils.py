"""Utilities under Keras's names: one-hot labels (to_categorical) and the global seed (set_random_seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .arguments import absent, integer
from .backend import to_numpy
from .rng import start_fresh_seeds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> np.ndarray:
    """Return labels as one-hot rows: a 1 at each label, and 0 elsewhere.

    Args:
        x: The labels, integers of at least 0. Floats with integer values are accepted. A last axis of size 1 is
            dropped first, as in Keras: (N, 1) gives (N, num_classes).
        num_classes: The length of a row. By default it is the greatest label + 1.

    Returns:
        A float64 array of shape (*x.shape, num_classes).

    Raises:
        ValueError: A label is not an integer, negative, or not below `num_classes`. (Keras cuts fractions off and
            counts negative labels from the end.)
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
    classes = None if num_classes is None else integer("num_classes", num_classes)
    below = np.inf if classes is None else classes
    wrong = labels[~((labels >= 0) & (labels < below) & (labels == np.floor(labels)))]
    if wrong.size:
        bound = "of at least 0" if classes is None else f"from 0 to {classes - 1}, since num_classes is {classes}"
        raise ValueError(f"x must be integers {bound}; got {wrong[0]}.")
    labels = labels.astype("int64")
    if classes is None:
        classes = int(labels.max()) + 1
    rows = np.zeros((labels.size, classes))
    rows[np.arange(labels.size), labels.ravel()] = 1
    return rows.reshape(*labels.shape, classes)


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and everything that is made without a seed.

    A model that is given no seed draws one, and so does an initializer that is called outside a model. After this call
    they draw their seeds from a stream that starts at `seed`. A program that makes the same things in the same order
    then makes them with the same numbers.

    tinynet itself draws nothing from the two global generators. They are seeded for the program's other uses of them,
    as in Keras.

    Args:
        seed: An integer from 0 to 2**32 - 1.

    Raises:
        ValueError: The seed is something else.
    """
    import random

    seed = integer("seed", seed, least=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, which is NumPy's limit; got {seed}.")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    start_fresh_seeds(seed)


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, ["set_random_seed", "to_categorical"])
