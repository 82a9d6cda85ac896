"""Formulas in the place of numbers: sums, comparisons, fractions, texts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from own_layers import Elementwise

from tinynet.gradcheck import prove
from tinynet.gradcheck.formulas import fraction, is_zero, lift, short
from tinynet.layers import Layer

sympy = pytest.importorskip("sympy")


# ---- layers of a user -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0.5, Fraction(1, 2)),
        (1 / 3, Fraction(1, 3)),
        (1e-7, Fraction(1, 10**7)),
        (1 - 1e-7, 1 - Fraction(1, 10**7)),
        (np.float32(0.1), Fraction(1, 10)),
        (math.pi, Fraction("3.141592653589793")),
    ],
)
def test_numbers_become_the_simplest_fractions(value, exact):
    assert fraction(value) == exact


# ---- what cannot be run ---------------------------------------------------------------------------------------


def test_every_formula_is_below_infinity_and_not_nan():
    class Finite(Layer):
        def forward(self, x, training=False):
            return np.where((-np.inf < x) & (x < np.inf) & ~(x == np.nan), x * x, np.nan), x

        def backward(self, dy, cache, need_dx=True):
            return 2 * dy * np.where(cache <= np.inf, cache, 0)

    proof = prove(Finite(), (2,))
    assert proof.regions == [[]], "that is no condition"
    assert proof.formulas == {"dL/dx[0,0]": "2*dy[0,0]*x[0,0]"}


# ---- formulas by hand --------------------------------------------------------------------------------------------


def test_numbers_that_a_maximum_gives_are_formulas_too():
    layer = Elementwise(lambda x: np.exp(np.maximum(x, 0.5)), lambda x: np.where(x > 0.5, np.exp(x), 0))
    assert prove(layer, (2,)).entries == 4


def test_a_formula_is_true_unless_it_is_0():
    layer = Elementwise(lambda x: np.where(x - x, 5 * x, np.where(x, 2 * x, x)), lambda x: 2)
    assert prove(layer, (2,)).formulas == {"dL/dx[0,0]": "2*dy[0,0]"}


def test_sums_over_slices():
    class Sums(Layer):
        def build(self, input_shape):
            return (2,)

        def forward(self, x, training=False):
            return np.add.reduceat(x, [0, 2], axis=1), None

        def backward(self, dy, cache, need_dx=True):
            return dy[:, [0, 0, 1]]

    assert prove(Sums(), (3,)).entries == 6


def test_what_is_no_real_number_is_not_combined_with_formulas():
    for other in (1j, "a"):
        with pytest.raises(TypeError, match=rf"formulas and {type(other).__name__} were combined"):
            lift(other)
    with pytest.raises(TypeError, match="the number inf was met"):
        lift(float("inf"))


def test_whole_numbers_of_any_size_are_exact():
    assert lift(2**60 + 1).expression == 2**60 + 1
    assert lift(np.int64(2**60 + 1)).expression == 2**60 + 1
    assert lift(True).expression == 1


def test_the_simplest_fraction_that_rounds_to_a_float():
    assert fraction(1 / 61) == Fraction(1, 61)
    assert fraction(1 / 999_999) == Fraction(1, 999_999)
    assert fraction(1 / 1_000_001) == Fraction(repr(1 / 1_000_001)) != Fraction(1, 1_000_001)
    assert fraction(np.float32(0.1)) == Fraction(1, 10)


def test_texts_of_up_to_100_characters_are_whole():
    assert short("x" * 100) == "x" * 100
    assert short("a" * 50 + "b" + "c" * 50) == "a" * 50 + " ... " + "c" * 50


def test_what_is_zero():
    a, b = sympy.symbols("a b", real=True)
    e = sympy.exp
    tanh = sympy.tanh(a) * (e(2 * a) + 1) - e(2 * a) + 1
    for zero in (e(a + b) - e(a) * e(b), e(-a) * e(a) - 1, e(2 * a) - e(a) ** 2, tanh):
        assert is_zero(zero)
    for other in (e(a) - 1, e(a) - e(b), e(a) - e(-a), e(a + b) - e(a) - e(b), a - b, sympy.tanh(a) - a):
        assert not is_zero(other)


def test_second_operands_are_lifted_too():
    layer = Elementwise(lambda x: np.log(np.maximum(np.minimum(x, 7.0), 7.0)), lambda x: 0 * x)
    assert prove(layer, (1,)).entries == 2


def test_large_whole_numbers_in_arrays_are_exact():
    assert lift(10**18 + 1).expression == 10**18 + 1
    assert lift(2**53 + 1).expression == 2**53 + 1
