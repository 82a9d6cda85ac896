"""What a data set says of itself: its splits and features, under the names of TensorFlow Datasets."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import integer, is_integer, lookup


@dataclasses.dataclass(frozen=True)
class SplitInfo:
    """A part of the data set and the number of its examples."""

    name: str
    num_examples: int


class Splits(dict):
    """SplitInfo by name; parts of splits too: splits["train[:80%]"].num_examples."""

    def __missing__(self, name: str) -> SplitInfo:
        return SplitInfo(name, sum(len(rows) for _, rows in select(name, self)))


@dataclasses.dataclass(frozen=True)
class Image:
    """Images of one shape (height, width, 1) and dtype."""

    shape: tuple[int, ...]
    dtype: str = "uint8"


class ClassLabel:
    """Labels from 0 to num_classes - 1, and what they are called."""

    shape, dtype = (), "int64"

    def __init__(self, names: Sequence[str]):
        self.names = list(names)

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.names)

    def int2str(self, label: int) -> str:
        """The name of a class. ValueError for a label that is none."""
        if not is_integer(label) or not 0 <= label < len(self.names):
            raise ValueError(f"Labels are integers from 0 to {len(self.names) - 1}; got {label!r}.")
        return self.names[label]

    def str2int(self, name: str) -> int:
        """The class of a name, letter case aside. ValueError for an unknown one, with the nearest."""
        return lookup("class", name, {known: i for i, known in enumerate(self.names)})

    def __repr__(self) -> str:
        return f"ClassLabel({self.names})"


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """What `load(..., with_info=True)` returns beside the data.

    splits["train"].num_examples, features["image"].shape, features["label"].names, .num_classes, .int2str, .str2int
    """

    name: str
    description: str
    splits: Mapping[str, SplitInfo]
    features: Mapping[str, Any]
    supervised_keys: tuple[str, str] = ("image", "label")


def select(text: str, splits: Mapping[str, SplitInfo]) -> list[tuple[str, range]]:
    """The splits that a string names, and which of their examples: "train", "train[:80%]", "train[-100:]+test", "all".

    Bounds are examples or, with %, hundredths of the split, rounded to the nearest example. ValueError for a name that
    is not there, with those that are, for bounds outside the split, and where nothing is left.
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
    import difflib

    near = difflib.get_close_matches(name.lower(), splits, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if name.lower().startswith("val") and "train" in splits:
        hint = " Take a part of 'train' for validation: 'train[:80%]' to train with and 'train[80%:]' to validate."
    return f"Unknown split {name!r}.{hint} Known: {', '.join(map(repr, splits))}."


def _bound(text: str | None, count: int, part: str) -> int | None:
    if text is None:
        return None
    number, most = int(text.rstrip("%")), 100 if text.endswith("%") else count
    if abs(number) > most:
        raise ValueError(f"The bound {text} of {part.strip()!r} is outside of its {count:,} examples.")
    return round(number * count / 100) if text.endswith("%") else integer("bound", number, least=-count)
