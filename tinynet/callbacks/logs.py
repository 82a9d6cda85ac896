"""Callbacks that write down or pass on what happens: CSVLogger and LambdaCallback."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .base import Callback


class CSVLogger(Callback):
    """Writes the logs of each epoch to a CSV file, the epoch counted from 0 in the first column, in Keras's form.

    The columns are the names of the first epoch's logs in alphabetical order; where it has no validation, columns of
    "val_" names stand ready, filled with NA where there is none. Each row is flushed, so that an interrupted training
    leaves those of the finished epochs. append=True goes on in a file that is there, without a second header.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator must be a single character; got {separator!r}.")
        self.filename, self.separator, self.append = os.fspath(filename), separator, bool(append)
        self.keys: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs=None):
        self._close()
        self._header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self.keys = None

    def on_epoch_end(self, epoch, logs=None):
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

    def on_train_end(self, logs=None):
        self._close()

    def _close(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def __getstate__(self):
        return {**self.__dict__, "_file": None, "_writer": None}

    def __del__(self):
        if self.__dict__.get("_file") is not None:
            self._close()


class LambdaCallback(Callback):
    """Functions as a callback: LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])).

    Any hook of Callback can be given by its name; ValueError for another name, TypeError for what cannot be called.
    """

    def __init__(self, **hooks: Callable[..., Any] | None):
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
