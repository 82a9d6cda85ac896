"""Optimizers: how gradients change weights. `get` finds them by name. `schedules` change the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..arguments import absent
from ..config import by_name
from . import schedules
from .adam import Adam, AdamW
from .base import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "schedules"]

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "sgd": SGD}


def get(identifier: str | Mapping[str, Any] | Optimizer) -> Optimizer:
    """Return the optimizer that is meant.

    Args:
        identifier: A name, which gives a new optimizer with its defaults, a record, or an Optimizer, which is returned.

    Raises:
        ValueError: There is no optimizer of this name. The message proposes the nearest ones.
        TypeError: `identifier` is something else.
    """
    return by_name("optimizer", identifier, Optimizer, OPTIMIZERS)


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
