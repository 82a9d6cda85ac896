"""Arrays that refuse to be promoted: an operation that computes in a wider float than one of its arrays raises.

Outputs in float32 do not show that all was computed in it: `m *= np.float64(0.9)` computes in float64 and writes
float32, and a temporary in float64 costs time and hides what float32 would give. So tests run the library on arrays of
this class. A wider float that is asked for by name, as in `values.sum(dtype="float64")`, is not promoted silently, and
allowed; what it gives is no strict array, and raises where it meets one of a narrower float.
"""

from contextlib import contextmanager
from unittest import mock

import numpy as np

from tinynet import backend


class Promoted(AssertionError):
    """An operation in a float that is wider than its arrays."""


class Strict(np.ndarray):
    """An array; `limit` is the size in bytes of the widest float that may meet it: its own, none for integers."""

    limit = 16

    def __array_finalize__(self, other):
        self.limit = getattr(other, "limit", 16)

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        limit = min(x.limit for x in (*inputs, *out) if isinstance(x, Strict))
        asked = options.get("dtype") is not None or options.get("casting") == "unsafe"  # x.mean(axis=0) divides so
        if method == "__call__" and not asked:
            known = [type(x) if type(x) in (int, float, complex) else np.asarray(x).dtype for x in inputs]
            check(ufunc.__name__, limit, *ufunc.resolve_dtypes((*known, *[None] * ufunc.nout)))
        if out:
            options["out"] = tuple(map(plain, out))
        results = getattr(ufunc, method)(*map(plain, inputs), **options)
        if out:
            return out if len(out) > 1 else out[0]
        return results if asked else own(ufunc.__name__, limit, results)

    def __array_function__(self, function, types, arguments, options):
        results = super().__array_function__(function, types, arguments, options)
        return results if options.get("dtype") is not None else own(function.__name__, self.limit, results)

    def __setitem__(self, index, value):
        if isinstance(value, (np.ndarray, np.generic)):
            check("assignment", self.limit, value.dtype)
        super().__setitem__(index, value)

    def astype(self, *arguments, **options):
        """A narrower float is the new limit; a wider one is not, so that it cannot be computed with."""
        result = super().astype(*arguments, **options)
        result.limit = min(self.limit, limit_of(result))
        return result


def strict(x):
    """x as a strict array over the same memory."""
    x = np.asarray(x).view(Strict)
    x.limit = limit_of(x)
    return x


def limit_of(x):
    return x.dtype.itemsize if x.dtype.kind == "f" else 16


def plain(x):
    return x.view(np.ndarray) if isinstance(x, Strict) else x


def check(where, limit, *dtypes):
    for dtype in dtypes:
        if dtype.kind == "f" and dtype.itemsize > limit:
            raise Promoted(f"{where} in {dtype} with an array of float{8 * limit}")


def own(where, limit, results):
    """What an operation has given, strict: an array, a number, or several."""
    if isinstance(results, (tuple, list)):
        return type(results)(own(where, limit, one) for one in results)
    if isinstance(results, (np.ndarray, np.generic)):
        check(where, limit, results.dtype)
    if isinstance(results, np.ndarray):
        results = results.view(Strict)
        results.limit = min(limit, limit_of(results))
    return results


class StrictNumPy:
    """numpy, whose functions give strict arrays: what the library takes as its module of arrays."""

    def __getattr__(self, name):
        thing = getattr(np, name)
        if isinstance(thing, (type, np.ufunc)) or not callable(thing):
            return thing

        def call(*arguments, **options):
            result = thing(*arguments, **options)
            return strict(result) if type(result) is np.ndarray else result

        return call


@contextmanager
def strict_numpy():
    """Every array that the library makes or takes in is strict, and NumPy's floating-point errors raise.

    Underflow is among them: tests that meet it by the nature of their numbers say so and allow it.
    """
    with mock.patch.object(backend, "np", StrictNumPy()), np.errstate(all="raise"):
        yield
