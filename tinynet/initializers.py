"""Starting weights, drawn on the host in float64 from an explicit generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arguments import absent, number, positive
from .config import Configured, by_name
from .rng import choose_seed

# The standard deviation of a standard normal variable z given that |z| <= 2.
TRUNCATED_STDDEV = 0.87962566103423978


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out): how many inputs and outputs one unit of a weight of this shape has.

    A matrix is (inputs, outputs); in a kernel of more axes the leading ones are the receptive field.
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class Initializer(Configured):
    """Base class: `initializer(shape, rng)` returns a float64 array of that shape; a subclass defines `draw`.

    With a seed of its own an initializer returns the same values at every call, as Keras's do; without one it draws
    from `rng`, which the model derives from its seed.
    """

    keras_module = "keras.initializers"

    def __init__(self, seed: int | None = None):
        self.seed = None if seed is None else choose_seed(seed)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator | None = None) -> np.ndarray:
        if rng is None or self.seed is not None:
            rng = np.random.default_rng(choose_seed(self.seed))
        return self.draw(tuple(shape), rng)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw an array of this shape from rng; each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define draw(shape, rng).")


class Constant(Initializer):
    """The same value everywhere."""

    def __init__(self, value: float = 0.0):
        super().__init__()
        self.value = number("value", value)

    def draw(self, shape, rng):
        return np.full(shape, self.value)


class Zeros(Initializer):
    """All zeros."""

    def __init__(self):
        super().__init__()

    def draw(self, shape, rng):
        return np.zeros(shape)


class Ones(Initializer):
    """All ones."""

    def __init__(self):
        super().__init__()

    def draw(self, shape, rng):
        return np.ones(shape)


class RandomUniform(Initializer):
    """Uniform on [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = number("minval", minval), number("maxval", maxval)
        if self.minval > self.maxval:
            raise ValueError(f"minval must not be above maxval; got {minval!r} and {maxval!r}.")

    def draw(self, shape, rng):
        return rng.uniform(self.minval, self.maxval, shape)


class RandomNormal(Initializer):
    """Normal with this mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = number("mean", mean), number("stddev", stddev, least=0)

    def draw(self, shape, rng):
        return self.mean + self.stddev * rng.standard_normal(shape)


class TruncatedNormal(RandomNormal):
    """Normal, with what is more than two standard deviations from the mean drawn again.

    `stddev` is that of the normal distribution; the standard deviation of what is drawn is 0.8796 of it.
    """

    def draw(self, shape, rng):
        z = np.asarray(rng.standard_normal(shape))  # of shape () it is a number
        while (far := np.abs(z) > 2).any():
            z[far] = rng.standard_normal(np.count_nonzero(far))
        return self.mean + self.stddev * z


class VarianceScaling(Initializer):
    """Of mean 0 and variance scale / n, where n is the fan_in of the weight, its fan_out, or their mean ("fan_avg").

    `distribution` is one of

    - "uniform": on [-L, L), L = sqrt(3 scale / n), whose variance is L^2 / 3;
    - "untruncated_normal";
    - "truncated_normal", or "normal": at two standard deviations of a normal distribution, which is made wider, by
      1 / 0.8796, for what it loses.

    Why 1 / n: a unit's input is a sum of n products, so its variance is n times theirs. The named ones below choose
    what is to keep its scale from layer to layer.
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

    def draw(self, shape, rng):
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
    """Uniform on [-L, L) with L = sqrt(6 / (fan_in + fan_out)).

    The variance 2 / (fan_in + fan_out) keeps the scale of activations going forward and of gradients going backward
    about equal from layer to layer.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 16.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out).

    Source: Glorot and Bengio, 2010 (see GlorotUniform), equation 12.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform on [-L, L) with L = sqrt(6 / fan_in): of variance 2 / fan_in.

    ReLU halves the mean square of what passes through it, for which the factor 2 makes up.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / fan_in.

    Source: He, Zhang, Ren and Sun, 2015 (see HeUniform), equation 10.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform on [-L, L) with L = sqrt(3 / fan_in): of variance 1 / fan_in.

    So that a unit whose inputs have mean 0 and variance 1 has a sum of variance 1.

    Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal of variance 1 / fan_in.

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
    """The initializer of that name ("glorot_uniform", "he_normal", ...) or record, or the given Initializer itself."""
    return by_name("initializer", identifier, Initializer, INITIALIZERS)


__getattr__ = absent(__name__, sorted({kind.__name__ for kind in INITIALIZERS.values()}))
