"""The layers, under Keras's names. Sigmoid, Tanh, SELU, GELU, SiLU, Softplus and LogSoftmax are layers here too."""

from typing import TYPE_CHECKING

from ..arguments import absent
from .activation_names import Activation
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .base import Layer
from .batch_normalization import BatchNormalization
from .dense import Dense
from .dropout import Dropout
from .input import Input
from .more_activations import ELU, GELU, SELU, LeakyReLU, Linear, LogSoftmax, SiLU, Softplus
from .reshaping import Flatten, Rescaling, Reshape

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

LAYERS = {name: globals()[name] for name in __all__ if name != "Layer"}  # the classes that from_config may make

if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
