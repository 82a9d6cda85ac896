"""Activations by name. Each is a callable layer: `relu(x)` is max(x, 0), and `Dense(8, activation=relu)` uses it.

The same objects stand in `tinynet.nn`, after the lesson's `tf.nn`.
"""

from .arguments import absent
from .layers.activation_names import (
    elu,
    gelu,
    get,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)

__all__ = [
    "elu",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

__getattr__ = absent(__name__, __all__)
