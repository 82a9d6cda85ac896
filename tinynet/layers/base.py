"""Layer: what every layer is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import initializers, regularizers
from ..arguments import shape as check_shape
from ..backend import module, to_array, to_numpy, xp_of
from ..config import Configured, refuse_unknown
from ..rng import choose_seed, draws
from . import building
from .building import building_lock
from .chain import forward_chain, unique
from .weights import Gradients, as_array, as_weight

# Where and how `setup` wants weights to be made: (generator, backend, dtype). `build` knows of the shape alone.
BASE_ARGUMENTS = ("name", "trainable", "input_shape")
NOT_HERE = "Keras has it; tinynet does not."
WITHOUT_BATCH = "Give the shape of one sample, without the batch axis, as input_shape."
KERAS_ONLY = {
    **dict.fromkeys(["activity_regularizer", "kernel_constraint", "bias_constraint", "lora_rank"], NOT_HERE),
    **dict.fromkeys(["quantization_config", "noise_shape", "data_format", "synchronized", "autocast"], NOT_HERE),
    **dict.fromkeys(["batch_shape", "batch_input_shape", "batch_size"], WITHOUT_BATCH),
    "dtype": "The model's counts: Sequential(..., dtype='float64').",
    "input_dim": "Write input_shape=(n,), or put Input((n,)) first.",
}


class Layer(Configured):
    """Base class of layers. A subclass defines up to three methods:

        build(input_shape)                 allocates weights with add_weight; returns the output's shape
        forward(x, training=False)         returns (y, cache)
        backward(dy, cache, need_dx=True)  writes self.grads[name] for every weight; returns dx = dL/dx

    One that draws random numbers in training sets `random = True`, and its forward has a third parameter, `rng`, a
    NumPy generator; one that keeps statistics of what it saw defines `after_step(cache)`.

    Shapes in build are without the batch axis, which is always the first. A layer remembers nothing between forward
    and backward: whatever backward needs travels in `cache`, so one instance may stand twice in a model, and
    predictions may run in several threads. `self.kernel` reads the weight named "kernel"; `self.kernel = a` and
    `self.grads["kernel"] = a` copy into the arrays that are there: weights and gradients are views of the model's flat
    buffers once it trains, so they are written to, never replaced.

    Arguments of every layer, by name: `name` (unique in a model; by default the class's name in snake case),
    `trainable` (False leaves the weights as they are; once training has begun, a change needs a new compile),
    `input_shape` (of one sample, for the first layer of a model).
    """

    keras_module = "keras.layers"
    backend = "numpy"
    dtype = np.dtype("float32")
    random = False  # whether forward takes a generator as well, in training

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | None = None,
        **unknown: Any,
    ):
        refuse_unknown(type(self), unknown, KERAS_ONLY)
        if name is not None and not (isinstance(name, str) and name):
            raise ValueError(f"name must be a string; got {name!r}.")
        self.weight_names: list[str] = []
        self.grads = Gradients()
        self.regularizers: dict[str, regularizers.Regularizer] = {}
        self.named = name is not None  # else the first model that it is added to may number it
        self.name = name or snake_case(type(self).__name__)
        self.trainable = trainable
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

    def after_step(self, cache: Any) -> None:
        """Called once after each training step with forward's cache: here statistics change. By default none."""

    def parts(self) -> list[Layer]:
        """The primitive layers that this one stands for, in order: itself, or a Dense and its activation."""
        return [self]

    def trained_parts(self) -> list[Layer]:
        """The parts whose weights have gradients and are changed by training: none if this layer is frozen."""
        if not self.trainable:
            return []
        return [part for part in unique(self.parts()) if part.grads]

    # ---- weights ----------------------------------------------------------------------------------------------

    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
    ) -> Any:
        """Allocate the weight `self.<name>` and its gradient `self.grads[name]`; to be called in build.

        `regularizer`, if given, adds its penalty to the loss and its gradient to that of the weight. With
        trainable=False there is no gradient: the layer itself changes the weight, in `after_step`.

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
        rng, backend, dtype = building._building.get()
        xp, initializer = module(backend), initializers.get(initializer)
        self.__dict__.update(backend=backend, dtype=dtype)
        if building._hollow.get():
            nothing = xp.broadcast_to(xp.zeros((), dtype=dtype), shape)
            self.bind(name, nothing, nothing if trainable else None)
        else:
            values = initializer(shape, rng)
            if values.shape != shape:
                raise ValueError(f"The initializer of {self.name}.{name} returned shape {values.shape}, not {shape}.")
            self.bind(name, xp.asarray(values, dtype=dtype), xp.zeros(shape, dtype=dtype) if trainable else None)
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

    def __getattr__(self, name: str) -> Any:
        kind = type(self).__name__
        if "weight_names" not in self.__dict__ and not name.startswith("__"):
            raise AttributeError(f"{kind}.__init__ must call super().__init__() first.", name=name, obj=self)
        unbuilt = self.__dict__.get("output_shape") is None and not self.__dict__.get("weight_names")
        hint = " It is not built yet; weights exist after its first call." if unbuilt else ""
        raise AttributeError(f"{kind} has no attribute {name!r}.{hint}", name=name, obj=self)

    def _own(self) -> list[tuple[Layer, str]]:
        """(part, weight name) for every weight of every part, each once."""
        return [(part, name) for part in unique(self.parts()) for name in part.weight_names]

    @property
    def weights(self) -> list[Any]:
        """The weights, layer by layer (kernel, then bias): the arrays themselves, not copies."""
        return [part.__dict__[name] for part, name in self._own()]

    @property
    def trainable_weights(self) -> list[Any]:
        """Those of the weights that training changes."""
        trained = self.trained_parts()
        return [part.__dict__[name] for part, name in self._own() if part in trained and name in part.grads]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other weights: those of frozen layers, and statistics."""
        trained = self.trained_parts()
        return [part.__dict__[name] for part, name in self._own() if part not in trained or name not in part.grads]

    @property
    def weight_gradients(self) -> list[Any]:
        """The gradients that the last backward wrote, in the order of `weights`; statistics have none."""
        return [part.grads[name] for part, name in self._own() if name in part.grads]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights as NumPy arrays, in the order of `weights`."""
        return [np.array(to_numpy(weight)) for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy a list of arrays into the weights; ValueError if their number or a shape does not fit, then none is."""
        if not isinstance(weights, (list, tuple)):
            hint = "; of an archive, pass list(archive.values())" if hasattr(weights, "values") else ""
            raise TypeError(f"set_weights takes a list of arrays; got {weights!r}{hint}.")
        own = self.weights
        if len(weights) != len(own):
            shapes = ", ".join(str(weight.shape) for weight in own)
            raise ValueError(f"'{self.name}' has {len(own)} weights ({shapes}); set_weights got {len(weights)}.")
        labels = [f"weight {i} ({part.name}.{name})" for i, (part, name) in enumerate(self._own())]
        values = [as_weight(new, old, label) for new, old, label in zip(weights, own, labels, strict=True)]
        for weight, value in zip(own, values, strict=True):
            weight[...] = value

    def count_params(self) -> int:
        """The number of weights, counted as numbers. ValueError before the layer is built: it has none yet."""
        if not self.built:
            raise ValueError(f"'{self.name}' is not built yet, so its weights cannot be counted; build it, or call it.")
        return sum(weight.size for weight in self.weights)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as plain values; the input shape is the model's to write down."""
        own = {name: value for name, value in super().get_config().items() if name not in BASE_ARGUMENTS}
        return {"name": self.name, "trainable": self.trainable, **own}

    # ---- use --------------------------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the weights exist and the shapes are known."""
        return self.output_shape is not None

    def setup(self, input_shape: tuple[int, ...], rng=None, backend="numpy", dtype="float32") -> tuple[int, ...]:
        """Build every part for inputs of this shape (without the batch axis); return the output's shape.

        Weights that are there already stay. `input_shape` and `output_shape` are those of the first place at which
        the layer stands.
        """
        token = building._building.set((rng, backend, np.dtype(dtype)))
        try:
            shape = tuple(input_shape)
            for part in self.parts():
                shape = part._build(shape)
        finally:
            building._building.reset(token)
        if not self.built:
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def _build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        shape = self.build(input_shape)
        if not isinstance(shape, (tuple, list)):
            raise TypeError(f"{type(self).__name__}.build must return the shape of the output; it returned {shape!r}.")
        self.check_held_layers()
        return tuple(shape)

    def check_held_layers(self) -> None:
        """TypeError if an attribute is a layer with weights that is not among the parts: it would not be trained."""
        parts = self.parts()
        for name, value in self.__dict__.items():
            if isinstance(value, Layer) and any(part.weight_names and part not in parts for part in value.parts()):
                raise TypeError(
                    f"{type(self).__name__} holds the layer self.{name}, which is not among its parts() and would not "
                    "be trained. Stack the layers in a Sequential instead."
                )

    def forget(self) -> None:
        """Be unbuilt again: without weights and shapes."""
        for name in self.weight_names:
            del self.__dict__[name]
        self.__dict__.update(weight_names=[], grads=Gradients(), input_shape=None, output_shape=None)

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Run all the parts forward on an array or a nested list, building the layer first if need be."""
        x = to_array(x)
        if x.ndim == 0:
            raise ValueError(f"Layer '{self.name}' needs an array whose first axis is the batch; got a single number.")
        with building_lock:
            if not self.built:
                self.setup(x.shape[1:])
        x = as_array(x, module(self.backend) if self.weights else xp_of(x), self.dtype if self.weights else None)
        return forward_chain(self.parts(), x, training, self._call_draws() if training else None)[0]

    def _call_draws(self) -> Any:
        """Generators for a call with training=True: other ones at every call."""
        count = self.__dict__["_calls"] = self.__dict__.get("_calls", -1) + 1
        if self.__dict__.get("seed") is None and "_call_seed" not in self.__dict__:
            self.__dict__["_call_seed"] = choose_seed()
        return draws(self.__dict__.get("_call_seed", self.__dict__.get("seed")), "call", count)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def snake_case(name: str) -> str:
    """A class's name as Keras writes it in layer names: ReLU -> re_lu, BatchNormalization -> batch_normalization."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
