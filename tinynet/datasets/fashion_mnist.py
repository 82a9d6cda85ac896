"""Fashion-MNIST: 70,000 grey images of clothing, 28 x 28 bytes each, in ten classes of 7,000.

Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
arXiv 1708.07747. The data is under the MIT licence, (c) 2017 Zalando SE.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from . import fetch, idx

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CLASS_NAMES_RU = (
    "Футболка / топ",
    "Шорты",
    "Свитер",
    "Платье",
    "Плащ",
    "Сандали",
    "Рубашка",
    "Кроссовок",
    "Сумка",
    "Ботинок",
)

TITLE = "Fashion-MNIST"
FILES = {  # name: SHA-256 of the decompressed content
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
PACKAGE, PACKAGE_FOLDER = "dataset-fashion-mnist", "/usr/share/datasets/fashion-mnist"
SAMPLE = Path(__file__).parent / "sample"

Split = tuple[np.ndarray, np.ndarray]


def load_data(data_dir: str | os.PathLike[str] | None = None, sample: bool = False) -> tuple[Split, Split]:
    """Return (x_train, y_train), (x_test, y_test): uint8 (60000, 28, 28), (60000,), (10000, 28, 28), (10000,).

    Pixels go from 0 (background) to 255, labels from 0 to 9 (CLASS_NAMES). The order is that of the published files.

    The files are looked for in `data_dir`, or in the folder that the environment variable TINYNET_DATA names. If
    neither is set, they are looked for in the user's cache (~/.cache/tinynet/fashion-mnist), in the folder of Debian's
    package and in Keras's cache.

    Missing files are fetched from public mirrors or, on Debian and Ubuntu, out of the distribution's package (30 MB).
    A folder that was given gets them as .gz files. The cache gets them decompressed, because they are then read in a
    fifth of the time. The content of every file is verified by its SHA-256, each time.

    Args:
        data_dir: The only folder to look in, and to fetch into.
        sample: Return the 2,000 training and 500 test images that come with tinynet: the first 200 and 50 of each
            class, in the order of the full data. No file is looked for.

    Raises:
        FetchError: (an OSError) The data cannot be had. The message lists everything that was tried.
        IdxError: (a ValueError) A file in a folder that was given is wrong.
        OSError: A folder that was given cannot be written to.
    """
    if sample:
        arrays = {name: idx.read(SAMPLE / f"{name}.gz") for name in FILES}
    else:
        given = data_dir or os.environ.get("TINYNET_DATA")
        folders = [Path(given).expanduser()] if given else _known_folders()
        arrays = fetch.obtain(TITLE, FILES, folders, bool(given), MIRRORS, PACKAGE, PACKAGE_FOLDER)
    x_train, y_train, x_test, y_test = (arrays[name] for name in FILES)
    return (x_train, y_train), (x_test, y_test)


def _known_folders() -> list[Path]:
    """Return the folders to look in if the user names none; files are fetched into the first."""
    keras = os.environ.get("KERAS_HOME")
    return [
        fetch.cache_folder("fashion-mnist"),
        Path(PACKAGE_FOLDER),
        (Path(keras) if keras else Path.home() / ".keras") / "datasets" / "fashion-mnist",
    ]
