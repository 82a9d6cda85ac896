"""Data sets: Fashion-MNIST, folders of images, and the IDX format of their files."""

from typing import TYPE_CHECKING

from ..arguments import absent
from . import fashion_mnist, idx
from .loading import load

__all__ = ["fashion_mnist", "idx", "load"]

if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
