"""The door of dropout, with the random numbers that it draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import xp_of
from .launch import BLOCKS, REALS, blocks_for, computes, launch, text


def dropout(reference: Callable[..., Any], x: Any, rng: np.random.Generator, rate: float) -> tuple[Any, Any]:
    """Return (y, kept): kept = rng.random(x.shape, "float32") >= rate, y = x kept / (1 - rate).

    `reference(x, rng, rate)` does the same by array expressions.
    """
    return launch_dropout(x, rng, rate) if can_draw(x, rng) else reference(x, rng, rate)


def can_draw(x: Any, rng: np.random.Generator) -> bool:
    """Tell whether the kernel can draw what this generator would draw for x: a Philox that has drawn nothing."""
    if not computes(x) or type(rng.bit_generator) is not np.random.Philox:
        return False
    return not rng.bit_generator.state["state"]["counter"].any()


def launch_dropout(x: Any, rng: np.random.Generator, rate: float) -> tuple[Any, Any]:
    """Return (y, kept): kept = rng.random(x.shape, "float32") >= rate, y = x kept / (1 - rate)."""
    xp, real, size = xp_of(x), x.dtype.type, x.size
    x, y, kept = xp.ascontiguousarray(x), xp.empty(x.shape, dtype=x.dtype), xp.empty(x.shape, dtype="bool")
    keys = rng.bit_generator.state["state"]["key"]
    rng.bit_generator.advance(blocks := -(-size // 8))  # what it has drawn; a part of a block is lost
    code, scale = text("dropout", real=REALS[x.dtype.name]), real(1 / (1 - rate))
    grid = (min(blocks_for(blocks), BLOCKS),)
    launch(xp, code, "dropout", grid, (x, y, kept, np.int64(size), np.float32(rate), scale, *keys))
    return y, kept
