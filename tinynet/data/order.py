"""The order of a dataset's elements: iterables of keys. Shuffling moves keys and never the data.

The key of a sample is its index. The key of a batch is the list of its samples' keys.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

from ..rng import generator

INFINITE = -1
DRAWN_AT_ONCE = 1024


class Order(Protocol):
    """Gives the same number of keys at each `iter`: `size` of them, or INFINITE."""

    size: int

    def __iter__(self) -> Iterator[Any]: ...


class Count:
    """Gives the keys 0, 1, ..., size - 1."""

    def __init__(self, size: int):
        self.size = size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size))


class Repeated:
    """Gives all keys `count` times over, or without end."""

    def __init__(self, order: Order, count: int):
        self.order, self.count = order, count
        if order.size == 0 or count == 0:
            self.size = 0
        else:
            self.size = INFINITE if INFINITE in (order.size, count) else order.size * count

    def __iter__(self) -> Iterator[Any]:
        if self.size == 0:
            return iter(())  # an endless chain of empty passes would search forever for a first key
        again = itertools.count() if self.count == INFINITE else range(self.count)
        return itertools.chain.from_iterable(self.order for _ in again)


class Limited:
    """Gives the keys from `start` on, at most `count` of them (INFINITE: all)."""

    def __init__(self, order: Order, start: int, count: int):
        self.order, self.start = order, start
        left = order.size if order.size == INFINITE else max(0, order.size - start)
        self.size = count if left == INFINITE else left if count == INFINITE else min(left, count)

    def __iter__(self) -> Iterator[Any]:
        stop = None if self.size == INFINITE else self.start + self.size
        return itertools.islice(self.order, self.start, stop)


class Shuffled:
    """Gives keys at random out of a buffer that holds the next `buffer` keys, and takes in the next key for each.

    So a key comes at most `buffer` - 1 places early. The order depends on the seed and the number of the pass alone.
    Each pass draws another order, or without `reshuffle` the same one.
    """

    def __init__(self, order: Order, buffer: int, seed: int, reshuffle: bool, seeded: bool = True):
        self.order, self.buffer, self.seed, self.reshuffle = order, buffer, seed, reshuffle
        self.size, self.passes, self.seeded = order.size, 0, seeded

    def __iter__(self) -> Iterator[Any]:
        rng = generator(self.seed, "dataset", self.passes)
        self.passes += self.reshuffle
        return self._drawn(rng)

    def _drawn(self, rng: Any) -> Iterator[Any]:
        keys = iter(self.order)
        held = list(itertools.islice(keys, self.buffer))
        slots = _below(len(held), rng)
        for key, slot in zip(keys, slots, strict=False):  # the buffer is full: one out, one in
            given, held[slot] = held[slot], key
            yield given
        for slot in rng.permutation(len(held)).tolist():
            yield held[slot]


class Grouped:
    """Gives lists of `length` keys. The last list is shorter, or left out."""

    def __init__(self, order: Order, length: int, drop_remainder: bool):
        self.order, self.length, self.drop_remainder = order, length, drop_remainder
        short = 0 if drop_remainder else length - 1
        self.size = order.size if order.size == INFINITE else (order.size + short) // length

    def __iter__(self) -> Iterator[list[Any]]:
        keys = iter(self.order)
        while group := list(itertools.islice(keys, self.length)):
            if len(group) < self.length and self.drop_remainder:
                return
            yield group


class Kept:
    """Gives the keys of the first pass in every pass."""

    def __init__(self, order: Order):
        self.order, self.size = order, order.size
        self.keys: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.all())

    def all(self) -> list[Any]:
        """Return the keys as a list."""
        if self.keys is None:
            self.keys = list(self.order)
        return self.keys


def _below(limit: int, rng: Any) -> Iterator[int]:
    """Yield random integers from 0 to limit - 1, without end."""
    while limit:
        yield from rng.integers(limit, size=DRAWN_AT_ONCE).tolist()
