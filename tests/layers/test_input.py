"""Input: the shapes that it takes."""

import pytest

from tinynet.layers import Flatten, Input


@pytest.mark.parametrize("shape", [3, (0,), (-1, 2), (2.5,), "28", (28, None)])
def test_input_shapes_are_checked(shape):
    with pytest.raises(ValueError, match="input_shape"):
        Flatten(input_shape=shape)
    with pytest.raises(ValueError, match="input_shape"):
        Input(shape)
