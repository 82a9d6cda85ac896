"""Callbacks, under Keras's names: what may be hooked into training."""

from ..arguments import absent
from .base import Callback, History
from .checkpoint import ModelCheckpoint
from .logs import CSVLogger, LambdaCallback
from .progress import ProgbarLogger
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]

__getattr__ = absent(__name__, __all__)
