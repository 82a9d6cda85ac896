"""A model as a SavedModel, for the tests of file formats."""

import numpy as np

from tinynet.config import serialize
from tinynet.formats.record import SavedModel


def snapshot(model):
    """What a file of this model holds."""
    saved = SavedModel(model.get_config(), {key: np.array(array) for key, array in model._named_weights()}, model.seed)
    if model.compiled:
        saved.compiled = {
            name: serialize(getattr(model, name)) for name in ("optimizer", "loss", "metrics", "weighted_metrics")
        }
        saved.iterations = model.optimizer.iterations
        for slot, array in state(model):
            for key, place, shape in places(model):
                saved.slots.setdefault(slot, {})[key] = np.array(array[place]).reshape(shape)
    return saved


def restore(saved):
    """The model again."""
    import tinynet as tn

    model = tn.Sequential.from_config(saved.config)
    model.set_weights(list(saved.weights.values()))
    if saved.compiled is None:
        return model
    metrics = {name: [metric(one) for one in saved.compiled[name]] for name in ("metrics", "weighted_metrics")}
    model.compile(saved.compiled["optimizer"], saved.compiled["loss"], **metrics)
    if saved.slots:
        flat = model._current_step().buffers.trained_weights
        model.optimizer.state = [[np.zeros_like(flat) for _ in ("scratch", *model.optimizer.slots)]]
        for slot, array in state(model):
            for key, place, _ in places(model):
                array[place] = saved.slots[slot][key].reshape(-1)
    model.optimizer.iterations = saved.iterations
    model._trained = model.trained_parts()
    return model


def metric(record):
    """A metric of its record."""
    from tinynet.metrics import accuracy, get

    return accuracy.AnyAccuracy(**record["config"]) if record["class_name"] == "AnyAccuracy" else get(record)


def state(model):
    """(name, flat array) of each slot."""
    optimizer = model.optimizer
    return list(zip(optimizer.slots, optimizer.state[0][1:], strict=True)) if optimizer.state else []


def places(model):
    """(key, place in the flat array, shape) of each trained weight."""
    buffers = model._current_step().buffers
    parts = {id(part): index for index, part in reversed(list(enumerate(model.parts())))}
    return [
        (f"{parts[id(part)]}/{name}", place, shape)
        for part, name, place, shape in buffers.places
        if place.stop <= buffers.trained_size
    ]
