"""Curves: activations beside their derivatives, and how a training went."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import number
from ..layers import activation_names as by_name
from ..layers.activation_names import Activation
from ..layers.base import Layer
from ..layers.chain import backward_chain, forward_chain
from ..layers.more_activations import Linear
from .figures import figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

POINTS = 801  # of a curve
PER_ROW = 3  # axes of a history

Curve = tuple[list[int], list[float]]  # the numbers of the epochs, and the values


def plot_activation(
    activation: str | Layer, low: float = -4.0, high: float = 4.0, fig: FigureBase | None = None
) -> FigureBase:
    """Draw an activation from `low` to `high` and, on a second axes beside it, its derivative: what its own backward
    returns for dy = 1.

    `activation` is a name ("relu"), a function of tn.activations, or an activation layer.

    Returns the figure; `fig` as in tinynet.plotting. ValueError for an unknown name, for layers with weights or
    randomness, and for those that are not elementwise, as softmax: there each output depends on all inputs.
    """
    layer = by_name.get(activation) or Linear()
    if isinstance(layer, Activation):
        layer = layer.activation or Linear()
    name = activation_name(layer)
    low = number("low", low)
    if not low < number("high", high):
        raise ValueError(f"low must be below high; got low={low!r} and high={high!r}.")
    x = np.linspace(low, float(high), POINTS)
    y, slope = _curves(layer, name, x)
    fig = figure(fig, (9, 3.8))
    left, right = fig.subplots(1, 2)
    for ax, values, title in ((left, y, name), (right, slope, f"derivative of {name}")):
        ax.plot(x, values)
        ax.set_title(title)
        ax.set_xlabel("x")
        ax.axhline(0, color="#999999", linewidth=0.8, zorder=1)
        ax.grid(True, color="#dddddd")
        ax.set_axisbelow(True)
    return fig


def activation_name(layer: Layer) -> str:
    """The name of an activation, "relu"; or that of its class if it has settings of its own."""
    written = by_name.serialize(layer) if type(layer) in by_name.BY_CLASS.values() else None
    return written if isinstance(written, str) else type(layer).__name__


def _curves(layer: Layer, name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(x) and f'(x), by the layer's own forward and backward, for x of shape (n,)."""
    layer = copy.deepcopy(layer)
    layer.setup((len(x),))
    parts = layer.parts()
    if layer.weights or any(part.random for part in parts):
        raise ValueError(f"{name} is not a function alone: a layer with weights or randomness has no one curve.")
    y, caches = forward_chain(parts, x[None])
    halves = [forward_chain(parts, half[None])[0] for half in np.array_split(x, 2)]
    if not np.array_equal(np.concatenate(halves, axis=1), y, equal_nan=True):
        raise ValueError(
            f"{name} is not elementwise: each of its outputs depends on all inputs, so it has no curve over one x. "
            "Elementwise are relu, sigmoid, tanh, gelu and others."
        )
    return y[0], backward_chain(parts, np.ones_like(y), caches)[0]


def plot_history(history: Any, fig: FigureBase | None = None) -> FigureBase:
    """Draw how a training went: an axes for the loss and one for each other metric, over the epochs, counted from 1;
    on each the training data's curve and, where there is one ("val_..."), the validation data's. Each curve has the
    epochs in which it was recorded: with validation_freq=2, validation has every second one.

    `history` is what fit returns, or its `history`, a dictionary of lists of numbers, one for each epoch.

    Returns the figure; `fig` as in tinynet.plotting. ValueError for anything else, or if no epoch was recorded.
    """
    curves = _recorded(history)
    ends = min(epochs[0] for epochs, _ in curves.values()), max(epochs[-1] for epochs, _ in curves.values())
    metrics = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    metrics.sort(key=lambda name: name != "loss")
    columns = min(len(metrics), PER_ROW)
    rows = -(-len(metrics) // PER_ROW)
    fig = figure(fig, (4.5 * columns, 3.6 * rows))
    grid = fig.add_gridspec(rows, columns)
    for place, metric in enumerate(metrics):
        _draw_metric(fig.add_subplot(grid[divmod(place, columns)]), metric, curves, ends)
    return fig


def _draw_metric(ax: Axes, metric: str, curves: Mapping[str, Curve], ends: tuple[int, int]) -> None:
    from matplotlib.ticker import MaxNLocator

    for name, label in ((metric, "training"), (f"val_{metric}", "validation")):
        if name in curves:
            epochs, values = curves[name]
            ax.plot(epochs, values, marker="o" if len(epochs) <= 30 else None, markersize=4, label=label)
    ax.set_title(metric)
    ax.set_xlabel("epoch")
    ax.set_xlim(ends[0] - 0.5, ends[1] + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))
    ax.grid(True, color="#dddddd")
    ax.set_axisbelow(True)
    ax.legend()


def _recorded(history: Any) -> dict[str, Curve]:
    """By name the epochs, counted from 1, and their values."""
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping) or any(np.ndim(row) != 1 for row in values.values()):
        raise ValueError(f"history must be what fit returns, or its dictionary of lists; got {history!r}.")
    if not values or not all(len(row) for row in values.values()):
        raise ValueError(f"history holds no epoch to draw; got {dict(values)!r}. Train first: model.fit(...).")
    lengths = {name: len(row) for name, row in values.items()}
    epochs = getattr(history, "epochs_of", {})
    if {name: len(epochs.get(name, ())) for name in values} != lengths:  # a dictionary, or changed since
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"history must have one number for each epoch; got {lengths}. Of a dictionary it is not known which "
                "epochs were validated: give what fit returns, or leave out what begins with 'val_'."
            )
        count = next(iter(lengths.values()))
        epochs = dict.fromkeys(values, getattr(history, "epoch", range(count)))
    return {name: ([epoch + 1 for epoch in epochs[name]], list(row)) for name, row in values.items()}
