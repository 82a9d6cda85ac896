"""The predictions of a classifier for images: guesses in words, probabilities as bars, mistakes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import as_classes, as_images, as_index, as_names, as_probabilities, same_length
from .figures import (
    SMALL,
    axes,
    cell_width,
    cut,
    extent,
    figure,
    fit_captions,
    keep_inside,
    no_ticks,
    pitch,
    sheet_shape,
    shrink,
    slanted_names,
)
from .images import draw_image, draw_sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import ArrayLike

RIGHT, WRONG, OTHER = "blue", "red", "#777777"


def plot_image(
    i: int,
    predictions: ArrayLike,
    true_labels: ArrayLike,
    images: ArrayLike,
    class_names: Iterable[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw image number `i`, and under it the prediction, its probability and the true class: "Sneaker 93% (Bag)".

    The caption is blue if the prediction is right, and red if it is wrong. Names that do not fit are cut, with an
    ellipsis.

    Args:
        i: The index of the image.
        predictions: Probabilities (N, C). With i=0 they may be those of a single image, (1, C), beside the labels and
            images of many.
        true_labels: The true classes (N,).
        images: The images, (N, H, W) or (N, H, W, 1).
        class_names: A name for each class. Without names the classes' numbers are written.
        ax: Where to draw; see tinynet.plotting.

    Returns:
        The axes.

    Raises:
        ValueError: A shape or length is wrong, a label or `i` is out of range, or the predictions are not
            probabilities.
        TypeError: `ax` is not an Axes.
    """
    probabilities, labels, names = _checked(predictions, true_labels, class_names, single=True)
    pictures = as_images(images)
    same_length(images=pictures, true_labels=labels)
    i = as_index(i, len(probabilities))
    ax = axes(ax, (4, 4))
    draw_image(ax, pictures[i])
    _fit_like_others(ax, draw_caption(ax, probabilities[i], labels[i], names), names)
    return ax


def plot_value_array(
    i: int,
    predictions: ArrayLike,
    true_labels: ArrayLike,
    class_names: Iterable[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the probabilities of sample `i` as bars from 0 to 1.

    The bars are grey, that of the predicted class is red and that of the true class blue. So a right prediction shows
    no red.

    Args:
        i: The index of the sample.
        predictions: Probabilities (N, C). With i=0 they may be those of a single sample, (1, C), beside the labels of
            many.
        true_labels: The true classes (N,).
        class_names: A name for each class, written under the bars. Without names nothing is written.
        ax: Where to draw; see tinynet.plotting.

    Returns:
        The axes.

    Raises:
        ValueError: A shape or length is wrong, a label or `i` is out of range, or the predictions are not
            probabilities.
        TypeError: `ax` is not an Axes.
    """
    probabilities, labels, names = _checked(predictions, true_labels, class_names, single=True)
    i = as_index(i, len(probabilities))
    ax = axes(ax, (5, 4))
    draw_bars(ax, probabilities[i], labels[i])
    if class_names is not None:
        slanted_names(ax, names)
        keep_inside(ax)
    return ax


def plot_predictions(
    predictions: ArrayLike,
    true_labels: ArrayLike,
    images: ArrayLike,
    class_names: Iterable[str] | None = None,
    rows: int = 5,
    columns: int = 3,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the first rows x columns samples, each as the image of `plot_image` beside the bars of `plot_value_array`.

    The bars have no names.

    Args:
        predictions: Probabilities (N, C).
        true_labels: The true classes (N,).
        images: The images, (N, H, W) or (N, H, W, 1).
        class_names: A name for each class. Without names the classes' numbers are written.
        rows: The greatest number of rows.
        columns: The greatest number of columns.
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: A shape or length is wrong, a label is out of range, or the predictions are not probabilities.
        TypeError: `fig` is not a Figure or SubFigure.
    """
    probabilities, labels, names = _checked(predictions, true_labels, class_names)
    pictures = as_images(images)
    same_length(predictions=probabilities, images=pictures)
    rows, columns = sheet_shape(len(pictures), rows, columns, fig)
    fig = figure(fig, (4 * columns, 2 * rows))
    grid = fig.add_gridspec(rows, 2 * columns, width_ratios=(3, 2) * columns)  # a caption is wider than its image
    drawn, wordings = [], []
    for place in range(min(len(probabilities), rows * columns)):
        row, column = divmod(place, columns)
        beside = [fig.add_subplot(grid[row, 2 * column + side]) for side in (0, 1)]
        draw_image(beside[0], pictures[place])
        wordings.append(draw_caption(beside[0], probabilities[place], labels[place], names))
        draw_bars(beside[1], probabilities[place], labels[place])
        beside[0].set_anchor("E")  # next to its bars
        drawn.append(beside[0])
    width = pitch(fig, columns)
    captions = [ax.xaxis.label for ax in drawn]
    fit_captions(captions, wordings, 0.7 * width)  # there is room under the bars, too
    widest, image = max(caption.get_window_extent().width for caption in captions), _image_width(drawn[0])
    share = (image + max(0.0, widest - image) / 2) / width + 0.05
    if share < 0.6:  # the column of images is made no wider than images and captions need
        grid.set_width_ratios((share, 1 - share) * columns)
    return fig


def plot_mistakes(
    predictions: ArrayLike,
    true_labels: ArrayLike,
    images: ArrayLike,
    class_names: Iterable[str] | None = None,
    rows: int = 3,
    columns: int = 5,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the wrongly classified images, the most confident mistake first.

    Its confidence is the probability of the predicted, wrong class. Each image has the caption of `plot_image`. If
    there is no mistake, the figure says so.

    Args:
        predictions: Probabilities (N, C).
        true_labels: The true classes (N,).
        images: The images, (N, H, W) or (N, H, W, 1).
        class_names: A name for each class. Without names the classes' numbers are written.
        rows: The greatest number of rows.
        columns: The greatest number of columns.
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: A shape or length is wrong, a label is out of range, or the predictions are not probabilities.
        TypeError: `fig` is not a Figure or SubFigure.
    """
    probabilities, labels, names = _checked(predictions, true_labels, class_names)
    pictures = as_images(images)
    same_length(predictions=probabilities, images=pictures)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    rows, columns = sheet_shape(max(1, len(order)), rows, columns, fig)
    fig = figure(fig, (2.4 * columns, 2.6 * rows) if len(order) else (4.8, 1.3))
    if not len(order):
        ax = fig.add_subplot()
        ax.set_axis_off()
        text = f"No mistake among {len(probabilities):,} predictions"
        shrink([ax.text(0.5, 0.5, text, ha="center", va="center", size="x-large")], fig.bbox.width)
        return fig
    drawn = draw_sheet(fig, pictures[order], rows, columns)
    wordings = [
        draw_caption(ax, probabilities[place], labels[place], names)
        for ax, place in zip(drawn, order, strict=False)
    ]
    fit_captions([ax.xaxis.label for ax in drawn], wordings, pitch(fig, columns))
    return fig


def draw_caption(ax: Axes, probabilities: np.ndarray, true: int, names: Sequence[str]) -> Callable[[int], str]:
    """Write under an image the predicted class, its probability and in brackets the true class, in blue or red.

    Return the text as a function of the number of characters that names are cut to.
    """
    guess = int(probabilities.argmax())
    wording = _wording(names[guess], f"{100 * float(probabilities[guess]):2.0f}%", names[true])
    ax.set_xlabel(wording(sys.maxsize), color=RIGHT if guess == true else WRONG, parse_math=False)
    return wording


def _wording(guess: str, percent: str, true: str) -> Callable[[int], str]:
    """Return the text of a caption as a function of the number of characters that names are cut to."""
    return lambda limit: f"{cut(guess, limit)} {percent} ({cut(true, limit)})"


def _fit_like_others(ax: Axes, wording: Callable[[int], str], names: Sequence[str]) -> None:
    """Give the caption a size in which all captions with these names fit: images side by side then look alike.

    The size does not go below SMALL for the sake of other captions.
    """
    label, longest = ax.xaxis.label, max(names, key=len)
    size, width = float(label.get_fontsize()), cell_width(ax)
    fit_captions([label], [_wording(longest, "100%", longest)], width)
    label.set_fontsize(max(label.get_fontsize(), min(SMALL, size)))
    fit_captions([label], [wording], width)


def _image_width(ax: Axes) -> float:
    """Return the width in pixels of the image on this axes."""
    return extent(ax)[0] * ax.figure.dpi / 72


def draw_bars(ax: Axes, probabilities: np.ndarray, true: int) -> None:
    """Draw the probabilities as bars, without ticks: first the predicted one in red, then the true one in blue."""
    bars = ax.bar(range(len(probabilities)), probabilities, color=OTHER)
    no_ticks(ax)
    ax.set_ylim(0, 1)
    bars[int(probabilities.argmax())].set_color(WRONG)
    bars[int(true)].set_color(RIGHT)


def _checked(
    predictions: Any, true_labels: Any, class_names: Any, single: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the checked arguments; with `single` the prediction for one sample may come with the labels of many."""
    probabilities = as_probabilities(predictions)
    labels = as_classes(true_labels, "true_labels", probabilities.shape[1])
    if not (single and len(probabilities) == 1):
        same_length(predictions=probabilities, true_labels=labels)
    return probabilities, labels, as_names(class_names, probabilities.shape[1])
