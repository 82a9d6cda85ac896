"""The one list: every layer, loss, metric, optimizer, schedule, initializer and regularizer, and a set of models.

Whoever adds one of them to the library adds a line here, and with it every check that goes through the list: gradients
against two numerical methods, the properties, the strict stand-in for CuPy. test_catalogue.py fails where a public
class is missing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinynet as tn
from tinynet import initializers, layers, losses, metrics, optimizers, regularizers
from tinynet.layers import activation_names as by_name

ACTIVATIONS = sorted(by_name.ACTIVATIONS)
slopes = st.sampled_from([0.0, 0.25, 1.0])


def no_settings(shape):
    return {}


@dataclass(frozen=True)
class LayerEntry:
    """A layer class, the arguments to draw for samples of a shape, and what holds for it."""

    make: Callable[..., layers.Layer]
    settings: Callable[[tuple[int, ...]], dict[str, st.SearchStrategy]] = no_settings
    least_rank: int = 1  # of a sample
    mixes_rows: bool = False  # an output row depends on other rows of the input
    arguments: dict[str, Any] = field(default_factory=dict)  # those that it cannot do without
    provable: bool = True
    weights: int = 0  # numbers that have a gradient, for samples of two features and these arguments


def dense_settings(shape):
    return {
        "units": st.integers(1, 4),
        "activation": st.sampled_from([None, *ACTIVATIONS]),
        "use_bias": st.booleans(),
        "bias_initializer": st.sampled_from(["zeros", "ones"]),
        "kernel_regularizer": st.sampled_from([None, "l1", "l2"]),
    }


def axes(shape):
    """Softmax's axis for samples of this shape: never the batch."""
    one = st.integers(1, len(shape)) | st.integers(-len(shape), -1)
    several = st.lists(st.integers(1, len(shape)), min_size=2, max_size=3, unique=True).map(tuple)
    return {"axis": one if len(shape) < 2 else one | several}


def relu_settings(shape):
    bounds = st.sampled_from([None, 0.5, 6.0])
    return {"max_value": bounds, "negative_slope": slopes, "threshold": st.sampled_from([0.0, 0.25])}


def reshape_settings(shape):
    """Other shapes of as many entries, with and without -1."""
    entries = math.prod(shape)
    divisors = [size for size in range(1, entries + 1) if entries % size == 0]
    known = st.sampled_from(divisors).map(lambda size: (size, entries // size))
    open_ended = st.sampled_from(divisors).flatmap(lambda size: st.sampled_from([(-1, size), (size, -1), (-1,)]))
    return {"target_shape": known | open_ended}


def normalization_settings(shape):
    return {
        "axis": st.sampled_from([-1, len(shape)]),
        "momentum": st.sampled_from([0.0, 0.9, 0.99]),
        "epsilon": st.sampled_from([1e-3, 0.1]),
        "center": st.booleans(),
        "scale": st.booleans(),
    }


LAYERS = {
    "Activation": LayerEntry(
        layers.Activation,
        lambda shape: {"activation": st.sampled_from([None, *ACTIVATIONS])},
        arguments={"activation": "selu"},
    ),
    "BatchNormalization": LayerEntry(layers.BatchNormalization, normalization_settings, mixes_rows=True, weights=4),
    "BatchNormalization, frozen": LayerEntry(
        lambda **options: layers.BatchNormalization(
            trainable=False, moving_variance_initializer=initializers.RandomUniform(0.5, 2, seed=0), **options
        ),
        normalization_settings,
        weights=4,
    ),
    "Dense": LayerEntry(layers.Dense, dense_settings, arguments={"units": 2}, weights=4 + 2),
    "Dropout": LayerEntry(
        layers.Dropout,
        lambda shape: {"rate": st.sampled_from([0.0, 0.25, 0.5, 1.0]), "seed": st.sampled_from([None, 7])},
        arguments={"rate": 0.5},
        mixes_rows=True,  # its masks are drawn for the whole batch
    ),
    "ELU": LayerEntry(layers.ELU, lambda shape: {"alpha": st.sampled_from([0.0, 0.5, 1.0, 2.0])}),
    "Flatten": LayerEntry(layers.Flatten, least_rank=0),
    "GELU": LayerEntry(layers.GELU, provable=False),  # Phi is an approximation by rational functions: Phi' is not phi
    "GELU by tanh": LayerEntry(lambda: layers.GELU(approximate=True)),
    "LeakyReLU": LayerEntry(layers.LeakyReLU, lambda shape: {"negative_slope": slopes}),
    "Linear": LayerEntry(layers.Linear),
    "LogSoftmax": LayerEntry(layers.LogSoftmax, axes),
    "ReLU": LayerEntry(layers.ReLU),
    "ReLU with settings": LayerEntry(
        layers.ReLU, relu_settings, arguments={"max_value": 0.5, "negative_slope": 0.25, "threshold": 0.25}
    ),
    "Rescaling": LayerEntry(
        layers.Rescaling,
        lambda shape: {"scale": st.sampled_from([-2.0, 1 / 255]), "offset": st.sampled_from([0.0, -1.0])},
        arguments={"scale": 0.5},
    ),
    "Reshape": LayerEntry(layers.Reshape, reshape_settings, arguments={"target_shape": (-1, 1)}),
    "SELU": LayerEntry(layers.SELU),
    "SiLU": LayerEntry(layers.SiLU),
    "Sigmoid": LayerEntry(layers.Sigmoid),
    "Softmax": LayerEntry(layers.Softmax, axes),
    "Softmax over the batch": LayerEntry(lambda: layers.Softmax(axis=0), mixes_rows=True),
    "Softmax over all axes": LayerEntry(lambda: layers.Softmax(axis=(0, 1)), mixes_rows=True),
    "Softplus": LayerEntry(layers.Softplus),
    "Tanh": LayerEntry(layers.Tanh),
}


@dataclass(frozen=True)
class LossEntry:
    """A loss class, the arguments to draw, and labels and outputs that suit it."""

    make: Callable[..., losses.Loss]
    settings: dict[str, st.SearchStrategy]
    labels: Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray]  # (rng, shape of the values, classes)
    outputs: Callable[[losses.Loss, np.random.Generator, tuple[int, ...]], np.ndarray]  # (loss, rng, shape)
    least_classes: int = 2


def logits_or_probabilities(loss, rng, shape):
    """Logits; or positive numbers, which need not sum to 1: the loss divides by their sum."""
    return 3 * rng.normal(size=shape) if loss.from_logits else 0.05 + rng.random(shape)


def logits_or_shares(loss, rng, shape):
    """Logits, or numbers between 0 and 1."""
    return 3 * rng.normal(size=shape) if loss.from_logits else rng.uniform(0.05, 0.95, shape)


def real_outputs(loss, rng, shape):
    return 2 * rng.normal(size=shape)


def classes_of(rng, shape, classes):
    return rng.integers(0, classes, shape)


def one_hot(rng, shape, classes):
    return np.eye(classes)[classes_of(rng, shape, classes)]


def bits(rng, shape, classes):
    return rng.integers(0, 2, (*shape, classes)).astype("float64")


def real_labels(rng, shape, classes):
    return rng.normal(size=(*shape, classes))


reductions = {"reduction": st.sampled_from([*losses.base.REDUCTIONS, None])}
cross_entropy = {"from_logits": st.booleans(), **reductions}
smoothed = {**cross_entropy, "label_smoothing": st.sampled_from([0.0, 0.125, 1.0])}

LOSSES = {
    "BinaryCrossentropy": LossEntry(losses.BinaryCrossentropy, smoothed, bits, logits_or_shares, least_classes=1),
    "CategoricalCrossentropy": LossEntry(losses.CategoricalCrossentropy, smoothed, one_hot, logits_or_probabilities),
    "Huber": LossEntry(
        losses.Huber, {"delta": st.sampled_from([0.5, 1.0, 3.0]), **reductions}, real_labels, real_outputs, 1
    ),
    "MeanAbsoluteError": LossEntry(losses.MeanAbsoluteError, reductions, real_labels, real_outputs, 1),
    "MeanSquaredError": LossEntry(losses.MeanSquaredError, reductions, real_labels, real_outputs, 1),
    "SparseCategoricalCrossentropy": LossEntry(
        losses.SparseCategoricalCrossentropy, cross_entropy, classes_of, logits_or_probabilities
    ),
}


@dataclass(frozen=True)
class MetricEntry:
    """A metric, and labels and outputs that suit it; of hits NaN is none, of errors it is NaN."""

    make: Callable[[], metrics.Metric]
    labels: Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray]
    outputs: Callable[[Any, np.random.Generator, tuple[int, ...]], np.ndarray] = real_outputs


METRICS = {
    "BinaryAccuracy": MetricEntry(metrics.BinaryAccuracy, bits),
    "BinaryAccuracy of logits": MetricEntry(lambda: metrics.BinaryAccuracy(threshold=0), bits),
    "CategoricalAccuracy": MetricEntry(metrics.CategoricalAccuracy, one_hot),
    "MeanAbsoluteError": MetricEntry(metrics.MeanAbsoluteError, real_labels),
    "MeanSquaredError": MetricEntry(metrics.MeanSquaredError, real_labels),
    "SparseCategoricalAccuracy": MetricEntry(metrics.SparseCategoricalAccuracy, classes_of),
    "SparseTopKCategoricalAccuracy": MetricEntry(lambda: metrics.SparseTopKCategoricalAccuracy(2), classes_of),
    "TopKCategoricalAccuracy": MetricEntry(lambda: metrics.TopKCategoricalAccuracy(2), one_hot),
    "what is meant by accuracy": MetricEntry(lambda: metrics.get("accuracy"), classes_of),
}

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
    "InverseTimeDecay": lambda: optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5),
    "InverseTimeDecay in stairs": lambda: optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    "PolynomialDecay": lambda: optimizers.schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0),
    "PolynomialDecay in cycles": lambda: optimizers.schedules.PolynomialDecay(0.1, 10, cycle=True),
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
    """A function that makes a model from Sequential's options, the shape of a sample, and the loss, labels and metric
    that suit it: by default those of three classes."""

    make: Callable[..., tn.Sequential]
    shape: tuple[int, ...]
    loss: Callable[[], losses.Loss] = losses.SparseCategoricalCrossentropy
    labels: Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray] = classes_of
    label_shape: tuple[int, ...] = ()
    outputs: int = 3
    metric: str = "accuracy"
    mixes_rows: bool = False  # of a batch in training

    def compiled(self, optimizer: Any = "sgd", **options: Any) -> tn.Sequential:
        """The model, compiled with its loss and metric."""
        model = self.make(**{"seed": 0, **options})
        model.compile(optimizer, self.loss(), [self.metric])
        return model

    def data(self, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """n samples, in float64, and their labels."""
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, *self.shape)), self.labels(rng, (n, *self.label_shape), self.outputs)


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


def from_logits():
    return losses.SparseCategoricalCrossentropy(from_logits=True)


MODELS = {
    "the lesson's, small": ModelEntry(
        stack(lambda: layers.Flatten(input_shape=(4, 3, 1)), dense(8, "relu"), dense(3, "softmax")), (4, 3, 1)
    ),
    "from logits": ModelEntry(stack(dense(5, "sigmoid", input_shape=(4,)), dense(3)), (4,), from_logits),
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
    "a regression": ModelEntry(
        stack(dense(5, "gelu", input_shape=(4,)), dense(2)),
        (4,), losses.MeanSquaredError, real_labels, outputs=2, metric="mae",
    ),
    "a binary classifier": ModelEntry(
        stack(dense(5, "elu", input_shape=(4,)), dense(1, "sigmoid")), (4,), losses.BinaryCrossentropy, bits, outputs=1
    ),
    "one-hot labels": ModelEntry(
        stack(dense(5, "silu", input_shape=(4,)), dense(3, "softmax")), (4,), losses.CategoricalCrossentropy, one_hot
    ),
    "with batch normalization": ModelEntry(
        stack(dense(5, input_shape=(4,)), layers.BatchNormalization, layers.ReLU, dense(3, "softmax")),
        (4,), mixes_rows=True,
    ),
    "with dropout": ModelEntry(
        stack(dense(5, "leaky_relu", input_shape=(4,)), lambda: layers.Dropout(0.5), dense(3, "softmax")),
        (4,), mixes_rows=True,
    ),
    "with regularizers": ModelEntry(
        stack(
            dense(5, "softplus", input_shape=(4,), kernel_regularizer="l2", bias_regularizer="l1"), dense(3, "softmax")
        ),
        (4,),
    ),
}  # fmt: skip

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
def metric_labels_outputs(draw, entry):
    """A metric of this entry, labels of rank 1 to 3 and more, and outputs in float64."""
    shape = (draw(batches), *draw(st.lists(st.integers(1, 3), max_size=2)))
    classes, rng = draw(st.integers(2, 6)), np.random.default_rng(draw(seeds))
    return entry.make(), entry.labels(rng, shape, classes), entry.outputs(None, rng, (*shape, classes))


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
