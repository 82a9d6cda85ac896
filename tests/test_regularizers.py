"""Regularizers: penalties by hand, and their gradients by central differences."""

import catalogue
import numpy as np
import pytest
from hypothesis import given
from strict_dtype import strict, strict_numpy

from tinynet import regularizers
from tinynet.regularizers import L1, L1L2, L2, Regularizer, get

each_regularizer = pytest.mark.parametrize("make", catalogue.REGULARIZERS.values(), ids=catalogue.REGULARIZERS)


def test_penalties_and_gradients_by_hand():
    weight = np.array([[1.0, -2.0], [0.0, 3.0]])  # sum |w| = 6, sum w^2 = 14
    for regularizer, penalty, expected in (
        (L1(0.5), 3, [[0.5, -0.5], [0, 0.5]]),
        (L2(0.5), 7, [[1, -2], [0, 3]]),
        (L1L2(0.5, 0.25), 6.5, [[1, -1.5], [0, 2]]),
        (L1L2(l1=0.5), 3, [[0.5, -0.5], [0, 0.5]]),
        (L1L2(l2=0.5), 7, [[1, -2], [0, 3]]),
        (L1L2(), 0, [[0, 0], [0, 0]]),
    ):
        gradient = np.full((2, 2), 10.0)
        assert regularizer(weight) == penalty
        assert regularizer.add_gradient(weight, gradient) is None
        assert (gradient - 10).tolist() == expected
    assert weight.tolist() == [[1, -2], [0, 3]]


@each_regularizer
@given(seed=catalogue.seeds)
def test_gradients_are_those_of_central_differences(make, seed):
    """Exact but for rounding: the penalty is quadratic on either side of 0, and no weight comes to the other side."""
    regularizer, rng, h = make(), np.random.default_rng(seed), 2.0**-10
    weight = rng.uniform(0.1, 2, (3, 2)) * rng.choice([-1, 1], (3, 2))
    gradient = np.zeros((3, 2))
    regularizer.add_gradient(weight, gradient)
    for place in np.ndindex(weight.shape):
        step = np.zeros((3, 2))
        step[place] = h
        numeric = (regularizer(weight + step) - regularizer(weight - step)) / (2 * h)
        assert abs(numeric - gradient[place]) < 1e-11  # penalties of up to 10 keep 2e-15, which is divided by 2^-9


@each_regularizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_stays_in_its_dtype_and_nothing_else_is_written(make, dtype):
    weight = np.array([[1, -2, 0.5]], dtype)
    weight.setflags(write=False)
    gradient = strict(np.ones((1, 3), dtype))
    with strict_numpy():
        penalty = make()(strict(weight))
        make().add_gradient(strict(weight), gradient)
    assert (penalty.shape, penalty.dtype) == ((), dtype)


def test_what_has_the_factor_zero_is_not_computed():
    """So that it makes no NaN of an infinite weight: 0 times infinity is one."""
    assert L1(0.5)(np.array([np.inf])) == L2(0.5)(np.array([np.inf])) == np.inf
    gradient, weight = np.ones(1), np.array([np.nan])
    L1L2().add_gradient(weight, gradient)
    assert gradient[0] == 1
    assert L1L2()(weight) == 0


def test_no_weights_have_no_penalty():
    assert L1L2(1, 1)(np.zeros((0, 3))) == 0


def test_defaults_names_and_configs_are_those_of_keras():
    assert L1().get_config() == {"l1": 0.01}
    assert L2().get_config() == {"l2": 0.01}
    assert L1L2().get_config() == {"l1": 0.0, "l2": 0.0}
    for name, cls in (("l1", L1), ("l2", L2), ("l1_l2", L1L2), ("L1L2", L1L2), ("l1l2", L1L2)):
        assert type(get(name)) is cls
        assert get(name).get_config() == cls().get_config()
    assert (regularizers.l1, regularizers.l2, regularizers.l1_l2) == (L1, L2, L1L2)
    assert get(None) is None
    assert L1L2.keras_module == "keras.regularizers"


@each_regularizer
def test_configs_and_records_make_the_same_regularizer_again(make):
    regularizer, weight = make(), np.arange(4.0)
    config = regularizer.get_config()
    for other in (
        type(regularizer).from_config(config),
        get({"class_name": type(regularizer).__name__, "config": config}),
        eval(repr(regularizer), {"L1": L1, "L2": L2, "L1L2": L1L2}),
    ):
        assert type(other) is type(regularizer)
        assert other(weight) == regularizer(weight)
    assert get(regularizer) is regularizer


def test_what_makes_no_sense():
    for call in (lambda: L1(-1), lambda: L1L2(l1=float("nan"))):
        with pytest.raises(ValueError, match="l1 must be a finite number at least 0"):
            call()
    for call in (lambda: L2(-1), lambda: L1L2(l2="0.1")):
        with pytest.raises(ValueError, match="l2 must be a finite number at least 0"):
            call()
    with pytest.raises(ValueError, match="Unknown regularizer 'l3'"):
        get("l3")
    with pytest.raises(TypeError, match=r"write L2\(\), not L2"):
        get(L2)
    with pytest.raises(TypeError, match=r"must define __call__\(weight\)"):
        Regularizer()(np.ones(1))
    with pytest.raises(TypeError, match=r"must define add_gradient\(weight, gradient\)"):
        Regularizer().add_gradient(np.ones(1), np.ones(1))
