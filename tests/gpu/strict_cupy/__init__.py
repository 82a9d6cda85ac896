"""A strict stand-in for CuPy, so that code for the GPU is tested where there is none.

`module` goes into sys.modules as "cupy". Its arrays hold NumPy's and compute with NumPy's own functions, so the numbers
are NumPy's to the last bit. They refuse what CuPy's refuse, with its words: to be mixed with NumPy's arrays, to be
converted without being asked, `where=` and `casting=`, to be hashed or taken for an index. `device` counts launches,
uploads and downloads, and forbids them.

In some places CuPy does without a word what nobody wants. There the stand-in is stricter on purpose:

- an index that is out of range in an array of indices raises; CuPy wraps it around;
- so does a place that `a[index] = array` writes twice: which value wins is not defined on a GPU;
- so do `out=` and in-place operations whose result has another dtype: CuPy computes that, then casts or copies;
- so do `cupy.sum(array)` and others of an array of NumPy's, which CuPy lets NumPy compute, on the CPU;
- so does what a RawKernel would read as other bytes, or write where nobody expects it: a wrong number of arguments,
  arrays and scalars of another type than the parameter's, arrays that are not C-contiguous; a grid of 0, of which
  CuPy makes 1; and a result that depends on the order of the threads, for cuda_on_cpu runs the kernel in two;
- so does `numpy.exp(array)` of a device array: CuPy computes it, but the library asks `xp_of(array)` for the module;
- `empty` is filled with NaN, or with the greatest integer: on a GPU it holds whatever was there before.

It has no more than the library uses, or is about to use. Whoever needs another of CuPy's functions adds it, with those
of CuPy's parameters that are needed; test_cupy_api.py holds all against the real CuPy where that is installed.
What it cannot show: anything about time, streams, memory or the GPU's own rounding.
"""

import inspect
from types import ModuleType, SimpleNamespace

import numpy as np

from . import functions
from .array import UFUNCS, matmul, missing, ndarray
from .device import Transferred, device
from .raw import RawKernel

__all__ = ["FUNCTIONS", "RawKernel", "Transferred", "device", "module"]


class StandIn(ModuleType):
    """The module; it says what to do where a name of CuPy's is not here."""

    def __getattr__(self, name):
        raise AttributeError(missing(f"cupy.{name}"))


CONSTANTS = ["bool_", "e", "float32", "float64", "inf", "int32", "int64", "intp", "nan", "newaxis", "pi", "uint8"]
CONSTANTS += ["finfo"]
FUNCTIONS = {
    name: value
    for name, value in inspect.getmembers(functions, inspect.isfunction)
    if value.__module__ == functions.__name__
}

module = StandIn("cupy", __doc__)
module.__dict__.update({name: getattr(np, name) for name in CONSTANTS}, **FUNCTIONS, **UFUNCS)
module.__dict__.update(__version__="14.2.0", ndarray=ndarray, matmul=matmul, RawKernel=RawKernel)
module.cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 1))
