"""CallbackList: how the hooks of the callbacks are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import warn
from .base import Callback, History, Logs
from .progress import ProgbarLogger


class CallbackList:
    """Calls the hooks of the callbacks: the user's in their order (those that save files behind the others), then the
    History, and the ProgbarLogger last.

    It is a context: an exception that leaves it ends a progress line that is half drawn.
    """

    OLD_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None,
        model: Any,
        params: Mapping[str, Any],
        history: History | None = None,
    ):
        own = list(callbacks or ()) if isinstance(callbacks, (list, tuple, type(None))) else [callbacks]
        for callback in own:
            _check(callback)
        lines = [callback for callback in own if isinstance(callback, ProgbarLogger)]
        self.line = lines[0] if lines else ProgbarLogger()
        self.model = model
        own.sort(key=lambda callback: callback.last)  # the others keep their order
        self.callbacks = [*own, *([history] if history is not None else []), *([] if lines else [self.line])]
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def __enter__(self) -> CallbackList:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.line.abandon()

    def call(self, hook: str, *arguments: Any, logs: Logs | None = None) -> None:
        """Call `hook(*arguments, logs)` on every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments, logs)

    def resume(self, states: Sequence[Any]) -> None:
        """Give callbacks the states that a file kept: each to the first one of its class and identity that has none."""
        waiting = list(self.callbacks)
        for state in states:
            alike = [one for one in waiting if type(one).__name__ == state.class_name]
            found = [one for one in alike if all(state.values.get(n) == getattr(one, n) for n in one.identity)]
            if alike and not found:
                warn(f"The file's state of {state.class_name} is for other settings than those of the callback here.")
            for callback in found[:1]:
                waiting.remove(callback)
                for name, value in {**state.values, **state.arrays}.items():
                    if name in callback.saved_attributes and value is not None:
                        setattr(callback, name, value)
                callback.on_resume()

    def hooked(self, hook: str) -> bool:
        """Whether a callback defines this batch hook, so that it is worth calling."""
        return any(overrides(callback, hook, self.OLD_NAMES.get(hook, hook)) for callback in self.callbacks)

    def due(self) -> bool:
        """Whether the progress line is to be drawn."""
        return self.line.due()

    def draw(self, step: int, values: Logs) -> None:
        """Draw the progress line after this many batches."""
        self.line.draw(step, values)

    def passed(self, steps: int) -> None:
        """A pass over the batches has ended, after this many."""
        self.line.passed(steps)


def overrides(callback: Callback, *hooks: str) -> bool:
    """Whether the callback, or its class, defines one of the hooks itself."""
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
