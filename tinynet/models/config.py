"""Models as records, and records as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..arguments import is_integer
from ..config import from_record, serialize
from ..layers import LAYERS, Input, Layer

OPTIONS = ("name", "trainable", "dtype", "seed", "backend")  # that from_config passes on


def of_model(model: Any, shape: tuple[int, ...] | None) -> dict[str, Any]:
    """Return the configuration of a Sequential with this input shape.

    The input shape of a model inside is left to the outer one, unless it is declared.
    """
    first = []
    if shape is not None:
        config = {"batch_shape": [None, *shape], "dtype": model.dtype.name, "name": "input_layer"}
        first = [{"module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": None}]
    config = {"name": model.name, "trainable": model.trainable, "dtype": model.dtype.name}
    if model.given_seed is not None:
        config["seed"] = model.seed
    return {**config, "layers": [*first, *map(_record, model.layers)]}


def options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a Sequential, beside its layers, that a configuration holds."""
    return {name: value for name, value in config.items() if name in OPTIONS}


def layers_of(
    config: Mapping[str, Any], custom_objects: Mapping[str, type] | None, make_model: Callable[..., Layer]
) -> list[Layer]:
    """Make the layers that a configuration describes.

    Args:
        config: The configuration of a Sequential.
        custom_objects: Your own classes that it mentions, by name.
        make_model: Sequential.from_config, for the models inside.
    """
    if not isinstance(config, Mapping) or not {"name", "layers"} <= set(config):
        raise ValueError(f"The configuration of a Sequential needs 'name' and 'layers'; got {config!r}.")
    table = {**LAYERS, "InputLayer": Input, **(custom_objects or {})}
    made: list[tuple[Layer, Any]] = []
    for record in config["layers"]:
        if not isinstance(record, Mapping):
            raise ValueError(f"The configuration of a Sequential needs records of its layers; got {record!r}.")
        same = [layer for layer, other in made if other == record]  # names are unique: it stands there twice
        if same:
            layer = same[0]
        elif record.get("class_name") == "InputLayer":
            layer = _input(record.get("config"))
        elif record.get("class_name") == "Sequential":
            home = {"backend": config["backend"]} if "backend" in config else {}
            layer = make_model({**record["config"], **home}, custom_objects)
        else:
            layer = from_record("layer", record, table)
        made.append((layer, record))
    return [layer for layer, _ in made]


def _record(layer: Any) -> dict[str, Any]:
    if "given_seed" not in vars(layer):  # no Sequential
        return serialize(layer)
    config = of_model(layer, layer.declared_shape)
    return {"module": "keras", "class_name": type(layer).__name__, "config": config, "registered_name": None}


def _input(config: Any) -> Input:
    """Return the Input of an InputLayer's configuration."""
    shape = config.get("batch_shape") if isinstance(config, Mapping) else None
    if not isinstance(shape, (list, tuple)):
        raise ValueError(f"The configuration of an InputLayer needs a 'batch_shape', as [None, 784]; got {shape!r}.")
    if not shape or not (shape[0] is None or is_integer(shape[0])):  # a fixed size of the batch is not kept
        raise ValueError(f"batch_shape must begin with None, for the batch; got {shape!r}.")
    return Input(shape[1:])
