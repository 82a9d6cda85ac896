"""Models, under Keras's names: Sequential, clone_model, model_from_json, load_model and save_model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import absent
from .cloning import clone_model, model_from_json
from .loading import load_model, save_model
from .sequential import Sequential

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__, __all__)
