"""Step: forward, loss, backward and update on one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend import module
from ..kernels import CLASSES, computes, softmax_crossentropy
from ..layers.activations import ReLU, Sigmoid, Softmax, Tanh
from ..layers.base import Layer
from ..layers.chain import backward_chain, forward_chain
from ..layers.dense import Dense
from ..layers.reshaping import Rescaling
from ..losses import Loss, SparseCategoricalCrossentropy
from ..losses.base import spread
from ..metrics import Metric, SparseCategoricalAccuracy
from ..metrics.accuracy import AnyAccuracy
from ..optimizers import Optimizer
from ..rng import draws
from .buffers import FlatBuffers
from .report import Totals

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
        kinds = (AnyAccuracy, SparseCategoricalAccuracy)  # the metrics that the kernel's hits are
        hits = next((index for index, metric in enumerate(metrics) if type(metric) in kinds), None)
        self.hits = hits if self.fused else None

    @property
    def scaling(self) -> tuple[float, float] | None:
        """The scale and offset of a Rescaling that comes first: what cuts the batches can apply them."""
        first = self.parts[0] if self.parts else None
        return (first.scale, first.offset) if type(first) is Rescaling else None

    def train(self, x: Any, labels: Any, weights: Any, totals: Totals, first: int = 0) -> None:
        """One step on one batch: forward, loss, backward, update; adds to the totals. x is what part `first` takes."""
        self.buffers.claim()
        caches, dy = self._to_loss(x, labels, weights, totals, first)
        backward_chain(self.parts, dy, caches, first=self.first_trained, need_dx=False)
        self._add_penalties()
        buffers = self.buffers
        self.optimizer.apply([buffers.trained_gradients], [buffers.trained_weights], buffers.trained_views)
        for index in self.kept:
            self.parts[index].after_step(caches[index])

    def test(self, x: Any, labels: Any, weights: Any, totals: Totals) -> None:
        """Forward and loss on one batch; adds to the totals."""
        outputs, _ = self._forward(x, training=False)
        self._loss_and_metrics(labels, outputs, weights, totals)

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

    def _to_loss(self, x, labels, weights, totals, first=0):
        """Forward in training, and the loss's gradient with respect to the outputs."""
        outputs, caches = self._forward(x, training=True, first=first)
        return caches, self._loss_and_metrics(labels, outputs, weights, totals, backward=True)

    def _forward(self, x, training, first=0):
        draw = draws(self.seed, "step", self.optimizer.iterations) if self.random and training else None
        outputs, caches = forward_chain(self.parts, x, training, draw, first)
        if not self.checked:  # once, since layers that are held in others may be built by their first forward
            for part in self.parts:
                part.check_held_layers()
            self.checked = True
        return check_outputs(outputs, self.output_shape), caches

    def _add_penalties(self):
        for part, name in self.penalized:
            part.regularizers[name].add_gradient(part.__dict__[name], part.grads[name])

    def _loss_and_metrics(self, labels, outputs, weights, totals, backward=False):
        """Add the loss and the metrics to the totals; the gradient with respect to the outputs, if it is asked for.

        To each total goes the mean over the batch, times its number of samples.
        """
        samples = len(outputs)
        for part, name in self.penalized:
            totals.sums[0] += part.regularizers[name](part.__dict__[name]) * samples
        totals.samples += samples
        if self._has_kernel(outputs):
            return self._loss_in_one_kernel(labels, outputs, weights, totals, backward)
        values, cache = self.loss.forward(labels, outputs)
        factors = self.loss.factors(values, weights)
        if weights is None:
            totals.add(0, values, factors * samples)
        else:
            totals.add(0, factors * values, samples)
        if self.metrics or self.weighted_metrics:
            outputs = self.loss.probabilities(cache) if self.fused else outputs
            self._add_metrics(labels, outputs, values, weights, totals)
        return self.loss.backward(labels, cache, factors) if backward else None

    def _has_kernel(self, outputs):
        ours = type(self.loss) is SparseCategoricalCrossentropy and self.loss.from_logits
        return ours and computes(outputs) and outputs.shape[-1] <= CLASSES

    def _loss_in_one_kernel(self, labels, logits, weights, totals, backward):
        """The same for softmax with cross-entropy on a GPU."""
        samples, size, values = len(logits), labels.size, logits[..., 0]  # the values for their shape
        others = len(self.metrics) + len(self.weighted_metrics) > (self.hits is not None)
        factors = self.loss.factors(values, weights)
        losses = totals.room(0, size, samples * (factors if weights is None else 1))
        hits = None if self.hits is None else totals.room(1 + self.hits, size, samples / size)
        wanted = (others and self.fused, backward)
        probabilities, gradient = softmax_crossentropy(logits, labels, factors, losses, hits, *wanted)
        if others:
            outputs = logits if probabilities is None else probabilities
            self._add_metrics(labels, outputs, values, weights, totals, without=self.hits)
        return gradient

    def _add_metrics(self, labels, outputs, values, weights, totals, without=None):
        """Add the metrics to the totals."""
        samples = len(outputs)
        for index, metric in enumerate(self.metrics):
            if index != without:
                results = self._results(metric, labels, outputs, values)
                totals.add(1 + index, results, samples / results.size)
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
