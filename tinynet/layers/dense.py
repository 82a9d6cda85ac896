"""Dense: the fully connected layer, and its gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .. import initializers, regularizers
from ..arguments import integer
from ..backend import xp_of
from . import activation_names as activations
from .base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Dense(Layer):
    """Fully connected layer: y = x W + b, then the activation.

    Shapes: x (B, ..., I), W = `kernel` (I, O), b = `bias` (O,), y (B, ..., O), with B the batch size and O = `units`.
    Any further axes between B and I are treated as more rows.

    Backward, given dy = dL/dy, from y_no = sum_i x_ni W_io + b_o with n over all rows:
        dW_io = sum_n x_ni dy_no    dW = x^T dy            (I, O)
        db_o  = sum_n dy_no         db = sum of dy's rows  (O,)
        dx_ni = sum_o dy_no W_io    dx = dy W^T            (B, ..., I)

    `forward` and `backward` compute x W + b alone. The activation is a layer that runs next: see chain.py.

    Args:
        units: Positive integer, dimensionality of the output space.
        activation: Activation to apply: a name, a Layer, or None for the affine map alone.
        use_bias: Whether to add the bias.
        kernel_initializer: Name or Initializer of the kernel.
        bias_initializer: Name or Initializer of the bias.
        kernel_regularizer: Name or Regularizer of the kernel. Its penalty is added to the loss.
        bias_regularizer: Name or Regularizer of the bias.

    Raises:
        ValueError: `units` is not positive, a name is unknown, or the inputs have a rank below 2.
    """

    followed_by = "activation"
    kernel: Any
    bias: Any

    def __init__(
        self,
        units: int,
        activation: str | Layer | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer = "glorot_uniform",
        bias_initializer: str | initializers.Initializer = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        **options: Unpack[LayerOptions],
    ):
        super().__init__(**options)
        self.units = integer("units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}

    def build(self, input_shape):
        if len(input_shape) < 1:
            raise ValueError(
                f"Layer '{self.name}' needs inputs of rank 2 or more, (batch, ..., features); got vectors of rank 1. "
                "For one feature a sample, add an axis: x[:, None]."
            )
        self.add_weight("kernel", (input_shape[-1], self.units), self.kernel_initializer, self.kernel_regularizer)
        if self.use_bias:
            self.add_weight("bias", (self.units,), self.bias_initializer, self.bias_regularizer)
        return (*input_shape[:-1], self.units)

    def forward(self, x, training=False):
        if x.ndim < 2 or x.shape[-1] != self.kernel.shape[0]:
            raise ValueError(
                f"Layer '{self.name}' needs inputs of shape (batch, ..., {self.kernel.shape[0]}); got {x.shape}."
            )
        y = rows(x) @ self.kernel
        if self.use_bias:
            y += self.bias
        return y.reshape(*x.shape[:-1], self.units), x

    def backward(self, dy, cache, need_dx=True):
        x, dy_rows = rows(cache), rows(dy)
        multiply = xp_of(dy).matmul if len(x) != 1 else xp_of(dy).multiply  # the same for one row, quicker
        multiply(x.T, dy_rows, out=self.grads["kernel"])
        if self.use_bias:
            dy_rows.sum(axis=0, out=self.grads["bias"])
        return (dy_rows @ self.kernel.T).reshape(cache.shape) if need_dx else None


def rows(x: Any) -> Any:
    """Return x as a matrix: the last axis as columns, all others as rows."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
