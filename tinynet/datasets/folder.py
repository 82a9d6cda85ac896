"""A user's images and labels: a folder of IDX files with names like MNIST's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from . import idx

ALIASES = {"t10k": "test"}  # MNIST's name for its test images
LARGEST_LABEL = 99_999  # each class up to the largest label gets a name


def read_folder(folder: str | os.PathLike[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return {"train": (images, labels), ...} from files such as train-images-idx3-ubyte and train-labels-idx1-ubyte.

    The name of a split is the word before "images": train, test, validation and so on. t10k is test, and
    "emnist-letters-train-images-..." is a train split too. The file of its labels has "labels" in the place of
    "images". Each file may be gzipped, with .gz at the end of its name.

    Raises:
        ValueError: A file of labels is missing, images and labels do not fit together, or a split has two files.
        IdxError: (a ValueError) A file is damaged.
    """
    folder = Path(folder)
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    files: dict[str, str] = {}
    for name in names:
        match = re.match(r"(?:.*[-_.])?([a-z0-9]+)[-_.]images(?![a-z])", name, re.IGNORECASE)
        if match:
            split = ALIASES.get(match[1].lower(), match[1].lower())
            other = files.setdefault(split, name)
            if other.removesuffix(".gz") != name.removesuffix(".gz"):
                raise ValueError(f"{folder} has two files of {split} images, {other} and {name}: give each a folder.")
    found = {split: _pair(folder, name, names) for split, name in files.items()}
    if not found:
        there = f"there are {', '.join(names[:5])}{', ...' * (len(names) > 5)}" if names else "it is empty"
        raise ValueError(
            f"{folder} has no files such as train-images-idx3-ubyte and train-labels-idx1-ubyte (or .gz): {there}."
        )
    if len({images.shape[1:] for images, _ in found.values()}) > 1:
        shapes = ", ".join(f"{split} {images.shape}" for split, (images, _) in found.items())
        raise ValueError(f"The images in {folder} must all have one size; got {shapes}.")
    return dict(sorted(found.items(), key=lambda item: (item[0] != "train", item[0])))


def _pair(folder: Path, name: str, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the images in the file `name` and their labels; ValueError if the two do not fit together."""
    plain = re.sub("idx[34]", "idx1", re.sub("images", _labels, name, flags=re.IGNORECASE)).removesuffix(".gz")
    partner = next((other for other in (plain, f"{plain}.gz") if other in names), None)
    if partner is None:
        raise ValueError(f"{folder / name} has no labels beside it: {plain} is missing.")
    images, labels = idx.read(folder / name), idx.read(folder / partner)
    both = f"{name} and {partner} in {folder}"
    if images.ndim not in (3, 4) or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{both} are not images (N, height, width) or (N, height, width, channels) and integer labels (N,); got "
            f"{images.dtype} {images.shape} and {labels.dtype} {labels.shape}."
        )
    if len(images) != len(labels) or len(labels) == 0:
        raise ValueError(f"{both} do not fit together: there are {len(images):,} images and {len(labels):,} labels.")
    if not 0 <= labels.min() <= labels.max() <= LARGEST_LABEL:
        raise ValueError(
            f"{folder / partner}: labels count from 0, and at most {LARGEST_LABEL:,} is read; got {labels.min()} to "
            f"{labels.max()}."
        )
    return images if images.ndim == 4 else images[..., None], labels


def _labels(images: re.Match[str]) -> str:
    """Return the word "labels" in the case of the word "images"."""
    word = images[0]
    return "LABELS" if word.isupper() else "Labels" if word[0].isupper() else "labels"
