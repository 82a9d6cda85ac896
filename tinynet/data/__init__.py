"""Dataset: a pipeline from arrays in memory to batches, with the names and the semantics of tf.data."""

from typing import TYPE_CHECKING

from ..arguments import absent
from .dataset import Dataset
from .order import INFINITE as INFINITE_CARDINALITY

AUTOTUNE = -1  # a size for prefetch
UNKNOWN_CARDINALITY = -2  # for programs that compare with it; the length of every dataset here is known

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]

if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__, whole="tf.data")
