"""Checks of arguments: integers, numbers, shapes."""

import numpy as np
import pytest

from tinynet import arguments as checks


def test_integers_and_numbers():
    assert checks.integer("n", np.int8(5)) == 5
    assert type(checks.integer("n", np.array(5))) is int
    for value in (np.bool_(True), np.array([5]), 5.0, None):
        with pytest.raises(ValueError, match="n must be a positive integer"):
            checks.integer("n", value)
    with pytest.raises(ValueError, match="n must be an integer of at least 2; got 1"):
        checks.integer("n", 1, least=2)
    assert checks.number("x", np.float32(0.5), least=0) == 0.5
    assert checks.number("x", 1, least=0) == 1.0


def test_shapes():
    assert checks.shape("s", [3, np.int64(2)]) == (3, 2)
    assert checks.shape("s", ()) == ()
    with pytest.raises(ValueError, match=r"s must be a tuple or a list of positive integers; got 3; write \(3,\)"):
        checks.shape("s", 3)
    with pytest.raises(ValueError, match=r"each entry of s \(3, 0\) must be a positive integer; got 0"):
        checks.shape("s", (3, 0))
