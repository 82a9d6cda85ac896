"""Data sets and the format that they come in."""

from ..arguments import absent
from . import fashion_mnist, idx
from .loading import load

__all__ = ["fashion_mnist", "idx", "load"]

__getattr__ = absent(__name__, __all__)
