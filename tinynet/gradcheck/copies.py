"""Copy layers, losses and models: a check changes no object of the user."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..layers.base import Layer
from ..losses import Loss


def copied(thing: Any) -> Any:
    """Return a deep copy. Attributes that cannot be copied, such as a module or a lock, are shared.

    Raises:
        TypeError: The layer, loss or model itself cannot be copied.
    """
    shared: dict[int, Any] = {}
    seen, unseen = set(), [thing]
    while unseen:
        value = unseen.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (Layer, Loss)):
            unseen += vars(value).values()
        elif isinstance(value, dict):
            unseen += value.values()
        elif isinstance(value, (list, tuple)):
            unseen += value
        elif not isinstance(value, np.ndarray):
            try:
                copy.deepcopy(value)
            except Exception:  # each class has its own way to refuse a copy
                shared[id(value)] = value
    try:
        return copy.deepcopy(thing, shared)
    except Exception as error:
        raise TypeError(f"{thing!r} is checked on a copy, but cannot be copied: {error}") from error
