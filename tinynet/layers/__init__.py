"""The layers, under Keras's names."""

from .activations import ReLU, Sigmoid, Softmax, Tanh
from .base import Layer
from .core import Dense, Flatten, Input

__all__ = ["Dense", "Flatten", "Input", "Layer", "ReLU", "Sigmoid", "Softmax", "Tanh"]
