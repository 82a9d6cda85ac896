"""Training: one Step (forward, loss, backward, update), and the loop over batches and epochs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .backend import module, to_numpy
from .batches import Epochs
from .buffers import FlatBuffers
from .callbacks.callback_list import CallbackList
from .layers.activations import ReLU, Sigmoid, Softmax, Tanh
from .layers.base import Layer
from .layers.chain import backward_chain, forward_chain
from .layers.core import Dense
from .losses import Loss
from .losses.base import spread
from .metrics import Metric
from .optimizers import Optimizer
from .rng import draws, generator
from .threads import one_for_small

LINKS = {"softmax": Softmax, "sigmoid": Sigmoid}


def on_logits(parts: Sequence[Layer], output_shape: Sequence[Any] | None, loss: Loss) -> Loss | None:
    """Where a chain ends in the loss's link (softmax over the last axis, or sigmoid) its form on logits; else None."""
    last = parts[-1] if parts else None
    if type(last) is not LINKS.get(loss.link):
        return None
    if isinstance(last, Softmax) and last.axis not in (-1, len(output_shape or ()) - 1):
        return None
    return loss.on_logits()


def check_end(parts: Sequence[Layer], loss: Loss) -> str | None:
    """Whether the last part suits the loss.

    ValueError where softmax or sigmoid would be taken twice; a warning's text where the outputs cannot be the
    probabilities that the loss expects.
    """
    last = parts[-1] if parts else None
    if loss.from_logits and type(last) is LINKS.get(loss.link):
        raise ValueError(
            f"The model ends in {loss.link}, and the loss, with from_logits=True, would take {loss.link} twice. Leave "
            "one of them out: without from_logits the model is trained from the logits all the same."
        )
    if loss.on_logits() is not None and isinstance(last, (Dense, ReLU, Tanh)):
        return (
            f"The model ends in {type(last).__name__}, whose outputs are no probabilities, but {loss.name} expects "
            f"them. Add activation='{loss.link}', or give the loss from_logits=True."
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


class Totals:
    """Sums over the batches of a pass, kept on the backend, and what they are divided by.

    A sum costs as much over the values of many small batches as over those of one. So values wait, in an array for each
    sum, until it is full or the means are asked for.
    """

    TOGETHER = 2048

    def __init__(self, xp: Any, names: Sequence[str], weighted: int = 0):
        self.names, self.weighted = names, weighted  # of how many names, the last ones, the weights are summed too
        count = len(names) + weighted
        self.sums = xp.zeros(count, dtype="float64")
        self.waiting = xp.empty((count, self.TOGETHER), dtype="float64")  # for each sum, values to be added to it,
        self.counts, self.shares = [0] * count, [1.0] * count  # how many, and by what they are to be multiplied
        self.samples = 0

    def add(self, index: int, values: Any, share: float = 1.0) -> None:
        """Add share * (the sum of the values) to the sum of this number."""
        share = 1.0 if math.isclose(share, 1) else share  # but for its rounding
        if share != self.shares[index] or self.counts[index] + values.size > self.TOGETHER:
            self._sum(index)
            self.shares[index] = share
        if values.size > self.TOGETHER:
            self.sums[index] += values.sum(dtype="float64") * share
        else:
            start = self.counts[index]
            self.counts[index] += values.size
            self.waiting[index, start : self.counts[index]] = values.reshape(-1)

    def _sum(self, index: int) -> None:
        if self.counts[index]:
            total = self.waiting[index, : self.counts[index]].sum()
            self.sums[index] += total if self.shares[index] == 1 else total * self.shares[index]
            self.counts[index] = 0

    def means(self) -> dict[str, float]:
        """The means so far by name; the one place where numbers come to the host. Of no samples they are 0.0."""
        for index in range(len(self.counts)):
            self._sum(index)
        sums, named = to_numpy(self.sums).tolist(), len(self.names)
        counts = [self.samples] * (named - self.weighted) + sums[named:]
        means = (total / count if count else 0.0 for total, count in zip(sums[:named], counts, strict=True))
        return dict(zip(self.names, means, strict=True))


class Step:
    """A chain of layers, a loss, an optimizer and metrics, with the flat buffers that they work on.

    Where the chain ends in Softmax and the loss is a cross-entropy on probabilities, both are computed together from
    the logits: log-sum-exp for the value, p - onehot for the gradient; likewise a Sigmoid and the binary one. That is
    decided here, once.
    """

    def __init__(
        self,
        parts: list[Layer],
        trained: list[Layer],
        output_shape: tuple[int | None, ...],
        loss: Loss,
        optimizer: Optimizer,
        metrics: Sequence[Metric],
        weighted_metrics: Sequence[Metric],
        names: Sequence[str],
        backend: str,
        dtype: Any,
        seed: int,
    ):
        check_end(parts, loss)
        fused = on_logits(parts, output_shape, loss)
        self.fused = fused is not None
        self.parts = parts[:-1] if self.fused else parts
        self.loss, self.optimizer = fused or loss, optimizer
        self.metrics, self.weighted_metrics, self.names = metrics, weighted_metrics, names
        self.layout = (parts, trained, output_shape)  # what it was made for
        self.output_shape, self.seed, self.checked = output_shape, seed, False
        self.buffers = FlatBuffers(parts, trained, backend, dtype)
        self.xp = module(backend)
        self.first_trained = self._first(trained)
        self.first_weighted = self._first([part for part in parts if part.grads])
        self.random = any(part.random for part in self.parts)
        self.kept = [i for i, part in enumerate(self.parts) if type(part).after_step is not Layer.after_step]
        self.penalized = [(part, name) for part in trained for name in part.regularizers]

    def train(self, x: Any, labels: Any, weights: Any, totals: Totals) -> None:
        """One step on one batch: forward, loss, backward, update; adds to the totals."""
        self.buffers.claim()
        caches, dy = self._to_loss(x, labels, weights, totals)
        backward_chain(self.parts, dy, caches, first=self.first_trained, need_dx=False)
        self._add_penalties()
        buffers = self.buffers
        self.optimizer.apply([buffers.trained_gradients], [buffers.trained_weights], buffers.trained_views)
        for index in self.kept:
            self.parts[index].after_step(caches[index])

    def test(self, x: Any, labels: Any, weights: Any, totals: Totals) -> None:
        """Forward and loss on one batch; adds to the totals."""
        outputs, _ = self._forward(x, training=False)
        values, cache = self.loss.forward(labels, outputs)
        self._report(labels, outputs, values, cache, self.loss.factors(values, weights), weights, totals)

    def gradients(self, x: Any, labels: Any, weights: Any) -> float:
        """The loss of one batch; leaves its gradient in every weight's place, frozen weights' too."""
        totals = self.new_totals()
        caches, dy = self._to_loss(x, labels, weights, totals)
        backward_chain(self.parts, dy, caches, first=self.first_weighted, need_dx=False)
        self._add_penalties()
        return totals.means()["loss"]

    def new_totals(self) -> Totals:
        """Zeros for the sums of the loss and of each metric."""
        return Totals(self.xp, self.names, len(self.weighted_metrics))

    def _to_loss(self, x, labels, weights, totals):
        """Forward in training, and the loss's gradient with respect to the outputs."""
        outputs, caches = self._forward(x, training=True)
        values, cache = self.loss.forward(labels, outputs)
        factors = self.loss.factors(values, weights)
        self._report(labels, outputs, values, cache, factors, weights, totals)
        return caches, self.loss.backward(labels, cache, factors)

    def _forward(self, x, training):
        draw = draws(self.seed, "step", self.optimizer.iterations) if self.random and training else None
        outputs, caches = forward_chain(self.parts, x, training, draw)
        if not self.checked:  # once, since layers that are held in others may be built by their first forward
            for part in self.parts:
                part.check_held_layers()
            self.checked = True
        return check_outputs(outputs, self.output_shape), caches

    def _add_penalties(self):
        for part, name in self.penalized:
            part.regularizers[name].add_gradient(part.__dict__[name], part.grads[name])

    def _report(self, labels, outputs, values, cache, factors, weights, totals):
        """Add to the totals: each mean over the batch, times its number of samples."""
        samples = len(outputs)
        if weights is None:
            totals.add(0, values, factors * samples)
        else:
            totals.add(0, factors * values, samples)
        for part, name in self.penalized:
            totals.sums[0] += part.regularizers[name](part.__dict__[name]) * samples
        totals.samples += samples
        if not self.metrics and not self.weighted_metrics:
            return
        if self.fused:
            outputs = self.loss.probabilities(cache)
        for index, metric in enumerate(self.metrics, 1):
            results = self._results(metric, labels, outputs, values)
            totals.add(index, results, samples / results.size)
        for index, metric in enumerate(self.weighted_metrics, 1 + len(self.metrics)):
            results = self._results(metric, labels, outputs, values)
            each = self.xp.ones_like(results) if weights is None else spread(weights, results)
            totals.add(index, results * each)
            totals.add(index + len(self.weighted_metrics), each)

    def _results(self, metric, labels, outputs, values):
        results = metric.values(labels, outputs)
        expected = values.shape[:1] if metric.per_sample else values.shape
        if results.shape != expected:
            each = "sample" if metric.per_sample else "label"
            raise ValueError(
                f"The metric {metric.name} must give one value for each {each}, {expected}; got {results.shape}."
            )
        return results

    def _first(self, wanted: Sequence[Layer]) -> int:
        return next((index for index, part in enumerate(self.parts) if part in wanted), len(self.parts))


def run_pass(step: Step, batches: Iterable, train: bool, callbacks: CallbackList) -> tuple[dict[str, float], int]:
    """One pass over the batches, training or testing; returns the means over all samples, and how many batches."""
    kind, advance = ("train", step.train) if train else ("test", step.test)
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    begins, ends = callbacks.hooked(begin), callbacks.hooked(end)
    totals, made = step.new_totals(), 0
    with contextlib.ExitStack() as limits:
        for x, labels, weights in batches:
            if train and made == 0:
                limits.enter_context(one_for_small(len(x) * step.buffers.trained_size))
            if begins:
                callbacks.call(begin, made)
            advance(x, labels, weights, totals)
            made += 1
            if ends:
                callbacks.call(end, made - 1, logs=totals.means())
            if train and callbacks.model.stop_training:
                break
            if callbacks.due():
                callbacks.draw(made, totals.means())
    callbacks.passed(made)
    return totals.means(), made


def evaluate(step: Step, batches: Iterable, callbacks: CallbackList) -> dict[str, float]:
    """One pass of testing, with its hooks."""
    callbacks.call("on_test_begin")
    logs, made = run_pass(step, batches, False, callbacks)
    if made == 0:
        raise ValueError("There are no batches to evaluate on: the data are empty, or a generator is used up.")
    callbacks.call("on_test_end", logs=dict(logs))
    return logs


def fit(
    step: Step,
    model: Any,
    training: Epochs,
    validation: Iterable | None,
    epochs: range,
    validated: Callable[[int], bool],
    callbacks: CallbackList,
) -> None:
    """Train for these epochs, and test after those that are `validated`."""
    logs: dict[str, float] = {}
    model.stop_training = False
    callbacks.call("on_train_begin")
    if model.epochs_trained == epochs.start:
        callbacks.resume(model.saved_callbacks)
    model.saved_callbacks = []
    for epoch in epochs:
        if model.stop_training:  # it had stopped before it was saved
            break
        callbacks.call("on_epoch_begin", epoch)
        means, made = run_pass(step, training, True, callbacks)
        if made == 0:
            if epoch == epochs.start:
                raise ValueError("There are no batches to train on: the data are empty, or a generator is used up.")
            break
        logs = means
        if validation is not None and validated(epoch):
            try:
                tested = evaluate(step, validation, callbacks)
            except ValueError as error:
                raise ValueError(f"validation_data, after epoch {epoch + 1}: {error}") from error
            logs.update({f"val_{name}": value for name, value in tested.items()})
        model.epochs_trained = epoch + 1
        callbacks.call("on_epoch_end", epoch, logs=logs)
        if model.stop_training:
            break
    callbacks.call("on_train_end", logs=logs)


def shuffled_by(model: Any, batches: Any) -> Callable[..., None]:
    """What draws the order of a pass, which began now or `behind` steps ago: it depends on the model's seed and on what
    the optimizer's iterations were then alone."""
    return lambda behind=0: batches.shuffle(generator(model.seed, "shuffle", model.optimizer.iterations - behind))
