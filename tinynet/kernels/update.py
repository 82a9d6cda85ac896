"""The door of an optimizer's step: the same few lines around every optimizer's formula."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import xp_of
from .launch import BLOCKS, REALS, blocks_for, computes, launch

KERNEL = """\
typedef {real} real;

__device__ inline real larger(real a, real b) {{ return a > b || a != a ? a : b; }}  // NaN stays, as in NumPy

extern "C" __global__ void update(
    real* weights, const real* gradients, long long size{parameters})
{{
    const long long stride = gridDim.x * (long long)blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < size; i += stride) {{
        const real g = gradients[i], w = weights[i];
        real change;
{loads}{formula}{stores}        weights[i] = w + change;
    }}
}}
"""


def update(optimizer: Any, weight: Any, gradient: Any, scratch: Any, slots: Sequence[Any], rate: float) -> None:
    """Make one step of an optimizer on one weight with this learning rate, in place.

    That is one kernel if the optimizer has a formula and all arrays are the kernel's. Else it is done by
    `optimizer.apply_by_arrays`.
    """
    formula = formula_of(optimizer) if updates(weight, gradient, slots) else None
    if formula is None:
        optimizer.apply_by_arrays(weight, gradient, scratch, slots, rate)
        return
    numbers = dict(optimizer.numbers(rate))  # to which some are added, by names that no formula has
    if optimizer.decaying:
        formula = "".join(f"if (fabs({slot}) <= bound_) {slot} *= 0;\n" for slot in optimizer.decaying) + formula
        numbers["bound_"] = optimizer.clearing_bound(weight.dtype)
    if optimizer.weight_decay:
        formula, numbers["decay_"] = formula + "\nchange = w * -decay_ + change;", optimizer.weight_decay * rate
    launch_update(formula, weight, gradient, dict(zip(optimizer.slots, slots, strict=True)), numbers)


def formula_of(optimizer: Any) -> str | None:
    """Return the optimizer's formula, if it is a form of its `change`: both stand in one class."""
    kind = next(ancestor for ancestor in type(optimizer).__mro__ if "change" in vars(ancestor))
    return optimizer.formula if "formula" in vars(kind) and "change" not in vars(optimizer) else None


def updates(weight: Any, gradient: Any, slots: Sequence[Any]) -> bool:
    """Tell whether the kernel can make this step: real arrays of one dtype, weight and slots contiguous."""
    return (
        computes(weight)
        and computes(gradient)
        and all(array.dtype == weight.dtype for array in (gradient, *slots))
        and all(array.flags.c_contiguous for array in (weight, *slots))
    )


def launch_update(
    formula: str, weight: Any, gradient: Any, slots: Mapping[str, Any], numbers: Mapping[str, float]
) -> None:
    """Compute the formula for each entry from g, w, the slots and the numbers; it gives the slots and `change`."""
    code = text(REALS[weight.dtype.name], formula, tuple(slots), tuple(numbers))
    gradient = xp_of(gradient).ascontiguousarray(gradient)
    values = map(weight.dtype.type, numbers.values())
    blocks = min(blocks_for(weight.size), BLOCKS)
    arguments = (weight, gradient, np.int64(weight.size), *slots.values(), *values)
    launch(xp_of(weight), code, "update", (blocks,), arguments)


@functools.cache
def text(real: str, formula: str, slots: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """Return the CUDA C++ of the kernel; ValueError if the formula does not set `change`."""
    if not re.search(r"\bchange\s*=[^=]", formula):
        raise ValueError(f"An optimizer's formula must set `change`, what is added to the weight; got {formula!r}.")
    parameters = [*(f"real* __restrict__ {slot}_of" for slot in slots), *(f"real {number}" for number in numbers)]
    return KERNEL.format(
        real=real,
        parameters="".join(f", {parameter}" for parameter in parameters),
        loads="".join(f"        real {slot} = {slot}_of[i];\n" for slot in slots),
        formula="".join(f"        {line}\n" for line in map(str.strip, formula.splitlines()) if line),
        stores="".join(f"        {slot}_of[i] = {slot};\n" for slot in slots),
    )
