"""Flatten and Reshape."""

import numpy as np
import pytest

import tinynet as tn
from tinynet.layers import Flatten


def test_flatten_is_row_major_and_backward_restores_the_shape():
    flatten = Flatten()
    x = np.arange(12.0).reshape(2, 3, 2)
    y, cache = flatten.forward(x)
    assert y.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert np.array_equal(flatten.backward(y, cache), x)
    assert flatten(np.arange(3.0)).tolist() == [[0], [1], [2]]
    assert Flatten(input_shape=[28, 28, 1]).declared_shape == (28, 28, 1)


# ---- values of the other layers, by hand --------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "target"), [((6,), (4,)), ((6,), (4, -1)), ((2, 3), (2, 2)), ((4,), (8,))])
def test_reshape_refuses_what_does_not_fit(shape, target):
    with pytest.raises(ValueError, match=f"{np.prod(shape)} entries, the shape"):
        tn.layers.Reshape(target).setup(shape)
    for bad, message in (((0,), "each entry"), ((-1, -1), "one -1 at most"), (3, "must be a tuple")):
        with pytest.raises(ValueError, match=message):
            tn.layers.Reshape(bad)
