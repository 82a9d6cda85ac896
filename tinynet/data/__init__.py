"""Dataset: a pipeline from arrays in memory to batches, with the names and the semantics of tf.data."""

from ..arguments import absent
from .dataset import Dataset
from .order import INFINITE as INFINITE_CARDINALITY

AUTOTUNE = -1  # as the size of prefetch
UNKNOWN_CARDINALITY = -2  # for programs that compare with it; here the length of every dataset is known

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]

__getattr__ = absent(__name__, __all__, whole="tf.data")
