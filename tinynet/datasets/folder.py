"""Images and labels of one's own: a folder of IDX files that are named as MNIST's are."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from . import idx

ALIASES = {"t10k": "test"}  # MNIST's name of its test images


def read_folder(folder: str | os.PathLike[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{"train": (images, labels), ...} from files such as train-images-idx3-ubyte and train-labels-idx1-ubyte.

    A split is called what stands before "images" (train, test, validation, ...; t10k is test), and its labels are the
    file with "labels" in that place. Each may be gzipped, with .gz behind its name. "emnist-letters-train-images-..."
    is a train split too. ValueError where a partner is missing, or the two do not fit together.
    """
    folder = Path(folder).expanduser()
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in names:
        match = re.match(r"(?:.*[-_.])?([A-Za-z0-9]+)[-_.]images\b", name)
        split = match and ALIASES.get(match[1].lower(), match[1].lower())
        if split and split not in found:
            found[split] = _pair(folder, name, names)
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
    plain = re.sub("idx[34]", "idx1", name.replace("images", "labels")).removesuffix(".gz")
    partner = next((other for other in (plain, f"{plain}.gz") if other in names), None)
    if partner is None:
        raise ValueError(f"{folder / name} has no labels beside it: {plain} is missing.")
    images, labels = idx.read(folder / name), idx.read(folder / partner)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or labels.ndim != 1 or len(images) != len(labels) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name} and {partner} in {folder} do not fit together: images (N, H, W) and integer labels (N,) are "
            f"expected; got {images.dtype} {images.shape} and {labels.dtype} {labels.shape}."
        )
    if len(labels) and labels.min() < 0:
        raise ValueError(f"{folder / partner}: labels count from 0; got {labels.min()}.")
    return images, labels
