"""Layer: the base class of every layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from ..arguments import shape as check_shape
from ..backend import module, to_array, xp_of
from ..config import refuse_unknown, snake_case
from ..rng import choose_seed, draws
from . import chain
from .building import building_lock, weights_made
from .refused import KERAS_ONLY
from .weights import Weighted, as_array

if TYPE_CHECKING:
    from typing_extensions import Never


class LayerOptions(TypedDict, total=False):
    """The arguments of every layer, which its constructor passes on to Layer's."""

    name: str | None
    trainable: bool
    input_shape: Sequence[int] | None


class Layer(Weighted):
    """Base class of layers. A subclass defines up to three methods:

        build(input_shape)                 allocates weights with add_weight; returns the output's shape
        forward(x, training=False)         returns (y, cache)
        backward(dy, cache, need_dx=True)  writes self.grads[name] for every weight; returns dx = dL/dx

    Shapes in build are without the batch axis, which is always the first.

    A layer remembers nothing between forward and backward: forward returns what backward needs as `cache`. So the same
    layer can be used twice in a model, and predictions may run in several threads.

    A layer that draws random numbers in training sets `random = True`. Its forward has a third parameter, `rng`, a
    NumPy generator. A layer that keeps statistics defines `after_step(cache)`.

    Args:
        name: Name, unique in a model. By default the class's name in snake case.
        trainable: False leaves the weights unchanged. Once training has begun, a change needs a new compile.
        input_shape: Shape of one sample, for the first layer of a model.
    """

    keras_module = "keras.layers"
    random = False  # whether forward takes a generator as well, in training
    primitive: ClassVar[bool] = True  # False, as for Sequential: it only contains other layers
    followed_by: ClassVar[str | None] = None  # attribute with the layers to run next: "activation" in Dense

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Sequence[int] | None = None,
        **unknown: Never,
    ):
        refuse_unknown(type(self), unknown, KERAS_ONLY)
        if name is not None and not (isinstance(name, str) and name):
            raise ValueError(f"name must be a string; got {name!r}.")
        super().__init__()
        self.named = name is not None  # if False, a model may rename it: dense_1, dense_2, ...
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
        """Update statistics, such as a moving mean. Called once after each training step with forward's cache."""

    # ---- use --------------------------------------------------------------------------------------------------

    parts = chain.parts
    trained_parts = chain.trained_parts

    @property
    def built(self) -> bool:
        """Whether the weights exist and the shapes are known."""
        return self.output_shape is not None

    def setup(self, input_shape: tuple[int, ...], rng=None, backend="numpy", dtype="float32") -> tuple[int, ...]:
        """Build every part for inputs of this shape (without the batch axis); return the output's shape.

        Weights that are there already stay. If the layer is used more than once, `input_shape` and `output_shape`
        are those of its first use.
        """
        shape = tuple(input_shape)
        with weights_made(rng, backend, dtype):
            for part in self.parts():
                shape = part.build(shape)
                if not isinstance(shape, (tuple, list)):
                    kind = type(part).__name__
                    raise TypeError(f"{kind}.build must return the shape of the output; it returned {shape!r}.")
                shape = tuple(shape)
                part.check_held_layers()
        if not self.built:
            self.input_shape, self.output_shape = (None, *input_shape), (None, *shape)
        return shape

    def check_held_layers(self) -> None:
        """TypeError if an attribute holds a layer with weights that is not among the parts: nothing would train it."""
        parts = self.parts()
        for name, value in self.__dict__.items():
            if isinstance(value, Layer) and any(part.weight_names and part not in parts for part in value.parts()):
                raise TypeError(
                    f"{type(self).__name__} holds the layer self.{name}, which is not among its parts() and would not "
                    "be trained. Stack the layers in a Sequential instead."
                )

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Run all the parts forward on an array or a nested list, building the layer first if need be."""
        x = to_array(x)
        if x.ndim == 0:
            raise ValueError(f"Layer '{self.name}' needs an array whose first axis is the batch; got a single number.")
        with building_lock:
            if not self.built:
                self.setup(x.shape[1:])
        x = as_array(x, module(self.backend) if self.weights else xp_of(x), self.dtype if self.weights else None)
        return chain.forward_chain(self.parts(), x, training, self.call_draws() if training else None)[0]

    def call_draws(self) -> Any:
        """Return the random generators for one call with training=True. Every call gets new ones."""
        count = self.__dict__["_calls"] = self.__dict__.get("_calls", -1) + 1
        if self.__dict__.get("seed") is None and "_call_seed" not in self.__dict__:
            self.__dict__["_call_seed"] = choose_seed()
        return draws(self.__dict__.get("_call_seed", self.__dict__.get("seed")), "call", count)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain values, without the input shape: the model saves that."""
        mine = {name: value for name, value in super().get_config().items() if name not in LayerOptions.__annotations__}
        return {"name": self.name, "trainable": self.trainable, **mine}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"
