"""Models from models and from JSON."""

from __future__ import annotations

from collections.abc import Mapping

from .sequential import Sequential


def clone_model(model: Sequential) -> Sequential:
    """A model of the same layers, with weights of its own, freshly drawn, and not compiled.

    If the model was given a seed, the clone has the same and so the same starting weights; else it draws one.
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"clone_model takes a Sequential; got {model!r}.")
    own = {type(layer).__name__: type(layer) for layer in model.all_layers() if not isinstance(layer, Sequential)}
    return Sequential.from_config({**model.get_config(), "backend": model.backend}, own)


def model_from_json(text: str, custom_objects: Mapping[str, type] | None = None) -> Sequential:
    """The model that `to_json` wrote down, not compiled, with fresh weights. ValueError for other texts."""
    import json

    try:
        record = json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"model_from_json takes what model.to_json() gave; this is no JSON: {error}") from None
    if not isinstance(record, dict) or record.get("class_name") != "Sequential" or "config" not in record:
        raise ValueError("model_from_json takes what model.to_json() gave: the record of a Sequential.")
    return Sequential.from_config(record["config"], custom_objects)
