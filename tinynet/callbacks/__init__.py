"""Callbacks, under Keras's names: objects whose methods are called at fixed points of a training."""

from typing import TYPE_CHECKING

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

if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, __all__)
