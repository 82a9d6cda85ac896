"""Images alone: a single one with its scale, or a sheet of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .arguments import as_classes, as_images, as_names, as_picture, given_names, same_length
from .figures import axes, cut, figure, fit_captions, no_ticks, pitch, sheet_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import ArrayLike


def plot_picture(image: ArrayLike, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw one grey image, its smallest value white and its largest black, with a colour bar that tells the values.

    An image whose values are all equal is drawn on the scale from 0 to 1, or from 0 to 255 if it is of integers or
    above 1. The scale is made longer for a value outside.

    Args:
        image: The image, (H, W) or (H, W, 1).
        title: A text above it.
        ax: Where to draw; see tinynet.plotting.

    Returns:
        The axes.

    Raises:
        ValueError: The image has another shape.
        TypeError: `ax` is not an Axes.
    """
    picture = as_picture(image)
    ax = axes(ax, (5, 4))
    low, high = _scale(picture)
    drawn = ax.imshow(picture, cmap="binary", vmin=low, vmax=high)
    ax.grid(False)
    ax.figure.colorbar(drawn, ax=ax)
    if title is not None:
        ax.set_title(title)
    return ax


def plot_grid(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Iterable[str] | None = None,
    rows: int = 5,
    columns: int = 5,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the first rows x columns images, each with its class under it.

    Names that do not fit are cut, with an ellipsis. If there are fewer images than places, the rest stays empty. A new
    figure has only as many rows and columns as it needs.

    Args:
        images: The images, (N, H, W) or (N, H, W, 1).
        labels: Their classes, (N,). Without labels nothing is written.
        class_names: A name for each class. Without names the classes' numbers are written.
        rows: The greatest number of rows.
        columns: The greatest number of columns.
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: A shape is wrong, a label has no name, or there are names without labels.
        TypeError: `fig` is not a Figure or SubFigure.
    """
    pictures = as_images(images)
    rows, columns = sheet_shape(len(pictures), rows, columns, fig)
    wordings = None
    if labels is not None:
        given = given_names(class_names)
        classes = as_classes(labels, "labels", None if given is None else len(given))
        same_length(images=pictures, labels=classes)
        names = as_names(given, int(classes.max()) + 1, exactly=False)
        wordings = [partial(cut, names[label]) for label in classes]
    elif class_names is not None:
        raise ValueError("class_names says what classes are called, not which image is which: give labels as well.")
    fig = figure(fig, (2 * columns, 2 * rows))
    drawn = draw_sheet(fig, pictures, rows, columns)
    if wordings is not None:
        captions = [ax.xaxis.label for ax in drawn]
        fit_captions(captions, wordings[: len(drawn)], pitch(fig, columns))
    return fig


def draw_sheet(fig: Figure, images: np.ndarray, rows: int, columns: int) -> list[Axes]:
    """Draw the first rows x columns images, with empty x labels for captions. Return their axes."""
    grid = fig.add_gridspec(rows, columns)
    drawn = [fig.add_subplot(grid[divmod(place, columns)]) for place in range(min(len(images), rows * columns))]
    for place, ax in enumerate(drawn):
        draw_image(ax, images[place])
        ax.set_xlabel("", parse_math=False)
    return drawn


def draw_image(ax: Axes, image: np.ndarray) -> None:
    """Draw the image alone, its smallest value white and its largest black."""
    low, high = _scale(image)
    ax.imshow(image, cmap="binary", vmin=low, vmax=high)
    no_ticks(ax)


def _scale(image: np.ndarray) -> tuple[float | None, float | None]:
    """Return the ends of the scale for an image whose values are all equal; otherwise (None, None), its own ends."""
    low, high = float(image.min()), float(image.max())
    if low != high:  # NaN, too
        return None, None
    full = 255.0 if image.dtype.kind in "iu" or high > 1 else 1.0
    return min(low, 0.0), max(high, full)
