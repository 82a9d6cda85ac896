"""Convert Keras's records of layers, losses, metrics and optimizers to tinynet's records, and back.

    {"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": null}

tinynet writes the same kind of record, with the same class names and arguments. So most of this file is checks. A
record from a file is looked up in closed tables, its object is made with checked arguments, and the object is written
down again. No module is imported, and no record holds code. No switch changes that. A key that tinynet does not know
must have a value without effect: null, or Keras's default. Every key that is written is known to every Keras 3.

Two things come back in another form that computes the same (see `plain`). Layers that Keras has only as functions are
written as Activation, and activations with settings as separate layers. The parts and their places, on which the masks
of Dropout depend, stay the same, with one exception: Activation("linear") has no part, but Linear is one.

Source: keras/src/saving/serialization_lib.py, and get_config of each class, Keras 3.3 to 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import initializers, layers, losses, metrics, optimizers, regularizers
from ..config import arguments, serialize, snake_case
from ..layers.activation_names import ACTIVATIONS
from ..metrics.accuracy import AnyAccuracy
from ..optimizers import schedules
from .npy import MOST_AXES
from .record import FileError

LAYERS = {
    name: layers.LAYERS[name]
    for name in (
        *("Activation", "BatchNormalization", "Dense", "Dropout", "ELU", "Flatten", "LeakyReLU", "ReLU", "Rescaling"),
        *("Reshape", "Softmax"),
    )
}
WITH_SETTINGS = ("ELU", "LeakyReLU", "ReLU", "Softmax")  # activations that are layers in Keras
FUNCTIONS = {
    "GELU": "gelu",
    "Linear": "linear",
    "LogSoftmax": "log_softmax",
    "SELU": "selu",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Tanh": "tanh",
}
OTHER_NAMES = {"softmax_v2": "softmax", "log_softmax_v2": "log_softmax"}  # TensorFlow's names of its tf.nn functions
KINDS = {  # other objects: Keras's module, and the table of names
    "initializer": ("keras.initializers", initializers.INITIALIZERS),
    "regularizer": ("keras.regularizers", regularizers.REGULARIZERS),
    "schedule": ("keras.optimizers.schedules", schedules.SCHEDULES),
    "optimizer": ("keras.optimizers", optimizers.OPTIMIZERS),
    "loss": ("keras.losses", losses.LOSSES),
    "metric": ("keras.metrics", metrics.METRICS),
}
DEFAULTS = {  # arguments that tinynet does not have: the values that have no effect
    "auto_scale_loss": (True, False),
    "axis": (-1,),
    "data_format": ("channels_last",),
    "ema_momentum": (0.99,),
    "jit_compile": (True, False, "auto"),
    "optional": (False,),
    "ragged": (False,),
    "renorm": (False,),
    "renorm_momentum": (0.99,),
    "run_eagerly": (True, False),
    "sparse": (False,),
    "synchronized": (False,),
    "use_ema": (False,),
}
RECORD = {"module", "class_name", "config", "registered_name", "build_config", "compile_config", "shared_object_id"}
DTYPES = ("float32", "float64")
LARGEST_SEED = 2**32


# ---- reading --------------------------------------------------------------------------------------------------------
# `what` names the object that is being read, for messages.


def opened(what: str, record: Any, module: str) -> tuple[str, dict[str, Any]]:
    """Return the class name and the configuration of a record.

    Raises:
        FileError: It is not a record of a class of Keras's in this module.
    """
    if not isinstance(record, dict) or not isinstance(record.get("class_name"), str):
        raise FileError(f"{what} is no record of a class: {short(record)}")
    name, config, registered = record["class_name"], record.get("config"), record.get("registered_name")
    unknown = sorted(set(record) - RECORD)
    if unknown:
        raise FileError(f"{what}, {short(name)}, has an unknown entry {short(unknown[0])}")
    if record.get("module") != module:
        raise FileError(f"{what} is of {short(record.get('module'))}: {short(name)}; only those of {module!r} are read")
    if registered not in (None, name):
        raise FileError(f"{what} is registered as {short(registered)}; only Keras's own {short(name)} is read")
    if not isinstance(config, dict):
        raise FileError(f"{what}, {short(name)}, has no configuration: {short(config)}")
    return name, config


def function(what: str, record: Any) -> str | None:
    """Return the name in the record of a function of Keras's, or None for other records."""
    if not isinstance(record, dict) or record.get("class_name") != "function":
        return None
    name, module = record.get("config"), record.get("module")
    if module != "builtins" or not isinstance(name, str) or record.get("registered_name") not in ("function", name):
        raise FileError(f"{what} is the function {short(name)} of {short(module)}, which is not read")
    return name


def short(value: Any) -> str:
    """Return a value as text for a message, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def known_part(what: str, config: Mapping[str, Any], known: Any) -> dict[str, Any]:
    """Return the entries whose names are known. Raise FileError if another entry has an effect."""
    part = {key: value for key, value in config.items() if key in known}
    for key, value in config.items():
        neutral = any(type(value) is type(other) and value == other for other in DEFAULTS.get(key, ()))
        if key not in known and value is not None and not neutral:
            raise FileError(f"{what} has {key[:80]}={short(value)}, which tinynet does not have")
    return part


def made(what: str, cls: type, config: dict[str, Any]) -> Any:
    """Make an object of this class. Raise FileError for arguments that it refuses."""
    parameters = arguments(cls)
    for key, value in config.items():
        if isinstance(parameters[key].default, bool) and not isinstance(value, bool):
            raise FileError(f"{what} has {key}={short(value)}, which is neither true nor false")
        if key == "name" and not isinstance(value, str):
            raise FileError(f"{what} has a name that is no string: {short(value)}")
    try:
        return cls(**config)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise FileError(f"{what} cannot be made: {str(error)[:300]}") from None


def read_object(kind: str, value: Any) -> Any:
    """Make the initializer, regularizer, schedule, optimizer, loss or metric of a name or a record.

    Raises:
        FileError: tinynet has no such object, or not with these arguments.
    """
    module, table = KINDS[kind]
    what = f"the {kind}"
    name = value if isinstance(value, str) else function(what, value)
    if name is not None:
        return _named(kind, name)
    name, config = opened(what, value, module)
    classes = {cls.__name__: cls for cls in table.values() if cls is not AnyAccuracy}
    if name not in classes:
        raise FileError(f"tinynet has no {kind} {short(name)}; it has {', '.join(sorted(classes))}")
    cls, what = classes[name], f"the {kind} {name}"
    dtype_of(what, config.get("dtype"))
    config = known_part(what, {key: entry for key, entry in config.items() if key != "dtype"}, arguments(cls))
    if isinstance(config.get("learning_rate"), (dict, str)):
        config["learning_rate"] = read_object("schedule", config["learning_rate"])
    return made(what, cls, config)


def _named(kind: str, name: str) -> Any:
    """Make the object of this name."""
    get = {"initializer": initializers, "regularizer": regularizers, "optimizer": optimizers, "loss": losses}
    try:
        if kind == "schedule":
            raise ValueError(f"Unknown schedule {name!r}.")
        return (metrics if kind == "metric" else get[kind]).get(name)
    except (TypeError, ValueError) as error:
        raise FileError(f"the {kind} {short(name)} is not read: {str(error)[:300]}") from None


def dtype_of(what: str, value: Any) -> str | None:
    """Return the dtype in a string or in the record of a policy, or None for null.

    Raises:
        FileError: It is neither float32 nor float64.
    """
    if isinstance(value, dict):
        name, config = opened(f"the dtype of {what}", value, "keras")
        value = config.get("name") if name in ("DTypePolicy", "FloatDTypePolicy") else name
        value = value if isinstance(value, str) else "?"
    if value is not None and value not in DTYPES:
        raise FileError(f"{what} has the dtype {short(value)}; tinynet has float32 and float64")
    return value


def read_activation(what: str, value: Any) -> Any:
    """Return an activation for Dense or Activation: a name, or a layer with its settings."""
    name = function(what, value)
    if value is None or isinstance(value, str) or name is not None:
        name = value if name is None else name
        name = OTHER_NAMES.get(name, name)
        if name is not None and name not in ACTIVATIONS:
            raise FileError(f"{what} has the activation {short(name)}; tinynet has {', '.join(ACTIVATIONS)}")
        return name
    name, _ = opened(f"the activation of {what}", value, "keras.layers")
    if name not in WITH_SETTINGS:
        raise FileError(f"{what} has the activation {short(name)}; of layers tinynet takes {', '.join(WITH_SETTINGS)}")
    return read_layer(value)


def read_layer(record: Any, dtype: str | None = None) -> layers.Layer:
    """Make the layer of a record.

    The layer is not built: no memory is taken for the sizes that the record declares.

    Args:
        record: The record.
        dtype: The dtype of the model; None allows any.

    Raises:
        FileError: tinynet has no such layer, or not with these arguments.
    """
    name, config = opened("a layer", record, "keras.layers")
    if name not in LAYERS:
        raise FileError(f"tinynet reads no layer {short(name)} from Keras's files; it reads {', '.join(LAYERS)}")
    cls, what = LAYERS[name], f"the layer {short(config.get('name'))} ({name})"
    declared = dtype_of(what, config.get("dtype"))
    if dtype is not None and declared not in (None, dtype):
        raise FileError(f"{what} is of {declared} in a model of {dtype}; tinynet has one dtype for a model")
    known = {key for key in arguments(cls) if key != "input_shape"}
    config = known_part(what, {key: value for key, value in config.items() if key != "dtype"}, known)
    for key, value in config.items():
        if key == "activation":
            config[key] = read_activation(what, value)
        elif key.endswith("_initializer"):
            config[key] = read_object("initializer", value)
        elif key.endswith("_regularizer") and value is not None:
            config[key] = read_object("regularizer", value)
    if name == "BatchNormalization" and isinstance(config.get("axis"), list) and len(config["axis"]) == 1:
        config["axis"] = config["axis"][0]
    return made(what, cls, config)


def read_model(record: Any, dtype: str | None = None, depth: int = 0) -> dict[str, Any]:
    """Return the configuration of a Sequential, in the form of Sequential.get_config.

    Args:
        record: The record of the model.
        dtype: The dtype of the model around it; None if there is none.
        depth: The number of models around it.

    Raises:
        FileError: It is not the record of a Sequential that tinynet can make.
    """
    if isinstance(record, dict) and record.get("class_name") == "Functional":
        raise FileError("it is a functional model of Keras; tinynet has Sequential alone")
    name, config = opened("the model", record, "keras")
    if name != "Sequential":
        raise FileError(f"it is a model {short(name)} of Keras; tinynet has Sequential alone")
    title = config.get("name")
    what = f"the model {short(title)}"
    declared = dtype_of(what, config.get("dtype"))
    dtype = dtype or declared or "float32"
    known_part(what, config, ("name", "trainable", "dtype", "layers", "build_input_shape"))
    records, trainable = config.get("layers"), config.get("trainable", True)
    if not isinstance(records, list) or not isinstance(title, str) or not title or not isinstance(trainable, bool):
        raise FileError(f"{what} has no list of layers, no name, or is neither trainable nor not")
    if declared not in (None, dtype):
        raise FileError(f"{what} is of {declared} in a model of {dtype}; tinynet has one dtype for a model")
    shape, rest = _input_shape(what, records, [record.get("build_config"), config], depth)
    inner = [_inner(layer, dtype, depth) for layer in rest]
    names = [layer["config"]["name"] for layer in inner]
    if len(set(names)) < len(names):
        raise FileError(f"{what} has two layers of one name: {short(names)}")
    first = [] if shape is None else [input_layer([None, *shape], dtype, "input_layer")]
    return {"name": title, "trainable": trainable, "dtype": dtype, "layers": [*first, *inner]}


def _inner(record: Any, dtype: str, depth: int) -> dict[str, Any]:
    """Return tinynet's record of a layer or a model inside a model."""
    if isinstance(record, dict) and record.get("class_name") == "Sequential":
        return written("keras", "Sequential", read_model(record, dtype, depth + 1))
    return serialize(read_layer(record, dtype))


def _input_shape(what: str, records: list[Any], builds: list[Any], depth: int) -> tuple[list[int] | None, list[Any]]:
    """Return the shape of a sample, None if it is not written down, and the layers behind the InputLayer."""
    shape: Any = None
    if records and isinstance(records[0], dict) and records[0].get("class_name") == "InputLayer":
        _, config = opened(f"the input of {what}", records[0], "keras.layers")
        known = ("batch_shape", "batch_input_shape", "dtype", "name")
        config = known_part(f"the input of {what}", config, known)
        shape, records = config.get("batch_shape", config.get("batch_input_shape")), records[1:]
    elif not depth:
        for build, key in zip(builds, ("input_shape", "build_input_shape"), strict=True):
            shape = build.get(key) if shape is None and isinstance(build, dict) else shape
        if shape is None:
            return None, records
    else:
        return None, records
    sizes = shape[1:] if isinstance(shape, list) and shape else None
    if sizes is None or len(sizes) > MOST_AXES or not all(type(size) is int and size > 0 for size in sizes):
        raise FileError(f"{what} has inputs of shape {short(shape)}; tinynet needs the size of each axis but the first")
    return sizes, records


def read_compiled(config: Any) -> dict[str, Any] | None:
    """Return tinynet's records of compile's arguments, or None for a model that is not compiled."""
    if config is None or config == {}:
        return None
    if not isinstance(config, dict):
        raise FileError(f"compile_config is no record: {short(config)}")
    known = ("optimizer", "loss", "metrics", "weighted_metrics", "steps_per_execution")
    config = known_part("compile_config", config, known)
    if config.get("loss") is None or config.get("optimizer") is None:
        raise FileError("the model is compiled without a loss or an optimizer; tinynet needs both")
    return {
        "optimizer": serialize(read_object("optimizer", config["optimizer"])),
        "loss": serialize(read_object("loss", config["loss"])),
        **{name: _read_metrics(name, config.get(name)) for name in ("metrics", "weighted_metrics")},
    }


def _read_metrics(name: str, given: Any) -> list[Any]:
    """Return tinynet's records of metrics; of "accuracy", whose meaning depends on the model, the name."""
    if not isinstance(given, (list, type(None))):
        raise FileError(f"{name} in compile_config is no list: {short(given)}")
    read = [read_object("metric", entry) for entry in given or []]
    return [metric.name if isinstance(metric, AnyAccuracy) else serialize(metric) for metric in read]


# ---- writing --------------------------------------------------------------------------------------------------------


def written(module: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record."""
    return {"module": module, "class_name": name, "config": dict(config), "registered_name": None}


def input_layer(batch_shape: Any, dtype: str, name: str) -> dict[str, Any]:
    """Return the record of an InputLayer."""
    return written("keras.layers", "InputLayer", {"batch_shape": batch_shape, "dtype": dtype, "name": name})


def keras_class(record: Mapping[str, Any]) -> str:
    """Return Keras's name for the class of a layer's record. Raise ValueError if it has no such class."""
    name = record["class_name"]
    if name in FUNCTIONS:
        return "Activation"
    if name not in (*LAYERS, "Sequential", "InputLayer"):
        raise ValueError(f"Keras has no layer {name!r} ({record['config'].get('name')!r}): write an .npz file.")
    return name


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of layers that every Keras 3 can load, and that compute the same.

    An activation with settings becomes a separate layer behind its Dense, since Keras before 3.9 or so cannot load a
    layer as an activation. A layer that Keras has as a function becomes an Activation.

    Raises:
        ValueError: Something in the configuration has no equal in Keras.
    """
    records = list(config["layers"])
    names = [record["config"]["name"] for record in records if record["class_name"] != "InputLayer"]
    if len(set(names)) < len(names):
        raise ValueError(f"The model has a layer at two places, which Keras cannot load from a file: {names}.")
    if wrong := [name for name in (config["name"], *names) if "/" in name]:
        raise ValueError(f"Keras has no names with '/': {wrong}.")
    found = []
    for record in records:
        name = keras_class(record)
        if name == "Sequential":
            found.append({**record, "config": plain(record["config"])})
        elif name in ("Activation", "Dense"):
            found += _split(record, names)
        else:
            found.append(record)
    return {**config, "layers": found}


def _split(record: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """Return a Dense, an Activation or a layer of FUNCTIONS with its activation as a name, or as a second layer."""
    config = record["config"]
    if record["class_name"] in FUNCTIONS:
        common = {"name": config["name"], "trainable": config["trainable"]}
        return [written("keras.layers", "Activation", {**common, "activation": _function_name(record)})]
    inner = config["activation"]
    if not isinstance(inner, Mapping):
        return [dict(record)]
    if inner["class_name"] in FUNCTIONS:
        return [{**record, "config": {**config, "activation": _function_name(inner)}}]
    if inner["class_name"] not in WITH_SETTINGS:
        raise ValueError(f"Keras has no activation {inner['class_name']!r}: write an .npz file.")
    if record["class_name"] == "Activation":
        common = {"name": config["name"], "trainable": config["trainable"]}
        return [{**inner, "config": {**inner["config"], **common}}]
    name = f"{config['name']}_{snake_case(inner['class_name'])}"
    while name in names:
        name += "_"
    names.append(name)
    alone = {**inner, "config": {**inner["config"], "name": name}}
    return [{**record, "config": {**config, "activation": "linear"}}, alone]


def _function_name(record: Mapping[str, Any]) -> str:
    """Return the name of Keras's function for a layer. Raise ValueError if the layer has other settings."""
    name = FUNCTIONS[record["class_name"]]
    usual = serialize(ACTIVATIONS[name])["config"]
    for key, value in record["config"].items():
        if key not in ("name", "trainable") and value != usual[key]:
            raise ValueError(f"Keras has no equal of {record['class_name']}({key}={value!r}): write an .npz file.")
    return name


def write_model(config: Mapping[str, Any], dtype: str | None = None, trainable: bool = True) -> dict[str, Any]:
    """Return the record of a Sequential for a file.

    Args:
        config: The configuration, after `plain`.
        dtype: The dtype of the model around it; None if there is none.
        trainable: Whether the model around it is trainable.

    Raises:
        ValueError: Something in the configuration has no equal in Keras.
    """
    dtype, trainable = dtype or config["dtype"], trainable and config["trainable"]
    records = list(config["layers"])
    first = []
    if records and records[0]["class_name"] == "InputLayer":
        names, name = [record["config"]["name"] for record in records[1:]], "input_layer"
        while name in names:
            name += "_"
        first = [input_layer(records.pop(0)["config"]["batch_shape"], dtype, name)]
    inner = [_write_layer(record, dtype, trainable) for record in records]
    common = {"name": config["name"], "trainable": trainable, "dtype": dtype}
    return written("keras", "Sequential", {**common, "layers": [*first, *inner]})


def _write_layer(record: Mapping[str, Any], dtype: str, trainable: bool) -> dict[str, Any]:
    """Return the record of a layer for a file, or that of a model inside."""
    name, config = record["class_name"], record["config"]
    if name == "Sequential":
        return write_model(config, dtype, trainable)
    config = {**config, "trainable": trainable and config["trainable"], "dtype": dtype}
    for key, value in config.items():
        if key.endswith("_initializer"):
            config[key] = write_object("initializer", value)
        elif key.endswith("_regularizer") and value is not None:
            config[key] = write_object("regularizer", value)
    return written("keras.layers", name, _checked(f"layer {name}", LAYERS[name], config))


def _checked(what: str, cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration. Raise ValueError for an entry of a subclass, and for a seed too large for Keras."""
    unknown = sorted(set(config) - set(arguments(cls)) - {"dtype"})
    if unknown:
        raise ValueError(f"Keras's {what} has no argument {unknown[0]!r}: write an .npz file.")
    if isinstance(config.get("seed"), int) and config["seed"] >= LARGEST_SEED:
        raise ValueError(f"Keras's seeds are below 2^32; the {what} has seed={config['seed']}.")
    return config


def write_object(kind: str, record: Mapping[str, Any] | str) -> Any:
    """Return the record for a file of an initializer, regularizer, schedule, optimizer, loss or metric.

    Raises:
        ValueError: Keras has no such object, or not with these arguments.
    """
    module, table = KINDS[kind]
    if isinstance(record, str):  # the metric "accuracy"
        return record
    name, config = record["class_name"], record["config"]
    if name == "function":
        raise ValueError(f"Keras's files hold no functions, as the {kind} {config!r} is one: write an .npz file.")
    config = dict(config)
    classes = {cls.__name__: cls for cls in table.values() if cls is not AnyAccuracy}
    if name not in classes:
        raise ValueError(f"Keras has no {kind} {name!r} ({config.get('name')!r}): write an .npz file.")
    if config.get("reduction") == "mean":
        config["reduction"] = "sum_over_batch_size"  # the same; Keras 3.3 knows no other name
    if isinstance(config.get("learning_rate"), Mapping):
        config["learning_rate"] = write_object("schedule", config["learning_rate"])
    return written(module, name, _checked(f"{kind} {name}", classes[name], config))


def write_compiled(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """Return compile_config for a file, from tinynet's records of compile's arguments."""
    return {
        "optimizer": write_object("optimizer", compiled["optimizer"]),
        "loss": write_object("loss", compiled["loss"]),
        "metrics": [write_object("metric", entry) for entry in compiled["metrics"]] or None,
        "weighted_metrics": [write_object("metric", entry) for entry in compiled["weighted_metrics"]] or None,
    }
