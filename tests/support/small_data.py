"""Datasets of a few numbers."""

import numpy as np

from tinynet.data import Dataset


def numbers(n):
    return Dataset.from_tensor_slices(np.arange(n))


def values(dataset):
    return [element.tolist() for element in dataset]


def double(x):
    return x * 2 + 1


def pairs(n=6):
    return Dataset.from_tensor_slices((np.zeros((n, 2), "uint8"), np.arange(n)))
