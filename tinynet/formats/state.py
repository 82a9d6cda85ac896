"""A model as plain values, and back: what every format writes and reads.

    model -> snapshot -> SavedModel -> a format's encode -> bytes
    bytes -> a format's decode -> SavedModel -> restore -> model
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import callbacks, losses, metrics, optimizers
from ..arguments import is_integer
from ..backend import module, resolve, to_numpy
from ..callbacks.base import SavedCallback
from ..config import Configured, custom_objects, from_record, serialize
from ..layers.building import placeholders
from ..metrics.accuracy import AnyAccuracy
from ..metrics.base import FunctionMetric
from ..training.bookmark import Bookmark
from .npz import MOST_CALLBACKS
from .record import FileError, SavedModel

MOST_LAYERS, MOST_METRICS = 1_000, 100
NUMBERS, WEIGHTS = ("best",), ("best_weights",)  # among the attributes of callbacks; the others are counts

Make = Callable[..., Any]  # Sequential.from_config: (config, custom objects) -> model


# ---- model -> plain values ------------------------------------------------------------------------------------


def snapshot(model: Any) -> SavedModel:
    """Return a model as plain values and arrays.

    Raises:
        ValueError: The model is not built, or more than can be read.
        RuntimeError: The optimizer's state is not for the layers as they stand.
    """
    saved, keyed = bare(model), model.keyed_weights()
    check_config(saved.config)  # what could not be read is not written
    bookmark = model.bookmark()
    saved.seed, saved.epochs = model.seed, bookmark.epochs
    if not model.compiled:
        return saved
    optimizer, buffers = model.optimizer, model.training_step().buffers
    saved.compiled = {
        "optimizer": serialize(optimizer),
        "loss": serialize(model.loss),
        "metrics": [_metric_record(metric) for metric in model.metrics],
        "weighted_metrics": [_metric_record(metric) for metric in model.weighted_metrics],
    }
    saved.iterations = optimizer.iterations
    places = _places(keyed, buffers)
    for slot, flat in optimizer.slots_of_model().items():
        flat = to_numpy(flat)
        saved.slots[slot] = {key: flat[place].reshape(shape) for key, (place, shape) in places.items()}
    saved.callbacks, saved.place = bookmark.states(), bookmark.place
    return saved


def bare(model: Any) -> SavedModel:
    """Return the layers and weights of a model alone. ValueError if it is not built."""
    if not model.built:
        raise ValueError(f"Model '{model.name}' is not built yet, so it has no weights to save.")
    weights = {key: to_numpy(part.__dict__[name]) for key, (part, name) in model.keyed_weights().items()}
    return SavedModel(model.get_config(), weights)


def check_readable(saved: SavedModel, model: Any, make: Make) -> None:
    """Check that a model can be made of `saved` again; ValueError says what stands in the way."""
    custom: dict[str, Any] = {}
    every = [*model.metrics, *model.weighted_metrics]
    for thing in (model, model.optimizer, model.loss, *every):
        if thing is not None:
            _custom_classes(thing, custom)
    custom.update({metric.name: metric.function for metric in every if isinstance(metric, FunctionMetric)})
    try:
        with custom_objects(custom):
            _model_without_memory(saved, make, custom, "numpy")
            if saved.compiled is not None:
                _choices(saved.compiled, custom)
        if len(saved.callbacks) > MOST_CALLBACKS:
            raise FileError(f"it has more than {MOST_CALLBACKS} callbacks with a state")
    except (ValueError, TypeError) as error:
        raise ValueError(f"Model '{model.name}' could not be loaded again, so it is not saved: {error}") from error


def _custom_classes(thing: Any, found: dict[str, Any]) -> None:
    """Add the classes, by name, that are not tinynet's, of an object and of what it holds."""
    if not type(thing).__module__.startswith("tinynet."):
        found[type(thing).__name__] = type(thing)
    for value in vars(thing).values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Configured):
                _custom_classes(each, found)


def _metric_record(metric: metrics.Metric) -> Any:
    """Return a metric as a record; "accuracy" stays its name, and a function is mentioned by its own."""
    if isinstance(metric, AnyAccuracy):
        return metric.name
    if isinstance(metric, FunctionMetric):
        return {"class_name": "function", "config": metric.name}
    return serialize(metric)


# ---- plain values -> model ------------------------------------------------------------------------------------


def restore(
    saved: SavedModel, make: Make, custom: dict[str, Any], compiled: bool = True, backend: str | None = None
) -> Any:
    """Return a model made of plain values and arrays; FileError if they do not make one.

    Args:
        saved: The plain values, which may come from a stranger.
        make: Sequential.from_config.
        custom: Classes and functions that the file may mention, by name.
        compiled: Whether to compile the model, and to restore the optimizer's state.
        backend: As in Sequential.
    """
    backend = resolve(backend)  # never what the file says
    try:
        with custom_objects(custom):
            model = _model_without_memory(saved, make, custom, backend)
            _fill(model, saved.weights)
            if saved.seed is not None:
                if saved.config.get("seed") not in (None, saved.seed):
                    raise FileError("it has two seeds that differ")
                model.seed = saved.seed
            if compiled and saved.compiled is not None:
                _compile(model, saved, custom)
        kept = (saved.place, saved.callbacks) if model.compiled else (None, [])
        model.go_on_from(Bookmark(saved.epochs, *kept, from_file=True))
    except (FileError, MemoryError):
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        hint = " Classes of your own are given in custom_objects." if reason.startswith("Unknown ") else ""
        raise FileError(f"no model can be made of it: {reason}{hint}") from error
    return model


def _model_without_memory(saved: SavedModel, make: Make, custom: dict[str, Any], backend: str) -> Any:
    """Return the model, its weights placeholders; FileError unless these are the weights that it has."""
    check_config(saved.config)
    with placeholders():
        model = make({**saved.config, "backend": backend}, custom)
    _check_kinds(model.get_config(), saved.config)
    if not model.built:
        raise FileError("its configuration has no input shape")
    keyed = model.keyed_weights()
    if list(keyed) != list(saved.weights):
        other = sorted(set(keyed) ^ set(saved.weights)) or ["their order"]
        raise FileError(f"its layers and its weights do not belong together: {', '.join(other[:5])} differs")
    for key, (part, name) in keyed.items():
        if part.__dict__[name].shape != saved.weights[key].shape:
            shapes = f"{part.__dict__[name].shape}, but the file has {saved.weights[key].shape}"
            raise FileError(f"{part.name}.{name} has shape {shapes}")
    return model


def check_config(config: Mapping[str, Any]) -> None:
    """FileError for more layers than are read, those of inner models counted, and for another dtype."""
    models, count = [config], 0
    for model in models:  # which grows by the models inside
        layers = model.get("layers")
        if not isinstance(layers, list):
            raise FileError("the configuration of a model has no list of layers")
        count += sum(isinstance(layer, Mapping) and layer.get("class_name") != "InputLayer" for layer in layers)
        if count > MOST_LAYERS or len(layers) > MOST_LAYERS + 1:
            raise FileError(f"the model has more than the {MOST_LAYERS:,} layers that are read")
        if model.get("dtype", "float32") not in ("float32", "float64"):
            raise FileError("the model's dtype is neither 'float32' nor 'float64'")
        inner = [layer for layer in layers if isinstance(layer, Mapping) and layer.get("class_name") == "Sequential"]
        models += [layer["config"] for layer in inner if isinstance(layer.get("config"), Mapping)]


def _check_kinds(made: Any, given: Any, name: str = "") -> None:
    """FileError if an object has made True or False, or a name, of something else that the file has."""
    if name == "name" and not isinstance(given, (str, type(None))):
        raise FileError(f"a name is no text in it, but {str(given)[:80]!r}")
    if isinstance(made, bool) is not isinstance(given, bool) or (name == "trainable" and not isinstance(given, bool)):
        raise FileError(f"{name!r} is {str(given)[:80]!r} in it, where True or False is wanted, or is not")
    if isinstance(made, Mapping) and isinstance(given, Mapping):
        for key in made.keys() & given.keys():
            _check_kinds(made[key], given[key], key)
    elif isinstance(made, list) and isinstance(given, list):
        for entry, other in zip(made, given, strict=False):
            _check_kinds(entry, other, name)


def _fill(model: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Give a model of placeholders these weights."""
    xp = module(model.backend)
    for key, (part, name) in model.keyed_weights().items():
        weight = xp.array(weights[key], dtype=model.dtype)
        part.bind(name, weight, xp.zeros(weight.shape, dtype=model.dtype) if name in part.grads else None)


def _compile(model: Any, saved: SavedModel, custom: dict[str, Any]) -> None:
    """Compile the model as the file says, and let the optimizer go on from its state."""
    given = saved.compiled
    model.compile(*_choices(given, custom))
    for name in ("optimizer", "loss"):
        _check_kinds(serialize(getattr(model, name)), given[name], name)
    for name in ("metrics", "weighted_metrics"):
        _check_kinds([serialize(metric) for metric in getattr(model, name)], given.get(name), name)
    _check_callbacks(model, saved.callbacks)
    model.restore_optimizer(saved.iterations, _flat_slots(model, saved))


def _flat_slots(model: Any, saved: SavedModel) -> dict[str, Any]:
    """Return the optimizer's slots as flat arrays on the backend; FileError if they are not those of this model."""
    optimizer = model.optimizer
    if not saved.slots and (saved.iterations == 0 or optimizer.slots):
        if saved.iterations:
            raise FileError(f"the state of the optimizer {optimizer.name} is missing")
        return {}
    buffers = model.training_step().buffers
    places = _places(model.keyed_weights(), buffers)
    if set(saved.slots) != set(optimizer.slots) or any(set(keys) != set(places) for keys in saved.slots.values()):
        raise FileError(f"the arrays of the optimizer {optimizer.name} are not those of this model")
    xp = module(model.backend)
    flats = {slot: xp.zeros(buffers.trained_size, dtype=model.dtype) for slot in optimizer.slots}
    for slot, flat in flats.items():
        for key, (place, shape) in places.items():
            array = saved.slots[slot][key]
            if array.shape != shape:
                raise FileError(f"the optimizer's {slot} of {key} has shape {array.shape}, not {shape}")
            flat[place] = xp.asarray(array, dtype=model.dtype).reshape(-1)
    return flats


def _places(keyed: dict[str, tuple[Any, str]], buffers: Any) -> dict[str, tuple[slice, tuple[int, ...]]]:
    """Return the key of each weight that is trained, its place in the flat arrays, and its shape."""
    keys = {(id(part), name): key for key, (part, name) in keyed.items()}
    return {keys[id(part), name]: (place, shape) for part, name, place, shape in buffers.trained_places()}


def _choices(given: dict[str, Any], custom: dict[str, Any]) -> tuple[Any, Any, list[Any], list[Any]]:
    """Return the arguments of compile: optimizer, loss, metrics and weighted metrics."""
    for name in ("metrics", "weighted_metrics"):
        listed = given.get(name)
        if not isinstance(listed, (list, type(None))) or len(listed or ()) > MOST_METRICS:
            raise FileError(f"{name} in it is no list of at most {MOST_METRICS} metrics")
    return (
        _made("optimizer", given.get("optimizer"), optimizers.get, custom),
        _made("loss", given.get("loss"), losses.get, custom),
        [_made("metric", record, metrics.get, custom) for record in given.get("metrics") or ()],
        [_made("metric", record, metrics.get, custom) for record in given.get("weighted_metrics") or ()],
    )


def _made(kind: str, record: Any, get: Any, custom: dict[str, Any]) -> Any:
    """Return the object of a record, from custom_objects or tinynet's own table."""
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


def _check_callbacks(model: Any, states: list[SavedCallback]) -> None:
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
