"""Sources of elements: each makes the element of a key, from arrays, by a function, as a batch or out of a cache.

An element is an array, or a tuple or dictionary of elements. An array without axes is a NumPy scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..backend import to_numpy
from .order import Kept


class Source(Protocol):
    """Makes the elements of keys. The caller may keep and change them, unless the source `borrows`.

    Then a user's function made the element, and may write to the same memory when it is called again.
    """

    borrows: bool

    def element(self, key: Any) -> Any:
        """Return the element of a key."""

    def stacked(self, keys: list[Any]) -> Any:
        """Return the elements of these keys, stacked."""

    def each(self, keys: list[Any]) -> Iterable[Any]:
        """Return the elements of these keys, one after the other."""


class Slices:
    """Takes rows from arrays of the same length. A key is the number of a row."""

    borrows = False

    def __init__(self, arrays: Any):
        self.arrays = arrays

    def element(self, key: int) -> Any:
        return over(lambda array: array[key].copy(), self.arrays)

    def stacked(self, keys: list[int]) -> Any:
        indices = np.array(keys)
        return over(lambda array: array.take(indices, axis=0), self.arrays)

    def each(self, keys: list[int]) -> Iterable[Any]:
        return rows(self.stacked(keys))  # all of them are gathered at once


class Mapped:
    """Calls a function with each element of a source."""

    borrows = True

    def __init__(self, source: Source, function: Callable[..., Any]):
        self.source, self.function = source, function

    def element(self, key: Any) -> Any:
        return self._result(self.source.element(key), key)

    def stacked(self, keys: list[Any]) -> Any:
        return stack(self.each(keys), keys)

    def each(self, keys: list[Any]) -> Iterable[Any]:
        return map(self._result, self.source.each(keys), keys)

    def _result(self, element: Any, key: Any) -> Any:
        try:
            result = self.function(*element) if isinstance(element, tuple) else self.function(element)
            return over(leaf, result)
        except Exception as error:
            raise RuntimeError(
                f"map({name_of(self.function)}) failed for {place(key)}, {described(element)}: "
                f"{type(error).__name__}: {error}{_hint(error, element)}"
            ) from error


class Batches:
    """Stacks elements of a source. A key is the list of their keys."""

    borrows = False

    def __init__(self, source: Source):
        self.source = source

    def element(self, key: list[Any]) -> Any:
        return self.source.stacked(key)

    def stacked(self, keys: list[list[Any]]) -> Any:
        return stack(self.each(keys), keys)

    def each(self, keys: list[list[Any]]) -> Iterable[Any]:
        return map(self.element, keys)


class Cached:
    """Makes each element of a source once, and keeps it. A key is a place in the order that was kept with them."""

    borrows = False

    def __init__(self, source: Source, order: Kept):
        self.source, self.order = source, order
        self.elements: dict[int, Any] = {}

    def element(self, key: int) -> Any:
        return over(copied, self._kept(key))

    def stacked(self, keys: list[int]) -> Any:
        return stack(map(self._kept, keys), keys)

    def each(self, keys: list[int]) -> Iterable[Any]:
        return map(self.element, keys)

    def _kept(self, key: int) -> Any:
        if key not in self.elements:
            self.elements[key] = over(copied, self.source.element(self.order.all()[key]))
        return self.elements[key]


def over(function: Callable[[Any], Any], element: Any) -> Any:
    """Return the element with the function applied to each of its arrays."""
    if isinstance(element, tuple):
        return tuple([over(function, part) for part in element])
    if isinstance(element, dict):
        return {name: over(function, part) for name, part in element.items()}
    return function(element)


def arrays_of(element: Any) -> list[Any]:
    """Return the arrays of an element, in order."""
    found: list[Any] = []
    over(found.append, element)
    return found


def rows(block: Any) -> Iterator[Any]:
    """Return the rows of stacked elements, one after the other."""
    if isinstance(block, tuple):
        return zip(*map(rows, block), strict=True)
    if isinstance(block, dict):
        return (dict(zip(block, row, strict=True)) for row in zip(*map(rows, block.values()), strict=True))
    return iter(block)


def stack(elements: Iterable[Any], keys: Sequence[Any]) -> Any:
    """Stack elements of the same structure, shapes and dtypes; ValueError says which element differs.

    Each is copied to its place before the next one is asked for, which may use the same memory.
    """
    whole, first = None, ""
    for i, element in enumerate(elements):
        if whole is None:
            whole = over(lambda array: np.empty((len(keys), *array.shape), dtype=array.dtype), element)
            first = described(element)
        if not _put(whole, i, element):
            whole = _widened(whole, element)
            if not _put(whole, i, element):
                raise ValueError(
                    f"A batch needs elements of one shape and dtype: {place(keys[0])} is {first}, but "
                    f"{place(keys[i])} is {described(element)}. Have the function given to map return the same for all."
                )
    return whole


def _put(whole: Any, i: int, element: Any) -> bool:
    """Write an element to place i of a stack; False if it does not fit."""
    if isinstance(whole, tuple):
        same = isinstance(element, tuple) and len(element) == len(whole)
        return same and all(_put(part, i, entry) for part, entry in zip(whole, element, strict=True))
    if isinstance(whole, dict):
        same = isinstance(element, dict) and element.keys() == whole.keys()
        return same and all(_put(part, i, element[name]) for name, part in whole.items())
    if isinstance(element, (tuple, dict)) or element.shape != whole.shape[1:]:
        return False
    if element.dtype != whole.dtype and not (_strings(element, whole) and element.itemsize < whole.itemsize):
        return False
    whole[i] = element
    return True


def _widened(whole: Any, element: Any) -> Any:
    """Return the stack, with room for the element's strings if they are longer."""
    arrays = iter(arrays_of(element))

    def widen(stacked: Any) -> Any:
        array = next(arrays, stacked)
        return stacked.astype(np.result_type(stacked, array)) if _strings(stacked, array) else stacked

    return over(widen, whole)


def _strings(a: Any, b: Any) -> bool:
    """Return whether both hold texts, or both hold bytes. Their length is part of their dtype."""
    return a.dtype.kind == b.dtype.kind and a.dtype.kind in "US"


def leaf(value: Any) -> Any:
    """Return a value that a user's function returned as a NumPy array, or as a NumPy scalar if it has no axes."""
    if value is None:
        raise TypeError("it returned None; is a return missing?")
    try:
        array = np.asarray(to_numpy(value))
    except ValueError as error:
        raise ValueError(f"it returned {type(value).__name__}s that make no array; return a tuple ({error})") from None
    if array.dtype == object:
        raise TypeError(f"it returned {value!r}, which is no array of numbers")
    return array if array.ndim else array[()]


def copied(array: Any) -> Any:
    """Return a copy."""
    return array.copy()


def _hint(error: Exception, element: Any) -> str:
    """Return the likely remedy, for the most frequent mistakes."""
    if isinstance(error, TypeError) and "Cannot cast ufunc" in str(error):
        return '. Integers cannot be divided in place: take images.astype("float32") first'
    if isinstance(error, TypeError) and "positional argument" in str(error) and isinstance(element, tuple):
        return ". The parts of a tuple are arguments of their own, as in map(lambda image, label: ...)"
    return ""


def described(element: Any) -> str:
    """Return the dtypes and shapes of an element as text: (uint8 (28, 28, 1), int64 ())."""
    if isinstance(element, tuple):
        return f"({', '.join(map(described, element))}{',' * (len(element) == 1)})"
    if isinstance(element, dict):
        return f"{{{', '.join(f'{name!r}: {described(part)}' for name, part in element.items())}}}"
    return f"{element.dtype} {element.shape}"


def place(key: Any) -> str:
    """Return which element a key means, as text for messages."""
    if not isinstance(key, list):
        return f"element {key}"
    more = ", ..." if len(key) > 3 else ""
    inner = [place(entry).removeprefix("element ") for entry in key[:3]]
    return f"the batch of elements {', '.join(inner)}{more}"


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, or of its class if it has none."""
    return getattr(function, "__name__", type(function).__name__)
