"""RMSprop: steps divided by the root of a running mean of squared gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..arguments import number
from ..backend import xp_of
from .base import Optimizer, OptimizerOptions
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RMSprop(Optimizer):
    """RMSprop, as Keras computes it. Steps are divided by the root of a running mean of squared gradients:

        v <- rho v + (1 - rho) g^2
        s  = lr g / sqrt(v + epsilon)
        w <- w - s;    with momentum mu:  b <- mu b + s;  w <- w - b

    Centered:  a <- rho a + (1 - rho) g, and v - a^2, an estimate of the variance, replaces v under the root.

    epsilon stands inside the root, unlike Adam's and PyTorch's. With epsilon=0 a weight whose gradient has always been
    0 becomes NaN.

    By the Cauchy-Schwarz inequality v - a^2 is at least 0, since the weights (1 - rho) rho^k of both sum to at most 1.
    But where a gradient hardly changes, rounding can bring it below -epsilon, and Keras's weight becomes NaN. Here it
    is bounded below by 0, which changes nothing else.

    Fewer passes over the arrays are needed with V = v / (1 - rho), A = a / (1 - rho) and B = -b:
        V <- rho V + g^2;    A <- rho A + g;    v - a^2 + epsilon = (1 - rho) (V - (1 - rho) A^2 + e)
        s = lr / sqrt(1 - rho) * g / sqrt(V + e);    e = epsilon / (1 - rho);    B <- mu B - s;    w <- w + B

    Args:
        learning_rate: Number lr of at least 0, or a LearningRateSchedule.
        rho: The decay rho, in [0, 1).
        momentum: The factor mu, in [0, 1).
        epsilon: Number of at least 0.
        centered: Whether to divide by the root of the variance.
        **options: Further arguments of Optimizer.

    Source: Tieleman and Hinton, "Lecture 6.5 - rmsprop", Coursera: Neural networks for machine learning, 2012; centered
    and with momentum: Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to 41.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerOptions],
    ):
        self.rho = number("rho", rho, least=0, below=1)
        self.momentum = number("momentum", momentum, least=0, below=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.centered = bool(centered)
        self.slots = ("velocity", *["momentum"] * bool(self.momentum), *["average_gradient"] * self.centered)
        super().__init__(learning_rate, **options)

    @property
    def keras_scale(self) -> dict[str, float]:
        return {slot: -1.0 if slot == "momentum" else 1 - self.rho for slot in self.slots}

    def numbers(self, rate: float) -> dict[str, float]:
        rho, rate = self.rho, rate / math.sqrt(1 - self.rho)
        return {"rho": rho, "rest": rho - 1, "mu": self.momentum, "rate": rate, "e": self.epsilon / (1 - rho)}

    def change(self, gradient: Any, scratch: Any, rate: float, V: Any, *others: Any) -> Any:
        xp, (rho, rest, mu, rate, e) = xp_of(gradient), self.numbers(rate).values()
        V *= rho
        V += xp.multiply(gradient, gradient, out=scratch)
        root = scratch
        if self.centered:
            A = others[-1]
            A *= rho
            A += gradient
            xp.multiply(A, A, out=root)
            root *= rest
            root += V
            xp.maximum(root, 0, out=root)
            root += e
        else:
            xp.add(V, e, out=root)
        xp.sqrt(root, out=root)
        step = xp.divide(gradient, root, out=root)
        step *= -rate
        if not mu:
            return step
        B = others[0]
        B *= mu
        B += step
        return B

    @property
    def formula(self) -> str:
        center = "average_gradient = average_gradient * rho + g;" if self.centered else ""
        spread = "larger(average_gradient * average_gradient * rest + velocity, 0)" if self.centered else "velocity"
        change = "change = momentum = momentum * mu + step;" if self.momentum else "change = step;"
        return f"""
            velocity = velocity * rho + g * g;
            {center}
            const real step = g / sqrt({spread} + e) * -rate;
            {change}
        """
