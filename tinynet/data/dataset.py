"""Dataset: what is trained on, as a pipeline that is gone through element by element."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arguments import amount, is_integer, named_arguments
from ..backend import to_numpy
from ..rng import choose_seed
from .elements import Batches, Cached, Mapped, Slices, Source, arrays_of, copied, described, name_of, over
from .order import INFINITE, Count, Grouped, Kept, Limited, Order, Repeated, Shuffled

IN_TURN = "Leave it out: a function is called for one element after the other, in order."
HINTS = {
    "num_parallel_calls": IN_TURN,
    "deterministic": IN_TURN,
    "name": "Leave it out: datasets have no names.",
    "filename": "Leave it out: it caches in memory.",
}
checked = named_arguments(HINTS)


class _Named(type):
    """Says of a method of tf.data's that Dataset does not have it, and what it has."""

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(missing(name))


class Dataset(metaclass=_Named):
    """Elements in an order, with the names and the semantics of tf.data.Dataset.

        train = tn.data.Dataset.from_tensor_slices((images, labels))
        train = train.shuffle(60_000).batch(32).map(normalize)
        model.fit(train, epochs=5)
        for images, labels in train.take(1): ...

    Each method returns a new dataset and leaves this one as it is; nothing is computed before the elements are asked
    for, and each `for` begins anew. An element is an array, a tuple or a dictionary of arrays; these are NumPy's, so
    that tf.data's `.numpy()` and `tf.cast` fall away (`images.astype("float32")` casts), and labels are NumPy integers
    that index a list. Change them as you like: they are copies.

    Underneath, a dataset is an order of keys and what makes the element of a key. `shuffle`, `repeat`, `take` and
    `skip` rearrange keys, and `batch` gathers all its samples with one `take` of each array. So the data stay where
    they are and as they are: images in uint8 stay uint8 until a function given to `map` casts them.

    For `fit`, elements are batches (x, y) or (x, y, sample_weight); a dataset that repeats without end needs
    steps_per_epoch.
    """

    def __init__(self, *given: Any, **named: Any):
        raise TypeError("A dataset is made by Dataset.from_tensor_slices(arrays).")

    @staticmethod
    @checked
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of an array, or of a tuple or a dictionary of arrays of one length; lists are arrays here.

        Arrays are not copied: what is later written into them is seen. ValueError for unequal lengths, single numbers
        and lists of unequal rows.
        """
        arrays = over(_as_array, tensors)
        lengths = [len(array) for array in arrays_of(arrays)]
        if len(set(lengths)) != 1:
            raise ValueError(f"The arrays must have one length; got {' and '.join(map(str, lengths)) or 'no array'}.")
        steps = (f"{lengths[0]:,} x {described(Slices(arrays).one(0))}" if lengths[0] else "no elements",)
        return _made(Count(lengths[0]), Slices(arrays), 0, steps)

    @checked
    def map(self, map_func: Callable[..., Any]) -> Dataset:
        """The results of a function of each element; it is called when the element is asked for.

        The parts of a tuple are its arguments: `map_func(image, label)`. It returns an array, or a tuple or dictionary
        of arrays. After `batch` it gets whole batches, which is the quick way: one call for 32 images.

            train.batch(32).map(normalize)     # one call a batch
            train.map(normalize).batch(32)     # the same batches, one call an image

        It computes by NumPy's rules, where uint8 / 255 is float64: cast first, as in images.astype("float32") / 255.
        For elements that are skipped it is not called. Where it fails, RuntimeError says for which element.
        """
        if not callable(map_func):
            raise TypeError(f"map needs a function of an element; got {map_func!r}.")
        return self._with(f"map({name_of(map_func)})", source=Mapped(self._source, map_func))

    @checked
    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Stacks of `batch_size` elements; the last is smaller, or left out.

        After `repeat` a batch may hold the end of one pass and the beginning of the next, as in tf.data. ValueError
        where elements of one batch differ in shape or dtype.
        """
        size = amount("batch_size", batch_size)
        order = Grouped(self._order, size, _flag("drop_remainder", drop_remainder))
        said = f"batch({batch_size}{', drop_remainder=True' * bool(drop_remainder)})"
        return self._with(said, order=order, source=Batches(self._source), ahead=-(-self._ahead // size))

    @checked
    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """The elements in a random order, as tf.data draws it: out of a buffer of the next `buffer_size` elements.

        A buffer as large as the dataset gives every order with the same probability; a smaller one moves an element
        at most buffer_size - 1 places forward; 1 changes nothing. `shuffle(n).repeat()` gives every element once before
        any comes again; `repeat().shuffle(n)`, the lesson's order, mixes the passes.

        `take` and `skip` behind it divide each pass anew: divide into training and validation data before shuffling.
        Each pass draws another order, unless `reshuffle_each_iteration` is False. The same seed gives the same orders;
        without one a fresh seed is drawn (see `utils.set_random_seed`).
        """
        size, again = amount("buffer_size", buffer_size), _flag("reshuffle_each_iteration", reshuffle_each_iteration)
        order = Shuffled(self._order, size, choose_seed(seed), again, seed is not None)
        return self._with(f"shuffle({buffer_size})", order=order)

    @checked
    def repeat(self, count: int | None = None) -> Dataset:
        """The whole dataset `count` times over; without end for None or -1. It makes `fit` need steps_per_epoch."""
        count = INFINITE if count is None else amount("count", count, least=-1)
        return self._with("repeat()" if count == INFINITE else f"repeat({count})", order=Repeated(self._order, count))

    @checked
    def take(self, count: int) -> Dataset:
        """The first `count` elements, or all if there are fewer or count is -1."""
        count = amount("count", count, least=-1)
        return self._with(f"take({count})", order=Limited(self._order, 0, count))

    @checked
    def skip(self, count: int) -> Dataset:
        """All but the first `count` elements; none for -1."""
        count = amount("count", count, least=-1)
        order = Limited(self._order, 0, 0) if count == -1 else Limited(self._order, count, INFINITE)
        return self._with(f"skip({count})", order=order)

    @checked
    def cache(self) -> Dataset:
        """Keeps each element in memory when it is first made, so that a `map` before it is computed only once.

        The order is kept too: shuffle behind it. What is cached takes its full size: images cast to float32, four
        times that of their bytes. tf.data keeps only what was gone through to its end; here each element counts.
        ValueError for a dataset that repeats without end.
        """
        if self._order.size == INFINITE:
            raise ValueError("cache() of an endless dataset would fill the memory: call cache before repeat().")
        order = Kept(self._order)
        if isinstance(self._source, Slices):  # in memory as it is
            return self._with("cache()", order=order)
        return self._with("cache()", order=Count(order.size), source=Cached(self._source, order))

    @checked
    def prefetch(self, buffer_size: int) -> Dataset:
        """Makes up to `buffer_size` elements ahead, in a thread of its own; data.AUTOTUNE makes 2.

        That changes only the speed, and pays where `map` waits for something: files, mostly. Where it computes, the
        thread competes with the training for the interpreter. Wherever it stands, the whole pipeline is run in the
        thread, the functions given to `map` behind it too; where `batch` follows, so many batches are made ahead as
        hold that many elements.
        """
        size = amount("buffer_size", buffer_size, least=-1)
        if size == 0:
            raise ValueError("buffer_size must be a positive integer, or -1 (data.AUTOTUNE); got 0.")
        return self._with(f"prefetch({buffer_size})", ahead=2 if size == -1 else size)

    def cardinality(self) -> int:
        """The number of elements; -1, data.INFINITE_CARDINALITY, if it repeats without end."""
        return self._order.size

    def __len__(self) -> int:
        if self._order.size == INFINITE:
            raise TypeError("The dataset is infinite: it repeats without end.")
        return self._order.size

    def __bool__(self) -> bool:
        return True  # as in tf.data; an endless one has no length to ask for

    def __iter__(self) -> Iterator[Any]:
        return self._elements(iter(self._order))

    def _elements(self, keys: Iterator[Any], own: bool = True) -> Iterator[Any]:
        elements = map(self._source.one, keys)
        if self._source.borrows and (own or self._ahead):
            elements = (over(copied, element) for element in elements)
        if not self._ahead:
            return elements
        from .ahead import made_ahead

        return made_ahead(elements, self._ahead)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The same as `iter(dataset)`: the elements are NumPy arrays anyway."""
        return iter(self)

    def __repr__(self) -> str:
        return f"<Dataset: {' -> '.join(self._steps)}>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name if name.startswith("_") else missing(name))

    def _with(self, step: str, **changed: Any) -> Dataset:
        """This dataset with one more step."""
        parts = {"order": self._order, "source": self._source, "ahead": self._ahead}
        return _made(**{**parts, **changed}, steps=(*self._steps, step))


def _made(order: Order, source: Source, ahead: int, steps: tuple[str, ...]) -> Dataset:
    """A dataset: its order, what makes the element of a key, how many are made ahead, and how it came about."""
    dataset = Dataset.__new__(Dataset)
    dataset._order, dataset._source, dataset._ahead, dataset._steps = order, source, ahead, steps
    return dataset


def passing(dataset: Dataset, elements: int = 0) -> Iterator[Any]:
    """The elements for whoever is done with each before asking for the next: they need no memory of their own.

    Without the first `elements`, of which only the order is drawn, so that a training goes on where it stopped.
    """
    keys = iter(dataset._order)
    collections.deque(itertools.islice(keys, elements), maxlen=0)
    return dataset._elements(keys, own=False)


def get_passes(dataset: Dataset) -> list[int]:
    """How many passes each shuffle of the dataset has begun: that, with its seed, decides its next order."""
    return [shuffle.passes for shuffle in _shuffles(dataset)]


def set_passes(dataset: Dataset, passes: list[int]) -> None:
    """Let each shuffle have begun so many passes; ValueError if there are more of them, or fewer."""
    for shuffle, count in zip(_shuffles(dataset), passes, strict=True):
        shuffle.passes = count


def _shuffles(dataset: Dataset) -> list[Shuffled]:
    """The shuffles that each pass draws from: those in front of a `cache` draw once."""
    order: Any = dataset._order
    found = []
    while order is not None and not isinstance(order, Kept):
        if isinstance(order, Shuffled):
            found.append(order)
        order = getattr(order, "order", None)
    return found


def is_reproducible(dataset: Dataset) -> bool:
    """Whether another process that makes the same dataset draws the same orders: each shuffle has a seed."""
    waiting: list[Any] = [dataset._order, dataset._source]
    while waiting:
        one = waiting.pop()
        if not getattr(one, "seeded", True):
            return False
        waiting += [getattr(one, name) for name in ("order", "source") if hasattr(one, name)]
    return True


def missing(name: str) -> str:
    """What to say of a method that Dataset does not have."""
    import difflib

    own = [method for method in vars(Dataset) if not method.startswith("_")]
    near = difflib.get_close_matches(name, own, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"Dataset.{name} is not in tinynet, which has a part of tf.data. {hint}There are {', '.join(own)}."


def _as_array(value: Any) -> np.ndarray:
    try:
        array = to_numpy(value)
    except ValueError as error:
        raise ValueError(f"from_tensor_slices needs arrays, or lists that make some: {error}") from None
    if array.ndim == 0 or array.dtype == object:
        raise ValueError(f"from_tensor_slices cuts arrays along their first axis; got {value!r}.")
    return array


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)) and not is_integer(value):
        raise TypeError(f"{name} must be True or False; got {value!r}.")
    return bool(value)
