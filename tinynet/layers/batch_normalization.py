"""BatchNormalization: features with mean 0 and variance 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import initializers, regularizers
from ..arguments import number
from ..backend import xp_of
from .base import Layer, LayerOptions
from .dense import rows

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BatchNormalization(Layer):
    """Batch normalization: brings each feature to mean 0 and variance 1, then scales and shifts it.

        xh = (x - m) / sqrt(v + epsilon),    y = gamma xh + beta

    Shapes: x and y (B, ..., F); gamma, beta and the statistics (F,). The features are the last axis.

    In training m and v are the mean and the variance (divided by n) of each feature over the n = B ... rows of the
    batch. Otherwise they are the moving statistics, which change after each step of `fit` and `train_on_batch`:
        moving <- momentum moving + (1 - momentum) statistic of the batch
    They do not change when the layer is called with training=True. With trainable=False they are used in training too
    and never change, as in Keras.

    Backward, in training, given dy, with c = x - m, s = 1 / sqrt(v + epsilon) and sums and means over the rows:
        dgamma = sum dy xh,    dbeta = sum dy,    g = dL/dxh = gamma dy
        x_k acts on xh_n = c_n s through c_n, dc_n/dx_k = [n = k] - 1/n, and through ds/dx_k = -s^3 c_k / n:
        dx_k = s (g_k - mean g) - (sum_j g_j c_j) s^3 c_k / n  =  s (g_k - mean g - xh_k mean(g xh))
    With the moving statistics dx = s g.

    The weights are, in order, gamma, beta, moving_mean and moving_variance.

    Args:
        axis: Axis of the features, which must be the last.
        momentum: Part of the moving statistics that a step keeps, at least 0.
        epsilon: Number added to the variance, at least 0.
        center: Whether to add beta.
        scale: Whether to multiply by gamma.
        beta_initializer: Name or Initializer of beta.
        gamma_initializer: Name or Initializer of gamma.
        moving_mean_initializer: Name or Initializer of the moving mean.
        moving_variance_initializer: Name or Initializer of the moving variance.
        beta_regularizer: Name or Regularizer of beta. Its penalty is added to the loss.
        gamma_regularizer: Name or Regularizer of gamma. Its penalty is added to the loss.

    Raises:
        ValueError: A number is negative, a name is unknown, or the layer is built for inputs of a rank below 2 or
            with an axis that is not their last.

    Source: Ioffe and Szegedy, "Batch normalization: Accelerating deep network training by reducing internal covariate
    shift", ICML 2015, algorithm 1 and section 3.
    """

    gamma: Any
    beta: Any
    moving_mean: Any
    moving_variance: Any

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | initializers.Initializer = "zeros",
        gamma_initializer: str | initializers.Initializer = "ones",
        moving_mean_initializer: str | initializers.Initializer = "zeros",
        moving_variance_initializer: str | initializers.Initializer = "ones",
        beta_regularizer: str | regularizers.Regularizer | None = None,
        gamma_regularizer: str | regularizers.Regularizer | None = None,
        **options: Unpack[LayerOptions],
    ):
        super().__init__(**options)
        self.axis = axis
        self.momentum = number("momentum", momentum, least=0)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        if not input_shape:
            raise ValueError(f"Layer '{self.name}' needs inputs of rank 2 or more; got vectors. Write x[:, None].")
        if self.axis not in (-1, len(input_shape)):
            raise ValueError(f"Layer '{self.name}' normalizes the last axis alone; got axis={self.axis}.")
        features = input_shape[-1:]
        if self.scale:
            self.add_weight("gamma", features, self.gamma_initializer, self.gamma_regularizer)
        if self.center:
            self.add_weight("beta", features, self.beta_initializer, self.beta_regularizer)
        self.add_weight("moving_mean", features, self.moving_mean_initializer, trainable=False)
        self.add_weight("moving_variance", features, self.moving_variance_initializer, trainable=False)
        return input_shape

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        of_batch = training and self.trainable
        if of_batch:
            table = rows(x)
            mean = table.mean(axis=0)
            centred = table - mean
            variance = (centred * centred).mean(axis=0)
        else:
            mean, variance = self.moving_mean, self.moving_variance
            centred = rows(x) - mean
        s = 1 / xp_of(x).sqrt(variance + self.epsilon)
        xh = centred * s
        y = xh * self.gamma if self.scale else xh
        if self.center:
            y = y + self.beta
        return y.reshape(x.shape), (xh, s, (mean, variance) if of_batch else None)

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        xh, s, of_batch = cache
        g = rows(dy)
        if self.center:
            g.sum(axis=0, out=self.grads["beta"])
        if self.scale:
            (g * xh).sum(axis=0, out=self.grads["gamma"])
            g = g * self.gamma
        if not need_dx:
            return None
        if of_batch is not None:
            g = g - g.mean(axis=0) - xh * (g * xh).mean(axis=0)
        return (g * s).reshape(dy.shape)

    def after_step(self, cache: Any) -> None:
        of_batch = cache[-1]
        if of_batch is not None:
            for moving, value in zip((self.moving_mean, self.moving_variance), of_batch, strict=True):
                moving *= self.momentum
                moving += (1 - self.momentum) * value
