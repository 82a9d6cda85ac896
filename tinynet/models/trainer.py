"""Trainer: what a model can do with data. `intake` checks what it is given, `training` does the work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import losses, metrics, optimizers
from ..arguments import choose_verbose, frequency, integer, integer_or_none, named_arguments, number, warn
from ..backend import module, to_numpy
from ..callbacks import Callback, History, ProgbarLogger
from ..callbacks.base import CallbackList
from ..intake import adapters, checks
from ..layers.base import Layer
from ..layers.chain import forward_chain
from ..layers.weights import as_array
from ..threads import TINY, one_for_small
from ..training import loop
from ..training.bookmark import Bookmark, Run
from ..training.compiled import Compiled
from ..training.fusion import check_end
from ..training.prediction import predict
from ..training.step import Step, check_outputs

NOT_HERE = "Leave it out: there is nothing to compile to, and there is one output."
KERAS_ONLY = dict.fromkeys(
    ["jit_compile", "run_eagerly", "steps_per_execution", "loss_weights", "auto_scale_loss"], NOT_HERE
)
CHOSEN = "{0} is chosen by compile: call model.compile(..., {0}=...) again."


class Trainer(Layer):
    """The part of a model that compiles, fits, evaluates and predicts; `Sequential` adds the layers."""

    layers: list[Layer]
    seed: int
    prepare: Callable[[tuple[int, ...]], None]  # builds what is not built for this input shape
    built_parts: list[Layer]  # the parts that `prepare` has built

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.compilation: Compiled | None = None
        self._bookmark = Bookmark()
        self._run: Run | None = None
        self.history: History | None = None
        self.stop_training = False

    def __getstate__(self) -> dict[str, Any]:
        # A fit that goes on stays here, with its data and callbacks. A copy has its place.
        return {**self.__dict__, "_bookmark": dataclasses.replace(self.bookmark()), "_run": None}

    # ---- what compile chose -----------------------------------------------------------------------------------

    @named_arguments(KERAS_ONLY)
    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | None = None,
        metrics: Sequence[str | metrics.Metric | Callable] | None = None,
        weighted_metrics: Sequence[str | metrics.Metric | Callable] | None = None,
    ) -> None:
        """Choose the optimizer, the loss and the metrics; weights stay, the optimizer's state starts afresh.

        Keras's other arguments are refused: there is nothing to compile to, and there is one output.

        Args:
            optimizer: Name or Optimizer.
            loss: Name or Loss.
            metrics: Names, Metrics, or functions of (y_true, y_pred).
            weighted_metrics: The same, for metrics that sample and class weights count in.

        Raises:
            ValueError: A name is unknown, which the nearest valid ones follow, or the choices do not fit together.
        """
        if loss is None:
            raise ValueError("compile needs a loss, as in compile('adam', loss='mse').")
        compiled = Compiled(optimizer, loss, metrics, weighted_metrics)
        warning = check_end(self.parts(), compiled.loss)
        compiled.take_optimizer()
        self.compilation, self._bookmark = compiled, Bookmark()
        if self.built:
            self.prepare(self.input_shape[1:])
            compiled.step_for(self).buffers.claim()
        if warning:
            warn(warning)

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.compilation is not None

    @property
    def optimizer(self) -> optimizers.Optimizer | None:
        """The optimizer; one that is set here is refused by the next fit: compile begins afresh with it."""
        return self.compilation.optimizer if self.compilation else None

    @optimizer.setter
    def optimizer(self, value: optimizers.Optimizer) -> None:
        self._require_compiled().optimizer = value

    @property
    def loss(self) -> losses.Loss | None:
        """The loss."""
        return self.compilation.loss if self.compilation else None

    @property
    def metrics(self) -> list[metrics.Metric]:
        """The metrics."""
        return list(self.compilation.metrics) if self.compilation else []

    @property
    def weighted_metrics(self) -> list[metrics.Metric]:
        """The metrics that sample and class weights count in."""
        return list(self.compilation.weighted_metrics) if self.compilation else []

    @loss.setter
    def loss(self, value: Any) -> None:
        raise AttributeError(CHOSEN.format("loss"))

    @metrics.setter
    def metrics(self, value: Any) -> None:
        raise AttributeError(CHOSEN.format("metrics"))

    @weighted_metrics.setter
    def weighted_metrics(self, value: Any) -> None:
        raise AttributeError(CHOSEN.format("weighted_metrics"))

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns, in order: "loss", then the metrics'."""
        return list(self.compilation.names) if self.compilation else ["loss"]

    @property
    def trains_from_logits(self) -> bool:
        """Whether the last softmax or sigmoid and the loss are computed together, from the logits."""
        return self.compilation is not None and self.compilation.is_fused(self)

    @property
    def epochs_trained(self) -> int:
        """The number of fit's last epoch, counted from 1: the next initial_epoch."""
        return self._run.done if self._run else self._bookmark.epochs

    @epochs_trained.setter
    def epochs_trained(self, value: int) -> None:
        count = integer("epochs_trained", value, least=0)
        if self._run is not None:
            self._run.done = count
        else:
            self._bookmark.epochs = count

    # ---- fit, evaluate, predict -------------------------------------------------------------------------------

    @named_arguments()
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Train for a number of epochs.

        Each epoch goes once over all samples, shuffled in an order that depends alone on the model's seed and the
        optimizer's iterations. The loss and metrics that are reported are means over the samples of the epoch, taken
        while the weights change. Penalties of regularizers are part of the loss.

        An interrupt (Ctrl-C) leaves the trained weights of the last whole step, and the finished epochs in
        `model.history`. A training that was stopped goes on from a file: see `models.load_model`.

        Args:
            x: Samples, an array or lists. Or what gives the batches, (x, y) or (x, y, sample_weight), which are taken
                as they come: a `data.Dataset`, a generator, a list of such pairs, or anything else to iterate over.
            y: Labels of the samples.
            batch_size: Samples in a batch, by default 32. The last batch may be short.
            epochs: Epochs from `initial_epoch`, counted from 0, up to this number are made.
            verbose: 0 (silent), 1 (a progress bar), 2 (a line per epoch) or "auto": 1 on a terminal or in a notebook,
                else 2.
            callbacks: Callbacks in a list, or one.
            validation_split: Share of the samples, the last ones before shuffling, to evaluate on after each epoch.
            validation_data: (x, y), (x, y, sample_weight) or batches to evaluate on after each epoch.
            shuffle: Whether to shuffle arrays.
            class_weight: {class: factor of its samples' loss}. Classes that are not in it count 1.
            sample_weight: A factor for the loss of each sample (or each value).
            initial_epoch: The first epoch to make, counted from 0.
            steps_per_epoch: Batches in an epoch. One pass over the data then goes on from epoch to epoch.
            validation_steps: Batches of the validation data to evaluate on.
            validation_batch_size: Samples in a batch of the validation data, by default `batch_size`.
            validation_freq: Evaluate after every n-th epoch, or after the epochs of a list (counted from 1).

        Returns:
            The History, which is also `model.history`.

        Raises:
            ValueError: Labels are no classes of the model, samples have the wrong shape, x and y differ in length, or
                another argument makes no sense. Nothing is trained then.
            RuntimeError: The model is not compiled.
        """
        compilation = self._require_compiled()
        span = range(integer("initial_epoch", initial_epoch, least=0), integer("epochs", epochs, least=0))
        verbose, validated = choose_verbose(verbose), frequency(validation_freq)
        share = number("validation_split", validation_split, least=0, below=1)
        steps = integer_or_none("steps_per_epoch", steps_per_epoch)
        limit = integer_or_none("validation_steps", validation_steps)
        batches, validation = adapters.for_training(
            self,
            x,
            y,
            sample_weight=sample_weight,
            class_weight=class_weight,
            batch_size=batch_size,
            steps=steps,
            shuffle=shuffle,
            share=share,
            validation_data=validation_data,
            limit=limit,
            validation_batch_size=validation_batch_size,
        )
        step = compilation.training_step_for(self)
        with self._watched(callbacks, verbose, batches.steps, span.stop, History()) as hooks:
            run = Run(batches, validation, validated, span, hooks, self.epochs_trained)
            self._go_through(run, step)
        return hooks.history

    @named_arguments()
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Compute the mean loss and metrics.

        Args:
            x: Samples, or what gives the batches, as in `fit`.
            y: Labels of the samples.
            batch_size: Samples in a batch, by default 512, which takes half the time of Keras's 32 and gives the same
                result but for rounding.
            verbose: As in `fit`.
            sample_weight: A factor for the loss of each sample.
            steps: Batches to take.
            callbacks: Callbacks in a list, or one.
            return_dict: Whether to return a dictionary by name.

        Returns:
            [loss, metric, ...] in compile's order, or the loss alone without any metrics.
        """
        compilation = self._require_compiled()
        verbose, steps = choose_verbose(verbose), integer_or_none("steps", steps)
        batches = adapters.for_testing(self, x, y, sample_weight, batch_size, steps)
        with self._watched(callbacks, verbose, batches.steps) as hooks:
            results = loop.evaluate(compilation.step_for(self), batches, hooks)
        return results if return_dict else _as_list(results)

    @named_arguments()
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = 0,
        steps: int | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
    ) -> np.ndarray:
        """Compute the outputs for samples. Prints nothing unless `verbose` is given; Keras draws a bar.

        Args:
            x: Samples, an array or lists, or what gives batches: (x,), (x, y) or x alone.
            batch_size: Samples in a batch, by default 512; Keras takes 32.
            verbose: As in `fit`.
            steps: Batches to take.
            callbacks: Callbacks in a list, or one.

        Returns:
            The outputs as a NumPy array (N, ...), of no samples with N = 0.
        """
        verbose, steps = choose_verbose(verbose), integer_or_none("steps", steps)
        if callbacks is steps is None and verbose == 0 and not adapters.is_stream(x):
            x = adapters.inputs(self, x)
            if 0 < len(x) <= adapters.batch_size_of(batch_size, adapters.AT_ONCE):  # one batch, which nobody watches
                return self._predict_once(x)
        batches = adapters.for_predicting(self, x, batch_size, steps)
        with self._watched(callbacks, verbose, batches.steps) as hooks:
            outputs = predict(self._outputs, batches, hooks, sum(weight.size for weight in self.weights))
        if not outputs and not self.built:
            raise ValueError("There are no batches to predict: a generator is used up, or the data are empty.")
        return np.concatenate(outputs) if outputs else np.empty((0, *self.output_shape[1:]), dtype=self.dtype)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Compute the outputs for one batch, whole, as a NumPy array."""
        return self._predict_once(adapters.inputs(self, x))

    @named_arguments()
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one step on one batch; the loss and metrics, in the form of evaluate, are those before the update."""
        compilation = self._require_compiled()
        by_class = None if class_weight is None else checks.class_weights(class_weight, sample_weight)
        batch = adapters.one_batch(self, x, y, sample_weight, by_class)
        step = compilation.training_step_for(self)
        return self._report_of_one(step, step.train, batch, return_dict)

    @named_arguments()
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Compute the loss and metrics of one batch, in the form of evaluate; nothing is changed."""
        compilation = self._require_compiled()
        batch = adapters.one_batch(self, x, y, sample_weight)
        step = compilation.step_for(self)
        return self._report_of_one(step, step.test, batch, return_dict)

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[np.ndarray]]:
        """Compute the loss of a batch and its gradient with respect to every weight that has one.

        The gradients are in the order of get_weights. Frozen weights' gradients are among them, statistics' are not.
        Nothing is changed: no step is made.
        """
        compilation = self._require_compiled()
        batch = adapters.one_batch(self, x, y, sample_weight)
        step = compilation.step_for(self)
        with one_for_small(len(batch[0]) * step.buffers.size):
            loss = step.gradients(*batch)
        return loss, [np.array(to_numpy(gradient)) for gradient in self.weight_gradients]

    # ---- steps ------------------------------------------------------------------------------------------------

    def _go_through(self, run: Run, step: Step) -> None:
        """Train while this run goes on, inside another one perhaps; then keep its bookmark."""
        outer, self._run, self.history = self._run, run, run.callbacks.history
        start, self._bookmark = self._bookmark, dataclasses.replace(self._bookmark, from_file=False)
        try:
            if start.from_file:
                run.resume(start)
            loop.fit(step, self, run)
        finally:
            self._bookmark, self._run = run.bookmark(), outer
            if outer is not None:
                outer.done, self.history = run.done, outer.callbacks.history

    def training_step(self) -> Step:
        """Return what trains on a batch. RuntimeError if the optimizer's state is not for these layers."""
        return self._require_compiled().training_step_for(self)

    def _require_compiled(self) -> Compiled:
        if self.compilation is None:
            raise RuntimeError("Call model.compile(optimizer, loss) first.")
        return self.compilation

    def bookmark(self) -> Bookmark:
        """Return where the training is, for a file."""
        return self._run.bookmark() if self._run else self._bookmark

    def go_on_from(self, bookmark: Bookmark) -> None:
        """Let the next fit begin where a file's training was."""
        self._bookmark = bookmark

    def restore_optimizer(self, iterations: int, slots: Mapping[str, Any]) -> None:
        """Let the optimizer go on from a file's state: flat arrays for the weights that are trained."""
        self.compilation.go_on_from(self, iterations, slots)

    def _outputs(self, x: Any) -> np.ndarray:
        return to_numpy(check_outputs(forward_chain(self.built_parts, x)[0], self.output_shape))

    def _predict_once(self, x: Any) -> np.ndarray:
        x = as_array(x, module(self.backend), self.dtype)
        size = sum([part.__dict__[name].size for part in self.built_parts for name in part.weight_names])
        if len(x) * size <= TINY:
            return np.array(self._outputs(x))
        with one_for_small(loop.ROWS * size):
            return np.array(self._outputs(x))

    @staticmethod
    def _report_of_one(step: Step, advance: Callable[..., None], batch: Any, return_dict: bool) -> Any:
        report = step.new_report()
        with one_for_small(len(batch[0]) * step.buffers.size):
            advance(*batch, report)
        return report.means() if return_dict else _as_list(report.means())

    def _watched(
        self, callbacks: Any, verbose: int, steps: int | None, epochs: int = 1, history: History | None = None
    ) -> CallbackList:
        params = {"verbose": verbose, "epochs": epochs, "steps": steps}
        return CallbackList(callbacks, self, params, history, ProgbarLogger() if verbose else None)


def _as_list(results: dict[str, float]) -> Any:
    values = list(results.values())
    return values if len(values) > 1 else values[0]
