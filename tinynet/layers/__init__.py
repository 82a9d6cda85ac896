"""The layers, under Keras's names; Sigmoid, Tanh, SELU, GELU, SiLU, Softplus and LogSoftmax are layers here too."""

from ..checks import absent
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .base import Layer
from .core import Activation, Dense, Flatten, Input
from .normalization import BatchNormalization
from .regularization import Dropout
from .reshaping import Rescaling, Reshape
from .smooth import ELU, GELU, SELU, LeakyReLU, Linear, LogSoftmax, SiLU, Softplus

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]

LAYERS = {name: globals()[name] for name in __all__ if name != "Layer"}  # what from_config may make

__getattr__ = absent(__name__, __all__)
