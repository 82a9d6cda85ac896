"""The array: it holds one of NumPy's, and has what CuPy's has."""

import numpy as np

from tests.strict_cupy.device import device

NO_CONVERSION = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)


def missing(name):
    """What to say where a name is not here."""
    return f"{name} is not in the stand-in. If CuPy has it, add it to tests/strict_cupy, with CuPy's parameters."


def unsupported(value):
    """CuPy's error where an operand is neither an array of its own nor a scalar."""
    return TypeError(f"Unsupported type {type(value)}")


def own(value):
    """The device array; TypeError for anything else."""
    if not isinstance(value, ndarray):
        raise unsupported(value)
    return value


def operand(value):
    """What NumPy computes with: the held array, or a scalar of Python's or NumPy's, whose kind decides the dtype."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return value
    raise unsupported(value)


def wrap(host, base=None):
    """A device array that holds this array of NumPy's; one of its scalars becomes an array of no axes."""
    array = object.__new__(ndarray)
    array._host, array.base = np.asarray(host), base
    return array


def uploaded(values, dtype=None):
    """A device array with these values, copied from the host."""
    host = np.array(values, dtype=dtype)
    if host.dtype.kind not in "biufc":
        raise ValueError(f"Unsupported dtype {host.dtype}")
    device.upload(f"an upload of {type(values).__name__} of shape {host.shape}")
    return wrap(host)


def check_out(out, shape, dtype):
    """Refuse an `out` that has not exactly the result's shape and dtype: CuPy would cast, or copy, without a word."""
    if own(out).shape != shape:
        raise ValueError(f"out has shape {out.shape}, and the result {shape}.")
    if out.dtype != dtype:
        raise TypeError(f"out has dtype {out.dtype}, and the result {dtype}.")


class ufunc:
    """An elementwise function with those of a ufunc's arguments that CuPy has; NumPy computes it."""

    def __init__(self, name):
        self.__name__, self._numpy = name, getattr(np, name)

    def __call__(self, *args, out=None, dtype=None, **wrong):
        if wrong:
            raise TypeError(f"Wrong arguments {', '.join(wrong)}")  # CuPy prints their values, and so downloads arrays
        if len(args) != self._numpy.nin:
            raise TypeError(f"{self.__name__} takes {self._numpy.nin} arrays; got {len(args)}.")
        hosts = [operand(arg) for arg in args]
        if out is not None:
            kinds = [type(h) if type(h) in (int, float, complex) else np.asarray(h).dtype for h in hosts]
            result = dtype or self._numpy.resolve_dtypes((*kinds, None))[-1]
            check_out(out, np.broadcast_shapes(*map(np.shape, hosts)), result)
        device.launch()
        with np.errstate(all="ignore"):  # CuPy never warns
            result = self._numpy(*hosts, out=None if out is None else out._host, dtype=dtype)
        return wrap(result) if out is None else out


UFUNC_NAMES = [
    "abs", "absolute", "add", "bitwise_and", "bitwise_or", "bitwise_xor", "ceil", "cos", "cosh", "divide", "equal",
    "exp", "exp2", "expm1", "floor", "floor_divide", "fmax", "fmin", "greater", "greater_equal", "invert",
    "isfinite", "isinf", "isnan", "left_shift", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "negative",
    "not_equal", "positive", "power", "reciprocal", "remainder", "right_shift", "rint", "sign", "sin", "sinh",
    "sqrt", "square", "subtract", "tan", "tanh", "true_divide", "trunc",
]  # fmt: skip
UFUNCS = {name: ufunc(name) for name in UFUNC_NAMES}


def computed(function, a, out, **arguments):
    """A reduction, or another function of NumPy's, of a device array; the result is an array, of no axes too.

    `out` must have the result's shape and dtype, so that is computed first.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    with np.errstate(all="ignore"):
        result = np.asarray(function(a._host, **given))
        if out is not None:
            check_out(out, result.shape, result.dtype)
            function(a._host, out=out._host, **given)
    device.launch()
    return wrap(result) if out is None else out


def matmul(*args, out=None):
    """The matrix product; no scalars, no arrays of NumPy's."""
    for name, value in zip("ab", args, strict=True):
        if not isinstance(value, ndarray):
            kind = f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
            raise TypeError(
                f"Argument '{name}' has incorrect type (expected cupy._core.core._ndarray_base, got {kind})"
            )
    return computed(lambda first, out=None: np.matmul(first, args[1]._host, out=out), args[0], out)


class ndarray:
    """CuPy's array, as far as the library uses it. It is made by the functions alone, never by `ndarray(...)`."""

    __slots__ = ("_host", "base")
    __module__ = "cupy"  # the package in sys.modules that owns it
    __hash__ = None

    def __init__(self, *args, **kwargs):
        raise TypeError("The stand-in's arrays are made by its functions: empty, zeros, asarray, ...")

    def __getattr__(self, name):
        raise AttributeError(missing(f"cupy.ndarray.{name}"))

    # ---- what it is ---------------------------------------------------------------------------------------------

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)  # of which c_contiguous is asked for
    __cuda_array_interface__ = property(lambda self: {**self._host.__array_interface__, "version": 3})

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return len(self._host)

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(len(self)))

    # ---- to the host: each of these waits for the device ----------------------------------------------------------

    def get(self):
        return self._download("get()").copy()

    def item(self):
        return self._download("item()").item()

    def tolist(self):
        return self._download("tolist()").tolist()

    def __bool__(self):
        return bool(self._download("bool()"))

    def __int__(self):
        return int(self._download("int()"))

    def __float__(self):
        return float(self._download("float()"))

    def __complex__(self):
        return complex(self._download("complex()"))

    def __repr__(self):
        return repr(self._download("repr()"))

    def __str__(self):
        return str(self._download("str()"))

    def __format__(self, spec):
        return format(self._download("format()"), spec)

    def __bytes__(self):
        return bytes(self._download("bytes()"))

    def __reduce__(self):
        return uploaded, (self.get(),)

    def _download(self, what):
        device.download(what)
        return self._host

    # ---- and NumPy's own ways to it, which are closed -------------------------------------------------------------

    def __array__(self, dtype=None, copy=None):
        raise TypeError(NO_CONVERSION)

    def __array_ufunc__(self, function, method, *inputs, **arguments):
        """What `numpy_array + a` and `numpy_scalar * a` come to; only the scalar is let through."""
        if function is np.matmul:
            return matmul(*inputs)
        if arguments or method != "__call__" or all(isinstance(value, ndarray) for value in inputs):
            raise TypeError(f"numpy.{function.__name__} of a device array: take that of xp_of(array).")
        return UFUNCS[function.__name__](*inputs)

    def __array_function__(self, function, types, args, arguments):
        if function is np.shape:  # no computation, and of use where an array may be a list
            return self.shape
        raise TypeError(f"numpy.{function.__name__} of a device array: take that of xp_of(array).")

    # ---- indexing -------------------------------------------------------------------------------------------------

    def __getitem__(self, index):
        index, gathers = _host_index(index)
        if not gathers:
            return self._view(self._host[index])
        device.launch()
        return wrap(np.array(self._host[index]))

    def __setitem__(self, index, value):
        index, gathers = _host_index(index)
        if isinstance(value, (list, tuple, np.ndarray)) and np.shape(value):
            if not gathers:
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
            value = uploaded(value)  # without a word, as CuPy does
        host = operand(value)
        if gathers and np.size(host) > 1:
            places = np.arange(self.size).reshape(self.shape)[index]
            if np.unique(places).size < places.size:
                raise ValueError("An index is written twice: which value wins is not defined on a GPU.")
        if not gathers and isinstance(value, ndarray) and _same(self._host[index], host):
            return  # the second half of `a[index] += b`: it was done in place
        device.launch()
        with np.errstate(all="ignore"):
            self._host[index] = host

    def take(self, indices, axis=None, out=None):
        if isinstance(indices, (list, tuple, np.ndarray)):
            indices = uploaded(indices)
        result = np.asarray(self._host.take(operand(indices), axis=axis))
        if out is not None and own(out).dtype != result.dtype:
            raise TypeError("Output dtype mismatch")
        if out is not None and out.shape != result.shape:
            raise ValueError("Output shape mismatch")
        device.launch()
        if out is None:
            return wrap(result)
        out._host[...] = result
        return out

    def fill(self, value):
        self[...] = value

    # ---- views and copies -----------------------------------------------------------------------------------------

    def _view(self, host):
        """This array's memory in another form; or a copy, where that needed one."""
        if np.may_share_memory(host, self._host) or not host.size:
            return wrap(host, self if self.base is None else self.base)
        device.launch()
        return wrap(host)

    @property
    def T(self):
        return self._view(self._host.T)

    def transpose(self, *axes):
        return self._view(self._host.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return self._view(self._host.swapaxes(axis1, axis2))

    def reshape(self, *shape, order="C"):
        return self._view(self._host.reshape(*shape, order=order))

    def ravel(self, order="C"):
        return self._view(self._host.ravel(order))

    def squeeze(self, axis=None):
        return self._view(self._host.squeeze(axis))

    def flatten(self, order="C"):
        return self.ravel(order).copy()

    def copy(self, order="C"):
        device.launch()
        return wrap(self._host.copy(order))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None:
            raise TypeError("casting is not supported yet")
        if subok is not None:
            raise TypeError("subok is not supported yet")
        if not copy and self.dtype == np.dtype(dtype):
            return self
        device.launch()
        with np.errstate(all="ignore"):
            return wrap(self._host.astype(dtype, order=order))

    # ---- reductions -----------------------------------------------------------------------------------------------

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return computed(np.sum, self, out, axis=axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis=None, dtype=None, out=None, keepdims=None):
        return computed(np.prod, self, out, axis=axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False):
        return computed(np.mean, self, out, axis=axis, dtype=dtype, keepdims=keepdims)

    def var(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        return computed(np.var, self, out, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def std(self, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
        return computed(np.std, self, out, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return computed(np.max, self, out, axis=axis, keepdims=keepdims)

    def min(self, axis=None, out=None, keepdims=False):
        return computed(np.min, self, out, axis=axis, keepdims=keepdims)

    def any(self, axis=None, out=None, keepdims=False):
        return computed(np.any, self, out, axis=axis, keepdims=keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return computed(np.all, self, out, axis=axis, keepdims=keepdims)

    def argmax(self, axis=None, *, out=None, keepdims=False):
        return computed(np.argmax, self, out, axis=axis, keepdims=keepdims)

    def argmin(self, axis=None, *, out=None, keepdims=False):
        return computed(np.argmin, self, out, axis=axis, keepdims=keepdims)

    def clip(self, min=None, max=None, out=None):
        low, high = (None if bound is None else operand(bound) for bound in (min, max))
        return computed(lambda host, out=None: np.clip(host, low, high, out), self, out)

    # ---- operators ------------------------------------------------------------------------------------------------

    def __matmul__(self, other):
        return matmul(self, other)

    def __rmatmul__(self, other):
        return matmul(other, self)

    def __neg__(self):
        return UFUNCS["negative"](self)

    def __pos__(self):
        return UFUNCS["positive"](self)

    def __abs__(self):
        return UFUNCS["absolute"](self)

    def __invert__(self):
        return UFUNCS["invert"](self)


def _operators(name, function):
    """Let `a + b`, `b + a` and `a += b` be this function; a comparison's mirror image is its own affair."""
    setattr(ndarray, f"__{name}__", lambda self, other: function(self, other))
    if name not in ("lt", "le", "eq", "ne", "gt", "ge"):
        setattr(ndarray, f"__r{name}__", lambda self, other: function(other, self))
        setattr(ndarray, f"__i{name}__", lambda self, other: function(self, other, out=self))


for _name, _function in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "left_shift", "rshift": "right_shift", "lt": "less", "le": "less_equal", "eq": "equal",
    "ne": "not_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    _operators(_name, UFUNCS[_function])


def _host_index(index):
    """An index for NumPy that always gives an array, and whether it gathers: whether an array is in it.

    Indices that are out of range are refused by NumPy.
    """
    parts, gathers = [], False
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (list, np.ndarray)):
            part = uploaded(part)  # without a word, as CuPy does
        if isinstance(part, (bool, np.bool_)):
            raise IndexError("True and False as an index are not in the stand-in.")
        if isinstance(part, ndarray):
            gathers = True
            if part.dtype.kind == "b":
                device.download("a boolean mask, whose True entries are counted")
            elif part.dtype.kind not in "iu":
                kind = part.dtype.type
                raise IndexError(f"arrays used as indices must be of integer or boolean type. (actual: {kind})")
            part = part._host
        parts.append(part)
    return (tuple(parts) if any(part is Ellipsis for part in parts) else (*parts, Ellipsis)), gathers


def _same(first, second):
    """Whether two arrays of NumPy's are the same memory in the same order."""
    here, there = first.__array_interface__, second.__array_interface__
    return here["data"] == there["data"] and here["shape"] == there["shape"] and first.strides == second.strides
