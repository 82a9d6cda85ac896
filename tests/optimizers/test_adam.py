"""Adam and AdamW: their formula, the length of a step, and what they cannot see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.optimizers import Adam, AdamW


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


def test_adam_stands_still_after_a_gradient_whose_square_is_no_float32():
    optimizer, w = Adam(), np.ones(1, "float32")
    with pytest.warns(RuntimeWarning, match="overflow"):
        optimizer.apply([np.float32([2e19])], [w])
    optimizer.apply([np.ones(1, "float32")], [w])
    assert w[0] == 1


# ---- the formulas -------------------------------------------------------------------------------------------------


def test_amsgrad_keeps_the_greatest_v():
    optimizer, w, slots = Adam(0.1, amsgrad=True), np.zeros(1), []
    for g in (3.0, 0.0, 0.01, 100.0):
        optimizer.apply([np.array([g])], [w])
        slots.append((optimizer.state[0][2][0], optimizer.state[0][3][0]))  # V and U
    for velocity, greatest in zip(slots, np.maximum.accumulate([velocity for velocity, _ in slots]), strict=True):
        assert velocity[1] == greatest
    assert slots[2][0] < slots[2][1] == 9
    assert slots[3][0] == slots[3][1]


def test_adamw_is_adam_with_weight_decay():
    w, v, rng = np.ones(4), np.ones(4), np.random.default_rng(0)
    one, other = AdamW(0.1, 0.2, 0.8, 0.9, 1e-3, True), Adam(0.1, 0.8, 0.9, 1e-3, True, weight_decay=0.2)
    for g in rng.normal(size=(5, 4)):
        one.apply([g], [w])
        other.apply([g], [v])
    assert np.array_equal(w, v)
