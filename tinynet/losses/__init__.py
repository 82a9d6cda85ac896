"""Losses, under Keras's names: values per sample and their gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..arguments import absent
from ..config import by_name
from .base import Loss
from .crossentropy import BinaryCrossentropy, CategoricalCrossentropy
from .regression import Huber, MeanAbsoluteError, MeanSquaredError
from .sparse_crossentropy import SparseCategoricalCrossentropy

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]

LOSSES = {
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "huber": Huber,
    "huber_loss": Huber,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(identifier: str | Mapping[str, Any] | Loss) -> Loss:
    """Return the loss that is meant.

    Args:
        identifier: A name, which gives the loss with its defaults, a record, or a Loss, which is returned.

    Raises:
        ValueError: There is no loss of this name. The message proposes the nearest ones.
        TypeError: `identifier` is something else. A function has no gradient.
    """
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        raise TypeError(
            f"loss must be a name or a Loss; got {identifier!r}. A function alone has no gradient here: write a Loss "
            "with forward and backward."
        )
    return by_name("loss", identifier, Loss, LOSSES)


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
