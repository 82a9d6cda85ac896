"""Models in files, under the name that Keras has for it: load_model and save_model."""

from typing import TYPE_CHECKING

from .arguments import absent
from .models.loading import load_model, save_model

__all__ = ["load_model", "save_model"]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__, __all__)
