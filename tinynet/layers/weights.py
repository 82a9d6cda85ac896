"""Weights and their gradients as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import move, xp_of


class Gradients(dict):
    """The gradients of a layer's weights by name. `grads[name] = a` copies a into the array that is there."""

    def bind(self, name: str, gradient: Any) -> None:
        """Let the gradient of that name live in this array."""
        super().__setitem__(name, gradient)

    def __reduce__(self):
        return Gradients, (dict(self),)  # pickle and copy would go through __setitem__

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            raise KeyError(f"{name!r} is no weight of this layer; it has {list(self)}")
        if self[name] is not value:
            if np.shape(value) != self[name].shape:
                shape, got = self[name].shape, np.shape(value)
                hint = " Is it transposed?" if got == shape[::-1] else ""
                if len(got) > len(shape) and got[len(got) - len(shape) :] == shape:
                    hint = " Is the sum over the axes in front missing?"
                raise ValueError(f"The gradient of {name} has shape {shape}; got {got}.{hint}")
            self[name][...] = value


def as_array(x: Any, xp: Any, dtype: Any = None) -> Any:
    """The array x as one of this module and dtype; None keeps a floating dtype and makes float32 of integers."""
    if x.dtype.kind not in ("biuf" if dtype else "biufc"):
        raise ValueError(f"Expected an array of {'real ' if dtype else ''}numbers; got dtype {x.dtype}.")
    if dtype is None:
        dtype = x.dtype if x.dtype.kind in "fc" else "float32"
    return move(x, xp, dtype)


def as_weight(value: Any, weight: Any, label: str) -> Any:
    """value as a new array that can be written into this weight; ValueError unless it has exactly its shape."""
    value = move(value, xp_of(weight)).copy()  # it may be a view of this weight, or of one that is written first
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{label} must be an array of real numbers; got dtype {value.dtype}.")
    if value.shape != weight.shape:
        raise ValueError(f"{label} has shape {weight.shape}; got an array of shape {value.shape}.")
    return value
