"""Models in files: load_model, save_model, and the same of weights alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments import named_arguments
from .sequential import Sequential
from .writing import write_model


@named_arguments({"include_optimizer": "Leave it out: it is there.", "save_format": "The name's end decides."})
def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model to a file: the same as `model.save(filepath)`."""
    if not isinstance(model, Sequential):
        raise TypeError(f"save_model takes a Sequential; got {model!r}.")
    write_model(model, filepath, overwrite, Sequential.from_config)


@named_arguments({"safe_mode": "Leave it out: nothing in a file is ever executed."})
def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    *,
    backend: str | None = None,
) -> Sequential:
    """Read the model that `model.save` wrote to a file: built, with its weights, and ready to train on.

    A training that was stopped goes on, in a new process, to the same bits as if it had not, from a file that
    `ModelCheckpoint("model.npz")` or `model.save("model.npz")` wrote between two epochs:

        model = tn.models.load_model("model.npz")
        callbacks = [...]  # the same as before: their state is in the file
        model.fit(x, y, epochs=20, initial_epoch=model.epochs_trained, callbacks=callbacks)

    That holds on the same machine, BLAS and number of threads, for arrays, and for datasets that are made anew in the
    same way, each shuffle with a seed. It does not hold for generators, for a `map` that draws random numbers, nor for
    a `model.save` after an EarlyStopping has restored the best weights.

    Nothing in the file is executed: names are looked up in tinynet's tables and in custom_objects. Sizes are compared
    with the bytes that are there before memory is taken. A .keras file holds HDF5, which a C library reads, h5py's:
    from strangers take .npz.

    Args:
        filepath: A file of tinynet's (.npz), or of Keras's (.keras, which needs h5py; Keras 3 on any backend wrote it).
        custom_objects: Your own layers, losses, metrics and optimizers (classes) and metric functions that the file
            mentions, by name. A .keras file mentions Keras's alone.
        compile: Whether to compile the model as it was, and to restore the optimizer's state.
        backend: As in Sequential.

    Returns:
        The model.

    Raises:
        FileError: A ValueError: anything in the file is not as it should be.
    """
    from ..formats import by_ending, state  # not at the top: training does without them
    from ..formats.record import FileError, shortened

    end = by_ending.ending(filepath, by_ending.OF_MODEL, "a model")
    if not isinstance(custom_objects, (Mapping, type(None))):
        raise TypeError(f"custom_objects must be a dictionary from names to classes; got {custom_objects!r}.")
    content = Path(filepath).read_bytes()
    try:
        saved = by_ending.decode(content, end, compile)
        return state.restore(saved, Sequential.from_config, dict(custom_objects or {}), compile, backend)
    except FileError as error:
        raise shortened(error, filepath) from error
