"""The activations under the name that the lesson uses: `tn.nn.relu` after `tf.nn.relu`."""

from typing import TYPE_CHECKING

from .arguments import absent
from .layers import activation_names
from .layers.activation_names import *  # noqa: F403

__all__ = activation_names.__all__

if not TYPE_CHECKING:
    __getattr__ = absent(__name__, __all__)
