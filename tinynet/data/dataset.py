"""Dataset: the data of a training, as a pipeline that makes one element after the other."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

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
    """Explains in the error that Dataset lacks a method of tf.data's, and which methods it has."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            raise AttributeError(missing(name))


class Dataset(metaclass=_Named):
    """Makes elements in an order, with the names and the semantics of tf.data.Dataset.

        train = tn.data.Dataset.from_tensor_slices((images, labels))
        train = train.shuffle(60_000).batch(32).map(normalize)
        model.fit(train, epochs=5)
        for images, labels in train.take(1): ...

    Each method returns a new dataset and does not change this one. Nothing is computed before the elements are asked
    for, and each `for` starts again from the beginning.

    An element is an array, or a tuple or dictionary of arrays. The arrays are NumPy's. So tf.data's `.numpy()` and
    `tf.cast` are not needed (`images.astype("float32")` casts), and labels are NumPy integers, which index a list.
    Elements are copies: change them as you like.

    A dataset consists of an order of keys and a source that makes the element of a key. `shuffle`, `repeat`, `take` and
    `skip` rearrange keys, and `batch` gathers all its samples with one `take` of each array. So the data are neither
    moved nor cast: images in uint8 stay uint8 until a function given to `map` casts them.

    For `fit`, elements are batches (x, y) or (x, y, sample_weight). A dataset that repeats without end needs
    steps_per_epoch.
    """

    _order: Order
    _source: Source
    _ahead: int  # how many elements are made ahead
    _steps: tuple[str, ...]  # how the dataset was made, for repr

    def __init__(self, *given: Any, **named: Any):
        raise TypeError("A dataset is made by Dataset.from_tensor_slices(arrays).")

    @staticmethod
    @checked
    def from_tensor_slices(tensors: Any) -> Dataset:
        """Make a dataset of the rows of arrays.

        Args:
            tensors: An array, or a tuple or dictionary of arrays of the same length. A list counts as an array. Arrays
                are not copied, so what is later written into them is seen.

        Returns:
            A dataset of rows, in order.

        Raises:
            ValueError: The lengths are unequal, an array is a single number, or a list has unequal rows.
        """
        arrays = over(_as_array, tensors)
        lengths = [len(array) for array in arrays_of(arrays)]
        if len(set(lengths)) != 1:
            raise ValueError(f"The arrays must have one length; got {' and '.join(map(str, lengths)) or 'no array'}.")
        steps = (f"{lengths[0]:,} x {described(Slices(arrays).element(0))}" if lengths[0] else "no elements",)
        return _made(Count(lengths[0]), Slices(arrays), 0, steps)

    @checked
    def map(self, map_func: Callable[..., Any]) -> Dataset:
        """Call a function with each element, and give its results.

        The function is called when the element is asked for, and not for elements that are skipped. After `batch` it
        is called with whole batches, which is quicker:

            train.batch(32).map(normalize)     # one call for a batch
            train.map(normalize).batch(32)     # the same batches, one call for each image

        Args:
            map_func: The function. The parts of a tuple are its arguments: `map_func(image, label)`. It returns an
                array, or a tuple or dictionary of arrays. It computes by NumPy's rules, where uint8 / 255 is float64:
                cast first, as in images.astype("float32") / 255.

        Returns:
            A dataset of the results.

        Raises:
            TypeError: `map_func` is not a function.
            RuntimeError: While elements are made: the function failed. The message says for which element.
        """
        if not callable(map_func):
            raise TypeError(f"map needs a function of an element; got {map_func!r}.")
        return self._with(f"map({name_of(map_func)})", source=Mapped(self._source, map_func))

    @checked
    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Stack elements into batches.

        After `repeat` a batch may hold the end of one pass and the beginning of the next, as in tf.data.

        Args:
            batch_size: The number of elements in a batch, a positive integer.
            drop_remainder: Leave out a last batch that is smaller.

        Returns:
            A dataset of batches.

        Raises:
            ValueError: `batch_size` is not a positive integer. While elements are made: elements of one batch differ
                in shape or dtype.
        """
        size = amount("batch_size", batch_size)
        order = Grouped(self._order, size, _flag("drop_remainder", drop_remainder))
        said = f"batch({batch_size}{', drop_remainder=True' * bool(drop_remainder)})"
        return self._with(said, order=order, source=Batches(self._source), ahead=-(-self._ahead // size))

    @checked
    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> Dataset:
        """Give the elements in a random order, as tf.data draws it: out of a buffer of the next elements.

        `shuffle(n).repeat()` gives every element once before any comes again. `repeat().shuffle(n)`, the lesson's
        order, mixes the passes.

        `take` and `skip` after it divide each pass in another way. So divide into training and validation data before
        shuffling.

        Args:
            buffer_size: The size of the buffer. One as large as the dataset gives every order with the same
                probability. A smaller one moves an element at most buffer_size - 1 places forward. 1 changes nothing.
            seed: The same seed gives the same orders. None draws a fresh seed (see `utils.set_random_seed`).
            reshuffle_each_iteration: Draw another order in each pass.

        Returns:
            A dataset of the same elements.

        Raises:
            ValueError: `buffer_size` is not a positive integer, or the seed is negative.
        """
        size, again = amount("buffer_size", buffer_size), _flag("reshuffle_each_iteration", reshuffle_each_iteration)
        order = Shuffled(self._order, size, choose_seed(seed), again, seed is not None)
        return self._with(f"shuffle({buffer_size})", order=order)

    @checked
    def repeat(self, count: int | None = None) -> Dataset:
        """Repeat the whole dataset.

        Args:
            count: How often. None or -1 repeats it without end, and `fit` then needs steps_per_epoch.

        Returns:
            A dataset of the repeated elements.

        Raises:
            ValueError: `count` is not an integer of at least -1.
        """
        count = INFINITE if count is None else amount("count", count, least=-1)
        return self._with("repeat()" if count == INFINITE else f"repeat({count})", order=Repeated(self._order, count))

    @checked
    def take(self, count: int) -> Dataset:
        """Give only the first elements.

        Args:
            count: How many; all if there are fewer, or for -1.

        Returns:
            A dataset of these elements.

        Raises:
            ValueError: `count` is not an integer of at least -1.
        """
        count = amount("count", count, least=-1)
        return self._with(f"take({count})", order=Limited(self._order, 0, count))

    @checked
    def skip(self, count: int) -> Dataset:
        """Give all but the first elements.

        Args:
            count: How many are left out; all for -1.

        Returns:
            A dataset of the elements that are left.

        Raises:
            ValueError: `count` is not an integer of at least -1.
        """
        count = amount("count", count, least=-1)
        order = Limited(self._order, 0, 0) if count == -1 else Limited(self._order, count, INFINITE)
        return self._with(f"skip({count})", order=order)

    @checked
    def cache(self) -> Dataset:
        """Keep each element in memory when it is first made. A `map` before it is then computed only once.

        The order is kept too: shuffle after it. The cached elements take their full size: images cast to float32 take
        four times as much as their bytes. tf.data keeps elements only once a pass has come to its end. Here each
        element is kept at once.

        Returns:
            A dataset of the same elements.

        Raises:
            ValueError: The dataset repeats without end.
        """
        if self._order.size == INFINITE:
            raise ValueError("cache() of an endless dataset would fill the memory: call cache before repeat().")
        order = Kept(self._order)
        if isinstance(self._source, Slices):  # its arrays are in memory already
            return self._with("cache()", order=order)
        return self._with("cache()", order=Count(order.size), source=Cached(self._source, order))

    @checked
    def prefetch(self, buffer_size: int) -> Dataset:
        """Make elements ahead in a separate thread.

        This changes only the speed. It pays if a function given to `map` waits for something, mostly for files. If the
        function computes, the thread competes with the training for the interpreter.

        The whole pipeline runs in the thread, wherever `prefetch` stands in it, also functions given to `map` after it.
        If `batch` follows, as many batches are made ahead as hold `buffer_size` elements.

        Args:
            buffer_size: How many elements are made ahead, a positive integer. -1, data.AUTOTUNE, makes 2.

        Returns:
            A dataset of the same elements.

        Raises:
            ValueError: `buffer_size` is something else.
        """
        size = amount("buffer_size", buffer_size, least=-1)
        if size == 0:
            raise ValueError("buffer_size must be a positive integer, or -1 (data.AUTOTUNE); got 0.")
        return self._with(f"prefetch({buffer_size})", ahead=2 if size == -1 else size)

    def cardinality(self) -> int:
        """Return the number of elements, or -1 (data.INFINITE_CARDINALITY) if the dataset repeats without end."""
        return self._order.size

    def __len__(self) -> int:
        if self._order.size == INFINITE:
            raise TypeError("The dataset is infinite: it repeats without end.")
        return self._order.size

    def __bool__(self) -> bool:
        return True  # as in tf.data; bool() would ask for the length, and an endless dataset has none

    def __iter__(self) -> Iterator[Any]:
        return self._elements(iter(self._order))

    def _elements(self, keys: Iterator[Any], copies: bool = True) -> Iterator[Any]:
        """Return the elements of these keys; without `copies` one may use the memory of the one before it."""
        elements: Iterator[Any] = map(self._source.element, keys)
        if self._source.borrows and (copies or self._ahead):
            elements = (over(copied, element) for element in elements)
        if not self._ahead:
            return elements
        from .ahead import made_ahead

        return made_ahead(elements, self._ahead)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return `iter(dataset)`: the elements are NumPy arrays anyway."""
        return iter(self)

    def __repr__(self) -> str:
        return f"<Dataset: {' -> '.join(self._steps)}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name if name.startswith("_") else missing(name))

    def _with(self, step: str, **changed: Any) -> Dataset:
        """Return this dataset with one more step."""
        parts: dict[str, Any] = {"order": self._order, "source": self._source, "ahead": self._ahead}
        return _made(**{**parts, **changed}, steps=(*self._steps, step))


def _made(order: Order, source: Source, ahead: int, steps: tuple[str, ...]) -> Dataset:
    """Make a dataset of its parts: see the annotations in Dataset."""
    dataset = Dataset.__new__(Dataset)
    dataset._order, dataset._source, dataset._ahead, dataset._steps = order, source, ahead, steps
    return dataset


def passing(dataset: Dataset, elements: int = 0) -> Iterator[Any]:
    """Return the elements for a loop that is done with each before it asks for the next: their memory may be reused.

    The first `elements` are left out. Only their order is drawn, for a training that goes on where it stopped.
    """
    keys = iter(dataset._order)
    collections.deque(itertools.islice(keys, elements), maxlen=0)
    return dataset._elements(keys, copies=False)


def get_passes(dataset: Dataset) -> list[int]:
    """Return how many passes each shuffle of the dataset has begun. With its seed, that decides its next order."""
    return [shuffle.passes for shuffle in _shuffles(dataset)]


def set_passes(dataset: Dataset, passes: list[int]) -> None:
    """Set how many passes each shuffle has begun; ValueError if the number of shuffles differs."""
    for shuffle, count in zip(_shuffles(dataset), passes, strict=True):
        shuffle.passes = count


def _shuffles(dataset: Dataset) -> list[Shuffled]:
    """Return the shuffles that each pass draws from. Those before a `cache` draw only once, and are left out."""
    order: Any = dataset._order
    found = []
    while order is not None and not isinstance(order, Kept):
        if isinstance(order, Shuffled):
            found.append(order)
        order = getattr(order, "order", None)
    return found


def is_reproducible(dataset: Dataset) -> bool:
    """Return whether another process that makes the same dataset draws the same orders: each shuffle has a seed."""
    unchecked: list[Any] = [dataset._order, dataset._source]
    while unchecked:
        part = unchecked.pop()
        if not getattr(part, "seeded", True):
            return False
        unchecked += [getattr(part, name) for name in ("order", "source") if hasattr(part, name)]
    return True


def missing(name: str) -> str:
    """Return the message about a method that Dataset does not have."""
    import difflib

    methods = [method for method in vars(Dataset) if not method.startswith("_")]
    near = difflib.get_close_matches(name, methods, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"Dataset.{name} is not in tinynet, which has a part of tf.data. {hint}There are {', '.join(methods)}."


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
