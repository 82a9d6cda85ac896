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


def get(identifier: str | Mapping[str, Any] | Layer | None) -> Layer | None:
    """Return the activation that is meant, or None for no activation.

    Args:
        identifier: A name, a record, a Layer, which is returned, or None. None and "linear" mean no activation.

    Raises:
        ValueError: There is no activation of this name. The message proposes the nearest ones.
        TypeError: `identifier` is something else. A function has no gradient.
    """
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
    """Return an activation as a plain value for get_config: its name, or a record if its settings are not the name's.

    Args:
        activation: A Layer, or None, which gives "linear".
    """
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
    """Applies an activation as a separate layer: Activation("relu") computes the same as ReLU().

    Args:
        activation: A name or a Layer. None and "linear" give y = x.
    """

    primitive = False
    followed_by = "activation"

    def __init__(self, activation: str | Layer | None, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.activation = get(activation)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": serialize(self.activation)}
