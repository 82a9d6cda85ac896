"""load: a data set by name, or from a folder of one's own, as datasets with their metadata."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import lookup, named_arguments
from ..data import Dataset
from . import fashion_mnist
from .folder import read_folder
from .info import ClassLabel, DatasetInfo, Image, SplitInfo, Splits, select

NAMES = {"en": fashion_mnist.CLASS_NAMES, "ru": fashion_mnist.CLASS_NAMES_RU}
Arrays = tuple[np.ndarray, np.ndarray]


HINTS = {
    "shuffle_files": "Leave it out: shuffle the dataset, as in dataset['train'].shuffle(60000).",
    "download": "Leave it out: what is not there is downloaded.",
    "decoders": "Leave it out: the images are read as they are.",
}


@named_arguments(HINTS)
def load(
    name: str | os.PathLike[str],
    split: str | Sequence[str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    batch_size: int | None = None,
    as_supervised: bool = False,
    with_info: bool = False,
    sample: bool = False,
    class_names: str | Sequence[str] | None = None,
) -> Any:
    """A data set as `data.Dataset`s, with the chief arguments of tensorflow_datasets.load.

        dataset, metadata = tn.datasets.load("fashion_mnist", as_supervised=True, with_info=True)
        train, test = dataset["train"], dataset["test"]

        name            "fashion_mnist", or a folder that holds IDX files named as MNIST's are (train-images-idx3-ubyte,
                        train-labels-idx1-ubyte, t10k-..., plain or with .gz)
        split           None: a dictionary of all splits. A string such as "train", "train[:80%]", "train[-100:]" or
                        "train+test" (or "all"): that dataset. A list, or a dictionary, of strings: one of datasets
        data_dir        where the files of Fashion-MNIST are, or shall be put; see `fashion_mnist.load_data`
        batch_size      batches of so many examples; -1: the arrays themselves, whole, instead of a dataset
        as_supervised   elements (image, label), which `fit` takes, instead of {"image": image, "label": label}
        with_info       return (data, DatasetInfo)
        sample          the 2,000 + 500 images of Fashion-MNIST that come with tinynet, without any download
        class_names     what the classes are called: "en", "ru" or names of your own. A folder has none: its classes are
                        called "0", "1", ..., unless you give names

    Elements are uint8 images (28, 28, 1) and int64 labels, in the order of the published files (tensorflow_datasets
    has another order). ValueError for an unknown name or split, with the nearest valid ones, and for a folder whose
    files do not fit together; otherwise the errors of `fashion_mnist.load_data` and `idx.read`.
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
        split = {one: one for one in arrays}
    if isinstance(split, dict):
        chosen: Any = {key: _select(one, arrays, info, as_supervised, batch_size) for key, one in split.items()}
    elif isinstance(split, str):
        chosen = _select(split, arrays, info, as_supervised, batch_size)
    elif isinstance(split, (list, tuple)):
        chosen = [_select(one, arrays, info, as_supervised, batch_size) for one in split]
    else:
        raise TypeError(f"split must be a string, as 'train[:80%]', or a list of such; got {split!r}.")
    return (chosen, info) if with_info else chosen


def _folder(name: Any) -> Path:
    """The folder of this name, if it is one."""
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
        known = lookup("data set", os.fspath(name), {one: one for one in LOADERS})
        raise ValueError(f"Unknown data set {os.fspath(name)!r}. Did you mean {known!r}?")
    except ValueError as error:
        raise ValueError(f"{error} Nor is there a folder of this name.") from None


def _fashion_mnist(data_dir: Any, sample: bool) -> tuple[str, str, dict[str, Arrays]]:
    train, test = fashion_mnist.load_data(data_dir, sample=sample)
    arrays = {"train": train, "test": test}
    return "fashion_mnist", (fashion_mnist.__doc__ or "").split("\n\nSource")[0], {
        split: (images[..., None], labels) for split, (images, labels) in arrays.items()
    }


LOADERS = {"fashion_mnist": _fashion_mnist}


def _info(title: str, description: str, arrays: dict[str, Arrays], names: Sequence[str] | None) -> DatasetInfo:
    classes = 1 + max(int(labels.max(initial=0)) for _, labels in arrays.values())
    names = names or [str(label) for label in range(classes)]
    if len(names) < classes:
        raise ValueError(f"class_names has {len(names)} names, but the labels go up to {classes - 1}.")
    images = next(iter(arrays.values()))[0]
    splits = Splits({split: SplitInfo(split, len(labels)) for split, (_, labels) in arrays.items()})
    features = {"image": Image(images.shape[1:], images.dtype.name), "label": ClassLabel(names)}
    return DatasetInfo(title, description, splits, features)


def _names(given: Any, languages: dict[str, Sequence[str]] | None) -> Sequence[str] | None:
    if isinstance(given, str) and languages is None:
        raise ValueError(f"class_names for a folder are a list of names; got {given!r}.")
    if isinstance(given, str):
        return lookup("language of class names", given, languages)
    if given is not None and not all(isinstance(name, str) for name in given):
        raise ValueError(f"class_names must be strings; got {list(given)!r}.")
    return given


def _select(text: Any, arrays: dict[str, Arrays], info: DatasetInfo, as_supervised: bool, batch_size: Any) -> Any:
    if not isinstance(text, str):
        raise TypeError(f"A split is a string, as 'train[:80%]'; got {text!r}.")
    pieces = [[array[rows.start : rows.stop] for array in arrays[name]] for name, rows in select(text, info.splits)]
    images, labels = (same[0] if len(same) == 1 else np.concatenate(same) for same in zip(*pieces, strict=True))
    labels = labels.astype("int64")
    element = (images, labels) if as_supervised else {"image": images, "label": labels}
    if batch_size == -1:
        return element
    dataset = Dataset.from_tensor_slices(element)
    return dataset if batch_size is None else dataset.batch(batch_size)
