"""tinynet: neural networks on NumPy and CuPy, with the API of Keras and every gradient derived by hand."""

from . import activations, backend, callbacks, datasets, initializers, layers, losses, metrics, nn, optimizers
from ._version import __version__
from .layers import Input
from .model import Sequential

__all__ = [
    "Input",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "nn",
    "optimizers",
]
