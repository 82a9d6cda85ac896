"""SparseCategoricalCrossentropy: the cross-entropy with integer labels.

It is in nats. Probabilities are clipped to [e, 1 - e], e = 1e-7, as in Keras on JAX. A clipped value is constant, and
its gradient 0. Logits are not clipped. A model that ends in Softmax is trained and evaluated from the logits in front
of it: the same loss without the clip. So a confident mistake still has its value and a gradient, where Keras on JAX
stops at 16.1.
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

    From probabilities p, divided by their sum s and clipped: where p_y / s is inside the bounds,
        L = log s - log p_y,    dL/dp_j = 1/s - [j = y] / p_y
    Elsewhere the value is constant and the gradient 0. A row with an infinite entry has no shares: it gives NaN.

    From logits z, with p = softmax(z):
        L = log(sum_j exp z_j) - z_y,    dL/dz_j = p_j - [j = y]
    The maximum is subtracted first, so logits of +-10,000 stay finite. Nothing is clipped.

    Labels that are not integers in [0, C) raise a ValueError. Keras rounds them down, or ignores them without a word.

    Args:
        from_logits: Whether the outputs are logits z, not probabilities.
        reduction: How values become one number. See Loss.
        name: Name of the loss.

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

    def on_logits(self) -> Loss | None:
        if self.from_logits:
            return None
        return SparseCategoricalCrossentropy(from_logits=True, reduction=self.reduction, name=self.name)

    def forward(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
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
            s = xp.where(abs(s) < math.inf, s, math.nan)  # p_y / s would be 0, and clipped like a small probability
            values = -xp.log((p[at_label] / s[:, 0]).clip(EPSILON, 1 - EPSILON))
        return values.reshape(outputs.shape[:-1]), (p.reshape(outputs.shape), s, at_label)

    def probabilities(self, cache: Any) -> Any:
        """Return the probabilities in forward's cache: the outputs, or the softmax of the logits."""
        return cache[0]

    def backward(self, labels: Any, cache: Any, factors: Any) -> Any:
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
