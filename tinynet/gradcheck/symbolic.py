"""Prove gradients as formulas: run backward on symbols, and compare it with SymPy's derivative of forward.

With y = forward(x) and a symbol dy for every entry of y, let L = sum dy y. Then backward is right if and only if it
returns dL/dx and writes dL/dw for every weight w, as formulas in the symbols x, w and dy.

The layer's code itself runs, on arrays of `Formula`. A comparison (a maximum, `x > 0`) is decided at one point, at
which every symbol has a value, and noted as a condition. So a run follows one branch, and its proof holds for all
values of the symbols that fulfil its conditions. Four points are tried (see `_Run`). Branches that none of them meets
are not covered. Without conditions everything is covered.

Numbers in the code count as the simplest fractions that round to them: 0.5 as 1/2, 0.3333333333333333 as 1/3. So the
proof is about the mathematics, in exact arithmetic and for this one shape. The layer also runs in float64 at the
points, and both must agree. Otherwise the code treats formulas and numbers differently.

Two formulas are equal if algebra brings their difference to 0. They are different if it is not 0 at the point. If it is
0 there, but algebra does not bring it to 0, nothing is proved, and the message says so.

Only check_layer looks at need_dx, at state that a layer keeps, and at the arrays that it writes to.
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
DIGITS = 50  # decimal digits of the values
EQUAL = 1e-40  # values that differ by less count as equal
ALL = {"positive": 1, "negative": -1}  # the runs in which all values have one sign
NEARLY = 1e-12  # values that differ by less may be equal, with constants such as the root of 3 written as decimals
AGREE = 1e-6  # between a value and a float64: rounding, also that of float32 constants in the code


class ProofError(AssertionError):
    """There is no proof that backward is the derivative of forward. The message has both formulas."""


@dataclass(frozen=True, repr=False)
class Proof:
    """The result of `prove`.

    Attributes:
        subject: The layer or the loss, in words.
        entries: The number of entries of all gradients.
        formulas: One formula from each gradient, by its entry.
        regions: The conditions of each run. A single empty list stands for no conditions.
    """

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
    """Prove that backward is the derivative of forward, as formulas, for inputs of one small shape.

        print(prove(Dense(2, "softmax"), (3,)))
        prove(SparseCategoricalCrossentropy(), (3,), labels=[0, 2])

    The layer is copied, and built if it is not built. Its weights become symbols, so their values do not matter.
    forward runs as in training. The outputs that a loss takes are called x, and the factors of its values dy. A layer
    takes about a second, a softmax on Dense layers up to a minute.

    Args:
        layer: Any Layer or Loss.
        input_shape: The shape of one sample, without the batch axis.
        labels: The labels, one for each sample. A loss needs them.
        batch_size: The number of samples. By default 2, or the number of labels.

    Returns:
        A Proof, which prints what is proved and where it holds.

    Raises:
        ProofError: backward is wrong, or could not be proved right. The message has the entry and both formulas.
        ImportError: SymPy is not installed.
        TypeError: The code cannot run on formulas. The message has the reason.
        ValueError: The shape is too large.
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
    """Another point is needed: at this one something is not defined, or equal values are compared."""


class _Run:
    """One run: the values of the symbols, and the conditions that follow from them.

    Inputs and weights have sizes from 0.1 to 1.1. In the first run they have either sign. In the second the inputs have
    the opposite signs. In the third, for logarithms and roots, all are positive. In the last all are negative.
    """

    KINDS = ("signed", "mirrored", "positive", "negative")

    def __init__(self, kind: str):
        self.kind, self.rng = kind, np.random.default_rng(0)
        self.values: dict[str, list[Fraction]] = {}
        self.known: dict[Any, Any] = {}  # the values of symbols and of evaluated expressions
        self.conditions: list[str] = []
        self.step = "forward"

    def prove(self, layer: Layer | Loss, shape: tuple[int, ...], labels: Any, subject: str) -> tuple[int, dict]:
        """Compare every entry of every gradient with the derivative.

        Returns:
            The number of entries, and one formula from each gradient.
        """
        import sympy

        both_passes = _run_layer if labels is None else _run_loss
        with np.errstate(all="ignore"):  # perhaps at a point that the formulas will refuse
            _, numbers, total = both_passes(self, self.numbers, copied(layer), shape, labels)
        try:
            variables, gradients, loss = both_passes(self, self.symbols, copied(layer), shape, labels)
        except _Skip:
            raise
        except Exception as error:
            raise TypeError(
                f"{subject}: {self.step} cannot be computed on formulas{_line_of(error)}: {error}. For such code there "
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
        """Return an array of symbols label[0,0], label[0,1], ..."""
        import sympy

        array = np.empty(shape, dtype=object)
        for index, value in zip(np.ndindex(shape), self._values(label, shape), strict=True):
            symbol = sympy.Symbol(f"{label}[{','.join(map(str, index))}]", real=True)
            self.known[symbol] = sympy.Rational(value.numerator, value.denominator).evalf(DIGITS)
            array[index] = Formula(symbol)
        return array.view(Formulas)

    def numbers(self, label: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return the values of the same symbols in float64."""
        return np.array([float(value) for value in self._values(label, shape)]).reshape(shape)

    def _values(self, label: str, shape: tuple[int, ...]) -> list[Fraction]:
        """Return the values of an array of symbols, drawn at the first call."""
        if label not in self.values:
            sizes = self.rng.integers(10**5, 11 * 10**5, math.prod(shape)).tolist()
            signs = self.rng.permutation([(-1) ** i for i in range(len(sizes))]).tolist()  # both signs occur
            mirror = -1 if self.kind == "mirrored" and label == "x" else 1
            signs = [ALL.get(self.kind, sign * mirror) for sign in signs]
            self.values[label] = [Fraction(sign * size, 10**6) for sign, size in zip(signs, sizes, strict=True)]
            count = sum(map(len, self.values.values()))
            if count > MOST_SYMBOLS:
                raise ValueError(f"prove is for small shapes: up to {MOST_SYMBOLS} symbols; {label} makes it {count}.")
        return self.values[label]

    def value(self, expression: Any) -> Any:
        """Return the value of the expression at the point, or None if it is not a real number."""
        value = self._evaluate(expression).evalf(DIGITS)
        return value if value.is_Float or value.is_zero else None

    def real(self, expression: Any) -> Any:
        """Return the value of the expression at the point. Raise _Skip if it is not a real number."""
        value = self.value(expression)
        if value is None:
            raise _Skip(f"{short(expression)} is not a real number")
        return value

    def _evaluate(self, expression: Any) -> Any:
        """Evaluate the expression at the point, each part of it once."""
        if expression not in self.known:
            parts = [self._evaluate(part) for part in expression.args]
            self.known[expression] = expression.func(*parts) if parts else expression
        return self.known[expression]

    def decide(self, relation: Callable[[Any, Any], bool], difference: Formula) -> bool:
        """Compare a difference with 0 by its value. Note the condition if it does not hold everywhere."""
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


def _run_layer(run: _Run, make: Callable, layer: Layer, shape: tuple[int, ...], labels: None) -> tuple[dict, dict, Any]:
    """Run forward and backward with arrays from `make`; return the variables, their gradients, and L."""
    layer.setup(shape[1:], dtype="float64")
    parts, variables, places = layer.parts(), {"x": make("x", shape)}, {}
    several = sum(bool(part.weight_names) for part in unique(parts)) > 1
    for part in unique(parts):
        for name in part.weight_names:
            label = f"{part.name}.{name}" if several else name
            while label in (*variables, "dy"):
                label += "'"
            weight = make(label, getattr(part, name).shape)
            if name not in part.grads:  # a statistic: any number, but constant
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


def _run_loss(run: _Run, make: Callable, loss: Loss, shape: tuple[int, ...], labels: Any) -> tuple[dict, dict, Any]:
    """Do the same for a loss: its outputs are x, and L is the sum of its values with factors dy."""
    x, labels = make("x", shape), loss.check(labels, shape)
    run.step = "forward"
    values, cache = loss.forward(labels, x.copy())
    dy = make("dy", values.shape)
    total = (dy * values).sum()
    run.step = "backward"
    return {"x": x}, {"x": loss.backward(labels, cache, dy.copy())}, total


def _line_of(error: Exception) -> str:
    """Return the line of the layer's code that raised an error, for a message."""
    ours = (os.path.dirname(__file__), os.path.dirname(np.__file__))
    lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    return f" at '{lines[-1]}'" if lines and lines[-1] else ""


def _require_equal(subject: str, entry: str, gradient: Any, derivative: Any, run: _Run) -> None:
    """Raise ProofError unless both formulas are equal.

    Their difference is 0 if it is 0 at dy = 0, and its derivative by each entry of dy is 0: many short formulas.
    """
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
    """Raise ProofError unless the number in float64 is the value of the formula."""
    value = float(run.value(formula))
    if not abs(number - value) <= AGREE * max(1, abs(value)):
        raise ProofError(
            f"{subject}: the code treats formulas and numbers differently: {entry} is {number} in float64, but {value} "
            f"by its formula {short(formula)}."
        )
