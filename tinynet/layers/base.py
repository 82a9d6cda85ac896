"""Layer: what every layer is made of, and how a chain of them runs forward and backward."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import initializers
from ..backend import module, move, to_array, to_numpy, xp_of
from ..checks import shape as check_shape


class Layer:
    """Base class of layers. A subclass defines up to three methods:

        build(input_shape)               allocates weights with add_weight; returns the output's shape
        forward(x, training=False)       returns (y, cache)
        backward(dy, cache, need_dx=True)  overwrites self.grads[name] for every weight; returns dx = dL/dx

    Shapes in build are without the batch axis, which is always the first. A layer remembers nothing between forward
    and backward: whatever backward needs travels in `cache`, so one instance may stand twice in a model, and
    predictions may run in several threads. `self.kernel` reads the weight named "kernel"; `self.kernel = a` copies a
    into it. Weights and gradients are views of the model's flat buffers once it trains, so backward writes into them
    (`self.grads["kernel"][...] = ...`) and never rebinds them.

    Arguments of every layer: `name` (unique in a model; by default the class's name in snake case), `trainable`
    (False leaves the weights as they are; takes effect at the next compile), `input_shape` (of one sample, for the
    first layer of a model).
    """

    backend = "numpy"
    dtype = np.dtype("float32")

    def __init__(
        self, name: str | None = None, trainable: bool = True, input_shape: Sequence[int] | None = None, **unknown: Any
    ):
        if unknown:
            raise TypeError(f"{type(self).__name__} got an argument that it does not know: {', '.join(unknown)}.")
        if name is not None and not (isinstance(name, str) and name):
            raise ValueError(f"name must be a string; got {name!r}.")
        self.weight_names: list[str] = []
        self.grads: dict[str, Any] = {}
        self.named_by_user = name is not None
        self.name = name or snake_case(type(self).__name__)
        self.trainable = bool(trainable)
        self.declared_shape = None if input_shape is None else check_shape("input_shape", input_shape)
        self.input_shape: tuple[int | None, ...] | None = None
        self.output_shape: tuple[int | None, ...] | None = None

    # ---- what a subclass defines ------------------------------------------------------------------------------

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Allocate the weights for inputs of this shape; return the output's shape. By default: none, the same."""
        return input_shape

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        """Return (y, cache)."""
        raise TypeError(f"{type(self).__name__} must define forward(x, training=False), returning (y, cache).")

    def backward(self, dy: Any, cache: Any, need_dx: bool = True) -> Any:
        """Given dy = dL/dy, overwrite the gradients of the weights and return dx = dL/dx (None if not needed)."""
        raise TypeError(f"{type(self).__name__} must define backward(dy, cache, need_dx=True), returning dx.")

    def parts(self) -> list[Layer]:
        """The primitive layers that this one stands for, in order: itself, or a Dense and its activation."""
        return [self]

    # ---- weights ----------------------------------------------------------------------------------------------

    def add_weight(self, name: str, shape: Sequence[int], initializer: Any = "glorot_uniform") -> Any:
        """Allocate the weight `self.<name>` and its gradient `self.grads[name]`; to be called in build.

        Called again with the same shape it keeps the weight, so that one layer can stand at two places of a model;
        with another shape it raises ValueError.
        """
        shape = tuple(shape)
        if name in self.weight_names:
            if self.__dict__[name].shape != shape:
                raise ValueError(
                    f"Layer '{self.name}' has a {name} of shape {self.__dict__[name].shape} already and cannot stand "
                    f"where one of shape {shape} is needed; use a second layer there."
                )
            return self.__dict__[name]
        values = initializers.get(initializer)(shape, self.__dict__.get("_rng"))
        if values.shape != shape:
            raise ValueError(f"The initializer of {self.name}.{name} returned shape {values.shape}, not {shape}.")
        xp = module(self.backend)
        self.weight_names.append(name)
        self.bind(name, xp.asarray(values, dtype=self.dtype), xp.zeros(shape, dtype=self.dtype))
        return self.__dict__[name]

    def bind(self, name: str, weight: Any, gradient: Any) -> None:
        """Let the weight of that name, and its gradient, live in these arrays."""
        self.__dict__[name] = weight
        self.grads[name] = gradient

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__.get("weight_names", ()):
            if any(value is self.__dict__[weight] for weight in self.__dict__.get("weight_names", ())):
                raise AttributeError(f"self.{name} would be a second name of a weight; call add_weight({name!r}, ...).")
            object.__setattr__(self, name, value)
            return
        weight = self.__dict__[name]
        weight[...] = as_weight(value, weight, f"{self.name}.{name}")

    def __getattr__(self, name: str) -> Any:
        hint = ""
        if not name.startswith("_") and not self.__dict__.get("weight_names"):
            hint = "; if it is a weight, build the layer first: call it, or add it to a model of known input shape"
        raise AttributeError(f"{type(self).__name__} '{self.__dict__.get('name')}' has no attribute {name!r}{hint}.")

    def _own(self) -> list[tuple[Layer, str]]:
        """(part, weight name) for every weight of every part, each once."""
        parts = {id(part): part for part in self.parts()}
        return [(part, name) for part in parts.values() for name in part.weight_names]

    @property
    def weights(self) -> list[Any]:
        """The weights, layer by layer (kernel, then bias): the arrays themselves, not copies."""
        return [part.__dict__[name] for part, name in self._own()]

    @property
    def weight_gradients(self) -> list[Any]:
        """The gradients that the last backward wrote, in the order of `weights`."""
        return [part.grads[name] for part, name in self._own()]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights as NumPy arrays, in the order of `weights`."""
        return [np.array(to_numpy(weight)) for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy a list of arrays into the weights; ValueError if their number or a shape does not fit, then none is."""
        own = self.weights
        if len(weights) != len(own):
            shapes = ", ".join(str(weight.shape) for weight in own)
            raise ValueError(f"'{self.name}' has {len(own)} weights ({shapes}); set_weights got {len(weights)}.")
        labels = [f"weight {i} ({part.name}.{name})" for i, (part, name) in enumerate(self._own())]
        values = [as_weight(new, old, label) for new, old, label in zip(weights, own, labels, strict=True)]
        for weight, value in zip(own, values, strict=True):
            weight[...] = value

    def count_params(self) -> int:
        """The number of weights, counted as numbers."""
        return sum(weight.size for weight in self.weights)

    # ---- use --------------------------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the weights exist and the shapes are known."""
        return self.output_shape is not None

    def setup(self, input_shape: tuple[int, ...], rng=None, backend="numpy", dtype="float32") -> tuple[int, ...]:
        """Build every part for inputs of this shape (without the batch axis); return the output's shape."""
        shape = input_shape
        for part in self.parts():
            if not part.weight_names:
                part.__dict__.update(backend=backend, dtype=np.dtype(dtype), _rng=rng)
            shape = tuple(part.build(shape))
            part.__dict__.pop("_rng", None)
        if not self.built:
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Run all the parts forward on an array or a nested list, building the layer first if need be."""
        x = to_array(x)
        if not self.built and x.ndim:
            self.setup(x.shape[1:])
        x = as_array(x, module(self.backend) if self.weights else xp_of(x), self.dtype if self.weights else None)
        return forward_chain(self.parts(), x, training)[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def forward_chain(parts: Sequence[Layer], x: Any, training: bool = False) -> tuple[Any, list[Any]]:
    """Run the parts in order; return the last one's output and the caches of all."""
    caches = []
    for part in parts:
        x, cache = part.forward(x, training)
        caches.append(cache)
    return x, caches


def backward_chain(parts: Sequence[Layer], dy: Any, caches: Sequence[Any], first: int = 0, need_dx: bool = True) -> Any:
    """Run the parts backward, from the last to number `first`, leaving in each the gradients of its weights.

    A part that stands in the chain more than once gets the sum over its places: L(w, w) has the derivative
    dL/dw = d1 L + d2 L. Returns the gradient of the input of part `first`, or None if it is not needed.
    """
    seen: set[int] = set()
    for index in range(len(parts) - 1, first - 1, -1):
        part = parts[index]
        again = id(part) in seen
        before = {name: part.grads[name].copy() for name in part.weight_names} if again else {}
        dy = part.backward(dy, caches[index], need_dx=need_dx or index > first)
        for name, gradient in before.items():
            part.grads[name] += gradient
        seen.add(id(part))
    return dy if need_dx else None


def as_array(x: Any, xp: Any, dtype: Any = None) -> Any:
    """The array x as one of this module and dtype; None keeps a floating dtype and makes float32 of integers."""
    if x.dtype.kind not in "biufc":
        raise ValueError(f"Expected an array of numbers; got dtype {x.dtype}.")
    if dtype is None:
        dtype = x.dtype if x.dtype.kind in "fc" else "float32"
    return move(x, xp, dtype)


def as_weight(value: Any, weight: Any, label: str) -> Any:
    """value as an array that can be written into this weight; ValueError unless it has exactly its shape."""
    value = move(value, xp_of(weight))
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{label} must be an array of real numbers; got dtype {value.dtype}.")
    if value.shape != weight.shape:
        raise ValueError(f"{label} has shape {weight.shape}; got an array of shape {value.shape}.")
    return value


def snake_case(name: str) -> str:
    """A class's name as Keras writes it in layer names: ReLU -> re_lu, BatchNormalization -> batch_normalization."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
