"""RMSprop: its formula and its corners."""

import numpy as np
import pytest

from tinynet.optimizers import RMSprop


@pytest.mark.parametrize("momentum", [0, 0.7])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_is_the_formula_of_its_docstring(momentum, centered):
    lr, rho, eps = 0.01, 0.8, 1e-3
    optimizer, rng = RMSprop(lr, rho, momentum, eps, centered), np.random.default_rng(0)
    w = rng.normal(size=(4, 3))
    expected, v, a, b = w.copy(), 0, 0, 0
    for _ in range(30):
        g = rng.normal(size=(4, 3))
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        s = lr * g / np.sqrt(v - centered * a**2 + eps)
        b = momentum * b + s
        expected -= b
        optimizer.apply([g], [w])
        assert np.allclose(w, expected, rtol=0, atol=1e-13)  # thirty steps of at most 0.3


def test_a_centered_variance_below_zero_is_taken_for_zero():
    """The gradient stays the same: v - a^2 goes to 0, and float32's error in it exceeds epsilon (Keras: NaN)."""
    optimizer, exact = (RMSprop(1e-6, centered=True) for _ in range(2))
    w, v, signs = np.zeros(200, "float32"), np.zeros(200), []
    g = np.linspace(50, 100, 200)
    for _ in range(300):
        optimizer.apply([g.astype("float32")], [w])
        exact.apply([g], [v])
        _, velocity, mean = optimizer.state[0]
        signs.append((velocity - np.float32(1 - 0.9) * mean * mean).min() < -1e-6)
    assert any(signs), "the case is met"
    assert np.isfinite(w).all()
    assert (w < 0).all()
    assert (np.diff(w) != 0).any()
    assert np.all(-w <= 300 * 1e-6 * 100 / np.sqrt(1e-7)), "no step is longer than that of a variance of 0"


def test_rmsprop_with_rho_zero_and_without_epsilon_takes_the_sign():
    w = np.zeros(3)
    RMSprop(0.5, rho=0, epsilon=0).apply([np.array([4.0, -0.25, 8.0])], [w])
    assert w.tolist() == [-0.5, 0.5, -0.5]
