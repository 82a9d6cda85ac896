"""Optimizers: how gradients change weights. In training each works on one flat array of all trained weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .backend import xp_of
from .checks import by_name, number


class Optimizer:
    """Base class: `apply(gradients, weights)` makes one step in place, pair by pair.

    A subclass names its `slots`, the arrays that it keeps for each weight, and defines
    `update(weight, gradient, scratch, *slots)`. `iterations` counts the steps made. `learning_rate` can be set at any
    time; `reset()` forgets the steps made, and `compile` calls it.
    """

    slots: tuple[str, ...] = ()
    owner: Any = None  # what a model knows its optimizer by, so that two models cannot mix their steps

    def __init__(self, learning_rate: float):
        self.learning_rate = learning_rate
        self.reset()

    @property
    def learning_rate(self) -> float:
        """The step size; any number of at least 0, an integer too."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = number("learning_rate", value, least=0)

    def reset(self) -> None:
        """Forget all steps: iterations is 0, and the slots are made afresh at the next apply."""
        self.iterations = 0
        self.state: list[list[Any]] = []  # for each weight: its scratch array, then its slots

    @property
    def state_size(self) -> int:
        """How many numbers the slots hold."""
        return sum(slot.size for _, *slots in self.state for slot in slots)

    def apply(self, gradients: Sequence[Any], weights: Sequence[Any]) -> None:
        """One step: change each weight in place by its gradient (Keras's argument order).

        ValueError if the weights are not those, by number and shape, that earlier steps have changed.
        """
        if not all(hasattr(array, "shape") for array in [*gradients, *weights]):
            raise TypeError("apply takes two lists of arrays, since it changes the weights in place.")
        shapes = [weight.shape for weight in weights]
        if [gradient.shape for gradient in gradients] != shapes:
            got = [gradient.shape for gradient in gradients]
            raise ValueError(f"Each weight needs a gradient of its shape: weights {shapes}, gradients {got}.")
        if not self.state:
            self.state = [[xp_of(w).zeros(w.shape, dtype=w.dtype) for _ in ("scratch", *self.slots)] for w in weights]
        known = [own[0].shape for own in self.state]
        if known != shapes:
            raise ValueError(
                f"This {type(self).__name__} has kept its state for arrays of shape {known}, not {shapes}. It belongs "
                "to one list of weights (a model that fits has one flat array of them all): take another optimizer."
            )
        self.iterations += 1
        for weight, gradient, own in zip(weights, gradients, self.state, strict=True):
            self.update(weight, gradient, *own)

    def update(self, weight: Any, gradient: Any, scratch: Any, *slots: Any) -> None:
        """Change one weight in place, its own write last; scratch is an array to compute in."""
        raise TypeError(f"{type(self).__name__} must define update(weight, gradient, scratch, *slots).")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self.learning_rate:g}, iterations={self.iterations}>"


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    Without momentum:  w <- w - lr g
    With momentum mu:  m <- mu m - lr g;  w <- w + m
    Nesterov:          m <- mu m - lr g;  w <- w + mu m - lr g

    Source: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013, equations 1 to 4, in the form that Keras uses.
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False):
        self.momentum = number("momentum", momentum, least=0, below=1)
        self.nesterov = bool(nesterov)
        self.slots = ("momentum",) if self.momentum else ()
        super().__init__(learning_rate)

    def update(self, weight, gradient, scratch, m=None):
        multiply = xp_of(weight).multiply
        step = multiply(gradient, -self.learning_rate, out=scratch)
        if m is not None:
            m *= self.momentum
            m += step
            if self.nesterov:
                step += self.momentum * m
            else:
                step = m
        weight += step


class Adam(Optimizer):
    """Adam, as Keras computes it: with t the number of the step, counted from 1,

        m <- m + (1 - b1) (g - m)
        v <- v + (1 - b2) (g^2 - v)
        w <- w - lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)

    epsilon is added to the root of the uncorrected v (the paper's "epsilon hat", section 2; PyTorch differs). With
    epsilon=0 a weight whose gradient has always been 0 becomes NaN. In float32 v overflows, and the weight stands still
    from then on, once a gradient exceeds 1.8e19.

    It is computed in fewer passes over the arrays by keeping M = m / (1 - b1) and V = v / (1 - b2), for which
        M <- b1 M + g;    V <- b2 V + g^2;    w <- w - rate * M / (sqrt(V) + e)
        rate = lr sqrt(1 - b2^t) / (1 - b1^t) * (1 - b1) / sqrt(1 - b2);    e = epsilon / sqrt(1 - b2)

    Source: Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1 and section 2.
    """

    slots = ("momentum", "velocity")

    def __init__(
        self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
    ):
        self.beta_1 = number("beta_1", beta_1, least=0, below=1)
        self.beta_2 = number("beta_2", beta_2, least=0, below=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        super().__init__(learning_rate)

    def update(self, weight, gradient, scratch, M, V):
        xp, b1, b2, t = xp_of(weight), self.beta_1, self.beta_2, self.iterations
        rate = self.learning_rate * math.sqrt(1 - b2**t) / (1 - b1**t) * (1 - b1) / math.sqrt(1 - b2)
        M *= b1
        M += gradient
        V *= b2
        V += xp.multiply(gradient, gradient, out=scratch)
        step = xp.sqrt(V, out=scratch)
        step += self.epsilon / math.sqrt(1 - b2)
        xp.divide(M, step, out=step)
        step *= rate
        weight -= step


OPTIMIZERS = {"adam": Adam, "sgd": SGD}


def get(identifier: Any) -> Optimizer:
    """A new optimizer of that name with its defaults, or the given Optimizer itself."""
    return by_name("optimizer", identifier, Optimizer, OPTIMIZERS)
