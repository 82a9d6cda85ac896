"""What the checker sees of a layer, a model or a loss: a function of arrays, and the gradients that it claims."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import module, move, to_numpy
from ..layers.base import Layer
from ..layers.chain import backward_chain, forward_chain, unique
from ..losses import Loss


@dataclass
class Claim:
    """What one forward and backward left: the gradients of the input and the weights, and both as they are now."""

    gradients: list[Any]
    values: list[np.ndarray]
    forward_weights: list[np.ndarray]  # as they were between forward and backward
    changed_statistics: list[str]  # the names of those that are no longer what they were


class Function:
    """y = f(x, weights...): a chain of layers, a loss alone (an empty chain), or a chain and a loss.

    `values` are the arrays at which it is checked, in float64 on the host: the input, then every weight that has a
    gradient. Statistics, the weights without one, stay what they are, and every part that draws random numbers draws
    the same ones at each forward: so y is a function. The layers are those given; whoever wants his own untouched
    gives copies.
    """

    def __init__(
        self, parts: Sequence[Layer], x: np.ndarray, loss: Loss | None = None, labels: Any = None, training: bool = True
    ):
        self.parts, self.loss, self.training = list(parts), loss, training
        every = [(part, name) for part in unique(parts) for name in part.weight_names]
        self.weights = [(part, name) for part, name in every if name in part.grads]
        self.values = [x, *(np.array(to_numpy(getattr(part, name)), dtype="float64") for part, name in self.weights)]
        self.owners = ["", *(part.name for part, _ in self.weights)]
        self.names = ["y_pred" if loss and not parts else "x", *(name for _, name in self.weights)]
        self.xp = module(next((part.backend for part, _ in every), "numpy"))
        statistics = [(part, name) for part, name in every if name not in part.grads]
        self.statistics = [(*own, np.array(to_numpy(getattr(*own)), dtype="float64")) for own in statistics]
        self.labels = None if labels is None else move(labels, self.xp)
        for part in self.parts:
            part.__dict__["dtype"] = np.dtype("float64")
        own = [value for part in self.parts for value in vars(part).values()]
        self.generators = [value for value in own if isinstance(value, np.random.Generator)]
        self.states = [generator.bit_generator.state for generator in self.generators]

    def __call__(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """y at these values, which may be complex; a copy, since a layer may use one array for all that it returns."""
        return np.array(to_numpy(self._forward(self._place(values))[0]))

    def trace(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """All that the parts, and the loss, give out at these values, as one array."""
        return np.concatenate([output.ravel() for output in self.outputs(values)])

    def outputs(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What each part, and then the loss, gives out at these values."""
        y, outputs = self._place(values), []
        for index, part in enumerate(self.parts):
            y, _ = forward_chain([part], y, self.training, lambda _, part, index=index: drawn_for(index, part))
            outputs.append(np.array(to_numpy(y)))
        if self.loss is not None:
            outputs.append(np.array(to_numpy(self.loss.forward(self.labels, y)[0])))
        return outputs

    def first(self, samples: int) -> Function:
        """The same for so many of the samples."""
        labels = None if self.labels is None else self.labels[:samples]
        self._place(self.values)
        return Function(self.parts, self.values[0][:samples], self.loss, labels, self.training)

    def backward(
        self, upstream: Any, before: Sequence[np.ndarray], meanwhile: Any = None, need_dx: bool = True
    ) -> Claim:
        """Forward at `values`, then backward for dL/dy = upstream: everything that it leaves behind.

        `before` is what the arrays for the weights' gradients hold when backward begins. Between forward and backward
        comes another forward for the input `meanwhile`, if it is given.
        """
        x = self._place(self.values, before)
        _, caches, cache = self._forward(x)
        forward_weights = self._weights()
        if meanwhile is not None:
            self._forward(move(meanwhile, self.xp))
        if self.loss is not None:
            dy = self.loss.backward(self.labels, cache, copy.copy(upstream))
        else:
            dy = move(np.array(upstream), self.xp)
        dx = backward_chain(self.parts, dy, caches, need_dx=need_dx)
        gradients = [np.array(to_numpy(part.grads[name])) for part, name in self.weights]
        dx = None if dx is None else np.array(to_numpy(dx))
        kept = [(name, np.array_equal(to_numpy(getattr(part, name)), value)) for part, name, value in self.statistics]
        changed = [name for name, same in kept if not same]
        return Claim([dx, *gradients], [np.array(to_numpy(x)), *self._weights()], forward_weights, changed)

    def _weights(self) -> list[np.ndarray]:
        """Copies of the weights as they are now."""
        return [np.array(to_numpy(getattr(part, name))) for part, name in self.weights]

    def _place(self, values: Sequence[np.ndarray], before: Sequence[np.ndarray] | None = None) -> Any:
        """Put copies of all weights into the layers, and their generators back; return a copy of the input."""
        for generator, state in zip(self.generators, self.states, strict=True):
            generator.bit_generator.state = state
        x, *weights = [move(np.array(value), self.xp) for value in values]
        for index, ((part, name), weight) in enumerate(zip(self.weights, weights, strict=True)):
            gradient = part.grads[name] if before is None else move(np.array(before[index]), self.xp)
            part.bind(name, weight, gradient)
        for part, name, value in self.statistics:
            part.bind(name, move(np.array(value), self.xp), None)
        return x

    def _forward(self, x: Any) -> tuple[Any, Any, Any]:
        """(y, caches of the layers, cache of the loss)."""
        y, caches = forward_chain(self.parts, x, self.training, drawn_for)
        if self.loss is None:
            return y, caches, None
        values, cache = self.loss.forward(self.labels, y)
        return values, caches, cache


def drawn_for(index: int, part: Layer) -> np.random.Generator:
    """The generator of the part at this place of a chain: the same one at every forward."""
    return np.random.default_rng(index)
