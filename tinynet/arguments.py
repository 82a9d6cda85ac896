"""Checks of arguments. Each raises an error that names the argument, its value and what was expected."""

import functools
import operator
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from . import terminal

MOST_AXES = 32  # the most that an array of NumPy 1 can have
Function = TypeVar("Function", bound=Callable[..., Any])


def lookup(kind: str, name: str, table: Mapping[str, Any]) -> Any:
    """Return `table[name]`, whatever the letter case and underscores of the name.

    Args:
        kind: What the name stands for, for the error message.
        name: The name.
        table: Values by name.

    Raises:
        ValueError: The name is unknown. The message proposes the nearest ones.
    """
    plain = {key.lower().replace("_", ""): key for key in table}
    key = plain.get(name.lower().replace("_", ""))
    if key is not None:
        return table[key]
    import difflib

    near = difflib.get_close_matches(name.lower().replace("_", ""), plain, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(repr(plain[k]) for k in near)}? " if near else ""
    raise ValueError(f"Unknown {kind} {name!r}. {hint}Known: {', '.join(map(repr, table))}.")


def amount(name: str, value: Any, least: int = 1) -> int:
    """Return value as an int if it is an integer of at least `least` that fits into a Python length."""
    result = integer(name, value, least)
    if result > sys.maxsize:
        raise ValueError(f"{name} must be at most {sys.maxsize}; got {value!r}.")
    return result


def is_integer(value: Any) -> bool:
    """True for Python's and NumPy's integers; False for booleans, floats, arrays and strings."""
    if type(value).__name__ == "bool" or getattr(value, "shape", ()):  # Python's bool and NumPy's
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def integer(name: str, value: Any, least: int = 1) -> int:
    """Return value as an int if it is an integer (Python's or NumPy's) of at least `least`."""
    if not is_integer(value) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name} must be {kind}; got {value!r}.")
    return int(value)


def integer_or_none(name: str, value: Any, least: int = 1) -> int | None:
    """Return None for None, and any other value as `integer` does."""
    return None if value is None else integer(name, value, least)


def number(name: str, value: Any, least: float = float("-inf"), below: float = float("inf")) -> float:
    """Return value as a float if it is a finite number with least <= value < below."""
    result = _float(value)
    if not (least <= result < below and abs(result) < float("inf")):
        bound = f" at least {least:g}" if below == float("inf") else f" in [{least:g}, {below:g})"
        raise ValueError(f"{name} must be a finite number{'' if least == float('-inf') else bound}; got {value!r}.")
    return result


def share(name: str, value: Any) -> float:
    """Return value as a float if it is a number from 0 to 1, both included."""
    result = _float(value)
    if not 0 <= result <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1; got {value!r}.")
    return result


def positive(name: str, value: Any) -> float:
    """Return value as a float if it is a finite number above 0."""
    result = _float(value)
    if not 0 < result < float("inf"):
        raise ValueError(f"{name} must be a finite number above 0; got {value!r}.")
    return result


def _float(value: Any) -> float:
    """Return value as a float; NaN, which fails every comparison, if it is not a number."""
    try:
        return float("nan") if isinstance(value, (str, bool)) else float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def shape(name: str, value: Any) -> tuple[int, ...]:
    """Return value as a tuple of positive ints: a shape without its batch axis."""
    if not isinstance(value, (tuple, list)):
        hint = f"; write ({value},)" if is_integer(value) else ""
        raise ValueError(f"{name} must be a tuple or a list of positive integers; got {value!r}{hint}.")
    if len(value) > MOST_AXES:
        raise ValueError(f"{name} can have at most {MOST_AXES} axes; got {len(value):,}.")
    return tuple(amount(f"each entry of {name} {value!r}", size) for size in value)


def named_arguments(hints: Mapping[str, str] | None = None) -> Callable[[Function], Function]:
    """Return a decorator, after which a TypeError about an unknown argument proposes the nearest known one.

    Args:
        hints: For arguments that other libraries have, what to do instead.
    """

    def decorate(function: Function) -> Function:
        code = function.__code__
        known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) - {"self"}

        @functools.wraps(function)
        def checked(*given: Any, **named: Any) -> Any:
            if not named.keys() <= known:
                unknown = next(name for name in named if name not in known)
                import difflib

                near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.6)
                in_order = ", ".join(name for name in code.co_varnames if name in known)
                hint = f"Did you mean {near[0]!r}?" if near else f"It takes {in_order}."
                hint = (hints or {}).get(unknown, hint)
                raise TypeError(f"{function.__name__} has no argument {unknown!r} in tinynet. {hint}")
            return function(*given, **named)

        return checked  # type: ignore[return-value]

    return decorate


def absent(module: str, names: Sequence[str], whole: str = "Keras") -> Callable[[str], Any]:
    """Return the __getattr__ of a module, whose error says that a name is not in tinynet and proposes near ones.

    Args:
        module: Name of the module.
        names: The names that the module has.
        whole: Name of the library that has more of them.
    """

    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        import difflib

        plain = {known.lower().replace("_", ""): known for known in names}
        near = difflib.get_close_matches(name.lower().replace("_", ""), plain, n=2, cutoff=0.75)
        hint = f"Did you mean {' or '.join(plain[key] for key in near)}? " if near else ""
        raise AttributeError(
            f"{module}.{name} is not in tinynet, which is a small part of {whole}. {hint}"
            f"{module} has {', '.join(names)}."
        )

    return missing


def warn(text: str, category: type[Warning] = UserWarning, always: bool = False) -> None:
    """Warn at the line that called into tinynet: once for each line, or with `always` each time."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("tinynet."):
        frame = frame.f_back
    registry = {} if always else frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(text, category, frame.f_code.co_filename, frame.f_lineno, registry=registry)


def choose_verbose(verbose: Any) -> int:
    """Return verbose as 0, 1 or 2. "auto" is 1 (a bar) on a terminal or in a notebook, else 2 (a line per epoch)."""
    if isinstance(verbose, str) and verbose == "auto":
        return 1 if terminal.is_interactive() else 2
    if (isinstance(verbose, bool) or is_integer(verbose)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"verbose must be 'auto', 0 (silent), 1 (a bar) or 2 (a line per epoch); got {verbose!r}.")


def frequency(value: Any) -> Callable[[int], bool]:
    """Return a function that tells whether to validate after an epoch, counted from 0.

    Args:
        value: A positive integer n, for every n-th epoch, or a list of epochs, counted from 1.

    Raises:
        ValueError: It is neither.
    """
    if is_integer(value):
        every = integer("validation_freq", value)
        return lambda epoch: (epoch + 1) % every == 0
    if isinstance(value, (list, tuple, set, range)) and all(map(is_integer, value)):
        return lambda epoch: epoch + 1 in value
    raise ValueError(f"validation_freq must be a positive integer or a list of epochs, counted from 1; got {value!r}.")
