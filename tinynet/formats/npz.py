"""Write and read tinynet's model file, .npz: an archive whose arrays NumPy alone can read.

    model.json                             everything except the arrays, as JSON in UTF-8; see below
    weights/0/kernel.npy                   a weight: the number of its part in the chain of the model, and its name
    optimizer/velocity/0/kernel.npy        a slot of the optimizer, and the weight that it is for
    callbacks/0/best_weights/3.npy         an array of a callback's state, the fourth of that name

It is a zip archive with stored members: .npy files of float32 or float64 in version 1.0. So numpy.load reads the
arrays: numpy.load("m.npz")["weights/0/kernel"]. model.json holds

    format, version      "tinynet", 1. A reader refuses a version that it does not know
    config               Sequential's get_config: name, dtype, and the layers as records of class_name and config
    seed                 of the model. It decides the order of the samples and the masks of Dropout
    compiled             null, or "optimizer", "loss", "metrics" and "weighted_metrics", as records
    iterations, epochs   the steps that the optimizer has made, and the number of the last epoch, counted from 1
    place                null, or the place of the training in its data: "position", the batches made in this pass;
                         "began" and "passes", for each shuffle of a dataset the passes begun before this one, and
                         until now; "validation", the passes begun until now for the validation data
    callbacks            a list of {"class_name", "values"}
    arrays               the names of all arrays in their order. Any other set of members is an error

Nothing in the file is executed or imported. Classes are looked up in tinynet's tables, and the user's classes by name
in `custom_objects`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import archive, bounded_json, npy
from .record import FileError, SavedCallback, SavedModel

VERSION = 1
JSON_NAME, MOST_CALLBACKS, MOST_SHUFFLES = "model.json", 100, 100


def encode(saved: SavedModel) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ValueError: JSON cannot express a setting of the model, or `decode` would refuse it.
    """
    arrays = {f"weights/{key}": array for key, array in saved.weights.items()}
    for slot, by_weight in saved.slots.items():
        arrays.update({f"optimizer/{slot}/{key}": array for key, array in by_weight.items()})
    for i, callback in enumerate(saved.callbacks):
        for name, listed in callback.arrays.items():
            arrays.update({f"callbacks/{i}/{name}/{j}": array for j, array in enumerate(listed)})
    record = {
        "format": "tinynet",
        "version": VERSION,
        "config": saved.config,
        "seed": saved.seed,
        "compiled": saved.compiled,
        "iterations": saved.iterations,
        "epochs": saved.epochs,
        "place": saved.place,
        "callbacks": [{"class_name": state.class_name, "values": state.values} for state in saved.callbacks],
        "arrays": list(arrays),
    }
    try:
        content = bounded_json.dumps(record, JSON_NAME)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The model has a setting that cannot be written as JSON: {error}.") from None
    return archive.pack({JSON_NAME: content, **{f"{name}.npy": npy.encode(array) for name, array in arrays.items()}})


def encode_weights(weights: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a file with weights alone: an archive of 0/kernel.npy and so on."""
    return archive.pack({f"{key}.npy": npy.encode(array) for key, array in weights.items()})


def decode_weights(content: bytes) -> dict[str, np.ndarray]:
    """Return the weights in the bytes of a file with weights alone, or of a model file.

    Raises:
        FileError: The file is damaged, or has no arrays.
    """
    members = archive.unpack(content)
    prefix = "weights/" if JSON_NAME in members else ""
    names = [name for name in members if name.endswith(".npy") and name.startswith(prefix)]
    if not names:
        raise FileError("there are no arrays in it")
    keys = [name.removeprefix(prefix).removesuffix(".npy") for name in names]
    return {key: _array(key, members[name]) for key, name in zip(keys, names, strict=True)}


def decode(content: bytes) -> SavedModel:
    """Return the model in the bytes of a model file, as plain values and arrays.

    Raises:
        FileError: Anything in the file is not as described above.
    """
    members = archive.unpack(content)
    if JSON_NAME not in members:
        weights = " (it may hold weights alone: model.load_weights reads those)" if members else ""
        raise FileError(f"there is no {JSON_NAME} in it{weights}")
    record = bounded_json.loads(members.pop(JSON_NAME), JSON_NAME)
    if record.get("format") != "tinynet" or record.get("version") != VERSION:
        got = f"format {record.get('format')!r}, version {record.get('version')!r}"
        raise FileError(f"it is of {got}; this tinynet reads format 'tinynet', version {VERSION}")
    names = _typed(record, "arrays", list)
    if not all(isinstance(name, str) for name in names) or sorted(f"{name}.npy" for name in names) != sorted(members):
        raise FileError(f"{JSON_NAME} lists other arrays than there are in the archive")
    arrays = {name: _array(name, members[f"{name}.npy"]) for name in names}
    saved = SavedModel(
        config=_typed(record, "config", dict),
        weights=_below("weights", arrays),
        seed=_typed(record, "seed", int, type(None)),
        compiled=_typed(record, "compiled", dict, type(None)),
        iterations=_count(record, "iterations"),
        epochs=_count(record, "epochs"),
        place=_checked_place(_typed(record, "place", dict, type(None))),
    )
    for name, array in _below("optimizer", arrays).items():
        slot, _, key = name.partition("/")
        saved.slots.setdefault(slot, {})[key] = array
    saved.callbacks = _callbacks(_typed(record, "callbacks", list), _below("callbacks", arrays))
    if _number_of_arrays(saved) != len(arrays):
        raise FileError("there are arrays in it that belong to nothing")
    return saved


def _callbacks(states: list[Any], arrays: dict[str, np.ndarray]) -> list[SavedCallback]:
    """Return the states of callbacks, from their records and their arrays."""
    if len(states) > MOST_CALLBACKS:
        raise FileError(f"it has {len(states):,} callbacks, more than the {MOST_CALLBACKS} that are read")
    callbacks = []
    for i, state in enumerate(states):
        if not isinstance(state, dict):
            raise FileError("callbacks in model.json are no records")
        callback = SavedCallback(_typed(state, "class_name", str), _typed(state, "values", dict))
        for key, array in _below(str(i), arrays).items():
            name, _, number = key.partition("/")
            if number != str(len(callback.arrays.setdefault(name, []))):
                raise FileError(f"the array callbacks/{i}/{key} is not the next one of its list")
            callback.arrays[name].append(array)
        callbacks.append(callback)
    return callbacks


def _checked_place(place: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the place of a training in its data, if it is a position and three lists of numbers of passes."""
    if place is None:
        return None
    lists = [place.get(name) for name in ("began", "passes", "validation")]
    counts = [count for numbers in lists if isinstance(numbers, list) for count in numbers]
    right = all(isinstance(numbers, list) and len(numbers) <= MOST_SHUFFLES for numbers in lists)
    if not right or len(place) != 4 or not all(_is_count(count) for count in [*counts, place.get("position")]):
        raise FileError(f"'place' in {JSON_NAME} is no place in the data: {str(place)[:80]}")
    return place


def _is_count(value: Any) -> bool:
    """Tell whether the value is an integer from 0 to sys.maxsize."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= sys.maxsize


def _number_of_arrays(saved: SavedModel) -> int:
    """Count all arrays of the model."""
    lists = [arrays for state in saved.callbacks for arrays in state.arrays.values()]
    return len(saved.weights) + sum(map(len, saved.slots.values())) + sum(map(len, lists))


def _typed(record: dict[str, Any], name: str, *types: type) -> Any:
    """Return the entry of this name, if it is of one of the types, no bool and not negative."""
    value = record.get(name)
    right = name in record and isinstance(value, types) and not isinstance(value, bool)
    if not right or (isinstance(value, int) and value < 0):
        raise FileError(f"{name!r} in {JSON_NAME} is missing or of another kind: {str(value)[:80]!r}")
    return value


def _count(record: dict[str, Any], name: str) -> int:
    """Return the entry of this name, if it is an integer from 0 to sys.maxsize."""
    value = _typed(record, name, int)
    if value > sys.maxsize:
        raise FileError(f"{name!r} in {JSON_NAME} is {value:,}, more than can be counted")
    return value


def _array(name: str, content: bytes) -> np.ndarray:
    """Decode an array; a FileError names it."""
    try:
        return npy.decode(content)
    except FileError as error:
        raise FileError(f"the array {name!r}: {error}") from None


def _below(folder: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays in a folder, by their names without it."""
    return {name.removeprefix(f"{folder}/"): array for name, array in arrays.items() if name.startswith(f"{folder}/")}
