"""Compiled: what compile chose for a model, and the step that is made of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import losses, metrics, optimizers
from ..backend import module
from ..layers.chain import parts_and_trained
from .buffers import FlatBuffers
from .fusion import on_logits
from .report import Report
from .step import Step


class Compiled:
    """The optimizer, the loss and the metrics of a model, and the step for its layers.

    The optimizer's `owner` is this object's `token`, as long as no other model has been compiled with it. Arguments as
    those of `compile`.
    """

    def __init__(
        self,
        optimizer: str | optimizers.Optimizer,
        loss: str | losses.Loss,
        chosen: Sequence[str | metrics.Metric | Callable] | None = None,
        weighted: Sequence[str | metrics.Metric | Callable] | None = None,
    ):
        self.metrics = _metrics("metrics", chosen)
        self.weighted_metrics = _metrics("weighted_metrics", weighted)
        names = ["loss", *(metric.name for metric in self.metrics)]
        names += [f"weighted_{each.name}" if each.name in names else each.name for each in self.weighted_metrics]
        if len(set(names)) != len(names):
            raise ValueError(f"Metrics need names of their own, other than 'loss'; got {names[1:]}.")
        self.names = names
        self.loss, self.optimizer = losses.get(loss), optimizers.get(optimizer)
        if self.loss.reduction in ("none", None):
            raise ValueError(f"A model minimizes one number: the loss {self.loss.name} needs a reduction.")
        self.token = object()
        self.step: Step | None = None
        self.made_for: Any = None  # the layers that the step is for
        self.trained: list[Any] | None = None  # the parts that the optimizer's state is for

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "step": None, "made_for": None}  # the step is made again when it is next needed

    def take_optimizer(self) -> None:
        """Begin afresh with the optimizer, which belongs to this model from now on."""
        self.optimizer.reset()
        self.optimizer.owner = self.token

    def is_fused(self, model: Any) -> bool:
        """Tell whether the last softmax or sigmoid and the loss are computed together, from the logits."""
        return on_logits(model.parts(), model.output_shape, self.loss) is not None

    def step_for(self, model: Any) -> Step:
        """Return the step for the layers of the model, as they stand now."""
        parts, trained = parts_and_trained([model])
        if self.made_for != (parts, trained, model.output_shape):
            self.step = Step(
                parts,
                FlatBuffers(parts, trained, model.backend, model.dtype),
                model.output_shape,
                self.loss,
                self.optimizer,
                functools.partial(Report, module(model.backend), self.names, self.metrics, self.weighted_metrics),
                model.seed,
            )
            self.made_for = (parts, trained, model.output_shape)
        return self.step

    def training_step_for(self, model: Any) -> Step:
        """Return the step, if the optimizer is this model's and its state is for the weights that are trained.

        Raises:
            RuntimeError: The optimizer was replaced, or layers were frozen, unfrozen or added since training began.
        """
        if self.optimizer.owner is not self.token:
            raise RuntimeError(
                "This model's optimizer was replaced, or compiled into another model since. Compile this model again, "
                "and give each model an optimizer of its own."
            )
        step = self.step_for(model)
        trained = step.buffers.trained
        if trained != self.trained and self.optimizer.iterations:
            raise RuntimeError(
                "Layers were frozen, unfrozen or added since training began. Call compile again for that to take "
                "effect; the optimizer then starts afresh."
            )
        self.trained = trained
        return step

    def go_on_from(self, model: Any, iterations: int, slots: dict[str, Any]) -> None:
        """Let the optimizer go on from a file's state, which is for the weights of the model that are trained."""
        self.optimizer.go_on_from(iterations, slots)
        self.trained = self.step_for(model).buffers.trained


def _metrics(name: str, given: Any) -> list[metrics.Metric]:
    if given is not None and not isinstance(given, (list, tuple)):
        raise TypeError(f"{name} must be a list, as in {name}=['accuracy']; got {given!r}.")
    return [metrics.get(metric) for metric in given or ()]
