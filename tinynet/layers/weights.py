"""The weights of a layer, their gradients, and the checks of arrays that are written into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import regularizers
from ..backend import move, to_numpy, xp_of
from ..config import Configured
from . import building
from .chain import parts_and_trained, unique


class Weighted(Configured):
    """Base class of `Layer`: weights by name, with a gradient for each that training changes.

    `self.kernel` reads the weight "kernel". `self.kernel = a` copies a into the array that is there. Weights and
    gradients become views of the model's flat buffers when it trains, so they are written to and never replaced.
    """

    name: str
    backend = "numpy"
    dtype = np.dtype("float32")
    input_shape: tuple[int | None, ...] | None
    output_shape: tuple[int | None, ...] | None
    parts: Callable[[], list[Any]]  # Layer defines it

    def __init__(self) -> None:
        self.weight_names: list[str] = []
        self.grads = Gradients()
        self.regularizers: dict[str, regularizers.Regularizer] = {}

    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
    ) -> Any:
        """Allocate the weight `self.<name>` and its gradient `self.grads[name]`; to be called in build.

        Called again with the same shape it keeps the weight, so that one layer can stand at two places of a model.

        Args:
            name: Name of the weight, and of the attribute that reads it.
            shape: Shape of the weight.
            initializer: Name or Initializer of the starting values.
            regularizer: Name or Regularizer. Its penalty is added to the loss, its gradient to that of the weight.
            trainable: False for a weight without a gradient, which the layer itself changes in `after_step`.

        Returns:
            The weight, an array.

        Raises:
            ValueError: The weight is there already with another shape.
        """
        shape = tuple(shape)
        if name in self.weight_names:
            if self.__dict__[name].shape != shape:
                raise ValueError(
                    f"Layer '{self.name}' has a {name} of shape {self.__dict__[name].shape} already and cannot stand "
                    f"where one of shape {shape} is needed; use a second layer there."
                )
            return self.__dict__[name]
        self.backend, self.dtype = building.home()
        self.bind(name, *building.new_weight(f"{self.name}.{name}", shape, initializer, trainable))
        self.weight_names.append(name)
        if regularizer is not None:
            self.regularizers[name] = regularizers.get(regularizer)
        return self.__dict__[name]

    def bind(self, name: str, weight: Any, gradient: Any) -> None:
        """Let the weight of that name, and its gradient if it has one, live in these arrays."""
        if gradient is not None:
            self.grads.bind(name, gradient)  # the weight last: it is what `claim` looks at
        self.__dict__[name] = weight

    def __setattr__(self, name: str, value: Any) -> None:
        weights = self.__dict__.get("weight_names", ())
        if name == "grads" and "grads" in self.__dict__:
            raise AttributeError("self.grads is written by name, as in self.grads['kernel'] = dW, and never replaced.")
        if name in weights:
            weight = self.__dict__[name]
            weight[...] = as_weight(value, weight, f"{self.name}.{name}")
        elif any(value is self.__dict__[weight] for weight in weights):
            raise AttributeError(f"self.{name} would be a second name of a weight; call add_weight({name!r}, ...).")
        else:
            object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # a type checker is to find misspelt attributes, so layers declare their weights

        def __getattr__(self, name: str) -> Any:
            kind = type(self).__name__
            if "weight_names" not in self.__dict__ and not name.startswith("__"):
                raise AttributeError(f"{kind}.__init__ must call super().__init__() first.", name=name, obj=self)
            unbuilt = self.__dict__.get("output_shape") is None and not self.__dict__.get("weight_names")
            hint = " It is not built yet; weights exist after its first call." if unbuilt else ""
            raise AttributeError(f"{kind} has no attribute {name!r}.{hint}", name=name, obj=self)

    def named_weights(self) -> list[tuple[Any, str]]:
        """Return (part, weight name) for every weight of every part, each once."""
        return [(part, name) for part in unique(self.parts()) for name in part.weight_names]

    @property
    def weights(self) -> list[Any]:
        """The weights, layer by layer (kernel, then bias): the arrays themselves, not copies."""
        return [part.__dict__[name] for part, name in self.named_weights()]

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that training changes."""
        _, changed = parts_and_trained([self])
        return [part.__dict__[name] for part, name in self.named_weights() if part in changed and name in part.grads]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other weights: those of frozen layers, and statistics."""
        _, changed = parts_and_trained([self])
        return [
            part.__dict__[name]
            for part, name in self.named_weights()
            if part not in changed or name not in part.grads
        ]

    @property
    def weight_gradients(self) -> list[Any]:
        """The gradients that the last backward wrote, in the order of `weights`; statistics have none."""
        return [part.grads[name] for part, name in self.named_weights() if name in part.grads]

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights as NumPy arrays, in the order of `weights`."""
        return [np.array(to_numpy(weight)) for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy a list of arrays into the weights, in the order of `weights`.

        Raises:
            ValueError: Their number or a shape does not fit. No weight is changed then.
            TypeError: `weights` is not a list.
        """
        if not isinstance(weights, (list, tuple)):
            hint = "; of an archive, pass list(archive.values())" if hasattr(weights, "values") else ""
            raise TypeError(f"set_weights takes a list of arrays; got {weights!r}{hint}.")
        mine = self.weights
        if len(weights) != len(mine):
            shapes = ", ".join(str(weight.shape) for weight in mine)
            raise ValueError(f"'{self.name}' has {len(mine)} weights ({shapes}); set_weights got {len(weights)}.")
        labels = [f"weight {i} ({part.name}.{name})" for i, (part, name) in enumerate(self.named_weights())]
        values = [as_weight(new, old, label) for new, old, label in zip(weights, mine, labels, strict=True)]
        for weight, value in zip(mine, values, strict=True):
            weight[...] = value

    def count_params(self) -> int:
        """Return the number of weights, counted as numbers.

        Raises:
            ValueError: The layer is not built, so it has no weights yet.
        """
        if self.output_shape is None:
            raise ValueError(f"'{self.name}' is not built yet, so its weights cannot be counted; build it, or call it.")
        return sum(weight.size for weight in self.weights)

    def forget(self) -> None:
        """Remove the weights and shapes, as if the layer had never been built."""
        for name in self.weight_names:
            del self.__dict__[name]
        self.__dict__.update(weight_names=[], grads=Gradients(), input_shape=None, output_shape=None)


class Gradients(dict[str, Any]):
    """The gradients of a layer's weights by name. `grads[name] = a` copies a into the array that is there."""

    def bind(self, name: str, gradient: Any) -> None:
        """Let the gradient of that name live in this array."""
        super().__setitem__(name, gradient)

    def __reduce__(self):
        return Gradients, (dict(self),)  # pickle and copy would go through __setitem__

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            raise KeyError(f"{name!r} is no weight of this layer; it has {list(self)}")
        if self[name] is not value:
            if np.shape(value) != self[name].shape:
                shape, got = self[name].shape, np.shape(value)
                hint = " Is it transposed?" if got == shape[::-1] else ""
                if len(got) > len(shape) and got[len(got) - len(shape) :] == shape:
                    hint = " Is the sum over the axes in front missing?"
                raise ValueError(f"The gradient of {name} has shape {shape}; got {got}.{hint}")
            self[name][...] = value


def as_array(x: Any, xp: Any, dtype: Any = None) -> Any:
    """Return x as an array of this module and dtype; None keeps a floating dtype and makes float32 of integers."""
    if x.dtype.kind not in ("biuf" if dtype else "biufc"):
        raise ValueError(f"Expected an array of {'real ' if dtype else ''}numbers; got dtype {x.dtype}.")
    if dtype is None:
        dtype = x.dtype if x.dtype.kind in "fc" else "float32"
    return move(x, xp, dtype)


def as_weight(value: Any, weight: Any, label: str) -> Any:
    """Return a copy of value that can be written into this weight.

    Raises:
        ValueError: It is not an array of real numbers in exactly this shape. `label` names the weight.
    """
    value = move(value, xp_of(weight)).copy()  # it may be a view of this weight, or of one that is written first
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{label} must be an array of real numbers; got dtype {value.dtype}.")
    if value.shape != weight.shape:
        raise ValueError(f"{label} has shape {weight.shape}; got an array of shape {value.shape}.")
    return value
