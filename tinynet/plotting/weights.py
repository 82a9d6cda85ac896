"""The weights of the first dense layer as images, which show what its units look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import shape as check_shape
from ..backend import to_numpy
from ..layers.dense import Dense
from .figures import figure, no_ticks, sheet_shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from ..models.sequential import Sequential


def plot_weights(
    model: Sequential,
    rows: int = 4,
    columns: int = 8,
    shape: tuple[int, int] | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the weights of the first rows x columns units of the model's first Dense layer as images.

    A unit's weights are a column of the kernel (I, O), drawn as an image of H W = I pixels. Red pixels speak for the
    unit, blue ones against it, and white is 0. All images have the same scale, with one colour bar. The scale ends
    where one weight in 200 lies beyond it. A new figure has only as many rows and columns as there are units for.

    Args:
        model: A model that is built.
        rows: The greatest number of rows.
        columns: The greatest number of columns.
        shape: The images' shape (H, W). By default it is that of the model's inputs, if they are (H, W) or (H, W, 1).
        fig: Where to draw; see tinynet.plotting.

    Returns:
        The figure.

    Raises:
        ValueError: The model is not built or has no Dense layer, or the shape does not fit.
        TypeError: `fig` is not a Figure or SubFigure.
    """
    kernel = _first_kernel(model)
    rows, columns = sheet_shape(kernel.shape[1], rows, columns, fig)
    height, width = _image_shape(model, shape, kernel.shape[0])
    shown = kernel[:, : rows * columns]
    limit = float(np.quantile(abs(shown), 0.995)) or float(abs(shown).max()) or 1.0
    fig = figure(fig, (1.4 * columns + 0.8, 1.4 * rows))
    grid = fig.add_gridspec(rows, columns)
    drawn = []
    for unit, weights in enumerate(shown.T):
        ax = fig.add_subplot(grid[divmod(unit, columns)])
        image = ax.imshow(weights.reshape(height, width), cmap="RdBu_r", vmin=-limit, vmax=limit)
        no_ticks(ax)
        drawn.append(ax)
    fig.colorbar(image, ax=drawn, extend="both", pad=0.02, aspect=30)
    return fig


def _first_kernel(model: Any) -> np.ndarray:
    """Return the kernel of the model's first Dense layer, on the host."""
    if not getattr(model, "built", False):
        raise ValueError(f"The model has no weights yet: build it first, or train it; got {model!r}.")
    for part in model.parts():
        if isinstance(part, Dense):
            return to_numpy(part.kernel)
    raise ValueError(f"plot_weights draws the first Dense layer, and there is none in {model!r}.")


def _image_shape(model: Any, shape: Any, size: int) -> tuple[int, int]:
    """Return (H, W) with H W = size: the given shape, or that of the model's inputs."""
    if shape is not None:
        shape = check_shape("shape", shape)
        if len(shape) != 2 or shape[0] * shape[1] != size:
            raise ValueError(f"shape must be (H, W) with H W = {size}, the number of weights of a unit; got {shape}.")
        return shape
    inputs = model.input_shape[1:]
    inputs = inputs[:2] if len(inputs) == 3 and inputs[2] == 1 else inputs
    if len(inputs) != 2 or inputs[0] * inputs[1] != size:
        raise ValueError(
            f"A unit's {size} weights make no image by themselves: the model's inputs have shape {model.input_shape}. "
            f"Give shape=(H, W) with H W = {size}."
        )
    return inputs
