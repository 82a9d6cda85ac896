"""What is one kernel on a GPU, where the arrays' own operators would take many launches.

A small network's step is so little arithmetic that on a GPU its time is that of its launches. So what every step does
has two forms: array expressions, which run on both backends and are the reference, and a kernel in CUDA C++ that
computes the same. This is the table of them:

    what                                      on arrays                                   the kernel
    a batch is cut from the samples           ArrayBatches in batches.py                  gather.cu
    softmax, cross-entropy, hits, gradient    SparseCategoricalCrossentropy in losses/    softmax_crossentropy.cu
    an optimizer's step                       `change`, of each in optimizers/            update.py, from its `formula`
    dropout and its random numbers            Dropout in layers/regularization.py         dropout.cu

The kernels compute in float32 and float64; in other dtypes, and for what a user's own class does, the array expressions
go on. They are compiled at their first use by NVRTC, without contraction of a * b + c into one rounding, so that an
optimizer's step has NumPy's bits. No result depends on the order in which threads run.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import on_device, xp_of

REALS = {"float32": "float", "float64": "double"}
TYPES = {  # what samples may be made of, and how CUDA C++ calls it
    **REALS,
    "bool": "bool", "int8": "signed char", "int16": "short", "int32": "int", "int64": "long long",
    "uint8": "unsigned char", "uint16": "unsigned short", "uint32": "unsigned int", "uint64": "unsigned long long",
}
OPTIONS = ("--fmad=false",)  # as NumPy rounds
THREADS = 256  # in a block
BLOCKS = 4096  # at most, where a thread can have several elements
NONE = np.uintp(0)  # the address of no array


def computes(array: Any) -> bool:
    """Whether the kernels compute with this array: one of CuPy's, in float32 or float64."""
    return on_device(array) and array.dtype.name in REALS


Three = tuple[Any, Any, Any]


def gather(samples: Three, order: Any, batch: Three, scaling: tuple[float, float]) -> None:
    """Write rows `order` of (x, y, weights) into the arrays of the batch: x scale + offset, in the batch's dtype.

    y and weights may be None. All are C-contiguous; the rows are in range, which nothing checks here.
    """
    x, out, rows = samples[0], batch[0], len(order)
    width = x.size // len(x)
    code = text("gather", sample=TYPES[x.dtype.name], real=REALS[out.dtype.name])
    targets = [_bytes_of_rows(own, cut) for own, cut in zip(samples[1:], batch[1:], strict=True)]
    size, scale, offset = np.int64(width), *map(out.dtype.type, scaling)
    arguments = (x, order, out, np.int64(rows), size, scale, offset, *targets[0], *targets[1])
    launch(xp_of(x), code, "gather", (blocks_for(max(width, 1)), min(rows, 65535)), arguments)


def softmax_crossentropy(
    logits: Any, labels: Any, factors: Any, losses: Any, hits: Any, probabilities: Any = None, gradient: Any = None
) -> None:
    """Write the losses, hits (0 or 1), probabilities and the gradient for logits (..., C) and labels (...) of int64.

    `factors` is a number, or an array of one for each label; `losses`, in float64, are then multiplied by them. What is
    None is not computed. All are C-contiguous; the labels are in range, which nothing checks here.
    """
    classes, real = logits.shape[-1], logits.dtype.type
    each = (NONE, real(factors)) if isinstance(factors, float) else (factors, real(0))
    outputs = (NONE if array is None else array for array in (losses, hits, probabilities, gradient))
    arguments = (logits, labels, *each, np.int64(labels.size), np.int32(classes), *outputs)
    code = text("softmax_crossentropy", real=REALS[logits.dtype.name])
    launch(xp_of(logits), code, "softmax_crossentropy", (blocks_for(32 * labels.size),), arguments)


def can_draw(x: Any, rng: np.random.Generator) -> bool:
    """Whether `dropout` can draw what this generator would draw for x: a Philox that has drawn nothing."""
    if not computes(x) or type(rng.bit_generator) is not np.random.Philox:
        return False
    state = rng.bit_generator.state
    return not state["state"]["counter"].any() and state["buffer_pos"] == 4 and not state["has_uint32"]


def dropout(x: Any, rng: np.random.Generator, rate: float) -> tuple[Any, Any]:
    """(y, kept): kept = rng.random(x.shape, "float32") >= rate, y = x kept / (1 - rate)."""
    xp, real, size = xp_of(x), x.dtype.type, x.size
    x, y, kept = xp.ascontiguousarray(x), xp.empty(x.shape, dtype=x.dtype), xp.empty(x.shape, dtype="bool")
    keys = rng.bit_generator.state["state"]["key"]
    rng.bit_generator.advance(blocks := -(-size // 8))  # what it has drawn; a part of a block is lost
    code, scale = text("dropout", real=REALS[x.dtype.name]), real(1 / (1 - rate))
    grid = (min(blocks_for(blocks), BLOCKS),)
    launch(xp, code, "dropout", grid, (x, y, kept, np.int64(size), np.float32(rate), scale, *keys))
    return y, kept


def launch(xp: Any, code: str, name: str, blocks: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
    """Run the kernel of this name in this text; nothing where it has no blocks, which CUDA refuses."""
    if 0 not in blocks:
        compiled(xp, code, name)(blocks, (THREADS,), arguments)


@functools.cache
def compiled(xp: Any, code: str, name: str) -> Any:
    """The kernel, made once; CuPy keeps what it has compiled on the disk as well."""
    return xp.RawKernel(code, name, options=OPTIONS)


@functools.cache
def text(name: str, **types: str) -> str:
    """The CUDA C++ of a kernel in a file, for these types."""
    names = "".join(f"typedef {type_} {own};\n" for own, type_ in types.items())
    return names + (Path(__file__).parent / f"{name}.cu").read_text(encoding="utf-8")


def blocks_for(threads: int) -> int:
    """How many blocks of THREADS threads are that many."""
    return -(-threads // THREADS)


def _bytes_of_rows(own: Any, cut: Any) -> tuple[Any, Any, Any]:
    if own is None:
        return NONE, NONE, np.int64(0)
    return own, cut, np.int64(own.nbytes // len(own))
