"""One gradient held against numbers: which method serves, which entries lie at a kink, and how large the error is."""

from __future__ import annotations

import itertools
import math

import numpy as np

from .numeric import TOLERANCES, Derivative, largest

ENTRIES = 200  # arrays up to this size are checked entry by entry, larger ones along random directions
DIRECTIONS = 20
SHARES = (32, 1 / 32, 1024, 1 / 1024, 1 / 32768)  # of the step, for a difference that does not agree with a value
METHODS = {
    "auto": ("complex step", "central differences"),
    "complex": ("complex step",),
    "central": ("central differences",),
}


class Measured:
    """The derivative in one array, along unit vectors or along random directions.

    By "auto" it is found by both methods. Where they agree the complex step is believed, since it has the more digits.
    Where they do not, by steps of any length and away from kinks, the forward pass is not analytic (it takes the
    absolute value or the real part of a complex number), and the differences are believed.

    A random direction has entries of about the size 1, so that an error in one entry shows at its full size in most.
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
        self.seed = rng.bit_generator.random_raw()  # directions may be large: they are drawn anew when they are needed
        self.kinks: list[int] = []  # numbers of the directions that were left out
        self.complex = self.central = None
        if "complex step" in methods:
            self.complex = np.array([derivative.along(self.direction(i), "complex step") for i in range(self.count)])
        if "central differences" in methods:
            self.central = np.array([self.difference(i) for i in range(self.count)])
        self.method = methods[0]
        self.numeric = self.central if self.complex is None else self.complex

    def direction(self, i: int) -> np.ndarray:
        """The i-th direction."""
        if self.entries is None:
            return np.random.default_rng([self.seed, i]).normal(size=self.shape)
        unit = np.zeros(self.size)
        unit[self.entries[i]] = 1
        return unit.reshape(self.shape)

    def step(self, i: int) -> float:
        """How far a difference goes: in proportion to an entry that is larger than 1; shared out among all entries."""
        sizes = np.maximum(1, np.abs(self.derivative.values[self.derivative.which])).ravel()
        if self.entries is None:
            return self.derivative.STEP * math.sqrt((sizes * sizes).mean() / self.size)
        return self.derivative.STEP * float(sizes[self.entries[i]])

    def other_steps(self, i: int) -> list[float]:
        """Longer and shorter ones, and one in proportion to a tiny entry."""
        steps = [self.step(i) * share for share in SHARES]
        entry = 0.0 if self.entries is None else self.derivative.values[self.derivative.which].flat[self.entries[i]]
        return [*steps, self.derivative.STEP * abs(float(entry))] if entry else steps

    def difference(self, i: int, step: float | None = None) -> float:
        """The central difference along the i-th direction."""
        return self.derivative.along(self.direction(i), "central differences", step or self.step(i))

    def largest(self) -> float:
        """The largest entry that was found; 0 along random directions, which do not show it."""
        return 0.0 if self.entries is None else largest(self.numeric)

    def along(self, gradient: np.ndarray) -> np.ndarray:
        """The derivatives along the directions that this gradient claims."""
        if self.entries is None:
            return np.array([(gradient * self.direction(i)).sum() for i in range(self.count)])
        return gradient.ravel()[self.entries]

    def scale(self, largest_of_all: float, tolerance: float) -> float:
        """What errors are relative to: the largest entry of all gradients, if rounding alone stays below the tolerance.

        Where all gradients are tiny beside the numbers that they are computed from, rounding counts instead.
        """
        spread = math.sqrt(self.size) if self.entries is None else 1
        return max(largest_of_all, self.derivative.rounding(self.method) * spread / tolerance)

    def settle(self, gradient: np.ndarray, largest_of_all: float, tolerance: float | None) -> bool:
        """Choose the method, and set aside the entries at a kink; False if only single entries can be checked.

        A random direction meets the kinks of all entries, so that hardly one would be left.
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
                self.numeric[i] = claimed[i]  # by another step
            elif self.at_kink(i):
                if self.entries is None:
                    return False
                self.kinks.append(int(i))
            elif self.method == "central differences":
                self.numeric[i] = self.steadiest(i)
        return True

    def agrees(self, i: int, value: float, allowed: float) -> bool:
        """Whether the difference over some step is this value: each step has its own rounding and truncation."""
        others = (self.difference(i, step) for step in self.other_steps(i))
        return any(abs(found - value) <= allowed for found in itertools.chain([self.central[i]], others))

    def steadiest(self, i: int) -> float:
        """The difference that changes least from one step to the next, and whose rounding is small."""
        steps = sorted({self.step(i), *self.other_steps(i)})
        values = [self.difference(i, step) for step in steps]
        rounding = self.derivative.rounding("central differences") * self.derivative.STEP
        doubts = [abs(values[k] - values[k + 1]) + rounding / steps[k] for k in range(len(steps) - 1)]
        return values[int(np.nanargmin([*doubts, math.inf]))]

    def at_kink(self, i: int) -> bool:
        """Whether some number in the forward pass has two slopes along the i-th direction, however short the step.

        On a curve their difference shrinks with the step; near a kink it vanishes as soon as the step is too short to
        reach it; if it is rounding it grows; at a kink it stays.
        """
        v, h = self.direction(i), self.step(i)
        bends, slopes = self.derivative.bends(v, h)
        finer, _ = self.derivative.bends(v, h / 32)
        lasting = (finer > bends / 2) & (finer < bends * 2)
        return bool((lasting & (finer > 1e-4 * largest(slopes))).any())

    def errors(self, gradient: np.ndarray, scale: float) -> np.ndarray:
        """The error along each direction, relative to the scale; NaN is infinitely wrong, a kink is not counted."""
        errors = np.abs(self.along(gradient) - self.numeric) / scale
        errors = np.where(np.isnan(errors), math.inf, errors)
        errors[self.kinks] = 0
        return errors

    def error(self, gradient: np.ndarray, largest_of_all: float, tolerance: float) -> float:
        """The largest of the errors."""
        return max(self.errors(gradient, self.scale(largest_of_all, tolerance)).tolist(), default=0.0)

    def worst(self, gradient: np.ndarray, scale: float, rng: np.random.Generator) -> tuple[tuple[int, ...], float]:
        """The index of the largest error, and the derivative there; among random directions it is searched for.

        The search halves the array again and again and goes where the error along a random direction is larger: it ends
        at a wrong entry, not always at the worst.
        """
        if self.entries is not None:
            errors = self.errors(gradient, scale)
            errors[self.kinks] = -math.inf
            place = int(errors.argmax())
            return np.unravel_index(self.entries[place], self.shape), float(self.numeric[place])
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


def units(shape):
    """Every unit vector of this shape."""
    for index in np.ndindex(shape):
        v = np.zeros(shape)
        v[index] = 1
        yield v
