"""Starting weights: their bounds and moments, and where their numbers come from."""

import math

import numpy as np
import pytest

import tinynet as tn
from tinynet.initializers import GlorotUniform, Zeros, fans


def test_fans():
    assert fans((784, 128)) == (784, 128)
    assert fans((7,)) == (7, 7)
    assert fans((3, 3, 16, 32)) == (9 * 16, 9 * 32)


def test_glorot_uniform_fills_its_interval_evenly():
    limit = math.sqrt(6 / (784 + 128))
    assert math.isclose(limit, 0.0811107, abs_tol=5e-8)  # Keras's figure
    w = GlorotUniform(seed=0)((784, 128))
    n = w.size
    assert w.dtype == np.float64
    assert -limit <= w.min() < -0.999 * limit
    assert 0.999 * limit < w.max() < limit
    assert abs(w.mean()) < 5 * limit / math.sqrt(3 * n)  # five standard errors
    # the variance of a uniform variable is L^2/3, and the fourth moment L^4/5 gives its standard error
    assert abs(w.var() - limit**2 / 3) < 5 * limit**2 * math.sqrt((1 / 5 - 1 / 9) / n)


def test_zeros():
    assert Zeros()((2, 3)).tolist() == [[0, 0, 0]] * 2


def test_a_seed_of_ones_own_gives_the_same_values_at_every_call():
    initializer = GlorotUniform(seed=5)
    first = initializer((4, 4), np.random.default_rng(1))
    assert np.array_equal(initializer((4, 4), np.random.default_rng(2)), first)
    assert repr(initializer) == "GlorotUniform(seed=5)"


def test_without_a_seed_the_given_generator_decides():
    initializer = GlorotUniform()
    same = [initializer((4, 4), np.random.default_rng(1)) for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(initializer((4, 4)), initializer((4, 4)))


def test_numpys_global_generator_is_neither_read_nor_moved():
    def weights():
        return tn.Sequential([tn.Input((3,)), tn.layers.Dense(2)], seed=1).get_weights()[0]

    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = weights()
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.array_equal(weights(), first)


def test_bad_seeds_and_initializers():
    with pytest.raises(ValueError, match="seed must be an integer of at least 0; got -1"):
        GlorotUniform(seed=-1)
    with pytest.raises(TypeError, match=r"write Zeros\(\), not Zeros"):
        tn.layers.Dense(1, bias_initializer=Zeros)
    with pytest.raises(TypeError, match="must define draw"):
        tn.initializers.Initializer()((2,))
