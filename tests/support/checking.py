"""How the tests of the gradient checker ask it, and read what it says."""

import numpy as np
import pytest

from tinynet import gradcheck
from tinynet.gradcheck.check import Check
from tinynet.gradcheck.function import Function
from tinynet.gradcheck.measure import METHODS, Measured
from tinynet.gradcheck.numeric import Derivative
from tinynet.layers import Layer

EXACT = 1e-12  # the complex step is exact but for rounding; sums of some hundred terms of float64 stay far below this


def exact(report):
    """Whether all gradients are right to the last digits, as the complex step sees them."""
    return report.error <= EXACT and {row.method for row in report.rows} <= {"complex step"}


def text(report):
    """What a report says, on one line."""
    return " ".join(str(report).split())


def failure(check, *arguments, **options):
    """The report of a check that must fail."""
    with pytest.raises(gradcheck.GradientError) as caught:
        check(*arguments, **options)
    assert str(caught.value) == str(caught.value.report)
    assert not caught.value.report.passed
    return caught.value.report


class Cube(Layer):
    """y = x^3."""

    def forward(self, x, training=False):
        return x**3, x

    def backward(self, dy, cache, need_dx=True):
        return 3 * dy * cache**2


def measured(layer, x, method="auto", upstream=None, entries=None):
    x = np.asarray(x, float)
    function = Function([layer], x)
    upstream = np.ones(function(function.values).shape) if upstream is None else np.asarray(upstream, float)
    return Measured(Derivative(function, upstream, 0), METHODS[method], np.random.default_rng(0), entries)


def checked(layer, x, method="auto", tolerance=None):
    """A Check that has run, with dy = 1 everywhere."""
    check = Check(Function([layer], np.asarray(x, float)), "s", METHODS[method], tolerance, np.random.default_rng(0))
    check.run(lambda size: np.ones(size))
    return check
