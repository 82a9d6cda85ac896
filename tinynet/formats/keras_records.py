"""Keras's records of layers, losses, metrics, optimizers and what they are made with, from and to tinynet's.

    {"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": null}

tinynet writes the same kind of record, with the same class names and arguments, so what is here is mostly a check. What
is read from a file is looked up in closed tables, made with its arguments checked, and written down again; no module is
imported, no code is kept in a record, and there is no switch that changes that. A key that tinynet does not know must
have the value that means nothing: null, or Keras's default. What is written has no key that not every Keras 3 has.

Two things come back in another form that computes the same (see `plain`): layers that Keras has as functions alone are
written as Activation, and activations with settings as layers of their own. The parts are the same and so are their
places, on which the masks of Dropout depend; but an Activation("linear") has no part, where a Linear is one.

Source: keras/src/saving/serialization_lib.py, and get_config of each class, Keras 3.3 to 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import initializers, layers, losses, metrics, optimizers, regularizers
from ..config import arguments, serialize
from ..layers.activation_names import ACTIVATIONS
from ..layers.base import snake_case
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
WITH_SETTINGS = ("ELU", "LeakyReLU", "ReLU", "Softmax")  # activations that Keras has as layers
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
OTHER_NAMES = {"softmax_v2": "softmax", "log_softmax_v2": "log_softmax"}  # what TensorFlow calls its tf.nn functions
KINDS = {  # of other objects: Keras's module, and the table of names
    "initializer": ("keras.initializers", initializers.INITIALIZERS),
    "regularizer": ("keras.regularizers", regularizers.REGULARIZERS),
    "schedule": ("keras.optimizers.schedules", schedules.SCHEDULES),
    "optimizer": ("keras.optimizers", optimizers.OPTIMIZERS),
    "loss": ("keras.losses", losses.LOSSES),
    "metric": ("keras.metrics", metrics.METRICS),
}
DEFAULTS = {  # arguments that tinynet does not have, and what leaves them without effect
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


def opened(what: str, record: Any, module: str) -> tuple[str, dict[str, Any]]:
    """The class name and the configuration of a record of that module; FileError for any other record."""
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
    """The name in a record of one of Keras's functions; None if it is a record of something else."""
    if not isinstance(record, dict) or record.get("class_name") != "function":
        return None
    name, module = record.get("config"), record.get("module")
    if module != "builtins" or not isinstance(name, str) or record.get("registered_name") not in ("function", name):
        raise FileError(f"{what} is the function {short(name)} of {short(module)}, which is not read")
    return name


def short(value: Any) -> str:
    """A value for a message, not too long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def known_part(what: str, config: Mapping[str, Any], known: Any) -> dict[str, Any]:
    """The entries of those names; FileError if another one has an effect."""
    part = {key: value for key, value in config.items() if key in known}
    for key, value in config.items():
        neutral = any(type(value) is type(other) and value == other for other in DEFAULTS.get(key, ()))
        if key not in known and value is not None and not neutral:
            raise FileError(f"{what} has {key[:80]}={short(value)}, which tinynet does not have")
    return part


def made(what: str, cls: type, config: dict[str, Any]) -> Any:
    """An object of this class; FileError for arguments that it refuses."""
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
    """The initializer, regularizer, schedule, optimizer, loss or metric of a name or a record in a file."""
    module, table = KINDS[kind]
    what = f"the {kind}"
    name = value if isinstance(value, str) else function(what, value)
    if name is not None:
        return _named(kind, name, table)
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


def _named(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    get = {"initializer": initializers, "regularizer": regularizers, "optimizer": optimizers, "loss": losses}
    try:
        if kind == "schedule":
            raise ValueError(f"Unknown schedule {name!r}.")
        return (metrics if kind == "metric" else get[kind]).get(name)
    except (TypeError, ValueError) as error:
        raise FileError(f"the {kind} {short(name)} is not read: {str(error)[:300]}") from None


def dtype_of(what: str, value: Any) -> str | None:
    """The dtype of a string or of a record of a policy; None of null. FileError for others than float32 and float64."""
    if isinstance(value, dict):
        name, config = opened(f"the dtype of {what}", value, "keras")
        value = config.get("name") if name in ("DTypePolicy", "FloatDTypePolicy") else name
        value = value if isinstance(value, str) else "?"
    if value is not None and value not in DTYPES:
        raise FileError(f"{what} has the dtype {short(value)}; tinynet has float32 and float64")
    return value


def read_activation(what: str, value: Any) -> Any:
    """An activation, as Dense and Activation take it: a name, or a layer with its settings."""
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
    """A layer of a record in a file, not built: nothing of the size that it declares is allocated."""
    name, config = opened("a layer", record, "keras.layers")
    if name not in LAYERS:
        raise FileError(f"tinynet reads no layer {short(name)} from Keras's files; it reads {', '.join(LAYERS)}")
    cls, what = LAYERS[name], f"the layer {short(config.get('name'))} ({name})"
    own = dtype_of(what, config.get("dtype"))
    if dtype is not None and own not in (None, dtype):
        raise FileError(f"{what} is of {own} in a model of {dtype}; tinynet has one dtype for a model")
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
    """The configuration that Sequential.get_config gives, of the record of a Sequential in a file."""
    if isinstance(record, dict) and record.get("class_name") == "Functional":
        raise FileError("it is a functional model of Keras; tinynet has Sequential alone")
    name, config = opened("the model", record, "keras")
    if name != "Sequential":
        raise FileError(f"it is a model {short(name)} of Keras; tinynet has Sequential alone")
    title = config.get("name")
    what = f"the model {short(title)}"
    own = dtype_of(what, config.get("dtype"))
    dtype = dtype or own or "float32"
    known_part(what, config, ("name", "trainable", "dtype", "layers", "build_input_shape"))
    records, trainable = config.get("layers"), config.get("trainable", True)
    if not isinstance(records, list) or not isinstance(title, str) or not title or not isinstance(trainable, bool):
        raise FileError(f"{what} has no list of layers, no name, or is neither trainable nor not")
    if own not in (None, dtype):
        raise FileError(f"{what} is of {own} in a model of {dtype}; tinynet has one dtype for a model")
    shape, rest = _input_shape(what, records, [record.get("build_config"), config], depth)
    inner = [_inner(one, dtype, depth) for one in rest]
    names = [one["config"]["name"] for one in inner]
    if len(set(names)) < len(names):
        raise FileError(f"{what} has two layers of one name: {short(names)}")
    first = [] if shape is None else [input_layer([None, *shape], dtype, "input_layer")]
    return {"name": title, "trainable": trainable, "dtype": dtype, "layers": [*first, *inner]}


def _inner(record: Any, dtype: str, depth: int) -> dict[str, Any]:
    if isinstance(record, dict) and record.get("class_name") == "Sequential":
        return written("keras", "Sequential", read_model(record, dtype, depth + 1))
    return serialize(read_layer(record, dtype))


def _input_shape(what: str, records: list[Any], builds: list[Any], depth: int) -> tuple[list[int] | None, list[Any]]:
    """The shape of a sample, None if it is not written down, and the layers behind the InputLayer."""
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
    """The records of compile's arguments, as tinynet writes them; None of a model that is not compiled."""
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
    """Records, and of "accuracy", whose meaning depends on the model, the name."""
    if not isinstance(given, (list, type(None))):
        raise FileError(f"{name} in compile_config is no list: {short(given)}")
    read = [read_object("metric", one) for one in given or []]
    return [metric.name if isinstance(metric, AnyAccuracy) else serialize(metric) for metric in read]


# ---- writing --------------------------------------------------------------------------------------------------------


def written(module: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A record."""
    return {"module": module, "class_name": name, "config": dict(config), "registered_name": None}


def input_layer(batch_shape: Any, dtype: str, name: str) -> dict[str, Any]:
    """The record of an InputLayer."""
    return written("keras.layers", "InputLayer", {"batch_shape": batch_shape, "dtype": dtype, "name": name})


def keras_class(record: Mapping[str, Any]) -> str:
    """What Keras calls the class of one of tinynet's layers; ValueError if it has none."""
    name = record["class_name"]
    if name in FUNCTIONS:
        return "Activation"
    if name not in (*LAYERS, "Sequential", "InputLayer"):
        raise ValueError(f"Keras has no layer {name!r} ({record['config'].get('name')!r}): write an .npz file.")
    return name


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with layers that every Keras 3 can load alone; what passes through them is the same.

    An activation with settings becomes a layer of its own behind its Dense, since Keras before 3.9 or so cannot load a
    layer as an activation, and a layer that Keras has as a function becomes an Activation.
    """
    records = list(config["layers"])
    names = [one["config"]["name"] for one in records if one["class_name"] != "InputLayer"]
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
    """A Dense, an Activation or a layer of FUNCTIONS with activations by name, and what stood there as a layer."""
    config = record["config"]
    if record["class_name"] in FUNCTIONS:
        own = {"name": config["name"], "trainable": config["trainable"], "activation": _function_name(record)}
        return [written("keras.layers", "Activation", own)]
    inner = config["activation"]
    if not isinstance(inner, Mapping):
        return [dict(record)]
    if inner["class_name"] in FUNCTIONS:
        return [{**record, "config": {**config, "activation": _function_name(inner)}}]
    if inner["class_name"] not in WITH_SETTINGS:
        raise ValueError(f"Keras has no activation {inner['class_name']!r}: write an .npz file.")
    if record["class_name"] == "Activation":
        own = {"name": config["name"], "trainable": config["trainable"]}
        return [{**inner, "config": {**inner["config"], **own}}]
    name = f"{config['name']}_{snake_case(inner['class_name'])}"
    while name in names:
        name += "_"
    names.append(name)
    alone = {**inner, "config": {**inner["config"], "name": name}}
    return [{**record, "config": {**config, "activation": "linear"}}, alone]


def _function_name(record: Mapping[str, Any]) -> str:
    """The name of Keras's function for a layer of tinynet's, which must have no settings but those of the function."""
    name = FUNCTIONS[record["class_name"]]
    usual = serialize(ACTIVATIONS[name])["config"]
    for key, value in record["config"].items():
        if key not in ("name", "trainable") and value != usual[key]:
            raise ValueError(f"Keras has no equal of {record['class_name']}({key}={value!r}): write an .npz file.")
    return name


def write_model(config: Mapping[str, Any], dtype: str | None = None, trainable: bool = True) -> dict[str, Any]:
    """The record of a Sequential for a file, of a plain configuration."""
    dtype, trainable = dtype or config["dtype"], trainable and config["trainable"]
    records = list(config["layers"])
    first = []
    if records and records[0]["class_name"] == "InputLayer":
        names, name = [one["config"]["name"] for one in records[1:]], "input_layer"
        while name in names:
            name += "_"
        first = [input_layer(records.pop(0)["config"]["batch_shape"], dtype, name)]
    inner = [_write_layer(one, dtype, trainable) for one in records]
    own = {"name": config["name"], "trainable": trainable, "dtype": dtype}
    return written("keras", "Sequential", {**own, "layers": [*first, *inner]})


def _write_layer(record: Mapping[str, Any], dtype: str, trainable: bool) -> dict[str, Any]:
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
    """The configuration, if Keras's class takes it: ValueError for entries of a subclass, and for seeds too large."""
    unknown = sorted(set(config) - set(arguments(cls)) - {"dtype"})
    if unknown:
        raise ValueError(f"Keras's {what} has no argument {unknown[0]!r}: write an .npz file.")
    if isinstance(config.get("seed"), int) and config["seed"] >= LARGEST_SEED:
        raise ValueError(f"Keras's seeds are below 2^32; the {what} has seed={config['seed']}.")
    return config


def write_object(kind: str, record: Mapping[str, Any] | str) -> Any:
    """The record for a file of an initializer, regularizer, schedule, optimizer, loss or metric of tinynet's."""
    module, table = KINDS[kind]
    if isinstance(record, str):  # of a metric, "accuracy"
        return record
    name, config = record["class_name"], record["config"]
    if name == "function":
        raise ValueError(f"Keras's files hold no functions, as the {kind} {config!r} is one: write an .npz file.")
    config = dict(config)
    classes = {cls.__name__: cls for cls in table.values() if cls is not AnyAccuracy}
    if name not in classes:
        raise ValueError(f"Keras has no {kind} {name!r} ({config.get('name')!r}): write an .npz file.")
    if config.get("reduction") == "mean":
        config["reduction"] = "sum_over_batch_size"  # the same; Keras 3.3 knows this name alone
    if isinstance(config.get("learning_rate"), Mapping):
        config["learning_rate"] = write_object("schedule", config["learning_rate"])
    return written(module, name, _checked(f"{kind} {name}", classes[name], config))


def write_compiled(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """compile_config for a file, of the records of compile's arguments."""
    return {
        "optimizer": write_object("optimizer", compiled["optimizer"]),
        "loss": write_object("loss", compiled["loss"]),
        "metrics": [write_object("metric", one) for one in compiled["metrics"]] or None,
        "weighted_metrics": [write_object("metric", one) for one in compiled["weighted_metrics"]] or None,
    }
