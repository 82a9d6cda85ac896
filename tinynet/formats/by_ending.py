"""What the end of a file's name asks for: which format, and how it is read and written."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from . import npz
from .record import SavedModel

OF_MODEL = (".npz", ".keras")
OF_WEIGHTS = (".npz", ".weights.h5")
WITH_WEIGHTS = (".npz", ".keras", ".weights.h5")  # from which weights can be read


def ending(filepath: str | os.PathLike[str], known: Sequence[str], what: str) -> str:
    """Return which of the known endings the file's name has; ValueError if none."""
    name = str(os.fspath(filepath))
    for end in known:
        if name.endswith(end):
            return end
    hint = ""
    if name.endswith(".weights.h5"):
        hint = " It holds weights alone: model.load_weights reads it into a model."
    elif name.endswith((".h5", ".hdf5")):
        hint = " Keras's older format is not read: load it in Keras, and save it there as .keras."
    raise ValueError(f"The name of a file of {what} must end in {' or '.join(map(repr, known))}; got {name!r}.{hint}")


def check_new(filepath: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise FileExistsError if the file is there and may not be replaced."""
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"{os.fspath(filepath)!r} exists already, and overwrite is False.")


def encode(saved: SavedModel, end: str) -> bytes:
    """Return the bytes of a file of a model. A .keras file has no place for the states of callbacks."""
    return npz.encode(saved) if end == ".npz" else _keras().encode(dataclasses.replace(saved, callbacks=[]))


def decode(content: bytes, end: str, compiled: bool) -> SavedModel:
    """Return the model in the bytes of a file, with compile's choices if they are wanted."""
    return npz.decode(content) if end == ".npz" else _keras().decode(content, compiled)


def encode_weights(saved: SavedModel, end: str) -> bytes:
    """Return the bytes of a file of weights, of a model that is not compiled."""
    return npz.encode_weights(saved.weights) if end == ".npz" else _keras().encode_weights(saved)


def decode_weights(content: bytes, end: str, like: SavedModel) -> dict[str, np.ndarray]:
    """Return the weights in the bytes of a file, by key; `like` is the model that they are for."""
    if end == ".npz":
        return npz.decode_weights(content)
    if end == ".keras":
        return _keras().decode(content, False).weights
    return _keras().decode_weights(content, like).weights


def _keras() -> ModuleType:
    """Return the module for Keras's files, which takes as long to import as a file to read."""
    from . import keras

    return keras
