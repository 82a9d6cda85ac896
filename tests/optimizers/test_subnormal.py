"""Slots that fade do not stay among the subnormal numbers."""

import numpy as np
import pytest

from tinynet.optimizers import SGD, Adam, AdamW
from tinynet.optimizers.subnormal import clear_subnormal, negligible


@pytest.mark.parametrize("make", [Adam, AdamW, lambda: Adam(amsgrad=True), lambda: SGD(momentum=0.9)])
def test_a_momentum_without_gradients_does_not_stay_among_the_subnormal_numbers(make):
    optimizer, weight = make(), np.full(3, 0.5, "float32")
    tiny, least = np.finfo("float32").tiny, []
    for step in range(1500):
        optimizer.apply([np.array([1, -1e-3, 0] if step == 0 else [0, 0, 0], "float32")], [weight])
        momentum = optimizer.state[0][1 + optimizer.slots.index("momentum")]
        least += [abs(entry) for entry in momentum.tolist() if entry]
    assert momentum.tolist() == [0, 0, 0]
    assert min(least) >= tiny
    assert min(least) < 1e4 * tiny, "nothing larger is cleared"


def test_clearing_leaves_what_counts():
    momentum = np.array([1e-33, -1e-33, 1e-36, -1e-40, 0, np.inf, np.nan], "float32")
    clear_subnormal(momentum, np.empty_like(momentum), negligible(momentum.dtype))
    assert np.array_equal(momentum, np.array([1e-33, -1e-33, 0, 0, 0, np.inf, np.nan], "float32"), equal_nan=True)
    assert negligible(np.dtype("float16")) == 0, "there they are large numbers"
    momentum = np.array([1e-100, 1e-305], "float64")
    clear_subnormal(momentum, np.empty_like(momentum), negligible(momentum.dtype))
    assert momentum.tolist() == [1e-100, 0]
