"""Schedules: the learning rate as a function of the number of steps made. An optimizer takes one as learning_rate."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..arguments import absent, is_integer, number, positive
from ..config import Configured, by_name


class LearningRateSchedule(Configured):
    """Base class: `schedule(step)` is the learning rate, a float of at least 0, after so many steps: 0 for the first.

    A subclass defines `__call__(step)`, in Python's floats, and keeps each argument of its constructor in an attribute
    of its name.
    """

    keras_module = "keras.optimizers.schedules"

    def __call__(self, step: int) -> float:
        """The learning rate of the step that follows so many; each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define __call__(step).")

    def at(self, step: int) -> float:
        """The learning rate after so many steps, checked; ValueError if it is no number of at least 0."""
        return number(f"The learning rate of {type(self).__name__} at step {step}", self(step), least=0)


class TimeDecay(LearningRateSchedule):
    """Base of schedules in the time step / decay_steps, which staircase=True rounds down."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate, least=0)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate = number("decay_rate", decay_rate, least=0)
        self.staircase = bool(staircase)
        self.name = name or self.name

    def time(self, step: int) -> float:
        """The time after so many steps."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps


class ExponentialDecay(TimeDecay):
    """initial_learning_rate * decay_rate ** (step / decay_steps); with staircase=True the exponent is rounded down."""

    name = "ExponentialDecay"

    def __call__(self, step):
        return self.initial_learning_rate * self.decay_rate ** self.time(step)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], ..., values[-1] at last.

    The value of a boundary is the one on its left, as in Keras. `values` has one entry more than `boundaries`, which
    increase.
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        for label, given in (("boundaries", boundaries), ("values", values)):
            if not isinstance(given, (list, tuple)):
                raise TypeError(f"{label} must be a list of numbers; got {given!r}.")
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                f"values must have one entry more than boundaries; got {len(boundaries)} boundaries, {boundaries!r}, "
                f"and {len(values)} values, {values!r}."
            )
        self.boundaries = [_steps("each of the boundaries", boundary, least=0) for boundary in boundaries]
        self.values = [number("each of the values", value, least=0) for value in values]
        if any(left >= right for left, right in pairwise(self.boundaries)):
            raise ValueError(f"boundaries must increase; got {boundaries!r}.")
        self.name = name

    def __call__(self, step):
        return self.values[bisect_left(self.boundaries, step)]


class CosineDecay(LearningRateSchedule):
    """Half a period of the cosine from the initial learning rate r down to alpha r, with a linear warmup if asked for:

        r ((1 - alpha) (1 + cos(pi s / decay_steps)) / 2 + alpha),    s = min(step, decay_steps)

    With `warmup_target` the rate first goes from initial_learning_rate to warmup_target on a straight line, in
    `warmup_steps` steps; then the cosine begins, with r = warmup_target and s counted from there.

    Source: Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
    without restarts, with eta_min = alpha r and eta_max = r; the warmup: Goyal et al., "Accurate, large minibatch SGD",
    2017, section 2.2.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate, least=0)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.alpha = number("alpha", alpha, least=0)
        self.name = name
        self.warmup_target = None if warmup_target is None else number("warmup_target", warmup_target, least=0)
        self.warmup_steps = _steps("warmup_steps", warmup_steps, least=0)
        if self.warmup_steps and warmup_target is None:
            raise ValueError(f"warmup_steps={warmup_steps!r} needs a warmup_target, the rate at which the warmup ends.")

    def __call__(self, step):
        start, top = self.initial_learning_rate, self.warmup_target
        if step < self.warmup_steps:
            return start + (top - start) * step / self.warmup_steps
        part = min((step - self.warmup_steps) / self.decay_steps, 1)
        cosine = (1 + math.cos(math.pi * part)) / 2
        return (start if top is None else top) * ((1 - self.alpha) * cosine + self.alpha)


class PolynomialDecay(LearningRateSchedule):
    """(r - e) (1 - s / decay_steps) ** power + e, with r = initial_learning_rate, e = end_learning_rate and
    s = min(step, decay_steps).

    With cycle=True decay_steps is multiplied, once it is passed, to the next multiple that is not below step, so that
    the rate jumps up and falls again.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate, least=0)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.end_learning_rate = number("end_learning_rate", end_learning_rate, least=0)
        self.power = number("power", power, least=0)
        self.cycle = bool(cycle)
        self.name = name

    def __call__(self, step):
        whole = self.decay_steps
        if self.cycle and step > whole:
            whole *= math.ceil(step / whole)
        left = 1 - min(step, whole) / whole
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


class InverseTimeDecay(TimeDecay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); staircase=True rounds step / decay_steps down."""

    name = "InverseTimeDecay"

    def __call__(self, step):
        return self.initial_learning_rate / (1 + self.decay_rate * self.time(step))


SCHEDULES = {
    "ExponentialDecay": ExponentialDecay,
    "PiecewiseConstantDecay": PiecewiseConstantDecay,
    "CosineDecay": CosineDecay,
    "PolynomialDecay": PolynomialDecay,
    "InverseTimeDecay": InverseTimeDecay,
}


def get(identifier: Any) -> LearningRateSchedule:
    """The schedule of a record {"class_name": ..., "config": {...}}, or the given LearningRateSchedule itself."""
    return by_name("learning rate schedule", identifier, LearningRateSchedule, SCHEDULES)


def _steps(name: str, value: Any, least: int | None = None) -> float:
    """A number of steps, above 0 or of at least `least`; whole ones stay ints, and others are allowed, as in Keras."""
    result = positive(name, value) if least is None else number(name, value, least=least)
    return int(value) if is_integer(value) else result


__getattr__ = absent(__name__, [*SCHEDULES, "LearningRateSchedule"])
