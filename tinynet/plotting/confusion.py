"""The confusion matrix: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .arguments import as_array, as_classes, as_names, as_scores, given_names, same_length
from .figures import axes, extent, keep_inside, slanted_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

MOST = 1000  # the greatest number of classes that makes a picture
LEAST = 2.0  # points, the least size of numbers; if they would be smaller, the colours have to do


def plot_confusion(
    predictions: ArrayLike, true_labels: ArrayLike, class_names: Iterable[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the confusion matrix.

    Row t and column p hold the number of samples of class t that are taken for class p. The greater the number, the
    darker the cell. Correct predictions are on the diagonal. Numbers that would be too small to be read are left out.

    Args:
        predictions: Probabilities or logits (N, C), or classes (N,).
        true_labels: The true classes (N,).
        class_names: A name for each class. If the predictions are classes, this says how many there are. Without names
            there are as many as the largest class that occurs demands.
        ax: Where to draw; see tinynet.plotting.

    Returns:
        The axes.

    Raises:
        ValueError: Shapes or lengths are wrong, a class is out of range, or there are more than 1,000 classes.
        TypeError: `ax` is not an Axes.
    """
    guessed, labels = as_array(predictions, "predictions"), as_array(true_labels, "true_labels")
    given = given_names(class_names)
    count: int | None
    if guessed.ndim == 1:
        _check_order(labels)
        count = None if given is None else len(given)
        guesses = as_classes(guessed, "predictions", count)
    else:
        guesses, count = as_scores(guessed).argmax(axis=1), guessed.shape[1]
    true = as_classes(labels, "true_labels", count)
    same_length(predictions=guesses, true_labels=true)
    count = count or int(max(true.max(), guesses.max())) + 1
    if count > MOST:
        raise ValueError(f"plot_confusion draws up to {MOST:,} classes; got {count:,}.")
    names = as_names(given, count)
    counts = np.zeros((count, count), dtype="int64")
    np.add.at(counts, (true, guesses), 1)
    _draw(ax := axes(ax, (8, 7.5)), counts, names)
    return ax


def _check_order(labels: np.ndarray) -> None:
    """Raise ValueError for labels that are probabilities beside predictions that are classes; one-hot labels pass."""
    if labels.ndim == 2 and labels.shape[1] > 1 and not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"true_labels must be classes, of shape (N,); got {labels.shape}: are the arguments swapped? It is "
            "plot_confusion(predictions, true_labels)."
        )


def _draw(ax: Axes, counts: np.ndarray, names: Sequence[str]) -> None:
    """Draw the matrix, the names at its sides and the numbers in its cells."""
    image = ax.imshow(counts, cmap="Blues", vmin=0)
    ax.grid(False)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.set_yticks(range(len(names)), names, parse_math=False)
    for _ in range(2):  # to keep the names inside, the axes is made smaller
        slanted_names(ax, names)
        keep_inside(ax)
    for name, below in zip(ax.get_yticklabels(), ax.get_xticklabels(), strict=True):
        name.set_fontsize(below.get_fontsize())
    cell = min(extent(ax)) / len(names)  # in points
    widest = len(f"{counts.max():,}")
    size = min(10.0, cell / 1.5, cell / (0.75 * widest))  # a digit is 0.64 sizes wide
    for (row, column), number in np.ndenumerate(counts) if size >= LEAST else ():
        red, green, blue, _ = image.cmap(image.norm(number))
        colour = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
        ax.text(column, row, f"{number:,}", ha="center", va="center", color=colour, fontsize=size)
