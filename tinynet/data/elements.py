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
    """Where elements come from. What it returns is the caller's own: changing it does not change the source."""

    def one(self, key: Any) -> Any:
        """The element of a key."""

    def whole(self, keys: list[Any]) -> Any:
        """The elements of these keys, stacked."""

    def each(self, keys: list[Any]) -> Iterable[Any]:
        """The elements of these keys, one after the other."""


class Slices:
    """The rows of arrays of one length."""

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

    def __init__(self, source: Source, function: Callable[..., Any]):
        self.source, self.function = source, function

    def one(self, key: Any) -> Any:
        return self._result(self.source.one(key), key)

    def whole(self, keys: list[Any]) -> Any:
        return stack(list(self.each(keys)), keys)

    def each(self, keys: list[Any]) -> Iterable[Any]:
        return map(self._result, self.source.each(keys), keys)

    def _result(self, element: Any, key: Any) -> Any:
        try:
            result = self.function(*element) if isinstance(element, tuple) else self.function(element)
            return over(leaf, result)
        except Exception as error:
            raise RuntimeError(
                f"map({name_of(self.function)}) failed for {place(key)}, {described(element)}: "
                f"{type(error).__name__}: {error}"
            ) from error


class Batches:
    """Elements of a source, stacked; a key is the list of their keys."""

    def __init__(self, source: Source):
        self.source = source

    def one(self, key: list[Any]) -> Any:
        return self.source.whole(key)

    def whole(self, keys: list[list[Any]]) -> Any:
        return stack(list(self.each(keys)), keys)

    def each(self, keys: list[list[Any]]) -> Iterable[Any]:
        return map(self.one, keys)


class Cached:
    """Elements that are made once and kept; a key is a place in the order that was kept with them."""

    def __init__(self, source: Source, order: Kept):
        self.source, self.order = source, order
        self.elements: dict[int, Any] = {}

    def one(self, key: int) -> Any:
        return over(lambda array: array.copy(), self._kept(key))

    def whole(self, keys: list[int]) -> Any:
        return stack([self._kept(key) for key in keys], keys)

    def each(self, keys: list[int]) -> Iterable[Any]:
        return map(self.one, keys)

    def _kept(self, key: int) -> Any:
        if key not in self.elements:
            self.elements[key] = self.source.one(self.order.all()[key])
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


def stack(elements: Sequence[Any], keys: Sequence[Any]) -> Any:
    """Elements of one structure, and of arrays of one shape and dtype, as one; ValueError says which one is not."""
    first = elements[0]
    for element, key in zip(elements, keys, strict=True):
        if type(element) is not type(first) or (isinstance(first, (tuple, dict)) and len(element) != len(first)):
            _differ(elements, keys, element, key)
    if isinstance(first, tuple):
        return tuple([stack([element[i] for element in elements], keys) for i in range(len(first))])
    if isinstance(first, dict):
        if any(element.keys() != first.keys() for element in elements):
            key = next(k for k, element in zip(keys, elements, strict=True) if element.keys() != first.keys())
            raise ValueError(f"{place(key)} has other names than {place(keys[0])}, so they make no batch.")
        return {name: stack([element[name] for element in elements], keys) for name in first}
    whole = np.empty((len(elements), *first.shape), dtype=first.dtype)
    for i, element in enumerate(elements):
        if element.shape != first.shape or element.dtype != first.dtype:
            _differ(elements, keys, element, keys[i])
        whole[i] = element
    return whole


def leaf(value: Any) -> Any:
    """What a function gave, as an array or a scalar of NumPy's."""
    if type(value) is np.ndarray and value.ndim:
        return value
    if value is None:
        raise TypeError("it returned None; is a return missing?")
    array = np.asarray(to_numpy(value))
    if array.dtype == object:
        raise TypeError(f"it returned {value!r}, which is no array of numbers")
    return array if array.ndim else array[()]


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


def _differ(elements, keys, element, key):
    raise ValueError(
        f"A batch needs elements of one shape and dtype: {place(keys[0])} is {described(elements[0])}, but "
        f"{place(key)} is {described(element)}. Have the function given to map return the same for all."
    )
