"""Copies of layers, losses and models, so that a check touches nothing of the user's."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..layers.base import Layer
from ..losses import Loss


def copied(thing: Any) -> Any:
    """A deep copy, so that nothing of the user's is touched; what cannot be copied (a module, a lock) is shared."""
    shared: dict[int, Any] = {}
    seen, waiting = set(), [thing]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (Layer, Loss)):
            waiting += vars(value).values()
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif not isinstance(value, np.ndarray):
            try:
                copy.deepcopy(value)
            except Exception:  # whatever it is, it does not want to be copied
                shared[id(value)] = value
    try:
        return copy.deepcopy(thing, shared)
    except Exception as error:
        raise TypeError(f"{thing!r} is checked on a copy, but cannot be copied: {error}") from error
