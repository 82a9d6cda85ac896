"""Images as they are: one, or a sheet of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import as_classes, as_images, as_names, as_picture, given_names, same_length
from .figures import axes, cut, figure, fit_captions, no_ticks, pitch, sheet_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase


def plot_picture(image: Any, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw one grey image, (H, W) or (H, W, 1): its smallest value white, its largest black, and a colour bar beside it
    that tells the values. An image of one value alone is drawn on the scale from 0 to 1, or from 0 to 255 if it is of
    integers or above 1; the scale is made longer for a value outside. `title` stands above.

    Returns the axes; `ax` as in tinynet.plotting. ValueError for another shape.
    """
    image = as_picture(image)
    ax = axes(ax, (5, 4))
    drawn = ax.imshow(image, cmap="binary", **_scale(image))
    ax.grid(False)
    ax.figure.colorbar(drawn, ax=ax)
    if title is not None:
        ax.set_title(title)
    return ax


def plot_grid(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    rows: int = 5,
    columns: int = 5,
    fig: FigureBase | None = None,
) -> FigureBase:
    """Draw the first rows x columns of the images, (N, H, W) or (N, H, W, 1), under each its class.

    `labels` are classes, (N,): what is written are their `class_names`, or without those their numbers; nothing is
    written without labels. Names that do not fit are cut, with an ellipsis. Where there are fewer images than places
    the rest stays empty; a new figure has only as many rows and columns as it needs.

    Returns the figure; `fig` as in tinynet.plotting. ValueError for other shapes, for labels that have no name, and for
    names without labels.
    """
    images = as_images(images)
    rows, columns = sheet_shape(len(images), rows, columns, fig)
    wordings = None
    if labels is not None:
        class_names = given_names(class_names)
        labels = as_classes(labels, "labels", None if class_names is None else len(class_names))
        same_length(images=images, labels=labels)
        names = as_names(class_names, int(labels.max()) + 1, exactly=False)
        wordings = [partial(cut, names[label]) for label in labels]
    elif class_names is not None:
        raise ValueError("class_names says what classes are called, not which image is which: give labels as well.")
    fig = figure(fig, (2 * columns, 2 * rows))
    drawn = draw_sheet(fig, images, rows, columns)
    if wordings is not None:
        captions = [ax.xaxis.label for ax in drawn]
        fit_captions(captions, wordings[: len(drawn)], pitch(fig, columns))
    return fig


def draw_sheet(fig: FigureBase, images: np.ndarray, rows: int, columns: int) -> list[Axes]:
    """The first rows x columns images, with labels for captions; the axes of those that there are."""
    grid = fig.add_gridspec(rows, columns)
    drawn = [fig.add_subplot(grid[divmod(place, columns)]) for place in range(min(len(images), rows * columns))]
    for place, ax in enumerate(drawn):
        draw_image(ax, images[place])
        ax.set_xlabel("", parse_math=False)
    return drawn


def draw_image(ax: Axes, image: np.ndarray) -> None:
    """The image alone, its smallest value white and its largest black."""
    ax.imshow(image, cmap="binary", **_scale(image))
    no_ticks(ax)


def _scale(image: np.ndarray) -> dict[str, float]:
    """For an image of one value the scale that it belongs to, as it has none of its own; else nothing."""
    low, high = float(image.min()), float(image.max())
    if low != high:  # NaN, too
        return {}
    full = 255.0 if image.dtype.kind in "iu" or high > 1 else 1.0
    return {"vmin": min(low, 0.0), "vmax": max(high, full)}
