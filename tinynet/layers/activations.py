"""The activation layers that the lesson needs: ReLU, Sigmoid, Tanh and Softmax; `smooth` has the others.

With L the loss and dy = dL/dy given, each returns dx = dL/dx by the chain rule; for y_i = f(x_i) that is
dx_i = dy_i f'(x_i).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arguments import is_integer, number
from ..backend import xp_of
from .base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ReLU(Layer):
    """Rectified linear unit: y = max(x, 0). Any shape.

    Backward: dx = dy where y > 0, else 0; the derivative at 0, where there is none, is taken as 0, as Keras does, and
    so it is at NaN: there dy is NaN, if the loss depends on y at all, and dx with it.

    In general, with Keras's arguments (each a number of at least 0; `max_value` None stands for no bound):
        y = min(x, max_value) where x > threshold, else negative_slope (x - threshold)
    and dx is dy where threshold < x < max_value, negative_slope dy where x <= threshold, else 0.

    Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **options: Unpack[LayerOptions],
    ):
        super().__init__(**options)
        self.max_value = None if max_value is None else number("max_value", max_value, least=0)
        self.negative_slope = number("negative_slope", negative_slope, least=0)
        self.threshold = number("threshold", threshold, least=0)

    def forward(self, x, training=False):
        if self.max_value is None and self.negative_slope == 0 and self.threshold == 0:
            y = xp_of(x).maximum(x, 0)
            return y, y
        xp, above = xp_of(x), x > self.threshold
        below = self.negative_slope * (x - self.threshold) if self.negative_slope else x.clip(0, 0)  # 0, but NaN at NaN
        y = xp.where(above, x, below)
        if self.max_value is None:
            return y, (above, None)
        return xp.minimum(y, self.max_value), (above, x < self.max_value)

    def backward(self, dy, cache, need_dx=True):
        if not isinstance(cache, tuple):
            return dy * (cache > 0)
        above, unbounded = cache
        dx = xp_of(dy).where(above, dy, self.negative_slope * dy)
        return dx if unbounded is None else dx * unbounded


class Sigmoid(Layer):
    """Logistic function: y = 1 / (1 + exp(-x)). Any shape.

    Computed from e = exp(-|x|), which cannot overflow and loses no digits: y = 1 / (1 + e) where x >= 0, elsewhere
    e / (1 + e).

    Backward: y' = exp(-x) / (1 + exp(-x))^2 = y (1 - y), so dx = dy y (1 - y).
    """

    def forward(self, x, training=False):
        xp = xp_of(x)
        e = xp.exp(xp.minimum(x, -x))
        y = xp.where(x >= 0, 1, e) / (1 + e)
        return y, y

    def backward(self, dy, cache, need_dx=True):
        return dy * (cache * (1 - cache))


class Tanh(Layer):
    """Hyperbolic tangent: y = tanh x. Any shape.

    Backward: y' = 1 - tanh^2 x, so dx = dy (1 - y^2).
    """

    def forward(self, x, training=False):
        y = xp_of(x).tanh(x)
        return y, y

    def backward(self, dy, cache, need_dx=True):
        return dy * (1 - cache * cache)


class Softmax(Layer):
    """Softmax along one axis: y_i = exp(x_i) / sum_j exp(x_j). Any shape; y sums to 1 along `axis`.

    The maximum along the axis is subtracted first: the value stays the same and exp cannot overflow.

    Backward: dy_i/dx_j = y_i (delta_ij - y_j), so dx_j = sum_i dy_i y_i (delta_ij - y_j) = y_j (dy_j - sum_i dy_i y_i).

    Arguments: `axis`, an integer or a tuple of them; ValueError if the input has no such axis.
    """

    def __init__(self, axis: int | tuple[int, ...] = -1, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        axes = axis if isinstance(axis, (tuple, list)) else (axis,)
        if not axes or not all(is_integer(one) for one in axes):
            raise ValueError(f"axis must be an integer or a tuple of integers; got {axis!r}.")
        self.axis = tuple(int(one) for one in axes) if len(axes) > 1 else int(axes[0])

    def build(self, input_shape):
        rank = len(input_shape) + 1
        for axis in self.axis if isinstance(self.axis, tuple) else (self.axis,):
            if not -rank <= axis < rank:
                raise ValueError(f"Layer '{self.name}' has axis={self.axis}, but its inputs have rank {rank} only.")
        return input_shape

    def forward(self, x, training=False):
        xp = xp_of(x)
        y = x - x.max(axis=self.axis, keepdims=True)
        xp.exp(y, out=y)
        y /= y.sum(axis=self.axis, keepdims=True)
        return y, y

    def backward(self, dy, cache, need_dx=True):
        y = cache
        return y * (dy - (dy * y).sum(axis=self.axis, keepdims=True))


