"""Sequential: a stack of layers, built and named; what it does with data is in `trainer`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import backend as backends
from . import summary
from .checks import shape as check_shape
from .layers.activations import BY_NAME as ACTIVATIONS
from .layers.base import Layer, as_array, building_lock, snake_case
from .layers.chain import backward_chain, forward_chain, unique
from .layers.core import Input
from .rng import choose_seed, generator
from .trainer import Trainer
from .training import check_outputs


class Sequential(Trainer):
    """A model that is a stack of layers: each one's output is the next one's input.

        model = Sequential([Flatten(input_shape=(28, 28, 1)), Dense(128, activation="relu"), Dense(10, "softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, epochs=5)

    The input shape is that of `Input(shape)` or `input_shape=` of the first layer; without either the model is built
    when it sees its first data. The same layer may stand at several places; it has one set of weights.

    `seed` decides the starting weights and the order of the samples (one is drawn and kept in `model.seed` if none is
    given); `backend` is "numpy" or "cupy" (default: the environment variable TINYNET_BACKEND, else "numpy"); `dtype`
    is "float32" or "float64", and each batch is cast to it.

    A Sequential is a layer, so models nest; for an inner one that is not yet built the seed, backend and dtype of the
    outer one count.
    """

    def __init__(
        self,
        layers: Iterable[Layer] | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        seed: int | None = None,
        backend: str | None = None,
        dtype: Any = "float32",
    ):
        super().__init__(name=name, trainable=trainable)
        self.backend = backends.resolve(backend)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be 'float32' or 'float64'; got {dtype!r}.")
        self.seed = choose_seed(seed)
        self._layers: list[Layer] = []
        self._shapes: list[tuple[int, ...]] = []  # of each layer's output at its place, without the batch axis
        self._built_parts: list[Layer] = []
        if isinstance(layers, Layer):
            raise TypeError(f"The layers must be in a list: Sequential([{layers!r}]).")
        for layer in [] if layers is None else layers:
            self.add(layer)

    # ---- structure --------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, as a new list; the Input is not among them."""
        return list(self._layers)

    def add(self, layer: Layer) -> None:
        """Put a layer on top of the stack; it is built at once where the input shape is known."""
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"Only layers can be added to a Sequential; got {layer!r}{hint}.")
        if isinstance(layer, Input) and (self._layers or self.declared_shape is not None):
            raise ValueError("An Input must come first, once, in a Sequential.")
        if layer is self or (isinstance(layer, Sequential) and self in layer._inside()):
            raise ValueError("A model cannot be a layer of itself.")
        declared = self.declared_shape
        if not self._layers and declared is None:
            self.declared_shape = layer.declared_shape
        if isinstance(layer, Input):
            return
        if layer in ACTIVATIONS.values():
            layer = type(layer)()  # tn.nn.relu is one object for everybody; a model gets one of its own
        self._give_name(layer)
        self._layers.append(layer)
        if self.built or self.declared_shape is not None:
            try:
                self.setup(self.input_shape[1:] if self.built else self.declared_shape)
            except BaseException:
                self._layers.pop()
                self.declared_shape = declared
                raise

    def _give_name(self, layer: Layer) -> None:
        if layer in self._layers:
            return
        taken = {other.name for other in self._layers}
        if not layer.named:
            base = snake_case(type(layer).__name__)
            names = itertools.chain([base], (f"{base}_{count}" for count in itertools.count(1)))
            layer.name, layer.named = next(name for name in names if name not in taken), True
        elif layer.name in taken:
            raise ValueError(
                f"A layer named {layer.name!r} is in the model already; names must be unique. If one of the two comes "
                f"from another model, give the new one a name: {type(layer).__name__}(..., name='...')."
            )

    def setup(self, input_shape, rng=None, backend=None, dtype=None):
        """Build all layers for this input shape; a model inside another computes where and how the outer one does."""
        if not self._layers:
            raise ValueError(f"Model '{self.name}' has no layers; add one first.")
        home, count = (self.backend, self.dtype), len(self._layers)
        if rng is not None and not self.built:
            self.backend, self.dtype = backend, np.dtype(dtype)
        rngs = rng.spawn(count) if rng else [generator(self.seed, "weights", index) for index in range(count)]
        inside = unique([*self._inside(), *self.parts()])
        unbuilt = [layer for layer in inside if not (layer.built or layer.weight_names)]
        shape, shapes = tuple(input_shape), []
        try:
            for layer, own in zip(self._layers, rngs, strict=True):
                self._check_home(layer)
                shape = layer.setup(shape, own, self.backend, self.dtype)
                shapes.append(shape)
        except BaseException:
            for layer in unbuilt:  # a failed build leaves nothing behind
                layer.forget()
            self.backend, self.dtype = home
            raise
        if not self.built or tuple(input_shape) == self.input_shape[1:]:  # else it stands in a model of another shape
            self._shapes, self._built_parts = shapes, self.parts()
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def _inside(self) -> list[Layer]:
        """The layers, those of inner models among them, and the inner models themselves."""
        inner = [layer._inside() for layer in self._layers if isinstance(layer, Sequential)]
        return [*self._layers, *itertools.chain(*inner)]

    def forget(self):
        super().forget()
        self._shapes, self._built_parts = [], []

    def _check_home(self, layer: Layer) -> None:
        for part in layer.parts():
            if part.weight_names and (part.backend, part.dtype) != (self.backend, self.dtype):
                raise ValueError(
                    f"Layer '{layer.name}' was built in {part.dtype} on {part.backend}; this model is "
                    f"{self.dtype} on {self.backend}."
                )

    def prepare(self, input_shape: tuple[int, ...]) -> None:
        """Build what is not built: the whole model for this input shape, or layers that an inner model got since."""
        with building_lock:
            if not self.built:
                self.setup(input_shape)
            elif self.parts() != self._built_parts:
                self.setup(self.input_shape[1:])

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Build all layers for inputs of this shape, its first axis being the batch (None or any size), as in Keras.

        ValueError if the model is built for another shape already.
        """
        if not isinstance(input_shape, (tuple, list)) or not input_shape:
            raise ValueError(f"build needs a shape with its batch axis, as (None, 784); got {input_shape!r}.")
        shape = check_shape("input_shape", tuple(input_shape[1:]))
        if self.built and shape != self.input_shape[1:]:
            raise ValueError(f"Model '{self.name}' is built for inputs {self.input_shape} already; got {input_shape}.")
        self.setup(shape)

    def parts(self):
        return [part for layer in self._layers for part in layer.parts()]

    @property
    def output_shapes(self) -> list[tuple[int | None, ...]]:
        """The output shape of each layer at its place, None standing for the batch; empty before the model is built."""
        return [(None, *shape) for shape in self._shapes]

    def trained_parts(self):
        return unique(part for layer in self._layers for part in layer.trained_parts()) if self.trainable else []

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print a table of the layers, their output shapes and weights; `print_fn` gets it as one string."""
        (print_fn or summary.printed)(summary.table(self))

    # ---- arithmetic -------------------------------------------------------------------------------------------

    def forward(self, x, training=False):
        return forward_chain(self.parts(), x, training)

    def backward(self, dy, cache, need_dx=True):
        return backward_chain(self.parts(), dy, cache, need_dx=need_dx)

    def __call__(self, x: Any, training: bool = False) -> Any:
        """The outputs for a batch, as an array of the model's backend."""
        x = as_array(self._inputs(x), backends.module(self.backend), self.dtype)
        return check_outputs(self.forward(x, training)[0], self.output_shape)
