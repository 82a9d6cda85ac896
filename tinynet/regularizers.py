"""Regularizers: penalties on the size of a weight, which are added to the loss, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import absent, number
from .backend import xp_of
from .config import Configured, by_name


class Regularizer(Configured):
    """Base class: `regularizer(weight)` returns the penalty R, and `add_gradient` adds dR/dw to a gradient.

    A subclass defines both. It keeps each argument of its constructor in an attribute of the same name.
    """

    keras_module = "keras.regularizers"

    def __call__(self, weight: Any) -> Any:
        """Return the penalty, an array of shape () in the weight's module and dtype. Each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define __call__(weight).")

    def add_gradient(self, weight: Any, gradient: Any) -> None:
        """Add the penalty's gradient with respect to the weight to `gradient`, in place. Each subclass defines it."""
        raise TypeError(f"{type(self).__name__} must define add_gradient(weight, gradient).")


class L1L2(Regularizer):
    """Adds absolute values and squares: R = l1 sum |w| + l2 sum w^2.

    Gradient: dR/dw = l1 sign(w) + 2 l2 w, entry by entry. |w| has a kink at w = 0. There the subgradient of least size
    is taken, sign(0) = 0, which leaves a weight of 0 where it is. Keras on JAX takes 1.

    Args:
        l1: The factor of the absolute values, at least 0.
        l2: The factor of the squares, at least 0. Both are 0 by default, also under the name "l1_l2", as in Keras.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = number("l1", l1, least=0), number("l2", l2, least=0)

    def __call__(self, weight: Any) -> Any:
        penalty = xp_of(weight).zeros((), dtype=weight.dtype)
        if self.l1:
            penalty = penalty + self.l1 * abs(weight).sum()
        if self.l2:
            penalty = penalty + self.l2 * (weight * weight).sum()
        return penalty

    def add_gradient(self, weight: Any, gradient: Any) -> None:
        if self.l1:
            gradient += self.l1 * xp_of(weight).sign(weight)
        if self.l2:
            gradient += 2 * self.l2 * weight


class L1(L1L2):
    """Adds absolute values: R = l1 sum |w|.

    At a minimum of loss + R a weight is 0 wherever the loss's gradient is smaller than l1. Steps along the gradient
    come near such a 0 and go back and forth around it, by up to the learning rate times l1.

    Args:
        l1: The factor, at least 0.

    Source: Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Statist. Soc. B 58, 1996.
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)


class L2(L1L2):
    """Adds squares: R = l2 sum w^2, which makes weights small.

    Other texts put a factor 1/2 in front. Here there is none, so the gradient is 2 l2 w.

    Args:
        l2: The factor, at least 0.

    Source: Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970.
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)


REGULARIZERS = {"l1": L1, "l2": L2, "l1_l2": L1L2}

l1, l2, l1_l2 = L1, L2, L1L2  # Keras's other names


def get(identifier: Any) -> Regularizer | None:
    """Return the regularizer that is meant, or None for None.

    Args:
        identifier: A name ("l1", "l2", "l1_l2"), a record, None, or a Regularizer, which is returned.

    Raises:
        ValueError: There is no regularizer of this name.
        TypeError: `identifier` is something else.
    """
    return None if identifier is None else by_name("regularizer", identifier, Regularizer, REGULARIZERS)


if not TYPE_CHECKING:  # a type checker finds misspelt names by itself
    __getattr__ = absent(__name__, ["L1", "L2", "L1L2", "Regularizer"])
