"""Turn a layer, a model or a loss into a function of arrays, with the gradients that it claims."""

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
    """The result of one forward and one backward pass.

    Attributes:
        gradients: The gradients of the input and of the weights.
        values: The input and the weights after backward.
        forward_weights: The weights between forward and backward.
        changed_statistics: The names of the statistics that are no longer what they were.
    """

    gradients: list[Any]
    values: list[np.ndarray]
    forward_weights: list[np.ndarray]
    changed_statistics: list[str]


class Function:
    """y = f(x, weights...): a chain of layers, a loss alone (an empty chain), or a chain and a loss.

    `values` are the arrays at which f is checked, in float64 on the host: the input, then every weight that has a
    gradient. Statistics are weights without a gradient, and they stay what they are. A part that draws random numbers
    draws the same numbers at each forward. So y depends on `values` alone. The given layers are changed: pass copies.

    Args:
        parts: The layers of the chain.
        x: The input, in float64 on the host.
        loss: The loss behind the chain.
        labels: The labels for the loss.
        training: The argument `training` of forward.
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
        self.statistics = [
            (part, name, np.array(to_numpy(getattr(part, name)), dtype="float64")) for part, name in statistics
        ]
        self.labels = None if labels is None else move(labels, self.xp)
        for part in self.parts:
            part.__dict__["dtype"] = np.dtype("float64")
        attributes = [value for part in self.parts for value in vars(part).values()]
        self.generators = [value for value in attributes if isinstance(value, np.random.Generator)]
        self.states = [generator.bit_generator.state for generator in self.generators]

    def __call__(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return y at these values, which may be complex.

        It is a copy, since a layer may return the same array at every call.
        """
        return np.array(to_numpy(self._forward(self._assign(values))[0]))

    def trace(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the outputs of all parts and of the loss at these values, as one flat array."""
        return np.concatenate([output.ravel() for output in self.outputs(values)])

    def outputs(self, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the output of each part, and then that of the loss, at these values."""
        y, outputs = self._assign(values), []
        for index, part in enumerate(self.parts):
            y, _ = forward_chain([part], y, self.training, lambda _, part, index=index: drawn_for(index, part))
            outputs.append(np.array(to_numpy(y)))
        if self.loss is not None:
            outputs.append(np.array(to_numpy(self.loss.forward(self.labels, y)[0])))
        return outputs

    def first(self, samples: int) -> Function:
        """Return the same function for the first `samples` of the samples."""
        labels = None if self.labels is None else self.labels[:samples]
        self._assign(self.values)
        return Function(self.parts, self.values[0][:samples], self.loss, labels, self.training)

    def backward(
        self, upstream: Any, before: Sequence[np.ndarray], meanwhile: Any = None, need_dx: bool = True
    ) -> Claim:
        """Run forward at `values`, then backward, and return everything that they leave behind.

        Args:
            upstream: dL/dy; for a loss, the factors of its values.
            before: The content of the arrays for the weights' gradients when backward begins.
            meanwhile: The input of another forward pass between forward and backward; None for no such pass.
            need_dx: The argument `need_dx` of backward.
        """
        x = self._assign(self.values, before)
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
        changed = [
            name for part, name, value in self.statistics if not np.array_equal(to_numpy(getattr(part, name)), value)
        ]
        return Claim([dx, *gradients], [np.array(to_numpy(x)), *self._weights()], forward_weights, changed)

    def _weights(self) -> list[np.ndarray]:
        """Return copies of the weights."""
        return [np.array(to_numpy(getattr(part, name))) for part, name in self.weights]

    def _assign(self, values: Sequence[np.ndarray], before: Sequence[np.ndarray] | None = None) -> Any:
        """Give the layers copies of all weights, set their generators back, and return a copy of the input."""
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
        """Return y, the caches of the layers, and the cache of the loss."""
        y, caches = forward_chain(self.parts, x, self.training, drawn_for)
        if self.loss is None:
            return y, caches, None
        values, cache = self.loss.forward(self.labels, y)
        return values, caches, cache


def drawn_for(index: int, part: Layer) -> np.random.Generator:
    """Return the generator of the part at this index of a chain, in the same state at every forward."""
    return np.random.default_rng(index)
