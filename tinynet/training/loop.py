"""The loop: epochs of batches. step.py does one batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from ..threads import one_for_small
from .step import Step

ROWS = 32  # the batch that is assumed, when a model only predicts, to tell whether it is small


def fit(step: Step, model: Any, run: Any) -> None:
    """Train for the epochs of this run, and evaluate after those that validation_freq chooses.

    Args:
        step: What trains on a batch.
        model: The model, whose `stop_training` ends the training.
        run: What this fit was given: batches, validation data, callbacks, epochs (`training.bookmark.Run`).
    """
    callbacks, logs = run.callbacks, {}
    model.stop_training = False
    callbacks.call("on_train_begin")
    callbacks.resume(run.states)
    run.states, run.start = [], None
    for epoch in run.epochs:
        if model.stop_training:  # by a callback from a file: the training had stopped before
            break
        callbacks.call("on_epoch_begin", epoch)
        means, made = run_pass(step, run.batches, True, callbacks)
        if made == 0:
            if epoch == run.epochs.start:
                raise ValueError("There are no batches to train on: the data are empty, or a generator is used up.")
            break
        logs = means
        if run.validation is not None and run.validated(epoch):
            logs.update({f"val_{name}": value for name, value in _validated(step, run, epoch).items()})
        run.done = epoch + 1
        callbacks.call("on_epoch_end", epoch, logs=logs)
        if model.stop_training:
            break
    callbacks.call("on_train_end", logs=logs)


def evaluate(step: Step, batches: Iterable, callbacks: Any) -> dict[str, float]:
    """Make one pass of testing, with its hooks; return the means by name."""
    callbacks.call("on_test_begin")
    logs, made = run_pass(step, batches, False, callbacks)
    if made == 0:
        raise ValueError("There are no batches to evaluate on: the data are empty, or a generator is used up.")
    callbacks.call("on_test_end", logs=dict(logs))
    return logs


def run_pass(step: Step, batches: Iterable, train: bool, callbacks: Any) -> tuple[dict[str, float], int]:
    """Make one pass over the batches, training or testing; return the means over all samples, and how many batches."""
    kind, advance = ("train", step.train) if train else ("test", step.test)
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    has_begin, has_end = callbacks.hooked(begin), callbacks.hooked(end)
    report, made = step.new_report(), 0
    with contextlib.ExitStack() as limits:
        for x, labels, weights in batches:
            if made == 0:
                limits.enter_context(one_for_small((len(x) if train else ROWS) * step.buffers.size))
            if has_begin:
                callbacks.call(begin, made)
            advance(x, labels, weights, report)
            made += 1
            if has_end:
                callbacks.call(end, made - 1, logs=report.means())
            if train and callbacks.model.stop_training:
                break
            if callbacks.due():
                callbacks.draw(made, report.means())
    callbacks.passed(made)
    return report.means(), made


def _validated(step: Step, run: Any, epoch: int) -> dict[str, float]:
    try:
        return evaluate(step, run.validation, run.callbacks)
    except ValueError as error:
        raise ValueError(f"validation_data, after epoch {epoch + 1}: {error}") from error
