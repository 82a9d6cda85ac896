"""A kernel's parameters, and the arguments that they are given: checked, and put where writes beside them show."""

import re

import numpy as np

GUARD = 1 << 16  # bytes before and after each array


class Parameter:
    """One parameter: `text` is its declaration, `code` its type in the words of shim.h, as in "const f4*" or "i8"."""

    def __init__(self, text, code):
        self.text, self.pointer = " ".join(text.split()), code.endswith("*")
        self.const, self.restrict = code.startswith("const "), "restrict" in text.lower()
        kind = code.removeprefix("const ").removesuffix("*")
        self.dtype = None if kind == "v1" else np.dtype(kind)  # None: void or char, any

    def check(self, place, value):
        """Raise where CUDA would read other bytes than the caller means."""
        where = f"argument {place} ({self.text})"
        if not self.pointer:
            if not isinstance(value, np.generic) or value.dtype != (self.dtype or np.int8):
                raise TypeError(f"{where} takes a numpy.{self.dtype or 'int8'} by value; got {described(value)}.")
        elif isinstance(value, np.uintp):
            if value:
                raise ValueError(f"{where}: of addresses only numpy.uintp(0), null, can be given.")
        elif not isinstance(value, np.ndarray):
            raise TypeError(f"{where} takes an array, or numpy.uintp(0) for null; got {described(value)}.")
        elif self.dtype is not None and value.dtype != self.dtype:
            raise TypeError(f"{where} takes an array of {self.dtype}; got one of {value.dtype}.")
        elif not value.flags.c_contiguous:
            raise ValueError(f"{where}: the array is not C-contiguous, and a kernel sees no strides.")


def described(value):
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"{value!r} of {type(value)}"


def check_arguments(name, parameters, args):
    """Raise unless the arguments are those that the kernel's parameters take."""
    if len(args) != len(parameters):
        raise TypeError(f"{name} takes {len(parameters)} arguments; got {len(args)}.")
    arrays = []
    for place, (parameter, value) in enumerate(zip(parameters, args, strict=True), 1):
        parameter.check(place, value)
        if isinstance(value, np.ndarray):
            arrays.append((place, parameter, value))
    for number, (place, one, array) in enumerate(arrays):
        for other_place, other, other_array in arrays[:number]:
            if (one.const and other.const) or not np.may_share_memory(array, other_array):
                continue
            where = f"arguments {other_place} ({other.text}) and {place} ({one.text})"
            if (array.ctypes.data, array.nbytes) != (other_array.ctypes.data, other_array.nbytes):
                raise ValueError(f"{where} overlap, and one is written.")
            if one.restrict or other.restrict:
                raise ValueError(f"{where} are the same memory, which is written; __restrict__ says that they are not.")


class Guarded:
    """Copies of the arguments' arrays, one for each memory, between guard zones of one byte's value."""

    def __init__(self, args, filling):
        self.filling, self._buffers, self._args = filling, {}, args
        for array in args:
            if isinstance(array, np.ndarray):
                buffer = np.full(array.nbytes + 2 * GUARD, filling, np.uint8)
                buffer[GUARD : GUARD + array.nbytes] = array.reshape(-1).view(np.uint8)
                self._buffers[self._key(array)] = buffer

    def _key(self, array):
        return array.ctypes.data, array.nbytes

    def pointers(self):
        """What the kernel is given for each argument, as arrays of one number: an address, or the value."""
        for value in self._args:
            if isinstance(value, np.ndarray):
                yield np.array([self._buffers[self._key(value)].ctypes.data + GUARD], np.uintp)
            else:
                yield np.array([value])

    def result(self, array):
        """The bytes of this argument after the launch."""
        return self._buffers[self._key(array)][GUARD : GUARD + array.nbytes]

    def written_outside(self, array):
        """The offset in bytes, from the array's start, of the first write outside it; None if there is none."""
        buffer = self._buffers[self._key(array)]
        for start in (0, GUARD + array.nbytes):
            changed = np.flatnonzero(buffer[start : start + GUARD] != self.filling)
            if changed.size:
                return start - GUARD + int(changed[0])
        return None


def declarations(code):
    """The kernels of a text, by name, with the declarations of their parameters."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.S)
    code = re.sub(r"__launch_bounds__\s*\([^)]*\)", " ", code)
    head = r'extern\s+"C"\s+__global__\s+void\s+(\w+)\s*\(([^)]*)\)\s*\{'
    return {name: [p for p in inside.split(",") if p.strip()] for name, inside in re.findall(head, code)}
