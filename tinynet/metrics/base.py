"""Metric, the base class: the mean of one value per label, over one call or over many batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import move, to_array, xp_of
from ..config import Configured
from ..losses.base import spread
from ..losses.labels import as_real

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Metric(Configured):
    """Base class: `values(labels, outputs)` returns one number for each label, and their mean is reported.

    In a model the labels are those that the loss has checked, and the outputs of a softmax are probabilities.

    `metric(y_true, y_pred)` returns the mean for these labels and outputs alone. `update_state`, `result` and
    `reset_state`, as in Keras, collect the mean over several batches.

    Args:
        name: The name that it is reported under; by default that of the class.
    """

    keras_module = "keras.metrics"
    name = "metric"
    per_sample = False  # True where values returns one number for each sample, however many labels it has
    direction: str | None = None  # "up" or "down", whichever is better: for callbacks that watch it
    _total: float  # the weighted sum of the values since reset_state
    _count: float  # the sum of their weights

    def __init__(self, name: str | None = None):
        self.name = self.name if name is None else name
        self.reset_state()

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        """Return the labels as an array that `values` takes; ValueError if they do not fit the outputs."""
        return to_array(labels)

    def values(self, labels: Any, outputs: Any) -> Any:
        """Return one value per label. Each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define values(labels, outputs).")

    def __call__(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the weighted mean over these labels alone, 0.0 if there are none."""
        total, count = self._sums(y_true, y_pred, sample_weight)
        return total / count if count else 0.0

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a batch to the mean that `result` returns.

        Args:
            y_true: The labels.
            y_pred: The outputs.
            sample_weight: A weight for each sample, or for each label.
        """
        total, count = self._sums(y_true, y_pred, sample_weight)
        self._total, self._count = self._total + total, self._count + count

    def result(self) -> float:
        """Return the weighted mean over all labels since the last reset_state, 0.0 if there are none."""
        return self._total / self._count if self._count else 0.0

    def reset_state(self) -> None:
        """Forget the batches so far."""
        self._total, self._count = 0.0, 0.0

    def _sums(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[float, float]:
        """Return the sum of the weighted values and the sum of the weights."""
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
    """Makes a metric of a function of (y_true, y_pred).

    Args:
        function: It returns one number, or an array with one row for each sample, whose mean is the sample's value.
    """

    per_sample = True

    def __init__(self, function: Callable[[Any, Any], Any]):
        super().__init__(getattr(function, "__name__", type(function).__name__).strip("<>"))
        self.function = function

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        labels = to_array(labels)
        flat = labels.ndim == 1 and len(output_shape) > 1  # y_true - y_pred would be a table of all pairs
        return labels.reshape(-1, *[1] * (len(output_shape) - 1)) if flat else labels

    def values(self, labels: Any, outputs: Any) -> Any:
        xp, samples = xp_of(outputs), len(outputs)
        results = xp.asarray(self.function(labels, outputs))
        if results.ndim == 0:
            return xp.broadcast_to(results, (samples,))
        return results if results.ndim == 1 else results.reshape(len(results), -1).mean(axis=1)
