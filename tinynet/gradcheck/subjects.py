"""check_layer, check_loss and check_model: how a layer, a loss and a model are made ready for a check."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arguments import integer, lookup, number
from ..arguments import shape as check_shape
from ..backend import to_numpy
from ..intake import checks as inputs
from ..layers.base import Layer
from ..layers.chain import unique
from ..losses import Loss
from ..losses import get as get_loss
from ..losses.labels import as_real
from ..models.trainer import Trainer
from ..training.fusion import on_logits
from ..training.step import check_outputs
from .check import Check, NotFiniteError
from .copies import copied
from .function import Function
from .measure import METHODS
from .report import GradientError, Report

NOISE = 0.1  # of fresh weights: a bias of 0 or a scale of 1 would hide what is multiplied by it
WIDE, MODERATE = (0.03, 10), (0.1, 1)  # sizes of random inputs: beyond the bounds of most clips, or within most domains
BATCHES = (5, 7, 11, 13, 3)  # the first that is no other size of the layer, so that a factor of it can be told
REDRAWS = 5


def check_layer(
    layer: Layer,
    input_shape: Any = None,
    *,
    x: Any = None,
    batch_size: int | None = None,
    method: str = "auto",
    tolerance: float | None = None,
    training: bool = True,
    seed: int = 0,
) -> Report:
    """Check the backward of a layer: dx and the gradient of every weight, with L = sum(dy * y) for a random dy.

    The layer may be any Layer, built or not, one of your own or a whole Sequential (without its loss). Everything is
    done with a copy of it in float64: the layer itself, its weights and gradients stay as they are. In the copy weights
    that are fresh, and those whose entries are all the same, get some noise, up to a tenth of each: a scale of 1 or a
    bias of 0 would hide errors. A layer that draws random numbers is given a generator that draws the same ones at
    every forward; statistics, the weights without a gradient, are not differentiated.

    Each gradient is found twice without calculus, by the complex step and by central differences (the formulas are in
    `gradcheck.numeric`): arrays of up to 200 entries entry by entry, larger ones along 20 random directions. An error
    is relative to the largest entry of all the layer's gradients. It is a fault, too, if the forward pass gives other
    results at a second call, if forward or backward write into their inputs or the weights, and if the gradients
    depend on what their arrays held before, on another forward between forward and backward, or on need_dx. What is
    shown holds for one shape, one batch and one value of `training`; a layer that goes other ways for other shapes is
    checked with each of them.

    Arguments:
        input_shape   of one sample, without a batch axis; not needed with x, or for a layer that knows its own
        x             inputs to check at, batch axis included; by default random numbers from 0.03 to 10 in size, of
                      either sign, drawn again where one meets a kink. Entries of x at a kink are left out, and counted
        batch_size    of the random inputs; by default a number that is no other size of the layer
        method        "auto" (both; the complex step is believed where they agree), "central", or "complex" alone, which
                      trusts the forward pass to be analytic: no abs, no real part, no norm
        tolerance     the error that counts as rounding; default 1e-12 for the complex step, 1e-6 for differences
        training      what forward is given
        seed          of all that is random here

    Returns a Report, which prints as a table. Raises GradientError, whose text is that table with the likely causes, if
    a gradient is wrong; ValueError if the layer cannot be checked at these inputs.
    """
    methods, tolerance, seed = _options(method, tolerance, seed)
    batch_size = None if batch_size is None else integer("batch_size", batch_size)
    shape, given = _shape_and_inputs(layer, input_shape, x)
    draws = 1 if given is not None else REDRAWS
    for redraw in range(draws):
        rng, last = np.random.default_rng([seed, redraw]), redraw == draws - 1
        twin = copied(layer)
        output_shape = built(twin, shape, rng)
        parts = noisy(twin.parts(), rng, fresh=not layer.built)
        batch = batch_size or distinct_batch(shape, output_shape, parts)
        x = drawn((batch, *shape), rng, MODERATE if last else WIDE) if given is None else given
        subject = f"{type(layer).__name__} '{layer.name}' for inputs of shape {x.shape}"
        check = Check(Function(parts, x, training=training), subject, methods, tolerance, rng)
        try:
            check.run(rng.normal)
            check_outputs(check.y, (None, *output_shape))
        except NotFiniteError:
            if last:
                raise
            continue
        except Exception as error:
            if hasattr(error, "add_note") and not isinstance(error, GradientError):  # Python 3.11
                error.add_note(f"(while {type(layer).__name__} was checked for {x.shape}, {len(x)} samples of {shape})")
            raise
        if not check.met_kinks:
            break
    if redraw:
        check.report.notes.append(f"the random inputs were drawn {redraw + 1} times, to avoid kinks, NaN and infinity.")
    return check.finished()


def check_loss(
    loss: str | Loss,
    y_true: Any,
    y_pred: Any,
    *,
    method: str = "auto",
    tolerance: float | None = None,
    seed: int = 0,
) -> Report:
    """Check the backward of a loss at these labels and outputs, with L = sum(factors * values) for random factors.

    The loss is a Loss or a name. `y_pred` may be any outputs that it takes, (B, ...); they are used in float64. What
    else is checked, the other arguments, and what is returned and raised: as in check_layer.
    """
    loss = get_loss(loss)
    methods, tolerance, seed = _options(method, tolerance, seed)
    twin, rng = copied(loss), np.random.default_rng(seed)
    outputs = _real("y_pred", y_pred)
    labels = twin.check(y_true, outputs.shape)
    if np.shape(labels)[:1] != outputs.shape[:1]:
        raise ValueError(f"y_true and y_pred must have as many samples; got shapes {labels.shape} and {outputs.shape}.")
    function = Function([], outputs, loss=twin, labels=labels)
    check = Check(function, f"the loss {loss.name} for outputs of shape {outputs.shape}", methods, tolerance, rng)
    check.run(lambda size: 0.5 + rng.random(size))
    check.compare_scalar_factor()
    return check.finished()


def check_model(
    model: Any,
    x: Any,
    y: Any,
    *,
    method: str = "auto",
    tolerance: float | None = None,
    seed: int = 0,
) -> Report:
    """Check the gradients of a compiled model for the mean loss of a batch: of every weight, and of the inputs.

    The loss is the one that is trained: where the model ends in softmax or sigmoid, that of its logits. The penalties
    of regularizers are not part of it, and neither are sample weights and the loss's reduction. Every layer and the
    loss are checked by themselves too, at the values that they have in the model: those that fail are in the report,
    with their likely causes. What else is checked, the other arguments, and what is returned and raised: as in
    check_layer. Metrics, optimizer and weights of the model stay as they are.
    """
    if not isinstance(model, Trainer):
        raise TypeError(f"check_model takes a compiled model; got {model!r}. For a layer there is check_layer.")
    if model.loss is None:
        raise ValueError("check_model takes a compiled model: call model.compile(optimizer, loss) first.")
    methods, tolerance, seed = _options(method, tolerance, seed)
    rng, twin = np.random.default_rng(seed), copied(model)
    x, y = inputs.samples_and_labels(x, y)
    inputs.check_lengths(x, y)
    twin.prepare(x.shape[1:])  # a shape that does not fit is refused in the next line
    x = np.array(to_numpy(inputs.fit_shape(x, twin.input_shape[1:])), dtype="float64")
    labels = as_real(twin.loss.check(y, twin.output_shape), "float64")
    parts = noisy(twin.parts(), rng, fresh=not model.built)
    fused = on_logits(parts, twin.output_shape, twin.loss)
    chain = parts[:-1] if fused else parts
    function = Function(chain, x, loss=fused or twin.loss, labels=labels)
    subject = f"the model '{model.name}' with the loss {model.loss.name} for inputs of shape {x.shape}"
    check = Check(function, subject, methods, tolerance, rng)
    check.run(lambda size: 1 / math.prod(size))
    check.check_parts()
    return check.finished()


def built(layer: Layer, input_shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """Build the layer for samples of this shape, if it is not; return the output's shape."""
    if isinstance(layer, Trainer):
        layer.build((None, *input_shape))
        return layer.output_shape[1:]
    return layer.setup(input_shape, rng, layer.backend, "float64")


def noisy(parts: list[Layer], rng: np.random.Generator, fresh: bool) -> list[Layer]:
    """The parts, with a little noise on every weight if all are fresh, else on those whose entries are all the same.

    It changes a number by up to a tenth, so that its sign stays, and a 0 by up to 0.1; of a statistic, such as a
    variance, a 0 becomes positive.
    """
    for part in unique(parts):
        for name in part.weight_names:
            weight = np.array(to_numpy(getattr(part, name)), dtype="float64")
            if fresh or (weight == weight.ravel()[:1]).all():
                noise = rng.uniform(-NOISE, NOISE, weight.shape)
                if name not in part.grads:
                    noise = np.where(weight == 0, np.abs(noise), noise)
                weight += noise * np.where(weight == 0, 1, np.abs(weight))
            part.bind(name, weight, np.zeros(weight.shape) if name in part.grads else None)
    return parts


def drawn(shape: tuple[int, ...], rng: np.random.Generator, reach: tuple[float, float]) -> np.ndarray:
    """Random numbers of either sign whose sizes are spread evenly over the powers of ten within the reach."""
    return rng.choice([-1, 1], shape) * 10 ** rng.uniform(*np.log10(reach), shape)


def distinct_batch(shape: tuple[int, ...], output_shape: tuple[int, ...], parts: list[Layer]) -> int:
    """A batch size that is no other size of the layer, if there is one among a few."""
    weights = [getattr(part, name).shape for part in unique(parts) for name in part.weight_names]
    taken = {*shape, *output_shape, *(size for shape in weights for size in shape)}
    return next((size for size in BATCHES if size not in taken), BATCHES[0])


# ---- arguments --------------------------------------------------------------------------------------------------


def _options(method: str, tolerance: float | None, seed: int) -> tuple[tuple[str, ...], float | None, int]:
    """The methods, the tolerance and the seed, checked."""
    methods = lookup("method", method, METHODS)
    if tolerance is not None and not number("tolerance", tolerance, least=0):
        raise ValueError("tolerance must be more than 0: the numbers that gradients are held against are rounded too.")
    return methods, tolerance, integer("seed", seed, least=0)


def _shape_and_inputs(layer: Any, input_shape: Any, x: Any) -> tuple[tuple[int, ...], np.ndarray | None]:
    """The shape of one sample, and the inputs if they are given; both are checked, and that the layer is one."""
    if not isinstance(layer, Layer):
        hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) else ""
        raise TypeError(f"check_layer takes a Layer; got {layer!r}{hint}.")
    if x is not None and input_shape is not None:
        raise ValueError("check_layer takes an input_shape or inputs x, not both.")
    if x is not None:
        x = _real("x", x)
        return x.shape[1:], x
    if input_shape is None:
        input_shape = layer.input_shape[1:] if layer.built else layer.declared_shape
    if input_shape is None:
        raise ValueError("check_layer needs an input_shape (of one sample), or inputs x: the layer has none yet.")
    return check_shape("input_shape", input_shape), None


def _real(name: str, values: Any) -> np.ndarray:
    """Inputs as float64 on the host; ValueError unless they are real numbers of at least one sample."""
    array = np.array(to_numpy(inputs.as_samples(values, name)), dtype="float64")
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one sample; got shape {array.shape}.")
    return array
