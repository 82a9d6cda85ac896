"""Adapters: what a user gives to fit, evaluate and predict, as batches; arrays or a stream is decided here, once.

Each function takes the model that the data are for. All that is given is checked before any work is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arguments import integer, is_integer, number
from ..backend import module, move
from ..data import Dataset
from ..layers.weights import as_array
from . import checks
from .arrays import ArrayBatches, Batch
from .epochs import Epochs, Limited, shuffled_by
from .streams import StreamBatches, is_stream

AT_ONCE = 512  # samples that evaluate and predict compute at once; benchmarks/NOTES.md has the times of others


def for_training(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool,
    validation_split: float,
    validation_data: Any,
    validation_steps: int | None,
    validation_batch_size: int | None,
) -> tuple[Epochs, Limited | None]:
    """Return the batches for the epochs of a fit, and those for validation. Arguments as those of `fit`."""
    steps, limit = steps_of("steps_per_epoch", steps), steps_of("validation_steps", validation_steps)
    share = number("validation_split", validation_split, least=0, below=1)
    if not isinstance(shuffle, (bool, np.bool_)):
        raise ValueError(f"shuffle must be True or False; got {shuffle!r}.")
    by_class = checks.class_weights(class_weight, sample_weight)
    held_out = None
    if is_stream(x, y):
        refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size, validation_split=share or None)
        batches, size = stream(model, x, "steps_per_epoch", steps, by_class), 32
        epochs = Epochs(batches, steps)
    else:
        arrays = samples(model, x, y, sample_weight, by_class)
        if validation_data is None and share:
            arrays, held_out = checks.split(share, model.loss, *arrays)
        size = batch_size_of(batch_size, 32, len(arrays[0]), steps)
        batches = ArrayBatches(*arrays, size, model.backend, model.dtype)
        epochs = Epochs(batches, steps, shuffled_by(batches, model.seed, model.optimizer) if shuffle else None)
    if validation_batch_size is not None:
        size = integer("validation_batch_size", validation_batch_size)
    if validation_data is not None:
        held_out = validation(model, validation_data, limit)
    if isinstance(held_out, tuple):
        held_out = ArrayBatches(*held_out, size, model.backend, model.dtype)
    return epochs, None if held_out is None else Limited(held_out, limit)


def for_testing(model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int | None, steps: int | None) -> Limited:
    """Return the batches for an evaluation. Arguments as those of `evaluate`."""
    steps = steps_of("steps", steps)
    if is_stream(x, y):
        refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size)
        return Limited(stream(model, x, "steps", steps), steps)
    arrays = samples(model, x, y, sample_weight)
    size = batch_size_of(batch_size, AT_ONCE, len(arrays[0]), steps)
    return Limited(ArrayBatches(*arrays, size, model.backend, model.dtype), steps)


def for_predicting(model: Any, x: Any, batch_size: int | None, steps: int | None) -> Limited:
    """Return the batches for a prediction: x, with None for labels and weights. Arguments as those of `predict`."""
    steps = steps_of("steps", steps)
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

    Raises:
        RuntimeError: The model is not compiled.
        ValueError: They do not fit the model, its loss or each other.
    """
    require_compiled(model)
    if y is None and isinstance(x, dict):
        names = ", ".join(map(repr, x))
        raise ValueError(f"x is a dictionary of {names}. Of the splits that datasets.load gives, take one.")
    if y is None:
        raise ValueError("y is missing: the labels, one for each sample of x.")
    x, y = checks.as_samples(x), checks.as_labels(y)
    if model.input_shape is not None:
        x = fitted(model, x)  # a wrong shape tells more than a wrong length
        checks.check_lengths(x, y)
    else:
        checks.check_lengths(x, y)  # before anything is built from the shape of x
        x = fitted(model, x)
    every = [*model.metrics, *model.weighted_metrics]
    labels = checks.check_labels(y, model.loss, every, model.output_shape, model.dtype)
    if by_class is not None:
        return x, labels, checks.weights_by_class(by_class, labels, model.output_shape).astype(model.dtype)
    return x, labels, checks.as_weights(sample_weight, labels, model.output_shape, model.dtype)


def inputs(model: Any, x: Any) -> Any:
    """Return x as an array whose samples have the model's input shape; build the model if it is not yet built."""
    return fitted(model, checks.as_samples(x))


def fitted(model: Any, x: Any) -> Any:
    """Return an array of samples in the model's input shape; build the model if it is not yet built."""
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
    require_compiled(model)

    def prepare(batch: Any) -> Batch:
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise ValueError(f"Batches must be (x, y) or (x, y, sample_weight); got {described(batch)}.")
        if by_class is not None and len(batch) == 3:
            raise ValueError("The batches have sample weights; class_weight cannot be given as well.")
        return on_backend(model, *samples(model, *batch, by_class=by_class))

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


def require_compiled(model: Any) -> None:
    """Raise RuntimeError unless the model is compiled."""
    if not model.compiled:
        raise RuntimeError("Call model.compile(optimizer, loss) first.")


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


def steps_of(name: str, value: Any) -> int | None:
    """Return a number of batches, checked; None stays."""
    return None if value is None else integer(name, value)


def frequency(value: Any) -> Callable[[int], bool]:
    """Return a function that tells whether to validate after an epoch, counted from 0."""
    if is_integer(value):
        every = integer("validation_freq", value)
        return lambda epoch: (epoch + 1) % every == 0
    if isinstance(value, (list, tuple, set, range)) and all(map(is_integer, value)):
        return lambda epoch: epoch + 1 in value
    raise ValueError(f"validation_freq must be a positive integer or a list of epochs, counted from 1; got {value!r}.")


def described(batch: Any) -> str:
    """Say what came in the place of a batch."""
    if isinstance(batch, dict):
        names = ", ".join(map(repr, batch))
        return f"a dictionary of {names} (datasets.load(..., as_supervised=True) gives pairs; so can a dataset's map)"
    if isinstance(batch, (tuple, list)):
        return f"a {type(batch).__name__} of {len(batch)}"
    return f"an array of shape {batch.shape}" if hasattr(batch, "shape") else repr(batch)
