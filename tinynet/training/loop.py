"""Training: the loop over batches and epochs. What is done with one batch is the Step's affair."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..callbacks.callback_list import CallbackList
from ..intake.epochs import Epochs
from ..rng import generator
from ..threads import one_for_small
from .step import Step


def run_pass(step: Step, batches: Any, train: bool, callbacks: CallbackList) -> tuple[dict[str, float], int]:
    """One pass over the batches, training or testing; returns the means over all samples, and how many batches."""
    kind, advance = ("train", step.train) if train else ("test", step.test)
    if train and batches.scaled:
        advance = functools.partial(step.train, first=1)
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    begins, ends = callbacks.hooked(begin), callbacks.hooked(end)
    totals, made = step.new_totals(), 0
    with contextlib.ExitStack() as limits:
        for x, labels, weights in batches:
            if train and made == 0:
                limits.enter_context(one_for_small(len(x) * step.buffers.trained_size))
            if begins:
                callbacks.call(begin, made)
            advance(x, labels, weights, totals)
            made += 1
            if ends:
                callbacks.call(end, made - 1, logs=totals.means())
            if train and callbacks.model.stop_training:
                break
            if callbacks.due():
                callbacks.draw(made, totals.means())
    callbacks.passed(made)
    return totals.means(), made


def evaluate(step: Step, batches: Iterable, callbacks: CallbackList) -> dict[str, float]:
    """One pass of testing, with its hooks."""
    callbacks.call("on_test_begin")
    logs, made = run_pass(step, batches, False, callbacks)
    if made == 0:
        raise ValueError("There are no batches to evaluate on: the data are empty, or a generator is used up.")
    callbacks.call("on_test_end", logs=dict(logs))
    return logs


def fit(
    step: Step,
    model: Any,
    training: Epochs,
    validation: Iterable | None,
    epochs: range,
    validated: Callable[[int], bool],
    callbacks: CallbackList,
) -> None:
    """Train for these epochs, and test after those that are `validated`."""
    logs: dict[str, float] = {}
    model.stop_training = False
    callbacks.call("on_train_begin")
    if model.epochs_trained == epochs.start:
        callbacks.resume(model.saved_callbacks)
    model.saved_callbacks = []
    for epoch in epochs:
        if model.stop_training:  # it had stopped before it was saved
            break
        callbacks.call("on_epoch_begin", epoch)
        means, made = run_pass(step, training, True, callbacks)
        if made == 0:
            if epoch == epochs.start:
                raise ValueError("There are no batches to train on: the data are empty, or a generator is used up.")
            break
        logs = means
        if validation is not None and validated(epoch):
            try:
                tested = evaluate(step, validation, callbacks)
            except ValueError as error:
                raise ValueError(f"validation_data, after epoch {epoch + 1}: {error}") from error
            logs.update({f"val_{name}": value for name, value in tested.items()})
        model.epochs_trained = epoch + 1
        callbacks.call("on_epoch_end", epoch, logs=logs)
        if model.stop_training:
            break
    callbacks.call("on_train_end", logs=logs)


def shuffled_by(model: Any, batches: Any) -> Callable[..., None]:
    """What draws the order of a pass, which began now or `behind` steps ago: it depends on the model's seed and on what
    the optimizer's iterations were then alone."""
    return lambda behind=0: batches.shuffle(generator(model.seed, "shuffle", model.optimizer.iterations - behind))
