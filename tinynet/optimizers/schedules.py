"""Schedules: the learning rate as a function of the number of steps so far. An optimizer takes one as learning_rate."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..arguments import absent, is_integer, number, positive
from ..config import Configured, by_name


class LearningRateSchedule(Configured):
    """Base class: `schedule(step)` returns the learning rate, a float of at least 0, after `step` steps.

    The first step of a training has step = 0. A subclass defines `__call__(step)` and computes in Python's floats. It
    keeps each argument of its constructor in an attribute of the same name.
    """

    keras_module = "keras.optimizers.schedules"

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps, for the next one. Each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define __call__(step).")

    def at(self, step: int) -> float:
        """Return the learning rate after `step` steps; ValueError if it is not a number of at least 0."""
        return number(f"The learning rate of {type(self).__name__} at step {step}", self(step), least=0)


class TimeDecay(LearningRateSchedule):
    """Base of schedules that depend on the time step / decay_steps.

    Args:
        initial_learning_rate: The rate of the first step, at least 0.
        decay_steps: The number of steps in a unit of time, above 0.
        decay_rate: How much the rate falls in a unit of time, at least 0.
        staircase: Round the time down, which makes the rate fall in stairs.
        name: A name, kept as Keras keeps it.
    """

    name: str

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
        """Return the time after `step` steps."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps


class ExponentialDecay(TimeDecay):
    """Multiplies the rate by `decay_rate` in every `decay_steps` steps:

        initial_learning_rate * decay_rate ** (step / decay_steps)

    Args:
        initial_learning_rate: The rate of the first step, at least 0.
        decay_steps: The number of steps in which the rate is multiplied once, above 0.
        decay_rate: The factor, at least 0.
        staircase: Round the exponent down.
        name: A name, kept as Keras keeps it.
    """

    name = "ExponentialDecay"

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** self.time(step)


class PiecewiseConstantDecay(LearningRateSchedule):
    """Takes values[0] up to and including step boundaries[0], values[1] up to boundaries[1], ..., then values[-1].

    At a boundary the value on its left holds, as in Keras.

    Args:
        boundaries: The numbers of steps at which the rate changes, increasing.
        values: The rates, one entry more than `boundaries`.
        name: A name, kept as Keras keeps it.

    Raises:
        TypeError: One of them is not a list or tuple.
        ValueError: Their lengths or numbers are not as described.
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

    def __call__(self, step: int) -> float:
        return self.values[bisect_left(self.boundaries, step)]


class CosineDecay(LearningRateSchedule):
    """Falls along half a period of the cosine, from the initial rate r down to alpha r:

        r ((1 - alpha) (1 + cos(pi s / decay_steps)) / 2 + alpha),    s = min(step, decay_steps)

    With a `warmup_target` the rate first goes from initial_learning_rate to warmup_target on a straight line, in
    `warmup_steps` steps. Then the cosine begins, with r = warmup_target and s counted from there.

    Args:
        initial_learning_rate: The rate of the first step, at least 0.
        decay_steps: The length of the cosine in steps, above 0.
        alpha: The last rate as a share of r, at least 0.
        name: A name, kept as Keras keeps it.
        warmup_target: The rate at which the warmup ends; None for no warmup.
        warmup_steps: The length of the warmup in steps.

    Raises:
        ValueError: An argument is out of its range, or `warmup_steps` is given without a `warmup_target`.

    Source: Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
    without restarts, with eta_min = alpha r and eta_max = r. Of the warmup: Goyal et al., "Accurate, large minibatch
    SGD", 2017, section 2.2.
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

    def __call__(self, step: int) -> float:
        start, top = self.initial_learning_rate, self.warmup_target
        if top is not None and step < self.warmup_steps:
            return start + (top - start) * step / self.warmup_steps
        part = min((step - self.warmup_steps) / self.decay_steps, 1)
        cosine = (1 + math.cos(math.pi * part)) / 2
        return (start if top is None else top) * ((1 - self.alpha) * cosine + self.alpha)


class PolynomialDecay(LearningRateSchedule):
    """Falls from one rate to another along a power of the time that is left:

        (r - e) (1 - s / decay_steps) ** power + e,    s = min(step, decay_steps)

    Here r is initial_learning_rate and e is end_learning_rate.

    Args:
        initial_learning_rate: The rate of the first step, at least 0.
        decay_steps: The number of steps in which the rate falls, above 0.
        end_learning_rate: The last rate, at least 0.
        power: The exponent, at least 0; 1 is a straight line.
        cycle: Once `decay_steps` is passed, take in its place its next multiple that is not below `step`. The rate
            then jumps up and falls again.
        name: A name, kept as Keras keeps it.
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

    def __call__(self, step: int) -> float:
        whole = self.decay_steps
        if self.cycle and step > whole:
            whole *= math.ceil(step / whole)
        left = 1 - min(step, whole) / whole
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


class InverseTimeDecay(TimeDecay):
    """Divides the rate by a number that grows with the time:

        initial_learning_rate / (1 + decay_rate * step / decay_steps)

    Args:
        initial_learning_rate: The rate of the first step, at least 0.
        decay_steps: The number of steps in a unit of time, above 0.
        decay_rate: By how much the divisor grows in a unit of time, at least 0.
        staircase: Round step / decay_steps down.
        name: A name, kept as Keras keeps it.
    """

    name = "InverseTimeDecay"

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * self.time(step))


SCHEDULES = {
    "ExponentialDecay": ExponentialDecay,
    "PiecewiseConstantDecay": PiecewiseConstantDecay,
    "CosineDecay": CosineDecay,
    "PolynomialDecay": PolynomialDecay,
    "InverseTimeDecay": InverseTimeDecay,
}


def get(identifier: Any) -> LearningRateSchedule:
    """Return the schedule that is meant.

    Args:
        identifier: A record {"class_name": ..., "config": {...}}, or a LearningRateSchedule, which is returned.

    Raises:
        ValueError: There is no schedule of this name.
        TypeError: `identifier` is something else.
    """
    return by_name("learning rate schedule", identifier, LearningRateSchedule, SCHEDULES)


def _steps(name: str, value: Any, least: int | None = None) -> float:
    """Return a number of steps, above 0 or at least `least`. Integers stay ints; fractions are allowed, as in Keras."""
    result = positive(name, value) if least is None else number(name, value, least=least)
    return int(value) if is_integer(value) else result


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, [*SCHEDULES, "LearningRateSchedule"])
