"""Optimizer, the base class. One step: clip the gradient, compute the change, add weight decay, write the weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from ..arguments import number
from ..backend import xp_of
from ..config import Configured, refuse_unknown, serialize, snake_case
from ..kernels.update import update
from . import schedules
from .clipping import bounds, clip
from .refused import HINTS
from .schedules import LearningRateSchedule
from .subnormal import CLEARED_EVERY, clear_subnormal, negligible

if TYPE_CHECKING:
    from typing_extensions import Never

class OptionsBesideDecay(TypedDict, total=False):
    """The arguments of every optimizer but weight_decay."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    name: str | None


class OptimizerOptions(OptionsBesideDecay, total=False):
    """The arguments of every optimizer, which its constructor passes on to Optimizer's."""

    weight_decay: float | None


class Optimizer(Configured):
    """Base class: `apply(gradients, weights)` makes one step in place, pair by pair.

        g      <- clip(g)
        change <- what the subclass computes from g and the learning rate lr
        w      <- w + (change - weight_decay lr w)

    A subclass names its `slots`, the arrays that it keeps for each weight, and defines `change(gradient, scratch, rate,
    *slots)`. The weight is written in one operation, at the end: an interrupt leaves it either old or new. `iterations`
    counts the steps made. `reset()` forgets them; `compile` calls it.

    For the GPU a subclass may also give a `formula`: the same arithmetic for one entry, in CUDA C++. It becomes one
    kernel instead of some ten launches. It sets `change`, from the gradient g, the weight w, the slots, which
    it brings up to date, and `numbers(rate)`, by default {"rate": rate}. `real` is float or double.

        class SignMomentum(Optimizer):
            slots = ("momentum",)
            formula = "momentum = momentum * real(0.9) + g; change = ((momentum > 0) - (momentum < 0)) * -rate;"

            def change(self, gradient, scratch, rate, momentum):
                momentum *= 0.9
                momentum += gradient
                return xp_of(gradient).sign(momentum, out=scratch) * -rate

    A subclass with a `change` and no formula computes with arrays. One with a formula alone is a TypeError, since a CPU
    and a GPU would then compute two things.

    Args:
        learning_rate: Number of at least 0, or a LearningRateSchedule. The schedule's value at `iterations`, counted
            from 0, is the rate of the next step.
        weight_decay: Part of each weight, biases too, that is taken off at each step, times the learning rate. It does
            not pass through momenta or second moments ("decoupled"). Source: Loshchilov and Hutter, "Decoupled weight
            decay regularization", ICLR 2019, algorithms 1 and 2, where Keras takes the learning rate for their eta
            alpha.
        clipnorm: Bound c of the Euclidean norm |g| of each weight's gradient: g times c / max(|g|, c). At most one of
            the three bounds can be given. Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
            neural networks", ICML 2013, algorithm 1. The norm is taken in the gradients' dtype: in float32 its square
            overflows, and the gradients become 0, from a norm of 1.8e19 on, as in Keras.
        clipvalue: Bound c of each entry, which is brought into [-c, c].
        global_clipnorm: The same as clipnorm with one norm over all gradients.
        name: Name of the optimizer. By default the class's name in snake case.
    """

    keras_module = "keras.optimizers"
    slots: tuple[str, ...] = ()
    formula: str | None = None  # `change` in CUDA C++, for one entry, with the slots, g, w and `numbers` by name
    decaying: tuple[str, ...] = ()  # slots whose tiny entries are cleared: subnormal numbers are slow
    owner: Any = None  # the model that uses it; a second one is refused

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "formula" in vars(cls) and "change" not in vars(cls):
            raise TypeError(f"{cls.__name__} defines a formula, and must define the `change` that it is a form of.")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Mapping[str, Any],
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **unknown: Never,
    ):
        refuse_unknown(type(self), unknown, HINTS)
        clips = bounds(clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clips.values()
        self.weight_decay = None if weight_decay is None else number("weight_decay", weight_decay, least=0)
        self.name = snake_case(type(self).__name__) if name is None else name
        self.schedule: LearningRateSchedule | None = None
        self.reset()
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """The step size: the number that was set, or the schedule's value at the present `iterations`.

        It can be set to a number of at least 0, an integer too, or to a schedule at any time; but not to a number while
        a schedule decides (TypeError, as in Keras).
        """
        return self._learning_rate if self.schedule is None else self.schedule.at(self.iterations)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, (LearningRateSchedule, Mapping)) or callable(value):
            self.schedule = schedules.get(value)
        elif self.schedule is not None:
            raise TypeError(
                f"The learning rate of this {type(self).__name__} follows {self.schedule!r} and cannot be set to "
                f"{value!r}: set another schedule, or make the optimizer with a number."
            )
        else:
            self._learning_rate = number("learning_rate", value, least=0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name; the learning rate is the present number, or its schedule's record."""
        config = super().get_config()
        if self.schedule is not None and "learning_rate" in config:
            config["learning_rate"] = serialize(self.schedule)
        return config

    def reset(self) -> None:
        """Forget all steps: iterations is 0, and the slots are made afresh at the next apply."""
        self.iterations = 0
        self.state: list[list[Any]] = []  # for each weight: its scratch array, then its slots

    @property
    def state_size(self) -> int:
        """How many numbers the slots hold."""
        return sum(slot.size for _, *slots in self.state for slot in slots)

    def slots_of_model(self) -> dict[str, Any]:
        """Return the slots by name for the flat array of a model's weights; none before the first step."""
        return dict(zip(self.slots, self.state[0][1:], strict=True)) if self.state else {}

    def go_on_from(self, iterations: int, slots: Mapping[str, Any]) -> None:
        """Go on as if this optimizer had made so many steps, which left these slots for a model's flat weights."""
        arrays = [slots[name] for name in self.slots] if slots else []
        self.iterations, self.state = iterations, [[xp_of(arrays[0]).zeros_like(arrays[0]), *arrays]] if arrays else []

    @property
    def keras_scale(self) -> dict[str, float]:
        """The factor that turns each slot into Keras's array of that name."""
        return dict.fromkeys(self.slots, 1.0)

    def apply(self, gradients: Sequence[Any], weights: Sequence[Any], variables: Sequence[Any] | None = None) -> None:
        """Make one step: change each weight in place by its gradient (Keras's argument order).

        Args:
            gradients: Arrays of the shapes of the weights. Where clipping is asked for, they are clipped in place.
            weights: Arrays. A model that fits passes one flat array of all its weights, and one of all gradients.
            variables: One view per weight into the flat `gradients`, for the norms of clipnorm. By default
                `gradients`.

        Raises:
            ValueError: The weights are not those, by number and shape, that earlier steps have changed.
        """
        self._check(gradients, weights)
        rate = self.learning_rate  # a schedule's value before this step is counted, as in Keras
        clip(self, gradients, gradients if variables is None else variables)
        self.iterations += 1
        for weight, gradient, (scratch, *slots) in zip(weights, gradients, self.state, strict=True):
            update(self, weight, gradient, scratch, slots, rate)

    def apply_by_arrays(self, weight: Any, gradient: Any, scratch: Any, slots: Sequence[Any], rate: float) -> None:
        """Change one weight in place, by array expressions."""
        if (bound := self.clearing_bound(weight.dtype)) > 0:
            for slot in self.decaying:
                clear_subnormal(slots[self.slots.index(slot)], scratch, bound)
        change = self.change(gradient, scratch, rate, *slots)
        if self.weight_decay:
            decayed = weight * -(self.weight_decay * rate)  # a new array: change may be a slot
            decayed += change
            change = decayed
        weight += change

    def change(self, gradient: Any, scratch: Any, rate: float, *slots: Any) -> Any:
        """Return what is to be added to a weight with this gradient, and bring its slots up to date.

        Args:
            gradient: The gradient, which is read only.
            scratch: Work array of its shape. `change` may return it, or a slot.
            rate: Learning rate of this step. `iterations` is its number, counted from 1.
            *slots: The arrays kept for this weight.
        """
        raise TypeError(f"{type(self).__name__} must define change(gradient, scratch, rate, *slots).")

    def numbers(self, rate: float) -> dict[str, float]:
        """Return the numbers that `formula` has names for, in this step with this learning rate."""
        return {"rate": rate}

    def clearing_bound(self, dtype: Any) -> float:
        """Return the magnitude up to which this step clears entries of the decaying slots; -1 where it clears none."""
        return -1.0 if self.iterations % CLEARED_EVERY else negligible(dtype)

    def _check(self, gradients: Sequence[Any], weights: Sequence[Any]) -> None:
        """Check that gradients, weights and state belong together; at the first step, make the state."""
        if not all(hasattr(array, "shape") for array in [*gradients, *weights]):
            raise TypeError("apply takes two lists of arrays, since it changes the weights in place.")
        shapes = [weight.shape for weight in weights]
        if [gradient.shape for gradient in gradients] != shapes:
            got = [gradient.shape for gradient in gradients]
            raise ValueError(f"Each weight needs a gradient of its shape: weights {shapes}, gradients {got}.")
        if not self.state:
            self.state = [[xp_of(w).zeros(w.shape, dtype=w.dtype) for _ in ("scratch", *self.slots)] for w in weights]
        known = [arrays[0].shape for arrays in self.state]
        if known != shapes:
            raise ValueError(
                f"This {type(self).__name__} has kept its state for arrays of shape {known}, not {shapes}. It belongs "
                "to one list of weights (a model that fits has one flat array of them all): take another optimizer."
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self.learning_rate:g}, iterations={self.iterations}>"
