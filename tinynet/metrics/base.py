"""Metric: what every metric is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backend import move, to_array, xp_of
from ..config import Configured
from ..losses.base import spread
from ..losses.labels import as_real


class Metric(Configured):
    """Base class: `values(labels, outputs)` gives one number for each label; what is reported is their mean.

    In a model the labels are those that the loss has checked, and the outputs of a softmax are probabilities. Calling a
    metric gives the mean of what it is called with, `metric(y_true, y_pred)`, and nothing of earlier calls; Keras's
    `update_state`, `result` and `reset_state` collect several batches.
    """

    keras_module = "keras.metrics"
    name = "metric"
    per_sample = False  # whether values gives one number for each sample, whatever labels it has
    direction: str | None = None  # "up" or "down": which way is better, for callbacks that watch it

    def __init__(self, name: str | None = None):
        self.name = self.name if name is None else name
        self.reset_state()

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        """Validate the labels, as a loss does."""
        return to_array(labels)

    def values(self, labels: Any, outputs: Any) -> Any:
        """Return one value per label."""
        raise TypeError(f"{type(self).__name__} must define values(labels, outputs).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        total, count = self._sums(y_true, y_pred, sample_weight)
        return total / count if count else 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch to those that `result` is the mean of."""
        total, count = self._sums(y_true, y_pred, sample_weight)
        self._total, self._count = self._total + total, self._count + count

    def result(self) -> float:
        """The mean over all labels since the last reset_state; 0.0 of none."""
        return self._total / self._count if self._count else 0.0

    def reset_state(self) -> None:
        """Forget the batches so far."""
        self._total = self._count = 0.0

    def _sums(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[float, float]:
        """The sum of the weighted values and that of the weights."""
        outputs = to_array(y_pred)
        xp = xp_of(outputs)
        labels = self.check(y_true, outputs.shape)
        if outputs.dtype.kind == "f":
            labels = as_real(labels, outputs.dtype)
        if labels.size == 0:
            return 0.0, 0.0
        values = self.values(move(labels, xp), outputs)
        if sample_weight is None:
            return float(values.sum(dtype="float64")), float(values.size)
        weights = spread(move(to_array(sample_weight), xp, "float64"), values)
        return float((values * weights).sum()), float(weights.sum())


class FunctionMetric(Metric):
    """A function of (y_true, y_pred) as a metric: the mean of its result over each sample, or one number for all."""

    per_sample = True

    def __init__(self, function: Callable[[Any, Any], Any]):
        super().__init__(getattr(function, "__name__", type(function).__name__).strip("<>"))
        self.function = function

    def check(self, labels, output_shape):
        labels = to_array(labels)
        lone = labels.ndim == 1 and len(output_shape) > 1  # so that y_true - y_pred is no table of all pairs
        return labels.reshape(-1, *[1] * (len(output_shape) - 1)) if lone else labels

    def values(self, labels, outputs):
        xp, samples = xp_of(outputs), len(outputs)
        results = xp.asarray(self.function(labels, outputs))
        if results.ndim == 0:
            return xp.broadcast_to(results, (samples,))
        return results if results.ndim == 1 else results.reshape(len(results), -1).mean(axis=1)
