"""SGD: stochastic gradient descent, with momentum on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import number
from ..backend import xp_of
from .base import Optimizer, OptimizerOptions
from .schedules import LearningRateSchedule

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr g, or a step with momentum.

    Without momentum:  w <- w - lr g
    With momentum mu:  m <- mu m - lr g;  w <- w + m
    Nesterov:          m <- mu m - lr g;  w <- w + mu m - lr g

    Args:
        learning_rate: Number lr of at least 0, or a LearningRateSchedule.
        momentum: The factor mu, in [0, 1).
        nesterov: Whether to take Nesterov's step. Without momentum it changes nothing.
        **options: Further arguments of Optimizer.

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013, equations 1 to 4, in the form that Keras uses.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptimizerOptions],
    ):
        self.momentum = number("momentum", momentum, least=0, below=1)
        self.nesterov = bool(nesterov)
        self.slots = self.decaying = ("momentum",) if self.momentum else ()
        super().__init__(learning_rate, **options)

    def change(self, gradient: Any, scratch: Any, rate: float, m: Any = None) -> Any:
        step = xp_of(gradient).multiply(gradient, -rate, out=scratch)
        if m is None:
            return step
        m *= self.momentum
        m += step
        if not self.nesterov:
            return m
        step += self.momentum * m
        return step

    def numbers(self, rate: float) -> dict[str, float]:
        return {"rate": rate, "mu": self.momentum}

    @property
    def formula(self) -> str:
        if not self.momentum:
            return "change = g * -rate;"
        return f"""
            const real step = g * -rate;
            momentum = momentum * mu + step;
            change = {"step + mu * momentum" if self.nesterov else "momentum"};
        """
