"""A line through ten points, the smallest task there is, and ways to give the points to a model."""

import numpy as np

import tinynet as tn
from tinynet.layers import Dense

X, Y = np.arange(10.0)[:, None] / 10, np.arange(10.0) / 5


def line(**options):
    """y = w x, from w = 0.5; SGD of rate 0.1."""
    layers = [tn.Input((1,)), Dense(1, use_bias=False, kernel_initializer=tn.initializers.Constant(0.5))]
    model = tn.Sequential(layers, seed=0)
    model.compile(tn.optimizers.SGD(0.1), **{"loss": "mse", **options})
    return model


def binary(**options):
    model = tn.Sequential([tn.Input((3,)), Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", **options)
    return model


def pairs(count=4, size=2):
    for index in range(count):
        rows = slice(index * size, index * size + size)
        yield X[rows], Y[rows]


class Sized:
    """Batches as a class of one's own gives them: anew for each pass, and their number is known."""

    def __len__(self):
        return 4

    def __iter__(self):
        return pairs()
