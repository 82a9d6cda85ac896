"""Losses, under Keras's names: values per sample and their gradients."""

from typing import Any

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


def get(identifier: Any) -> Loss:
    """A loss of that name with its defaults, or the given Loss itself."""
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        raise TypeError(
            f"loss must be a name or a Loss; got {identifier!r}. A function alone has no gradient here: write a Loss "
            "with forward and backward."
        )
    return by_name("loss", identifier, Loss, LOSSES)


__getattr__ = absent(__name__, __all__)
