"""CuPy's functions, with those of its parameters that the library uses or is about to use."""

import numpy as np

from tests.strict_cupy.array import computed, ndarray, operand, own, uploaded, wrap
from tests.strict_cupy.device import device

# ---- arrays from nothing, and from the host -----------------------------------------------------------------------


def empty(shape, dtype=float, order="C"):
    """Poisoned: NaN, or the greatest integer, which no index survives."""
    host = np.empty(shape, dtype, order)
    host[...] = np.nan if host.dtype.kind in "fc" else host.dtype.kind == "b" or np.iinfo(host.dtype).max
    return wrap(host)


def zeros(shape, dtype=float, order="C"):
    return full(shape, 0, dtype, order)


def ones(shape, dtype=float, order="C"):
    return full(shape, 1, dtype, order)


def full(shape, fill_value, dtype=None, order="C"):
    device.launch()
    return wrap(np.full(shape, operand(fill_value), dtype, order))


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    like = np.empty_like(own(prototype)._host, dtype, order, shape=shape)
    return empty(like.shape, like.dtype, "F" if like.flags.fnc else "C")


def zeros_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 0, dtype, order, subok, shape)


def ones_like(a, dtype=None, order="K", subok=None, shape=None):
    return full_like(a, 1, dtype, order, subok, shape)


def full_like(a, fill_value, dtype=None, order="K", subok=None, shape=None):
    device.launch()
    return wrap(np.full_like(own(a)._host, operand(fill_value), dtype, order, shape=shape))


def asarray(a, dtype=None):
    if not isinstance(a, ndarray):
        return uploaded(a, dtype)
    return a if dtype is None else a.astype(dtype, copy=False)


def array(obj, dtype=None):
    if not isinstance(obj, ndarray):
        return uploaded(obj, dtype)
    return obj.astype(obj.dtype if dtype is None else dtype)


def ascontiguousarray(a, dtype=None):
    a = asarray(a, dtype)
    return a if a._host.flags.c_contiguous else a.copy()


def arange(start, stop=None, step=1, dtype=None):
    device.launch()
    return wrap(np.arange(start, stop, step, dtype) if stop is not None else np.arange(0, start, step, dtype))


def eye(N, M=None, k=0, dtype=float):
    device.launch()
    return wrap(np.eye(N, M, k, dtype))


def asnumpy(a):
    return own(a).get()


# ---- the same values in another form ------------------------------------------------------------------------------


def reshape(a, newshape, order="C"):
    return own(a).reshape(newshape, order=order)


def ravel(a, order="C"):
    return own(a).ravel(order)


def transpose(a, axes=None):
    return own(a).transpose(axes)


def swapaxes(a, axis1, axis2):
    return own(a).swapaxes(axis1, axis2)


def moveaxis(a, source, destination):
    return own(a)._view(np.moveaxis(a._host, source, destination))


def expand_dims(a, axis):
    return own(a)._view(np.expand_dims(a._host, axis))


def squeeze(a, axis=None):
    return own(a).squeeze(axis)


def broadcast_to(array, shape):
    return own(array)._view(np.broadcast_to(array._host, shape))


def concatenate(tup, axis=0):
    device.launch()
    return wrap(np.concatenate([own(a)._host for a in tup], axis))


def stack(tup, axis=0):
    device.launch()
    return wrap(np.stack([own(a)._host for a in tup], axis))


def repeat(a, repeats, axis=None):
    device.launch()
    return wrap(np.repeat(own(a)._host, int(repeats), axis))  # counts in an array would be brought to the host


# ---- computation --------------------------------------------------------------------------------------------------


def where(condition, x=None, y=None):
    """With the condition alone CuPy has to count its True entries on the host: no use for that here."""
    if x is None or y is None:
        device.download("where(condition), whose True entries are counted")
        return tuple(map(wrap, np.nonzero(own(condition)._host)))
    device.launch()
    return wrap(np.where(own(condition)._host, operand(x), operand(y)))


def nonzero(a):
    return where(a)


def take(a, indices, axis=None, out=None):
    return own(a).take(indices, axis, out)


def clip(a, a_min, a_max, out=None):
    return own(a).clip(a_min, a_max, out)


def tensordot(a, b, axes=2):
    device.launch()
    return wrap(np.tensordot(own(a)._host, own(b)._host, axes))


def outer(a, b):
    device.launch()
    return wrap(np.outer(own(a)._host, own(b)._host))


def cumsum(a, axis=None, dtype=None):
    return computed(np.cumsum, own(a), None, axis=axis, dtype=dtype)


def sum(a, axis=None, dtype=None, out=None, keepdims=False):
    return own(a).sum(axis, dtype, out, keepdims)


def prod(a, axis=None, dtype=None, out=None, keepdims=False):
    return own(a).prod(axis, dtype, out, keepdims)


def mean(a, axis=None, dtype=None, out=None, keepdims=False):
    return own(a).mean(axis, dtype, out, keepdims)


def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return own(a).var(axis, dtype, out, ddof, keepdims)


def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return own(a).std(axis, dtype, out, ddof, keepdims)


def max(a, axis=None, out=None, keepdims=False):
    return own(a).max(axis, out, keepdims)


def min(a, axis=None, out=None, keepdims=False):
    return own(a).min(axis, out, keepdims)


def any(a, axis=None, out=None, keepdims=False):
    return own(a).any(axis, out, keepdims)


def all(a, axis=None, out=None, keepdims=False):
    return own(a).all(axis, out, keepdims)


def argmax(a, axis=None, *, out=None, keepdims=False):
    return own(a).argmax(axis, out=out, keepdims=keepdims)


def argmin(a, axis=None, *, out=None, keepdims=False):
    return own(a).argmin(axis, out=out, keepdims=keepdims)

