"""The door of softmax with the cross-entropy: value, hits and gradient in one operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import xp_of
from .launch import NULL, REALS, blocks_for, computes, launch, text

CLASSES = 1024  # at most, for a warp to have a row of them


def softmax_crossentropy(
    reference: Callable[..., Any], loss: Any, labels: Any, logits: Any, weights: Any, report: Any, backward: bool = True
) -> Any:
    """Add the loss and the metrics of a batch to the report; return the gradient with respect to the logits.

    The loss is the sparse categorical cross-entropy from logits. `reference` takes the same arguments, and does the
    same by array expressions. Without `backward` there is no gradient: None.
    """
    if not computes(logits) or logits.shape[-1] > CLASSES:
        return reference(loss, labels, logits, weights, report, backward)
    samples, size, values = len(logits), labels.size, logits[..., 0]  # the values for their shape
    factors = loss.factors(values, weights)
    losses = report.room(0, size, samples * (factors if weights is None else 1))
    hits = report.room_for_hits(size, samples)
    others = report.wants_more_than_hits
    probabilities, gradient = launch_softmax_crossentropy(
        logits, labels, factors, losses, hits, others and report.of_probabilities, backward
    )
    if others:
        report.add_metrics(labels, logits if probabilities is None else probabilities, values, weights, hits=False)
    return gradient


def launch_softmax_crossentropy(
    logits: Any, labels: Any, factors: Any, losses: Any, hits: Any, probabilities: bool = True, gradient: bool = True
) -> tuple[Any, Any]:
    """Return the probabilities and the gradient for logits (..., C) and labels (...); each None if it is not asked for.

    `losses`, and `hits` unless that is None, are contiguous arrays of float64, for one number, and 0 or 1, for each
    label. `factors` is a number, or an array of one for each label, and the losses are then multiplied by them. The
    labels are in range, which nothing checks here.
    """
    xp, classes, real = xp_of(logits), logits.shape[-1], logits.dtype.type
    logits, labels = xp.ascontiguousarray(logits), xp.ascontiguousarray(labels, dtype="int64")
    if isinstance(factors, float):
        each = (NULL, real(factors))
    else:
        each = (xp.ascontiguousarray(factors, dtype=logits.dtype), real(0))
    p, dz = (xp.empty_like(logits) if wanted else None for wanted in (probabilities, gradient))
    outputs = (NULL if array is None else array for array in (losses, hits, p, dz))
    arguments = (logits, labels, *each, np.int64(labels.size), np.int32(classes), *outputs)
    code = text("softmax_crossentropy", real=REALS[logits.dtype.name])
    launch(xp, code, "softmax_crossentropy", (blocks_for(32 * labels.size),), arguments)
    return p, dz
