"""The activations under the name that the lesson uses: `tn.nn.relu` after `tf.nn.relu`."""

from .activations import relu, sigmoid, softmax, tanh

__all__ = ["relu", "sigmoid", "softmax", "tanh"]
