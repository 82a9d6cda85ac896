"""Fusion: what is computed together. Today that is the last softmax or sigmoid with the loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..kernels.softmax_crossentropy import softmax_crossentropy
from ..layers import Dense, ReLU, Sigmoid, Softmax, Tanh
from ..losses import Loss, SparseCategoricalCrossentropy

LINKS = {"softmax": Softmax, "sigmoid": Sigmoid}


def on_logits(parts: Sequence[Any], output_shape: Sequence[Any] | None, loss: Loss) -> Loss | None:
    """Return the loss that takes logits, if the chain ends in the loss's activation, its `link`; else None.

    The link is softmax over the last axis, or sigmoid. The loss is then computed from the logits in front of it:
    log-sum-exp for the value, p - onehot for the gradient. So a confident mistake keeps its value and its gradient.
    """
    last = parts[-1] if parts else None
    if type(last) is not LINKS.get(loss.link):
        return None
    if isinstance(last, Softmax) and last.axis not in (-1, len(output_shape or ()) - 1):
        return None
    return loss.on_logits()


def with_kernel(measure: Callable[..., Any], loss: Loss) -> Callable[..., Any]:
    """Return `measure`, or for some losses one fused kernel with `measure` as the fallback."""
    if type(loss) is SparseCategoricalCrossentropy and loss.from_logits:
        return functools.partial(softmax_crossentropy, measure)
    return measure


def check_end(parts: Sequence[Any], loss: Loss) -> str | None:
    """Check that the last part suits the loss.

    Returns:
        The text of a warning where the outputs cannot be the probabilities that the loss expects, else None.

    Raises:
        ValueError: Softmax or sigmoid would be taken twice.
    """
    last = parts[-1] if parts else None
    if loss.from_logits and type(last) is LINKS.get(loss.link):
        raise ValueError(
            f"The model ends in {loss.link}, and the loss, with from_logits=True, would take {loss.link} twice. Leave "
            "one of them out: without from_logits the model is trained from the logits all the same."
        )
    if loss.on_logits() is not None and isinstance(last, (Dense, ReLU, Tanh)):
        return (
            f"The model ends in {type(last).__name__}, whose outputs are no probabilities, but {loss.name} expects "
            f"them. Add activation='{loss.link}', or give the loss from_logits=True."
        )
    return None
