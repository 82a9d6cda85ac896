"""The one list: every layer, loss, metric, optimizer, initializer and regularizer, and a set of models.

Whoever adds one of them to the library adds a line here, and with it every check that goes through the list: gradients
against two numerical methods, the properties, the strict stand-in for CuPy. test_catalogue.py fails where a public
class is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinynet as tn
from tinynet import initializers, layers, losses, metrics, optimizers, regularizers

ACTIVATIONS = ["relu", "sigmoid", "tanh", "softmax"]


def no_settings(shape):
    return {}


@dataclass(frozen=True)
class LayerEntry:
    """A layer class, the arguments to draw for samples of a shape, and what holds for it."""

    make: Callable[..., layers.Layer]
    settings: Callable[[tuple[int, ...]], dict[str, st.SearchStrategy]] = no_settings
    least_rank: int = 1  # of a sample
    mixes_rows: bool = False  # an output row depends on other rows of the input
    has_kinks: bool = False  # so that drawn inputs may have to be moved


def dense_settings(shape):
    return {
        "units": st.integers(1, 4),
        "activation": st.sampled_from([None, *ACTIVATIONS]),
        "use_bias": st.booleans(),
        "bias_initializer": st.sampled_from(["zeros", "ones"]),
    }


def axes(shape):
    """Softmax's axis for samples of this shape: never the batch."""
    one = st.integers(1, len(shape)) | st.integers(-len(shape), -1)
    several = st.lists(st.integers(1, len(shape)), min_size=2, max_size=3, unique=True).map(tuple)
    return {"axis": one if len(shape) < 2 else one | several}


LAYERS = {
    "Dense": LayerEntry(layers.Dense, dense_settings, has_kinks=True),
    "Flatten": LayerEntry(layers.Flatten, least_rank=0),
    "ReLU": LayerEntry(layers.ReLU, has_kinks=True),
    "Sigmoid": LayerEntry(layers.Sigmoid),
    "Softmax": LayerEntry(layers.Softmax, axes),
    "Softmax over the batch": LayerEntry(lambda: layers.Softmax(axis=0), mixes_rows=True),
    "Softmax over all axes": LayerEntry(lambda: layers.Softmax(axis=(0, 1)), mixes_rows=True),
    "Tanh": LayerEntry(layers.Tanh),
}


@dataclass(frozen=True)
class LossEntry:
    """A loss class, the arguments to draw, and labels and outputs that suit it."""

    make: Callable[..., losses.Loss]
    settings: dict[str, st.SearchStrategy]
    labels: Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray]  # (rng, batch axes, classes)
    outputs: Callable[[losses.Loss, np.random.Generator, tuple[int, ...]], np.ndarray]  # (loss, rng, shape)
    least_classes: int = 2


def logits_or_probabilities(loss, rng, shape):
    """Logits; or positive numbers, which need not sum to 1: the loss divides by their sum."""
    return 3 * rng.normal(size=shape) if loss.from_logits else 0.05 + rng.random(shape)


LOSSES = {
    "SparseCategoricalCrossentropy": LossEntry(
        losses.SparseCategoricalCrossentropy,
        {"from_logits": st.booleans()},
        labels=lambda rng, shape, classes: rng.integers(0, classes, shape),
        outputs=logits_or_probabilities,
    ),
}

METRICS = {"SparseCategoricalAccuracy": metrics.SparseCategoricalAccuracy}

OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "SGD with momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "SGD with Nesterov momentum": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: optimizers.Adam(0.01),
    "Adam with other settings": lambda: optimizers.Adam(0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
    "Adam with amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "AdamW": lambda: optimizers.AdamW(0.01),
    "AdamW with other settings": lambda: optimizers.AdamW(0.02, 0.1, beta_1=0.8, beta_2=0.99, amsgrad=True),
    "RMSprop": lambda: optimizers.RMSprop(0.01),
    "RMSprop with momentum": lambda: optimizers.RMSprop(0.01, rho=0.8, momentum=0.5),
    "RMSprop, centered": lambda: optimizers.RMSprop(0.01, centered=True, epsilon=1e-3),
    "RMSprop, centered, with momentum": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True, epsilon=1e-3),
    "SGD with momentum and weight decay": lambda: optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1),
    "SGD with a schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}
# Optimizers that clip: they write to the gradients, and entries depend on each other.
CLIPPING = {
    "SGD with clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.5),
    "SGD with global_clipnorm": lambda: optimizers.SGD(0.1, global_clipnorm=0.5),
    "Adam with clipvalue and weight decay": lambda: optimizers.Adam(0.01, clipvalue=0.1, weight_decay=0.1),
}
SCHEDULES = {
    "ExponentialDecay": lambda: optimizers.schedules.ExponentialDecay(0.1, 10, 0.5),
    "ExponentialDecay in stairs": lambda: optimizers.schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    "PiecewiseConstantDecay": lambda: optimizers.schedules.PiecewiseConstantDecay([5, 10], [1, 0.5, 0.1]),
    "CosineDecay": lambda: optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1),
    "CosineDecay with warmup": lambda: optimizers.schedules.CosineDecay(0.02, 10, warmup_target=0.1, warmup_steps=4),
}

INITIALIZERS = {
    "Constant": lambda seed=None: initializers.Constant(0.5),
    "GlorotNormal": initializers.GlorotNormal,
    "GlorotUniform": initializers.GlorotUniform,
    "HeNormal": initializers.HeNormal,
    "HeUniform": initializers.HeUniform,
    "LecunNormal": initializers.LecunNormal,
    "LecunUniform": initializers.LecunUniform,
    "Ones": lambda seed=None: initializers.Ones(),
    "RandomNormal": initializers.RandomNormal,
    "RandomNormal with settings": lambda seed=None: initializers.RandomNormal(1, 0.5, seed),
    "RandomUniform": initializers.RandomUniform,
    "RandomUniform with settings": lambda seed=None: initializers.RandomUniform(1, 2, seed),
    "TruncatedNormal": initializers.TruncatedNormal,
    "VarianceScaling": initializers.VarianceScaling,
    "VarianceScaling with settings": lambda seed=None: initializers.VarianceScaling(
        0.5, "fan_out", "untruncated_normal", seed
    ),
    "Zeros": lambda seed=None: initializers.Zeros(),
}

REGULARIZERS = {
    "L1": regularizers.L1,
    "L2": regularizers.L2,
    "L1L2": lambda: regularizers.L1L2(0.3, 0.2),
    "L1L2 of zeros": regularizers.L1L2,
}


@dataclass(frozen=True)
class ModelEntry:
    """A function that makes a model of three classes from Sequential's options, and the shape of a sample."""

    make: Callable[..., tn.Sequential]
    shape: tuple[int, ...]
    from_logits: bool = False
    label_shape: tuple[int, ...] = ()
    mixes_rows: bool = False

    def compiled(self, optimizer: Any = "sgd", **options: Any) -> tn.Sequential:
        """The model, compiled with the cross-entropy and the accuracy."""
        model = self.make(**{"seed": 0, **options})
        model.compile(optimizer, losses.SparseCategoricalCrossentropy(self.from_logits), ["accuracy"])
        return model

    def data(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """n samples, in float64, and their labels."""
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, *self.shape)), rng.integers(0, 3, (n, *self.label_shape))


def stack(*parts):
    """A function that makes a Sequential of fresh layers, each given by a function."""
    return lambda **options: tn.Sequential([make() for make in parts], **options)


def shared(**options):
    twice = layers.Dense(3, "tanh")
    return tn.Sequential([tn.Input((3,)), twice, layers.Dense(3), twice, layers.Dense(3, "softmax")], **options)


def nested(**options):
    inner = tn.Sequential([layers.Dense(4, "tanh"), layers.Dense(5, "sigmoid")], **{**options, "seed": None})
    return tn.Sequential([tn.Input((2,)), inner, layers.Dense(3, "softmax")], **options)


def dense(units, activation=None, **options):
    return lambda: layers.Dense(units, activation, **options)


MODELS = {
    "the lesson's, small": ModelEntry(
        stack(lambda: layers.Flatten(input_shape=(4, 3, 1)), dense(8, "relu"), dense(3, "softmax")), (4, 3, 1)
    ),
    "from logits": ModelEntry(stack(dense(5, "sigmoid", input_shape=(4,)), dense(3)), (4,), from_logits=True),
    "softmax as a layer": ModelEntry(stack(dense(5, "tanh", input_shape=(4,)), dense(3), layers.Softmax), (4,)),
    "softmax over the batch": ModelEntry(
        stack(dense(3, "sigmoid", input_shape=(2,)), lambda: layers.Softmax(axis=0)), (2,), mixes_rows=True
    ),
    "sequences": ModelEntry(stack(dense(5, "relu", input_shape=(4, 3)), dense(3, "softmax")), (4, 3), label_shape=(4,)),
    "a layer that stands twice": ModelEntry(shared, (3,)),
    "a model in a model": ModelEntry(nested, (2,)),
    "a frozen layer": ModelEntry(
        stack(dense(5, "relu", input_shape=(4,)), dense(4, "tanh", trainable=False), dense(3, "softmax")), (4,)
    ),
}

# ---- how to draw from it --------------------------------------------------------------------------------------

batches = st.integers(1, 5)  # 1 among them
seeds = st.integers(0, 2**32 - 1)


def shapes(least_rank=1, most_rank=3):
    """Shapes of a sample, single features among them; with the batch axis arrays of rank 2, 3 and 4."""
    return st.lists(st.integers(1, 4), min_size=least_rank, max_size=most_rank).map(tuple)


@st.composite
def layer_and_shape(draw, entry):
    """A layer of this entry, not yet built, and the shape of its samples."""
    shape = draw(shapes(entry.least_rank))
    return entry.make(**draw(st.fixed_dictionaries(entry.settings(shape)))), shape


@st.composite
def loss_labels_outputs(draw, entry):
    """A loss of this entry, labels of rank 1 to 3, and outputs in float64."""
    loss = entry.make(**draw(st.fixed_dictionaries(entry.settings)))
    shape = (draw(batches), *draw(st.lists(st.integers(1, 3), max_size=2)))
    classes = draw(st.integers(entry.least_classes, 6))
    rng = np.random.default_rng(draw(seeds))
    return loss, entry.labels(rng, shape, classes), entry.outputs(loss, rng, (*shape, classes))


@st.composite
def maker_and_data(draw):
    """A function that makes, from Sequential's options, a compiled model of up to four dense layers, whose weights are
    all drawn; and its samples and labels."""
    shape = draw(shapes(1, 3))
    hidden = draw(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, *ACTIVATIONS])), max_size=3))
    end = draw(st.sampled_from(["softmax layer", "softmax activation", "logits", "softmax over the batch"]))
    flat, batch, seed = draw(st.booleans()), draw(batches), draw(seeds)

    def make(**options):
        stack = [tn.Input(shape), *[layers.Flatten()] * flat]
        stack += [layers.Dense(units, activation) for units, activation in hidden]
        stack += {
            "softmax layer": [layers.Dense(3), layers.Softmax()],
            "softmax activation": [layers.Dense(3, "softmax")],
            "logits": [layers.Dense(3)],
            "softmax over the batch": [layers.Dense(3, "sigmoid"), layers.Softmax(axis=0)],
        }[end]
        rng = np.random.default_rng(seed)
        model = tn.Sequential(stack, seed=0, **options)
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=end == "logits"))
        model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
        return model

    rng = np.random.default_rng([seed, 1])
    return make, rng.normal(size=(batch, *shape)), rng.integers(0, 3, (batch, *(() if flat else shape[:-1])))


@st.composite
def model_and_data(draw):
    """Such a model in float64 on NumPy, its samples and labels."""
    make, x, labels = draw(maker_and_data())
    return make(dtype="float64"), x, labels
