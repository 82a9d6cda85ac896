"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import as_array, as_classes, as_names, as_scores, given_names, same_length
from .figures import axes, extent, keep_inside, slanted_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 1000  # classes: more make no picture
LEAST = 2.0  # points: numbers that would be smaller are left to the colours

def plot_confusion(
    predictions: Any, true_labels: Any, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the confusion matrix: in row t and column p the number of samples of class t that are taken for class p, the
    darker the more. What is right stands on the diagonal.

    `predictions` are probabilities (or logits) (N, C) or classes (N,), `true_labels` classes (N,). Of classes there are
    C; else as many as there are names; without names, up to the largest one that occurs. The numbers are left out where
    they would be too small to be read.

    Returns the axes; `ax` as in tinynet.plotting. ValueError for other shapes or lengths, for classes out of range, and
    for more than 1,000 classes.
    """
    predictions, true_labels = as_array(predictions, "predictions"), as_array(true_labels, "true_labels")
    class_names = given_names(class_names)
    if predictions.ndim == 1:
        _check_order(true_labels)
        count = None if class_names is None else len(class_names)
        guesses = as_classes(predictions, "predictions", count)
    else:
        guesses, count = as_scores(predictions).argmax(axis=1), predictions.shape[1]
    true = as_classes(true_labels, "true_labels", count)
    same_length(predictions=guesses, true_labels=true)
    count = count or int(max(true.max(), guesses.max())) + 1
    if count > MOST:
        raise ValueError(f"plot_confusion draws up to {MOST:,} classes; got {count:,}.")
    names = as_names(class_names, count)
    counts = np.zeros((count, count), dtype="int64")
    np.add.at(counts, (true, guesses), 1)
    _draw(ax := axes(ax, (8, 7.5)), counts, names)
    return ax


def _check_order(labels: np.ndarray) -> None:
    """ValueError for labels that are probabilities, where the predictions are classes; one-hot labels are not meant."""
    if labels.ndim == 2 and labels.shape[1] > 1 and not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"true_labels must be classes, of shape (N,); got {labels.shape}: are the arguments swapped? It is "
            "plot_confusion(predictions, true_labels)."
        )


def _draw(ax: Axes, counts: np.ndarray, names: Sequence[str]) -> None:
    image = ax.imshow(counts, cmap="Blues", vmin=0)
    ax.grid(False)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    ax.set_yticks(range(len(names)), names, parse_math=False)
    for _ in range(2):  # what keeps the names inside makes the axes smaller
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
