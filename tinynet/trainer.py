"""Trainer: what a model can do with data. It checks what it is given and calls `training`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import backend as backends
from . import inputs, losses, metrics, optimizers, training
from .callbacks import Callback, CallbackList, History
from .checks import integer, number
from .data import ArrayBatches
from .layers.base import Layer, as_array
from .layers.chain import forward_chain
from .metrics import get as get_metric
from .progress import Progress, choose_verbose


class Trainer(Layer):
    """The part of a model that compiles, fits, evaluates and predicts; `Sequential` adds the layers."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[metrics.Metric] = []
        self.history: History | None = None
        self.stop_training = False
        self._step: training.Step | None = None
        self._trained: list[Layer] | None = None  # the parts that the optimizer's state is for
        self._mark: object = None  # the same as the optimizer's owner, as long as it is ours

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_step": None}  # made again when it is next needed, from what is kept

    def compile(
        self,
        optimizer: str | optimizers.Optimizer,
        loss: str | losses.Loss,
        metrics: Sequence[str | metrics.Metric] | None = None,
    ) -> None:
        """Choose the optimizer, the loss and the metrics; weights stay, the optimizer's state starts afresh.

        Each is a name or an object; an unknown name raises ValueError here, with the nearest valid ones.
        """
        if metrics is not None and not isinstance(metrics, (list, tuple)):
            raise TypeError(f"metrics must be a list, as in metrics=['accuracy']; got {metrics!r}.")
        chosen = [get_metric(metric) for metric in metrics or ()]
        names = [metric.name for metric in chosen]
        if len({"loss", *names}) != len(names) + 1:
            raise ValueError(f"Metrics need names of their own, other than 'loss'; got {names}.")
        loss, optimizer = losses.get(loss), optimizers.get(optimizer)
        warning = training.check_end(self.parts(), loss)
        self.loss, self.optimizer, self.metrics = loss, optimizer, chosen
        self.optimizer.reset()
        self.optimizer.owner = self._mark = object()
        self._step = self._trained = None
        if self.built:
            self.prepare(self.input_shape[1:])
            self._current_step().buffers.claim()
        if warning:
            warnings.warn(warning, stacklevel=2)

    @property
    def trains_from_logits(self) -> bool:
        """Whether the last softmax and the loss are computed together, from the logits."""
        return self.loss is not None and training.on_logits(self.parts(), self.output_shape, self.loss) is not None

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, Any] | None = None,
        shuffle: bool = True,
    ) -> History:
        """Train on arrays for a number of epochs; returns the History, which is also `model.history`.

        Each epoch goes once over all samples in batches of `batch_size` (default 32; the last may be short), shuffled
        in an order that depends on the model's seed and the optimizer's iterations alone. The loss and metrics that
        are reported are means over the samples of the epoch, taken while the weights change.

        `validation_data=(x, y)` is evaluated after each epoch; `validation_split=0.1` takes the last tenth of the
        samples for that, before shuffling. `verbose` is 0 (silent), 1 (a progress bar), 2 (a line per epoch) or
        "auto": 1 on a terminal or in a notebook, else 2.

        An interrupt (Ctrl-C) leaves the weights of the last whole step, and the finished epochs in `model.history`.

        ValueError for labels that are not classes of the model, samples of the wrong shape, x and y of unequal
        length, and for other arguments that make no sense, before any work is done.
        """
        batch_size = _batch_size(batch_size, 32)
        epochs = integer("epochs", epochs, least=0)
        verbose = choose_verbose(verbose)
        split = number("validation_split", validation_split, least=0, below=1)
        callbacks = list(callbacks or ()) if isinstance(callbacks, (list, tuple, type(None))) else [callbacks]
        x, labels = self._pair(x, y)
        held_out = None
        if validation_data is not None:
            held_out = self._validation(validation_data)
        elif split:
            cut = int(len(x) * (1 - split))
            if not 0 < cut < len(x):
                raise ValueError(f"validation_split={split} of {len(x)} samples leaves one side empty.")
            (x, labels), held_out = (x[:cut], labels[:cut]), (x[cut:], labels[cut:])
        batches = ArrayBatches(x, labels, batch_size, self.backend, self.dtype)
        validation = held_out and ArrayBatches(*held_out, batch_size, self.backend, self.dtype)
        step, history = self._training_step(), History()
        params = {"verbose": verbose, "epochs": epochs, "steps": len(batches)}
        hooks = CallbackList([*callbacks, history], self, params)
        self.history = history
        training.fit(step, self, batches, validation, epochs, bool(shuffle), verbose, hooks)
        return history

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, verbose: str | int = "auto", *, return_dict: bool = False
    ) -> Any:
        """The mean loss and metrics on arrays: [loss, metric, ...] in compile's order, or the loss alone without any.

        Computed in batches of `batch_size` (default 32). return_dict=True gives a dictionary by name.
        """
        batch_size, verbose = _batch_size(batch_size, 32), choose_verbose(verbose)
        x, labels = self._pair(x, y)
        batches = ArrayBatches(x, labels, batch_size, self.backend, self.dtype)
        with Progress(verbose, len(batches)) as progress:
            results = training.run_pass(self._current_step(), batches, False, progress)
            progress.finish(results)
        return results if return_dict else _as_list(results)

    def predict(self, x: Any, batch_size: int | None = None, verbose: str | int = 0) -> np.ndarray:
        """The outputs for an array of samples, as a NumPy array (N, ...); of no samples, with N = 0.

        Computed in batches of `batch_size` (default 256; Keras takes 32). Prints nothing unless `verbose` is given;
        Keras draws a bar.
        """
        batch_size, verbose = _batch_size(batch_size, 256), choose_verbose(verbose)
        x = self._inputs(x)
        batches = ArrayBatches(x, None, batch_size, self.backend, self.dtype)
        parts = self.parts()
        outputs = np.empty((len(x), *self.output_shape[1:]), dtype=self.dtype)
        with Progress(verbose, len(batches)) as progress:
            for index, (batch, _) in enumerate(batches):
                start = index * batch_size
                y = training.check_outputs(forward_chain(parts, batch)[0], self.output_shape)
                outputs[start : start + len(batch)] = backends.to_numpy(y)
                if progress.due():
                    progress.draw(index + 1, {})
            progress.finish({})
        return outputs

    def train_on_batch(self, x: Any, y: Any, *, return_dict: bool = False) -> Any:
        """One step on one batch; the loss and metrics, in the form of evaluate, are those before the update."""
        x, labels = self._pair(x, y)
        step = self._training_step()
        totals = step.new_totals()
        count = step.train(*self._whole(x, labels), totals)
        results = step.means(totals, count)
        return results if return_dict else _as_list(results)

    def gradients(self, x: Any, y: Any) -> tuple[float, list[np.ndarray]]:
        """The mean loss of a batch and its gradient with respect to every weight, in the order of get_weights.

        Frozen weights' gradients are among them. Nothing is changed: no step is made.
        """
        x, labels = self._pair(x, y)
        loss = self._current_step().gradients(*self._whole(x, labels))
        return loss, [np.array(backends.to_numpy(gradient)) for gradient in self.weight_gradients]

    # ---- what comes in ----------------------------------------------------------------------------------------

    def _pair(self, x: Any, y: Any) -> tuple[Any, np.ndarray]:
        """Validated samples and labels; the model is compiled, and now built."""
        if self.loss is None:
            raise RuntimeError("Call model.compile(optimizer, loss) first.")
        x, y = inputs.as_samples(x), inputs.as_labels(y)
        if self.built:
            x = self._inputs(x)  # a wrong shape tells more than a wrong length
        inputs.check_lengths(x, y)  # before anything is built from the shape of x
        x = self._inputs(x)
        return x, inputs.check_labels(y, self.loss, self.metrics, self.output_shape, self.dtype)

    def _inputs(self, x: Any) -> Any:
        """x as an array whose samples have the model's input shape; builds the model if it is not yet built."""
        x = inputs.as_samples(x)
        self.prepare(x.shape[1:])
        return inputs.fit_shape(x, self.input_shape[1:])

    def _validation(self, data: Any) -> tuple[Any, np.ndarray]:
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError("validation_data must be a pair (x, y).")
        try:
            return self._pair(*data)
        except ValueError as error:
            raise ValueError(f"validation_data: {error}") from None

    def _current_step(self) -> training.Step:
        """The step for the layers as they stand now."""
        parts, trained = self.parts(), self.trained_parts()
        if self._step is None or self._step.layout != (parts, trained, self.output_shape):
            self._step = training.Step(
                parts, trained, self.output_shape, self.loss, self.optimizer, self.metrics, self.backend, self.dtype
            )
        return self._step

    def _training_step(self) -> training.Step:
        """The current step, if its optimizer is this model's and its state is for the weights that are trained."""
        if self.optimizer.owner is not self._mark:
            raise RuntimeError(
                "This model's optimizer was replaced, or compiled into another model since. Compile this model again, "
                "and give each model an optimizer of its own."
            )
        trained = self.trained_parts()
        if trained != self._trained and self.optimizer.iterations:
            raise RuntimeError(
                "Layers were frozen, unfrozen or added since training began. Call compile again for that to take "
                "effect; the optimizer then starts afresh."
            )
        self._trained = trained
        return self._current_step()

    def _whole(self, x: Any, labels: np.ndarray) -> tuple[Any, Any]:
        """Samples and labels as one batch on the backend."""
        xp = backends.module(self.backend)
        return as_array(x, xp, self.dtype), backends.move(labels, xp)


def _batch_size(value: Any, default: int) -> int:
    return default if value is None else integer("batch_size", value)


def _as_list(results: dict[str, float]) -> Any:
    values = list(results.values())
    return values if len(values) > 1 else values[0]
