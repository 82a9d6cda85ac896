"""The normal distribution function, beside SciPy's."""

import numpy as np
import pytest

import tinynet as tn

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(("dtype", "error", "relative"), [("float64", 3e-16, 2e-15), ("float32", 1e-7, 5e-6)])
def test_the_normal_distribution_function_is_that_of_scipy(dtype, error, relative):
    ndtr = pytest.importorskip("scipy.special").ndtr
    x = np.linspace(-8, 8, 160001).astype(dtype)
    found, expected = tn.layers.normal_cdf.normal_cdf(x), ndtr(x.astype("float64"))
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= error
    assert (np.abs(found - expected) / expected).max() <= relative
    assert tn.layers.normal_cdf.normal_cdf(np.array([-inf, inf], dtype)).tolist() == [0, 1]
