"""Models, under Keras's names: Sequential, clone_model, model_from_json, load_model and save_model."""

from __future__ import annotations

from ..arguments import absent
from ..formats.state import load_model, save_model
from .cloning import clone_model, model_from_json
from .sequential import Sequential

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

__getattr__ = absent(__name__, __all__)
