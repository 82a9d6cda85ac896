"""Models and their weights on their way to a file, and weights on their way back.

    model -> state.snapshot -> plain values -> by_ending.encode -> bytes -> write_whole -> file

`formats` is imported when it is first needed: training does without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..files import write_whole


def write_model(model: Any, filepath: str | os.PathLike[str], overwrite: bool, make: Callable[..., Any]) -> None:
    """Write a model to a file; `make` is Sequential.from_config, with which the file could be read."""
    from ..formats import by_ending, state

    end = by_ending.ending(filepath, by_ending.OF_MODEL, "a model")
    by_ending.check_new(filepath, overwrite)
    saved = state.snapshot(model)
    state.check_readable(saved, model, make)
    write_whole(filepath, by_ending.encode(saved, end))


def write_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool) -> None:
    """Write the weights of a model to a file."""
    from ..formats import by_ending, state

    end = by_ending.ending(filepath, by_ending.OF_WEIGHTS, "weights")
    by_ending.check_new(filepath, overwrite)
    write_whole(filepath, by_ending.encode_weights(state.bare(model), end))


def read_weights(model: Any, filepath: str | os.PathLike[str]) -> list[Any]:
    """Return the weights in a file, in the order of the model's; ValueError if they are not those of the model."""
    from ..formats import by_ending, state
    from ..formats.record import FileError, shortened

    end = by_ending.ending(filepath, by_ending.WITH_WEIGHTS, "weights")
    if not model.built:
        raise ValueError(f"Model '{model.name}' is not built yet: build it first, so that it has weights to load.")
    try:
        arrays = by_ending.decode_weights(Path(filepath).read_bytes(), end, state.bare(model))
    except FileError as error:
        raise shortened(error, filepath) from None
    keys = model.keyed_weights()
    if set(arrays) != set(keys):
        other = ", ".join(sorted(set(arrays) ^ set(keys)))
        raise ValueError(
            f"{os.fspath(filepath)!r} does not hold the weights of model '{model.name}': {other} are in one of the two "
            "only."
        )
    return [arrays[key] for key in keys]
