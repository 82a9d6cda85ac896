"""Activations by the names that Keras gives them. Each is a callable layer: relu(x) is max(x, 0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import config
from ..config import by_name, from_record
from .activations import ReLU, Sigmoid, Softmax, Tanh
from .base import Layer, LayerOptions
from .more_activations import ELU, GELU, SELU, LeakyReLU, Linear, LogSoftmax, SiLU, Softplus

if TYPE_CHECKING:
    from typing_extensions import Unpack

relu, sigmoid, tanh, softmax = ReLU(), Sigmoid(), Tanh(), Softmax()
elu, selu, gelu, silu, softplus = ELU(), SELU(), GELU(), SiLU(), Softplus()
leaky_relu, log_softmax, linear = LeakyReLU(negative_slope=0.2), LogSoftmax(), Linear()

__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
ACTIVATIONS: dict[str, Layer] = {**{name: globals()[name] for name in __all__}, "swish": silu}


def get(identifier: Any) -> Layer | None:
    """Return the activation of that name, or the given Layer itself; None and "linear" mean no activation."""
    if callable(identifier) and not isinstance(identifier, (Layer, type)):
        raise TypeError(
            f"activation must be a name or a Layer; got {identifier!r}. A function alone has no gradient here: write a "
            "Layer with forward and backward."
        )
    if identifier is None:
        return None
    if isinstance(identifier, Mapping):
        return from_record("activation", identifier, BY_CLASS)
    activation = by_name("activation", identifier, Layer, ACTIVATIONS)
    return None if activation is linear else activation


def serialize(activation: Layer | None) -> Any:
    """Return what get_config writes for an activation: its name, or a record if it has other settings."""
    if activation is None:
        return "linear"
    for name, known in ACTIVATIONS.items():
        if type(activation) is type(known) and _settings(activation) == _settings(known):
            return name
    return config.serialize(activation)


def _settings(activation: Layer) -> dict[str, Any]:
    return {name: value for name, value in activation.get_config().items() if name != "name"}


BY_CLASS = {type(activation).__name__: type(activation) for activation in ACTIVATIONS.values()}


class Activation(Layer):
    """Applies an activation as a layer of its own: Activation("relu") is ReLU(). None and "linear" give y = x.

    Args:
        activation: A name, a Layer or None.
    """

    primitive = False
    followed_by = "activation"

    def __init__(self, activation: str | Layer | None, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.activation = get(activation)

    def get_config(self):
        return {**super().get_config(), "activation": serialize(self.activation)}
