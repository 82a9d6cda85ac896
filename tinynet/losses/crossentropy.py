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

from ..backend import to_numpy, xp_of
from ..checks import share
from .base import Loss, check_like_outputs, for_entries, full, mean_of_last

EPSILON = 1e-7


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

    def check(self, labels, output_shape):
        return check_class_labels(labels, output_shape)

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


def check_class_labels(labels: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
    """Labels as integers (B, ...), checked against outputs of shape (B, ..., C).

    ValueError, with the first wrong label and its place, unless each is an integer in [0, C).
    """
    if len(output_shape) < 2:
        got = tuple(output_shape)
        raise ValueError(f"Outputs must be (batch, ..., classes); got {got}. Are y_true and y_pred swapped?")
    labels, classes = to_numpy(labels), output_shape[-1]
    if classes < 2:
        raise ValueError(
            "The sparse categorical cross-entropy needs an output for each class, two at least; the model has one. For "
            "two classes end it in Dense(2, activation='softmax'), or in Dense(1, activation='sigmoid') with the loss "
            "binary_crossentropy."
        )
    if labels.ndim == len(output_shape) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    batch, *inner = output_shape[:-1]
    if labels.ndim != len(output_shape) - 1 or list(labels.shape[1:]) != inner or batch not in (None, len(labels)):
        hint = ""
        if labels.ndim == len(output_shape) and labels.shape[-1] == classes:
            hint = " They look like one-hot labels: pass y.argmax(axis=-1)."
        elif labels.ndim == 1 and inner:
            hint = " For one label a sample, put a Flatten() in front of the last Dense."
        outputs, want = str(tuple(output_shape)), str(tuple(output_shape[:-1]))
        raise ValueError(f"Outputs of shape {outputs} need labels of shape {want}; got {labels.shape}.{hint}")
    if labels.dtype.kind not in "iuf":
        hint = ": pass y.astype(int)" if labels.dtype.kind == "b" else ""
        raise ValueError(f"Labels must be integers from 0 to {classes - 1}; got dtype {labels.dtype}{hint}.")
    wrong = ~((labels >= 0) & (labels < classes))  # NaN is wrong too
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        place = np.unravel_index(np.flatnonzero(wrong)[0], labels.shape)
        place = place[0] if len(place) == 1 else tuple(map(int, place))
        raise ValueError(
            f"Labels must be integers from 0 to {classes - 1}, since the model has {classes} outputs; "
            f"label number {place} is {labels[place]} ({wrong.sum()} of {labels.size} are wrong)."
        )
    return labels.astype(np.intp)
