"""Step: forward, loss, backward and update on one batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..layers import Layer
from ..layers.chain import backward_chain, forward_chain
from ..losses import Loss
from ..optimizers import Optimizer
from ..rng import draws
from .buffers import FlatBuffers
from .fusion import check_end, on_logits, with_kernel


class Step:
    """A chain of layers, a loss and an optimizer, with the flat buffers that they work on.

    Where the chain ends in softmax or sigmoid and the loss is its cross-entropy, both are computed together, from the
    logits. That is decided here, once; see `fusion`.

    Args:
        parts: The primitive layers, in order.
        buffers: The weights and gradients of the parts.
        output_shape: Shape of the outputs, the batch axis first.
        loss: The loss that is minimized.
        optimizer: What changes the weights.
        new_report: Makes an empty Report, which sums the loss and the metrics of a pass; see training/report.py.
        seed: Seed of the random numbers of training.
    """

    def __init__(
        self,
        parts: Sequence[Layer],
        buffers: FlatBuffers,
        output_shape: tuple[int | None, ...],
        loss: Loss,
        optimizer: Optimizer,
        new_report: Callable[[bool], Any],
        seed: int,
    ):
        check_end(parts, loss)
        fused = on_logits(parts, output_shape, loss)
        self.fused = fused is not None
        self.parts = parts[:-1] if self.fused else parts
        self.loss, self.optimizer, self.buffers = fused or loss, optimizer, buffers
        self.measure = with_kernel(measure, self.loss)
        self.new_report = functools.partial(new_report, self.fused)
        self.output_shape, self.seed = output_shape, seed
        self.first_trained = self.first_of(buffers.trained)
        self.random = any(part.random for part in self.parts)
        self.with_statistics = [i for i, part in enumerate(self.parts) if type(part).after_step is not Layer.after_step]
        self.penalized = [(part, name) for part in buffers.trained for name in part.regularizers]
        self.held_layers_checked = False

    def train(self, x: Any, labels: Any, weights: Any, report: Any) -> None:
        """Make one step on one batch: forward, loss, backward, update."""
        self.buffers.claim()
        outputs, caches = self.forward(x, training=True)
        dy = self.loss_and_gradient(labels, outputs, weights, report)
        backward_chain(self.parts, dy, caches, first=self.first_trained, need_dx=False)
        self.add_penalties()
        self.update()
        self.after_step(caches)

    def test(self, x: Any, labels: Any, weights: Any, report: Any) -> None:
        """Compute the loss and the metrics of one batch."""
        outputs, _ = self.forward(x, training=False)
        self.loss_and_gradient(labels, outputs, weights, report, backward=False)

    def gradients(self, x: Any, labels: Any, weights: Any) -> float:
        """Return the loss of one batch; write the gradient of every weight, also of frozen ones."""
        report = self.new_report()
        outputs, caches = self.forward(x, training=True)
        dy = self.loss_and_gradient(labels, outputs, weights, report)
        weighted = [part for part in self.parts if part.grads]
        backward_chain(self.parts, dy, caches, first=self.first_of(weighted), need_dx=False)
        self.add_penalties()
        return report.means()["loss"]

    # ---- the parts of a step ----------------------------------------------------------------------------------

    def forward(self, x: Any, training: bool) -> tuple[Any, list[Any]]:
        """Return the outputs and the caches of the parts. If softmax is fused with the loss, the outputs are logits."""
        draw = draws(self.seed, "step", self.optimizer.iterations) if self.random and training else None
        outputs, caches = forward_chain(self.parts, x, training, draw)
        if not self.held_layers_checked:  # after the first forward, in which inner layers may be built
            for part in self.parts:
                part.check_held_layers()
            self.held_layers_checked = True
        return check_outputs(outputs, self.output_shape), caches

    def loss_and_gradient(self, labels: Any, outputs: Any, weights: Any, report: Any, backward: bool = True) -> Any:
        """Add the loss and the metrics to the report; return dL/d outputs, or None without `backward`."""
        report.samples += len(outputs)
        for part, name in self.penalized:
            report.add_penalty(part.regularizers[name](part.__dict__[name]), len(outputs))
        return self.measure(self.loss, labels, outputs, weights, report, backward)

    def add_penalties(self) -> None:
        """Add the gradients of the regularizers' penalties to those of their weights."""
        for part, name in self.penalized:
            part.regularizers[name].add_gradient(part.__dict__[name], part.grads[name])

    def update(self) -> None:
        """Change all trained weights, which are one array."""
        buffers = self.buffers
        self.optimizer.apply([buffers.trained_gradients], [buffers.trained_weights], buffers.trained_views)

    def after_step(self, caches: Sequence[Any]) -> None:
        """Let the layers that keep statistics change them."""
        for index in self.with_statistics:
            self.parts[index].after_step(caches[index])

    def first_of(self, wanted: Sequence[Layer]) -> int:
        """Return the index of the first wanted part. Backward stops there: nothing before it needs a gradient."""
        return next((index for index, part in enumerate(self.parts) if part in wanted), len(self.parts))


def measure(loss: Loss, labels: Any, outputs: Any, weights: Any, report: Any, backward: bool = True) -> Any:
    """Add the loss and the metrics of a batch to the report; return dL/d outputs, or None without `backward`."""
    values, cache = loss.forward(labels, outputs)
    factors = loss.factors(values, weights)
    report.add_loss(values, factors, weights)
    if len(report.names) > 1:  # there are metrics
        outputs = loss.probabilities(cache) if report.of_probabilities else outputs
        report.add_metrics(labels, outputs, values, weights)
    return loss.backward(labels, cache, factors) if backward else None


def check_outputs(outputs: Any, output_shape: tuple[int | None, ...]) -> Any:
    """Return the outputs, if they have the shape that the layers were built for."""
    if outputs.shape[1:] != output_shape[1:]:
        raise ValueError(
            f"The outputs have shape {outputs.shape}, but the layers were built for {output_shape}: a layer's build "
            "must return the shape of its output."
        )
    return outputs
