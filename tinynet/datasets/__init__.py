"""Data sets and the format that they come in."""

from . import fashion_mnist, idx

__all__ = ["fashion_mnist", "idx"]
