"""Sequential: a stack of layers, built and named; what it does with data is in `trainer`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import backend as backends
from ..arguments import integer, named_arguments
from ..arguments import shape as check_shape
from ..config import serialize, snake_case
from ..intake import adapters
from ..layers import Input
from ..layers.activation_names import ACTIVATIONS
from ..layers.base import Layer
from ..layers.building import building_lock, generators
from ..layers.chain import backward_chain, forward_chain, unique
from ..layers.weights import as_array
from ..rng import choose_seed
from ..training.step import check_outputs
from . import config as configuration
from . import summary, writing
from .trainer import Trainer


class Sequential(Trainer):
    """A stack of layers: each one's output is the next one's input.

        model = Sequential([Flatten(input_shape=(28, 28, 1)), Dense(128, activation="relu"), Dense(10, "softmax")])
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, epochs=5)

    The input shape is that of `Input(shape)`, or `input_shape=` of the first layer. Without either the model is built
    when it sees its first data. The same layer may stand at several places; it has one set of weights.

    A Sequential is a layer, so models nest. For an inner model that is not yet built the seed, backend and dtype of the
    outer one count.

    Args:
        layers: Layers, in order.
        name: Name of the model.
        trainable: Whether training changes the weights.
        seed: Seed of the starting weights and of the order of the samples. If none is given, one is drawn and kept in
            `model.seed`.
        backend: "numpy" or "cupy". By default the environment variable TINYNET_BACKEND, else "numpy".
        dtype: "float32" or "float64". Each batch is cast to it.
    """

    keras_module = "keras"
    primitive = False
    followed_by = "_layers"
    __setattr__ = object.__setattr__  # a model has no weights of its own to protect

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
        self.seed, self.given_seed = choose_seed(seed), seed  # the second is None where the first was drawn
        self._layers: list[Layer] = []
        self._shapes: list[tuple[int, ...]] = []  # of each layer's output at its place, without the batch axis
        self.built_parts: list[Layer] = []
        if isinstance(layers, Layer):
            raise TypeError(f"The layers must be in a list: Sequential([{layers!r}]).")
        for layer in [] if layers is None else layers:
            self._stack(layer)
        if self._layers and self.declared_shape is not None:
            self.setup(self.declared_shape)  # once, for all of them

    # ---- structure --------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, as a new list; the Input is not among them."""
        return list(self._layers)

    def add(self, layer: Layer) -> None:
        """Put a layer on top of the stack; it is built at once if the input shape is known."""
        declared, count = self.declared_shape, len(self._layers)
        self._stack(layer)
        if len(self._layers) > count and (self.built or self.declared_shape is not None):
            try:
                self.setup(self.input_shape[1:] if self.built else self.declared_shape)
            except BaseException:
                self._layers.pop()
                self.declared_shape = declared
                raise

    def _stack(self, layer: Layer) -> None:
        """Put a layer on top without building it."""
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"Only layers can be added to a Sequential; got {layer!r}{hint}.")
        if isinstance(layer, Input) and (self._layers or self.declared_shape is not None):
            raise ValueError("An Input must come first, once, in a Sequential.")
        if layer is self or (isinstance(layer, Sequential) and self in layer.all_layers()):
            raise ValueError("A model cannot be a layer of itself.")
        if not self._layers and self.declared_shape is None:
            self.declared_shape = layer.declared_shape
        if isinstance(layer, Input):
            return
        if layer in ACTIVATIONS.values():
            layer = type(layer)()  # tn.nn.relu is one object for everybody; a model gets its own
        self._give_name(layer)
        self._layers.append(layer)

    def pop(self) -> Layer:
        """Take the last layer off and return it; the others keep their weights. IndexError if there is none."""
        if not self._layers:
            raise IndexError(f"Model '{self.name}' has no layers to pop.")
        shape = self.input_shape
        layer = self._layers.pop()
        self.forget()
        if shape is not None and self._layers:
            self.setup(shape[1:])
        return layer

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer with this name, or at this place in `layers`; ValueError if there is none."""
        if (name is None) == (index is None):
            raise ValueError("get_layer takes a name or an index, one of them.")
        if name is not None:
            found = [layer for layer in self._layers if layer.name == name]
            if not found:
                names = ", ".join(repr(layer.name) for layer in self._layers)
                raise ValueError(f"Model '{self.name}' has no layer {name!r}; it has {names or 'none'}.")
            return found[0]
        if not -len(self._layers) <= index < len(self._layers):
            raise ValueError(f"Model '{self.name}' has {len(self._layers)} layers; got index={index}.")
        return self._layers[index]

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets that of every layer inside, too, as in Keras."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.__dict__.get("_layers", ()):
            layer.trainable = value

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

    # ---- building ---------------------------------------------------------------------------------------------

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

    def prepare(self, input_shape: tuple[int, ...]) -> None:
        """Build what is not built: the whole model for this input shape, or layers that an inner model got since."""
        with building_lock:
            if self.output_shape is None:
                self.setup(input_shape)
            elif self.parts() != self.built_parts:
                self.setup(self.input_shape[1:])

    def setup(self, input_shape, rng=None, backend=None, dtype=None):
        """Build all layers for this input shape; a model inside another computes where and how the outer one does."""
        if not self._layers:
            raise ValueError(f"Model '{self.name}' has no layers; add one first.")
        home, count = (self.backend, self.dtype), len(self._layers)
        if rng is not None and not self.built:
            self.backend, self.dtype = backend, np.dtype(dtype)
        rngs = rng.spawn(count) if rng else generators(self.seed, count)
        inside = unique([*self.all_layers(), *self.parts()])
        unbuilt = [layer for layer in inside if not (layer.built or layer.weight_names)]
        shape, shapes = tuple(input_shape), []
        try:
            for layer, layer_rng in zip(self._layers, rngs, strict=True):
                self._check_home(layer)
                shape = layer.setup(shape, layer_rng, self.backend, self.dtype)
                shapes.append(shape)
        except BaseException:
            for layer in unbuilt:  # a failed build leaves nothing behind
                layer.forget()
            self.backend, self.dtype = home
            raise
        if not self.built or tuple(input_shape) == self.input_shape[1:]:  # else it stands in a model of another shape
            self._shapes, self.built_parts = shapes, self.parts()
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def forget(self):
        super().forget()
        self._shapes, self.built_parts = [], []

    def _check_home(self, layer: Layer) -> None:
        for part in layer.parts():
            if part.weight_names and (part.backend, part.dtype) != (self.backend, self.dtype):
                raise ValueError(
                    f"Layer '{layer.name}' was built in {part.dtype} on {part.backend}; this model is "
                    f"{self.dtype} on {self.backend}."
                )

    def all_layers(self) -> list[Layer]:
        """Return the layers, those of inner models among them, and the inner models themselves."""
        inner = [layer.all_layers() for layer in self._layers if isinstance(layer, Sequential)]
        return [*self._layers, *itertools.chain(*inner)]

    @property
    def output_shapes(self) -> list[tuple[int | None, ...]]:
        """The output shape of each layer at its place, None standing for the batch; empty before the model is built."""
        return [(None, *shape) for shape in self._shapes]

    # ---- arithmetic -------------------------------------------------------------------------------------------

    def forward(self, x, training=False):
        return forward_chain(self.parts(), x, training)

    def backward(self, dy, cache, need_dx=True):
        return backward_chain(self.parts(), dy, cache, need_dx=need_dx)

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Compute the outputs for a batch, as an array of the model's backend."""
        x = as_array(adapters.inputs(self, x), backends.module(self.backend), self.dtype)
        y, _ = forward_chain(self.parts(), x, training, self.call_draws() if training else None)
        return check_outputs(y, self.output_shape)

    # ---- writing down -----------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        *,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers, their output shapes and weights, in colour on a terminal.

        `line_length` is its width, by default that of the terminal up to 88; `print_fn` gets it as one plain string;
        `expand_nested` shows the layers of models inside, `show_trainable` whether each layer is trained (Y or N).
        """
        width = None if line_length is None else integer("line_length", line_length)
        (print_fn or summary.printed)(summary.table(self, width, expand_nested, show_trainable))

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain values, as Keras's: the layers as records.

        An InputLayer comes first if the input shape is known. The seed is there if one was given. Weights, compile's
        choices and the backend are not.
        """
        return configuration.of_model(self, self.input_shape[1:] if self.built else self.declared_shape)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, type] | None = None) -> Sequential:
        """Make a model, not compiled, with fresh weights, from what get_config gave.

        Args:
            config: The configuration.
            custom_objects: Your own classes that the configuration mentions, by name.

        Raises:
            ValueError: It mentions another class that is not in tinynet, or is no configuration.
        """
        layers = configuration.layers_of(config, custom_objects, Sequential.from_config)
        return cls(layers, **configuration.options(config))

    def to_json(self, **options: Any) -> str:
        """Return the architecture as JSON, for `models.model_from_json`; options go to json.dumps."""
        import json

        return json.dumps(serialize(self), **options)

    def keyed_weights(self) -> dict[str, tuple[Layer, str]]:
        """Return each weight as (part, name) by its key in a file, in the order of `weights`.

        The key is the place of its part in the chain and its name, "0/kernel": names of layers may occur twice in
        models that nest.
        """
        parts = self.parts()
        places = {id(part): index for index, part in reversed(list(enumerate(parts)))}
        return {f"{places[id(part)]}/{name}": (part, name) for part in unique(parts) for name in part.weight_names}

    @named_arguments({"include_optimizer": "Leave it out: it is there.", "save_format": "The name's end decides."})
    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the whole model to a file: layers, weights, compile's choices, the optimizer's state, seed and counts.

        `models.load_model` makes the model again, and `fit` then goes on as if it had not stopped: see there. That
        holds for .npz. In .keras the states of callbacks have no place, and the optimizer's is rounded. The file is
        written whole or not at all: a file of that name is replaced when the new one is on the disk.

        Args:
            filepath: Name that ends in ".npz" (NumPy alone; formats/npz.py describes it) or ".keras" (Keras reads it;
                needs h5py).
            overwrite: Whether a file of that name may be replaced.

        Raises:
            ValueError: Another name, a model that is not built, or something that cannot be written down, such as a
                function as initializer.
            FileExistsError: The file is there, and `overwrite` is False.
            OSError: As open and write raise it.
        """
        writing.write_model(self, filepath, overwrite, Sequential.from_config)

    @named_arguments()
    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone to a file, whole or not at all.

        Args:
            filepath: Name that ends in ".npz" or ".weights.h5".
            overwrite: Whether a file of that name may be replaced.

        Raises:
            ValueError: Another name, or the model is not built.
            FileExistsError: The file is there, and `overwrite` is False.
            OSError: As open and write raise it.
        """
        writing.write_weights(self, filepath, overwrite)

    @named_arguments({"skip_mismatch": "Leave it out: all weights must be there."})
    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Read weights that save_weights or save wrote into this model, which must be built and have the same ones.

        Raises:
            ValueError: The file is damaged or holds other weights. Nothing is changed then.
        """
        self.set_weights(writing.read_weights(self, filepath))
