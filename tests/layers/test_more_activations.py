"""The other activations: values and slopes at kinks and ends."""

import numpy as np
import pytest

import tinynet as tn

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    ("layer", "x", "y", "slopes"),
    [
        (tn.layers.ReLU(1, 0.5, 0.25), [-1, 0.25, 0.5, 1, 2], [-0.625, 0, 0.5, 1, 1], [0.5, 0.5, 1, 0, 0]),
        (tn.layers.LeakyReLU(0.25), [-2, 0, 3, -inf], [-0.5, 0, 3, -inf], [0.25, 0.25, 1, 0.25]),
        (tn.layers.ELU(2), [-inf, 0, 3], [-2, 0, 3], [0, 2, 1]),
        (tn.layers.Softplus(), [-1000, 0, 1000], [0, np.log(2), 1000], [0, 0.5, 1]),
        (tn.layers.SiLU(), [-1000, 0, 1000], [0, 0, 1000], [0, 0.5, 1]),
        (tn.layers.GELU(), [-100, 0, 100], [0, 0, 100], [0, 0.5, 1]),
        (tn.layers.GELU(True), [-100, 0, 100], [0, 0, 100], [0, 0.5, 1]),
        (tn.layers.Rescaling(2, -1), [-1, 0.5], [-3, 0], [2, 2]),
    ],
    ids=repr,
)
def test_values_and_slopes_at_kinks_and_ends(layer, x, y, slopes):
    with np.errstate(invalid="ignore"):
        got, cache = layer.forward(np.array([x], "float64"))
    assert np.allclose(got, [y], rtol=0, atol=1e-15)
    assert np.allclose(layer.backward(np.ones((1, len(x))), cache), [slopes], rtol=0, atol=1e-15)
    assert np.isnan(layer.forward(np.array([[nan]]))[0]).all()


def test_log_softmax_of_large_numbers():
    assert np.allclose(
        tn.layers.LogSoftmax()(np.array([[1e4, 0.0, 1e4]])), [[-np.log(2), -1e4 - np.log(2), -np.log(2)]]
    )


def test_selu_at_zero_has_the_slope_from_below():
    y, cache = tn.layers.SELU().forward(np.array([[0.0, 1.0]]))
    assert y.tolist() == [[0.0, 1.0507009873554805]]
    slopes = tn.layers.SELU().backward(np.ones((1, 2)), cache)
    assert slopes == pytest.approx(np.array([[1.0507009873554805 * 1.6732632423543772, 1.0507009873554805]]), rel=1e-15)
