"""Activations by name. Each is a callable layer: `relu(x)` is max(x, 0), and `Dense(8, activation=relu)` uses it.

The same objects stand in `tinynet.nn`, after the lesson's `tf.nn`.
"""

from typing import TYPE_CHECKING

from .arguments import absent
from .layers import activation_names
from .layers.activation_names import *  # noqa: F403
from .layers.activation_names import get

__all__ = ["get"]
__all__ += activation_names.__all__

if not TYPE_CHECKING:
    __getattr__ = absent(__name__, __all__)
