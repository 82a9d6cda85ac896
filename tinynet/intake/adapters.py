"""Adapters: what a user gives to fit, evaluate and predict, as batches; arrays or a stream is decided here, once.

Each function takes the model that the data are for. All that is given is checked before any work is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arguments import integer
from ..backend import module, move, on_device
from ..data import Dataset
from ..layers.weights import as_array
from . import checks
from .arrays import ArrayBatches, Batch
from .epochs import Epochs, Limited, shuffled_by
from .streams import StreamBatches

AT_ONCE = 512  # samples that evaluate and predict compute at once; benchmarks/NOTES.md has the times of others


def for_training(
    model: Any,
    x: Any,
    y: Any,
    *,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool,
    share: float,
    validation_data: Any,
    limit: int | None,
    validation_batch_size: int | None,
) -> tuple[Epochs, Limited | None]:
    """Return the batches for the epochs of a fit, and those for validation.

    The arguments are those of `fit`: `steps` its steps_per_epoch, `share` its validation_split, `limit` its
    validation_steps.
    """
    if not isinstance(shuffle, (bool, np.bool_)):
        raise ValueError(f"shuffle must be True or False; got {shuffle!r}.")
    by_class = None if class_weight is None else checks.class_weights(class_weight, sample_weight)
    held_out = None
    if is_stream(x, y):
        refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size, validation_split=share or None)
        size, epochs = 32, Epochs(stream(model, x, "steps_per_epoch", steps, by_class), steps)
    else:
        arrays = samples(model, x, y, sample_weight, by_class)
        if validation_data is None and share:
            arrays, held_out = checks.split(share, model.compilation.loss, *arrays)
        size = batch_size_of(batch_size, 32, len(arrays[0]), steps)
        batches = ArrayBatches(*arrays, size, model.backend, model.dtype)
        reshuffle = shuffled_by(batches, model) if shuffle else None
        epochs = Epochs(batches, steps, reshuffle)
    if validation_batch_size is not None:
        size = integer("validation_batch_size", validation_batch_size)
    if validation_data is not None:
        held_out = validation(model, validation_data, limit)
    if isinstance(held_out, tuple):
        held_out = ArrayBatches(*held_out, size, model.backend, model.dtype)
    return epochs, None if held_out is None else Limited(held_out, limit)


def for_testing(model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int | None, steps: int | None) -> Limited:
    """Return the batches for an evaluation. Arguments as those of `evaluate`."""
    if is_stream(x, y):
        refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size)
        return Limited(stream(model, x, "steps", steps), steps)
    arrays = samples(model, x, y, sample_weight)
    size = batch_size_of(batch_size, AT_ONCE, len(arrays[0]), steps)
    return Limited(ArrayBatches(*arrays, size, model.backend, model.dtype), steps)


def for_predicting(model: Any, x: Any, batch_size: int | None, steps: int | None) -> Limited:
    """Return the batches for a prediction: x, with None for labels and weights. Arguments as those of `predict`."""
    if is_stream(x):
        refuse_with_batches(batch_size=batch_size)
        return Limited(batches_of(model, x, lambda batch: unlabelled(model, batch), "steps", steps), steps)
    x = inputs(model, x)
    size = batch_size_of(batch_size, AT_ONCE, len(x), steps)
    return Limited(ArrayBatches(x, None, None, size, model.backend, model.dtype), steps)


# ---- arrays ---------------------------------------------------------------------------------------------------


def samples(
    model: Any, x: Any, y: Any, sample_weight: Any = None, by_class: Mapping[int, float] | None = None
) -> tuple[Any, np.ndarray, Any]:
    """Return samples, labels and weights (or None), checked; the model is compiled, and now built.

    ValueError if they do not fit the model, its loss or each other.
    """
    x, y = checks.samples_and_labels(x, y)
    if model.input_shape is None:
        checks.check_lengths(x, y)  # before anything is built from the shape of x
    model.prepare(x.shape[1:])
    x = checks.fit_shape(x, model.input_shape[1:])  # a wrong shape tells more than a wrong length
    checks.check_lengths(x, y)
    labels = checks.check_labels(y, model.compilation, model.output_shape, model.dtype)
    weights = None
    if by_class is not None:
        weights = checks.weights_by_class(by_class, labels, model.output_shape).astype(model.dtype)
    elif sample_weight is not None:
        weights = checks.as_weights(sample_weight, labels, model.output_shape, model.dtype)
    return x, labels, weights


def one_batch(
    model: Any, x: Any, y: Any, sample_weight: Any = None, by_class: Mapping[int, float] | None = None
) -> Batch:
    """Return samples, labels and weights, checked, as one batch on the model's backend."""
    return on_backend(model, *samples(model, x, y, sample_weight, by_class))


def inputs(model: Any, x: Any) -> Any:
    """Return x as an array whose samples have the model's input shape; build the model if it is not yet built."""
    x = checks.as_samples(x)
    model.prepare(x.shape[1:])
    return checks.fit_shape(x, model.input_shape[1:])


def on_backend(model: Any, x: Any, labels: Any = None, weights: Any = None) -> Batch:
    """Return samples, labels and weights as one batch on the model's backend."""
    xp = module(model.backend)
    labels, weights = (None if array is None else move(array, xp) for array in (labels, weights))
    return as_array(x, xp, model.dtype), labels, weights


# ---- streams --------------------------------------------------------------------------------------------------


def stream(
    model: Any, source: Any, name: str, steps: int | None, by_class: Mapping[int, float] | None = None
) -> StreamBatches:
    """Return batches (x, y) or (x, y, weights) from an iterable, each checked as it comes; `name` limits a pass."""

    def prepare(batch: Any) -> Batch:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise ValueError(f"Batches must be (x, y) or (x, y, sample_weight); got {described(batch)}.")
        if by_class is not None and len(batch) == 3:
            raise ValueError("The batches have sample weights; class_weight cannot be given as well.")
        return one_batch(model, *batch, by_class=by_class)

    batches = batches_of(model, source, prepare, name, steps)
    if model.input_shape is None:
        batches.peek()
    return batches


def batches_of(
    model: Any, source: Any, prepare: Callable[[Any], Batch], name: str, steps: int | None
) -> StreamBatches:
    """Return an iterable's batches; ValueError for an endless dataset, unless the argument `name` gives the steps."""
    if not isinstance(source, Dataset):
        return StreamBatches(source, prepare)
    first = True

    def prepare_batch(batch: Any) -> Batch:
        nonlocal first
        if first:
            refuse_single(model, batch)
            first = False
        return prepare(batch)

    batches = StreamBatches(source, prepare_batch)
    if batches.endless and steps is None:
        raise ValueError(
            f"The dataset repeats without end, so give {name}, the number of batches to take of it: "
            f"{name}=math.ceil(samples / batch_size)."
        )
    return batches


def unlabelled(model: Any, batch: Any) -> Batch:
    """Return the samples of a batch (x,), (x, y), (x, y, weights) or x, on the backend."""
    if isinstance(batch, dict):
        raise ValueError(f"Batches must be x, (x,), (x, y) or (x, y, sample_weight); got {described(batch)}.")
    return on_backend(model, inputs(model, batch[0] if isinstance(batch, tuple) else batch))


def validation(model: Any, data: Any, steps: int | None) -> Any:
    """Return validation data: a stream of batches, or samples, labels and weights."""
    try:
        if is_stream(data):
            batches = stream(model, data, "validation_steps", steps)
            batches.peek()  # what is wrong with the first one is said before the training
            return batches
        if isinstance(data, (tuple, list)) and len(data) in (2, 3):
            return samples(model, *data)
    except ValueError as error:
        raise ValueError(f"validation_data: {error}") from None
    raise ValueError("validation_data must be (x, y), (x, y, sample_weight) or an iterable of batches.")


# ---- arguments ------------------------------------------------------------------------------------------------


def is_stream(x: Any, y: Any = None) -> bool:
    """Whether x gives batches instead of being an array of samples: a generator, say, or a list of (x, y) pairs."""
    if isinstance(x, list):
        return y is None and bool(x) and isinstance(x[0], tuple) and len(x[0]) > 0 and hasattr(x[0][0], "__len__")
    if isinstance(x, (tuple, str, bytes, dict, set)) or hasattr(x, "__array__") or on_device(x):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def refuse_single(model: Any, batch: Any) -> None:
    """ValueError if this is a single sample: x has the shape of the model's samples, or a label stands alone."""
    parts = batch if isinstance(batch, (tuple, list)) else (batch,)
    shape = getattr(parts[0], "shape", None)
    alone = any(getattr(part, "shape", None) == () for part in parts[1:])
    if alone or (model.input_shape is not None and shape == model.input_shape[1:]):
        raise ValueError(f"The dataset gives single samples, x of shape {shape}: call .batch(32) on it.")


def refuse_with_batches(**given: Any) -> None:
    """ValueError if one of these arguments is given."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} cannot be given where x gives the batches: they hold all that there is.")


def batch_size_of(value: Any, default: int, samples: int = 0, steps: int | None = None) -> int:
    """Return the batch size; where only the number of steps is given, such that they make one pass."""
    if value is not None:
        return integer("batch_size", value)
    return max(1, -(-samples // steps)) if steps else default


def described(batch: Any) -> str:
    """Say what came in the place of a batch."""
    if isinstance(batch, dict):
        names = ", ".join(map(repr, batch))
        return f"a dictionary of {names} (datasets.load(..., as_supervised=True) gives pairs; so can a dataset's map)"
    if isinstance(batch, (tuple, list)):
        return f"a {type(batch).__name__} of {len(batch)}"
    return f"an array of shape {batch.shape}" if hasattr(batch, "shape") else repr(batch)
