"""What a file of a model holds, whatever its format."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


class FileError(ValueError):
    """The file is no file of a model, or damaged, or asks for something that is not allowed; the message says which."""


@dataclasses.dataclass
class SavedCallback:
    """The state of a callback in the middle of a training: plain values, and lists of arrays, by name."""

    class_name: str
    values: dict[str, Any]
    arrays: dict[str, list[np.ndarray]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class SavedModel:
    """A model as plain values and NumPy arrays.

    config       what `Sequential.get_config` gives, the input shape included
    weights      each weight under the place of its part and its name, "0/kernel", in the order of `model.weights`
    seed         the model's seed, whether it was given or drawn; None where the file has none
    compiled     None, or the records of compile's arguments: "optimizer", "loss", "metrics", "weighted_metrics"
    iterations   the optimizer's steps
    slots        the optimizer's arrays: slot name -> key of the weight -> array; empty before its first step
    epochs       the number of the last epoch of `fit` that is done, counted from 1
    place        where in its data the training is: "position", "began", "passes" and "validation"; or None
    callbacks    the states of the callbacks that have some
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    seed: int | None = None
    compiled: dict[str, Any] | None = None
    iterations: int = 0
    slots: dict[str, dict[str, np.ndarray]] = dataclasses.field(default_factory=dict)
    epochs: int = 0
    place: dict[str, Any] | None = None
    callbacks: list[SavedCallback] = dataclasses.field(default_factory=list)
