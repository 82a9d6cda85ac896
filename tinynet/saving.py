"""Models in files, under the name that Keras has for it: load_model and save_model."""

from .arguments import absent
from .formats.state import load_model, save_model

__all__ = ["load_model", "save_model"]

__getattr__ = absent(__name__, __all__)
