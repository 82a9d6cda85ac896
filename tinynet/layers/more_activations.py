"""The other activation layers: LeakyReLU, ELU, SELU, GELU, SiLU, Softplus, LogSoftmax and Linear.

With L the loss and dy = dL/dy given, each returns dx = dL/dx; for y_i = f(x_i) that is dx_i = dy_i f'(x_i).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..arguments import number
from ..backend import xp_of
from .activations import Sigmoid, Softmax
from .base import Layer, LayerOptions
from .normal_cdf import normal_cdf

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Linear(Layer):
    """The identity: y = x, and dx = dy. Any shape."""

    def forward(self, x, training=False):
        return x, None

    def backward(self, dy, cache, need_dx=True):
        return dy


class LeakyReLU(Layer):
    """y = x where x > 0, else a x, with a = `negative_slope`, at least 0. Any shape.

    Backward: dx = dy where x > 0, else a dy; at 0, where there is no derivative, it is a, as in Keras.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013, section
    2.
    """

    def __init__(self, negative_slope: float = 0.3, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.negative_slope = number("negative_slope", negative_slope, least=0)

    def forward(self, x, training=False):
        above = x > 0
        return xp_of(x).where(above, x, self.negative_slope * x), above

    def backward(self, dy, cache, need_dx=True):
        return xp_of(dy).where(cache, dy, self.negative_slope * dy)


class ELU(Layer):
    """Exponential linear unit: y = x where x > 0, else alpha (exp(x) - 1), with alpha at least 0. Any shape.

    Backward: where x > 0, y' = 1; elsewhere y' = alpha exp(x) = y + alpha, at 0 too.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
    ICLR 2016, equation 15.
    """

    def __init__(self, alpha: float = 1.0, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.alpha = number("alpha", alpha, least=0)

    def forward(self, x, training=False):
        xp, above = xp_of(x), x > 0
        y = xp.where(above, x, self.alpha * xp.expm1(xp.minimum(x, 0)))
        return y, (above, y)

    def backward(self, dy, cache, need_dx=True):
        above, y = cache
        return xp_of(dy).where(above, dy, dy * (y + self.alpha))


class SELU(Layer):
    """Scaled exponential linear unit: y = scale x where x > 0, else scale alpha (exp(x) - 1). Any shape.

    alpha = 1.6732632423543772 and scale = 1.0507009873554805 keep mean 0 and variance 1 from layer to layer.

    Backward: where x > 0, y' = scale; elsewhere y' = scale alpha exp(x) = y + scale alpha, at 0 too.

    Source: Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", NIPS 2017, equations 2 and
    14.
    """

    ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805

    def forward(self, x, training=False):
        xp, above = xp_of(x), x > 0
        y = xp.where(above, self.SCALE * x, self.SCALE * self.ALPHA * xp.expm1(xp.minimum(x, 0)))
        return y, (above, y)

    def backward(self, dy, cache, need_dx=True):
        above, y = cache
        return xp_of(dy).where(above, dy * self.SCALE, dy * (y + self.SCALE * self.ALPHA))


class GELU(Layer):
    """Gaussian error linear unit: y = x Phi(x), with Phi the standard normal distribution function. Any shape.

    Phi is computed by `special.normal_cdf`, an approximation whose error is at most 3e-16 in float64.

    Backward: Phi'(x) = phi(x) = exp(-x^2 / 2) / sqrt(2 pi), so y' = Phi(x) + x phi(x).

    With approximate=True, y = x / 2 (1 + tanh u), u = sqrt(2 / pi) (x + 0.044715 x^3), which differs by up to 5e-4;
    then y' = (1 + tanh u) / 2 + x / 2 (1 - tanh^2 u) u', u' = sqrt(2 / pi) (1 + 0.134145 x^2).

    Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, section 2.
    """

    def __init__(self, approximate: bool = False, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        self.approximate = bool(approximate)

    def forward(self, x, training=False):
        if self.approximate:
            share = 0.5 + 0.5 * xp_of(x).tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x)))
        else:
            share = normal_cdf(x)
        return x * share, (x, share)

    def backward(self, dy, cache, need_dx=True):
        x, share = cache
        if self.approximate:  # share = (1 + tanh u) / 2, so that 1 - tanh^2 u = 4 share (1 - share)
            slope = 2 * share * (1 - share) * (math.sqrt(2 / math.pi) * (1 + 0.134145 * (x * x)))
        else:
            slope = xp_of(x).exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
        return dy * (share + x * slope)


class SiLU(Layer):
    """Sigmoid linear unit, or swish: y = x s(x), with s the logistic function. Any shape.

    Backward: s' = s (1 - s), so y' = s + x s (1 - s) = s + y (1 - s).

    Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107, 2018, equations 6 and 7.
    """

    def forward(self, x, training=False):
        s, _ = _sigmoid.forward(x)
        return x * s, (x, s)

    def backward(self, dy, cache, need_dx=True):
        x, s = cache
        return dy * (s + x * s * (1 - s))


class Softplus(Layer):
    """y = log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(-|x|)), which cannot overflow. Any shape.

    Backward: y' = exp(x) / (1 + exp(x)) = 1 - exp(-y).

    Source: Dugas, Bengio, Belisle, Nadeau and Garcia, "Incorporating second-order functional knowledge for better
    option pricing", NIPS 2000, section 3.
    """

    def forward(self, x, training=False):
        xp = xp_of(x)
        y = xp.maximum(x, 0) + xp.log1p(xp.exp(xp.minimum(x, -x)))
        return y, y

    def backward(self, dy, cache, need_dx=True):
        return dy * -xp_of(dy).expm1(-cache)


class LogSoftmax(Softmax):
    """The logarithm of softmax along one axis: y_i = x_i - log(sum_j exp x_j). Any shape.

    The maximum along the axis is subtracted first: the value stays the same and exp cannot overflow.

    Backward: dy_i/dx_j = delta_ij - p_j with p = exp(y), so dx_j = dy_j - p_j sum_i dy_i.

    Arguments: `axis`, as for Softmax.
    """

    def forward(self, x, training=False):
        xp = xp_of(x)
        y = x - x.max(axis=self.axis, keepdims=True)
        y -= xp.log(xp.exp(y).sum(axis=self.axis, keepdims=True))
        return y, y

    def backward(self, dy, cache, need_dx=True):
        return dy - xp_of(dy).exp(cache) * dy.sum(axis=self.axis, keepdims=True)


_sigmoid = Sigmoid()
