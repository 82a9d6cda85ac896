"""load: makes datasets, with their description, of a data set with a name or of a folder of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import lookup, named_arguments
from ..data import Dataset
from . import fashion_mnist
from .folder import read_folder
from .info import ClassLabel, DatasetInfo, Image, SplitInfo, Splits, select

NAMES = {"en": fashion_mnist.CLASS_NAMES, "ru": fashion_mnist.CLASS_NAMES_RU}
Arrays = tuple[np.ndarray, np.ndarray]  # images (N, height, width, 1) and labels (N,)

HINTS = {
    "shuffle_files": "Leave it out: shuffle the dataset, as in dataset['train'].shuffle(60000).",
    "download": "Leave it out: what is not there is downloaded.",
    "decoders": "Leave it out: the images are read as they are.",
}


@named_arguments(HINTS)
def load(
    name: str | os.PathLike[str],
    split: str | Sequence[str] | Mapping[str, str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    batch_size: int | None = None,
    as_supervised: bool = False,
    with_info: bool = False,
    sample: bool = False,
    class_names: str | Sequence[str] | None = None,
) -> Any:
    """Load a data set as `data.Dataset`s, with the chief arguments of tensorflow_datasets.load.

        dataset, metadata = tn.datasets.load("fashion_mnist", as_supervised=True, with_info=True)
        train, test = dataset["train"], dataset["test"]

    Elements are uint8 images (28, 28, 1) and int64 labels, in the order of the published files. (tensorflow_datasets
    has another order.)

    Args:
        name: "fashion_mnist", or a folder of IDX files with names like MNIST's: train-images-idx3-ubyte,
            train-labels-idx1-ubyte, t10k-..., plain or with .gz.
        split: None for a dictionary of all splits. A string for one dataset: "train", "train[:80%]", "train[-100:]",
            "train+test" or "all". A list or a dictionary of such strings for a list or a dictionary of datasets.
        data_dir: The folder in which the files of Fashion-MNIST are, or are to be put; see `fashion_mnist.load_data`.
        batch_size: The number of examples in a batch. None leaves single examples. -1 returns whole arrays instead of
            a dataset.
        as_supervised: Make elements (image, label), which `fit` takes, instead of {"image": image, "label": label}.
        with_info: Return (data, DatasetInfo).
        sample: Load the 2,000 + 500 images of Fashion-MNIST that come with tinynet, without any download.
        class_names: The names of the classes: "en", "ru" or a list of names. In a folder the classes are called "0",
            "1", ..., unless names are given.

    Returns:
        Datasets or arrays, as `split` and `batch_size` say, and with `with_info` a DatasetInfo beside them.

    Raises:
        ValueError: A name or split is unknown (the message says the nearest valid ones), or the files of a folder do
            not fit together.
        FileNotFoundError: There is no such folder.
        FetchError: (an OSError) The data cannot be had; see `fashion_mnist.load_data`.
        IdxError: (a ValueError) A file is damaged.
    """
    if isinstance(name, str) and name in LOADERS:
        title, description, arrays = LOADERS[name](data_dir, sample)
        names = _names("en" if class_names is None else class_names, NAMES)
    else:
        folder = _folder(name)
        if data_dir is not None or sample:
            raise ValueError(f"data_dir and sample are for data sets with a name; {os.fspath(name)!r} is a folder.")
        title, description = folder.name, f"IDX files in {folder}"
        arrays, names = read_folder(folder), _names(class_names, None)
    info = _info(title, description, arrays, names)
    if split is None:
        split = {part: part for part in arrays}
    chosen: Any
    if isinstance(split, dict):
        chosen = {key: _select(part, arrays, info, as_supervised, batch_size) for key, part in split.items()}
    elif isinstance(split, str):
        chosen = _select(split, arrays, info, as_supervised, batch_size)
    elif isinstance(split, (list, tuple)):
        chosen = [_select(part, arrays, info, as_supervised, batch_size) for part in split]
    else:
        raise TypeError(f"split must be a string, as 'train[:80%]', or a list of such; got {split!r}.")
    return (chosen, info) if with_info else chosen


def _folder(name: Any) -> Path:
    """Return the folder of this name; an error says what is there instead."""
    if not isinstance(name, (str, os.PathLike)):
        raise TypeError(f"A data set is named by a string or a path; got {name!r}.")
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ValueError(f"{os.fspath(name)!r} is a file; name the folder that it is in.")
    if isinstance(name, os.PathLike) or folder.name != name:
        raise FileNotFoundError(f"There is no folder {os.fspath(name)!r}.")
    try:
        known = lookup("data set", os.fspath(name), {title: title for title in LOADERS})
        raise ValueError(f"Unknown data set {os.fspath(name)!r}. Did you mean {known!r}?")
    except ValueError as error:
        raise ValueError(f"{error} Nor is there a folder of this name.") from None


def _fashion_mnist(data_dir: Any, sample: bool) -> tuple[str, str, dict[str, Arrays]]:
    """Return the title, the description and the arrays by split."""
    train, test = fashion_mnist.load_data(data_dir, sample=sample)
    arrays = {"train": train, "test": test}
    return "fashion_mnist", (fashion_mnist.__doc__ or "").split("\n\nSource")[0], {
        split: (images[..., None], labels) for split, (images, labels) in arrays.items()
    }


LOADERS = {"fashion_mnist": _fashion_mnist}


def _info(title: str, description: str, arrays: dict[str, Arrays], names: Sequence[str] | None) -> DatasetInfo:
    """Return the description of these arrays; ValueError if there are fewer names than classes."""
    classes = 1 + max(int(labels.max(initial=0)) for _, labels in arrays.values())
    names = names or [str(label) for label in range(classes)]
    if len(names) < classes:
        raise ValueError(f"class_names has {len(names)} names, but the labels go up to {classes - 1}.")
    images = next(iter(arrays.values()))[0]
    splits = Splits({split: SplitInfo(split, len(labels)) for split, (_, labels) in arrays.items()})
    features = {"image": Image(images.shape[1:], images.dtype.name), "label": ClassLabel(names)}
    return DatasetInfo(title, description, splits, features)


def _names(given: Any, languages: Mapping[str, Sequence[str]] | None) -> Sequence[str] | None:
    """Return the names of the classes: those given, or those of a language if the data set has some."""
    if isinstance(given, str):
        if languages is None:
            raise ValueError(f"class_names for a folder are a list of names; got {given!r}.")
        return lookup("language of class names", given, languages)
    if given is not None and not all(isinstance(name, str) for name in given):
        raise ValueError(f"class_names must be strings; got {list(given)!r}.")
    return given


def _select(text: Any, arrays: dict[str, Arrays], info: DatasetInfo, as_supervised: bool, batch_size: Any) -> Any:
    """Return the dataset, or with batch_size=-1 the arrays, of the examples that a string names."""
    if not isinstance(text, str):
        raise TypeError(f"A split is a string, as 'train[:80%]'; got {text!r}.")
    pieces = [[array[rows.start : rows.stop] for array in arrays[name]] for name, rows in select(text, info.splits)]
    images, labels = (part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*pieces, strict=True))
    labels = labels.astype("int64")
    element = (images, labels) if as_supervised else {"image": images, "label": labels}
    if batch_size == -1:
        return element
    dataset = Dataset.from_tensor_slices(element)
    return dataset if batch_size is None else dataset.batch(batch_size)
