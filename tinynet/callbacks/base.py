"""Callback, History, and CallbackList: what a user may hook into training, and how it is called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arguments import warn
from ..backend import to_numpy
from ..config import as_call, serialize

Logs = dict[str, Any]


@dataclasses.dataclass
class SavedCallback:
    """The state of a callback in the middle of a training: plain values, and lists of arrays, by name."""

    class_name: str
    values: dict[str, Any]
    arrays: dict[str, list[np.ndarray]] = dataclasses.field(default_factory=dict)


class Callback:
    """Base class of callbacks, with Keras's hooks.

    `self.model.stop_training = True` ends the training: in a batch hook after this batch, and in any case after this
    epoch. `self.params` holds "epochs", "steps" (None if unknown) and "verbose".

    `logs` holds the running means over the epoch so far ("loss", and each metric by name) as floats. At the end of an
    epoch it also holds those on the validation data, with the prefix "val_". Only a callback that overrides a batch
    hook costs anything per batch.

    The order is: set_model, set_params, on_train_begin. For each epoch: on_epoch_begin, the batches, the test hooks
    where there are validation data, on_epoch_end. At last on_train_end. `evaluate` calls the test hooks, `predict` its
    own.
    """

    model: Any = None
    params: Mapping[str, Any] = {}
    saved_attributes: tuple[str, ...] = ()  # plain values, and lists of float arrays, that `model.save` keeps
    last = 0  # above 0 it is called after all others, because it saves what they have done; the highest at the end
    identity: tuple[str, ...] = ()  # what must be the same for a saved state to be this callback's
    draws_line = False  # whether it draws the progress line: `due`, `draw`, `passed` and `abandon`

    def set_model(self, model: Any) -> None:
        """Called first: the model that is trained."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called second: epochs, steps and verbose."""
        self.params = params

    def on_resume(self) -> None:
        """Called after on_train_begin where a state that `model.save` kept was put into `saved_attributes`."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called after the last epoch, with its logs; not if an exception ended the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before each epoch, which is counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after each epoch and its validation.

        What is added to logs is seen by the callbacks that follow, the History and the progress line.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an epoch, counted from 0. By default calls on_batch_begin, its old name."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an epoch. By default calls on_batch_end, its old name."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of on_train_batch_end."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before evaluation, that of validation data in fit too."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after it, with its results."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of an evaluation, with the means so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called after it."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of a prediction, with logs {"outputs": array}."""

    def __repr__(self) -> str:
        return as_call(self)


class History(Callback):
    """Records the logs of each epoch.

    `history` maps a name to a list of floats. `epoch` lists the numbers of the epochs, counted from 0.

    Not every name is in the logs of every epoch: with validation_freq=2 those with "val_" are in every second one.
    `epochs_of` maps each name to the numbers of its epochs, one for each float of `history`.
    """

    def __init__(self):
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.epochs_of: dict[str, list[int]] = {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self.epochs_of.setdefault(name, []).append(epoch)

    def __repr__(self) -> str:
        return f"<History epochs={len(self.epoch)}, keys={list(self.history)}>"


class CallbackList:
    """Calls the hooks of callbacks: the user's in their order, those that save files behind the others.

    Then comes the History, and the progress line last. Within this context, an exception ends a line that is half
    drawn.

    Args:
        callbacks: The user's callbacks: a list, one, or None.
        model: The model, which each callback gets.
        params: "epochs", "steps" and "verbose", which each callback gets.
        history: The History of a fit, or None.
        line: The callback that draws the progress line, unless the user gave one. None draws nothing.
    """

    OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None,
        model: Any,
        params: Mapping[str, Any],
        history: History | None = None,
        line: Any = None,
    ):
        given = list(callbacks or ()) if isinstance(callbacks, (list, tuple, type(None))) else [callbacks]
        for callback in given:
            _check(callback)
        lines = [callback for callback in given if callback.draws_line]
        self.line = lines[0] if lines else line
        self.model, self.history = model, history
        given.sort(key=lambda callback: callback.last)  # the others keep their order
        added = [history] if lines else [history, line]
        self.callbacks = [*given, *(callback for callback in added if callback is not None)]
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def __enter__(self) -> CallbackList:
        return self

    def __exit__(self, *exception: Any) -> None:
        if self.line is not None:
            self.line.abandon()

    def call(self, hook: str, *arguments: Any, logs: Logs | None = None) -> None:
        """Call `hook(*arguments, logs)` on every callback that defines it."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            if overrides(callback, hook, self.OLD_NAMES.get(hook, hook)):
                getattr(callback, hook)(*arguments, logs)

    def hooked(self, hook: str) -> bool:
        """Tell whether a callback defines this batch hook: only then is it worth calling."""
        return any(overrides(callback, hook, self.OLD_NAMES.get(hook, hook)) for callback in self.callbacks)

    def with_state(self) -> list[Callback]:
        """Return the callbacks that have a state for a file."""
        return [callback for callback in self.callbacks if callback.saved_attributes]

    def resume(self, states: Sequence[SavedCallback]) -> None:
        """Give callbacks the states that a file kept: each to the first of its class and identity that has none."""
        waiting = list(self.callbacks)
        for state in states:
            alike = [callback for callback in waiting if type(callback).__name__ == state.class_name]
            found = [each for each in alike if all(state.values.get(n) == getattr(each, n) for n in each.identity)]
            if alike and not found:
                warn(f"The file's state of {state.class_name} is for other settings than those of the callback here.")
            for callback in found[:1]:
                waiting.remove(callback)
                for name, value in {**state.values, **state.arrays}.items():
                    if name in callback.saved_attributes and value is not None:
                        setattr(callback, name, value)
                callback.on_resume()

    def due(self) -> bool:
        """Tell whether the progress line is to be drawn."""
        return self.line is not None and self.line.due()

    def draw(self, step: int, values: Logs) -> None:
        """Draw the progress line after this many batches."""
        self.line.draw(step, values)

    def passed(self, steps: int) -> None:
        """Note that a pass over the batches has ended, after this many."""
        if self.line is not None:
            self.line.passed(steps)


def state_of(callback: Callback) -> SavedCallback:
    """Return the state of a callback, for a file."""
    values, arrays = {}, {}
    for name in (*callback.identity, *callback.saved_attributes):
        value = getattr(callback, name)
        if isinstance(value, list):
            arrays[name] = [to_numpy(array) for array in value]
        else:
            values[name] = serialize(value)
    return SavedCallback(type(callback).__name__, values, arrays)


def overrides(callback: Callback, *hooks: str) -> bool:
    """Tell whether the callback, or its class, defines one of the hooks itself."""
    methods = (getattr(callback, hook) for hook in hooks)
    originals = (getattr(Callback, hook) for hook in hooks)
    return any(getattr(m, "__func__", m) is not original for m, original in zip(methods, originals, strict=True))


def _check(callback: Any) -> None:
    """TypeError unless it is a Callback whose hooks will all be called: no typo."""
    if not isinstance(callback, Callback):
        hint = f"; write {callback.__name__}()" if isinstance(callback, type) else ""
        raise TypeError(f"callbacks must be instances of Callback; got {callback!r}{hint}.")
    hooks = [name for name in vars(Callback) if name.startswith("on_")]
    for name in dir(callback):
        if not name.startswith("on_") or name in hooks or not callable(getattr(callback, name)):
            continue
        import difflib

        near = difflib.get_close_matches(name, hooks, n=1, cutoff=0.8)
        if near:
            raise TypeError(f"{type(callback).__name__}.{name} would never be called. Did you mean {near[0]}?")
