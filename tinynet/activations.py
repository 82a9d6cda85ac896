"""Activations by name. Each is a callable layer: `relu(x)` is max(x, 0), and `Dense(8, activation=relu)` uses it.

The same objects stand in `tinynet.nn`, after the lesson's `tf.nn`.
"""

from .layers.activations import get, relu, sigmoid, softmax, tanh

__all__ = ["get", "relu", "sigmoid", "softmax", "tanh"]
