"""Training: one Step (forward, loss, backward, update), and the loop over batches and epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .backend import module, to_numpy
from .buffers import FlatBuffers
from .callbacks import CallbackList
from .data import ArrayBatches
from .layers.activations import ReLU, Softmax, Tanh
from .layers.base import Layer
from .layers.chain import backward_chain, forward_chain
from .layers.core import Dense
from .losses import Loss
from .metrics import Metric
from .optimizers import Optimizer
from .progress import Progress
from .rng import generator


def on_logits(parts: Sequence[Layer], output_shape: Sequence[Any] | None, loss: Loss) -> Loss | None:
    """Where a chain ends in Softmax over the last axis and the loss has a form on logits: that form; else None."""
    softmax_last = parts and type(parts[-1]) is Softmax and parts[-1].axis in (-1, len(output_shape or ()) - 1)
    return loss.on_logits() if softmax_last else None


def check_end(parts: Sequence[Layer], loss: Loss) -> str | None:
    """Whether the last part suits the loss.

    ValueError where softmax would be taken twice; a warning's text where the outputs cannot be the probabilities that
    the loss expects.
    """
    last = parts[-1] if parts else None
    if loss.from_logits and isinstance(last, Softmax):
        raise ValueError(
            "The model ends in softmax, and the loss, with from_logits=True, would take softmax twice. Leave one of "
            "them out: without from_logits the model is trained from the logits all the same."
        )
    if loss.on_logits() is not None and isinstance(last, (Dense, ReLU, Tanh)):
        return (
            f"The model ends in {type(last).__name__}, whose outputs are no probabilities, but {loss.name} expects "
            "them. Add activation='softmax', or give the loss from_logits=True."
        )
    return None


def check_outputs(outputs: Any, output_shape: tuple[int | None, ...]) -> Any:
    """The outputs, if they have the shape that the layers were built for."""
    if outputs.shape[1:] != output_shape[1:]:
        raise ValueError(
            f"The outputs have shape {outputs.shape}, but the layers were built for {output_shape}: a layer's build "
            "must return the shape of its output."
        )
    return outputs


class Step:
    """A chain of layers, a loss, an optimizer and metrics, with the flat buffers that they work on.

    Where the chain ends in Softmax and the loss is a cross-entropy on probabilities, both are computed together from
    the logits: log-sum-exp for the value, p - onehot for the gradient. That is decided here, once.
    """

    def __init__(
        self,
        parts: list[Layer],
        trained: list[Layer],
        output_shape: tuple[int | None, ...],
        loss: Loss,
        optimizer: Optimizer,
        metrics: Sequence[Metric],
        backend: str,
        dtype: Any,
    ):
        check_end(parts, loss)
        fused = on_logits(parts, output_shape, loss)
        self.fused = fused is not None
        self.parts = parts[:-1] if self.fused else parts
        self.loss, self.optimizer, self.metrics = fused or loss, optimizer, metrics
        self.layout = (parts, trained, output_shape)  # what it was made for
        self.checked = False
        self.buffers = FlatBuffers(parts, trained, backend, dtype)
        self.xp = module(backend)
        self.first_trained = self._first(trained)
        self.first_weighted = self._first([part for part in parts if part.weight_names])
        self.names = ["loss", *(metric.name for metric in metrics)]
        self.output_shape = output_shape

    def train(self, x: Any, labels: Any, totals: Any) -> int:
        """One step on one batch: forward, loss, backward, update; adds to the totals and returns how many values."""
        self.buffers.claim()
        outputs, caches = self._forward(x, training=True)
        values, cache = self.loss.forward(labels, outputs)
        self._report(labels, outputs, values, cache, totals)
        dy = self.loss.backward(labels, cache, 1 / values.size)
        backward_chain(self.parts, dy, caches, first=self.first_trained, need_dx=False)
        buffers = self.buffers
        self.optimizer.apply([buffers.trained_gradients], [buffers.trained_weights], buffers.trained_views)
        return values.size

    def test(self, x: Any, labels: Any, totals: Any) -> int:
        """Forward and loss on one batch; adds to the totals and returns how many values."""
        outputs, _ = self._forward(x, training=False)
        values, cache = self.loss.forward(labels, outputs)
        self._report(labels, outputs, values, cache, totals)
        return values.size

    def gradients(self, x: Any, labels: Any) -> float:
        """The mean loss of one batch; leaves its gradient in every weight's place, frozen weights' too."""
        outputs, caches = self._forward(x, training=True)
        values, cache = self.loss.forward(labels, outputs)
        dy = self.loss.backward(labels, cache, 1 / values.size)
        backward_chain(self.parts, dy, caches, first=self.first_weighted, need_dx=False)
        return float(values.mean())

    def new_totals(self) -> Any:
        """Zeros, on the backend, for the sums of the loss and of each metric."""
        return self.xp.zeros(len(self.names), dtype="float64")

    def means(self, totals: Any, count: int) -> dict[str, float]:
        """The totals over that many values as means by name; the one place where numbers come to the host."""
        return dict(zip(self.names, (to_numpy(totals) / count).tolist(), strict=True))

    def _forward(self, x, training):
        outputs, caches = forward_chain(self.parts, x, training)
        if not self.checked:  # once, since layers that are held in others may be built by their first forward
            for part in self.parts:
                part.check_held_layers()
            self.checked = True
        return check_outputs(outputs, self.output_shape), caches

    def _report(self, labels, outputs, values, cache, totals):
        totals[0] += values.sum(dtype="float64")
        if self.fused:
            outputs = self.loss.probabilities(cache)
        for index, metric in enumerate(self.metrics, 1):
            results = metric.values(labels, outputs)
            if results.shape != values.shape:
                raise ValueError(
                    f"The metric {metric.name} must give one value for each label, {values.shape}; got {results.shape}."
                )
            totals[index] += results.sum(dtype="float64")

    def _first(self, wanted: Sequence[Layer]) -> int:
        return next((index for index, part in enumerate(self.parts) if part in wanted), len(self.parts))


def run_pass(
    step: Step, batches: Iterable, train: bool, progress: Progress, callbacks: CallbackList | None = None
) -> dict[str, float]:
    """One pass over the batches, training or testing; returns the means over all labels."""
    advance, totals, count = step.train if train else step.test, step.new_totals(), 0
    hooked = callbacks is not None and bool(callbacks.batch_hooks)
    for index, (x, labels) in enumerate(batches):
        if hooked:
            callbacks.call("on_train_batch_begin", index)
        count += advance(x, labels, totals)
        if hooked:
            callbacks.call("on_train_batch_end", index, logs=step.means(totals, count))
            if callbacks.model.stop_training:
                progress.stopped = index + 1
                break
        if progress.due():
            progress.draw(index + 1, step.means(totals, count))
    return step.means(totals, count)


def fit(
    step: Step,
    model: Any,
    batches: ArrayBatches,
    validation: ArrayBatches | None,
    epochs: int,
    shuffle: bool,
    verbose: int,
    callbacks: CallbackList,
) -> None:
    """Train for some epochs; the order of each depends on the model's seed and the optimizer's iterations alone."""
    logs: dict[str, float] = {}
    model.stop_training = False
    callbacks.call("on_train_begin")
    for epoch in range(epochs):
        callbacks.call("on_epoch_begin", epoch)
        if shuffle:
            batches.shuffle(generator(model.seed, "shuffle", step.optimizer.iterations))
        with Progress(verbose, len(batches), f"Epoch {epoch + 1}/{epochs}") as progress:
            logs = run_pass(step, batches, True, progress, callbacks)
            if validation is not None:
                tested = run_pass(step, validation, False, Progress(0, len(validation)))
                logs.update({f"val_{name}": value for name, value in tested.items()})
            callbacks.call("on_epoch_end", epoch, logs=logs)
            progress.finish(logs)
        if model.stop_training:
            break
    callbacks.call("on_train_end", logs=logs)
