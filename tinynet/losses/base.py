"""Loss: the base class of every loss."""

from __future__ import annotations

from typing import Any

from ..backend import move, to_array, to_numpy, xp_of
from ..config import Configured
from .labels import as_real

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


class Loss(Configured):
    """Base class of losses. A subclass defines up to three methods:

        check(labels, output_shape)        returns the labels, validated and in the dtype that forward needs
        forward(labels, outputs)           returns (values, cache), with one value for each label
        backward(labels, cache, factors)   returns d(sum of factors * values) / d(outputs)

    Training minimizes the sum of factors * values. With a plain mean each factor is 1 / N. In general they follow
    from `reduction` and the weights w of the samples:
        "sum_over_batch_size"      w / N, where N counts all values, those of weight 0 too; or "mean"
        "sum"                      w
        "mean_with_sample_weight"  w / sum of all w (0 if that is 0)
        "none" or None             w; a direct call returns the array of w * value; not for compile

    Args:
        reduction: One of these.
        name: Name of the loss. By default the class's.
    """

    keras_module = "keras.losses"
    name = "loss"
    reduction: str | None = "sum_over_batch_size"
    from_logits = False  # whether the outputs must be logits
    link: str | None = None  # "softmax" or "sigmoid": the activation that the model should end in

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None):
        if reduction is not None and reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}; got {reduction!r}.")
        self.reduction = reduction
        self.name = self.name if name is None else name

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        """Validate the labels for outputs of this shape (batch axis included, its size may be None)."""
        return to_array(labels)

    def forward(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
        """Return (values, cache)."""
        raise TypeError(f"{type(self).__name__} must define forward(labels, outputs), returning (values, cache).")

    def backward(self, labels: Any, cache: Any, factors: Any) -> Any:
        """Return the gradient of the factor-weighted sum of the values with respect to the outputs."""
        raise TypeError(f"{type(self).__name__} must define backward(labels, cache, factors).")

    def on_logits(self) -> Loss | None:
        """Return this loss computed from the logits, the inputs of the final softmax or sigmoid; None if there is none.

        The returned loss has a method `probabilities(cache)`, for the metrics.
        """
        return None

    def factors(self, values: Any, weights: Any = None) -> Any:
        """Return the factor of each value: a number, or an array of the values' shape if there are weights."""
        if weights is None:
            return 1.0 if self.reduction in ("sum", "none", None) else 1 / values.size
        weights = spread(weights, values)
        if self.reduction == "mean_with_sample_weight":
            total = weights.sum()
            return weights / xp_of(weights).where(total == 0, 1, total)
        return weights if self.reduction in ("sum", "none", None) else weights * (1 / values.size)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the sum of factors * values as a number; with reduction "none" return every w * value as an array.

        Args:
            y_true: Labels.
            y_pred: Outputs.
            sample_weight: The weights w, one for each sample or for each value. By default 1.

        Raises:
            ValueError: The labels are wrong, do not fit the outputs or are none, or the weights do not fit.
        """
        outputs = to_array(y_pred)
        outputs = outputs if outputs.dtype.kind == "f" else outputs.astype("float32")
        labels = as_real(self.check(y_true, outputs.shape), outputs.dtype)
        if labels.size == 0:
            raise ValueError("There are no samples: y_true is empty.")
        xp = xp_of(outputs)
        values, _ = self.forward(move(labels, xp), outputs)
        weights = None if sample_weight is None else move(to_array(sample_weight), xp, values.dtype)
        counted = self.factors(values, weights) * values
        return to_numpy(counted) if self.reduction in ("none", None) else float(counted.sum())


def spread(weights: Any, values: Any) -> Any:
    """Broadcast weights, one for each sample or for each value, to the shape of the values."""
    if weights.ndim > values.ndim:
        raise ValueError(f"sample_weight has shape {weights.shape}, more axes than the values, {values.shape}.")
    weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    if any(length not in (1, size) for length, size in zip(weights.shape, values.shape, strict=True)):
        raise ValueError(f"sample_weight must have one entry for each sample, {values.shape}; got {weights.shape}.")
    return xp_of(values).broadcast_to(weights, values.shape)


def mean_of_last(entries: Any) -> Any:
    """Return the values that these entries give: their means over the last axis, or a vector itself."""
    return entries.mean(axis=-1) if entries.ndim > 1 else entries


def for_entries(factors: Any, entries: Any) -> Any:
    """Return the factor of each entry: its value's, divided by the number of entries that `mean_of_last` averages."""
    if entries.ndim == 1:
        return full(factors, entries.shape, entries)
    return full(factors, entries.shape[:-1], entries)[..., None] * (1 / entries.shape[-1])


def full(factors: Any, shape: tuple[int, ...], like: Any) -> Any:
    """Return factors, a number or an array, as a new array of this shape in the dtype of `like`."""
    each = xp_of(like).empty(shape, dtype=like.dtype)
    each[...] = factors
    return each
