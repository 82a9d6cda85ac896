"""SparseCategoricalCrossentropy: the cross-entropy with integer labels.

It is in nats. From probabilities it follows Keras on JAX: clipped to [e, 1 - e], e = 1e-7, so that where a value is
clipped it is constant and the gradient 0. From logits nothing is clipped. A model that ends in Softmax is trained and
evaluated from the logits in front of it: the same loss without the clip (Keras on JAX stops at 16.1), so that a
confident mistake still has its value and a gradient.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import xp_of
from .base import Loss, full
from .labels import check_class_labels

EPSILON = 1e-7  # probabilities are clipped to [EPSILON, 1 - EPSILON], as in Keras


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with integer labels: L_n = -log p[n, y_n].

    Shapes: labels y (B, ...) of integers in [0, C), outputs (B, ..., C), values (B, ...). Labels (B, ..., 1) are
    taken as (B, ...).

    From probabilities (from_logits=False): p is divided by its sum s and clipped. Where p_y / s is inside the bounds,
    L = log s - log p_y, so
        dL/dp_j = 1/s - [j = y] / p_y
    and where it is clipped the value is constant and the gradient 0. A row with an infinite entry has no shares: NaN.

    From logits z (from_logits=True): with p = softmax(z),
        L = log(sum_j exp z_j) - z_y,    dL/dz_j = p_j - [j = y]
    The maximum is subtracted first, so logits of +-10,000 stay finite; nothing is clipped.

    Labels that are not integers in [0, C) raise ValueError; Keras rounds them down, or ignores them without a word.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.
    """

    name = "sparse_categorical_crossentropy"
    link = "softmax"
    check = staticmethod(check_class_labels)

    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sparse_categorical_crossentropy",
    ):
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)

    def on_logits(self):
        if self.from_logits:
            return None
        return SparseCategoricalCrossentropy(from_logits=True, reduction=self.reduction, name=self.name)

    def forward(self, labels, outputs):
        xp, classes = xp_of(outputs), outputs.shape[-1]
        p = outputs.reshape(math.prod(outputs.shape[:-1]), classes)
        at_label = (xp.arange(len(p)), labels.reshape(-1))
        if self.from_logits:
            z = p - p.max(axis=1, keepdims=True)
            z_label = z[at_label]
            p = xp.exp(z, out=z)
            s = p.sum(axis=1, keepdims=True)
            p /= s
            values = xp.log(s[:, 0])
            values -= z_label
        else:
            s = p.sum(axis=1, keepdims=True)
            s = xp.where(abs(s) < math.inf, s, math.nan)  # p_y / s = 0 would be clipped, as a small probability is
            values = -xp.log((p[at_label] / s[:, 0]).clip(EPSILON, 1 - EPSILON))
        return values.reshape(outputs.shape[:-1]), (p.reshape(outputs.shape), s, at_label)

    def probabilities(self, cache: Any) -> Any:
        """The probabilities that forward worked with: its outputs, or the softmax of its logits."""
        return cache[0]

    def backward(self, labels, cache, factors):
        outputs, s, at_label = cache
        xp, p = xp_of(outputs), outputs.reshape(len(s), outputs.shape[-1])
        if self.from_logits:
            plain = type(factors) in (int, float)  # np.float64 is a float as well, but would make float64 of p
            f = factors if plain else factors.astype(p.dtype, copy=False).reshape(-1, 1)
            gradient = p * f
            gradient[at_label] -= f if plain else f[:, 0]
        else:
            f = full(factors, labels.shape, p).reshape(-1)
            q = p[at_label] / s[:, 0]
            f *= ~((q < EPSILON) | (q > 1 - EPSILON))  # 0 where the value is clipped; NaN stays NaN
            gradient = xp.zeros_like(p)
            gradient += f[:, None] / s
            gradient[at_label] -= f / xp.where(f == 0, 1, p[at_label])
        return gradient.reshape(outputs.shape)
