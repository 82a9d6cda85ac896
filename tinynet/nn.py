"""The activations under the name that the lesson uses: `tn.nn.relu` after `tf.nn.relu`."""

from .arguments import absent
from .layers.activation_names import (
    elu,
    gelu,
    leaky_relu,
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
    "leaky_relu",
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
