"""What a classifier says of images: its guesses in words, its probabilities as bars, its mistakes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
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
    from matplotlib.figure import FigureBase

RIGHT, WRONG, OTHER = "blue", "red", "#777777"


def plot_image(
    i: int,
    predictions: Any,
    true_labels: Any,
    images: Any,
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw image number `i` and under it what the classifier takes it for, how surely, and what it is: "Sneaker 93%
    (Bag)", in blue if that is right, in red if it is wrong. Names that do not fit are cut, with an ellipsis.

    `predictions` are probabilities (N, C), `true_labels` classes (N,), `images` (N, H, W) or (N, H, W, 1). Predictions
    for a single image, (1, C), may stand with i=0 beside the labels and images of many.

    Returns the axes; `ax` as in tinynet.plotting. ValueError for other shapes or lengths, labels or an `i` out of
    range, and predictions that are no probabilities.
    """
    predictions, true_labels, names = _checked(predictions, true_labels, class_names, single=True)
    images = as_images(images)
    same_length(images=images, true_labels=true_labels)
    i = as_index(i, len(predictions))
    ax = axes(ax, (4, 4))
    draw_image(ax, images[i])
    _fit_like_others(ax, draw_caption(ax, predictions[i], true_labels[i], names), names)
    return ax


def plot_value_array(
    i: int, predictions: Any, true_labels: Any, class_names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the probabilities of sample `i` as bars from 0 to 1: grey, that of the predicted class red and that of the
    true class blue, so that a right prediction shows no red. `class_names`, where given, stand under the bars.

    `predictions` are (N, C), `true_labels` classes (N,). Predictions for a single sample, (1, C), may stand with i=0
    beside the labels of many.

    Returns the axes; `ax` as in tinynet.plotting. ValueError for other shapes or lengths, labels or an `i` out of
    range, and predictions that are no probabilities.
    """
    predictions, true_labels, names = _checked(predictions, true_labels, class_names, single=True)
    i = as_index(i, len(predictions))
    ax = axes(ax, (5, 4))
    draw_bars(ax, predictions[i], true_labels[i])
    if class_names is not None:
        slanted_names(ax, names)
        keep_inside(ax)
    return ax


def plot_predictions(
    predictions: Any,
    true_labels: Any,
    images: Any,
    class_names: Sequence[str] | None = None,
    rows: int = 5,
    columns: int = 3,
    fig: FigureBase | None = None,
) -> FigureBase:
    """Draw the first rows x columns samples, each as the image of `plot_image` beside the bars of `plot_value_array`,
    these without names.

    `predictions` are probabilities (N, C), `true_labels` classes (N,), `images` (N, H, W) or (N, H, W, 1).

    Returns the figure; `fig` as in tinynet.plotting. ValueError for other shapes or lengths, labels out of range, and
    predictions that are no probabilities.
    """
    predictions, true_labels, names = _checked(predictions, true_labels, class_names)
    images = as_images(images)
    same_length(predictions=predictions, images=images)
    rows, columns = sheet_shape(len(images), rows, columns, fig)
    fig = figure(fig, (4 * columns, 2 * rows))
    grid = fig.add_gridspec(rows, 2 * columns, width_ratios=(3, 2) * columns)  # a caption is wider than its image
    pictures, wordings = [], []
    for place in range(min(len(predictions), rows * columns)):
        row, column = divmod(place, columns)
        beside = [fig.add_subplot(grid[row, 2 * column + side]) for side in (0, 1)]
        draw_image(beside[0], images[place])
        wordings.append(draw_caption(beside[0], predictions[place], true_labels[place], names))
        draw_bars(beside[1], predictions[place], true_labels[place])
        beside[0].set_anchor("E")  # next to its bars
        pictures.append(beside[0])
    width = pitch(fig, columns)
    captions = [ax.xaxis.label for ax in pictures]
    fit_captions(captions, wordings, 0.7 * width)  # under the bars, too, there is room
    widest, image = max(caption.get_window_extent().width for caption in captions), _image_width(pictures[0])
    share = (image + max(0.0, widest - image) / 2) / width + 0.05
    if share < 0.6:  # no wider than its image and its caption need
        grid.set_width_ratios((share, 1 - share) * columns)
    return fig


def plot_mistakes(
    predictions: Any,
    true_labels: Any,
    images: Any,
    class_names: Sequence[str] | None = None,
    rows: int = 3,
    columns: int = 5,
    fig: FigureBase | None = None,
) -> FigureBase:
    """Draw the wrongly classified images, the most confident mistake first (that of the greatest probability given to
    the wrong class), at most rows x columns, each with the caption of `plot_image`. Where there is no mistake, the
    figure says so.

    `predictions` are probabilities (N, C), `true_labels` classes (N,), `images` (N, H, W) or (N, H, W, 1).

    Returns the figure; `fig` as in tinynet.plotting. ValueError for other shapes or lengths, labels out of range, and
    predictions that are no probabilities.
    """
    predictions, true_labels, names = _checked(predictions, true_labels, class_names)
    images = as_images(images)
    same_length(predictions=predictions, images=images)
    wrong = np.flatnonzero(predictions.argmax(axis=1) != true_labels)
    order = wrong[np.argsort(-predictions[wrong].max(axis=1), kind="stable")]
    rows, columns = sheet_shape(max(1, len(order)), rows, columns, fig)
    fig = figure(fig, (2.4 * columns, 2.6 * rows) if len(order) else (4.8, 1.3))
    if not len(order):
        ax = fig.add_subplot()
        ax.set_axis_off()
        text = f"No mistake among {len(predictions):,} predictions"
        shrink([ax.text(0.5, 0.5, text, ha="center", va="center", size="x-large")], fig.bbox.width)
        return fig
    drawn = draw_sheet(fig, images[order], rows, columns)
    wordings = [
        draw_caption(ax, predictions[place], true_labels[place], names)
        for ax, place in zip(drawn, order, strict=False)
    ]
    fit_captions([ax.xaxis.label for ax in drawn], wordings, pitch(fig, columns))
    return fig


def draw_caption(ax: Axes, probabilities: np.ndarray, true: int, names: Sequence[str]) -> Callable[[int], str]:
    """Under an image: the predicted class, its probability, and in brackets the true one; blue or red. Returns the text
    as a function of the number of characters that names are cut to."""
    guess = int(probabilities.argmax())
    wording = _wording(names[guess], f"{100 * float(probabilities[guess]):2.0f}%", names[true])
    ax.set_xlabel(wording(sys.maxsize), color=RIGHT if guess == true else WRONG, parse_math=False)
    return wording


def _wording(guess: str, percent: str, true: str) -> Callable[[int], str]:
    return lambda limit: f"{cut(guess, limit)} {percent} ({cut(true, limit)})"


def _fit_like_others(ax: Axes, wording: Callable[[int], str], names: Sequence[str]) -> None:
    """The caption in a size that does for all captions with these names, so that images side by side look alike; but
    not below SMALL for the sake of others."""
    label, longest = ax.xaxis.label, max(names, key=len)
    size, width = label.get_fontsize(), cell_width(ax)
    fit_captions([label], [_wording(longest, "100%", longest)], width)
    label.set_fontsize(max(label.get_fontsize(), min(SMALL, size)))
    fit_captions([label], [wording], width)


def _image_width(ax: Axes) -> float:
    """The width in pixels of the image on this axes."""
    return extent(ax)[0] * ax.figure.dpi / 72


def draw_bars(ax: Axes, probabilities: np.ndarray, true: int) -> None:
    """The probabilities as bars, without ticks: the predicted one red, then the true one blue."""
    bars = ax.bar(range(len(probabilities)), probabilities, color=OTHER)
    no_ticks(ax)
    ax.set_ylim(0, 1)
    bars[int(probabilities.argmax())].set_color(WRONG)
    bars[int(true)].set_color(RIGHT)


def _checked(
    predictions: Any, true_labels: Any, class_names: Any, single: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """All of it checked; with `single` the prediction for one sample may stand beside the labels of many."""
    predictions = as_probabilities(predictions)
    true_labels = as_classes(true_labels, "true_labels", predictions.shape[1])
    if not (single and len(predictions) == 1):
        same_length(predictions=predictions, true_labels=true_labels)
    return predictions, true_labels, as_names(class_names, predictions.shape[1])
