"""What the units of the first dense layer look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import shape as check_shape
from ..backend import to_numpy
from ..layers.dense import Dense
from .figures import figure, no_ticks, sheet_shape

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def plot_weights(
    model: Any,
    rows: int = 4,
    columns: int = 8,
    shape: tuple[int, int] | None = None,
    fig: FigureBase | None = None,
) -> FigureBase:
    """Draw the weights of the first rows x columns units of the model's first Dense layer as images: column j of its
    kernel (I, O), as an image of H W = I pixels, red where a pixel speaks for the unit, blue where against it, white at
    0; all in one scale, with one colour bar. The scale ends where one weight in 200 lies beyond. A new figure has only
    as many rows and columns as there are units for.

    The images' shape (H, W) is `shape`, or that of the model's inputs, if they are (H, W) or (H, W, 1).

    Returns the figure; `fig` as in tinynet.plotting. ValueError if the model is not built or has no Dense layer, or if
    the shape does not fit.
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
    if not getattr(model, "built", False):
        raise ValueError(f"The model has no weights yet: build it first, or train it; got {model!r}.")
    for part in model.parts():
        if isinstance(part, Dense):
            return to_numpy(part.kernel)
    raise ValueError(f"plot_weights draws the first Dense layer, and there is none in {model!r}.")


def _image_shape(model: Any, shape: Any, size: int) -> tuple[int, int]:
    """(H, W) with H W = size: as given, or that of the model's inputs."""
    if shape is not None:
        shape = check_shape("shape", shape)
        if len(shape) != 2 or shape[0] * shape[1] != size:
            raise ValueError(f"shape must be (H, W) with H W = {size}, the number of weights of a unit; got {shape}.")
        return shape
    own = model.input_shape[1:]
    own = own[:2] if len(own) == 3 and own[2] == 1 else own
    if len(own) != 2 or own[0] * own[1] != size:
        raise ValueError(
            f"A unit's {size} weights make no image by themselves: the model's inputs have shape {model.input_shape}. "
            f"Give shape=(H, W) with H W = {size}."
        )
    return own
