"""Adam, with AMSGrad's maximum on demand, and AdamW."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..arguments import number
from ..backend import xp_of
from .base import Optimizer, OptimizerOptions, OptionsBesideDecay
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Adam(Optimizer):
    """Adam, as Keras computes it. With t the number of the step, counted from 1:

        m <- m + (1 - b1) (g - m)
        v <- v + (1 - b2) (g^2 - v)
        w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)

    With amsgrad=True, u <- max(u, v) replaces v in the last line, so a step does not grow when gradients become small.
    As in Keras the maximum is taken of the uncorrected v.

    epsilon is added to the root of the uncorrected v (the paper's "epsilon hat", section 2). PyTorch differs. With
    epsilon=0 a weight whose gradient has always been 0 becomes NaN. In float32 a gradient above 1.8e19 makes v
    overflow, and the weight stands still from then on.

    Fewer passes over the arrays are needed with M = m / (1 - b1), V = v / (1 - b2) and U = u / (1 - b2):
        M <- b1 M + g;    V <- b2 V + g^2;    w <- w - rate * M / (sqrt(V) + e)
        rate = lr sqrt(1 - b2^t) / (1 - b1^t) * (1 - b1) / sqrt(1 - b2);    e = epsilon / sqrt(1 - b2)

    Args:
        learning_rate: Number lr of at least 0, or a LearningRateSchedule.
        beta_1: The decay b1, in [0, 1).
        beta_2: The decay b2, in [0, 1).
        epsilon: Number of at least 0.
        amsgrad: Whether to use the largest v so far.
        **options: Further arguments of Optimizer.

    Source: Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1 and section 2; Reddi,
    Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018, algorithm 2.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptimizerOptions],
    ):
        self.beta_1 = number("beta_1", beta_1, least=0, below=1)
        self.beta_2 = number("beta_2", beta_2, least=0, below=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.amsgrad = bool(amsgrad)
        self.slots = ("momentum", "velocity", "velocity_hat") if self.amsgrad else ("momentum", "velocity")
        self.decaying = ("momentum",)
        super().__init__(learning_rate, **options)

    @property
    def keras_scale(self) -> dict[str, float]:
        return {slot: 1 - (self.beta_1 if slot == "momentum" else self.beta_2) for slot in self.slots}

    def numbers(self, rate: float) -> dict[str, float]:
        b1, b2, t = self.beta_1, self.beta_2, self.iterations
        rate = rate * math.sqrt(1 - b2**t) / (1 - b1**t) * (1 - b1) / math.sqrt(1 - b2)
        return {"b1": b1, "b2": b2, "rate": rate, "e": self.epsilon / math.sqrt(1 - b2)}

    def change(self, gradient: Any, scratch: Any, rate: float, M: Any, V: Any, U: Any = None) -> Any:
        xp, (b1, b2, rate, e) = xp_of(gradient), self.numbers(rate).values()
        M *= b1
        M += gradient
        V *= b2
        V += xp.multiply(gradient, gradient, out=scratch)
        if U is not None:
            V = xp.maximum(U, V, out=U)
        step = xp.sqrt(V, out=scratch)
        step += e
        xp.divide(M, step, out=step)
        step *= -rate
        return step

    @property
    def formula(self) -> str:
        largest = "velocity_hat = larger(velocity_hat, velocity);" if self.amsgrad else ""
        return f"""
            momentum = momentum * b1 + g;
            velocity = velocity * b2 + g * g;
            {largest}
            change = momentum / (sqrt({self.slots[-1]}) + e) * -rate;
        """


class AdamW(Adam):
    """Adam with decoupled weight decay: each step also subtracts lr * weight_decay * w from each weight w.

    It is Adam(weight_decay=...) with another default and another order of the arguments, which Adam describes.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, with Keras's lr for
    their eta alpha.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptionsBesideDecay],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)
