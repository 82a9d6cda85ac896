"""The activations that the lesson needs: ReLU, Sigmoid, Tanh and Softmax; more_activations.py has the others.

With L the loss and dy = dL/dy given, each returns dx = dL/dx by the chain rule. For y_i = f(x_i) it is
dx_i = dy_i f'(x_i).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import is_integer, number
from ..backend import xp_of
from .base import Layer, LayerOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ReLU(Layer):
    """Rectified linear unit: y = max(x, 0). Any shape.

    Backward: dx = dy where y > 0, else 0. At 0, where there is no derivative, it is taken as 0, as in Keras. At
    x = NaN the factor is 0 too, but dy is NaN there, so dx is NaN as well.

    In general, with Keras's arguments:
        y  = min(x, max_value) where x > threshold, else negative_slope (x - threshold)
        dx = dy where threshold < x < max_value, negative_slope dy where x <= threshold, else 0

    Args:
        max_value: Upper bound of y, at least 0; None for no bound.
        negative_slope: Slope of y where x <= threshold, at least 0.
        threshold: The x above which y = x, at least 0.

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

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if self.max_value is None and self.negative_slope == 0 and self.threshold == 0:
            y = xp_of(x).maximum(x, 0)
            return y, y
        xp, above = xp_of(x), x > self.threshold
        below = self.negative_slope * (x - self.threshold) if self.negative_slope else x.clip(0, 0)
        y = xp.where(above, x, below)
        if self.max_value is None:
            return y, (above, None)
        return xp.minimum(y, self.max_value), (above, x < self.max_value)

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        if not isinstance(cache, tuple):
            return dy * (cache > 0)
        above, unbounded = cache
        dx = xp_of(dy).where(above, dy, self.negative_slope * dy)
        return dx if unbounded is None else dx * unbounded


class Sigmoid(Layer):
    """Logistic function: y = 1 / (1 + exp(-x)). Any shape.

    It is computed from e = exp(-|x|), which cannot overflow and loses no digits: y = 1 / (1 + e) where x >= 0, else
    e / (1 + e).

    Backward: y' = exp(-x) / (1 + exp(-x))^2 = y (1 - y), so dx = dy y (1 - y).
    """

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        xp = xp_of(x)
        e = xp.exp(xp.minimum(x, -x))
        y = xp.where(x >= 0, 1, e) / (1 + e)
        return y, y

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        return dy * (cache * (1 - cache))


class Tanh(Layer):
    """Hyperbolic tangent: y = tanh x. Any shape.

    Backward: y' = 1 - tanh^2 x, so dx = dy (1 - y^2).
    """

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y = xp_of(x).tanh(x)
        return y, y

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        return dy * (1 - cache * cache)


class Softmax(Layer):
    """Softmax along one axis: y_i = exp(x_i) / sum_j exp(x_j). Any shape; y sums to 1 along `axis`.

    The maximum along the axis is subtracted first. The value stays the same, and exp cannot overflow.

    Backward: dy_i/dx_j = y_i (delta_ij - y_j), so dx_j = sum_i dy_i y_i (delta_ij - y_j) = y_j (dy_j - sum_i dy_i y_i).

    Args:
        axis: The axis, an integer, or several, a tuple of integers.

    Raises:
        ValueError: The inputs have no such axis.
    """

    def __init__(self, axis: int | tuple[int, ...] = -1, **options: Unpack[LayerOptions]):
        super().__init__(**options)
        axes = axis if isinstance(axis, (tuple, list)) else (axis,)
        if not axes or not all(map(is_integer, axes)):
            raise ValueError(f"axis must be an integer or a tuple of integers; got {axis!r}.")
        self.axis = tuple(map(int, axes)) if len(axes) > 1 else int(axes[0])

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        rank = len(input_shape) + 1
        for axis in self.axis if isinstance(self.axis, tuple) else (self.axis,):
            if not -rank <= axis < rank:
                raise ValueError(f"Layer '{self.name}' has axis={self.axis}, but its inputs have rank {rank} only.")
        return input_shape

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        xp = xp_of(x)
        y = x - x.max(axis=self.axis, keepdims=True)
        xp.exp(y, out=y)
        y /= y.sum(axis=self.axis, keepdims=True)
        return y, y

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        y = cache
        return y * (dy - (dy * y).sum(axis=self.axis, keepdims=True))
