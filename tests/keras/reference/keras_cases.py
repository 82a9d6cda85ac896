"""What tinynet must compute as Keras does, case by case.

`k` is the library: Keras where keras_numbers.py computes keras_numbers.json, tinynet where tests/keras/test_parity.py
compares. How each kind of case is run, and what `units` and `scale` mean, stands in keras_runs.py; a comment says where
a bound comes from. Without one it is four units in the last place.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from keras_runs import activation, evaluated, f32, filled, fitted, layer, loss, metric, schedule, stepped, summary
from keras_runs import utility as util

# ---- layers -------------------------------------------------------------------------------------------------------

X = [[0.5, -1.0, 2.0, 0.25], [-0.75, 0.1, 0.0, 1.5], [3.0, -2.5, 1.0, -0.3]]
CUBE = [[[0.5, -1.0], [2.0, 0.25], [-0.75, 0.1]], [[0.0, 1.5], [3.0, -2.5], [1.0, -0.3]]]
KERNEL = [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9], [1.0, -1.1, 0.25]]
BIAS = [0.05, -0.15, 0.2]
EDGES = [-4.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 6.0, 7.0]
ROWS = [[1.0, 2.0, 4.0], [3.0, 0.0, -5.0], [100.0, 0.0, -100.0], [0.0, 0.0, 0.0]]

# Four products, three sums and the bias: 8 roundings of at most the sum of |x w| and |b|, which is 3.6 here.
AFFINE = {"units": 8, "scale": 3.6}
# exp of the same difference (4), the sum of up to 12 such terms (12 + 4), the division (1).
SOFTMAX = {"units": 21}

LAYERS = [
    layer("Dense", lambda k: k.layers.Dense(3), X, [KERNEL, BIAS], **AFFINE),
    layer("Dense without bias", lambda k: k.layers.Dense(3, use_bias=False), X, [KERNEL], **AFFINE),
    layer("Dense with relu", lambda k: k.layers.Dense(3, activation="relu"), X, [KERNEL, BIAS], **AFFINE),
    # tanh has no slope above 1 and adds its own 4.
    layer("Dense with tanh", lambda k: k.layers.Dense(3, activation="tanh"), X, [KERNEL, BIAS], units=12, scale=3.6),
    layer("Dense with linear", lambda k: k.layers.Dense(3, activation="linear"), X, [KERNEL, BIAS], **AFFINE),
    layer("Dense on 3-D inputs", lambda k: k.layers.Dense(3), CUBE, [KERNEL[:2], BIAS], **AFFINE),
    layer("Flatten", lambda k: k.layers.Flatten(), CUBE),
    layer("Flatten of (N,)", lambda k: k.layers.Flatten(), [1.0, 2.0, 3.0]),
    layer("Reshape", lambda k: k.layers.Reshape((2, 2)), X),
    layer("Reshape with -1", lambda k: k.layers.Reshape((-1, 3)), CUBE),
    layer("Rescaling", lambda k: k.layers.Rescaling(1 / 255), [[0.0, 1.0, 127.0, 255.0]]),
    # The product and the sum of numbers of size 1.
    layer("Rescaling with offset", lambda k: k.layers.Rescaling(1 / 127.5, offset=-1.0), [[0.0, 1, 127, 255]], scale=1),
    layer("ReLU", lambda k: k.layers.ReLU(), [EDGES]),
    layer("ReLU with max_value", lambda k: k.layers.ReLU(max_value=6.0), [EDGES]),
    layer("ReLU, max_value by position", lambda k: k.layers.ReLU(6.0), [EDGES]),
    layer("ReLU with negative_slope", lambda k: k.layers.ReLU(negative_slope=0.1), [EDGES]),
    layer("ReLU with threshold, one value at it", lambda k: k.layers.ReLU(threshold=1.0), [EDGES]),
    layer(
        "ReLU with everything",
        lambda k: k.layers.ReLU(max_value=6.0, negative_slope=0.5, threshold=1.0),
        [EDGES],
    ),
    layer("LeakyReLU", lambda k: k.layers.LeakyReLU(), [EDGES]),
    layer("LeakyReLU with negative_slope", lambda k: k.layers.LeakyReLU(negative_slope=0.05), [EDGES]),
    # exp(x) - 1, of size 1: exp (4), the difference and the product.
    layer("ELU", lambda k: k.layers.ELU(), [EDGES], units=6, scale=1),
    layer("ELU with alpha", lambda k: k.layers.ELU(alpha=0.5), [EDGES], units=6, scale=1),
    layer("Softmax", lambda k: k.layers.Softmax(), ROWS, **SOFTMAX),
    layer("Softmax over axis 0", lambda k: k.layers.Softmax(axis=0), X, **SOFTMAX),
    layer("Softmax over axis 1 of 3", lambda k: k.layers.Softmax(axis=1), CUBE, **SOFTMAX),
    layer("Softmax over two axes", lambda k: k.layers.Softmax(axis=(1, 2)), CUBE, **SOFTMAX),
    layer("Dropout in inference", lambda k: k.layers.Dropout(0.5), X, units=0),
    layer("Dropout of nothing, in training", lambda k: k.layers.Dropout(0.0), X, training=True, units=0),
    layer("Dropout of everything, in training", lambda k: k.layers.Dropout(1.0), X, training=True, units=0),
]

GAMMA, BETA, MEAN, VARIANCE = [1.5, 0.5, -1.0, 2.0], [0.1, -0.2, 0.3, 0.0], [0.5, -0.5, 1.0, 0.0], [2.0, 0.5, 1.0, 0.25]
BATCH = [[0.5, -1.0, 2.0, 0.2], [-0.7, 0.1, 0.0, 1.5], [2.0, -1.5, 1.0, -0.3], [1.0, 0.4, -1.2, 0.6]]

# (x - mean) gamma / sqrt(variance + epsilon) + beta, or x times a factor, less the mean times it: 1 / sqrt(...) takes 4
# roundings, the products, difference and sum 4. |x|, |mean| and |beta| times the factor add up to 6.1.
NORMALISED = {"units": 8, "scale": 6.1}
# In training the mean of 4 (5 roundings) and the mean of their squares (8, halved by the root) come on top; the same
# sum is at most 6.1 again.
NORMALISED_BY_BATCH = {"units": 20, "scale": 6.1}


def normalisation(name, make, weights, **bound):
    """BatchNormalization on BATCH, in inference and in training."""
    return [
        layer(f"{name}, in inference", make, BATCH, weights, **{**NORMALISED, **bound}),
        layer(f"{name}, in training", make, BATCH, weights, training=True, **{**NORMALISED_BY_BATCH, **bound}),
    ]


# Three steps of SGD at 0.05 on a BatchNormalization and a Dense: all weights, the moving statistics among them. A step
# sums 4 samples over terms of size 5 (20 roundings), and 0.05 of that is added to weights of size 1 with 1 of its own.
BATCH_TRAINED = {"units": 3 * (1 + 20 * 5 * 0.05), "scale": 1}


def statistics(name, make, weights):
    layers = [lambda k: [make(k), k.layers.Dense(1)]]
    dense = [[[0.5], [-0.25], [0.3], [0.1]], [0.0]]
    targets = [[1.0], [0.0], [-1.0], [0.5]]
    return stepped(
        name,
        lambda k: k.optimizers.SGD(0.05),
        *layers,
        [*weights, *dense],
        BATCH,
        targets,
        3,
        "moving",
        **BATCH_TRAINED,
    )


NORMALISATIONS = [
    *normalisation("BatchNormalization", lambda k: k.layers.BatchNormalization(), [GAMMA, BETA, MEAN, VARIANCE]),
    *normalisation(
        "BatchNormalization with epsilon",
        lambda k: k.layers.BatchNormalization(epsilon=0.5),
        [GAMMA, BETA, MEAN, VARIANCE],
    ),
    *normalisation(
        "BatchNormalization without scale",
        lambda k: k.layers.BatchNormalization(scale=False),
        [BETA, MEAN, VARIANCE],
    ),
    *normalisation(
        "BatchNormalization without center",
        lambda k: k.layers.BatchNormalization(center=False),
        [GAMMA, MEAN, VARIANCE],
    ),
    *normalisation(
        "BatchNormalization without either",
        lambda k: k.layers.BatchNormalization(center=False, scale=False),
        [MEAN, VARIANCE],
    ),
    layer(
        "BatchNormalization on 3-D inputs, in training",
        lambda k: k.layers.BatchNormalization(),
        CUBE,
        [GAMMA[:2], BETA[:2], MEAN[:2], VARIANCE[:2]],
        training=True,
        **NORMALISED_BY_BATCH,
    ),
    statistics(
        "BatchNormalization, three steps", lambda k: k.layers.BatchNormalization(), [GAMMA, BETA, MEAN, VARIANCE]
    ),
    statistics(
        "BatchNormalization with momentum, three steps",
        lambda k: k.layers.BatchNormalization(momentum=0.6),
        [GAMMA, BETA, MEAN, VARIANCE],
    ),
    statistics(
        "BatchNormalization without either, three steps",
        lambda k: k.layers.BatchNormalization(momentum=0.9, center=False, scale=False),
        [MEAN, VARIANCE],
    ),
]

# ---- activations by name, where they bend, vanish and saturate ----------------------------------------------------

BENDS = [-100.0, -20.0, -5.0, -3.0, -1.0, -0.5, -1e-3, -0.0, 0.0, 1e-3, 0.5, 1.0, 3.0, 5.0, 20.0, 100.0]

ACTIVATIONS = [
    activation("linear", BENDS, units=0),
    activation("relu", BENDS, units=0),
    activation("leaky_relu", BENDS),
    # exp (4) and up to three more. What is small comes from a difference with 1: hence scale 1.
    activation("sigmoid", BENDS, units=8, scale=1),
    activation("tanh", BENDS, units=8, scale=1),
    activation("elu", BENDS, units=8, scale=1),
    activation("selu", BENDS, units=8, scale=1.8),
    activation("silu", BENDS, units=8, scale=1),
    activation("softplus", BENDS, units=8, scale=1),
    # x (1 + erf(x / sqrt 2)) / 2: erf is good to four units of 1, and times |x| / 2 that is 10 units at x = -5, the
    # last place where erf is not yet -1 (to float32). 8 roundings of the result itself.
    activation("gelu", BENDS, units=18, scale=1),
    activation("softmax", ROWS, **SOFTMAX),
    # z - max is the same in both; the logarithm of a sum of three, in [0, 1.1], has 4 + 3 + 4 roundings of size 1.1.
    activation("log_softmax", ROWS, units=12, scale=1.1),
]

# ---- initializers -------------------------------------------------------------------------------------------------

FILLED = [
    filled("zeros", lambda k: "zeros"),
    filled("ones", lambda k: "ones"),
    filled("Zeros", lambda k: k.initializers.Zeros()),
    filled("Ones", lambda k: k.initializers.Ones()),
    filled("Constant", lambda k: k.initializers.Constant(0.3)),
]

# Those that draw cannot be compared number by number: the generators differ. DRAWN_SHAPE is large, and what is compared
# are quantiles, the standard deviation and, where the distribution ends somewhere, the largest of all: `ends` is the
# density there (both sides together) of |w| / edge, as the test needs it.
DRAWN_SHAPE = (250, 240)
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
UNIFORM = 1.0
# A normal distribution cut at two standard deviations: 2 phi(2) / (Phi(2) - Phi(-2)) a standard deviation, times 2.
TRUNCATED = 2 * (2 * 0.053991 / 0.954500)
ENDLESS = None


class Drawn(NamedTuple):
    make: Callable[[Any], Any]
    ends: float | None


DRAWN = {
    "GlorotUniform": Drawn(lambda k: k.initializers.GlorotUniform(seed=1), UNIFORM),
    "GlorotNormal": Drawn(lambda k: k.initializers.GlorotNormal(seed=2), TRUNCATED),
    "HeUniform": Drawn(lambda k: k.initializers.HeUniform(seed=3), UNIFORM),
    "HeNormal": Drawn(lambda k: k.initializers.HeNormal(seed=4), TRUNCATED),
    "LecunUniform": Drawn(lambda k: k.initializers.LecunUniform(seed=5), UNIFORM),
    "LecunNormal": Drawn(lambda k: k.initializers.LecunNormal(seed=6), TRUNCATED),
    "RandomUniform": Drawn(lambda k: k.initializers.RandomUniform(seed=7), UNIFORM),
    "RandomUniform(-0.5, 1.5)": Drawn(lambda k: k.initializers.RandomUniform(-0.5, 1.5, seed=8), UNIFORM / 2),
    "RandomNormal": Drawn(lambda k: k.initializers.RandomNormal(seed=9), ENDLESS),
    "RandomNormal(1.0, 2.0)": Drawn(lambda k: k.initializers.RandomNormal(1.0, 2.0, seed=10), ENDLESS),
}

# ---- losses -------------------------------------------------------------------------------------------------------

CLASSES = [1, 2, 0, 1]
SHARES = [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]]
UNEVEN = [[1.0, 2.0, 1.0], [3.0, 0.0, 1.0], [0.2, 0.2, 0.1], [0.0, 0.0, 5.0]]  # rows that do not add up to 1
LOGITS = [[2.0, 1.0, 0.1], [0.0, 0.0, 0.0], [-3.0, 4.0, 5.0], [1.5, 0.5, -2.5]]
ONE_HOT = np.eye(3)[CLASSES]
SOFT = [[0.2, 0.7, 0.1], [0.0, 0.1, 0.9], [1.0, 0.0, 0.0], [0.3, 0.4, 0.3]]
WEIGHT = [0.3, 0.7, 0.0, 2.0]
FLAGS = [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
CHANCES = [[0.2, 0.7], [0.9, 0.4], [0.0, 0.5], [1.0, 0.999]]
SCORES = [[-1.5, 0.8], [3.0, -0.2], [-8.0, 0.0], [9.0, 6.0]]
TARGETS = [[0.0, 1.0], [0.0, 0.0], [2.0, -1.0], [0.5, 3.0]]
OUTPUTS = [[1.0, 1.5], [1.0, 0.0], [-1.0, -1.2], [0.75, 0.0]]
SEQUENCES = [[0, 1, 2], [1, 1, 0]]
SEQUENCE_SHARES = [SHARES[:3], SHARES[1:]]
SEQUENCE_LOGITS = [LOGITS[:3], LOGITS[1:]]

# q = p / s takes 1 + 3 roundings, of size 1 in log q; the logarithm takes 4, the products and the sum over classes 4,
# the mean 5.
FROM_SHARES = {"units": 17, "scale": 1}
# z - max is exact to its own rounding (1), the sum of exponentials and its logarithm take 12 of size 1.1, the products
# and sums 9 more.
FROM_LOGITS = {"units": 22, "scale": 1.1}
# Clip, complement, logarithm (4), products, sums and the mean. 1 - 1e-7 is 1 - 2^-23 in float32, and its complement
# 1.19e-7: that is where the 15.94 of Keras comes from, beside 16.12 at the other end.
BINARY = {"units": 15, "scale": 1}
# max(z, 0) - z y + log(1 + exp(-|z|)): three terms of at most 9, each of at most 8 roundings; sums and the mean.
BINARY_LOGITS = {"units": 14, "scale": 9}
# A difference, its square or size, and the mean of 8: all terms of one sign.
DISTANCE = {"units": 11}


def reductions(name, kind, y_true, y_pred, **bound):
    """A loss with every reduction, with and without weights."""
    cases = []
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none", None):
        for weight in (None, WEIGHT):
            text = f"{name}, reduction {reduction}{', weighted' if weight else ''}"
            cases.append(loss(text, lambda k, r=reduction: kind(k)(reduction=r), y_true, y_pred, weight, **bound))
    return cases


LOSSES = [
    *reductions(
        "SparseCategoricalCrossentropy",
        lambda k: k.losses.SparseCategoricalCrossentropy,
        CLASSES,
        SHARES,
        **FROM_SHARES,
    ),
    *reductions("MeanSquaredError", lambda k: k.losses.MeanSquaredError, TARGETS, OUTPUTS, **DISTANCE),
    loss(
        "SparseCategoricalCrossentropy of rows that do not add up to 1",
        lambda k: k.losses.SparseCategoricalCrossentropy(reduction="none"),
        CLASSES,
        UNEVEN,
        **FROM_SHARES,
    ),
    loss(
        "SparseCategoricalCrossentropy clips at 1e-7",
        lambda k: k.losses.SparseCategoricalCrossentropy(reduction="none"),
        [0, 1, 0],
        [[0.0, 1.0], [0.0, 1.0], [1e-9, 1.0]],
        **FROM_SHARES,
    ),
    loss(
        "SparseCategoricalCrossentropy from logits",
        lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True),
        CLASSES,
        LOGITS,
        **FROM_LOGITS,
    ),
    loss(
        "SparseCategoricalCrossentropy from large logits",
        lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"),
        [2, 0],
        [[1000.0, 0.0, -1000.0], [1000.0, 0.0, -1000.0]],
        **FROM_LOGITS,
    ),
    loss(
        "SparseCategoricalCrossentropy, labels (N, 1)",
        lambda k: k.losses.SparseCategoricalCrossentropy(),
        [[label] for label in CLASSES],
        SHARES,
        **FROM_SHARES,
    ),
    loss(
        "SparseCategoricalCrossentropy of sequences",
        lambda k: k.losses.SparseCategoricalCrossentropy(),
        SEQUENCES,
        SEQUENCE_SHARES,
        **FROM_SHARES,
    ),
    loss(
        "SparseCategoricalCrossentropy of sequences from logits, not reduced",
        lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"),
        SEQUENCES,
        SEQUENCE_LOGITS,
        **FROM_LOGITS,
    ),
    loss(
        "SparseCategoricalCrossentropy of sequences, a weight for each step",
        lambda k: k.losses.SparseCategoricalCrossentropy(),
        SEQUENCES,
        SEQUENCE_SHARES,
        [[1.0, 0.0, 2.0], [0.5, 1.0, 1.0]],
        **FROM_SHARES,
    ),
    loss("CategoricalCrossentropy", lambda k: k.losses.CategoricalCrossentropy(), ONE_HOT, SHARES, **FROM_SHARES),
    loss(
        "CategoricalCrossentropy of soft labels",
        lambda k: k.losses.CategoricalCrossentropy(reduction="none"),
        SOFT,
        SHARES,
        **FROM_SHARES,
    ),
    loss(
        "CategoricalCrossentropy of soft labels from logits",
        lambda k: k.losses.CategoricalCrossentropy(from_logits=True, reduction="none"),
        SOFT,
        LOGITS,
        **FROM_LOGITS,
    ),
    # Smoothing rounds each label twice.
    loss(
        "CategoricalCrossentropy with label_smoothing",
        lambda k: k.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="none"),
        ONE_HOT,
        SHARES,
        units=19,
        scale=1,
    ),
    loss(
        "CategoricalCrossentropy with label_smoothing from logits, weighted",
        lambda k: k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        ONE_HOT,
        LOGITS,
        WEIGHT,
        units=24,
        scale=1.1,
    ),
    loss("BinaryCrossentropy", lambda k: k.losses.BinaryCrossentropy(), FLAGS, CHANCES, **BINARY),
    loss(
        "BinaryCrossentropy, not reduced",
        lambda k: k.losses.BinaryCrossentropy(reduction="none"),
        FLAGS,
        CHANCES,
        **BINARY,
    ),
    loss(
        "BinaryCrossentropy clips at 1e-7",
        lambda k: k.losses.BinaryCrossentropy(reduction="none"),
        [[1.0], [0.0], [0.0]],
        [[0.0], [1.0], [0.0]],
        **BINARY,
    ),
    loss(
        "BinaryCrossentropy from logits",
        lambda k: k.losses.BinaryCrossentropy(from_logits=True, reduction="none"),
        FLAGS,
        SCORES,
        **BINARY_LOGITS,
    ),
    loss(
        "BinaryCrossentropy with label_smoothing, weighted",
        lambda k: k.losses.BinaryCrossentropy(label_smoothing=0.1),
        FLAGS,
        CHANCES,
        WEIGHT,
        **BINARY,
    ),
    loss(
        "BinaryCrossentropy with label_smoothing from logits",
        lambda k: k.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        FLAGS,
        SCORES,
        **BINARY_LOGITS,
    ),
    loss(
        "BinaryCrossentropy, labels (N,) and outputs (N, 1)",
        lambda k: k.losses.BinaryCrossentropy(reduction="none"),
        [0.0, 1.0, 1.0],
        [[0.2], [0.7], [0.1]],
        **BINARY,
    ),
    loss("MeanAbsoluteError", lambda k: k.losses.MeanAbsoluteError(), TARGETS, OUTPUTS, **DISTANCE),
    loss("MeanAbsoluteError, weighted", lambda k: k.losses.MeanAbsoluteError(), TARGETS, OUTPUTS, WEIGHT, **DISTANCE),
    loss(
        "MeanAbsoluteError, not reduced",
        lambda k: k.losses.MeanAbsoluteError(reduction="none"),
        TARGETS,
        OUTPUTS,
        **DISTANCE,
    ),
    loss("Huber", lambda k: k.losses.Huber(), TARGETS, OUTPUTS, **DISTANCE),
    loss("Huber with delta", lambda k: k.losses.Huber(delta=2.0), TARGETS, OUTPUTS, **DISTANCE),
    loss(
        "Huber, errors at delta and beside it, not reduced",
        lambda k: k.losses.Huber(delta=0.5, reduction="none"),
        [[0.0], [0.0], [0.0], [0.0]],
        [[0.5], [-0.5], [0.25], [4.0]],
        **DISTANCE,
    ),
    loss("Huber, weighted", lambda k: k.losses.Huber(), TARGETS, OUTPUTS, WEIGHT, **DISTANCE),
    loss(
        "MeanSquaredError, targets (N,) and outputs (N, 1)",
        lambda k: k.losses.MeanSquaredError(),
        [1.0, 2.0, 3.0, 4.0],
        [[1.5], [2.0], [0.0], [4.25]],
        **DISTANCE,
    ),
    loss(
        "MeanSquaredError, targets (N, 1) and outputs (N,)",
        lambda k: k.losses.MeanSquaredError(),
        [[1.0], [2.0], [3.0], [4.0]],
        [1.5, 2.0, 0.0, 4.25],
        **DISTANCE,
    ),
    loss(
        "MeanSquaredError of 3-D outputs, not reduced",
        lambda k: k.losses.MeanSquaredError(reduction="none"),
        CUBE,
        [CUBE[1], CUBE[0]],
        **DISTANCE,
    ),
    loss(
        "MeanSquaredError of 3-D outputs, a weight for each sample",
        lambda k: k.losses.MeanSquaredError(),
        CUBE,
        [CUBE[1], CUBE[0]],
        [[0.25], [2.0]],
        **DISTANCE,
    ),
]

# ---- metrics ------------------------------------------------------------------------------------------------------

FOURS = [[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25], [0.3, 0.3, 0.1, 0.3]]

METRICS = [
    metric(
        "BinaryAccuracy",
        lambda k: k.metrics.BinaryAccuracy(),
        ([[1.0], [0.0], [1.0], [0.0]], [[0.9], [0.5], [0.5], [0.51]]),
        ([[1.0], [1.0]], [[0.6], [0.7]]),
    ),
    metric(
        "BinaryAccuracy with threshold",
        lambda k: k.metrics.BinaryAccuracy(threshold=0.25),
        (FLAGS, [[0.25, 0.3], [0.2, 0.26], [0.0, 1.0], [0.5, 0.25]]),
        (FLAGS, CHANCES),
    ),
    metric(
        "BinaryAccuracy, labels (N,) and outputs (N, 1)",
        lambda k: k.metrics.BinaryAccuracy(),
        ([1.0, 0.0, 1.0], [[0.9], [0.2], [0.1]]),
    ),
    metric("CategoricalAccuracy", lambda k: k.metrics.CategoricalAccuracy(), (ONE_HOT, SHARES), (ONE_HOT, LOGITS)),
    metric(
        "CategoricalAccuracy, weighted",
        lambda k: k.metrics.CategoricalAccuracy(),
        (ONE_HOT, SHARES, WEIGHT),
        (ONE_HOT, LOGITS, [1.0, 1.0, 0.5, 0.25]),
    ),
    metric(
        "SparseCategoricalAccuracy",
        lambda k: k.metrics.SparseCategoricalAccuracy(),
        (CLASSES, SHARES),
        (CLASSES, LOGITS),
    ),
    metric(
        "SparseCategoricalAccuracy, labels (N, 1)",
        lambda k: k.metrics.SparseCategoricalAccuracy(),
        ([[label] for label in CLASSES], SHARES),
    ),
    metric(
        "SparseCategoricalAccuracy of sequences",
        lambda k: k.metrics.SparseCategoricalAccuracy(),
        (SEQUENCES, SEQUENCE_SHARES),
        (SEQUENCES, SEQUENCE_LOGITS),
    ),
    metric(
        "SparseCategoricalAccuracy, the first of equal outputs counts",
        lambda k: k.metrics.SparseCategoricalAccuracy(),
        ([0, 1, 3], FOURS[1:]),
    ),
    metric(
        "SparseCategoricalAccuracy, weighted",
        lambda k: k.metrics.SparseCategoricalAccuracy(),
        (CLASSES, SHARES, WEIGHT),
        (CLASSES, LOGITS, [1.0, 1.0, 0.5, 0.25]),
    ),
    metric(
        "SparseTopKCategoricalAccuracy",
        lambda k: k.metrics.SparseTopKCategoricalAccuracy(k=2),
        ([2, 1, 0, 3], FOURS),
        ([0, 3], FOURS[:2]),
    ),
    metric(
        "SparseTopKCategoricalAccuracy, a tie with the k-th is a hit",
        lambda k: k.metrics.SparseTopKCategoricalAccuracy(k=2),
        ([0, 1, 2, 3], [FOURS[2]] * 4),
        ([0, 1, 2, 3], [FOURS[3]] * 4),
    ),
    metric(
        "TopKCategoricalAccuracy",
        lambda k: k.metrics.TopKCategoricalAccuracy(k=2),
        (np.eye(4)[[2, 1, 0, 3]], FOURS),
        (np.eye(4)[[0, 3]], FOURS[:2]),
    ),
    metric(
        "TopKCategoricalAccuracy, weighted",
        lambda k: k.metrics.TopKCategoricalAccuracy(k=1),
        (np.eye(4)[[3, 1, 0, 3]], FOURS, WEIGHT),
    ),
    metric(
        "MeanSquaredError",
        lambda k: k.metrics.MeanSquaredError(),
        (TARGETS, OUTPUTS),
        (TARGETS[:2], OUTPUTS[1:3]),
        **DISTANCE,
    ),
    metric(
        "MeanSquaredError, weighted",
        lambda k: k.metrics.MeanSquaredError(),
        (TARGETS, OUTPUTS, WEIGHT),
        (TARGETS[:2], OUTPUTS[1:3], [1.0, 3.0]),
        **DISTANCE,
    ),
    metric(
        "MeanAbsoluteError",
        lambda k: k.metrics.MeanAbsoluteError(),
        (TARGETS, OUTPUTS),
        (TARGETS[:2], OUTPUTS[1:3]),
        **DISTANCE,
    ),
    metric(
        "MeanAbsoluteError, targets (N,) and outputs (N, 1)",
        lambda k: k.metrics.MeanAbsoluteError(),
        ([1.0, 2.0, 3.0, 4.0], [[1.5], [2.0], [0.0], [4.25]]),
        **DISTANCE,
    ),
]

# ---- evaluate: names of metrics, penalties, weights ---------------------------------------------------------------

POINTS = [[0.5, -1.0], [0.8, 0.25], [-0.75, 0.1], [0.0, 0.9], [1.0, -0.5], [-0.3, -0.6]]
LABELS = [2, 0, 1, 1, 0, 2]
START3 = [[[0.3, -0.2, 0.5], [-0.4, 0.6, -0.7]], [0.1, 0.0, -0.1]]  # Dense(3) on POINTS
START1 = [[[0.5], [-0.25]], [0.1]]  # Dense(1) on POINTS
HEIGHTS = [[0.9], [-0.4], [0.2], [0.6], [1.0], [-0.8]]
YES = [1, 0, 0, 1, 1, 0]
IMPORTANCE = [1.0, 0.5, 2.0, 0.0, 1.5, 1.0]

# Outputs of size 1 from 3 products and sums (5), a softmax or sigmoid (10), a loss (10), the mean of six (7).
EVALUATED = {"units": 32, "scale": 1}


def three(k):
    return [k.layers.Dense(3, activation="softmax")]


def one(k):
    return [k.layers.Dense(1)]


def chance(k):
    return [k.layers.Dense(1, activation="sigmoid")]


def compiling(loss_name, **options):
    """The arguments of compile, with functions of the library called."""

    def arguments(k):
        chosen = {name: value(k) if callable(value) else value for name, value in options.items()}
        return {"optimizer": "sgd", "loss": loss_name(k) if callable(loss_name) else loss_name, **chosen}

    return arguments


def penalised(name, regularizers):
    """The mean squared error with a penalty on the weights: in evaluate, in fit, and in evaluate after it."""
    layers = lambda k: [k.layers.Dense(1, **regularizers(k))]  # noqa: E731
    return [
        evaluated(f"penalty {name}", layers, compiling("mse"), POINTS, HEIGHTS, START1, **EVALUATED),
        evaluated(f"penalty {name}, fit", layers, compiling("mse"), POINTS, HEIGHTS, START1, fit=True, **EVALUATED),
    ]


EVALUATIONS = [
    evaluated(
        "'accuracy' of classes by number",
        three,
        compiling("sparse_categorical_crossentropy", metrics=["accuracy"]),
        POINTS,
        LABELS,
        START3,
        **EVALUATED,
    ),
    evaluated(
        "'accuracy' of one-hot classes",
        three,
        compiling("categorical_crossentropy", metrics=["accuracy"]),
        POINTS,
        np.eye(3)[LABELS],
        START3,
        **EVALUATED,
    ),
    evaluated(
        "'accuracy' of one output",
        chance,
        compiling("binary_crossentropy", metrics=["accuracy"]),
        POINTS,
        YES,
        START1,
        **EVALUATED,
    ),
    evaluated(
        "'acc' keeps its name",
        three,
        compiling("sparse_categorical_crossentropy", metrics=["acc"]),
        POINTS,
        LABELS,
        START3,
        **EVALUATED,
    ),
    evaluated(
        "metrics by name keep it, objects have theirs",
        one,
        compiling("mse", metrics=lambda k: ["mae", "mean_squared_error", k.metrics.MeanAbsoluteError()]),
        POINTS,
        HEIGHTS,
        START1,
        **EVALUATED,
    ),
    evaluated("loss 'mae'", one, compiling("mae"), POINTS, HEIGHTS, START1, **EVALUATED),
    evaluated("loss 'huber'", one, compiling("huber"), POINTS, HEIGHTS, START1, **EVALUATED),
    evaluated("loss 'bce'", chance, compiling("bce"), POINTS, YES, START1, **EVALUATED),
    evaluated("targets (N,) and outputs (N, 1)", one, compiling("mse"), POINTS, np.ravel(HEIGHTS), START1, **EVALUATED),
    evaluated(
        "loss with label_smoothing",
        three,
        compiling(lambda k: k.losses.CategoricalCrossentropy(label_smoothing=0.1)),
        POINTS,
        np.eye(3)[LABELS],
        START3,
        **EVALUATED,
    ),
    evaluated(
        "loss with reduction sum",
        one,
        compiling(lambda k: k.losses.MeanSquaredError(reduction="sum")),
        POINTS,
        HEIGHTS,
        START1,
        **EVALUATED,
    ),
    evaluated(
        "sample_weight counts in the loss, not in metrics",
        three,
        compiling("sparse_categorical_crossentropy", metrics=["accuracy"]),
        POINTS,
        LABELS,
        START3,
        IMPORTANCE,
        **EVALUATED,
    ),
    evaluated(
        "sample_weight counts in weighted_metrics",
        three,
        compiling("sparse_categorical_crossentropy", weighted_metrics=["accuracy"]),
        POINTS,
        LABELS,
        START3,
        IMPORTANCE,
        **EVALUATED,
    ),
    evaluated(
        "a metric in metrics and weighted_metrics",
        three,
        compiling("sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]),
        POINTS,
        LABELS,
        START3,
        IMPORTANCE,
        **EVALUATED,
    ),
    evaluated(
        "weighted_metrics without weights",
        one,
        compiling("mse", weighted_metrics=["mae"]),
        POINTS,
        HEIGHTS,
        START1,
        **EVALUATED,
    ),
    *penalised("L1", lambda k: {"kernel_regularizer": k.regularizers.L1(0.1)}),
    *penalised("L2", lambda k: {"kernel_regularizer": k.regularizers.L2(0.1)}),
    *penalised("L1L2", lambda k: {"kernel_regularizer": k.regularizers.L1L2(l1=0.05, l2=0.1)}),
    *penalised("'l2'", lambda k: {"kernel_regularizer": "l2"}),
    *penalised("L2 on the bias", lambda k: {"bias_regularizer": k.regularizers.L2(0.5)}),
]

# ---- optimizers ---------------------------------------------------------------------------------------------------

# One Dense(1) without bias on a diagonal x: each weight has a gradient of its own, 0.1, -0.5 and 2 at the first step.
DIAGONAL, AIMS, W0 = np.diag([1.0, 1.0, 2.0]), [[0.85], [-1.25], [4.5]], [[[1.0], [-2.0], [3.0]]]

# The gradients come from few operations on exact products, with errors of a unit or two of |w|. Of these the learning
# rate, 0.1 at most, comes into a weight; the subtraction rounds the weight once. With momentum the errors of four steps
# come in up to four times. 0.1 is also what the roundings within an adaptive step are scaled by.
STEPPED = {"units": 20, "scale": 1}
# Adam corrects v by 1 - beta_2^t, in float32 in Keras: 0.999^t is off by up to 2.5 units of 1/2 there, 1.25 * 2^-23
# of 0.001 t, which is 1.5e-4 / t; its root by half of that. Over four steps that makes 1.6e-4 of a step of 0.01: 13
# units.
ADAM = {"units": 33, "scale": 1}


def optimizer(name, make, **bound):
    layers = lambda k: [k.layers.Dense(1, use_bias=False)]  # noqa: E731
    return stepped(name, make, layers, W0, DIAGONAL, AIMS, **{**STEPPED, **bound})


def two_layers(name, make, **bound):
    """Two Dense without bias, whose gradients have norms 1.0 and 0.8 at the start."""
    layers = lambda k: [k.layers.Dense(2, use_bias=False), k.layers.Dense(1, use_bias=False)]  # noqa: E731
    weights = [[[0.5, -0.3], [0.2, 0.8]], [[0.7], [-0.4]]]
    return stepped(name, make, layers, weights, POINTS, f32(HEIGHTS) * 4, **{**STEPPED, **bound})


OPTIMIZERS = [
    optimizer("SGD", lambda k: k.optimizers.SGD(0.1)),
    optimizer("SGD with its defaults", lambda k: k.optimizers.SGD()),
    optimizer("SGD with momentum", lambda k: k.optimizers.SGD(0.1, momentum=0.9)),
    optimizer("SGD with nesterov", lambda k: k.optimizers.SGD(0.1, momentum=0.9, nesterov=True)),
    optimizer("RMSprop with its defaults", lambda k: k.optimizers.RMSprop()),
    optimizer("RMSprop with rho", lambda k: k.optimizers.RMSprop(0.1, rho=0.5)),
    optimizer("RMSprop with momentum", lambda k: k.optimizers.RMSprop(0.1, momentum=0.5)),
    # Of the mean square v, v less the squared mean leaves 0.9^t for one gradient over t steps, 0.65 of it at least: the
    # difference is as good as v, nearly.
    optimizer("RMSprop, centered", lambda k: k.optimizers.RMSprop(0.1, centered=True)),
    optimizer(
        "RMSprop, centered with momentum and epsilon",
        lambda k: k.optimizers.RMSprop(0.1, momentum=0.5, epsilon=1e-2, centered=True),
    ),
    optimizer("Adam with its defaults", lambda k: k.optimizers.Adam(), **ADAM),
    optimizer("Adam", lambda k: k.optimizers.Adam(0.01), **ADAM),
    optimizer("Adam with betas", lambda k: k.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.8)),
    # 0.99^t: a tenth of the correction's error, at ten times the step.
    optimizer("Adam with epsilon", lambda k: k.optimizers.Adam(0.1, beta_2=0.99, epsilon=0.1), **ADAM),
    optimizer("Adam with amsgrad", lambda k: k.optimizers.Adam(0.1, beta_2=0.5, amsgrad=True)),
    optimizer("AdamW with its defaults", lambda k: k.optimizers.AdamW(), **ADAM),
    optimizer("AdamW", lambda k: k.optimizers.AdamW(0.01, weight_decay=0.5), **ADAM),
    optimizer("AdamW, weight_decay by position", lambda k: k.optimizers.AdamW(0.01, 0.2), **ADAM),
    optimizer("SGD with weight_decay", lambda k: k.optimizers.SGD(0.1, weight_decay=0.1)),
    optimizer("SGD with momentum and weight_decay", lambda k: k.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1)),
    optimizer("Adam with weight_decay", lambda k: k.optimizers.Adam(0.01, weight_decay=0.1), **ADAM),
    two_layers("SGD on two layers", lambda k: k.optimizers.SGD(0.1)),
    two_layers("SGD with clipnorm, for each weight", lambda k: k.optimizers.SGD(0.1, clipnorm=0.5)),
    two_layers("SGD with global_clipnorm, for all together", lambda k: k.optimizers.SGD(0.1, global_clipnorm=0.5)),
    two_layers("SGD with global_clipnorm, out of reach", lambda k: k.optimizers.SGD(0.1, global_clipnorm=100.0)),
    two_layers("SGD with clipvalue", lambda k: k.optimizers.SGD(0.1, clipvalue=0.3)),
    two_layers("Adam with clipnorm", lambda k: k.optimizers.Adam(0.01, clipnorm=0.5, epsilon=0.1), **ADAM),
    two_layers("Adam with clipvalue", lambda k: k.optimizers.Adam(0.01, clipvalue=0.3, epsilon=0.1), **ADAM),
    two_layers(
        "SGD with clipnorm and weight_decay: the decay is not clipped",
        lambda k: k.optimizers.SGD(0.1, clipnorm=0.5, weight_decay=0.5),
    ),
    optimizer(
        "SGD on a schedule",
        lambda k: k.optimizers.SGD(k.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.5),
    ),
    optimizer(
        "Adam on a schedule",
        lambda k: k.optimizers.Adam(k.optimizers.schedules.PiecewiseConstantDecay([0, 2], [0.01, 0.005, 0.001])),
        **ADAM,
    ),
    optimizer(
        "AdamW on a schedule: the decay follows it",
        lambda k: k.optimizers.AdamW(k.optimizers.schedules.ExponentialDecay(0.01, 1, 0.5), weight_decay=0.5),
        **ADAM,
    ),
]

# ---- schedules ----------------------------------------------------------------------------------------------------

# A quotient, a power (4) and a product. The power's exponent is rounded, too, and comes in times log(rate) <= 1.2 times
# the exponent, at most 1.2.
POWER = {"units": 8}
# pi t / T is rounded three times, of a size up to pi: 10 of size 1; cos adds 4 and the rest 4, all times the amplitude.
COSINE = {"units": 18}

SCHEDULES = [
    schedule("ExponentialDecay", lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), **POWER),
    schedule(
        "ExponentialDecay, staircase",
        lambda k: k.optimizers.schedules.ExponentialDecay(0.1, decay_steps=5, decay_rate=0.3, staircase=True),
        **POWER,
    ),
    schedule(
        "PiecewiseConstantDecay",
        lambda k: k.optimizers.schedules.PiecewiseConstantDecay([5, 10], [1.0, 0.5, 0.1]),
        units=1,
    ),
    schedule("CosineDecay", lambda k: k.optimizers.schedules.CosineDecay(0.1, 10), scale=0.1, **COSINE),
    schedule(
        "CosineDecay with alpha", lambda k: k.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1), **COSINE, scale=0.1
    ),
    schedule(
        "CosineDecay with warm-up",
        lambda k: k.optimizers.schedules.CosineDecay(0.01, 6, alpha=0.2, warmup_target=0.1, warmup_steps=4),
        scale=0.1,
        **COSINE,
    ),
    schedule(
        "CosineDecay with warm-up from nothing",
        lambda k: k.optimizers.schedules.CosineDecay(0.0, 8, warmup_target=1.0, warmup_steps=3),
        scale=1,
        **COSINE,
    ),
]

# ---- fit ----------------------------------------------------------------------------------------------------------


class Model(NamedTuple):
    """A model of one layer, its weights at the start, what it is compiled with, and the data that it is fitted to."""

    layer: Callable[[Any], Any]
    weights: list
    data: tuple
    compile: Callable[[Any], dict]

    def build(self, k):
        model = k.Sequential([k.Input(self.data[0].shape[1:]), self.layer(k)])
        model.compile(**self.compile(k))
        model.set_weights([f32(weight) for weight in self.weights])
        return model


_rng = np.random.default_rng(0)
_X = f32(np.round(_rng.uniform(-1, 1, (12, 2)), 2))
_Y = f32(np.round(_X @ [[0.8], [-0.5]] + _rng.normal(0, 0.2, (12, 1)), 2))
_C = np.where(_X[:, 0] + _X[:, 1] > 0.3, 0, np.where(_X[:, 0] > _X[:, 1], 1, 2))
_C[3], _C[8] = 1, 2  # not quite separable

LINE = Model(
    lambda k: k.layers.Dense(1),
    START1,
    (_X, _Y),
    lambda k: {"optimizer": k.optimizers.SGD(0.1), "loss": "mse", "metrics": ["mae"]},
)
SORTS = Model(
    lambda k: k.layers.Dense(3, activation="softmax"),
    START3,
    (_X, _C),
    lambda k: {"optimizer": k.optimizers.SGD(0.5), "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
)
# One weight that goes from 0 towards 1, a fifth of the way at each epoch, and a validation that wants it at 1/2: its
# loss is 0.09, 0.0196, 0.0001, 0.0082, 0.0297, 0.0566, ...
_SIGNS = f32([[1.0], [-1.0], [1.0], [-1.0]])
HILL = Model(
    lambda k: k.layers.Dense(1, use_bias=False),
    [[[0.0]]],
    (_SIGNS, _SIGNS),
    lambda k: {"optimizer": k.optimizers.SGD(0.1), "loss": "mse"},
)
BEYOND = (_SIGNS, _SIGNS / 2)


def after(steps):
    """The bound after so many steps at a learning rate of at most 0.5, on up to 6 samples of size 1.

    A gradient is the sum of terms of at most 2, with 7 roundings; times the learning rate that is 7, and the weight's
    own rounding makes it 8. The steps contract, so that the errors of all of them at most add up. The loss has a slope
    of at most 2 and 10 roundings of its own.
    """
    return {"units": 10 + 2 * 8 * steps}


def batches():
    """The 12 samples of LINE in three batches, over and over."""
    while True:
        for start in (0, 4, 8):
            yield _X[start : start + 4], _Y[start : start + 4]


def weighted_batches():
    for x, y in batches():
        yield x, y, f32(IMPORTANCE[:4])


def stopping(name, epochs=8, **options):
    """EarlyStopping on HILL."""
    return fitted(
        f"EarlyStopping, {name}",
        HILL,
        callbacks=lambda k: [k.callbacks.EarlyStopping(**options)],
        validation_data=BEYOND,
        epochs=epochs,
        **after(8),
    )


def plateau(name, **options):
    """ReduceLROnPlateau on HILL, whose validation gets worse from the fourth epoch on."""
    return fitted(
        f"ReduceLROnPlateau, {name}",
        HILL,
        callbacks=lambda k: [k.callbacks.ReduceLROnPlateau(**options)],
        validation_data=BEYOND,
        epochs=9,
        **after(9),
    )


FITS = [
    fitted("LINE", LINE, batch_size=4, epochs=3, **after(9)),
    fitted("SORTS, the last batch short", SORTS, batch_size=5, epochs=3, **after(9)),
    fitted("one batch of 32 by default", SORTS, epochs=4, **after(4)),
    fitted("validation_data", LINE, batch_size=4, epochs=2, validation_data=(_X[:5], -_Y[:5]), **after(6)),
    fitted("validation_split", SORTS, batch_size=4, epochs=3, validation_split=0.25, **after(9)),
    fitted("validation_split that does not divide", LINE, batch_size=4, epochs=2, validation_split=0.3, **after(4)),
    fitted("class_weight", SORTS, batch_size=4, epochs=3, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, **after(9)),
    fitted("class_weight, a class left out", SORTS, batch_size=4, epochs=3, class_weight={1: 2.0}, **after(9)),
    fitted(
        "class_weight and weighted_metrics",
        SORTS._replace(compile=lambda k: {**SORTS.compile(k), "weighted_metrics": ["accuracy"]}),
        batch_size=4,
        epochs=3,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        **after(9),
    ),
    fitted("sample_weight", LINE, batch_size=4, epochs=3, sample_weight=f32(IMPORTANCE * 2), **after(9)),
    fitted(
        "sample_weight is split, too",
        LINE,
        batch_size=4,
        epochs=2,
        sample_weight=f32(IMPORTANCE * 2),
        validation_split=0.25,
        **after(6),
    ),
    fitted(
        "validation_data with weights",
        LINE,
        batch_size=4,
        epochs=2,
        validation_data=(_X[:6], _Y[:6], f32(IMPORTANCE)),
        **after(6),
    ),
    fitted("initial_epoch", LINE, batch_size=4, initial_epoch=3, epochs=5, **after(6)),
    fitted("initial_epoch at the end: nothing", LINE, batch_size=4, initial_epoch=3, epochs=3, **after(0)),
    fitted("steps_per_epoch: the second epoch goes on", LINE, batch_size=3, steps_per_epoch=2, epochs=2, **after(4)),
    fitted("a generator", LINE, lambda: (batches(),), steps_per_epoch=3, epochs=2, **after(6)),
    fitted("a generator carried across epochs", LINE, lambda: (batches(),), steps_per_epoch=2, epochs=3, **after(6)),
    fitted("a generator with weights", LINE, lambda: (weighted_batches(),), steps_per_epoch=3, epochs=2, **after(6)),
    fitted("validation_freq", LINE, batch_size=4, epochs=5, validation_data=(_X, _Y), validation_freq=2, **after(15)),
    fitted(
        "validation_freq, a list of epochs",
        LINE,
        batch_size=4,
        epochs=5,
        validation_data=(_X, _Y),
        validation_freq=[1, 4],
        **after(15),
    ),
    stopping("patience 0"),
    stopping("patience 1 is the same", patience=1),
    stopping("patience", patience=2),
    stopping("min_delta", min_delta=0.03, patience=2),
    stopping("baseline met in time", baseline=0.01, patience=3),
    stopping("baseline not met", baseline=1e-6, patience=3),
    stopping("restore_best_weights", patience=2, restore_best_weights=True),
    stopping("restore_best_weights without stopping", epochs=5, patience=9, restore_best_weights=True),
    stopping("min_delta and restore_best_weights", min_delta=0.03, patience=2, restore_best_weights=True),
    stopping("baseline and restore_best_weights", baseline=1e-6, patience=3, restore_best_weights=True),
    stopping("start_from_epoch", start_from_epoch=3, patience=1),
    stopping("mode max", mode="max", patience=2),
    stopping("on the training's loss", monitor="loss", patience=1),
    fitted(
        "EarlyStopping, an accuracy is to rise",
        SORTS,
        batch_size=4,
        epochs=8,
        callbacks=lambda k: [k.callbacks.EarlyStopping(monitor="accuracy", patience=2)],
        **after(24),
    ),
    plateau("factor and patience", factor=0.5, patience=1),
    plateau("patience", factor=0.5, patience=2),
    plateau("cooldown", factor=0.5, patience=1, cooldown=2),
    plateau("min_delta", factor=0.5, patience=1, min_delta=0.03),
    plateau("min_lr", factor=0.1, patience=1, min_lr=0.004),
    plateau("mode max", factor=0.5, patience=2, mode="max"),
    plateau("its defaults: nothing happens in nine epochs"),
    fitted(
        "LearningRateScheduler of the epoch",
        LINE,
        batch_size=4,
        epochs=3,
        callbacks=lambda k: [k.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))],
        **after(9),
    ),
    fitted(
        "LearningRateScheduler of the epoch and the rate",
        LINE,
        batch_size=4,
        epochs=3,
        callbacks=lambda k: [k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)],
        **after(9),
    ),
    # The second batch's loss is about 1e60: infinite. The weights are of no use then.
    fitted(
        "TerminateOnNaN",
        LINE._replace(compile=lambda k: {"optimizer": k.optimizers.SGD(1e30), "loss": "mse"}),
        batch_size=4,
        epochs=3,
        callbacks=lambda k: [k.callbacks.TerminateOnNaN()],
        quiet=True,
        weights=False,
        **after(2),
    ),
]

# ---- texts and the rest -------------------------------------------------------------------------------------------

REST = [
    summary(
        "the lesson's model",
        lambda k: [
            k.Input((28, 28, 1)),
            k.layers.Flatten(),
            k.layers.Dense(128, activation="relu"),
            k.layers.Dense(10, activation="softmax"),
        ],
    ),
    summary(
        "a frozen layer and layers without weights",
        lambda k: [
            k.Input((4, 4)),
            k.layers.Flatten(name="pixels"),
            k.layers.Dense(300, use_bias=False, trainable=False),
            k.layers.ReLU(),
            k.layers.Dropout(0.2),
            k.layers.Dense(300),
            k.layers.LeakyReLU(),
        ],
    ),
    summary(
        "names that take two lines or are cut",
        lambda k: [
            k.Input((4,)),
            k.layers.BatchNormalization(),
            k.layers.Dense(1, name="a_name_that_is_longer_than_its_column"),
        ],
    ),
    util("to_categorical", lambda k: k.utils.to_categorical([0, 2, 1, 2])),
    util("to_categorical with num_classes", lambda k: k.utils.to_categorical([0, 2, 1], num_classes=5)),
    util("to_categorical of (N, 1)", lambda k: k.utils.to_categorical([[0], [2], [1]])),
    util("to_categorical of (2, 3)", lambda k: k.utils.to_categorical(SEQUENCES, num_classes=3)),
]

CASES = [
    *LAYERS,
    *NORMALISATIONS,
    *ACTIVATIONS,
    *FILLED,
    *LOSSES,
    *METRICS,
    *EVALUATIONS,
    *OPTIMIZERS,
    *SCHEDULES,
    *FITS,
    *REST,
]
