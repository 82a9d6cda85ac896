"""Layers and losses whose backward is wrong, each with what the checker must say of every gradient of it.

The words are a part of the likely cause; "" stands for a wrong gradient of which no cause may be named, and a gradient
that is not listed is right.
"""

from dataclasses import dataclass

import numpy as np
from own_layers import Bilinear, Normalization

from tinynet.layers import Dense, Layer, ReLU, Sigmoid, Softmax, Tanh
from tinynet.losses import Loss, SparseCategoricalCrossentropy


class Scale(Layer):
    """y = a x, one factor a feature; right."""

    def build(self, input_shape):
        self.add_weight("a", (input_shape[-1],), "ones")
        return input_shape

    def forward(self, x, training=False):
        return x * self.a, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["a"] = (dy * cache).sum(axis=tuple(range(dy.ndim - 1)))
        return dy * self.a


class Linear(Layer):
    """y = x W^T, W (O, I) as PyTorch keeps it; right."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units

    def build(self, input_shape):
        self.add_weight("W", (self.units, input_shape[-1]))
        return (*input_shape[:-1], self.units)

    def forward(self, x, training=False):
        return x @ self.W.T, x

    def backward(self, dy, cache, need_dx=True):
        self.grads["W"] = dy.T @ cache
        return dy @ self.W


class MeanSquaredError(Loss):
    """values = mean over the last axis of (p - t)^2; right."""

    name = "mean_squared_error"

    def forward(self, labels, outputs):
        return ((outputs - labels) ** 2).mean(axis=-1), outputs

    def backward(self, labels, cache, factors):
        factors = np.broadcast_to(factors, cache.shape[:-1])
        return 2 / cache.shape[-1] * (cache - labels) * factors[..., None]


def spoilt(base, change):
    """A layer class whose backward is base's and then `change(layer, dy, cache, dx)`, which returns dx."""

    class Spoilt(base):
        def backward(self, dy, cache, need_dx=True):
            dx = super().backward(dy, cache, True)
            return change(self, dy, cache, dx)

    return Spoilt


def put(name, formula):
    """A change that writes the gradient of a weight: formula(layer, dy, cache, gradient that was right)."""

    def change(layer, dy, cache, dx):
        right = layer.grads[name].copy()
        layer.grads[name] = np.broadcast_to(formula(layer, dy, cache, right), right.shape)
        return dx

    return change


def give(formula):
    """A change that returns another dx: formula(layer, dy, cache, dx that was right)."""
    return formula


def never_writes(base, name):
    class NeverWrites(base):
        def backward(self, dy, cache, need_dx=True):
            before = self.grads[name].copy()
            dx = super().backward(dy, cache, need_dx)
            self.grads[name] = before
            return dx

    return NeverWrites


def adds(base, name):
    class Adds(base):
        def backward(self, dy, cache, need_dx=True):
            before = self.grads[name].copy()
            dx = super().backward(dy, cache, need_dx)
            self.grads[name] += before
            return dx

    return Adds


def steps_first(base, name):
    """Makes a step of SGD and uses the new weight for dx."""

    class StepsFirst(base):
        def backward(self, dy, cache, need_dx=True):
            super().backward(dy, cache, need_dx)
            weight = getattr(self, name)
            weight -= 0.1 * self.grads[name]
            return super().backward(dy, cache, need_dx)

    return StepsFirst


def remembers(base):
    """Keeps what backward needs on itself."""

    class Remembers(base):
        def forward(self, x, training=False):
            y, self.last = super().forward(x, training)
            return y, None

        def backward(self, dy, cache, need_dx=True):
            return super().backward(dy, self.last, need_dx)

    return Remembers


class Square(Layer):
    """y = x^2; wrong: dx = x dy."""

    def forward(self, x, training=False):
        return x * x, x

    def backward(self, dy, cache, need_dx=True):
        return dy * cache


class HalfSquare(Layer):
    """y = x^2 / 2; wrong: dx = 2 x dy."""

    def forward(self, x, training=False):
        return x * x / 2, x

    def backward(self, dy, cache, need_dx=True):
        return 2 * dy * cache


class Centred(Layer):
    """y = x - mean of x along the last axis; wrong: the mean of dy is over all axes but the batch."""

    def forward(self, x, training=False):
        return x - x.mean(axis=-1, keepdims=True), None

    def backward(self, dy, cache, need_dx=True):
        return dy - dy.mean(axis=tuple(range(1, dy.ndim)), keepdims=True)


class Residual(Linear):
    """y = x + x W^T; wrong: dx lacks the way through W."""

    def __init__(self):
        super().__init__(4)

    def forward(self, x, training=False):
        y, cache = super().forward(x)
        return x + y, cache

    def backward(self, dy, cache, need_dx=True):
        super().backward(dy, cache)
        return dy.copy()


class Exchanged(Bilinear):
    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        self.grads["W"], self.grads["V"] = self.grads["V"].copy(), self.grads["W"].copy()
        return dx


class ExchangedToo(Normalization):
    def __init__(self):
        super().__init__(-1)

    def backward(self, dy, cache, need_dx=True):
        dx = super().backward(dy, cache)
        self.grads["g"], self.grads["s"] = self.grads["s"].copy(), self.grads["g"].copy()
        return dx


class FirstRowOnly(Layer):
    """y = the running sums of x + b along the last axis; wrong: db is of the first sample alone."""

    def build(self, input_shape):
        self.add_weight("b", input_shape[-1:], "zeros")
        return input_shape

    def forward(self, x, training=False):
        return (x + self.b).cumsum(axis=-1), None

    def backward(self, dy, cache, need_dx=True):
        dx = dy[:, ::-1].cumsum(axis=-1)[:, ::-1]
        self.grads["b"] = dx[0]
        return dx


class SumsAll(Layer):
    """y = x + b, b of the shape of a sample; wrong: every db is the sum of the whole dy."""

    def build(self, input_shape):
        self.add_weight("b", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        return x + self.b, None

    def backward(self, dy, cache, need_dx=True):
        self.grads["b"][...] = dy.sum()
        return dy.copy()


class SmallScale(Scale):
    """y = a x / 1000; right."""

    def forward(self, x, training=False):
        return 1e-3 * x * self.a, x

    def backward(self, dy, cache, need_dx=True):
        return super().backward(1e-3 * dy, cache, need_dx)


def transposed_axes(layer, dy, cache, dx):
    return dx.swapaxes(1, 2)


class NoFactors(SparseCategoricalCrossentropy):
    def backward(self, labels, cache, factors):
        return super().backward(labels, cache, np.ones(labels.shape))


class NoFactorsSquared(MeanSquaredError):
    def backward(self, labels, cache, factors):
        return super().backward(labels, cache, np.ones(cache.shape[:-1]))


class NoHalf(MeanSquaredError):
    def backward(self, labels, cache, factors):
        return super().backward(labels, cache, factors) / 2


class DividesAgain(SparseCategoricalCrossentropy):
    def backward(self, labels, cache, factors):
        return super().backward(labels, cache, factors) / len(labels)


class OppositeLoss(MeanSquaredError):
    def backward(self, labels, cache, factors):
        return -super().backward(labels, cache, factors)


class SquaredLabels(MeanSquaredError):
    def backward(self, labels, cache, factors):
        return super().backward(labels**2, cache, factors)


@dataclass(frozen=True)
class Sabotage:
    make: object
    shape: tuple[int, ...]
    says: dict[str, str]


BATCH = "equal to the batch size"
LAYERS = {
    # ---- never written, added, zero
    "bias never written": Sabotage(lambda: never_writes(Dense, "bias")(3), (4,), {"bias": "never writes"}),
    "a never written": Sabotage(never_writes(Scale, "a"), (4,), {"a": "never writes"}),
    "kernel added": Sabotage(lambda: adds(Dense, "kernel")(3), (4,), {"kernel": "must overwrite it"}),
    "a added": Sabotage(adds(Scale, "a"), (2, 4), {"a": "must overwrite it"}),
    "dx of zeros": Sabotage(spoilt(Tanh, give(lambda s, dy, c, dx: 0 * dx)), (4,), {"x": "0 everywhere"}),
    "kernel of zeros": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: 0))(3), (4,), {"kernel": "0 everywhere"}
    ),
    # ---- the weights changed, the layer remembers
    "dense steps first": Sabotage(lambda: steps_first(Dense, "kernel")(3), (4,), {"x": "updated weights"}),
    "scale steps first": Sabotage(steps_first(Scale, "a"), (4,), {"x": "updated weights"}),
    "dense remembers": Sabotage(lambda: remembers(Dense)(3), (4,), {"kernel": "last forward left"}),
    "tanh remembers": Sabotage(remembers(Tanh), (4,), {"x": "last forward left"}),
    # ---- sign
    "tanh, opposite sign": Sabotage(spoilt(Tanh, give(lambda s, dy, c, dx: -dx)), (4,), {"x": "wrong sign"}),
    "kernel, opposite sign": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: -g))(3), (4,), {"kernel": "wrong sign"}
    ),
    # ---- a factor
    "kernel, mean for sum": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: g / len(dy)))(3),
        (4,),
        {"kernel": f"{BATCH} (5 times too small): is a mean taken"},
    ),
    "a, mean for sum": Sabotage(
        spoilt(Scale, put("a", lambda s, dy, c, g: (dy * c).mean(axis=0))), (4,), {"a": "(5 times too small)"}
    ),
    "bias, times the batch": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: g * len(dy)))(3),
        (4,),
        {"bias": f"{BATCH} (5 times too large): is 1/N missing?"},
    ),
    "dx, times the batch": Sabotage(
        spoilt(Sigmoid, give(lambda s, dy, c, dx: dx * len(dx))), (2, 3), {"x": "(5 times too large): is 1/N missing?"}
    ),
    "one bias, times the batch, opposite sign": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: -g * len(dy)))(1),
        (4,),
        {"bias": "(5 times too large), and has the wrong sign"},
    ),
    "kernel, mean over all rows": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: g / dy[..., 0].size))(3),
        (2, 4),
        {"kernel": "equal to the number of rows (10 times too small)"},
    ),
    "square without its 2": Sabotage(Square, (4,), {"x": "the same factor, 0.5"}),
    "half a square with a 2": Sabotage(HalfSquare, (4,), {"x": "the same factor, 2"}),
    "large kernel, without its 2": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: g / 2))(30), (20,), {"kernel": "the same factor, 0.5"}
    ),
    # ---- transposed
    "square kernel transposed": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, c, g: g.T))(4), (4,), {"kernel": "it is transposed."}
    ),
    "W transposed": Sabotage(
        lambda: spoilt(Linear, put("W", lambda s, dy, c, g: c.T @ dy))(4), (4,), {"W": "it is transposed."}
    ),
    "dx with its axes exchanged": Sabotage(
        spoilt(Tanh, transposed_axes), (3, 3), {"x": "its axes stand in the order (0, 2, 1)"}
    ),
    "kernel not transposed": Sabotage(
        lambda: spoilt(Dense, give(lambda s, dy, c, dx: dy @ s.kernel))(4), (4,), {"x": "with kernel transposed"}
    ),
    "W not transposed": Sabotage(
        lambda: spoilt(Linear, give(lambda s, dy, c, dx: dy @ s.W.T))(4), (4,), {"x": "with W transposed"}
    ),
    # ---- dy left out
    "sigmoid without dy": Sabotage(
        spoilt(Sigmoid, give(lambda s, dy, y, dx: y * (1 - y))), (4,), {"x": "dy is left out"}
    ),
    "tanh without dy": Sabotage(
        spoilt(Tanh, give(lambda s, dy, y, dx: 1 - y * y)), (2, 3), {"x": "dy is left out"}
    ),
    # ---- sums over other axes
    "softmax summed over the batch": Sabotage(
        spoilt(Softmax, give(lambda s, dy, y, dx: y * (dy - (dy * y).sum(axis=0)))),
        (4,),
        {"x": "wrong axis: dy is summed over axis 0 (the batch) where axis 1 is meant"},
    ),
    "bias summed over the features": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: dy.sum(axis=(0, 2))))(3),
        (3, 4),
        {"bias": "wrong axis: dy is summed over axis 2 where axis 1 is meant"},
    ),
    "bias summed over all": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: dy.sum()))(3),
        (4,),
        {"bias": "one axis too many: dy is summed over axis 1 too"},
    ),
    "a summed over all features": Sabotage(
        spoilt(Scale, put("a", lambda s, dy, x, g: (dy * x).sum())),
        (4,),
        {"a": "one axis too many: dy is summed over axis 1 too"},
    ),
    "bias of the first row": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: dy[0]))(3),
        (4,),
        {"bias": "a sum over axis 0 (the batch) of dy is missing"},
    ),
    "softmax, the diagonal alone": Sabotage(
        spoilt(Softmax, give(lambda s, dy, y, dx: dy * y * (1 - y))), (4,), {"x": "a sum over axis 1 of dy is missing"}
    ),
    "bias of the first row, then summed up": Sabotage(
        FirstRowOnly, (4,), {"b": "a sum over axis 0 (the batch) of dy is missing"}
    ),
    # ---- no cause that could be named
    "bias of the first row and step": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: dy[0, 0]))(3), (3, 4), {"bias": ""}
    ),
    "bias of all rows, steps and features": Sabotage(SumsAll, (3, 4), {"b": ""}),
    "size of the first row": Sabotage(
        lambda: spoilt(Dense, put("bias", lambda s, dy, c, g: np.abs(dy[0])))(3), (4,), {"bias": ""}
    ),
    "the first row, a little off": Sabotage(
        spoilt(SmallScale, put("a", lambda s, dy, x, g: 1.0001 * 1e-3 * dy[0] * x[0])), (4,), {"a": ""}
    ),
    "sigmoid's derivative forgotten": Sabotage(spoilt(Sigmoid, give(lambda s, dy, y, dx: dy * y)), (4,), {"x": ""}),
    "tanh passed through": Sabotage(spoilt(Tanh, give(lambda s, dy, y, dx: dy)), (4,), {"x": ""}),
    "tanh without its square": Sabotage(spoilt(Tanh, give(lambda s, dy, y, dx: dy * (1 - y))), (4,), {"x": ""}),
    "relu that leaks 1e-5": Sabotage(
        spoilt(ReLU, give(lambda s, dy, y, dx: dx + 1e-5 * dy)), (4,), {"x": ""}
    ),
    "sigmoid off by 1e-10": Sabotage(
        spoilt(Sigmoid, give(lambda s, dy, y, dx: dx + 1e-10 * y * dy)), (4,), {"x": ""}
    ),
    "kernel with the rows of x turned round": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, x, g: x[::-1].T @ dy))(3), (4,), {"kernel": ""}
    ),
    "kernel of the first two rows doubled": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, x, g: g + x[:2].T @ dy[:2]))(3), (4,), {"kernel": ""}
    ),
    "one entry of a large kernel": Sabotage(
        lambda: spoilt(Dense, put("kernel", lambda s, dy, x, g: g + (np.arange(600) == 77).reshape(20, 30)))(30),
        (20,),
        {"kernel": ""},
    ),
    "softmax without y": Sabotage(
        spoilt(Softmax, give(lambda s, dy, y, dx: dy - (dy * y).sum(axis=-1, keepdims=True))), (4,), {"x": ""}
    ),
    "dx with another row's dy": Sabotage(
        lambda: spoilt(Dense, give(lambda s, dy, x, dx: np.roll(dx, 1, axis=0)))(3), (4,), {"x": ""}
    ),
    "mean over too many axes": Sabotage(Centred, (2, 3), {"x": ""}),
    "square of two features without its 2": Sabotage(Square, (2,), {"x": "the same factor, 0.5"}),
    "another row leaks in": Sabotage(
        spoilt(Tanh, give(lambda s, dy, y, dx: dx + 0.1 * np.roll(dx, 1, axis=0))), (4,), {"x": ""}
    ),
    "another feature leaks in": Sabotage(
        spoilt(Tanh, give(lambda s, dy, y, dx: dx + 0.1 * np.roll(dx, 1, axis=1))), (4,), {"x": ""}
    ),
    "one way of two forgotten": Sabotage(Residual, (4,), {"x": ""}),
    "a half missing, half doubled": Sabotage(
        spoilt(Scale, put("a", lambda s, dy, x, g: g * np.array([0, 2, 1, 1]))), (4,), {"a": ""}
    ),
    "NaN in one entry": Sabotage(
        spoilt(Scale, put("a", lambda s, dy, x, g: g * np.array([1, np.nan, 1, 1]))), (4,), {"a": "holds NaN"}
    ),
    "infinity in one entry": Sabotage(
        spoilt(Tanh, give(lambda s, dy, x, dx: np.where(np.arange(4) == 2, np.inf, dx))), (4,), {"x": "holds NaN"}
    ),
    "W and V exchanged": Sabotage(Exchanged, (3,), {"W": "are exchanged", "V": "the gradient of W is the right one"}),
    "scale and shift exchanged": Sabotage(
        ExchangedToo, (4,), {"g": "of s is the right one here: the two are exchanged", "s": "are exchanged"}
    ),
    "a without dy": Sabotage(spoilt(Scale, put("a", lambda s, dy, x, g: x.sum(axis=0))), (4,), {"a": "dy is left out"}),
}
CLASSES = np.array([0, 2, 1, 1])
TARGETS = np.random.default_rng(0).normal(size=(4, 3))
LOSSES = {
    "cross-entropy of probabilities without factors": (NoFactors(), CLASSES, "the factors are left out"),
    "cross-entropy of logits without factors": (NoFactors(from_logits=True), CLASSES, "the factors are left out"),
    "squared error without factors": (NoFactorsSquared(), TARGETS, "the factors are left out"),
    "squared error without its 2": (NoHalf(), TARGETS, "the same factor, 0.5"),
    "cross-entropy divided by N again": (DividesAgain(from_logits=True), CLASSES, f"{BATCH} (4 times too small)"),
    "squared error, opposite sign": (OppositeLoss(), TARGETS, "wrong sign"),
    "squared error with the labels squared": (SquaredLabels(), TARGETS, ""),
}
