"""The places to draw on: matplotlib itself, axes and figures, and texts that must fit into them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from ..arguments import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.text import Text

CLEARANCE = 0.95  # the share of the room that texts may fill
SMALL, LEAST = 8.0, 6.0  # points: the size of a caption that is read with ease, and of one that can still be read
ROUNDING = 0.97  # the share that still fits, since letters of whole pixels may come out wider
LONG = 16  # characters: names up to this length are made smaller before they are cut


def pyplot() -> ModuleType:
    """Return matplotlib.pyplot; ImportError says what to install if it is missing."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        broken = "" if error.name == "matplotlib" else f" What is there cannot be imported: {error}."
        raise ImportError(
            f"tinynet.plotting needs matplotlib: python -m pip install matplotlib{broken}", name="matplotlib"
        ) from error
    return pyplot


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or pyplot's current axes if nothing is drawn on it yet, or that of a new figure of this size.

    The size is in inches. TypeError if `ax` is not a plane Axes.
    """
    plt = pyplot()
    if ax is not None:
        if not isinstance(ax, plt.Axes):
            raise TypeError(f"ax must be an Axes of matplotlib's, as plt.subplot() returns one; got {ax!r}.")
        if ax.name != "rectilinear":
            raise TypeError(f"ax must be a plane Axes, as plt.subplot() returns one; got one of kind {ax.name!r}.")
        return ax
    if plt.get_fignums():
        fig = plt.gcf()
        if not fig.axes and not fig.subfigs:
            return fig.add_subplot()
        current = plt.gca() if fig.axes else None
        if current is not None and current.name == "rectilinear" and not (current.has_data() or current.texts):
            return current
    return _new(size).add_subplot()


def figure(fig: Figure | SubFigure | None, size: tuple[float, float]) -> Figure:
    """Return `fig`, or a new figure of this size in inches; TypeError if `fig` is not a Figure or SubFigure.

    By its type the result is a Figure, to which users can do more. Functions here do only what a SubFigure can, too.
    """
    pyplot()
    from matplotlib.figure import FigureBase

    if fig is None:
        return _new(size)
    if not isinstance(fig, FigureBase):
        raise TypeError(f"fig must be a Figure or a SubFigure of matplotlib's; got {fig!r}.")
    return cast("Figure", fig)


def _new(size: tuple[float, float]) -> Figure:
    """Return a new figure of pyplot's that makes room for all texts."""
    fig = pyplot().figure(figsize=size, layout="constrained")
    fig.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    return fig


def sheet_shape(count: int, rows: Any, columns: Any, fig: Figure | SubFigure | None) -> tuple[int, int]:
    """Return the numbers of rows and columns of a sheet of `count` images.

    A given figure gets as many as asked for. A new figure gets none that would be empty. ValueError if `rows` or
    `columns` is not a positive integer.
    """
    rows, columns = integer("rows", rows), integer("columns", columns)
    if fig is None:
        columns = min(columns, count)
        rows = min(rows, -(-count // columns))
    return rows, columns


def no_ticks(ax: Axes) -> None:
    """Remove the grid and the ticks."""
    ax.grid(False)
    ax.set_xticks([])
    ax.set_yticks([])


def extent(ax: Axes) -> tuple[float, float]:
    """Return the width and height of an axes in points, as placed by its figure's layout if it has one."""
    engine = ax.figure.get_layout_engine()
    if engine is not None:
        for _ in range(3):  # the layout of a square axes comes to rest step by step
            engine.execute(ax.figure.canvas.figure)
    ax.apply_aspect()
    box, points = ax.get_window_extent(), 72 / ax.figure.dpi
    return box.width * points, box.height * points


def pitch(fig: Figure, columns: int) -> float:
    """Return the width in pixels of each of `columns` columns; a figure without a layout keeps its margins."""
    inside = fig.subplotpars.right - fig.subplotpars.left if fig.get_layout_engine() is None else 1.0
    return inside * fig.bbox.width / columns


def cell_width(ax: Axes) -> float:
    """Return the width in pixels that a text under this axes may take: the axes and the usual gap beside it."""
    return ax.get_position(original=True).width * ax.figure.bbox.width * 1.2


def shrink(texts: Iterable[Text], width: float) -> None:
    """Make all texts smaller by the same factor if the widest one is wider than `width` pixels."""
    texts = list(texts)
    widest = max((text.get_window_extent().width for text in texts), default=0)
    if widest > width * CLEARANCE:
        for text in texts:
            text.set_fontsize(float(text.get_fontsize()) * width * CLEARANCE / widest)


def fit_captions(captions: Sequence[Text], wordings: Sequence[Callable[[int], str]], width: float) -> None:
    """Write captions in the same size, none wider than `width` pixels.

    A wording takes a number of characters and returns the text of a caption with its names cut to it. Names that would
    make captions smaller than SMALL are cut to LONG characters. Then all captions become smaller, down to LEAST. A
    caption that is still too wide is cut further.
    """
    size = float(captions[0].get_fontsize())
    for limit in (sys.maxsize, LONG):
        for caption, wording in zip(captions, wordings, strict=True):
            caption.set_text(wording(limit))
        if _shrunk_size(captions, size, width) >= min(SMALL, size):
            break
    for caption, wording in zip(captions, wordings, strict=True):
        caption.set_fontsize(max(caption.get_fontsize(), min(LEAST, size)))
        for limit in range(LONG, 0, -1):
            if caption.get_window_extent().width <= width:
                break
            caption.set_text(wording(limit))
    if max(caption.get_window_extent().width for caption in captions) > width:  # no room for a single letter
        _shrunk_size(captions, float(captions[0].get_fontsize()), width)


def _shrunk_size(captions: Sequence[Text], size: float, width: float) -> float:
    """Give the captions a size, at most `size`, in which they fit, and return it."""
    for _ in range(5):  # letters of whole pixels do not become narrower at every smaller size
        for caption in captions:
            caption.set_fontsize(size)
        widest = max(caption.get_window_extent().width for caption in captions)
        if widest <= width * ROUNDING:
            break
        size *= width * CLEARANCE / widest
    return float(captions[0].get_fontsize())


def cut(name: str, limit: int) -> str:
    """Return the name in at most `limit` characters, with an ellipsis in place of its end."""
    return name if len(name) <= limit else name[: limit - 1].rstrip(" /-,.") + "…"


def slanted_names(ax: Axes, names: Iterable[str], **options: Any) -> None:
    """Write names under the x axis, slanted by 45 degrees, at 0, 1, ..., no larger than their distance allows."""
    names = list(names)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", **options)
    left, right = ax.get_xlim()
    pitch = extent(ax)[0] / (right - left)  # in points
    for label in ax.get_xticklabels():
        label.set_fontsize(min(label.get_fontsize(), 0.707 * pitch / 1.1))  # cos 45, and a line is 1.1 sizes high
        label.set_parse_math(False)


def keep_inside(ax: Axes) -> None:
    """Widen the left and the bottom margin of a figure without a layout until the texts there fit."""
    fig = ax.figure
    if fig.get_layout_engine() is not None:
        return
    around: Any = ax.get_tightbbox()
    whole, margins = fig.bbox, fig.subplotpars
    left = margins.left + max(0.0, whole.x0 - around.x0) / whole.width * 1.02
    bottom = margins.bottom + max(0.0, whole.y0 - around.y0) / whole.height * 1.02
    if left < margins.right and bottom < margins.top:
        fig.subplots_adjust(left=left, bottom=bottom)
