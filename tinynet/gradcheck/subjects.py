"""Prepare a layer, a loss or a model for a check: check_layer, check_loss and check_model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
from ..threads import one_for_small
from ..training.fusion import on_logits
from ..training.step import check_outputs
from .check import Check, NotFiniteError
from .copies import copied
from .function import Function
from .measure import METHODS
from .report import GradientError, Report

if TYPE_CHECKING:
    from ..models.sequential import Sequential

NOISE = 0.1  # added to fresh weights: a bias of 0 or a scale of 1 would hide the factors that it is multiplied by
WIDE, MODERATE = (0.03, 10), (0.1, 1)  # sizes of random inputs: beyond the bounds of most clips, or within most domains
BATCHES = (5, 7, 11, 13, 3)  # the first that is no other size of the layer is taken, to recognize it as a factor
REDRAWS = 5


def check_layer(
    layer: Layer,
    input_shape: Sequence[int] | None = None,
    *,
    x: Any = None,
    batch_size: int | None = None,
    method: str = "auto",
    tolerance: float | None = None,
    training: bool = True,
    seed: int = 0,
) -> Report:
    """Check the backward of a layer: dx and the gradient of every weight, with L = sum(dy * y) for a random dy.

    The check works on a copy of the layer in float64. The layer, its weights and its gradients stay as they are. In the
    copy, fresh weights and weights whose entries are all the same get some noise, up to a tenth of each entry: a scale
    of 1 or a bias of 0 would hide errors. A layer that draws random numbers is given a generator that draws the same
    numbers at every forward. Statistics, the weights without a gradient, are not differentiated.

    Each gradient is found twice without calculus, by the complex step and by central differences (`gradcheck.numeric`
    has the formulas). Arrays of up to 200 entries are checked entry by entry, larger ones along 20 random directions.
    An error is relative to the largest entry of all gradients of the layer. These are faults, too:

    - forward gives other results at a second call
    - forward or backward writes into its inputs or into the weights
    - a gradient depends on the former content of its array, on another forward between forward and backward, or on
      need_dx

    A check holds for one shape, one batch and one value of `training`. If a layer computes something else for other
    shapes, check it with each of them.

    BLAS uses one thread during the check, unless the environment sets another number.

    Args:
        layer: Any Layer, built or not: also a layer that you wrote, or a whole Sequential (without its loss).
        input_shape: The shape of one sample, without a batch axis. Not needed with x, or if the layer knows its shape.
        x: The inputs at which to check, batch axis included. By default they are random numbers from 0.03 to 10 in
            size, of either sign, and are drawn again if one meets a kink. Entries of x at a kink are left out and
            counted.
        batch_size: The batch size of the random inputs. By default a number that is no other size of the layer.
        method: "auto" uses both methods and believes the complex step where they agree. "central" uses differences
            alone. "complex" uses the complex step alone, and trusts the forward pass to be analytic: no abs, no real
            part, no norm.
        tolerance: The error that counts as rounding. By default 1e-12 for the complex step, 1e-6 for differences.
        training: The argument `training` of forward.
        seed: The seed of all random numbers of the check.

    Returns:
        A Report, which prints as a table.

    Raises:
        GradientError: A gradient is wrong. The text is the table, with the likely causes.
        TypeError: `layer` is not a Layer, or cannot be copied.
        ValueError: The layer cannot be checked at these inputs.
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
            with one_for_small(0):
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
    """Check the backward of a loss at given labels and outputs, with L = sum(factors * values) for random factors.

    The check looks for the same faults as check_layer does. Another fault is a gradient that depends on whether the
    factors are an array or one number.

    Args:
        loss: A Loss, or the name of one.
        y_true: The labels.
        y_pred: Any outputs that the loss takes, (B, ...). They are used in float64.
        method: As in check_layer.
        tolerance: As in check_layer.
        seed: As in check_layer.

    Returns:
        A Report, which prints as a table.

    Raises:
        GradientError: The gradient is wrong. The text is the table, with the likely causes.
        TypeError: The loss cannot be copied.
        ValueError: The loss cannot be checked at these labels and outputs.
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
    with one_for_small(0):
        check.run(lambda size: 0.5 + rng.random(size))
        check.compare_scalar_factor()
    return check.finished()


def check_model(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    method: str = "auto",
    tolerance: float | None = None,
    seed: int = 0,
) -> Report:
    """Check the gradients of a compiled model for the mean loss of a batch: of every weight, and of the inputs.

    The loss is the trained one: if the model ends in softmax or sigmoid, it is the loss of the logits. The penalties of
    regularizers are not part of it, and neither are sample weights and the loss's reduction. Every layer and the loss
    are also checked by themselves, at the values that they have in the model. Those that fail are in the report, with
    their likely causes. The check looks for the same faults as check_layer does. The model's metrics, optimizer and
    weights stay as they are.

    Args:
        model: A compiled model.
        x: The inputs, batch axis included. They are used in float64.
        y: The labels.
        method: As in check_layer.
        tolerance: As in check_layer.
        seed: As in check_layer.

    Returns:
        A Report, which prints as a table.

    Raises:
        GradientError: A gradient is wrong. The text is the table, with the likely causes.
        TypeError: `model` is not a model, or cannot be copied.
        ValueError: The model is not compiled, or cannot be checked at these inputs.
    """
    if not isinstance(model, Trainer):
        raise TypeError(f"check_model takes a compiled model; got {model!r}. For a layer there is check_layer.")
    if model.loss is None:
        raise ValueError("check_model takes a compiled model: call model.compile(optimizer, loss) first.")
    methods, tolerance, seed = _options(method, tolerance, seed)
    rng, twin = np.random.default_rng(seed), copied(model)
    x, y = inputs.samples_and_labels(x, y)
    inputs.check_lengths(x, y)
    twin.prepare(x.shape[1:])  # the next line refuses a shape that does not fit
    x = np.array(to_numpy(inputs.fit_shape(x, twin.input_shape[1:])), dtype="float64")
    labels = as_real(twin.loss.check(y, twin.output_shape), "float64")
    parts = noisy(twin.parts(), rng, fresh=not model.built)
    fused = on_logits(parts, twin.output_shape, twin.loss)
    chain = parts[:-1] if fused else parts
    function = Function(chain, x, loss=fused or twin.loss, labels=labels)
    subject = f"the model '{model.name}' with the loss {model.loss.name} for inputs of shape {x.shape}"
    check = Check(function, subject, methods, tolerance, rng)
    with one_for_small(0):
        check.run(lambda size: 1 / math.prod(size))
        check.check_parts()
    return check.finished()


def built(layer: Layer, input_shape: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """Build the layer for samples of this shape, if it is not built. Return the shape of its output."""
    if isinstance(layer, Trainer):
        layer.build((None, *input_shape))
        return layer.output_shape[1:]
    return layer.setup(input_shape, rng, layer.backend, "float64")


def noisy(parts: list[Layer], rng: np.random.Generator, fresh: bool) -> list[Layer]:
    """Add a little noise to every weight if all are fresh, else to weights whose entries are all the same.

    A number changes by up to a tenth, and keeps its sign. A 0 changes by up to 0.1; in a statistic, such as a variance,
    it becomes positive.

    Returns:
        The parts.
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
    """Draw numbers of either sign whose sizes are spread evenly over the powers of ten within the reach."""
    return rng.choice([-1, 1], shape) * 10 ** rng.uniform(*np.log10(reach), shape)


def distinct_batch(shape: tuple[int, ...], output_shape: tuple[int, ...], parts: list[Layer]) -> int:
    """Return a batch size that is no other size of the layer, if there is one in BATCHES."""
    weights = [getattr(part, name).shape for part in unique(parts) for name in part.weight_names]
    taken = {*shape, *output_shape, *(size for shape in weights for size in shape)}
    return next((size for size in BATCHES if size not in taken), BATCHES[0])


# ---- arguments --------------------------------------------------------------------------------------------------


def _options(method: str, tolerance: float | None, seed: int) -> tuple[tuple[str, ...], float | None, int]:
    """Check the options; return the methods, the tolerance and the seed."""
    methods = lookup("method", method, METHODS)
    if tolerance is not None and not number("tolerance", tolerance, least=0):
        raise ValueError("tolerance must be more than 0: the numbers that gradients are held against are rounded too.")
    return methods, tolerance, integer("seed", seed, least=0)


def _shape_and_inputs(layer: Any, input_shape: Any, x: Any) -> tuple[tuple[int, ...], np.ndarray | None]:
    """Check the layer, the shape and the inputs; return the shape of one sample, and the inputs if they are given."""
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
    """Return inputs as float64 on the host. Raise ValueError unless they are real numbers of at least one sample."""
    array = np.array(to_numpy(inputs.as_samples(values, name)), dtype="float64")
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one sample; got shape {array.shape}.")
    return array
