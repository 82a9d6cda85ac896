"""A function of samples and weights, as the checker sees a layer."""

import math

import numpy as np
import pytest

import tinynet as tn
from tinynet.gradcheck.function import Function
from tinynet.gradcheck.numeric import refusal
from tinynet.layers import Dense, Layer

# ---- derivatives -------------------------------------------------------------------------------------------------


def test_an_exception_without_a_text_is_named():
    class Silent(Layer):
        def forward(self, x, training=False):
            if x.dtype.kind == "c":
                raise NotImplementedError
            return x, x

    assert refusal(Function([Silent()], np.ones((1, 2)))).endswith("complex numbers: NotImplementedError")


# ---- functions ---------------------------------------------------------------------------------------------------


def test_a_function_names_what_it_differentiates():
    layer = Dense(2, name="d")
    layer.setup((3,), dtype="float64")
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    chain = Function([layer], np.ones((2, 3)))
    assert list(zip(chain.owners, chain.names, strict=True)) == [("", "x"), ("d", "kernel"), ("d", "bias")]
    assert Function([layer], np.ones((2, 3)), loss, np.array([0, 1])).names == ["x", "kernel", "bias"]
    alone = Function([], np.ones((2, 3)), loss, np.array([0, 1]))
    assert (alone.owners, alone.names) == ([""], ["y_pred"])
    assert alone(alone.values) == pytest.approx(math.log(3))
    assert alone.trace(alone.values) == pytest.approx([math.log(3)] * 2)


def test_the_first_samples_of_a_function():
    layer = Dense(2)
    layer.setup((3,), dtype="float64")
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    whole = Function([layer], np.arange(12.0).reshape(4, 3), loss, np.array([0, 1, 1, 0]))
    expected = whole(whole.values)
    whole([whole.values[0], 2 * whole.values[1], whole.values[2]])  # leaves other weights in the layer
    fewer = whole.first(3)
    assert fewer(fewer.values) == pytest.approx(expected[:3], rel=1e-14)
    assert fewer.labels.tolist() == [0, 1, 1]


# ---- small things that only show by hand -------------------------------------------------------------------------


def test_forward_is_given_training_by_default():
    class Tells(Layer):
        def forward(self, x, training=False):
            return x + training, x

    assert Function([Tells()], np.zeros((1, 2)))([np.zeros((1, 2))]).tolist() == [[1, 1]]
    assert Function([Tells()], np.zeros((1, 2)), training=False)([np.zeros((1, 2))]).tolist() == [[0, 0]]
    assert Function([Tells()], np.zeros((2, 2)), training=False).first(1).training is False
