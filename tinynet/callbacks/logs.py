"""Callbacks that record or pass on what happens: CSVLogger and LambdaCallback."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from .base import Callback, Logs

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CSVLogger(Callback):
    """Writes the logs of each epoch to a CSV file, in Keras's form.

    The first column is the epoch, counted from 0. The others are the names of the first epoch's logs in alphabetical
    order. If that epoch has no validation, columns of "val_" names are added for later ones. A value that is not there
    is written as NA. Each row is flushed, so an interrupted training leaves the rows of the finished epochs.

    Args:
        filename: The file to write.
        separator: The character between two values.
        append: Go on in a file that exists, without a second header.

    Raises:
        ValueError: `separator` is not a single character.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be a single character; got {separator!r}.")
        self.filename, self.separator, self.append = os.fspath(filename), separator, bool(append)
        self.keys: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            import csv  # loaded when it is used, as difflib below

            self._writer = csv.writer(self._file, delimiter=self.separator)  # rows end in "\r\n", as in RFC 4180
            if self._header:
                self._writer.writerow(["epoch", *self.keys])
        self._writer.writerow([epoch, *(logs.get(key, "NA") for key in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None, "_writer": None}

    def __del__(self) -> None:
        if self.__dict__.get("_file") is not None:
            self._close()


Whole = Callable[[Logs], Any]  # a hook around a whole training, evaluation or prediction
Numbered = Callable[[int, Logs], Any]  # a hook around an epoch or a batch


class Hooks(TypedDict, total=False):
    """The hooks of Callback, for type checkers. A test holds them equal to its methods."""

    on_train_begin: Whole | None
    on_train_end: Whole | None
    on_epoch_begin: Numbered | None
    on_epoch_end: Numbered | None
    on_train_batch_begin: Numbered | None
    on_train_batch_end: Numbered | None
    on_batch_begin: Numbered | None
    on_batch_end: Numbered | None
    on_test_begin: Whole | None
    on_test_end: Whole | None
    on_test_batch_begin: Numbered | None
    on_test_batch_end: Numbered | None
    on_predict_begin: Whole | None
    on_predict_end: Whole | None
    on_predict_batch_begin: Numbered | None
    on_predict_batch_end: Numbered | None
    on_resume: Callable[[], Any] | None


class LambdaCallback(Callback):
    """Makes a callback of functions: LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])).

    Args:
        **hooks: Functions by the name of the hook of Callback that they are called as. None leaves a hook out.

    Raises:
        ValueError: Callback has no such hook.
        TypeError: A hook is not a function.
    """

    def __init__(self, **hooks: Unpack[Hooks]):
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            if name not in known:
                import difflib

                near = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"The hooks are {', '.join(known)}."
                raise ValueError(f"LambdaCallback has no hook {name!r}. {hint}")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"{name} must be a function; got {function!r}.")
            setattr(self, name, function)

    def __repr__(self) -> str:
        return f"LambdaCallback({', '.join(f'{n}={f!r}' for n, f in vars(self).items() if n.startswith('on_'))})"
