"""Random numbers without hidden state: a generator is a function of (seed, purpose, count).

So training that stops after any step, is saved, loaded and goes on draws the same numbers as if it had never
stopped, and NumPy's global generator is neither read nor moved. Both backends see the same numbers: they are drawn on
the host, or on the GPU as the host would. What is given no seed is given a fresh one by the operating system or, after
`utils.set_random_seed`, by a stream of seeds that starts there.
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
    """NumPy's default generator, keyed by the model's seed, the purpose and a count."""
    import numpy as np  # numpy.random costs 13 ms: it is loaded at the first draw, not at import

    return np.random.default_rng([seed, PURPOSES[purpose], *count])


def counter(seed: int, purpose: str, *count: int) -> np.random.Generator:
    """The same of Philox, whose numbers are a function of their place: a GPU can draw them, each thread its own."""
    import numpy as np

    return np.random.Generator(np.random.Philox([seed, PURPOSES[purpose], *count]))


def draws(seed: int, purpose: str, count: int) -> Callable[[int, Any], np.random.Generator]:
    """For each random layer of a chain a generator, keyed by its place too; a layer's own seed goes first."""

    def draw(index: int, layer: Any) -> np.random.Generator:
        own = getattr(layer, "seed", None)
        return counter(seed if own is None else own, purpose, count, index)

    return draw


def choose_seed(seed: Any = None) -> int:
    """The given seed, or a fresh one of 32 bits."""
    if seed is not None:
        return integer("seed", seed, least=0)
    if fresh is not None:
        return fresh.getrandbits(32)
    import os

    return int.from_bytes(os.urandom(4), "little")


def start_fresh_seeds(seed: int) -> None:
    """From here on the fresh seeds are those of a stream that this seed determines."""
    import random

    global fresh
    fresh = random.Random(seed)
