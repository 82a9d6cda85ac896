"""Losses: values per sample and their gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .backend import move, to_array, to_numpy, xp_of
from .checks import by_name


class Loss:
    """Base class of losses.

        check(labels, output_shape)        returns the labels, validated and in the dtype that forward wants
        forward(labels, outputs)           returns (values, cache): one value for each label
        backward(labels, cache, factors)   returns d(sum of factors * values) / d(outputs)

    `factors` is a number or an array of the shape of `values`: the mean over N labels has the factor 1 / N.
    Calling a loss returns the mean: `loss(y_true, y_pred)`.
    """

    name = "loss"
    from_logits = False  # True if the outputs that it expects are logits

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
        """The same loss taking the logits in front of a softmax over the last axis; None if there is no such form.

        It has a method `probabilities(cache)`, for the metrics.
        """
        return None

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        outputs = to_array(y_pred)
        outputs = outputs if outputs.dtype.kind == "f" else outputs.astype("float32")
        labels = self.check(y_true, outputs.shape)
        if labels.size == 0:
            raise ValueError("There are no samples: y_true is empty.")
        values, _ = self.forward(move(labels, xp_of(outputs)), outputs)
        return float(values.mean())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with integer labels: L_n = -log p[n, y_n].

    Shapes: labels y (B, ...) of integers in [0, C), outputs (B, ..., C), values (B, ...). Labels (B, ..., 1) are
    taken as (B, ...). Values are in nats.

    From probabilities (from_logits=False), following Keras on JAX: p is divided by its sum s and clipped to
    [e, 1 - e], e = 1e-7. Where p_y / s is inside the bounds, L = log s - log p_y, so
        dL/dp_j = 1/s - [j = y] / p_y
    and where it is clipped the value is constant and the gradient 0. A row with an infinite entry has no shares: NaN.

    From logits z (from_logits=True): with p = softmax(z),
        L = log(sum_j exp z_j) - z_y,    dL/dz_j = p_j - [j = y]
    The maximum is subtracted first, so logits of +-10,000 stay finite; nothing is clipped.

    A model that ends in Softmax is trained and evaluated from the logits in front of it: the same loss without the
    clip (Keras on JAX stops at 16.1), so that a confident mistake still has its value and a gradient.

    Labels that are not integers in [0, C) raise ValueError; Keras rounds them down, or ignores them without a word.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.
    """

    EPSILON = 1e-7

    def __init__(self, from_logits: bool = False, name: str = "sparse_categorical_crossentropy"):
        self.from_logits = bool(from_logits)
        self.name = name

    def on_logits(self):
        return None if self.from_logits else SparseCategoricalCrossentropy(from_logits=True, name=self.name)

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
            values = xp.log(s[:, 0]) - z_label
        else:
            s = p.sum(axis=1, keepdims=True)
            s = xp.where(abs(s) < math.inf, s, math.nan)  # p_y / s = 0 would be clipped, as a small probability is
            values = -xp.log((p[at_label] / s[:, 0]).clip(self.EPSILON, 1 - self.EPSILON))
        return values.reshape(outputs.shape[:-1]), (p.reshape(outputs.shape), s)

    def probabilities(self, cache: Any) -> Any:
        """The probabilities that forward worked with: its outputs, or the softmax of its logits."""
        return cache[0]

    def backward(self, labels, cache, factors):
        outputs, s = cache
        xp, p = xp_of(outputs), outputs.reshape(len(s), outputs.shape[-1])
        at_label = (xp.arange(len(p)), labels.reshape(-1))
        f = xp.empty(labels.shape, dtype=p.dtype)
        f[...] = factors
        f = f.reshape(-1)
        if self.from_logits:
            gradient = p * f[:, None]
            gradient[at_label] -= f
        else:
            q = p[at_label] / s[:, 0]
            f *= ~((q < self.EPSILON) | (q > 1 - self.EPSILON))  # 0 where the value is clipped; NaN stays NaN
            gradient = xp.zeros_like(p)
            gradient += f[:, None] / s
            gradient[at_label] -= f / xp.where(f == 0, 1, p[at_label])
        return gradient.reshape(outputs.shape)


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
            "two classes end it in Dense(2, activation='softmax')."
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


LOSSES = {"sparse_categorical_crossentropy": SparseCategoricalCrossentropy}


def get(identifier: Any) -> Loss:
    """A loss of that name with its defaults, or the given Loss itself."""
    return by_name("loss", identifier, Loss, LOSSES)
