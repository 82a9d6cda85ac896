"""Optimizers: how gradients change weights. `get` finds them by name; `schedules` change the learning rate."""

from __future__ import annotations

from typing import Any

from ..arguments import absent
from ..config import by_name
from . import schedules
from .adam import Adam, AdamW
from .base import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "schedules"]

OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop, "sgd": SGD}


def get(identifier: Any) -> Optimizer:
    """A new optimizer of that name with its defaults or from its record, or the given Optimizer itself."""
    return by_name("optimizer", identifier, Optimizer, OPTIMIZERS)


__getattr__ = absent(__name__, __all__)
