"""Initializers: starting weights, drawn on the host in float64 from an explicit generator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import absent, number, positive
from .config import Configured, by_name
from .rng import choose_seed

# The standard deviation of a standard normal variable z given that |z| <= 2.
TRUNCATED_STDDEV = 0.87962566103423978


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (fan_in, fan_out): the numbers of inputs and outputs that a unit of a weight of this shape has.

    A matrix is (inputs, outputs). In a kernel of more axes the leading ones are the receptive field.
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class Initializer(Configured):
    """Base class: `initializer(shape, rng)` returns a float64 array of that shape. A subclass defines `draw`.

    Args:
        seed: With a seed every call returns the same values, as in Keras. With None the values are drawn from `rng`,
            which the model derives from its seed.
    """

    keras_module = "keras.initializers"

    def __init__(self, seed: int | None = None):
        self.seed = None if seed is None else choose_seed(seed)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator | None = None) -> np.ndarray:
        if rng is None or self.seed is not None:
            rng = np.random.default_rng(choose_seed(self.seed))
        return self.draw(tuple(shape), rng)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw an array of this shape from `rng`. Each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define draw(shape, rng).")


class Constant(Initializer):
    """Fills a weight with the same value everywhere.

    Args:
        value: The value, a finite number.
    """

    def __init__(self, value: float = 0.0):
        super().__init__()
        self.value = number("value", value)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return np.full(shape, self.value)


class Zeros(Initializer):
    """Fills a weight with zeros."""

    def __init__(self):
        super().__init__()

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """Fills a weight with ones."""

    def __init__(self):
        super().__init__()

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


class RandomUniform(Initializer):
    """Draws from the uniform distribution on [minval, maxval).

    Args:
        minval: The lower bound.
        maxval: The upper bound.
        seed: See Initializer.

    Raises:
        ValueError: `minval` is above `maxval`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = number("minval", minval), number("maxval", maxval)
        if self.minval > self.maxval:
            raise ValueError(f"minval must not be above maxval; got {minval!r} and {maxval!r}.")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


class RandomNormal(Initializer):
    """Draws from the normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: See Initializer.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = number("mean", mean), number("stddev", stddev, least=0)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * rng.standard_normal(shape)


class TruncatedNormal(RandomNormal):
    """Draws from the normal distribution, and draws again what is more than two standard deviations from the mean.

    The standard deviation of the result is 0.8796 times `stddev`, which is that of the normal distribution.

    Args:
        mean: The mean.
        stddev: The standard deviation of the normal distribution.
        seed: See Initializer.
    """

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        z = np.asarray(rng.standard_normal(shape))  # of shape () it is a number
        while (far := np.abs(z) > 2).any():
            z[far] = rng.standard_normal(np.count_nonzero(far))
        return self.mean + self.stddev * z


class VarianceScaling(Initializer):
    """Draws with mean 0 and variance scale / n.

    Why 1 / n: a unit's input is a sum of n products, so its variance is n times theirs. The named initializers below
    choose n and the scale to keep the variance of the activations or of the gradients from layer to layer.

    Args:
        scale: The factor of the variance, above 0.
        mode: What n is: "fan_in" or "fan_out" of the weight, or "fan_avg", their mean.
        distribution: "uniform" is uniform on [-L, L) with L = sqrt(3 scale / n), whose variance is L^2 / 3.
            "untruncated_normal" is normal. "truncated_normal", or "normal", is a normal distribution cut off at two
            standard deviations, and made wider by 1 / 0.8796 to make up for the variance that it loses.
        seed: See Initializer.

    Raises:
        ValueError: An argument is none of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        super().__init__(seed)
        self.scale = positive("scale", scale)
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg'; got {mode!r}.")
        self.mode = mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        if self.distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                f"distribution must be 'uniform', 'truncated_normal' or 'untruncated_normal'; got {distribution!r}."
            )

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        fan_in, fan_out = fans(shape)
        n = max(1, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * self.scale / n)
            return rng.uniform(-limit, limit, shape)
        stddev = math.sqrt(self.scale / n)
        if self.distribution == "untruncated_normal":
            return RandomNormal(0, stddev).draw(shape, rng)
        return TruncatedNormal(0, stddev / TRUNCATED_STDDEV).draw(shape, rng)


class GlorotUniform(VarianceScaling):
    """Draws uniformly on [-L, L) with L = sqrt(6 / (fan_in + fan_out)).

    The variance 2 / (fan_in + fan_out) keeps the scale of activations going forward and of gradients going backward
    about equal from layer to layer.

    Args:
        seed: See Initializer.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Draws from the truncated normal distribution of variance 2 / (fan_in + fan_out).

    Args:
        seed: See Initializer.

    Source: Glorot and Bengio, 2010 (see GlorotUniform), equation 12.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Draws uniformly on [-L, L) with L = sqrt(6 / fan_in). The variance is 2 / fan_in.

    ReLU halves the mean square of what passes through it. The factor 2 makes up for that.

    Args:
        seed: See Initializer.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Draws from the truncated normal distribution of variance 2 / fan_in.

    Args:
        seed: See Initializer.

    Source: He, Zhang, Ren and Sun, 2015 (see HeUniform), equation 10.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Draws uniformly on [-L, L) with L = sqrt(3 / fan_in). The variance is 1 / fan_in.

    The weighted sum of inputs of mean 0 and variance 1 then has variance 1.

    Args:
        seed: See Initializer.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Draws from the truncated normal distribution of variance 1 / fan_in.

    Args:
        seed: See Initializer.

    Source: LeCun, Bottou, Orr and Müller, 1998 (see LecunUniform), section 4.6.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


INITIALIZERS = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "normal": RandomNormal,
    "one": Ones,
    "ones": Ones,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "zero": Zeros,
    "zeros": Zeros,
}


def get(identifier: Any) -> Initializer:
    """Return the initializer that is meant.

    Args:
        identifier: A name ("glorot_uniform", "he_normal", ...), a record, or an Initializer, which is returned.

    Raises:
        ValueError: There is no initializer of this name.
        TypeError: `identifier` is something else.
    """
    return by_name("initializer", identifier, Initializer, INITIALIZERS)


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, sorted({kind.__name__ for kind in INITIALIZERS.values()}))
