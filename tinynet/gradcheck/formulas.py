"""Put SymPy expressions into NumPy arrays, for a layer's code to compute with, and tell when two are equal."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from fractions import Fraction
from typing import Any

import numpy as np

COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
LONGEST = 100  # characters of a formula that is printed in full

# Decides comparisons: (relation from the module operator, difference) -> bool.
decider: ContextVar[Callable[[Callable, Formula], bool]] = ContextVar("decider")


def _binary(operation: Callable[[Any, Any], Any]) -> tuple[Callable, Callable]:
    """Return the methods of Formula for an operation: with the formula on the left, and on the right."""

    def combine(a: Any, b: Any) -> Any:
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return NotImplemented  # the array computes it entry by entry
        return Formula(operation(lift(a).expression, lift(b).expression))

    return combine, lambda a, b: combine(b, a)


def _comparison(relation: Callable[[Any, Any], bool]) -> Callable:
    """Return the method of Formula for a comparison."""

    def compare(a: Formula, b: Any) -> Any:
        if isinstance(b, np.ndarray):
            return NotImplemented
        return relation(0.0, b) if _is_not_finite(b) else decider.get()(relation, a - lift(b))

    return compare


def _is_not_finite(value: Any) -> bool:
    """Tell whether a value is infinite or NaN. Every formula compares with these as 0 does."""
    return isinstance(value, (float, np.floating)) and not math.isfinite(value)


def _function(name: str) -> Callable[[Formula], Formula]:
    """Return the method of Formula for a function of SymPy."""

    def call(self: Formula) -> Formula:
        import sympy

        return Formula(getattr(sympy, name)(self.expression))

    return call


class Formula:
    """A SymPy expression that supports everything that NumPy's object arrays do with numbers.

    It cannot become a float or an int: code that asks for one gets Python's TypeError.
    """

    __slots__ = ("expression",)
    __hash__ = None

    def __init__(self, expression: Any):
        self.expression = expression

    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv)
    __pow__, __rpow__ = _binary(operator.pow)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)

    exp, log, sqrt = _function("exp"), _function("log"), _function("sqrt")
    sin, cos, tan = _function("sin"), _function("cos"), _function("tan")
    arcsin, arccos, arctan = _function("asin"), _function("acos"), _function("atan")
    sinh, cosh, tanh = _function("sinh"), _function("cosh"), _function("tanh")
    arcsinh, arccosh, arctanh = _function("asinh"), _function("acosh"), _function("atanh")

    def expm1(self):
        return self.exp() - 1

    def log1p(self):
        return (self + 1).log()

    def exp2(self):
        return lift(2) ** self

    def log2(self):
        return self.log() / lift(2).log()

    def log10(self):
        return self.log() / lift(10).log()

    def conjugate(self):  # np.var calls it
        return self

    def __neg__(self):
        return Formula(-self.expression)

    def __pos__(self):
        return self

    def __abs__(self):
        return self if self >= 0 else -self

    def __bool__(self):
        return self != 0

    def __repr__(self):
        return short(self.expression)


class Formulas(np.ndarray):
    """An object array whose operations turn numbers into formulas: so log(max(x, 1)) exists."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        inputs = [array.view(np.ndarray) if isinstance(array, Formulas) else array for array in inputs]
        if method != "at" and ufunc not in COMPARISONS:  # "at" works in place; comparisons take infinity
            arrays = len(inputs) if method == "__call__" else 1  # in other methods indices follow
            inputs[:arrays] = [np.frompyfunc(lift, 1, 1)(array) for array in inputs[:arrays]]
        if out:
            plain = tuple(array.view(np.ndarray) for array in out)
            getattr(ufunc, method)(*inputs, out=plain, **options)
            return out[0]
        return _as_formulas(getattr(ufunc, method)(*inputs, **options))

    def __array_function__(self, function, types, arguments, options):
        return _as_formulas(super().__array_function__(function, types, arguments, options))


def _as_formulas(result: Any) -> Any:
    """View an object array as Formulas; return other results unchanged."""
    is_plain = type(result) is np.ndarray and result.dtype == object
    return result.view(Formulas) if is_plain else result


def lift(value: Any) -> Formula:
    """Return the formula of a number, or a formula unchanged."""
    import sympy

    if isinstance(value, Formula):
        return value
    if not isinstance(value, (int, float, np.bool_, np.integer, np.floating)):
        raise TypeError(f"formulas and {type(value).__name__} were combined")
    number = fraction(value) if isinstance(value, (float, np.floating)) else Fraction(int(value))
    return Formula(sympy.Rational(number.numerator, number.denominator))


def fraction(value: Any) -> Fraction:
    """Return the simplest fraction that rounds to this float, or the shortest decimal that does."""
    if not math.isfinite(value):
        raise TypeError(f"the number {value} was met")
    near = Fraction(float(value)).limit_denominator(10**6)
    return near if type(value)(float(near)) == value else Fraction(str(value))


# ---- algebra -------------------------------------------------------------------------------------------------


def is_zero(expression: Any) -> bool:
    """Tell whether algebra brings the expression to 0."""
    return any(form == 0 for form in _normal_forms(expression))


def _normal_forms(expression: Any) -> Iterator[Any]:
    """Yield the numerator over a common denominator, multiplied out; then the same with exp in place of tanh."""
    import sympy

    for same in (lambda e: e, lambda e: e.rewrite(sympy.exp)):
        yield sympy.expand(sympy.fraction(sympy.together(_rational(same(expression))))[0])


def _rational(expression: Any) -> Any:
    """Return the expression as a rational function of symbols that stand for its exponentials, tanh and the like.

    Each term of an exponent has its own symbol, to make exp(a + b) and exp(a) exp(b) the same.
    """
    import sympy

    symbols: dict[Any, Any] = {}

    def stand_in(function: Any) -> Any:
        return symbols.setdefault(function, sympy.Dummy())

    def product(exponential: Any) -> Any:
        result = sympy.Integer(1)
        for term in sympy.Add.make_args(exponential.exp.expand()):
            count, once = term.as_coeff_Mul()
            result *= stand_in(sympy.exp(once)) ** count if count.is_Integer else stand_in(sympy.exp(term))
        return result

    functions = expression.atoms(sympy.Function)
    return expression.xreplace({f: product(f) if isinstance(f, sympy.exp) else stand_in(f) for f in functions})


def inequality(positive: Any) -> str:
    """Write that an expression is positive, with every term on the side where it has no minus sign."""
    import sympy

    terms = sympy.Add.make_args(positive.expand().primitive()[1])
    left = sympy.Add(*[term for term in terms if not term.could_extract_minus_sign()])
    right = left - sympy.Add(*terms)
    return f"{right} < 0" if left == 0 else f"{left} > {right}"


def short(formula: Any) -> str:
    """Return the formula as text, without its middle if it is long."""
    text = str(formula)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
