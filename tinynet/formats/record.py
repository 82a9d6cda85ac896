"""What a file of a model holds, whatever its format."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from ..callbacks.base import SavedCallback

LONGEST_REASON = 500  # characters of a message, which may hold what the file holds


class FileError(ValueError):
    """The file is not a model file, is damaged, or asks for something forbidden; the message says which."""


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


def shortened(error: FileError, filepath: str | os.PathLike[str]) -> FileError:
    """Return the error with the file's name in front; what it quotes of the file is cut."""
    return FileError(f"{os.fspath(filepath)!r}: {str(error)[:LONGEST_REASON]}")
