"""What makes the element of a key: arrays to take it from, batches to put together, results that are kept.

An element is an array, a tuple or a dictionary of elements; what has no axes is a NumPy scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..backend import to_numpy
from .order import Kept


class Source(Protocol):
    """Where elements come from. What it returns is the caller's own, unless `borrows`: then a function made it, and may
    write to the same memory when it is called again."""

    borrows: bool

    def one(self, key: Any) -> Any:
        """The element of a key."""

    def whole(self, keys: list[Any]) -> Any:
        """The elements of these keys, stacked."""

    def each(self, keys: list[Any]) -> Iterable[Any]:
        """The elements of these keys, one after the other."""


class Slices:
    """The rows of arrays of one length."""

    borrows = False

    def __init__(self, arrays: Any):
        self.arrays = arrays

    def one(self, key: int) -> Any:
        return over(lambda array: array[key].copy(), self.arrays)

    def whole(self, keys: list[int]) -> Any:
        indices = np.array(keys)
        return over(lambda array: array.take(indices, axis=0), self.arrays)

    def each(self, keys: list[int]) -> Iterable[Any]:
        return rows(self.whole(keys))  # one gathering for all of them


class Mapped:
    """Elements of a source, each sent through a function."""

    borrows = True

    def __init__(self, source: Source, function: Callable[..., Any]):
        self.source, self.function = source, function

    def one(self, key: Any) -> Any:
        return self._result(self.source.one(key), key)

    def whole(self, keys: list[Any]) -> Any:
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
    """Elements of a source, stacked; a key is the list of their keys."""

    borrows = False

    def __init__(self, source: Source):
        self.source = source

    def one(self, key: list[Any]) -> Any:
        return self.source.whole(key)

    def whole(self, keys: list[list[Any]]) -> Any:
        return stack(self.each(keys), keys)

    def each(self, keys: list[list[Any]]) -> Iterable[Any]:
        return map(self.one, keys)


class Cached:
    """Elements that are made once and kept; a key is a place in the order that was kept with them."""

    borrows = False

    def __init__(self, source: Source, order: Kept):
        self.source, self.order = source, order
        self.elements: dict[int, Any] = {}

    def one(self, key: int) -> Any:
        return over(copied, self._kept(key))

    def whole(self, keys: list[int]) -> Any:
        return stack(map(self._kept, keys), keys)

    def each(self, keys: list[int]) -> Iterable[Any]:
        return map(self.one, keys)

    def _kept(self, key: int) -> Any:
        if key not in self.elements:
            self.elements[key] = over(copied, self.source.one(self.order.all()[key]))
        return self.elements[key]


def over(function: Callable[[Any], Any], element: Any) -> Any:
    """The element with the function applied to each of its arrays."""
    if isinstance(element, tuple):
        return tuple([over(function, part) for part in element])
    if isinstance(element, dict):
        return {name: over(function, part) for name, part in element.items()}
    return function(element)


def arrays_of(element: Any) -> list[Any]:
    """The arrays of an element, in order."""
    found: list[Any] = []
    over(found.append, element)
    return found


def rows(block: Any) -> Iterator[Any]:
    """The rows of stacked elements, one after the other."""
    if isinstance(block, tuple):
        return zip(*map(rows, block), strict=True)
    if isinstance(block, dict):
        return (dict(zip(block, row, strict=True)) for row in zip(*map(rows, block.values()), strict=True))
    return iter(block)


def stack(elements: Iterable[Any], keys: Sequence[Any]) -> Any:
    """Elements of one structure, and of arrays of one shape and dtype, as one; ValueError says which one is not.

    Each is written to its place before the next one is asked for, so that it may live in the same memory.
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
        return same and all(_put(part, i, own) for part, own in zip(whole, element, strict=True))
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
    """The stack with room for the element's strings, where they are longer."""
    arrays = iter(arrays_of(element))

    def widen(stacked: Any) -> Any:
        own = next(arrays, stacked)
        return stacked.astype(np.result_type(stacked, own)) if _strings(stacked, own) else stacked

    return over(widen, whole)


def _strings(a: Any, b: Any) -> bool:
    """Whether both hold texts, or both bytes, whose length counts as part of their dtype."""
    return a.dtype.kind == b.dtype.kind and a.dtype.kind in "US"


def leaf(value: Any) -> Any:
    """What a function gave, as an array or a scalar of NumPy's."""
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
    """The same in memory of its own."""
    return array.copy()


def _hint(error: Exception, element: Any) -> str:
    """What most likely has to be done, for the mistakes that are made most often."""
    if isinstance(error, TypeError) and "Cannot cast ufunc" in str(error):
        return '. Integers cannot be divided in place: take images.astype("float32") first'
    if isinstance(error, TypeError) and "positional argument" in str(error) and isinstance(element, tuple):
        return ". The parts of a tuple are arguments of their own, as in map(lambda image, label: ...)"
    return ""


def described(element: Any) -> str:
    """The dtypes and shapes of an element: (uint8 (28, 28, 1), int64 ())."""
    if isinstance(element, tuple):
        return f"({', '.join(map(described, element))}{',' * (len(element) == 1)})"
    if isinstance(element, dict):
        return f"{{{', '.join(f'{name!r}: {described(part)}' for name, part in element.items())}}}"
    return f"{element.dtype} {element.shape}"


def place(key: Any) -> str:
    """Which element this is, for messages."""
    if not isinstance(key, list):
        return f"element {key}"
    more = ", ..." if len(key) > 3 else ""
    inner = [place(one).removeprefix("element ") for one in key[:3]]
    return f"the batch of elements {', '.join(inner)}{more}"


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function, as in its definition."""
    return getattr(function, "__name__", type(function).__name__)
