"""A model with everything that has a state, and data of every kind, for trainings that are cut off and go on."""

import numpy as np

import tinynet as tn
from tinynet.data import Dataset
from tinynet.layers import BatchNormalization, Dense, Dropout


def corners(n=70, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return (np.eye(3)[y] * 2 + rng.normal(size=(n, 3))).astype("float32"), y


X, Y = corners()
VALIDATION = corners(30, seed=1)


def model(optimizer="adam", **options):
    made = tn.Sequential(
        [
            tn.Input((3,)),
            Dense(8, "relu", kernel_regularizer="l2"),
            BatchNormalization(momentum=0.9),
            Dropout(0.3),
            tn.Sequential([Dense(4, "tanh"), Dropout(0.2)]),
            Dense(3, "softmax"),
        ],
        **{"seed": 7, **options},
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return made


def same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a.get_weights(), b.get_weights(), strict=True))


def pipeline():
    return Dataset.from_tensor_slices((X, Y)).shuffle(len(X), seed=5)


DATA = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 16},
    "arrays, in order": lambda: {"x": X, "y": Y, "batch_size": 16, "shuffle": False},
    "arrays, epochs that end within a pass": lambda: {"x": X, "y": Y, "batch_size": 16, "steps_per_epoch": 2},
    "dataset": lambda: {"x": pipeline().batch(16)},
    "dataset that repeats": lambda: {"x": pipeline().repeat().batch(16), "steps_per_epoch": 4},
    "dataset, the lesson's order": lambda: {
        "x": Dataset.from_tensor_slices((X, Y)).repeat().shuffle(50, seed=2).batch(16),
        "steps_per_epoch": 4,
    },
    "dataset, epochs that end within a pass": lambda: {"x": pipeline().batch(16), "steps_per_epoch": 2},
    "dataset, cached": lambda: {"x": pipeline().map(lambda x, y: (x * 2, y)).cache().shuffle(9, 1).batch(16)},
}
