"""Prediction: a pass over batches that computes outputs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..threads import one_for_small
from .loop import ROWS


def predict(outputs: Callable[[Any], Any], batches: Iterable, callbacks: Any, size: int) -> list[Any]:
    """Make one pass of prediction, with its hooks; return the outputs of each batch.

    Args:
        outputs: Function from the samples of a batch to the outputs.
        batches: The batches.
        callbacks: The callbacks.
        size: Number of the model's weights.
    """
    callbacks.call("on_predict_begin")
    begins, ends = callbacks.hooked("on_predict_batch_begin"), callbacks.hooked("on_predict_batch_end")
    results: list[Any] = []
    with one_for_small(ROWS * size):
        for index, (x, _, _) in enumerate(batches):
            if begins:
                callbacks.call("on_predict_batch_begin", index)
            results.append(outputs(x))
            if ends:
                callbacks.call("on_predict_batch_end", index, logs={"outputs": results[-1]})
            if callbacks.due():
                callbacks.draw(index + 1, {})
    callbacks.passed(len(results))
    callbacks.call("on_predict_end")
    return results
