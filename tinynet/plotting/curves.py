"""Curves: activations beside their derivatives, and the course of a training."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
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
    from matplotlib.figure import Figure, SubFigure

    from ..callbacks import History

POINTS = 801  # points of a curve
PER_ROW = 3  # axes in a row of a history

Curve = tuple[list[int], list[float]]  # the numbers of the epochs, and the values


def plot_activation(
    activation: str | Layer, low: float = -4.0, high: float = 4.0, fig: Figure | SubFigure | None = None
) -> Figure:
    """Draw an activation and, on a second axes beside it, its derivative.

    The derivative is what the activation's backward returns for dy = 1.

    Args:
        activation: A name ("relu"), a function of tn.activations, or an activation layer.
        low: Where the curves begin.
        high: Where they end.
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: The name is unknown, the layer has weights or randomness, or it is not elementwise. In softmax, for
            one, each output depends on all inputs. Or `low` is not below `high`.
        TypeError: `fig` is not a Figure or SubFigure.
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
    """Return the name of an activation, such as "relu", or that of its class if it has settings."""
    name = by_name.serialize(layer) if type(layer) in by_name.BY_CLASS.values() else None
    return name if isinstance(name, str) else type(layer).__name__


def _curves(layer: Layer, name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return f(x) and f'(x), by the layer's forward and backward, for x of shape (n,)."""
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


def plot_history(
    history: History | Mapping[str, Sequence[float]], fig: Figure | SubFigure | None = None
) -> Figure:
    """Draw the course of a training: an axes for the loss and one for each other metric, over the epochs from 1 on.

    Each axes has the curve of the training data and, if there is one ("val_..."), that of the validation data. A curve
    has the epochs in which it was recorded: with validation_freq=2 validation has every second one.

    Args:
        history: What `fit` returns, or its `history`, a dictionary of lists with a number for each epoch.
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: `history` is something else, or no epoch was recorded.
        TypeError: `fig` is not a Figure or SubFigure.
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
    """Draw the curves of a metric, over the epochs between the ends."""
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
    """Return for each name the epochs, counted from 1, and their values."""
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
                f"history must have one number for each epoch; got {lengths}. A dictionary does not say which "
                "epochs were validated: give what fit returns, or leave out what begins with 'val_'."
            )
        count = next(iter(lengths.values()))
        epochs = dict.fromkeys(values, getattr(history, "epoch", range(count)))
    return {name: ([epoch + 1 for epoch in epochs[name]], list(row)) for name, row in values.items()}
