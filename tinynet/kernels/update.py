"""The kernel of an optimizer's step: the same few lines around every optimizer's formula."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import xp_of
from . import BLOCKS, REALS, blocks_for, computes, launch

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


def updates(weight: Any, gradient: Any, slots: Sequence[Any]) -> bool:
    """Whether the kernel can make this step: of real arrays of one dtype, with the weight and the slots contiguous."""
    return (
        computes(weight)
        and computes(gradient)
        and all(array.dtype == weight.dtype for array in (gradient, *slots))
        and all(array.flags.c_contiguous for array in (weight, *slots))
    )


def update(formula: str, weight: Any, gradient: Any, slots: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
    """One step: the formula, for each entry, from g, w, the slots and the numbers, gives the slots and `change`."""
    code = text(REALS[weight.dtype.name], formula, tuple(slots), tuple(numbers))
    gradient = xp_of(gradient).ascontiguousarray(gradient)
    values = map(weight.dtype.type, numbers.values())
    blocks = min(blocks_for(weight.size), BLOCKS)
    arguments = (weight, gradient, np.int64(weight.size), *slots.values(), *values)
    launch(xp_of(weight), code, "update", (blocks,), arguments)


@functools.cache
def text(real: str, formula: str, slots: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    """The CUDA C++ of the kernel; ValueError if the formula does not set `change`."""
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
