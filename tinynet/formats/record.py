"""Define what a model file holds, whatever its format: plain values and arrays."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from ..callbacks.base import SavedCallback

LONGEST_REASON = 500  # characters of a message, which may hold what the file holds


class FileError(ValueError):
    """The file is not a model file, is damaged, or asks for something forbidden. The message says which."""


@dataclasses.dataclass
class SavedModel:
    """A model as plain values and NumPy arrays.

    Attributes:
        config: The result of `Sequential.get_config`, the input shape included.
        weights: The weights by key, in the order of `model.weights`. A key is the number of the layer's part in the
            chain and the weight's name: "0/kernel".
        seed: The model's seed, given or drawn. None if the file has none.
        compiled: None, or the records of compile's arguments: "optimizer", "loss", "metrics", "weighted_metrics".
        iterations: The number of steps that the optimizer has made.
        slots: The optimizer's arrays: slot name -> key of the weight -> array. Empty before its first step.
        epochs: The number of the last epoch that `fit` finished, counted from 1.
        place: The place of the training in its data: "position", "began", "passes" and "validation"; or None.
        callbacks: The states of those callbacks that have one.
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


def shortened(error: FileError, filepath: str | os.PathLike[str]) -> FileError:
    """Return the error with the file's name in front; what it quotes of the file is cut."""
    return FileError(f"{os.fspath(filepath)!r}: {str(error)[:LONGEST_REASON]}")
