"""A network as a diagram: a column of circles for each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, product
from typing import TYPE_CHECKING, Any

from ..layers.base import Layer
from ..layers.dense import Dense
from .curves import activation_name
from .figures import axes, extent, shrink

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..models.sequential import Sequential

MOST = 12  # circles in a column; of larger layers HALF are drawn above the ellipsis, and HALF below it
HALF = 5
WITH_WEIGHTS, WITHOUT, LINE, FRAME = "#4c72b0", "#b0b0b0", "#c8c8c8", "#f1f1f1"


@dataclass
class Column:
    """Describes a layer of the diagram: the texts above and below it, its units, and how it is drawn."""

    title: str
    lines: list[str]
    units: int
    dense: bool = False  # lines come from all units on the left
    weights: bool = False  # decides the colour
    inside: str = ""  # the name of the inner model that it belongs to


def plot_network(model: Sequential, ax: Axes | None = None) -> Axes:
    """Draw a model as a column of circles for each layer, with a circle for each unit.

    Of more than 12 units the first and the last five are drawn, with an ellipsis between them. Lines join each unit of
    a Dense layer to all units before it.

    The layer's class is written above a column. Below it are the shape of the output without the batch axis, the
    activation and the number of parameters. Inner models are drawn layer by layer on a grey ground with their name. A
    model that begins with a Dense layer gets a column "Input" in front.

    Args:
        model: A model that is built.
        ax: Where to draw; see tinynet.plotting.

    Returns:
        The axes.

    Raises:
        ValueError: `model` is not a Sequential model, or not built.
        TypeError: `ax` is not an Axes.
    """
    if not hasattr(model, "output_shapes"):
        raise ValueError(f"plot_network draws a Sequential model; got {model!r}.")
    if not model.built:
        raise ValueError(
            f"Model '{model.name}' is not built yet, so its sizes are not known: build it first, as by "
            "model.build((None, 784)), or train it."
        )
    columns = list(_columns(model))
    if columns[0].dense:
        inputs: Any = model.input_shape  # known, since the model is built
        shape = inputs[1:]
        columns.insert(0, Column("Input", [_as_text(shape)], math.prod(shape)))
    ax = axes(ax, (max(5.0, 1.6 * len(columns)), 5))
    ax.set_axis_off()
    ax.set_xlim(-0.5, len(columns) - 0.5)
    _draw_circles(ax, columns, _draw_texts(ax, columns))
    _draw_links(ax, columns)
    return ax


def _columns(model: Any, inside: str = "") -> Iterator[Column]:
    """Yield the columns of the layers in order, with those of inner models in their place."""
    for layer, (_, *shape) in zip(model.layers, model.output_shapes, strict=True):
        if hasattr(layer, "output_shapes"):
            yield from _columns(layer, inside or layer.name)
        else:
            yield _column(layer, tuple(shape), inside)


def _column(layer: Layer, shape: tuple[int, ...], inside: str) -> Column:
    """Return the column of a layer with this output shape."""
    lines = [_as_text(shape)]
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Layer):
        lines.append(activation_name(activation))
    count = layer.count_params()
    if count:
        lines.append(f"{count:,} parameter{'s' * (count != 1)}")
    return Column(type(layer).__name__, lines, math.prod(shape), isinstance(layer, Dense), count > 0, inside)


def _as_text(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape) or "1"


def _heights(units: int) -> list[float]:
    """Return the heights of the circles of a column, 1 apart, with 0 in the middle."""
    if units <= MOST:
        return [(units - 1) / 2 - place for place in range(units)]
    return [*map(float, range(HALF, 0, -1)), *map(float, range(-1, -HALF - 1, -1))]


def _draw_texts(ax: Axes, columns: Sequence[Column]) -> float:
    """Titles and lines, and room for them above and below the circles; the height of a circle's place in points."""
    width, height = extent(ax)
    size = min(10.0, height / 22)
    edge = max(max(_heights(column.units)) for column in columns) + 0.8
    above = 1.6 * size * (2 if any(column.inside for column in columns) else 1)
    below = 1.4 * size * max(len(column.lines) for column in columns) + 0.3 * size
    place = (height - above - below) / (2 * edge)
    top, bottom = edge + above / place, -edge - below / place
    ax.set_ylim(bottom, top)
    texts = []
    for x, column in enumerate(columns):
        texts.append(ax.text(x, edge, column.title, ha="center", va="bottom", size=size, weight="bold"))
        for number, line in enumerate(column.lines):
            texts.append(ax.text(x, -edge - 1.4 * number * size / place, line, ha="center", va="top", size=size))
    for inside, first, last in _groups(columns):
        ax.fill_between([first - 0.48, last + 0.48], bottom, top, color=FRAME, zorder=0, linewidth=0)
        middle, under = (first + last) / 2, top - 0.2 * size / place
        texts.append(ax.text(middle, under, inside, ha="center", va="top", size=size, style="italic"))
    shrink(texts, 0.95 * width / len(columns) * ax.figure.dpi / 72)
    return place


def _groups(columns: Sequence[Column]) -> Iterator[tuple[str, int, int]]:
    """Yield (name, first, last) of the columns that belong to the same inner model."""
    for inside, group in groupby(enumerate(columns), key=lambda pair: pair[1].inside):
        places = [place for place, _ in group]
        if inside:
            yield inside, places[0], places[-1]


def _draw_circles(ax: Axes, columns: Sequence[Column], place: float) -> None:
    """Draw the circles, as large as places of `place` points allow, and the ellipses."""
    diameter = min(15.0, 0.7 * place, 0.3 * extent(ax)[0] / len(columns))
    for x, column in enumerate(columns):
        heights = _heights(column.units)
        colour = WITH_WEIGHTS if column.weights else WITHOUT
        ax.scatter([x] * len(heights), heights, s=diameter**2, color=colour, linewidth=0, zorder=2)
        if column.units > MOST:
            ax.text(x, 0, "⋮", ha="center", va="center", size=diameter)


def _draw_links(ax: Axes, columns: Sequence[Column]) -> None:
    """Draw lines from all circles to all of a Dense layer on the right, or an arrow to any other layer."""
    from matplotlib.collections import LineCollection

    lines = []
    for x, (left, right) in enumerate(pairwise(columns)):
        if right.dense:
            pairs = product(_heights(left.units), _heights(right.units))
            lines += [[(x, start), (x + 1, end)] for start, end in pairs]
        else:
            arrow = {"arrowstyle": "->", "color": WITHOUT}
            ax.annotate("", (x + 0.7, 0), (x + 0.3, 0), arrowprops=arrow, zorder=1)
    ax.add_collection(LineCollection(lines, colors=LINE, linewidths=0.5, zorder=1), autolim=False)
