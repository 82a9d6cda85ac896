"""One gradient held against numbers: which method serves, which entries lie at a kink, and how large the error is."""

from __future__ import annotations

import math

import numpy as np

from .numeric import EPS, TOLERANCES, Derivative

ENTRIES = 200  # arrays up to this size are checked entry by entry, larger ones along random directions
DIRECTIONS = 20
FINER = 1 / 32  # of the step, to tell a kink from a curve
METHODS = {
    "auto": ("complex step", "central differences"),
    "complex": ("complex step",),
    "central": ("central differences",),
}


class Measured:
    """The derivative in one array, along every unit vector or along random directions of length 1.

    By "auto" it is found by both methods. Where they agree the complex step is believed, since it has the more digits;
    where they do not the forward pass is not analytic (it takes the absolute value or the real part of a complex
    number), and the differences are. At a kink the two slopes of a difference differ, however short its step.
    """

    def __init__(self, derivative: Derivative, methods: tuple[str, ...], rng: np.random.Generator):
        self.derivative = derivative
        array = derivative.values[derivative.which]
        self.shape, self.entries = array.shape, array.size <= ENTRIES
        self.directions = list(units(self.shape) if self.entries else drawn(self.shape, rng))
        self.method = methods[0]
        self.kinks: list[int] = []  # numbers of the directions that were left out
        self.near_kinks = 0  # how many directions crossed a kink and were measured by a shorter step
        self.complex = self.central = None
        if "complex step" in methods:
            self.complex = np.array([derivative.by_complex_step(v) for v in self.directions])
        if "central differences" in methods:
            self.central, self.jumps = np.array([self.difference(v) for v in self.directions]).reshape(-1, 2).T
        self.numeric = self.central if self.complex is None else self.complex

    def difference(self, v: np.ndarray, share: float = 1.0) -> tuple[float, float]:
        """The central difference along v, and by how much its two slopes differ."""
        ahead, behind = self.derivative.slopes(v, share)
        return (ahead + behind) / 2, abs(ahead - behind)

    def largest(self) -> float:
        """The largest entry that was found; 0 along random directions, which do not show it."""
        return _largest(self.numeric) if self.entries else 0.0

    def along(self, gradient: np.ndarray) -> np.ndarray:
        """The derivatives along the directions that this gradient claims."""
        return gradient.ravel() if self.entries else np.array([(gradient * v).sum() for v in self.directions])

    def scale(self, largest: float, tolerance: float) -> float:
        """What errors are relative to: the largest entry of all gradients, if rounding alone stays below the tolerance.

        Where all gradients are tiny beside the numbers that they are computed from, rounding counts instead.
        """
        if self.method == "complex step":
            rounding = 4 * EPS * _largest(self.derivative.upstream)
        else:
            rounding = self.derivative.rounding()
        return max(largest, rounding / tolerance) or 1.0

    def settle(self, gradient: np.ndarray, largest: float, tolerance: float | None) -> None:
        """Choose the method, and set aside the directions at a kink."""
        if self.complex is not None and self.central is not None:
            apart = np.abs(self.complex - self.central)
            agreed = max(TOLERANCES["central differences"] * largest, self.derivative.rounding())
            if (apart > np.maximum(agreed, self.jumps)).any():  # further apart than a kink could bring them
                self.method, self.numeric = "central differences", self.central.copy()
        tolerance = tolerance or TOLERANCES[self.method]
        scale = self.scale(largest, tolerance)
        for index in np.flatnonzero(~(self.errors(gradient, scale) <= tolerance)):
            self._look_for_kink(index, self.along(gradient)[index], scale, tolerance)

    def _look_for_kink(self, index: int, claimed: float, scale: float, tolerance: float) -> None:
        """Set a direction aside where f has a kink; measure it anew where one is near.

        At a kink the error is at most the difference of the two slopes, so one that is larger has another reason. On a
        curve the difference shrinks with the step; at a kink it stays; and near one it vanishes as soon as the step is
        too short to reach it.
        """
        v = self.directions[index]
        _, jump = self.difference(v)
        if not jump > abs(self.numeric[index] - claimed) / 2:
            return
        finer, finer_jump = self.difference(v, FINER)
        if finer_jump > jump / 4 and finer_jump > 1e-5 * scale:
            self.kinks.append(int(index))
        elif self.method == "central differences" and abs(finer - claimed) <= tolerance * scale:
            self.numeric[index] = finer
            self.near_kinks += 1

    def errors(self, gradient: np.ndarray, scale: float) -> np.ndarray:
        """The error along each direction, relative to the scale; NaN is infinitely wrong, a kink is not counted."""
        errors = np.abs(self.along(gradient) - self.numeric) / scale
        errors = np.where(np.isnan(errors), math.inf, errors)
        errors[self.kinks] = 0
        return errors

    def error(self, gradient: np.ndarray, largest: float, tolerance: float | None = None) -> float:
        """The largest of the errors."""
        scale = self.scale(largest, tolerance or TOLERANCES[self.method])
        return float(self.errors(gradient, scale).max(initial=0))

    def along_one(self, v: np.ndarray) -> float:
        """The derivative along another direction, by the method that was chosen."""
        if self.method == "complex step":
            return self.derivative.by_complex_step(v)
        return self.difference(v)[0]

    def worst(self, gradient: np.ndarray, scale: float, rng: np.random.Generator) -> tuple[tuple[int, ...], float]:
        """The index of the largest error, and the derivative there; among random directions it is searched for.

        The search halves the array again and again and goes where the error along a random direction is larger: it ends
        at a wrong entry, not always at the worst.
        """
        if self.entries:
            errors = self.errors(gradient, scale)
            errors[self.kinks] = -1
            place = int(errors.argmax())
            return np.unravel_index(place, self.shape), float(self.numeric[place])
        start, stop = 0, gradient.size
        while stop - start > 1:
            middle, errors = (start + stop) // 2, []
            for half in (slice(start, middle), slice(middle, stop)):
                v = np.zeros(gradient.size)
                v[half] = rng.normal(size=half.stop - half.start)
                v = v.reshape(self.shape)
                errors.append(abs((gradient * v).sum() - self.along_one(v)))
            start, stop = (start, middle) if errors[0] >= errors[1] else (middle, stop)
        index = np.unravel_index(start, self.shape)
        unit = np.zeros(self.shape)
        unit[index] = 1
        return index, self.along_one(unit)


def units(shape):
    """Every unit vector of this shape."""
    for index in np.ndindex(shape):
        v = np.zeros(shape)
        v[index] = 1
        yield v


def drawn(shape, rng):
    """Random directions of length 1; a wrong entry shows in almost all of them."""
    for _ in range(DIRECTIONS):
        v = rng.normal(size=shape)
        yield v / np.sqrt((v * v).sum())


def _largest(array: np.ndarray) -> float:
    array = np.abs(array)
    return float(array[np.isfinite(array)].max(initial=0))
