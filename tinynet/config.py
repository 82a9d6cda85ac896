"""Objects as the arguments that made them, and objects from records and names."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from .arguments import lookup

PLAIN = frozenset({str, int, float, bool, type(None)})  # what get_config takes unchanged


class Configured:
    """Base class of objects that can be written down. The constructor keeps each argument in an attribute of its name.

    `get_config()` gives the arguments as plain values (numbers, strings, lists, dictionaries), as Keras's does.
    `from_config(config)` makes another object from them. Objects among the arguments become records, dictionaries of
    "class_name" and "config". The argument's `get` makes them again, from a closed table of names.
    """

    keras_module = "keras"  # the module in which Keras has it

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments by name, as plain values."""
        names = arguments(type(self))
        missing = [name for name in names if not hasattr(self, name)]
        if missing:
            raise TypeError(
                f"{type(self).__name__}.get_config needs each argument of __init__ in an attribute of its name; there "
                f"is no self.{missing[0]}. Or define get_config."
            )
        values = {name: getattr(self, name) for name in names}
        return {name: value if type(value) in PLAIN else serialize(value) for name, value in values.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make an object from what get_config gave."""
        return cls(**config)

    def __repr__(self) -> str:
        return as_call(self)


def serialize(value: Any) -> Any:
    """Return a plain value for get_config: objects become records, tuples lists, NumPy's numbers Python's."""
    if isinstance(value, Configured):
        name = type(value).__name__
        return {
            "module": value.keras_module,
            "class_name": name,
            "config": value.get_config(),
            "registered_name": None,
        }
    if isinstance(value, (tuple, list)):
        return [entry if type(entry) in PLAIN else serialize(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: entry if type(entry) in PLAIN else serialize(entry) for key, entry in value.items()}
    return value.item() if hasattr(value, "dtype") and getattr(value, "shape", None) == () else value


@functools.lru_cache(512)
def arguments(cls: type) -> Mapping[str, Any]:
    """Return the parameters of a class's constructor by name; if it takes **options, those of its base too."""
    import inspect

    known: dict[str, Any] = {}
    for ancestor in cls.__mro__[:-1]:
        if "__init__" not in vars(ancestor):
            continue
        parameters = list(inspect.signature(ancestor.__init__).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        known.update({p.name: p for p in named if p.name not in known})
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return known


def refuse_unknown(cls: type, unknown: Mapping[str, Any], hints: Mapping[str, str] | None = None) -> None:
    """TypeError, in the class's name and with the nearest argument that it knows, if there are unknown ones."""
    if not unknown:
        return
    import difflib

    name, known = next(iter(unknown)), arguments(cls)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It knows {', '.join(sorted(known))}."
    hint = (hints or {}).get(name, hint)
    raise TypeError(f"{cls.__name__} got an argument that it does not know: {name!r}. {hint}")


def as_call(thing: Any) -> str:
    """Return the call that makes an object, without default arguments: EarlyStopping(patience=3)."""
    given = []
    for name, parameter in arguments(type(thing)).items():
        value = getattr(thing, name, parameter.default)
        of_class = getattr(type(thing), name, parameter.default)  # a class may have another default
        if value is not parameter.default and value is not of_class and serialize(value) != parameter.default:
            given.append(f"{name}={value!r}")
    return f"{type(thing).__name__}({', '.join(given)})"


def by_name(kind: str, identifier: Any, base: type, table: Mapping[str, Any]) -> Any:
    """Return the object that a user means.

    Args:
        kind: What it is, for the error messages.
        identifier: An instance of `base`, a name in the table, or a record {"class_name": ..., "config": {...}}, as
            get_config writes it.
        base: Class of the object.
        table: Classes, or ready objects, by name.
    """
    if isinstance(identifier, base):
        return identifier
    if isinstance(identifier, Mapping):
        return from_record(kind, identifier, table)
    if isinstance(identifier, str):
        entry = lookup(kind, identifier, table)
        return entry() if isinstance(entry, type) else entry
    if isinstance(identifier, type) and issubclass(identifier, base):
        raise TypeError(f"{kind} must be an instance: write {identifier.__name__}(), not {identifier.__name__}.")
    names = ", ".join(map(repr, table))
    raise TypeError(f"{kind} must be a name ({names}) or an instance of {base.__name__}; got {identifier!r}.")


_custom: ContextVar[Mapping[str, Any] | None] = ContextVar("custom", default=None)


@contextlib.contextmanager
def custom_objects(custom: Mapping[str, Any]) -> Iterator[None]:
    """Within this context records may name these classes too, wherever they stand."""
    token = _custom.set(custom)
    try:
        yield
    finally:
        _custom.reset(token)


def from_record(kind: str, record: Mapping[str, Any], table: Mapping[str, Any]) -> Any:
    """Return the object that a record describes; its class is in the table, or in `custom_objects`."""
    name, config = record.get("class_name"), record.get("config")
    if not isinstance(name, str) or not isinstance(config, (Mapping, type(None))):
        raise ValueError(f"The record of a {kind} needs 'class_name' and 'config'; got {dict(record)!r}.")
    custom = (_custom.get() or {}).get(name)
    entry = custom if isinstance(custom, type) else lookup(kind, name, table)
    return (entry if isinstance(entry, type) else type(entry)).from_config(config or {})


def snake_case(name: str) -> str:
    """Return a class's name as Keras writes it in names of layers: BatchNormalization -> batch_normalization."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
