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
go on. They are compiled at their first use by NVRTC, without contraction of a * b + c into one rounding, so that a
batch, a dropout and an optimizer's step have NumPy's bits; but what is subnormal in float32, below 1.2e-38, is 0 there,
since CuPy compiles with -ftz=true. No result depends on the order in which threads run.
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
CLASSES = 1024  # at most, for a warp to have a row of them
BLOCKS = 4096  # at most, where a thread can have several elements
NULL = np.uintp(0)  # the address of no array


def computes(array: Any) -> bool:
    """Whether the kernels compute with this array: one of CuPy's, in float32 or float64."""
    return on_device(array) and array.dtype.name in REALS


def gather(
    samples: tuple[Any, Any, Any], order: Any, batch: tuple[Any, Any, Any], scaling: tuple[float, float]
) -> None:
    """Write rows `order` of the samples (x, y, weights) into the arrays of the batch: x scale + offset, in its dtype.

    y and weights may be None. All are C-contiguous; the rows are in range, which nothing checks here.
    """
    (x, y, weights), (x_batch, labels, batch_weights), rows = samples, batch, len(order)
    width, real = x.size // len(x), x_batch.dtype.type
    code = text("gather", sample=TYPES[x.dtype.name], real=REALS[x_batch.dtype.name])
    sizes = np.int64(rows), np.int64(width), *map(real, scaling)
    copied = (*_with_row_size(y, labels), *_with_row_size(weights, batch_weights))
    arguments = (x, order, x_batch, *sizes, *copied)
    launch(xp_of(x), code, "gather", (blocks_for(max(width, 1)), min(rows, 65535)), arguments)


def softmax_crossentropy(
    logits: Any, labels: Any, factors: Any, losses: Any, hits: Any, probabilities: bool = True, gradient: bool = True
) -> tuple[Any, Any]:
    """The probabilities and the gradient for logits (..., C) and labels (...); each None if it is not asked for.

    `losses`, and `hits` unless that is None, are contiguous arrays of float64, for one number, and 0 or 1, for each
    label. `factors` is a number, or an array of one for each label, and the losses are then multiplied by them. The
    labels are in range, which nothing checks here.
    """
    xp, classes, real = xp_of(logits), logits.shape[-1], logits.dtype.type
    logits, labels = xp.ascontiguousarray(logits), xp.ascontiguousarray(labels, dtype="int64")
    if isinstance(factors, float):
        each = (NULL, real(factors))
    else:
        each = (xp.ascontiguousarray(factors, dtype=logits.dtype), real(0))
    p, dz = (xp.empty_like(logits) if wanted else None for wanted in (probabilities, gradient))
    outputs = (NULL if array is None else array for array in (losses, hits, p, dz))
    arguments = (logits, labels, *each, np.int64(labels.size), np.int32(classes), *outputs)
    code = text("softmax_crossentropy", real=REALS[logits.dtype.name])
    launch(xp, code, "softmax_crossentropy", (blocks_for(32 * labels.size),), arguments)
    return p, dz


def can_draw(x: Any, rng: np.random.Generator) -> bool:
    """Whether `dropout` can draw what this generator would draw for x: a Philox that has drawn nothing."""
    if not computes(x) or type(rng.bit_generator) is not np.random.Philox:
        return False
    return not rng.bit_generator.state["state"]["counter"].any()


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
    """The CUDA C++ of a kernel: typedefs that give these names to types, and its file."""
    names = "".join(f"typedef {type_} {own};\n" for own, type_ in types.items())
    return names + (Path(__file__).parent / f"{name}.cu").read_text(encoding="utf-8")


def blocks_for(threads: int) -> int:
    """How many blocks of THREADS threads are that many."""
    return -(-threads // THREADS)


def _with_row_size(array: Any, cut: Any) -> tuple[Any, Any, Any]:
    """An array, what of it goes into the batch, and the bytes of a row; of None null pointers."""
    return (NULL, NULL, np.int64(0)) if array is None else (array, cut, np.int64(array.nbytes // len(array)))
