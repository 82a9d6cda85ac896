"""Optimizers: Keras's numbers, steps by hand, and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet as tn
from tinynet.optimizers import SGD, Adam

# facts: w0 = [1, -2, 3]; the gradient at step t is [.1, -.5, 2 t]; w after each of three steps (Keras, float32)
KERAS = {
    "Adam()": [
        [0.9990000, -1.9990001, 2.9990001],
        [0.9980000, -1.9980001, 2.9980350],
        [0.9970000, -1.9970001, 2.9970770],
    ],
    "Adam(0.1, epsilon=1e-3)": [
        [0.9240258, -1.9059490, 2.9015572],
        [0.8423048, -1.8102317, 2.8057177],
        [0.7577503, -1.7137566, 2.7103212],
    ],
    "SGD(0.1, momentum=0.9)": [None, None, [0.9439000, -1.7195001, 1.0980000]],
    "SGD(0.1, momentum=0.9, nesterov=True)": [None, None, [0.9195100, -1.5975500, 0.0881997]],
}


def gradient(t, dtype="float32"):
    return np.array([0.1, -0.5, 2 * t], dtype)


@pytest.mark.parametrize("text", KERAS)
def test_three_steps_are_those_of_keras(text):
    optimizer = eval(text, {"Adam": Adam, "SGD": SGD})
    w = np.float32([1, -2, 3])
    for t, expected in enumerate(KERAS[text], 1):
        optimizer.apply([gradient(t)], [w])
        # float32 keeps 2.4e-7 near 3, and three steps round three times. Keras takes sqrt(1 - 0.999^t) in float32:
        # 0.999^t is off by 3e-8, the root of 0.001 so by 1.5e-5 of its size, and as much of each step is Keras's error.
        if expected:
            kerass = t * 1.5e-5 * optimizer.learning_rate if isinstance(optimizer, Adam) else 0
            assert np.allclose(w, expected, rtol=0, atol=7.2e-7 + kerass)
    assert w.dtype == np.float32
    assert optimizer.iterations == 3


def test_adam_is_the_formula_of_its_docstring():
    lr, b1, b2, eps = 0.01, 0.8, 0.99, 1e-4
    optimizer, rng = Adam(lr, b1, b2, eps), np.random.default_rng(0)
    w = rng.normal(size=(4, 3))
    expected, m, v = w.copy(), 0, 0
    for t in range(1, 30):
        g = rng.normal(size=(4, 3))
        m = m + (1 - b1) * (g - m)
        v = v + (1 - b2) * (g**2 - v)
        expected -= lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
        optimizer.apply([g], [w])
        assert np.allclose(w, expected, rtol=0, atol=1e-14)


def test_sgd_by_hand():
    w = np.array([1.0, 2.0])
    SGD(0.5).apply([np.array([1.0, -2.0])], [w])
    assert w.tolist() == [0.5, 3.0]


def test_momentum_by_hand():
    for nesterov, expected in ((False, [-1.0, -2.5]), (True, [-1.5, -3.25])):
        optimizer, w = SGD(1, momentum=0.5, nesterov=nesterov), np.array([0.0])
        steps = []
        for _ in range(2):
            optimizer.apply([np.array([1.0])], [w])
            steps.append(w[0])
        assert steps == expected


def test_momentum_zero_is_plain_sgd_and_keeps_nothing():
    w, v = np.ones(3), np.ones(3)
    plain, zero = SGD(0.1), SGD(0.1, momentum=0)
    for t in range(1, 4):
        plain.apply([gradient(t)], [w])
        zero.apply([gradient(t)], [v])
    assert np.array_equal(w, v)
    assert zero.state_size == 0


@given(st.floats(1e-6, 1.0), st.integers(0, 1000))
def test_adams_first_step_has_the_length_of_its_learning_rate(lr, seed):
    g = np.random.default_rng(seed).normal(size=20)
    w = np.zeros(20)
    Adam(lr, epsilon=0).apply([g], [w])
    assert np.allclose(w, -lr * np.sign(g), rtol=1e-14, atol=0)


@given(st.integers(-20, 20), st.integers(0, 1000))
def test_adam_without_epsilon_does_not_see_a_power_of_two(power, seed):
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(5, 8)).astype("float32")
    w, v = np.ones(8, "float32"), np.ones(8, "float32")
    one, other = Adam(epsilon=0), Adam(epsilon=0)
    for g in gradients:
        one.apply([g], [w])
        other.apply([g * np.float32(2.0**power)], [v])
    assert np.array_equal(w, v)


@pytest.mark.parametrize("make", [SGD, lambda: SGD(momentum=0.9), lambda: SGD(momentum=0.9, nesterov=True), Adam])
def test_several_weights_are_stepped_as_one_flat_one(make):
    rng = np.random.default_rng(0)
    w, b, flat = np.ones((2, 3)), np.zeros(3), np.r_[np.ones(6), np.zeros(3)]
    one, other = make(), make()
    for _ in range(4):
        g = rng.normal(size=9)
        before = g.copy()
        one.apply([g[:6].reshape(2, 3), g[6:]], [w, b])
        other.apply([g], [flat])
        assert np.array_equal(g, before), "gradients are not written to"
    assert np.array_equal(np.r_[w.ravel(), b], flat)


def test_learning_rate_can_be_set_and_may_be_an_integer():
    optimizer = SGD(1)
    w = np.zeros(1)
    optimizer.apply([np.ones(1)], [w])
    optimizer.learning_rate = 0.5
    optimizer.apply([np.ones(1)], [w])
    assert w[0] == -1.5
    assert repr(optimizer) == "<SGD learning_rate=0.5, iterations=2>"


def test_reset_forgets_the_steps():
    optimizer = Adam()
    w = np.zeros(2)
    optimizer.apply([np.ones(2)], [w])
    first = w.copy()
    optimizer.reset()
    assert optimizer.iterations == 0
    w[...] = 0
    optimizer.apply([np.ones(2)], [w])
    assert np.array_equal(w, first)


def test_other_weights_than_before_are_refused():
    optimizer = Adam()
    optimizer.apply([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match=r"has kept its state for arrays of shape \[\(2,\)\], not \[\(3,\)\]"):
        optimizer.apply([np.ones(3)], [np.ones(3)])
    with pytest.raises(ValueError, match=r"Each weight needs a gradient of its shape: weights \[\(2,\), \(2,\)\]"):
        optimizer.apply([np.ones(2)], [np.ones(2), np.ones(2)])
    with pytest.raises(ValueError, match=r"gradients \[\(3,\)\]"):
        optimizer.apply([np.ones(3)], [np.ones(2)])
    with pytest.raises(TypeError, match="two lists of arrays"):
        SGD().apply([[1.0]], [[1.0]])
    assert optimizer.iterations == 1


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1", None, [0.1], True])
def test_learning_rates_that_make_no_sense(value):
    for make in (SGD, Adam):
        with pytest.raises(ValueError, match="learning_rate must be a finite number at least 0; got"):
            make(value)


def test_other_arguments_that_make_no_sense():
    for arguments in ({"beta_1": 1}, {"beta_2": -0.1}, {"epsilon": -1e-7}):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a finite number"):
            Adam(**arguments)
    with pytest.raises(ValueError, match=r"momentum must be a finite number in \[0, 1\)"):
        SGD(momentum=1.0)


def test_optimizers_are_found_by_name():
    assert isinstance(tn.optimizers.get("ADAM"), Adam)
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adm'. Did you mean 'adam'"):
        tn.optimizers.get("adm")
    with pytest.raises(ValueError, match=r"Unknown optimizer 'xyzzy'. Known: 'adam', 'adamw', 'rmsprop', 'sgd'"):
        tn.optimizers.get("xyzzy")
    with pytest.raises(TypeError, match=r"write Adam\(\), not Adam"):
        tn.optimizers.get(Adam)


def test_adam_stands_still_after_a_gradient_whose_square_is_no_float32():
    optimizer, w = Adam(), np.ones(1, "float32")
    with pytest.warns(RuntimeWarning, match="overflow"):
        optimizer.apply([np.float32([2e19])], [w])
    optimizer.apply([np.ones(1, "float32")], [w])
    assert w[0] == 1


def test_defaults_are_those_of_keras():
    adam, sgd = Adam(), SGD()
    assert (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon) == (0.001, 0.9, 0.999, 1e-7)
    assert (sgd.learning_rate, sgd.momentum, sgd.nesterov) == (0.01, 0, False)


@pytest.mark.parametrize("name", ["beta_1", "beta_2"])
@pytest.mark.parametrize("value", [-0.1, 1])
def test_betas_are_in_their_interval(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be a finite number in \[0, 1\)"):
        Adam(**{name: value})


def test_fewer_gradients_than_weights_change_nothing():
    optimizer, weights = SGD(1), [np.zeros(2), np.zeros(2)]
    with pytest.raises(ValueError, match="Each weight needs a gradient of its shape"):
        optimizer.apply([np.ones(2)], weights)
    assert optimizer.iterations == 0
    assert not np.any(weights)


def test_what_a_subclass_must_define_is_named():
    for call, method in (
        (lambda: tn.optimizers.Optimizer(0.1).apply([np.ones(1)], [np.ones(1)]), "change"),
        (lambda: tn.losses.Loss()([0], [[0.5, 0.5]]), "forward"),
        (lambda: tn.losses.Loss().backward(None, None, 1), "backward"),
        (lambda: tn.metrics.Metric()([0], [[0.5, 0.5]]), "values"),
    ):
        with pytest.raises(TypeError, match=rf"must define {method}\("):
            call()
