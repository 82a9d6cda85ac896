"""Intake: how a model takes its data, as arrays or as batches; each is checked before any work is done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import backend as backends
from .. import losses, metrics
from ..arguments import integer, is_integer
from ..data import Dataset
from ..layers.base import Layer
from ..layers.weights import as_array
from . import checks as inputs
from .arrays import ArrayBatches, Batch
from .streams import StreamBatches, is_stream


class Intake(Layer):
    """The part of a model that makes batches of what it is given; `Trainer` does the work with them."""

    loss: losses.Loss | None
    metrics: list[metrics.Metric]
    weighted_metrics: list[metrics.Metric]

    def _samples(
        self, x: Any, y: Any, sample_weight: Any = None, class_weights: Mapping[int, float] | None = None
    ) -> tuple[Any, np.ndarray, Any]:
        """Validated samples, labels and weights (or None); the model is compiled, and now built."""
        if self.loss is None:
            raise RuntimeError("Call model.compile(optimizer, loss) first.")
        if y is None and isinstance(x, dict):
            names = ", ".join(map(repr, x))
            raise ValueError(f"x is a dictionary of {names}. Of the splits that datasets.load gives, take one.")
        if y is None:
            raise ValueError("y is missing: the labels, one for each sample of x.")
        x, y, built = inputs.as_samples(x), inputs.as_labels(y), self.built
        if built:
            x = self._inputs(x)  # a wrong shape tells more than a wrong length
        inputs.check_lengths(x, y)  # before anything is built from the shape of x
        if not built:
            x = self._inputs(x)
        every = [*self.metrics, *self.weighted_metrics]
        labels = inputs.check_labels(y, self.loss, every, self.output_shape, self.dtype)
        if class_weights is not None:
            return x, labels, inputs.weights_by_class(class_weights, labels, self.output_shape).astype(self.dtype)
        return x, labels, inputs.as_weights(sample_weight, labels, self.output_shape, self.dtype)

    def _inputs(self, x: Any) -> Any:
        """x as an array whose samples have the model's input shape; builds the model if it is not yet built."""
        x = inputs.as_samples(x)
        self.prepare(x.shape[1:])
        return inputs.fit_shape(x, self.input_shape[1:])

    def _arrays(self, x: Any, labels: Any, weights: Any, batch_size: int) -> ArrayBatches:
        return ArrayBatches(x, labels, weights, batch_size, self.backend, self.dtype)

    def _stream(
        self, source: Any, name: str, steps: int | None, class_weights: Mapping[int, float] | None = None
    ) -> StreamBatches:
        """Batches (x, y) or (x, y, weights) from an iterable, each validated as it comes; `name` limits a pass."""
        if self.loss is None:
            raise RuntimeError("Call model.compile(optimizer, loss) first.")

        def prepare(batch: Any) -> Batch:
            if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
                raise ValueError(f"Batches must be (x, y) or (x, y, sample_weight); got {_described(batch)}.")
            if class_weights is not None and len(batch) == 3:
                raise ValueError("The batches have sample weights; class_weight cannot be given as well.")
            return self._whole(*self._samples(*batch, class_weights=class_weights))

        batches = self._batches(source, prepare, name, steps)
        if not self.built:
            batches.peek()
        return batches

    def _batches(self, source: Any, prepare: Callable[[Any], Batch], name: str, steps: int | None) -> StreamBatches:
        """An iterable's batches; ValueError for a dataset without end, unless the argument `name` gives the steps."""
        if not isinstance(source, Dataset):
            return StreamBatches(source, prepare)

        first = True

        def prepare_batch(batch: Any) -> Batch:
            nonlocal first
            if first:
                self._refuse_single(batch)
                first = False
            return prepare(batch)

        batches = StreamBatches(source, prepare_batch)
        if batches.endless and steps is None:
            raise ValueError(
                f"The dataset repeats without end, so give {name}, the number of batches to take of it: "
                f"{name}=math.ceil(samples / batch_size)."
            )
        return batches

    def _prepare_inputs(self, batch: Any) -> Batch:
        """The samples of a batch (x,), (x, y), (x, y, weights) or x, on the backend."""
        if isinstance(batch, dict):
            raise ValueError(f"Batches must be x, (x,), (x, y) or (x, y, sample_weight); got {_described(batch)}.")
        x = self._inputs(batch[0] if isinstance(batch, tuple) else batch)
        return as_array(x, backends.module(self.backend), self.dtype), None, None

    def _refuse_single(self, batch: Any) -> None:
        """ValueError if this is a single sample: x has the shape of the model's samples, or a label stands alone."""
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        shape = getattr(parts[0], "shape", None)
        alone = any(getattr(part, "shape", None) == () for part in parts[1:])
        if alone or (self.built and shape == self.input_shape[1:]):
            raise ValueError(f"The dataset gives single samples, x of shape {shape}: call .batch(32) on it.")

    def _validation(self, data: Any, steps: int | None) -> Any:
        try:
            if is_stream(data):
                batches = self._stream(data, "validation_steps", steps)
                batches.peek()  # what is wrong with the first one is said before the training
                return batches
            if isinstance(data, (tuple, list)) and len(data) in (2, 3):
                return self._samples(*data)
        except ValueError as error:
            raise ValueError(f"validation_data: {error}") from None
        raise ValueError("validation_data must be (x, y), (x, y, sample_weight) or an iterable of batches.")

    @staticmethod
    def _refuse_with_batches(**given: Any) -> None:
        for name, value in given.items():
            if value is not None and (name != "validation_split" or value):
                raise ValueError(f"{name} cannot be given where x gives the batches: they hold all that there is.")

    def _whole(self, x: Any, labels: np.ndarray, weights: Any) -> Batch:
        """Samples, labels and weights as one batch on the backend."""
        xp = backends.module(self.backend)
        weights = None if weights is None else backends.move(weights, xp)
        return as_array(x, xp, self.dtype), backends.move(labels, xp), weights


def batch_size_of(value: Any, default: int, samples: int = 0, steps: int | None = None) -> int:
    """The batch size; where only the number of steps is given, such that they make one pass."""
    if value is not None:
        return integer("batch_size", value)
    return max(1, -(-samples // steps)) if steps else default


def steps_of(name: str, value: Any) -> int | None:
    """A number of batches, checked; None stays."""
    return None if value is None else integer(name, value)


def frequency(value: Any) -> Callable[[int], bool]:
    """Whether to validate after an epoch, counted from 0."""
    if is_integer(value):
        every = integer("validation_freq", value)
        return lambda epoch: (epoch + 1) % every == 0
    if isinstance(value, (list, tuple, set, range)) and all(map(is_integer, value)):
        return lambda epoch: epoch + 1 in value
    raise ValueError(f"validation_freq must be a positive integer or a list of epochs, counted from 1; got {value!r}.")


def _described(batch: Any) -> str:
    if isinstance(batch, dict):
        names = ", ".join(map(repr, batch))
        return f"a dictionary of {names} (datasets.load(..., as_supervised=True) gives pairs; so can a dataset's map)"
    if isinstance(batch, (tuple, list)):
        return f"a {type(batch).__name__} of {len(batch)}"
    return f"an array of shape {batch.shape}" if hasattr(batch, "shape") else repr(batch)
