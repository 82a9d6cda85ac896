"""Trainer: what a model can do with data. `intake` checks what it is given, `training` does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import backend as backends
from .. import losses, metrics, optimizers
from ..arguments import integer, named_arguments, number, warn
from ..callbacks import Callback, History
from ..callbacks.callback_list import CallbackList
from ..callbacks.progress import choose_verbose
from ..intake import checks as inputs
from ..intake.adapters import Intake, batch_size_of, frequency, steps_of
from ..intake.arrays import ArrayBatches, Batch
from ..intake.epochs import Epochs, Limited
from ..intake.streams import StreamBatches, is_stream
from ..layers.base import Layer
from ..layers.chain import forward_chain
from ..layers.weights import as_array
from ..metrics import get as get_metric
from ..training import loop as training
from ..training.step import Step, check_end, check_outputs, on_logits

AT_ONCE = 512  # samples that evaluate and predict compute at once; benchmarks/NOTES.md has the times of others


class Trainer(Intake):
    """The part of a model that compiles, fits, evaluates and predicts; `Sequential` adds the layers."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[metrics.Metric] = []
        self.weighted_metrics: list[metrics.Metric] = []
        self.history: History | None = None
        self.stop_training = False
        self._metric_names: list[str] = ["loss"]
        self._step: Step | None = None
        self._trained: list[Layer] | None = None  # the parts that the optimizer's state is for
        self._mark: object = None  # the same as the optimizer's owner, as long as it is ours
        self.epochs_trained = 0  # the number of fit's last epoch, counted from 1: the next initial_epoch
        self.fitted_callbacks: list[Callback] = []  # those of the last fit, for a file to keep their state
        self.fitted: tuple[Any, Any] = (None, None)  # within fit, its data for training and for validation
        self.last_place: dict[str, Any] | None = None  # where in its data the last fit ended
        self.saved_place: dict[str, Any] | None = None  # where in its data a saved fit was
        self.saved_callbacks: list[Any] = []  # the states of callbacks that came from a file, for the next fit

    def __getstate__(self) -> dict[str, Any]:
        # The step is made again when it is next needed, from what is kept; callbacks belong to their fit.
        return {**self.__dict__, "_step": None, "fitted_callbacks": [], "fitted": (None, None)}

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.loss is not None

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns, in order: "loss", then the metrics'."""
        return list(self._metric_names)

    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "rmsprop",
        loss: str | losses.Loss | None = None,
        metrics: Sequence[str | metrics.Metric | Callable] | None = None,
        weighted_metrics: Sequence[str | metrics.Metric | Callable] | None = None,
        **unknown: Any,
    ) -> None:
        """Choose the optimizer, the loss and the metrics; weights stay, the optimizer's state starts afresh.

        Each is a name or an object, a metric also a function of (y_true, y_pred); an unknown name raises ValueError
        here, with the nearest valid ones. `weighted_metrics` are those that sample and class weights count in. Keras's
        other arguments are refused: there is nothing to compile to, and there is one output.
        """
        if unknown:
            name = next(iter(unknown))
            hint = "Did you mean metrics?" if name == "metric" else "Leave it out."
            raise TypeError(
                f"compile has no argument {name!r} in tinynet. {hint} It takes optimizer, loss, metrics and "
                "weighted_metrics."
            )
        if loss is None:
            raise ValueError("compile needs a loss, as in compile('adam', loss='mse').")
        chosen, weighted = _metrics("metrics", metrics), _metrics("weighted_metrics", weighted_metrics)
        names = ["loss", *(metric.name for metric in chosen)]
        names += [f"weighted_{metric.name}" if metric.name in names else metric.name for metric in weighted]
        if len(set(names)) != len(names):
            raise ValueError(f"Metrics need names of their own, other than 'loss'; got {names[1:]}.")
        loss, optimizer = losses.get(loss), optimizers.get(optimizer)
        if loss.reduction in ("none", None):
            raise ValueError(f"A model minimizes one number: the loss {loss.name} needs a reduction.")
        warning = check_end(self.parts(), loss)
        self.loss, self.optimizer, self.metrics, self.weighted_metrics = loss, optimizer, chosen, weighted
        self._metric_names = names
        self.optimizer.reset()
        self.epochs_trained, self.saved_callbacks, self.saved_place = 0, [], None
        self.fitted, self.last_place = (None, None), None
        self.optimizer.owner = self._mark = object()
        self._step = self._trained = None
        if self.built:
            self.prepare(self.input_shape[1:])
            self.current_step().buffers.claim()
        if warning:
            warn(warning)

    @property
    def trains_from_logits(self) -> bool:
        """Whether the last softmax or sigmoid and the loss are computed together, from the logits."""
        return self.loss is not None and on_logits(self.parts(), self.output_shape, self.loss) is not None

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
        """Train for a number of epochs; returns the History, which is also `model.history`.

        `x` and `y` are arrays or lists; each epoch goes once over all samples in batches of `batch_size` (default 32;
        the last may be short), shuffled in an order that depends on the model's seed and the optimizer's iterations
        alone. Or `x` gives the batches itself, as (x, y) or (x, y, sample_weight): a `data.Dataset`, a generator, a
        list of such pairs, or anything else that can be iterated over; then they are taken as they come.

        The loss and metrics that are reported are means over the samples of the epoch, taken while the weights change;
        penalties of regularizers are part of the loss.

            epochs, initial_epoch     the epochs from initial_epoch (counted from 0) up to epochs are made
            steps_per_epoch           batches in an epoch; one pass over the data then goes on from epoch to epoch
            sample_weight             one factor for the loss of each sample (or each value)
            class_weight              {class: factor}, the same by label; classes that are not in it count 1
            validation_data           (x, y), (x, y, sample_weight) or batches, evaluated after each epoch
            validation_split          0.1 takes the last tenth of the samples for that, before shuffling
            validation_steps          evaluate on so many batches only
            validation_batch_size     of the validation data, by default batch_size
            validation_freq           evaluate after every n-th epoch, or after the epochs of a list (counted from 1)
            callbacks                 a list of callbacks, or one
            verbose                   0 (silent), 1 (a progress bar), 2 (a line per epoch) or "auto": 1 on a terminal or
                                      in a notebook, else 2

        A training that was stopped goes on, in a new process, to the same bits as if it had not, from a file that
        `ModelCheckpoint("model.npz")` or `model.save("model.npz")` wrote between two epochs:

            model = tn.models.load_model("model.npz")
            callbacks = [...]  # the same as before: their state is in the file
            model.fit(x, y, epochs=20, initial_epoch=model.epochs_trained, callbacks=callbacks)

        That holds on the same machine, BLAS and number of threads, for arrays, and for datasets that are made anew in
        the same way, each shuffle with a seed. It does not hold for generators, for a `map` that draws random numbers,
        nor for a `model.save` after an EarlyStopping has restored the best weights.

        An interrupt (Ctrl-C) leaves the trained weights of the last whole step, and the finished epochs in
        `model.history`.

        ValueError for labels that are not classes of the model, samples of the wrong shape, x and y of unequal
        length, and for other arguments that make no sense, before any work is done.
        """
        epochs, initial_epoch = integer("epochs", epochs, least=0), integer("initial_epoch", initial_epoch, least=0)
        verbose, steps = choose_verbose(verbose), steps_of("steps_per_epoch", steps_per_epoch)
        split = number("validation_split", validation_split, least=0, below=1)
        if not isinstance(shuffle, (bool, np.bool_)):
            raise ValueError(f"shuffle must be True or False; got {shuffle!r}.")
        validated = frequency(validation_freq)
        own_weights = inputs.class_weights(class_weight, sample_weight)
        held_out = None
        if is_stream(x, y):
            self._refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size, validation_split=split)
            batches = self._stream(x, "steps_per_epoch", steps, own_weights)
        else:
            x, labels, weights = self._samples(x, y, sample_weight, own_weights)
            if validation_data is None and split:
                (x, labels, weights), held_out = inputs.split(split, self.loss, x, labels, weights)
            batches = self._arrays(x, labels, weights, batch_size_of(batch_size, 32, len(x), steps))
        limit = steps_of("validation_steps", validation_steps)
        if validation_data is not None:
            held_out = self._validation(validation_data, limit)
        size = getattr(batches, "batch_size", 32)
        size = size if validation_batch_size is None else integer("validation_batch_size", validation_batch_size)
        if isinstance(held_out, tuple):
            held_out = self._arrays(*held_out, size)
        validation = None if held_out is None else Limited(held_out, limit)
        step, history = self.training_step(), History()
        shuffled = shuffle and isinstance(batches, ArrayBatches)
        if shuffled:
            batches.scale(step.scaling)
        source = Epochs(batches, steps, training.shuffled_by(self, batches) if shuffled else None)
        self._resume(source, held_out, initial_epoch)
        params = {"verbose": verbose, "epochs": epochs, "steps": source.steps}
        with CallbackList(callbacks, self, params, history) as hooks:
            self.history, self.fitted_callbacks = history, hooks.callbacks
            try:
                training.fit(step, self, source, validation, range(initial_epoch, epochs), validated, hooks)
            finally:
                self.last_place, self.fitted = self.place, (None, None)  # the data are the caller's again
        return history

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
        """The mean loss and metrics: [loss, metric, ...] in compile's order, or the loss alone without any.

        `x` and `y` are arrays, computed in batches of `batch_size` (default 512, which are computed in half the time of
        Keras's 32, with the same result but for rounding), or x gives the batches, as in `fit`;
        `steps` is the number of batches to take. return_dict=True gives a dictionary by name.
        """
        verbose, steps = choose_verbose(verbose), steps_of("steps", steps)
        if is_stream(x, y):
            self._refuse_with_batches(y=y, sample_weight=sample_weight, batch_size=batch_size)
            batches = self._stream(x, "steps", steps)
        else:
            x, labels, weights = self._samples(x, y, sample_weight)
            batches = self._arrays(x, labels, weights, batch_size_of(batch_size, AT_ONCE, len(x), steps))
        batches = Limited(batches, steps)
        with CallbackList(callbacks, self, {"verbose": verbose, "epochs": 1, "steps": batches.steps}) as hooks:
            results = training.evaluate(self.current_step(), batches, hooks)
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
        """The outputs for an array of samples, as a NumPy array (N, ...); of no samples, with N = 0.

        Computed in batches of `batch_size` (default 512; Keras takes 32), or x gives the batches: (x,), (x, y) or x
        alone; `steps` is the number of batches to take. Prints nothing unless `verbose` is given; Keras draws a bar.
        """
        verbose, steps = choose_verbose(verbose), steps_of("steps", steps)
        if is_stream(x):
            self._refuse_with_batches(batch_size=batch_size)
            batches = self._batches(x, self._prepare_inputs, "steps", steps)
        else:
            x = self._inputs(x)
            size = batch_size_of(batch_size, AT_ONCE, len(x), steps)
            if 0 < len(x) <= size and verbose == 0 and callbacks is steps is None:  # one batch, which nobody watches
                return np.array(self._outputs(as_array(x, backends.module(self.backend), self.dtype)))
            batches = self._arrays(x, None, None, size)
        batches, outputs = Limited(batches, steps), []
        with CallbackList(callbacks, self, {"verbose": verbose, "epochs": 1, "steps": batches.steps}) as hooks:
            hooks.call("on_predict_begin")
            begins, ends = hooks.hooked("on_predict_batch_begin"), hooks.hooked("on_predict_batch_end")
            for index, (batch, _, _) in enumerate(batches):
                if begins:
                    hooks.call("on_predict_batch_begin", index)
                outputs.append(self._outputs(batch))
                if ends:
                    hooks.call("on_predict_batch_end", index, logs={"outputs": outputs[-1]})
                if hooks.due():
                    hooks.draw(index + 1, {})
            hooks.passed(len(outputs))
            hooks.call("on_predict_end")
        if not outputs and not self.built:
            raise ValueError("There are no batches to predict: a generator is used up, or the data are empty.")
        return np.concatenate(outputs) if outputs else np.empty((0, *self.output_shape[1:]), dtype=self.dtype)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """The outputs for one batch, computed whole, as a NumPy array."""
        return np.array(self._outputs(self._prepare_inputs((x,))[0]))

    @named_arguments()
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; the loss and metrics, in the form of evaluate, are those before the update."""
        own_weights = inputs.class_weights(class_weight, sample_weight)
        batch = self._whole(*self._samples(x, y, sample_weight, own_weights))
        return self._one(self.training_step(), "train", batch, return_dict)

    @named_arguments()
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics of one batch, in the form of evaluate; nothing is changed."""
        batch = self._whole(*self._samples(x, y, sample_weight))
        return self._one(self.current_step(), "test", batch, return_dict)

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[np.ndarray]]:
        """The loss of a batch and its gradient with respect to every weight that has one, in the order of get_weights.

        Frozen weights' gradients are among them, statistics' are not. Nothing is changed: no step is made.
        """
        batch = self._whole(*self._samples(x, y, sample_weight))
        loss = self.current_step().gradients(*batch)
        return loss, [np.array(backends.to_numpy(gradient)) for gradient in self.weight_gradients]

    # ---- steps ------------------------------------------------------------------------------------------------

    def _outputs(self, x: Any) -> np.ndarray:
        return backends.to_numpy(check_outputs(forward_chain(self.parts(), x)[0], self.output_shape))

    @staticmethod
    def _one(step: Step, kind: str, batch: Batch, return_dict: bool) -> Any:
        totals = step.new_totals()
        getattr(step, kind)(*batch, totals)
        return totals.means() if return_dict else _as_list(totals.means())

    def current_step(self) -> Step:
        """The step for the layers as they stand now."""
        parts, trained = self.parts(), self.trained_parts()
        if self._step is None or self._step.layout != (parts, trained, self.output_shape):
            self._step = Step(
                parts,
                trained,
                self.output_shape,
                self.loss,
                self.optimizer,
                self.metrics,
                self.weighted_metrics,
                self._metric_names,
                self.backend,
                self.dtype,
                self.seed,
            )
        return self._step

    def training_step(self) -> Step:
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
        return self.current_step()

    @property
    def place(self) -> dict[str, Any] | None:
        """Where the last fit is in its data, as plain values; None before the first."""
        training_data, validation = self.fitted
        if training_data is None:
            return self.last_place or self.saved_place
        validated = validation.passes if isinstance(validation, StreamBatches) else []
        return {**training_data.place, "validation": validated}

    def _resume(self, source: Epochs, validation: Any, initial_epoch: int) -> None:
        """Let the data go on where they were when the model was saved, if it is its next epoch that is asked for."""
        place, self.saved_place, self.fitted = self.saved_place, None, (source, validation)
        if place is not None and initial_epoch == self.epochs_trained:
            source.go_to(place)
            if isinstance(validation, StreamBatches):
                validation.set_passes(place["validation"])

    def mark_trained(self) -> None:
        """The optimizer's state, which came from a file, is for the weights that are trained now."""
        self._trained = self.trained_parts()


def _metrics(name: str, given: Any) -> list[metrics.Metric]:
    if given is not None and not isinstance(given, (list, tuple)):
        raise TypeError(f"{name} must be a list, as in {name}=['accuracy']; got {given!r}.")
    return [get_metric(metric) for metric in given or ()]


def _as_list(results: dict[str, float]) -> Any:
    values = list(results.values())
    return values if len(values) > 1 else values[0]
