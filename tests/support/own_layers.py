"""Layers as users write them, all right: the checker must raise no false alarm on any.

Among them what gradient checks stumble on: kinks, sums that cancel, gradients that are 0 by theory (a bias in front of
a normalisation), weights that act on every sample, and forward passes that complex numbers do not go through.
"""

import numpy as np

from tinynet.layers import Layer


class LeakyReLU(Layer):
    """y = x where x > 0, else x / 10."""

    def forward(self, x, training=False):
        return np.where(x > 0, x, 0.1 * x), x

    def backward(self, dy, cache, need_dx=True):
        return dy * np.where(cache > 0, 1, 0.1)


class HardSigmoid(Layer):
    """y = min(max(x + 3, 0), 6) / 6."""

    def forward(self, x, training=False):
        return (x + 3).clip(0, 6) / 6, x

    def backward(self, dy, cache, need_dx=True):
        return dy * ((cache > -3) & (cache < 3)) / 6


class Absolute(Layer):
    """y = |x|."""

    def forward(self, x, training=False):
        return np.abs(x), x

    def backward(self, dy, cache, need_dx=True):
        return dy * np.sign(cache)


class Largest(Layer):
    """y = the largest entry along the last axis."""

    def build(self, input_shape):
        return input_shape[:-1]

    def forward(self, x, training=False):
        return x.max(axis=-1), x

    def backward(self, dy, cache, need_dx=True):
        dx = np.zeros(cache.shape, dy.dtype)
        np.put_along_axis(dx, cache.argmax(axis=-1)[..., None], dy[..., None], axis=-1)
        return dx


class GELU(Layer):
    """y = x (1 + tanh u) / 2, u = c (x + 0.044715 x^3)."""

    C = float(np.sqrt(2 / np.pi))

    def forward(self, x, training=False):
        t = np.tanh(self.C * (x + 0.044715 * x**3))
        return x * (1 + t) / 2, (x, t)

    def backward(self, dy, cache, need_dx=True):
        x, t = cache
        return dy * ((1 + t) / 2 + x * (1 - t * t) / 2 * self.C * (1 + 3 * 0.044715 * x * x))


class LogSoftmax(Layer):
    """y = x - log sum exp x."""

    def forward(self, x, training=False):
        z = x - x.max(axis=-1, keepdims=True)
        y = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return y, np.exp(y)

    def backward(self, dy, cache, need_dx=True):
        return dy - cache * dy.sum(axis=-1, keepdims=True)


class Normalization(Layer):
    """y = g (x + b - m) / sqrt(v + 0.01) + s along one axis. Along it the gradients of x, and so of b, add up to 0."""

    def __init__(self, axis, **options):
        super().__init__(**options)
        self.axis = axis

    def build(self, input_shape):
        for name, start in (("b", "zeros"), ("g", "ones"), ("s", "zeros")):
            self.add_weight(name, input_shape[-1:], start)
        return input_shape

    def forward(self, x, training=False):
        z = x + self.b
        z = z - z.mean(axis=self.axis, keepdims=True)
        v = (z * z).mean(axis=self.axis, keepdims=True)  # not z.var(): of complex numbers that is another thing
        r = 1 / np.sqrt(v + 0.01)
        return self.g * z * r + self.s, (z * r, r)

    def backward(self, dy, cache, need_dx=True):
        n, r = cache
        rows = tuple(range(dy.ndim - 1))
        self.grads["g"], self.grads["s"] = (dy * n).sum(axis=rows), dy.sum(axis=rows)
        dn = dy * self.g
        dx = r * (dn - dn.mean(axis=self.axis, keepdims=True) - n * (dn * n).mean(axis=self.axis, keepdims=True))
        self.grads["b"] = dx.sum(axis=rows)
        return dx


class RealNormalization(Normalization):
    """The same, with np.var, which makes a real number of complex ones."""

    def forward(self, x, training=False):
        z = x + self.b
        r = 1 / np.sqrt(z.var(axis=self.axis, keepdims=True) + 0.01)
        z = z - z.mean(axis=self.axis, keepdims=True)
        return self.g * z * r + self.s, (z * r, r)


class Bilinear(Layer):
    """y = (x W) * (x V), both W and V (F, F)."""

    def build(self, input_shape):
        for name in ("W", "V"):
            self.add_weight(name, (input_shape[-1], input_shape[-1]))
        return input_shape

    def forward(self, x, training=False):
        return (x @ self.W) * (x @ self.V), x

    def backward(self, dy, cache, need_dx=True):
        x = cache
        du, dv = dy * (x @ self.V), dy * (x @ self.W)
        rows = x.reshape(-1, x.shape[-1])
        self.grads["W"] = rows.T @ du.reshape(rows.shape)
        self.grads["V"] = rows.T @ dv.reshape(rows.shape)
        return du @ self.W.T + dv @ self.V.T


class Temperature(Layer):
    """y = x / t + c, with one number t and one number c for everything."""

    def build(self, input_shape):
        self.add_weight("t", (), "ones")
        self.add_weight("c", (1,), "zeros")
        return input_shape

    def forward(self, x, training=False):
        return x / self.t + self.c, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["t"] = -(dy * cache).sum() / self.t**2
        self.grads["c"] = dy.sum(keepdims=True).reshape(1)
        return dy / self.t


class Tiny(Layer):
    """y = 1e-9 x^2: gradients far below dy."""

    def forward(self, x, training=False):
        return 1e-9 * x * x, x

    def backward(self, dy, cache, need_dx=True):
        return 2e-9 * dy * cache


class Steep(Layer):
    """y = exp(20 x): the third derivative is 400 times the first."""

    def forward(self, x, training=False):
        y = np.exp(20 * x)
        return y, y

    def backward(self, dy, cache, need_dx=True):
        return 20 * dy * cache


class InFloat64Buffers(Layer):
    """y = x^2, written into a buffer of real numbers, through which complex ones do not go."""

    def forward(self, x, training=False):
        y = np.empty(x.shape, self.dtype)
        y[...] = x * x
        return y, x

    def backward(self, dy, cache, need_dx=True):
        return 2 * dy * cache


class Elementwise(Layer):
    """y = f(x), dx = dy f'(x)."""

    def __init__(self, f, derivative):
        super().__init__()
        self.f, self.derivative = f, derivative

    def forward(self, x, training=False):
        return self.f(x), x

    def backward(self, dy, cache, need_dx=True):
        return dy * self.derivative(cache)


RIGHT = {
    "LeakyReLU": LeakyReLU,
    "HardSigmoid": HardSigmoid,
    "Absolute": Absolute,
    "Largest": Largest,
    "GELU": GELU,
    "LogSoftmax": LogSoftmax,
    "Normalization of features": lambda: Normalization(-1),
    "Normalization over the batch": lambda: Normalization(0),
    "RealNormalization": lambda: RealNormalization(-1),
    "Bilinear": Bilinear,
    "Temperature": Temperature,
    "Tiny": Tiny,
    "Steep": Steep,
    "InFloat64Buffers": InFloat64Buffers,
}
