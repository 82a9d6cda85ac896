"""Random numbers without hidden state: a generator is a function of (seed, purpose, count).

So a training that stops after any step, is saved, loaded and continued draws the same numbers as if it had never
stopped. NumPy's global generator is neither read nor changed. Both backends see the same numbers: they are drawn on the
host, or on the GPU as the host would draw them. Without a given seed, a fresh one comes from the operating system or,
after `utils.set_random_seed`, from a stream of seeds that starts there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import integer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    import numpy as np

PURPOSES = {"weights": 0, "shuffle": 1, "step": 2, "call": 3, "dataset": 4}
fresh: random.Random | None = None  # where fresh seeds come from; None is the operating system


def generator(seed: int, purpose: str, *count: int) -> np.random.Generator:
    """Return NumPy's default generator, keyed by a seed, a purpose and counts.

    Args:
        seed: Seed, mostly a model's.
        purpose: One of PURPOSES.
        *count: Integers that tell apart the generators of this seed and purpose.
    """
    import numpy as np  # numpy.random costs 13 ms, so it is loaded at the first draw, not at import

    return np.random.default_rng([seed, PURPOSES[purpose], *count])


def counter(seed: int, purpose: str, *count: int) -> np.random.Generator:
    """Return a Philox generator with the same key. A number depends on its place alone, so GPU threads can draw it."""
    import numpy as np

    return np.random.Generator(np.random.Philox([seed, PURPOSES[purpose], *count]))


def draws(seed: int, purpose: str, count: int) -> Callable[[int, Any], np.random.Generator]:
    """Return draw(index, layer), which makes the generator of a random layer at this place of a chain.

    The place is part of the key. A layer that has a `seed` is keyed by it, not by the seed given here.
    """

    def draw(index: int, layer: Any) -> np.random.Generator:
        seed_of_layer = getattr(layer, "seed", None)
        return counter(seed if seed_of_layer is None else seed_of_layer, purpose, count, index)

    return draw


def choose_seed(seed: Any = None) -> int:
    """Return the given seed, a non-negative integer, or for None a fresh one of 32 bits."""
    if seed is not None:
        return integer("seed", seed, least=0)
    if fresh is not None:
        return fresh.getrandbits(32)
    import os

    return int.from_bytes(os.urandom(4), "little")


def start_fresh_seeds(seed: int) -> None:
    """Draw all fresh seeds from now on from a stream that this seed determines."""
    import random

    global fresh
    fresh = random.Random(seed)
