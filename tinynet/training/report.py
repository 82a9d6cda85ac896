"""Report: the loss and the metrics of a pass over the batches, as sums on the backend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..backend import to_numpy
from ..losses.base import spread
from ..metrics import Metric, SparseCategoricalAccuracy
from ..metrics.accuracy import AnyAccuracy

TOGETHER = 2048  # values that wait to be summed


class Report:
    """Sums the loss and the metrics over the batches of a pass. `means` is the one place where they come to the host.

    A sum costs as much over the values of many small batches as over those of one. So values wait, in an array for each
    sum, until it is full or the means are asked for.

    Args:
        xp: Module of the backend.
        names: Names of what is reported: "loss", then the metrics, then the weighted metrics.
        metrics: Metrics whose mean is over the samples.
        weighted_metrics: Metrics whose mean is weighted by the sample weights.
        of_probabilities: Whether the loss is computed from logits while the metrics see probabilities.
    """

    def __init__(
        self,
        xp: Any,
        names: Sequence[str] = ("loss",),
        metrics: Sequence[Metric] = (),
        weighted_metrics: Sequence[Metric] = (),
        of_probabilities: bool = False,
    ):
        self.xp, self.names, self.of_probabilities = xp, names, of_probabilities
        self.metrics, self.weighted_metrics = metrics, weighted_metrics
        count = len(names) + len(weighted_metrics)  # the weights of the latter are summed as well
        self.sums = xp.zeros(count, dtype="float64")
        self.waiting = xp.empty((count, TOGETHER), dtype="float64")  # for each sum, values to be added to it,
        self.counts, self.shares = [0] * count, [1.0] * count  # how many, and by what they are to be multiplied
        self.samples = 0

    # ---- what a step adds -------------------------------------------------------------------------------------

    def add_penalty(self, penalty: Any, samples: int) -> None:
        """Add a part of the loss that is the same for each of so many samples."""
        self.sums[0] += penalty * samples

    def add_loss(self, values: Any, factors: Any, weights: Any) -> None:
        """Add the loss of a batch: the mean over the batch, times its number of samples."""
        if weights is None:
            self.add(0, values, factors * len(values))
        else:
            self.add(0, factors * values, len(values))

    def add_metrics(self, labels: Any, outputs: Any, values: Any, weights: Any, hits: bool = True) -> None:
        """Add the metrics of a batch. Without `hits` the metric of `room_for_hits` is left out.

        Args:
            labels: Labels of the batch.
            outputs: Outputs of the model, probabilities where it ends in softmax or sigmoid.
            values: Losses of the batch, for their shape.
            weights: Sample weights, or None.
        """
        left_out = None if hits else self._hits()
        for index, metric in enumerate(self.metrics):
            if index != left_out:
                results = _results(metric, labels, outputs, values)
                self.add(1 + index, results, len(outputs) / results.size)
        for index, metric in enumerate(self.weighted_metrics, 1 + len(self.metrics)):
            results = _results(metric, labels, outputs, values)
            each = self.xp.ones_like(results) if weights is None else spread(weights, results)
            self.add(index, results * each)
            self.add(index + len(self.weighted_metrics), each)

    def room_for_hits(self, size: int, samples: int) -> Any:
        """Return an array to be filled with 1 for each label that is hit, else 0; None if no metric counts hits."""
        index = self._hits()
        return None if index is None else self.room(1 + index, size, samples / size)

    @property
    def wants_more_than_hits(self) -> bool:
        """Whether there are metrics beside the one of `room_for_hits`."""
        return len(self.metrics) + len(self.weighted_metrics) > (0 if self._hits() is None else 1)

    def _hits(self) -> int | None:
        kinds = (AnyAccuracy, SparseCategoricalAccuracy)
        if not self.of_probabilities:
            return None
        return next((index for index, metric in enumerate(self.metrics) if type(metric) in kinds), None)

    # ---- sums -------------------------------------------------------------------------------------------------

    def add(self, index: int, values: Any, share: float = 1.0) -> None:
        """Add share * (the sum of the values) to the sum of this number."""
        if values.size > self.waiting.shape[1]:
            self.sums[index] += values.sum(dtype="float64") * share
        else:
            self.room(index, values.size, share)[...] = values.reshape(-1)

    def room(self, index: int, size: int, share: float = 1.0) -> Any:
        """Return an array (size,) of float64, to be filled at once with values that are then added as in `add`."""
        share = 1.0 if math.isclose(share, 1) else share  # but for its rounding
        if share != self.shares[index] or self.counts[index] + size > self.waiting.shape[1]:
            self._sum(index)
            self.shares[index] = share
        if size > self.waiting.shape[1]:
            self._widen(size)
        start = self.counts[index]
        self.counts[index] += size
        return self.waiting[index, start : self.counts[index]]

    def means(self) -> dict[str, float]:
        """Return the means so far by name. Of no samples they are 0.0."""
        for index in range(len(self.counts)):
            self._sum(index)
        sums, named = to_numpy(self.sums).tolist(), len(self.names)
        counts = [self.samples] * (named - len(self.weighted_metrics)) + sums[named:]
        means = (total / count if count else 0.0 for total, count in zip(sums[:named], counts, strict=True))
        return dict(zip(self.names, means, strict=True))

    def _widen(self, size: int) -> None:
        for index in range(len(self.counts)):
            self._sum(index)
        self.waiting = self.xp.empty((len(self.counts), size), dtype="float64")

    def _sum(self, index: int) -> None:
        if self.counts[index]:
            total = self.waiting[index, : self.counts[index]].sum()
            self.sums[index] += total if self.shares[index] == 1 else total * self.shares[index]
            self.counts[index] = 0


def _results(metric: Metric, labels: Any, outputs: Any, values: Any) -> Any:
    """Return the values of a metric, one for each sample or label."""
    results = metric.values(labels, outputs)
    expected = values.shape[:1] if metric.per_sample else values.shape
    if results.shape != expected:
        each = "sample" if metric.per_sample else "label"
        raise ValueError(
            f"The metric {metric.name} must give one value for each {each}, {expected}; got {results.shape}."
        )
    return results
