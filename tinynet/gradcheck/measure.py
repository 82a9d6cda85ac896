"""Compare one gradient with numbers: choose the method, find entries at a kink, and compute the error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from .numeric import TOLERANCES, Derivative, largest

ENTRIES = 200  # arrays up to this size are checked entry by entry, larger ones along random directions
DIRECTIONS = 20
SHARES = (32, 1 / 32, 1024, 1 / 1024, 1 / 32768)  # the other steps that a difference tries, as shares of its step
METHODS = {
    "auto": ("complex step", "central differences"),
    "complex": ("complex step",),
    "central": ("central differences",),
}


class Measured:
    """The measured derivative in one array, along unit vectors or along random directions.

    "auto" measures by both methods. Where they agree the complex step is believed, since it has more digits. Where they
    disagree, by steps of any length and away from kinks, the forward pass is not analytic: it takes the absolute value
    or the real part of a complex number. Then the differences are believed.

    A random direction has entries of about the size 1. So an error in one entry shows at its full size along most.

    Args:
        derivative: The derivative to measure.
        methods: The methods to use.
        rng: The generator from which the random directions are seeded.
        entries: The flat indices of the entries to check; by default all entries of an array of up to ENTRIES, and
            random directions for a larger one.
    """

    def __init__(
        self,
        derivative: Derivative,
        methods: tuple[str, ...],
        rng: np.random.Generator,
        entries: np.ndarray | None = None,
    ):
        self.derivative, self.methods = derivative, methods
        array = derivative.values[derivative.which]
        self.shape, self.size = array.shape, array.size
        self.entries = np.arange(array.size) if entries is None and array.size <= ENTRIES else entries
        self.count = DIRECTIONS if self.entries is None else len(self.entries)
        self.seed = rng.bit_generator.random_raw()  # directions may be large: they are drawn again, not stored
        self.kinks: list[int] = []  # the directions that are left out, by number
        self.complex = self.central = None
        if "complex step" in methods:
            self.complex = np.array([derivative.along(self.direction(i), "complex step") for i in range(self.count)])
        if "central differences" in methods:
            self.central = np.array([self.difference(i) for i in range(self.count)])
        self.method = methods[0]
        self.numeric = self.central if self.complex is None else self.complex

    def direction(self, i: int) -> np.ndarray:
        """Return the i-th direction."""
        if self.entries is None:
            return np.random.default_rng([self.seed, i]).normal(size=self.shape)
        unit = np.zeros(self.size)
        unit[self.entries[i]] = 1
        return unit.reshape(self.shape)

    def step(self, i: int) -> float:
        """Return the step of a difference.

        It grows with an entry that is larger than 1. Along a random direction all entries share it.
        """
        sizes = np.maximum(1, np.abs(self.derivative.values[self.derivative.which])).ravel()
        if self.entries is None:
            return self.derivative.STEP * math.sqrt((sizes * sizes).mean() / self.size)
        return self.derivative.STEP * float(sizes[self.entries[i]])

    def other_steps(self, i: int) -> list[float]:
        """Return longer and shorter steps, and one in proportion to a tiny entry."""
        steps = [self.step(i) * share for share in SHARES]
        entry = 0.0 if self.entries is None else self.derivative.values[self.derivative.which].flat[self.entries[i]]
        return [*steps, self.derivative.STEP * abs(float(entry))] if entry else steps

    def difference(self, i: int, step: float | None = None) -> float:
        """Return the central difference along the i-th direction."""
        return self.derivative.along(self.direction(i), "central differences", step or self.step(i))

    def largest(self) -> float:
        """Return the largest measured entry, or 0 for random directions, which do not show it."""
        return 0.0 if self.entries is None else largest(self.numeric)

    def along(self, gradient: np.ndarray) -> np.ndarray:
        """Return the derivatives along the directions according to this gradient."""
        if self.entries is None:
            return np.array([(gradient * self.direction(i)).sum() for i in range(self.count)])
        return gradient.ravel()[self.entries]

    def scale(self, largest_of_all: float, tolerance: float) -> float:
        """Return the number to which errors are relative.

        It is the largest entry of all gradients, unless rounding alone would then exceed the tolerance: all gradients
        may be tiny beside the numbers that they are computed from. Then it follows from the rounding.
        """
        spread = math.sqrt(self.size) if self.entries is None else 1
        return max(largest_of_all, self.derivative.rounding(self.method) * spread / tolerance)

    def settle(self, gradient: np.ndarray, largest_of_all: float, tolerance: float | None) -> bool:
        """Choose the method, and leave out the entries at a kink.

        Returns:
            False if random directions cannot be used: each meets the kinks of all entries, and few would be left. Then
            single entries must be checked.
        """
        if self.complex is not None and self.central is not None:
            self.method = "central differences"
            allowed = TOLERANCES[self.method] * self.scale(largest_of_all, TOLERANCES[self.method])
            if all(self.agrees(i, self.complex[i], allowed) or self.at_kink(i) for i in range(self.count)):
                self.method = "complex step"
            self.numeric = self.complex if self.method == "complex step" else self.central
        tolerance = TOLERANCES[self.method] if tolerance is None else tolerance
        scale, claimed = self.scale(largest_of_all, tolerance), self.along(gradient)
        for i in np.flatnonzero(~(self.errors(gradient, scale) <= tolerance)):
            if self.method == "central differences" and self.agrees(i, claimed[i], tolerance * scale):
                self.numeric[i] = claimed[i]  # another step confirms it
            elif self.at_kink(i):
                if self.entries is None:
                    return False
                self.kinks.append(int(i))
            elif self.method == "central differences":
                self.numeric[i] = self.steadiest(i)
        return True

    def agrees(self, i: int, value: float, allowed: float) -> bool:
        """Tell whether the difference over some step is this value: rounding and truncation depend on the step."""
        others = (self.difference(i, step) for step in self.other_steps(i))
        return any(abs(found - value) <= allowed for found in itertools.chain([self.central[i]], others))

    def steadiest(self, i: int) -> float:
        """Return the difference that changes least from one step to the next, and whose rounding is small."""
        steps = sorted({self.step(i), *self.other_steps(i)})
        values = [self.difference(i, step) for step in steps]
        rounding = self.derivative.rounding("central differences") * self.derivative.STEP
        doubts = [abs(values[k] - values[k + 1]) + rounding / steps[k] for k in range(len(steps) - 1)]
        return values[int(np.nanargmin([*doubts, math.inf]))]

    def at_kink(self, i: int) -> bool:
        """Tell whether some number in the forward pass has two slopes along the i-th direction, by steps of any length.

        When the step becomes shorter, the difference of the slopes shrinks on a curve. Near a kink it vanishes as soon
        as the step does not reach the kink. Rounding grows. Only at a kink does the difference stay.
        """
        v, h = self.direction(i), self.step(i)
        bends, slopes = self.derivative.bends(v, h)
        finer, _ = self.derivative.bends(v, h / 32)
        lasting = (finer > bends / 2) & (finer < bends * 2)
        return bool((lasting & (finer > 1e-4 * largest(slopes))).any())

    def errors(self, gradient: np.ndarray, scale: float) -> np.ndarray:
        """Return the error along each direction, relative to the scale: infinite for NaN, 0 at a kink."""
        errors = np.abs(self.along(gradient) - self.numeric) / scale
        errors = np.where(np.isnan(errors), math.inf, errors)
        errors[self.kinks] = 0
        return errors

    def error(self, gradient: np.ndarray, largest_of_all: float, tolerance: float) -> float:
        """Return the largest of the errors."""
        return max(self.errors(gradient, self.scale(largest_of_all, tolerance)).tolist(), default=0.0)

    def worst(self, gradient: np.ndarray, scale: float, rng: np.random.Generator) -> tuple[tuple[int, ...], float]:
        """Return the index of the largest error, and the derivative there.

        For random directions it is searched for. The search halves the array again and again, and goes on in the half
        with the larger error along a random direction. It ends at a wrong entry, not always at the worst.
        """
        if self.entries is not None:
            errors = self.errors(gradient, scale)
            errors[self.kinks] = -math.inf
            i = int(errors.argmax())
            return np.unravel_index(self.entries[i], self.shape), float(self.numeric[i])
        start, stop = 0, gradient.size
        while stop - start > 1:
            middle, errors = (start + stop) // 2, []
            for half in (slice(start, middle), slice(middle, stop)):
                v = np.zeros(gradient.size)
                v[half] = rng.normal(size=half.stop - half.start)
                v = v.reshape(self.shape)
                errors.append(abs((gradient * v).sum() - self.derivative.along(v, self.method, self.step(0))))
            start, stop = (start, middle) if errors[0] >= errors[1] else (middle, stop)
        index = np.unravel_index(start, self.shape)
        unit = np.zeros(self.shape)
        unit[index] = 1
        return index, self.derivative.along(unit, self.method, self.derivative.STEP)


def units(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield every unit vector of this shape."""
    for index in np.ndindex(shape):
        v = np.zeros(shape)
        v[index] = 1
        yield v
