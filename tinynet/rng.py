"""Random numbers without hidden state: a generator is a function of (seed, purpose, count).

So training that stops after any step, is saved, loaded and goes on draws the same numbers as if it had never
stopped, and nothing ever touches NumPy's global generator. All numbers are drawn on the host, so that both
backends see the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .checks import integer

if TYPE_CHECKING:
    import numpy as np

PURPOSES = {"weights": 0, "shuffle": 1}


def generator(seed: int, purpose: str, count: int) -> np.random.Generator:
    """NumPy's default generator, keyed by the model's seed, the purpose and a count."""
    import numpy as np  # numpy.random costs 13 ms: it is loaded at the first draw, not at import

    return np.random.default_rng([seed, PURPOSES[purpose], count])


def choose_seed(seed: Any = None) -> int:
    """The given seed, or a fresh one of 32 bits from the operating system."""
    if seed is not None:
        return integer("seed", seed, least=0)
    import os

    return int.from_bytes(os.urandom(4), "little")
