"""Layers that normalize what passes through: BatchNormalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import initializers, regularizers
from ..arguments import number
from ..backend import xp_of
from .base import Layer, LayerOptions
from .dense import rows

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BatchNormalization(Layer):
    """Batch normalization over the last axis: each feature to mean 0 and variance 1, then scaled and shifted.

        xh = (x - m) / sqrt(v + epsilon),    y = gamma xh + beta

    Shapes: x and y (B, ..., F); gamma, beta and the statistics (F,). In training m and v are the mean and the variance
    (divided by n) of each feature over the n = B ... rows of the batch; otherwise the moving ones, which each training
    step brings nearer: moving <- momentum moving + (1 - momentum) of the batch's. With trainable=False the moving
    statistics are used in training, too, and stay as they are, as in Keras.

    Backward, in training, given dy, with c = x - m, s = 1 / sqrt(v + epsilon) and sums and means over the rows:
        dgamma = sum dy xh,    dbeta = sum dy,    g = dL/dxh = gamma dy
        x_k acts on xh_n = c_n s through c_n, dc_n/dx_k = [n = k] - 1/n, and through ds/dx_k = -s^3 c_k / n:
        dx_k = s (g_k - mean g) - (sum_j g_j c_j) s^3 c_k / n  =  s (g_k - mean g - xh_k mean(g xh))
    With fixed statistics dx = s g.

    The moving statistics change after a training step (`fit`, `train_on_batch`), not when the layer is called with
    training=True. Weights, in order: gamma, beta, moving_mean, moving_variance. `axis` must be the last.

    Source: Ioffe and Szegedy, "Batch normalization: Accelerating deep network training by reducing internal covariate
    shift", ICML 2015, algorithm 1 and section 3.
    """

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

    def build(self, input_shape):
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

    def forward(self, x, training=False):
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

    def backward(self, dy, cache, need_dx=True):
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

    def after_step(self, cache):
        of_batch = cache[-1]
        if of_batch is not None:
            for moving, value in zip((self.moving_mean, self.moving_variance), of_batch, strict=True):
                moving *= self.momentum
                moving += (1 - self.momentum) * value
