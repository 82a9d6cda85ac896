"""What a model is trained on, cut into batches: arrays in memory, or batches that somebody else makes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .backend import module, move, on_device, take_rows
from .checks import warn
from .cuda import TYPES, gather
from .data import INFINITE_CARDINALITY, Dataset
from .data.dataset import get_passes, is_reproducible, passing, set_passes

Batch = tuple[Any, Any, Any]  # x, y and sample weights; y and the weights may be None


class ArrayBatches:
    """Batches (x, y, weights) of arrays, in order or in a shuffled one; the last batch may be short.

    The arrays go to the backend once, as they are: images in uint8 stay uint8. Each batch of x is cast to `dtype`
    when it is cut. y and the weights may be None; then they are None in every batch. A shuffled pass reuses its arrays,
    so a batch is valid until the next one is asked for. On a GPU one kernel cuts a shuffled batch, and scales it too,
    if `scale` has been called: (scale, offset) is then in `scaling`, and x scale + offset in each batch.
    """

    scaling: tuple[float, float] | None = None

    def __init__(self, x: Any, y: Any, weights: Any, batch_size: int, backend: str, dtype: Any):
        self.xp = module(backend)
        self.x = self.xp.ascontiguousarray(move(x, self.xp))  # take() would copy a strided array whole, every time
        self.y = None if y is None else move(y, self.xp)
        self.weights = None if weights is None else move(weights, self.xp)
        self.batch_size, self.dtype = batch_size, dtype
        self.order: Any = None
        self.in_one_kernel = on_device(self.x) and len(self.x) > 0 and self.x.dtype.name in TYPES
        if self.in_one_kernel:
            targets = (self.y, self.weights)
            self.y, self.weights = (None if own is None else self.xp.ascontiguousarray(own) for own in targets)

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return len(self)

    def shuffle(self, rng: Any) -> None:
        """Draw the order of the next passes."""
        self.order = move(rng.permutation(len(self.x)), self.xp)

    def scale(self, scaling: tuple[float, float] | None) -> None:
        """Let shuffled batches be scaled, if they are cut by the kernel; else nothing changes."""
        self.scaling = scaling if self.in_one_kernel else None

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, len(self.x), self.batch_size)
        if self.order is None:
            return self._in_order(starts)
        return self._gathered(starts) if self.in_one_kernel else self._shuffled(starts)

    def _in_order(self, starts):
        for start in starts:
            rows = slice(start, start + self.batch_size)
            yield self.x[rows].astype(self.dtype, copy=False), *self._targets(rows)

    def _shuffled(self, starts):
        shape = (min(self.batch_size, len(self.x)), *self.x.shape[1:])
        batch = self.xp.empty(shape, dtype=self.dtype)
        taken = batch if self.x.dtype == self.dtype else self.xp.empty(shape, dtype=self.x.dtype)
        for start in starts:
            rows = self.order[start : start + self.batch_size]
            if len(rows) < len(batch):  # the last one
                batch, taken = batch[: len(rows)], taken[: len(rows)]
            take_rows(self.x, rows, out=taken)
            if self.x.dtype != self.dtype:
                batch[...] = taken
            yield batch, *self._targets(rows)

    def _gathered(self, starts):
        size = min(self.batch_size, len(self.x))
        empty, samples = self.xp.empty, (self.x, self.y, self.weights)
        x = empty((size, *self.x.shape[1:]), dtype=self.dtype)
        y, weights = (None if own is None else empty((size, *own.shape[1:]), dtype=own.dtype) for own in samples[1:])
        for start in starts:
            rows = self.order[start : start + self.batch_size]
            batch = tuple(None if own is None else own[: len(rows)] for own in (x, y, weights))
            gather(samples, rows, batch, self.scaling or (1.0, 0.0))
            yield batch

    def _targets(self, rows):
        y = None if self.y is None else self.y[rows]
        return y, None if self.weights is None else self.weights[rows]


class StreamBatches:
    """Batches from an iterable of (x,), (x, y) or (x, y, weights), each made ready by `prepare` as it comes.

    A generator can be gone through once; anything else anew for each pass. `steps` is how many batches a pass has, if
    that is known, else None; `endless` is whether a dataset is known to repeat without end.
    """

    def __init__(self, source: Iterable[Any], prepare: Callable[[Any], Batch]):
        self.source, self.prepare = source, prepare
        self.endless = isinstance(source, Dataset) and source.cardinality() == INFINITE_CARDINALITY
        self.steps: int | None = len(source) if hasattr(source, "__len__") and not self.endless else None
        self.begun: Iterator[Any] | None = None  # the pass that `peek` began

    def peek(self) -> None:
        """Make the first batch ready, which builds the model; it is not lost to the pass that follows."""
        passes, batches = self.passes, self._pass()
        for first in batches:
            self.prepare(first)
            if isinstance(self.source, Dataset):
                self.set_passes(passes)  # and the pass that follows begins anew
            else:
                self.begun = itertools.chain([first], batches)
            return
        raise ValueError("There are no batches: the data are empty, or a generator is used up.")

    @property
    def passes(self) -> list[int]:
        """How many passes each shuffle of a dataset has begun; nothing of other iterables."""
        return get_passes(self.source) if isinstance(self.source, Dataset) else []

    def set_passes(self, passes: list[int]) -> bool:
        """Let the shuffles of a dataset have begun so many; False if these are not those of this dataset."""
        if len(passes) != len(self.passes):
            return False
        if passes:
            set_passes(self.source, passes)
        return True

    def __iter__(self) -> Iterator[Batch]:
        batches, self.begun = self.begun or self._pass(), None
        return map(self.prepare, itertools.islice(batches, self.steps))  # Keras's own iterators never end

    def after(self, batches: int) -> Iterator[Batch]:
        """A pass without its first batches."""
        return map(self.prepare, itertools.islice(self._pass(batches), self.steps and self.steps - batches))

    def _pass(self, batches: int = 0) -> Iterator[Any]:
        if isinstance(self.source, Dataset):
            return passing(self.source, batches)
        return itertools.islice(self.source, batches, None)


class Epochs:
    """The batches of one epoch after the other: a whole pass each, or so many `steps`.

    With `steps` one pass goes on from epoch to epoch, as in Keras: where it ends within an epoch, that epoch is short,
    with a warning, and the next one begins a new pass. `reshuffle`, if given, is called before each pass; with a number
    it draws the order of a pass that began so many steps ago.
    """

    def __init__(self, batches: Any, steps: int | None = None, reshuffle: Callable[..., Any] | None = None):
        self.batches, self.asked, self.reshuffle = batches, steps, reshuffle
        self.running: Iterator[Batch] | None = None
        self.seen = self.batches_made = 0  # batches of the running pass, and of all passes
        self.began: list[int] = []  # the passes of the shuffles when the running pass began
        self.warned = False

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has; None if that is not known."""
        return self.batches.steps if self.asked is None else self.asked

    @property
    def scaled(self) -> bool:
        """Whether x has been through the Rescaling that is the model's first layer."""
        return getattr(self.batches, "scaling", None) is not None

    @property
    def place(self) -> dict[str, Any]:
        """Where the next batch is: of the running pass, how many batches came before it, and what its order depends on;
        and what that of the next pass does."""
        now = self.batches.passes if isinstance(self.batches, StreamBatches) else []
        within = self.running is not None
        return {"position": self.seen if within else 0, "began": self.began if within else now, "passes": now}

    def go_to(self, place: dict[str, Any]) -> None:
        """Begin at a place that another process had come to; a warning where that cannot be the same."""
        position = place["position"]
        if isinstance(self.batches, StreamBatches):
            source = self.batches.source
            if not self.batches.set_passes(place["began"]):
                warn("The data are shuffled in another way than in the training that is resumed: this one begins anew.")
                return
            if isinstance(source, Dataset) and not is_reproducible(source):
                warn(
                    "The dataset's shuffle has no seed, so its order is not that of the training that is resumed, and "
                    "the result will differ from that of a training without a stop."
                )
            if position:
                self.running, self.began = self.batches.after(position), place["began"]
            self.batches.set_passes(place["passes"])
        elif position:
            if self.reshuffle is not None:
                self.reshuffle(position)
            self.running = itertools.islice(iter(self.batches), position, None)
        self.seen = self.batches_made = position

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        if self.running is None:
            if self.reshuffle is not None:
                self.reshuffle()
            self.began = self.batches.passes if isinstance(self.batches, StreamBatches) else []
            self.running, self.seen = iter(self.batches), 0
        made = 0
        for batch in itertools.islice(self.running, self.asked):
            made += 1
            yield batch
        self.seen += made
        self.batches_made += made
        if made != self.asked or self.seen == self.batches.steps:
            self.running = None
        if self.batches_made == 0:
            return  # nothing at all: whoever asked raises an error
        if made == 0 or (self.asked and made < self.asked and not self.warned):
            self.warned = True
            whole = f"{self.asked} batches for each epoch" if self.asked else "more"
            warn(
                f"The data ran out: this epoch has {made} batches; asked for were {whole}. Give data that last for "
                "steps_per_epoch * epochs batches (dataset.repeat() never ends), or a smaller steps_per_epoch; a "
                "generator can be used up only once.",
            )


class Limited:
    """The first batches of each pass, or all of them."""

    def __init__(self, batches: Any, limit: int | None):
        self.batches, self.limit, self.warned = batches, limit, False
        known = [steps for steps in (batches.steps, limit) if steps is not None]
        self.steps: int | None = min(known, default=None)

    def __iter__(self) -> Iterator[Batch]:
        made = 0
        for batch in itertools.islice(iter(self.batches), self.limit):
            made += 1
            yield batch
        if self.limit is not None and 0 < made < self.limit and not self.warned:
            self.warned = True
            warn(f"The data ran out: there were {made} batches; asked for were {self.limit}. Give a smaller number.")


def is_stream(x: Any, y: Any = None) -> bool:
    """Whether x gives batches instead of being an array of samples: a generator, say, or a list of (x, y) pairs."""
    if isinstance(x, list):
        return y is None and bool(x) and isinstance(x[0], tuple) and len(x[0]) > 0 and hasattr(x[0][0], "__len__")
    if isinstance(x, (tuple, str, bytes, dict, set)) or hasattr(x, "__array__") or on_device(x):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))
