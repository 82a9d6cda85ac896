"""Cross-entropies with labels that are distributions over the classes, or probabilities of a yes.

They are in nats. Probabilities are clipped to [e, 1 - e], e = 1e-7, as in Keras on JAX. A clipped value is constant,
and its gradient 0. Logits are not clipped. A model that ends in Softmax or Sigmoid is trained and evaluated from the
logits in front of it: the same loss without the clip. So a confident mistake still has its value and a gradient, where
Keras on JAX stops at 16.1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import share
from ..backend import to_numpy, xp_of
from .base import Loss, for_entries, full, mean_of_last
from .labels import check_like_outputs
from .sparse_crossentropy import EPSILON


class SmoothedCrossentropy(Loss):
    """Base class of the cross-entropies whose labels t are shares.

    With `label_smoothing` e, t becomes (1 - e) t + e u. The uniform share u is 1 / C for C classes, 1/2 for yes or no.

    Args:
        from_logits: Whether the outputs are logits, not probabilities.
        label_smoothing: Part e of the labels that is spread uniformly, from 0 to 1.
        reduction: How values become one number. See Loss.
        name: Name of the loss.

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, section 7.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ):
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)
        self.label_smoothing = share("label_smoothing", label_smoothing)

    def on_logits(self) -> Loss | None:
        return None if self.from_logits else type(self)(**{**self.get_config(), "from_logits": True})

    def smoothed(self, labels: Any, uniform: float) -> Any:
        """Return the labels after smoothing."""
        return labels * (1 - self.label_smoothing) + self.label_smoothing * uniform if self.label_smoothing else labels


class CategoricalCrossentropy(SmoothedCrossentropy):
    """Cross-entropy with a distribution over the classes for each sample: L_n = -sum_j t_nj log p_nj.

    The distributions are mostly one-hot. With `label_smoothing` e, t is replaced by (1 - e) t + e / C.

    Shapes: labels t and outputs (B, ..., C), values (B, ...).

    From probabilities: with s = sum p and only the j inside the bounds, L = -sum_j t_j (log p_j - log s), so
        dL/dp_i = (sum_j t_j) / s - t_i / p_i,  the last term only for i inside the bounds
    From logits z, with p = softmax(z):
        L = (sum_j t_j) log(sum_j exp z_j) - sum_j t_j z_j,    dL/dz_i = (sum_j t_j) p_i - t_i

    Args:
        from_logits: Whether the outputs are logits z, not probabilities.
        label_smoothing: Part e of the labels that is spread uniformly over the classes, from 0 to 1.
        reduction: How values become one number. See Loss.
        name: Name of the loss.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.
    """

    name = "categorical_crossentropy"
    link = "softmax"

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        hint = " For labels that are the numbers of classes there is sparse_categorical_crossentropy."
        labels = to_numpy(labels)
        if labels.ndim != len(output_shape):
            hint = hint if labels.ndim == len(output_shape) - 1 else ""
            outputs = tuple(output_shape)
            raise ValueError(f"Outputs of shape {outputs} need labels of that shape; got {labels.shape}.{hint}")
        return check_like_outputs(labels, output_shape, hint if labels.shape[-1:] == (1,) else "")

    def forward(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
        xp, t = xp_of(outputs), self.smoothed(labels, 1 / labels.shape[-1])
        if self.from_logits:
            z = outputs - outputs.max(axis=-1, keepdims=True)
            p = xp.exp(z)
            s = p.sum(axis=-1, keepdims=True)
            p /= s
            return (t * (xp.log(s) - z)).sum(axis=-1), (p, s)
        s = outputs.sum(axis=-1, keepdims=True)
        s = xp.where(abs(s) < math.inf, s, math.nan)  # a row with an infinite entry has no shares
        q = (outputs / s).clip(EPSILON, 1 - EPSILON)
        return -(t * xp.log(q)).sum(axis=-1), (outputs, s)

    def probabilities(self, cache: Any) -> Any:
        """Return the probabilities in forward's cache: the outputs, or the softmax of the logits."""
        return cache[0]

    def backward(self, labels: Any, cache: Any, factors: Any) -> Any:
        p, s = cache
        xp, t = xp_of(p), self.smoothed(labels, 1 / labels.shape[-1])
        each = full(factors, p.shape[:-1], p)[..., None]
        if self.from_logits:
            return (t.sum(axis=-1, keepdims=True) * p - t) * each
        q = p / s
        t = t * ~((q < EPSILON) | (q > 1 - EPSILON))  # NaN stays inside
        return (t.sum(axis=-1, keepdims=True) / s - t / xp.where(t == 0, 1, p)) * each


class BinaryCrossentropy(SmoothedCrossentropy):
    """Cross-entropy with probabilities of a yes: L = the mean over the last axis of -(t log p + (1 - t) log(1 - p)).

    The labels t are in [0, 1]. With `label_smoothing` e, t is replaced by (1 - e) t + e / 2.

    Shapes: labels and outputs (B, ..., K), values (B, ...). Labels (B, ...) are taken as (B, ..., 1).

    From probabilities, inside the bounds: dL/dp = (p - t) / (p (1 - p)) / K.
    From logits z, with p = 1 / (1 + exp(-z)):
        L = log(1 + exp(z)) - t z = max(z, 0) - t z + log(1 + exp(-|z|)),    dL/dz = (p - t) / K

    Labels outside [0, 1] raise a ValueError. Keras computes with them.

    Args:
        from_logits: Whether the outputs are logits z, not probabilities.
        label_smoothing: Part e of the labels that is spread uniformly over yes and no, from 0 to 1.
        reduction: How values become one number. See Loss.
        name: Name of the loss.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.2.
    """

    name = "binary_crossentropy"
    link = "sigmoid"

    def check(self, labels: Any, output_shape: tuple[int | None, ...]) -> Any:
        labels = check_like_outputs(labels, output_shape)
        wrong = ~((labels >= 0) & (labels <= 1))
        if wrong.any():
            first = labels.reshape(-1)[np.flatnonzero(wrong)[0]]
            raise ValueError(
                f"Labels of the binary cross-entropy must lie in [0, 1]; {wrong.sum()} of {labels.size} do not, the "
                f"first being {first}."
            )
        return labels

    def forward(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
        xp, t = xp_of(outputs), self.smoothed(labels, 0.5)
        if self.from_logits:
            z = outputs
            e = xp.exp(xp.minimum(z, -z))
            p = xp.where(z >= 0, 1, e) / (1 + e)
            values = xp.maximum(z, 0) - t * z + xp.log1p(e)
        else:
            p = xp.where(abs(outputs) < math.inf, outputs, math.nan)  # clipped, infinity would be a probability of 1
            q = p.clip(EPSILON, 1 - EPSILON)
            values = -(t * xp.log(q) + (1 - t) * xp.log(1 - q))
        return mean_of_last(values), p

    def probabilities(self, cache: Any) -> Any:
        """Return the probabilities in forward's cache: the outputs, or the sigmoid of the logits."""
        return cache

    def backward(self, labels: Any, cache: Any, factors: Any) -> Any:
        p, t = cache, self.smoothed(labels, 0.5)
        each = for_entries(factors, p)
        if self.from_logits:
            return (p - t) * each
        q = p.clip(EPSILON, 1 - EPSILON)
        outside = (p < EPSILON) | (p > 1 - EPSILON)  # NaN stays inside
        return (q - t) / (q * (1 - q)) * (each * ~outside)
