"""Saving and loading: models to SavedModel and back, and which format a file has."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .. import callbacks, losses, metrics, optimizers
from ..arguments import absent, is_integer, named_arguments
from ..backend import module, resolve, to_numpy
from ..config import Configured, from_record, serialize
from ..config import custom_objects as naming
from ..files import write_whole
from ..layers.building import hollow
from ..metrics.accuracy import AnyAccuracy
from ..metrics.base import FunctionMetric
from ..models.sequential import Sequential
from . import npz
from .record import FileError, SavedCallback, SavedModel

__all__ = ["load_model", "save_model"]

MOST_LAYERS, MOST_METRICS = 1_000, 100
LONGEST_REASON = 500  # characters of another's message, which may hold what the file holds
NUMBERS, WEIGHTS = ("best",), ("best_weights",)  # among the attributes of callbacks; the others are counts


def save_model(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """The same as `model.save(filepath)`."""
    if not isinstance(model, Sequential):
        raise TypeError(f"save_model takes a Sequential; got {model!r}.")
    encode = _format(filepath, OF_MODEL, "a model")
    _write(filepath, overwrite, lambda: encode(_readable(snapshot(model), model)))


@named_arguments({"safe_mode": "Leave it out: nothing in a file is ever executed."})
def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    *,
    backend: str | None = None,
) -> Sequential:
    """The model that `model.save` wrote to a file: built, with its weights and, with `compile`, ready to train on.

    `custom_objects` maps names to layers, losses, metrics and optimizers (classes) and to metric functions of your own
    that the file mentions (a .keras file mentions Keras's alone). `backend` is as in Sequential.
    Files are tinynet's (.npz) or Keras's (.keras, which needs h5py; written by Keras 3 on any backend).

    Nothing in the file is executed: names are looked up in tinynet's tables and in custom_objects, sizes are compared
    with the bytes that are there before memory is taken. FileError, a ValueError, for whatever is not as it should be.
    A .keras file holds HDF5, which a C library reads, h5py's; from strangers take .npz.
    """
    decode = _format(filepath, TO_MODEL, "a model")
    if not isinstance(custom_objects, (Mapping, type(None))):
        raise TypeError(f"custom_objects must be a dictionary from names to classes; got {custom_objects!r}.")
    content = Path(filepath).read_bytes()
    try:
        return restore(decode(content, compile), dict(custom_objects or {}), compile, backend)
    except FileError as error:
        raise FileError(f"{os.fspath(filepath)!r}: {str(error)[:LONGEST_REASON]}") from error


def save_weights(model: Sequential, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """The same as `model.save_weights(filepath)`."""
    encode = _format(filepath, OF_WEIGHTS, "weights")
    _write(filepath, overwrite, lambda: encode(model))


def load_weights(model: Sequential, filepath: str | os.PathLike[str]) -> None:
    """The same as `model.load_weights(filepath)`."""
    decode = _format(filepath, TO_WEIGHTS, "weights")
    if not model.built:
        raise ValueError(f"Model '{model.name}' is not built yet: build it first, so that it has weights to load.")
    try:
        arrays = decode(Path(filepath).read_bytes(), model)
    except FileError as error:
        raise FileError(f"{os.fspath(filepath)!r}: {str(error)[:LONGEST_REASON]}") from None
    own = model.keyed_weights()
    if set(arrays) != set(own):
        other = sorted(set(arrays) ^ set(own))
        raise ValueError(
            f"{os.fspath(filepath)!r} does not hold the weights of model '{model.name}': {', '.join(other)} are in one "
            "of the two only."
        )
    model.set_weights([arrays[key] for key in own])


def _keras() -> ModuleType:
    """The module for Keras's files, which takes as long to import as a file to read."""
    from . import keras

    return keras


def _to_keras(saved: SavedModel) -> bytes:
    """The bytes of a .keras file; it has no place for the state of callbacks."""
    return _keras().encode(dataclasses.replace(saved, callbacks=[]))


def _bare(model: Sequential) -> SavedModel:
    """The layers and weights of a model, which is not compiled."""
    return SavedModel(model.get_config(), _weights(model))


# How a file of this name is read and written.
TO_MODEL: dict[str, Callable[[bytes, bool], SavedModel]] = {
    ".npz": lambda content, compile: npz.decode(content),
    ".keras": lambda content, compile: _keras().decode(content, compile),
}
OF_MODEL: dict[str, Callable[[SavedModel], bytes]] = {".npz": npz.encode, ".keras": _to_keras}
TO_WEIGHTS: dict[str, Callable[[bytes, Sequential], dict[str, np.ndarray]]] = {
    ".npz": lambda content, model: npz.decode_weights(content),
    ".keras": lambda content, model: _keras().decode(content, False).weights,
    ".weights.h5": lambda content, model: _keras().decode_weights(content, _bare(model)).weights,
}
OF_WEIGHTS: dict[str, Callable[[Sequential], bytes]] = {
    ".npz": lambda model: npz.encode_weights(_weights(model)),
    ".weights.h5": lambda model: _keras().encode_weights(_bare(model)),
}


def snapshot(model: Sequential) -> SavedModel:
    """A model as plain values and arrays."""
    saved = SavedModel(model.get_config(), _weights(model), model.seed, epochs=model.epochs_trained)
    _check_config(saved.config)  # what could not be read is not written
    if not model.compiled:
        return saved
    model.training_step()  # RuntimeError if the optimizer's state is not for this model as it stands
    saved.compiled = {
        "optimizer": serialize(model.optimizer),
        "loss": serialize(model.loss),
        "metrics": [_metric_record(metric) for metric in model.metrics],
        "weighted_metrics": [_metric_record(metric) for metric in model.weighted_metrics],
    }
    optimizer = model.optimizer
    saved.iterations = optimizer.iterations
    if optimizer.state:
        places = _trained_places(model)
        for slot, flat in zip(optimizer.slots, optimizer.state[0][1:], strict=True):
            flat = to_numpy(flat)
            saved.slots[slot] = {key: flat[place].reshape(shape) for key, (place, shape) in places.items()}
    states = [_callback_state(callback) for callback in model.fitted_callbacks if callback.saved_attributes]
    saved.callbacks, saved.place = states or list(model.saved_callbacks), model.place
    return saved


def _readable(saved: SavedModel, model: Sequential) -> SavedModel:
    """`saved`, if the model can be made of it again; ValueError says what stands in the way."""
    own = _own_classes(model, {})
    functions = [metric for metric in (*model.metrics, *model.weighted_metrics) if isinstance(metric, FunctionMetric)]
    own.update({metric.name: metric.function for metric in functions})
    try:
        with naming(own):
            _hollow_model(saved, own, "numpy")
            if saved.compiled is not None:
                _choices(saved.compiled, own)
        if len(saved.callbacks) > npz.MOST_CALLBACKS:
            raise FileError(f"it has more than {npz.MOST_CALLBACKS} callbacks with a state")
    except (ValueError, TypeError) as error:
        raise ValueError(f"Model '{model.name}' could not be loaded again, so it is not saved: {error}") from error
    return saved


def _own_classes(thing: Any, found: dict[str, type]) -> dict[str, type]:
    """The classes, by name, that are not tinynet's, of an object and of what it holds."""
    if not type(thing).__module__.startswith("tinynet."):
        found[type(thing).__name__] = type(thing)
    for value in vars(thing).values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Configured):
                _own_classes(one, found)
    return found


def restore(saved: SavedModel, custom: dict[str, Any], compiled: bool, backend: str | None = None) -> Sequential:
    """A model from plain values and arrays; FileError if they do not make one."""
    backend = resolve(backend)  # never what the file says
    try:
        with naming(custom):
            model = _hollow_model(saved, custom, backend)
        _fill(model, saved.weights)
        if saved.seed is not None:
            if saved.config.get("seed") not in (None, saved.seed):
                raise FileError("it has two seeds that differ")
            model.seed = saved.seed
        if compiled and saved.compiled is not None:
            with naming(custom):
                _compile(model, saved, custom)
        model.epochs_trained = saved.epochs
    except (FileError, MemoryError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        hint = " Classes of your own are given in custom_objects." if reason.startswith("Unknown ") else ""
        raise FileError(f"no model can be made of it: {reason}{hint}") from error
    return model


def _hollow_model(saved: SavedModel, custom: dict[str, Any], backend: str) -> Sequential:
    """The model without memory for its weights; FileError unless these are the weights that it has."""
    _check_config(saved.config)
    with hollow():
        model = Sequential.from_config({**saved.config, "backend": backend}, custom)
    _check_kinds(model.get_config(), saved.config)
    if not model.built:
        raise FileError("its configuration has no input shape")
    own = model.keyed_weights()
    if list(own) != list(saved.weights):
        other = sorted(set(own) ^ set(saved.weights)) or ["their order"]
        raise FileError(f"its layers and its weights do not belong together: {', '.join(other[:5])} differs")
    for key, (part, name) in own.items():
        if part.__dict__[name].shape != saved.weights[key].shape:
            shapes = f"{part.__dict__[name].shape}, but the file has {saved.weights[key].shape}"
            raise FileError(f"{part.name}.{name} has shape {shapes}")
    return model


def _check_config(config: Mapping[str, Any]) -> None:
    """FileError for more layers than are read, those of inner models counted, and for another dtype."""
    models, count = [config], 0
    for one in models:  # which grows by the models inside
        layers = one.get("layers")
        if not isinstance(layers, list):
            raise FileError("the configuration of a model has no list of layers")
        count += sum(isinstance(layer, Mapping) and layer.get("class_name") != "InputLayer" for layer in layers)
        if count > MOST_LAYERS or len(layers) > MOST_LAYERS + 1:
            raise FileError(f"the model has more than the {MOST_LAYERS:,} layers that are read")
        if one.get("dtype", "float32") not in ("float32", "float64"):
            raise FileError("the model's dtype is neither 'float32' nor 'float64'")
        inner = [layer for layer in layers if isinstance(layer, Mapping) and layer.get("class_name") == "Sequential"]
        models += [layer["config"] for layer in inner if isinstance(layer.get("config"), Mapping)]


def _check_kinds(own: Any, given: Any, name: str = "") -> None:
    """FileError where an object has made True or False, or a name, of something else that the file has."""
    if name == "name" and not isinstance(given, (str, type(None))):
        raise FileError(f"a name is no text in it, but {str(given)[:80]!r}")
    if isinstance(own, bool) is not isinstance(given, bool) or (name == "trainable" and not isinstance(given, bool)):
        raise FileError(f"{name!r} is {str(given)[:80]!r} in it, where True or False is wanted, or is not")
    if isinstance(own, Mapping) and isinstance(given, Mapping):
        for key in own.keys() & given.keys():
            _check_kinds(own[key], given[key], key)
    elif isinstance(own, list) and isinstance(given, list):
        for one, other in zip(own, given, strict=False):
            _check_kinds(one, other, name)


def _fill(model: Sequential, weights: Mapping[str, np.ndarray]) -> None:
    """Give a hollow model these weights, which are its own."""
    xp = module(model.backend)
    for key, (part, name) in model.keyed_weights().items():
        weight = xp.array(weights[key], dtype=model.dtype)
        part.bind(name, weight, xp.zeros(weight.shape, dtype=model.dtype) if name in part.grads else None)


def _compile(model: Sequential, saved: SavedModel, custom: dict[str, Any]) -> None:
    given = saved.compiled
    model.compile(*_choices(given, custom))
    for name in ("optimizer", "loss"):
        _check_kinds(serialize(getattr(model, name)), given[name], name)
    for name in ("metrics", "weighted_metrics"):
        _check_kinds([serialize(one) for one in getattr(model, name)], given.get(name), name)
    _check_callbacks(model, saved.callbacks)
    optimizer = model.optimizer
    optimizer.iterations = saved.iterations
    model.saved_callbacks, model.saved_place = saved.callbacks, saved.place
    if not saved.slots and (saved.iterations == 0 or optimizer.slots):
        if saved.iterations:
            raise FileError(f"the state of the optimizer {optimizer.name} is missing")
        return
    places = _trained_places(model)
    if set(saved.slots) != set(optimizer.slots) or any(set(one) != set(places) for one in saved.slots.values()):
        raise FileError(f"the arrays of the optimizer {optimizer.name} are not those of this model")
    xp, size = module(model.backend), model.current_step().buffers.trained_size
    flats = [xp.zeros(size, dtype=model.dtype) for _ in ("scratch", *optimizer.slots)]
    for slot, flat in zip(optimizer.slots, flats[1:], strict=True):
        for key, (place, shape) in places.items():
            array = saved.slots[slot][key]
            if array.shape != shape:
                raise FileError(f"the optimizer's {slot} of {key} has shape {array.shape}, not {shape}")
            flat[place] = xp.asarray(array, dtype=model.dtype).reshape(-1)
    optimizer.state = [flats]
    model.mark_trained()


def _choices(given: dict[str, Any], custom: dict[str, Any]) -> tuple[Any, Any, list[Any], list[Any]]:
    """The arguments of compile: optimizer, loss, metrics and weighted metrics."""
    for name in ("metrics", "weighted_metrics"):
        listed = given.get(name)
        if not isinstance(listed, (list, type(None))) or len(listed or ()) > MOST_METRICS:
            raise FileError(f"{name} in it is no list of at most {MOST_METRICS} metrics")
    return (
        _object("optimizer", given.get("optimizer"), optimizers.get, custom),
        _object("loss", given.get("loss"), losses.get, custom),
        [_object("metric", one, metrics.get, custom) for one in given.get("metrics") or ()],
        [_object("metric", one, metrics.get, custom) for one in given.get("weighted_metrics") or ()],
    )


def _check_callbacks(model: Sequential, states: list[SavedCallback]) -> None:
    """FileError for states that callbacks of tinynet's cannot have; those of your own are theirs to look at."""
    shapes = [weight.shape for weight in model.weights]
    for state in states:
        if state.class_name not in callbacks.__all__:
            continue
        kind = getattr(callbacks, state.class_name)
        known = (*kind.saved_attributes, *kind.identity)
        for name, value in {**state.values, **state.arrays}.items():
            if name in WEIGHTS:
                fits = value is None or (name in state.arrays and [array.shape for array in value] == shapes)
            elif name in kind.identity:
                fits = isinstance(value, str)
            elif name in NUMBERS:
                fits = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
            else:
                fits = is_integer(value) and 0 <= value <= sys.maxsize
            if name not in known or not fits:
                raise FileError(f"{name!r} of {state.class_name} is nothing that it keeps, or of another kind")


def _trained_places(model: Sequential) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """For each weight that the optimizer changes its key, its place in the optimizer's flat arrays, and its shape."""
    buffers = model.current_step().buffers
    keys = {(id(part), name): key for key, (part, name) in model.keyed_weights().items()}
    trained = [entry for entry in buffers.places if entry[2].stop <= buffers.trained_size]
    return {keys[id(part), name]: (place, shape) for part, name, place, shape in trained}


def _weights(model: Sequential) -> dict[str, np.ndarray]:
    if not model.built:
        raise ValueError(f"Model '{model.name}' is not built yet, so it has no weights to save.")
    return {key: to_numpy(part.__dict__[name]) for key, (part, name) in model.keyed_weights().items()}


def _metric_record(metric: metrics.Metric) -> Any:
    """A metric as a record; "accuracy" stays its name, and a function is mentioned by its own."""
    if isinstance(metric, AnyAccuracy):
        return metric.name
    if isinstance(metric, FunctionMetric):
        return {"class_name": "function", "config": metric.name}
    return serialize(metric)


def _object(kind: str, record: Any, get: Any, custom: dict[str, Any]) -> Any:
    """The object of a record, from custom_objects or tinynet's own table."""
    if isinstance(record, Mapping):
        name = record.get("class_name")
        if name == "function":
            function = custom.get(record.get("config"))
            if kind != "metric" or not callable(function):
                raise FileError(f"the {kind} {record.get('config')!r} is a function: give it in custom_objects")
            return function
        if name in custom:
            return from_record(kind, record, custom)
    elif not isinstance(record, str):
        raise FileError(f"there is no {kind} in it")
    return get(record)


def _callback_state(callback: Any) -> SavedCallback:
    values, arrays = {}, {}
    for name in (*callback.identity, *callback.saved_attributes):
        value = getattr(callback, name)
        if isinstance(value, list):
            arrays[name] = [to_numpy(array) for array in value]
        else:
            values[name] = serialize(value)
    return SavedCallback(type(callback).__name__, values, arrays)


def _format(filepath: Any, formats: Mapping[str, Any], what: str) -> Any:
    """What the end of a file's name asks for."""
    name = str(os.fspath(filepath))
    for end, function in formats.items():
        if name.endswith(end):
            return function
    hint = ""
    if name.endswith(".weights.h5"):
        hint = " It holds weights alone: model.load_weights reads it into a model."
    elif name.endswith((".h5", ".hdf5")):
        hint = " Keras's older format is not read: load it in Keras, and save it there as .keras."
    ends = " or ".join(map(repr, formats))
    raise ValueError(f"The name of a file of {what} must end in {ends}; got {name!r}.{hint}")


def _write(filepath: str | os.PathLike[str], overwrite: bool, content: Any) -> None:
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"{os.fspath(filepath)!r} exists already, and overwrite is False.")
    write_whole(filepath, content())


__getattr__ = absent(__name__, __all__)
