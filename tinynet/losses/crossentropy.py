"""Cross-entropies: with labels that are classes, distributions over classes, or single probabilities.

All are in nats. From probabilities they follow Keras on JAX: clipped to [e, 1 - e], e = 1e-7, so that where a value is
clipped it is constant and the gradient 0. From logits nothing is clipped. A model that ends in Softmax or Sigmoid is
trained and evaluated from the logits in front of it: the same loss without the clip (Keras on JAX stops at 16.1), so
that a confident mistake still has its value and a gradient.
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
    """Base of the cross-entropies whose labels t are shares. With `label_smoothing` e, t becomes (1 - e) t + e u, u
    being the uniform share: 1 / C of C classes, and 1/2 of yes and no.

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

    def on_logits(self):
        return None if self.from_logits else type(self)(**{**self.get_config(), "from_logits": True})

    def smoothed(self, labels: Any, uniform: float) -> Any:
        """The labels after smoothing."""
        return labels * (1 - self.label_smoothing) + self.label_smoothing * uniform if self.label_smoothing else labels


class CategoricalCrossentropy(SmoothedCrossentropy):
    """Cross-entropy with a distribution over the classes for each sample, mostly one-hot: L_n = -sum_j t_nj log p_nj.

    Shapes: labels t and outputs (B, ..., C), values (B, ...). With `label_smoothing` e, t is replaced by
    (1 - e) t + e / C.

    From probabilities: with s = sum p and only the j inside the bounds, L = -sum_j t_j (log p_j - log s), so
        dL/dp_i = (sum_j t_j) / s - t_i / p_i,  the last term only for i inside the bounds
    From logits z, with p = softmax(z):
        L = (sum_j t_j) log(sum_j exp z_j) - sum_j t_j z_j,    dL/dz_i = (sum_j t_j) p_i - t_i

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.
    """

    name = "categorical_crossentropy"
    link = "softmax"

    def check(self, labels, output_shape):
        hint = " For labels that are the numbers of classes there is sparse_categorical_crossentropy."
        labels = to_numpy(labels)
        if labels.ndim != len(output_shape):
            hint = hint if labels.ndim == len(output_shape) - 1 else ""
            outputs = tuple(output_shape)
            raise ValueError(f"Outputs of shape {outputs} need labels of that shape; got {labels.shape}.{hint}")
        return check_like_outputs(labels, output_shape, hint if labels.shape[-1:] == (1,) else "")

    def forward(self, labels, outputs):
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
        """The probabilities that forward worked with: its outputs, or the softmax of its logits."""
        return cache[0]

    def backward(self, labels, cache, factors):
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

    Shapes: labels t, in [0, 1], and outputs (B, ..., K), values (B, ...); labels (B, ...) are taken as (B, ..., 1).
    With `label_smoothing` e, t is replaced by (1 - e) t + e / 2.

    From probabilities, inside the bounds: dL/dp = (p - t) / (p (1 - p)) / K.
    From logits z, with p = 1 / (1 + exp(-z)):
        L = log(1 + exp(z)) - t z = max(z, 0) - t z + log(1 + exp(-|z|)),    dL/dz = (p - t) / K

    Labels outside [0, 1] raise ValueError; Keras computes with them.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.2.
    """

    name = "binary_crossentropy"
    link = "sigmoid"

    def check(self, labels, output_shape):
        labels = check_like_outputs(labels, output_shape)
        wrong = ~((labels >= 0) & (labels <= 1))
        if wrong.any():
            first = labels.reshape(-1)[np.flatnonzero(wrong)[0]]
            raise ValueError(
                f"Labels of the binary cross-entropy must lie in [0, 1]; {wrong.sum()} of {labels.size} do not, the "
                f"first being {first}."
            )
        return labels

    def forward(self, labels, outputs):
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
        """The probabilities that forward worked with: its outputs, or the sigmoid of its logits."""
        return cache

    def backward(self, labels, cache, factors):
        p, t = cache, self.smoothed(labels, 0.5)
        each = for_entries(factors, p)
        if self.from_logits:
            return (p - t) * each
        q = p.clip(EPSILON, 1 - EPSILON)
        outside = (p < EPSILON) | (p > 1 - EPSILON)  # NaN stays inside
        return (q - t) / (q * (1 - q)) * (each * ~outside)
