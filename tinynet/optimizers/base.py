"""Optimizer, the base class: one step is clip, change, decay, and one write to each weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arguments import number, positive
from ..backend import xp_of
from ..config import Configured, refuse_unknown, serialize
from ..kernels.update import update, updates
from ..layers.base import snake_case
from . import schedules
from .clipping import scale_to_norm
from .schedules import LearningRateSchedule
from .subnormal import clear_subnormal, negligible

# What other versions and libraries call it, or have and this does not.
HINTS = {
    "lr": "Did you mean 'learning_rate'?",
    "decay": "For a learning rate that falls, give learning_rate one of tn.optimizers.schedules; for weights that "
    "decay, weight_decay.",
}


CLEARED_EVERY = 32  # steps; a decay by 0.75 each, or slower, does not reach the subnormal numbers meanwhile


class Optimizer(Configured):
    """Base class: `apply(gradients, weights)` makes one step in place, pair by pair.

        g      <- clip(g)
        change <- what the subclass computes from g and the learning rate lr
        w      <- w + (change - weight_decay lr w)

    A subclass names its `slots`, the arrays that it keeps for each weight, and defines
    `change(gradient, scratch, rate, *slots)`. Whatever is written to a weight is written at once, and last, so that an
    interrupt leaves it before the step or after it. `iterations` counts the steps made; `reset()` forgets them, and
    `compile` calls it.

    On a GPU `change` is some ten launches. Beside it may stand the same for one entry as a `formula` in CUDA C++, of
    which one kernel is made for the whole step. It sets `change`, from the gradient g, the weight w, the slots, which
    it brings up to date, and `numbers(rate)`, by default {"rate": rate}. `real` is float or double.

        class SignMomentum(Optimizer):
            slots = ("momentum",)
            formula = "momentum = momentum * real(0.9) + g; change = ((momentum > 0) - (momentum < 0)) * -rate;"

            def change(self, gradient, scratch, rate, momentum):
                momentum *= 0.9
                momentum += gradient
                return xp_of(gradient).sign(momentum, out=scratch) * -rate

    A subclass with a `change` of its own and no formula computes with arrays; TypeError for one with a formula alone,
    since a CPU and a GPU would then compute two things.

    `learning_rate` is a number of at least 0 or a LearningRateSchedule, whose value at `iterations`, counted from 0, is
    the rate of the next step. The arguments behind it are options of every optimizer, given by name:

    - `weight_decay`: a part of each weight, biases too, that is taken off at each step, times the learning rate. It
      does not pass through momenta or second moments ("decoupled"): Loshchilov and Hutter, "Decoupled weight decay
      regularization", ICLR 2019, algorithms 1 and 2, where Keras takes the learning rate for their eta alpha.
    - `clipnorm` c: the gradient of each weight times c / max(|g|, c), with |g| its Euclidean norm;
      `global_clipnorm`: the same with one norm over all gradients; `clipvalue`: each entry brought into [-c, c]. At
      most one of the three. Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
      networks", ICML 2013, algorithm 1. The norm is taken in the gradients' dtype: in float32 its square overflows,
      and the gradients become 0, from a norm of 1.8e19 on, as in Keras.
    """

    keras_module = "keras.optimizers"
    slots: tuple[str, ...] = ()
    formula: str | None = None  # `change` in CUDA C++, for one entry, with the slots, g, w and `numbers` by name
    decaying: tuple[str, ...] = ()  # of the slots, those in which what is next to nothing can be cleared
    owner: Any = None  # what a model knows its optimizer by, so that two models cannot mix their steps

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
        **unknown: Any,
    ):
        refuse_unknown(type(self), unknown, HINTS)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        clips = {key: positive(key, value) for key, value in clips.items() if value is not None}
        if len(clips) > 1:
            raise ValueError(f"Only one of clipnorm, clipvalue and global_clipnorm can be set; got {clips}.")
        self.clipnorm, self.clipvalue = clips.get("clipnorm"), clips.get("clipvalue")
        self.global_clipnorm = clips.get("global_clipnorm")
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

    @property
    def keras_scale(self) -> dict[str, float]:
        """By what each slot must be multiplied to be the array that Keras keeps under its name."""
        return dict.fromkeys(self.slots, 1.0)

    def apply(self, gradients: Sequence[Any], weights: Sequence[Any], variables: Sequence[Any] | None = None) -> None:
        """One step: change each weight in place by its gradient (Keras's argument order).

        Where clipping is asked for, the gradients are clipped in place as well. A model that fits passes one flat array
        of all its gradients and one of all its weights; `variables` is then the list of the views of that gradient
        array, one for each weight, whose norms clipnorm is about. By default it is `gradients`.

        ValueError if the weights are not those, by number and shape, that earlier steps have changed.
        """
        if not all(hasattr(array, "shape") for array in [*gradients, *weights]):
            raise TypeError("apply takes two lists of arrays, since it changes the weights in place.")
        shapes = [weight.shape for weight in weights]
        if [gradient.shape for gradient in gradients] != shapes:
            got = [gradient.shape for gradient in gradients]
            raise ValueError(f"Each weight needs a gradient of its shape: weights {shapes}, gradients {got}.")
        if not self.state:
            self.state = [[xp_of(w).zeros(w.shape, dtype=w.dtype) for _ in ("scratch", *self.slots)] for w in weights]
        known = [own[0].shape for own in self.state]
        if known != shapes:
            raise ValueError(
                f"This {type(self).__name__} has kept its state for arrays of shape {known}, not {shapes}. It belongs "
                "to one list of weights (a model that fits has one flat array of them all): take another optimizer."
            )
        rate = self.learning_rate  # a schedule's value before this step is counted, as in Keras
        if self.clipnorm is not None:
            for gradient in gradients if variables is None else variables:
                scale_to_norm([gradient], self.clipnorm)
        elif self.global_clipnorm is not None:
            scale_to_norm(gradients, self.global_clipnorm)
        elif self.clipvalue is not None:
            for gradient in gradients:
                xp_of(gradient).clip(gradient, -self.clipvalue, self.clipvalue, out=gradient)
        self.iterations += 1
        for weight, gradient, (scratch, *slots) in zip(weights, gradients, self.state, strict=True):
            if updates(weight, gradient, slots) and (formula := self._formula()):
                self._update(formula, weight, gradient, slots, rate)
                continue
            if self.iterations % CLEARED_EVERY == 0:
                for slot in self.decaying:
                    clear_subnormal(slots[self.slots.index(slot)], scratch)
            change = self.change(gradient, scratch, rate, *slots)
            if self.weight_decay:
                decayed = weight * -(self.weight_decay * rate)  # a new array: change may be a slot
                decayed += change
                change = decayed
            weight += change

    def change(self, gradient: Any, scratch: Any, rate: float, *slots: Any) -> Any:
        """What is to be added to a weight with this gradient; brings its slots up to date.

        `rate` is the learning rate of this step, and `iterations` its number, counted from 1. The gradient is read
        only; scratch is an array of its shape to compute in, and may be what is returned, as may a slot.
        """
        raise TypeError(f"{type(self).__name__} must define change(gradient, scratch, rate, *slots).")

    def numbers(self, rate: float) -> dict[str, float]:
        """The numbers that `formula` has names for, in this step with this learning rate."""
        return {"rate": rate}

    def _formula(self) -> str | None:
        """The formula, if it belongs to this `change`: not where a subclass, or the object, has another one."""
        owner = next(own for own in type(self).__mro__ if "change" in vars(own))
        return self.formula if "formula" in vars(owner) and "change" not in vars(self) else None

    def _update(self, formula: str, weight: Any, gradient: Any, slots: Sequence[Any], rate: float) -> None:
        """What `apply` does with one weight, in one kernel."""
        numbers = dict(self.numbers(rate))  # to which some are added, by names that no formula has
        if self.decaying:
            formula = "".join(f"if (fabs({slot}) <= bound_) {slot} *= 0;\n" for slot in self.decaying) + formula
            numbers["bound_"] = -1.0 if self.iterations % CLEARED_EVERY else negligible(weight.dtype)
        if self.weight_decay:
            formula, numbers["decay_"] = formula + "\nchange = w * -decay_ + change;", self.weight_decay * rate
        update(formula, weight, gradient, dict(zip(self.slots, slots, strict=True)), numbers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} learning_rate={self.learning_rate:g}, iterations={self.iterations}>"
