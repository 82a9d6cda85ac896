"""Derivatives by the complex step and by differences."""

import math

import numpy as np
import pytest
import sabotage
from checking import Cube, measured

from tinynet import gradcheck
from tinynet.gradcheck.function import Function
from tinynet.gradcheck.numeric import TOLERANCES, Derivative, refusal
from tinynet.layers import Layer, ReLU

# ---- derivatives -------------------------------------------------------------------------------------------------


def test_derivatives_of_each_output_and_by_name():
    function = Function([Cube()], np.array([[2.0, -1.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 0)
    v = np.array([[1.0, 2.0]])
    assert derivative.of_each_output(v, "complex step") == pytest.approx(np.array([[12.0, 6]]), rel=1e-14)
    assert derivative.of_each_output(v, "central differences", 0.1) == pytest.approx(
        np.array([[12 + 0.01, 6 + 0.01 * 8]]), rel=1e-12
    )
    assert derivative.along(v, "complex step", 0.1) == pytest.approx(72, rel=1e-14)
    assert derivative.along(v, "central differences", 0.1) == pytest.approx(12.01 + 60.8, rel=1e-12)


def test_a_derivative_at_other_values_and_in_a_weight():
    layer = sabotage.Scale()
    layer.setup((2,), dtype="float64")
    function = Function([layer], np.array([[3.0, 5.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 1)
    assert derivative.along(np.array([1.0, 1.0]), "complex step") == pytest.approx(53, rel=1e-14)
    there = Derivative(function, np.array([[1.0, 10.0]]), 1, [np.array([[4.0, 6.0]]), np.ones(2)])
    assert there.along(np.array([1.0, 1.0]), "complex step") == pytest.approx(64, rel=1e-14)


def test_a_step_out_of_the_domain_says_nothing_and_warns_of_nothing():
    class Root(Layer):
        def forward(self, x, training=False):
            return np.sqrt(x), x

    one = measured(Root(), [[1e-9]], "central")
    assert np.isnan(one.difference(0))
    assert one.steadiest(0) == pytest.approx(0.5 / math.sqrt(1e-9), rel=1e-6)


def test_bends_are_those_of_every_part():
    function = Function([Cube(), ReLU()], np.array([[2.0, 0.0]]))
    bends, slopes = Derivative(function, np.ones((1, 2)), 0).bends(np.array([[1.0, 1.0]]), 0.5)
    # the cubes at 1.5, 2, 2.5 and -0.5, 0, 0.5; then ReLU cuts off -0.125
    assert bends == pytest.approx([(15.625 - 16 + 3.375) / 0.5, 0, 6, 0.25])
    assert slopes == pytest.approx([(15.625 - 3.375) / 0.5, 0.5, 24.5, 0.25])


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (np.tanh, None),
        (np.floor, "does not work on complex numbers: ufunc 'floor'"),
        (np.abs, "makes real numbers of complex ones"),
        (lambda x: x + np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x + 1e-8 * np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x / 10 + 1.5e-9 * np.iscomplexobj(x), "gives other values for complex numbers"),
        (lambda x: x + 1e-10 * np.iscomplexobj(x), None),
        (lambda x: 1e6 * x + 1e-8 * np.iscomplexobj(x), None),
    ],
)
def test_why_the_complex_step_is_refused(f, why):
    class Some(Layer):
        def forward(self, x, training=False):
            return f(x), x

    found = refusal(Function([Some()], np.array([[0.5, 2.0]])))
    assert (found is None) if why is None else (why in found)


# ---- reports -----------------------------------------------------------------------------------------------------


def test_tolerances_are_those_of_the_documentation():
    assert TOLERANCES == {"complex step": 1e-12, "central differences": 1e-6}
    assert "default 1e-12 for the complex step, 1e-6 for differences" in gradcheck.check_layer.__doc__


# ---- small things that only show by hand -------------------------------------------------------------------------


def test_largest():
    from tinynet.gradcheck.numeric import largest

    assert largest(np.array([1.0, -3.0]), np.array([2.0])) == 3
    assert largest(np.array([np.nan, np.inf, -1.0])) == 1
    assert largest(np.array([])) == largest() == 0
    assert largest(np.array([[0.5]])) == 0.5


# ---- methods -----------------------------------------------------------------------------------------------------


def test_derivatives_of_a_polynomial():
    class Cube(Layer):
        def forward(self, x, training=False):
            return x**3, x

    function = Function([Cube()], np.array([[2.0, -1.0]]))
    derivative = Derivative(function, np.array([[1.0, 10.0]]), 0)
    assert derivative.along(np.array([[1.0, 0.0]]), "complex step") == pytest.approx(12, abs=1e-14)
    assert derivative.along(np.array([[0.5, 1.0]]), "complex step") == pytest.approx(36, abs=1e-13)
    h = 1e-2  # (2 + h)^3 = 8 + 12 h + 6 h^2 + h^3
    assert derivative.along(np.array([[1.0, 0.0]]), "central differences", h) == pytest.approx(12 + h * h, abs=1e-12)
    both = derivative.along(np.array([[0.5, 1.0]]), "central differences", h)
    assert both == pytest.approx(36 + h * h * (1 / 8 + 10), abs=1e-11)
    bends, slopes = derivative.bends(np.array([[1.0, 0.0]]), h)
    assert bends == pytest.approx([12 * h, 0], abs=1e-12)
    assert slopes == pytest.approx([24 + 2 * h * h, 0], abs=1e-11)
    assert pytest.approx(6.055e-6, rel=1e-3) == Derivative.STEP
