"""Gradients shown as formulas: backward is run on symbols and held against SymPy's derivative of forward.

With y = forward(x) and a symbol dy for every entry of y, let L = sum dy y. Then backward is right if and only if what
it returns is dL/dx and what it writes is dL/dw for every weight w, as formulas in the symbols x, w and dy.

The layer's own code is run, on arrays of `Formula`. What it compares (a maximum, `x > 0`) is decided at one point, at
which every symbol has a value, and noted as a condition. So a run follows one branch, and what it shows holds for all
values of the symbols that fulfil its conditions. Four points are tried (see `_Run`); branches that none of them meets
are not covered. Where there are no conditions, all is covered.

Numbers in the code count as the simplest fractions that round to them: 0.5 as 1/2, 0.3333333333333333 as 1/3. So what
is shown is the mathematics, for exact arithmetic and this one shape. At the points the layer is also run in float64,
which must agree, else the code treats formulas otherwise than numbers.

Formulas are equal if algebra brings their difference to 0. If it is not 0 at the point they are different; if it is,
but algebra does not get there, that is said, and is no proof.

What check_layer looks at besides is left to it: need_dx, what a layer remembers, and what it writes to.
"""

from __future__ import annotations

import math
import operator
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..arguments import integer
from ..arguments import shape as check_shape
from ..layers.base import Layer
from ..layers.chain import backward_chain, forward_chain, unique
from ..losses import Loss
from .copies import copied
from .formulas import Formula, Formulas, decider, inequality, is_zero, lift, short
from .function import drawn_for

MOST_SYMBOLS = 60
DIGITS = 50  # of the values
EQUAL = 1e-40  # values that differ by less are taken as equal
ALL = {"positive": 1, "negative": -1}  # the runs in which all values have one sign
NEARLY = 1e-12  # and by less than this, if constants such as the root of 3 were written as decimals
AGREE = 1e-6  # between a value and a float64: its rounding, and that of float32 constants in the code


class ProofError(AssertionError):
    """backward is not shown to be the derivative of forward."""


@dataclass(frozen=True, repr=False)
class Proof:
    """What `prove` has shown: the number of entries, one formula of each gradient, the conditions of each run."""

    subject: str
    entries: int
    formulas: dict[str, str]
    regions: list[list[str]]

    def __str__(self) -> str:
        shown = f"{self.subject}: backward is the derivative of forward in all {self.entries} entries"
        formulas = [f"    {entry} = {short(formula)}" for entry, formula in self.formulas.items()]
        if self.regions == [[]]:
            return "\n".join([f"{shown}, wherever that is defined. Some of them:", *formulas])
        lines = [f"{shown}, in {len(self.regions)} of the regions that its comparisons make, namely where"]
        lines += [f"    {i}. {', '.join(map(short, conditions))}" for i, conditions in enumerate(self.regions, 1)]
        return "\n".join([*lines, "In the first, some of them:", *formulas])

    __repr__ = __str__


def prove(
    layer: Layer | Loss, input_shape: Sequence[int], *, labels: Any = None, batch_size: int | None = None
) -> Proof:
    """Show that backward is the derivative of forward, as formulas, for inputs of one small shape.

    `input_shape` is that of one sample, without the batch axis; the batch has two samples, or one for each of the
    `labels`, which a loss needs; its outputs are called x then, and the factors of its values dy. The layer is copied,
    built if it is not, and its weights become symbols: what they hold is irrelevant. forward is run as in training.

        print(prove(Dense(2, "softmax"), (3,)))
        prove(SparseCategoricalCrossentropy(), (3,), labels=[0, 2])

    Returns a Proof, which prints what was shown and where it holds. Raises ProofError, with the entry and both
    formulas, where backward is wrong or is not shown to be right; TypeError where the code cannot be run on formulas,
    with the reason; ValueError for shapes that are too large. A layer takes about a second, a softmax on Dense layers
    up to a minute.
    """
    try:
        import sympy  # noqa: F401
    except ImportError as error:
        line = "gradcheck.prove needs SymPy: python -m pip install sympy"
        raise ImportError(line, name="sympy") from error
    if not isinstance(layer, (Layer, Loss)):
        raise TypeError(f"prove takes a layer or a loss; got {layer!r}.")
    if isinstance(layer, Loss) != (labels is not None):
        raise TypeError(f"prove needs labels for a loss, and for nothing else; got {layer!r} and labels={labels!r}.")
    shape = check_shape("input_shape", input_shape)
    default = 2 if labels is None else len(np.atleast_1d(labels))
    size = integer("batch_size", default if batch_size is None else batch_size)
    if labels is not None and size != default:
        raise ValueError(f"The batch has batch_size={size} samples, but there are labels for {default}.")
    shape = (size, *shape)
    subject = f"{type(layer).__name__} on inputs {shape}"
    found: dict[tuple[str, ...], tuple[int, dict[str, str]]] = {}
    skipped = ""
    for kind in _Run.KINDS:
        run = _Run(kind)
        token = decider.set(run.decide)
        try:
            shown = run.prove(layer, shape, labels, subject)
        except _Skip as reason:
            skipped = str(reason)
            continue
        finally:
            decider.reset(token)
        found.setdefault(tuple(run.conditions), shown)
        if not run.conditions:
            break
    if not found:
        raise TypeError(f"{subject}: no point was found at which to run it on formulas; at the last one {skipped}.")
    entries, formulas = next(iter(found.values()))
    return Proof(subject, entries, formulas, [list(conditions) for conditions in found])


# ---- one run --------------------------------------------------------------------------------------------------


class _Skip(Exception):
    """At this point something is not defined, or a comparison is between equals: another one is needed."""


class _Run:
    """The numbers that the symbols have in one run, and what was decided by them.

    Inputs and weights have sizes from 0.1 to 1.1: in the first run of either sign, in the second the inputs have the
    opposite signs, in the third, for logarithms and roots, all are positive, and in the last all are negative.
    """

    KINDS = ("signed", "mirrored", "positive", "negative")

    def __init__(self, kind: str):
        self.kind, self.rng = kind, np.random.default_rng(0)
        self.values: dict[str, list[Fraction]] = {}
        self.known: dict[Any, Any] = {}  # the values of symbols, and of the expressions that were evaluated
        self.conditions: list[str] = []
        self.step = "forward"

    def prove(self, layer: Layer | Loss, shape: tuple[int, ...], labels: Any, subject: str) -> tuple[int, dict]:
        """Hold every entry of every gradient against the derivative; return their number and a formula of each."""
        import sympy

        go = _run_layer if labels is None else _run_loss
        with np.errstate(all="ignore"):  # at a point that the formulas will refuse, perhaps
            _, numbers, total = go(self, self.numbers, copied(layer), shape, labels)
        try:
            variables, gradients, loss = go(self, self.symbols, copied(layer), shape, labels)
        except _Skip:
            raise
        except Exception as error:
            raise TypeError(
                f"{subject}: {self.step} cannot be computed on formulas{_place(error)}: {error}. For such code there "
                "is gradcheck.check_layer, which compares numbers."
            ) from error
        self.real(loss.expression)
        formulas = {}
        for label, array in variables.items():
            if np.shape(gradients[label]) != array.shape:
                raise ProofError(f"{subject}: dL/d{label} has shape {np.shape(gradients[label])}, not {array.shape}.")
            for index, variable in np.ndenumerate(array):
                entry, gradient = f"dL/d{variable}", lift(gradients[label][index]).expression
                _require_equal(subject, entry, gradient, sympy.diff(loss.expression, variable.expression), self)
                _require_agreement(subject, entry, numbers[label][index], gradient, self)
                if label not in formulas or formulas[label][1] == "0":
                    formulas[label] = entry, str(gradient)
        _require_agreement(subject, "L", total, loss.expression, self)
        return sum(array.size for array in variables.values()), dict(formulas.values())

    def symbols(self, label: str, shape: tuple[int, ...]) -> Formulas:
        """An array of symbols label[0,0], label[0,1], ..."""
        import sympy

        array = np.empty(shape, dtype=object)
        for index, value in zip(np.ndindex(shape), self._values(label, shape), strict=True):
            symbol = sympy.Symbol(f"{label}[{','.join(map(str, index))}]", real=True)
            self.known[symbol] = sympy.Rational(value.numerator, value.denominator).evalf(DIGITS)
            array[index] = Formula(symbol)
        return array.view(Formulas)

    def numbers(self, label: str, shape: tuple[int, ...]) -> np.ndarray:
        """The values of the same symbols in float64."""
        return np.array([float(value) for value in self._values(label, shape)]).reshape(shape)

    def _values(self, label: str, shape: tuple[int, ...]) -> list[Fraction]:
        if label not in self.values:
            sizes = self.rng.integers(10**5, 11 * 10**5, math.prod(shape)).tolist()
            signs = self.rng.permutation([(-1) ** i for i in range(len(sizes))]).tolist()  # some of each
            turn = -1 if self.kind == "mirrored" and label == "x" else 1
            signs = [ALL.get(self.kind, sign * turn) for sign in signs]
            self.values[label] = [Fraction(sign * size, 10**6) for sign, size in zip(signs, sizes, strict=True)]
            count = sum(map(len, self.values.values()))
            if count > MOST_SYMBOLS:
                raise ValueError(f"prove is for small shapes: up to {MOST_SYMBOLS} symbols; {label} makes it {count}.")
        return self.values[label]

    def value(self, expression: Any) -> Any:
        """What the expression is at the point; None if that is not a real number."""
        value = self._evaluate(expression).evalf(DIGITS)
        return value if value.is_Float or value.is_zero else None

    def real(self, expression: Any) -> Any:
        """The same, but another point is needed where it is not a real number."""
        value = self.value(expression)
        if value is None:
            raise _Skip(f"{short(expression)} is not a real number")
        return value

    def _evaluate(self, expression: Any) -> Any:
        if expression not in self.known:
            parts = [self._evaluate(part) for part in expression.args]
            self.known[expression] = expression.func(*parts) if parts else expression
        return self.known[expression]

    def decide(self, relation: Callable[[Any, Any], bool], difference: Formula) -> bool:
        """Compare a difference with 0 by its value, and note the condition if it does not hold everywhere."""
        expression = difference.expression
        value = self.real(expression)
        if abs(value) < EQUAL:
            if not is_zero(expression):
                raise _Skip(f"{short(expression)} is compared with 0, and equal")
            return relation(0, 0)
        if relation in (operator.eq, operator.ne):
            known, condition = expression.is_zero is False, f"{expression} != 0"
        else:
            larger = expression if value > 0 else -expression
            known, condition = larger.is_positive, inequality(larger)
        if not known and condition not in self.conditions:
            self.conditions.append(condition)
        return bool(relation(value, 0))


def _run_layer(run, make, layer, shape, labels):
    """Forward and backward with arrays from `make`; return the variables, their gradients, and L."""
    layer.setup(shape[1:], dtype="float64")
    parts, variables, places = layer.parts(), {"x": make("x", shape)}, {}
    several = sum(bool(part.weight_names) for part in unique(parts)) > 1
    for part in unique(parts):
        for name in part.weight_names:
            label = f"{part.name}.{name}" if several else name
            while label in (*variables, "dy"):
                label += "'"
            weight = make(label, getattr(part, name).shape)
            if name not in part.grads:  # a statistic: any number, but a constant
                part.bind(name, weight, None)
                continue
            variables[label], places[label] = weight.copy(), (part, name)
            part.bind(name, weight, make(f"(old gradient of {label})", weight.shape))
    run.step = "forward"
    y, caches = forward_chain(parts, variables["x"].copy(), True, drawn_for)
    dy = make("dy", y.shape)
    loss = (dy * y).sum()
    run.step = "backward"
    dx = backward_chain(parts, dy, caches)
    return variables, {"x": dx, **{label: part.grads[name] for label, (part, name) in places.items()}}, loss


def _run_loss(run, make, loss, shape, labels):
    """The same for a loss: its outputs are x, and L is the sum of its values with factors dy."""
    x, labels = make("x", shape), loss.check(labels, shape)
    run.step = "forward"
    values, cache = loss.forward(labels, x.copy())
    dy = make("dy", values.shape)
    total = (dy * values).sum()
    run.step = "backward"
    return {"x": x}, {"x": loss.backward(labels, cache, dy.copy())}, total


def _place(error: Exception) -> str:
    """The line of the layer's code that raised it."""
    ours = (os.path.dirname(__file__), os.path.dirname(np.__file__))
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    return f" at '{lines[-1]}'" if lines and lines[-1] else ""


def _require_equal(subject: str, entry: str, gradient: Any, derivative: Any, run: _Run) -> None:
    """Their difference is 0 if it is 0 at dy = 0, and so is its derivative by each entry of dy: many short formulas."""
    difference = gradient - derivative
    dys = [symbol for symbol in difference.free_symbols if symbol.name.startswith("dy[")]
    pieces = [difference.subs(dict.fromkeys(dys, 0)), *(difference.diff(symbol) for symbol in dys)]
    here, there = run.value(gradient), run.value(derivative)
    apart = None if here is None or there is None else abs(here - there) / max(1, abs(there))
    if apart is not None and apart <= NEARLY and all(map(is_zero, pieces)):
        return
    if apart is None or apart > NEARLY:
        what = f"backward is wrong in {entry}"
    elif apart > EQUAL:
        what = f"{entry} is wrong by {float(apart):.1g}, as where a constant like the root of 3 is rounded in two ways"
    else:
        what = f"{entry}, right at one point, could not be shown to be so"
    where = f", where {', '.join(map(short, run.conditions))}" if run.conditions else ""
    formulas = f"    backward:   {short(gradient)}\n    derivative: {short(derivative)}"
    raise ProofError(f"{subject}: {what}{where}\n{formulas}")


def _require_agreement(subject: str, entry: str, number: Any, formula: Any, run: _Run) -> None:
    value = float(run.value(formula))
    if not abs(number - value) <= AGREE * max(1, abs(value)):
        raise ProofError(
            f"{subject}: the code treats formulas otherwise than numbers: {entry} is {number} in float64, but {value} "
            f"by its formula {short(formula)}."
        )
