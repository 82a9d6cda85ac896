"""tinynet's own file of a model: an archive of NumPy's, .npz, that NumPy alone can read.

    model.json                             everything that is no array, as JSON in UTF-8; see below
    weights/0/kernel.npy                   a weight: the place of its part in the chain of the model, and its name
    optimizer/velocity/0/kernel.npy        a slot of the optimizer, and the weight that it is for
    callbacks/0/best_weights/3.npy         an array of a callback's state, the fourth of that name

It is a zip archive with stored members, of .npy files of float32 or float64 in version 1.0, so that numpy.load reads
the arrays: numpy.load("m.npz")["weights/0/kernel"]. model.json holds

    format, version      "tinynet", 1. A reader refuses a version that it does not know
    config               Sequential's get_config: name, dtype, and the layers as records of class_name and config
    seed                 of the model, which decides the order of the samples and the masks of Dropout
    compiled             null, or "optimizer", "loss", "metrics" and "weighted_metrics", as records
    iterations, epochs   steps of the optimizer that are done, and the number of the last epoch, counted from 1
    place                null, or where the training is in its data: "position", batches of the running pass that are
                         made; "began" and "passes", for each shuffle of a dataset how many passes it had begun before
                         this one, and till now; "validation", the latter for the validation data
    callbacks            a list of {"class_name", "values"}
    arrays               the names of all arrays in their order; another set of members than these is an error

Nothing in it is executed or imported: classes are looked up in tables of tinynet's, and those of your own by name in
`custom_objects`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import archive, npy
from . import bounded_json as texts
from .record import FileError, SavedCallback, SavedModel

VERSION = 1
JSON_NAME, MOST_CALLBACKS, MOST_SHUFFLES = "model.json", 100, 100


def encode(saved: SavedModel) -> bytes:
    """The bytes of the file."""
    arrays = {f"weights/{key}": array for key, array in saved.weights.items()}
    for slot, by_weight in saved.slots.items():
        arrays.update({f"optimizer/{slot}/{key}": array for key, array in by_weight.items()})
    for i, callback in enumerate(saved.callbacks):
        for name, given in callback.arrays.items():
            arrays.update({f"callbacks/{i}/{name}/{j}": array for j, array in enumerate(given)})
    text = {
        "format": "tinynet",
        "version": VERSION,
        "config": saved.config,
        "seed": saved.seed,
        "compiled": saved.compiled,
        "iterations": saved.iterations,
        "epochs": saved.epochs,
        "place": saved.place,
        "callbacks": [{"class_name": one.class_name, "values": one.values} for one in saved.callbacks],
        "arrays": list(arrays),
    }
    try:
        content = json.dumps(text, indent=1).encode()
        texts.loads(content, JSON_NAME)  # what could not be read is not written
    except (TypeError, ValueError) as error:
        raise ValueError(f"The model has a setting that cannot be written as JSON: {error}.") from None
    return archive.pack({JSON_NAME: content, **{f"{name}.npy": npy.encode(array) for name, array in arrays.items()}})


def encode_weights(weights: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a file of weights alone: an archive of 0/kernel.npy and so on."""
    return archive.pack({f"{key}.npy": npy.encode(array) for key, array in weights.items()})


def decode_weights(content: bytes) -> dict[str, np.ndarray]:
    """The weights in a file of weights alone, or in that of a model."""
    members = archive.unpack(content)
    prefix = "weights/" if JSON_NAME in members else ""
    names = [name for name in members if name.endswith(".npy") and name.startswith(prefix)]
    if not names:
        raise FileError("there are no arrays in it")
    keys = [name.removeprefix(prefix).removesuffix(".npy") for name in names]
    return {key: _array(key, members[name]) for key, name in zip(keys, names, strict=True)}


def decode(content: bytes) -> SavedModel:
    """What is in the bytes of the file; FileError if anything in it is not as it should be."""
    members = archive.unpack(content)
    if JSON_NAME not in members:
        weights = " (it may hold weights alone: model.load_weights reads those)" if members else ""
        raise FileError(f"there is no {JSON_NAME} in it{weights}")
    text = texts.loads(members.pop(JSON_NAME), JSON_NAME)
    if text.get("format") != "tinynet" or text.get("version") != VERSION:
        got = f"format {text.get('format')!r}, version {text.get('version')!r}"
        raise FileError(f"it is of {got}; this tinynet reads format 'tinynet', version {VERSION}")
    names = _typed(text, "arrays", list)
    if not all(isinstance(name, str) for name in names) or sorted(f"{name}.npy" for name in names) != sorted(members):
        raise FileError(f"{JSON_NAME} lists other arrays than there are in the archive")
    arrays = {name: _array(name, members[f"{name}.npy"]) for name in names}
    saved = SavedModel(
        config=_typed(text, "config", dict),
        weights=_below("weights", arrays),
        seed=_typed(text, "seed", int, type(None)),
        compiled=_typed(text, "compiled", dict, type(None)),
        iterations=_count(text, "iterations"),
        epochs=_count(text, "epochs"),
        place=_place(_typed(text, "place", dict, type(None))),
    )
    for name, array in _below("optimizer", arrays).items():
        slot, _, key = name.partition("/")
        saved.slots.setdefault(slot, {})[key] = array
    listed, kept = _typed(text, "callbacks", list), _below("callbacks", arrays)
    if len(listed) > MOST_CALLBACKS:
        raise FileError(f"it has {len(listed):,} callbacks, more than the {MOST_CALLBACKS} that are read")
    for i, one in enumerate(listed):
        if not isinstance(one, dict):
            raise FileError("callbacks in model.json are no records")
        callback = SavedCallback(_typed(one, "class_name", str), _typed(one, "values", dict))
        for key, array in _below(str(i), kept).items():
            name, _, number = key.partition("/")
            if number != str(len(callback.arrays.setdefault(name, []))):
                raise FileError(f"the array callbacks/{i}/{key} is not the next one of its list")
            callback.arrays[name].append(array)
        saved.callbacks.append(callback)
    if _number_of_arrays(saved) != len(arrays):
        raise FileError("there are arrays in it that belong to nothing")
    return saved


def _place(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The place of a training in its data: a position in the pass, and numbers of passes."""
    if given is None:
        return None
    lists = [given.get(name) for name in ("began", "passes", "validation")]
    counts = [one for numbers in lists if isinstance(numbers, list) for one in numbers]
    right = all(isinstance(numbers, list) and len(numbers) <= MOST_SHUFFLES for numbers in lists)
    if not right or len(given) != 4 or not all(_is_count(one) for one in [*counts, given.get("position")]):
        raise FileError(f"'place' in {JSON_NAME} is no place in the data: {str(given)[:80]}")
    return given


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= sys.maxsize


def _number_of_arrays(saved: SavedModel) -> int:
    lists = [given for one in saved.callbacks for given in one.arrays.values()]
    return len(saved.weights) + sum(map(len, saved.slots.values())) + sum(map(len, lists))


def _typed(text: dict[str, Any], name: str, *types: type) -> Any:
    value = text.get(name)
    right = name in text and isinstance(value, types) and not isinstance(value, bool)
    if not right or (isinstance(value, int) and value < 0):
        raise FileError(f"{name!r} in {JSON_NAME} is missing or of another kind: {str(value)[:80]!r}")
    return value


def _count(text: dict[str, Any], name: str) -> int:
    value = _typed(text, name, int)
    if value > sys.maxsize:
        raise FileError(f"{name!r} in {JSON_NAME} is {value:,}, more than can be counted")
    return value


def _array(name: str, content: bytes) -> np.ndarray:
    try:
        return npy.decode(content)
    except FileError as error:
        raise FileError(f"the array {name!r}: {error}") from None


def _below(folder: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{folder}/"): array for name, array in arrays.items() if name.startswith(f"{folder}/")}
