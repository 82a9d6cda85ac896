"""The description of a data set: its splits and features, under the names of TensorFlow Datasets."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import integer, is_integer, lookup


@dataclasses.dataclass(frozen=True)
class SplitInfo:
    """Describes a part of the data set: its name and the number of its examples."""

    name: str
    num_examples: int


class Splits(dict[str, SplitInfo]):
    """Maps names to SplitInfo, also the names of parts: splits["train[:80%]"].num_examples."""

    def __missing__(self, name: str) -> SplitInfo:
        return SplitInfo(name, sum(len(rows) for _, rows in select(name, self)))


@dataclasses.dataclass(frozen=True)
class Image:
    """Describes images: their common shape (height, width, 1) and dtype."""

    shape: tuple[int, ...]
    dtype: str = "uint8"


class ClassLabel:
    """Describes labels from 0 to num_classes - 1 by the names of the classes.

    Args:
        names: The name of each class, in the order of the labels.
    """

    shape, dtype = (), "int64"

    def __init__(self, names: Sequence[str]):
        self.names = list(names)

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.names)

    def int2str(self, label: int) -> str:
        """Return the name of the class with this label; ValueError if there is none."""
        if not is_integer(label) or not 0 <= label < len(self.names):
            raise ValueError(f"Labels are integers from 0 to {len(self.names) - 1}; got {label!r}.")
        return self.names[label]

    def str2int(self, name: str) -> int:
        """Return the label of the class with this name, letter case aside; ValueError names the nearest ones."""
        return lookup("class", name, {known: i for i, known in enumerate(self.names)})

    def __repr__(self) -> str:
        return f"ClassLabel({self.names})"


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Describes a data set. `load(..., with_info=True)` returns it beside the data.

    It has splits["train"].num_examples, features["image"].shape and .dtype, and of features["label"] the names,
    num_classes, int2str and str2int.
    """

    name: str
    description: str
    splits: Mapping[str, SplitInfo]
    features: Mapping[str, Any]
    supervised_keys: tuple[str, str] = ("image", "label")


def select(text: str, splits: Mapping[str, SplitInfo]) -> list[tuple[str, range]]:
    """Return the splits that a string names, and the range of examples of each.

    Such a string is "train", "train[:80%]", "train[-100:]+test" or "all". Bounds are numbers of examples or, with %,
    hundredths of the split, rounded to the nearest example.

    Raises:
        ValueError: There is no split of this name, a bound is outside the split, or no example is left.
    """
    if text == "all":
        return [(name, range(info.num_examples)) for name, info in splits.items()]
    chosen = []
    for part in text.split("+"):
        match = re.fullmatch(r"\s*([^\[\]\s]+)\s*(?:\[\s*(-?\d+%?)?\s*:\s*(-?\d+%?)?\s*\])?\s*", part)
        if match is None:
            raise ValueError(f"A split is written as 'train', 'train[:80%]', 'train[100:200]' or 'a+b'; got {part!r}.")
        name, first, last = match.groups()
        if name not in splits:
            raise ValueError(_unknown(name, splits))
        count = splits[name].num_examples
        rows = range(count)[_bound(first, count, part) : _bound(last, count, part)]
        if not rows:
            raise ValueError(f"The split {part.strip()!r} holds none of the {count:,} examples of {name!r}.")
        chosen.append((name, rows))
    return chosen


def _unknown(name: str, splits: Mapping[str, SplitInfo]) -> str:
    """Return the message about a split that is not there."""
    import difflib

    near = difflib.get_close_matches(name.lower(), splits, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if name.lower().startswith("val") and "train" in splits:
        hint = " Take a part of 'train' for validation: 'train[:80%]' to train with and 'train[80%:]' to validate."
    return f"Unknown split {name!r}.{hint} Known: {', '.join(map(repr, splits))}."


def _bound(text: str | None, count: int, part: str) -> int | None:
    """Return a bound of a slice as a number of examples; None if it is left out."""
    if text is None:
        return None
    number, most = int(text.rstrip("%")), 100 if text.endswith("%") else count
    if abs(number) > most:
        raise ValueError(f"The bound {text} of {part.strip()!r} is outside of its {count:,} examples.")
    return round(number * count / 100) if text.endswith("%") else integer("bound", number, least=-count)
