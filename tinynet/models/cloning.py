"""Models from other models, and from JSON."""

from __future__ import annotations

from collections.abc import Mapping

from .sequential import Sequential


def clone_model(model: Sequential) -> Sequential:
    """Make a model of the same layers with fresh weights, not compiled.

    If the model was given a seed, the clone has the same seed and so the same starting weights. Else it draws one.

    Args:
        model: The model to clone.

    Raises:
        TypeError: `model` is not a Sequential.
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"clone_model takes a Sequential; got {model!r}.")
    layers = [layer for layer in model.all_layers() if not isinstance(layer, Sequential)]
    classes = {type(layer).__name__: type(layer) for layer in layers}
    return Sequential.from_config({**model.get_config(), "backend": model.backend}, classes)


def model_from_json(text: str, custom_objects: Mapping[str, type] | None = None) -> Sequential:
    """Make the model that `to_json` wrote down, with fresh weights, not compiled.

    Args:
        text: What `model.to_json()` returned.
        custom_objects: Your own classes that it mentions, by name.

    Raises:
        ValueError: The text is another one, or mentions an unknown class.
    """
    import json

    try:
        record = json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"model_from_json takes what model.to_json() gave; this is no JSON: {error}") from None
    if not isinstance(record, dict) or record.get("class_name") != "Sequential" or "config" not in record:
        raise ValueError("model_from_json takes what model.to_json() gave: the record of a Sequential.")
    return Sequential.from_config(record["config"], custom_objects)
