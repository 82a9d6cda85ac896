"""Pictures of data, predictions, training and networks, drawn with matplotlib.

    model.fit(images, labels, validation_split=0.1)
    tn.plotting.plot_predictions(model.predict(x_test), y_test, x_test, CLASS_NAMES)
    plt.show()

Data            plot_picture, plot_grid
Predictions     plot_image, plot_value_array, plot_predictions, plot_mistakes, plot_confusion
Training        plot_history
Networks        plot_network, plot_weights, plot_activation

Where they draw, the same for all:

- A function that draws on one axes takes `ax` and returns that Axes. `ax=None` is pyplot's current axes if nothing has
  been drawn on it yet, so that `plt.subplot(1, 2, 1)` before the call works; else a new figure of a size that fits.
- A function that needs a whole figure takes `fig`, a Figure or a SubFigure, and returns it. `fig=None` is a new figure
  of pyplot's, of a size that fits, with layout="constrained". A figure of your own keeps its layout; one made with
  layout="constrained" leaves room for every name.
- Nothing is shown: call plt.show() or fig.savefig(path). matplotlib's settings are left as they are.

All arrays may be lists, NumPy's or CuPy's, images of bytes or of real numbers. Arguments are checked before anything is
drawn: ValueError says what was wrong, and TypeError where `ax` or `fig` is something else.

matplotlib is imported when a function is called: python -m pip install matplotlib, or the extra `plot`.
"""

from typing import Any

from ..arguments import absent
from .confusion import plot_confusion
from .curves import plot_activation, plot_history
from .images import plot_grid, plot_picture
from .network import plot_network
from .predictions import plot_image, plot_mistakes, plot_predictions, plot_value_array
from .weights import plot_weights

__all__ = [
    "plot_activation",
    "plot_confusion",
    "plot_grid",
    "plot_history",
    "plot_image",
    "plot_mistakes",
    "plot_network",
    "plot_picture",
    "plot_predictions",
    "plot_value_array",
    "plot_weights",
]

_missing = absent(__name__, __all__)


def __getattr__(name: str) -> Any:
    if name == "show":
        raise AttributeError("Nothing in tinynet.plotting shows its figures: call matplotlib's plt.show().")
    return _missing(name)
