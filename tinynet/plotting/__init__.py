"""Pictures of data, predictions, training and networks, drawn with matplotlib.

    model.fit(images, labels, validation_split=0.1)
    tn.plotting.plot_predictions(model.predict(x_test), y_test, x_test, CLASS_NAMES)
    plt.show()

Data            plot_picture, plot_grid
Predictions     plot_image, plot_value_array, plot_predictions, plot_mistakes, plot_confusion
Training        plot_history
Networks        plot_network, plot_weights, plot_activation

Where they draw:

- A function that draws on one axes takes `ax` and returns that Axes. With `ax=None` it draws on pyplot's current axes
  if nothing has been drawn there yet, so `plt.subplot(1, 2, 1)` before the call works. Otherwise it makes a new figure
  of a size that fits.
- A function that needs a whole figure takes `fig`, a Figure or a SubFigure, and returns it. With `fig=None` it makes a
  new figure with pyplot, of a size that fits and with layout="constrained". A figure that is given keeps its layout.
  With layout="constrained" it leaves room for every name.
- Nothing is shown: call plt.show() or fig.savefig(path). matplotlib's settings are not changed.

Arrays may be lists, NumPy's or CuPy's, and images may be of bytes or of real numbers. Arguments are checked before
anything is drawn. ValueError says what was wrong. An `ax` or `fig` of another type is a TypeError.

matplotlib is imported when a function is called. Install it with python -m pip install matplotlib, or the extra `plot`.
"""

from typing import TYPE_CHECKING, Any

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

if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    _missing = absent(__name__, __all__)

    def __getattr__(name: str) -> Any:
        if name == "show":
            raise AttributeError("Nothing in tinynet.plotting shows its figures: call matplotlib's plt.show().")
        return _missing(name)
