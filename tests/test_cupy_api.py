"""The stand-in for CuPy against CuPy itself, wherever that is installed: it can be imported without a driver or a GPU.

Every name and parameter that the stand-in offers is there, at the same place and with the same default; and where CuPy
refuses something before it needs a GPU, the stand-in refuses it with the same error.
"""

import inspect
import operator
import re

import machines
import numpy as np
import pytest
import strict_cupy
from strict_cupy import FUNCTIONS, array

from tinynet.diagnosis import gpu

METHODS = [name for name, value in vars(array.ndarray).items() if inspect.isfunction(value)]
OURS = {"__getattr__", "_download", "_view"}  # of the stand-in's methods, those that are not CuPy's
DATA = [name for name, value in vars(array.ndarray).items() if isinstance(value, property)]


@pytest.fixture(scope="module")
def cupy():
    try:
        import cupy
    except ImportError as error:
        pytest.skip(f"CuPy itself cannot be imported: {error}")
    return cupy


@pytest.fixture(scope="module")
def zeros(cupy):
    """A function that makes arrays of CuPy's: zeros, or without a GPU arrays of nothing, to be refused or viewed."""
    try:
        cupy.cuda.runtime.getDeviceCount()
    except RuntimeError:
        nothing = cupy.cuda.MemoryPointer(cupy.cuda.UnownedMemory(4096, 4096, None, 0), 0)
        return lambda shape, dtype: cupy.ndarray(shape, dtype, memptr=nothing)
    return cupy.zeros


def signature(function):
    """The signature; of a compiled method, that in the first line of its docstring."""
    try:
        return inspect.signature(function)
    except ValueError:
        line = re.match(r"[\w.]+\((.*)\)", function.__doc__.partition("\n")[0])[1]
        names = [parameter.split(" ")[-1] for parameter in line.split(", ")]  # "type name" among them
        return inspect.signature(eval(f"lambda {', '.join(names)}: None"))


def differences(name, ours, theirs):
    """What is wrong with our parameters: each must be one of theirs by name, by default, and by place if it has one."""
    ours, theirs = signature(ours).parameters.values(), signature(theirs).parameters
    places = [p.name for p in theirs.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    for place, parameter in enumerate(ours):
        if parameter.name not in theirs or parameter.default != theirs[parameter.name].default:
            yield f"{name}: {parameter} is not one of {[*map(str, theirs.values())]}"
        elif parameter.kind == parameter.POSITIONAL_OR_KEYWORD and places[place] != parameter.name:
            yield f"{name}: {parameter} is number {place} of {places}"


def test_functions_and_their_parameters(cupy):
    wrong = []
    for name in [*FUNCTIONS, "matmul"]:
        wrong += differences(name, getattr(strict_cupy.module, name), getattr(cupy, name))
    assert not wrong


def test_methods_and_their_parameters(cupy):
    wrong, methods = [], [name for name in METHODS if not name.startswith("__") and name not in OURS]
    for name in methods:
        wrong += differences(name, getattr(array.ndarray, name), getattr(cupy.ndarray, name))
    assert not wrong
    assert len(methods) > 20


def test_kernels_and_their_parameters(cupy):
    ours, theirs = strict_cupy.module.RawKernel, cupy.RawKernel
    assert not [*differences("RawKernel", ours, theirs)]
    call = re.search(r"__call__\(self, grid, block, args, .*\*, shared_mem=0\)", theirs.__call__.__doc__)
    assert call, theirs.__call__.__doc__
    assert str(inspect.signature(ours.__call__)) == "(self, grid, block, args, *, shared_mem=0)"
    made = [kernel("code", "name", ("-Da",), "nvcc") for kernel in (ours, theirs)]
    for name in ("code", "name", "options", "backend"):
        assert getattr(made[0], name) == getattr(made[1], name)


def test_the_check_finds_a_wrong_name_place_and_default():
    def theirs(a, axis=None, out=None, *, copy=False):
        pass

    assert not [*differences("f", lambda a, *, out=None: 0, theirs)]
    for ours in (
        lambda a, *, mode=None: 0,
        lambda a, out=None: 0,
        lambda a, copy=False: 0,
        lambda a, axis=0: 0,
        lambda a=1: 0,
    ):
        assert len([*differences("f", ours, theirs)]) == 1


def test_ufuncs(cupy):
    """They have no signature; the docstring gives it."""
    for name in array.UFUNCS:
        theirs = getattr(cupy, name)
        assert isinstance(theirs, cupy.ufunc), name
        assert (theirs.nin, theirs.nout) == (getattr(np, name).nin, 1), name
    text = cupy.add.__doc__.partition("\n")[0]
    assert "out=None" in text
    assert "dtype=None" in text
    assert "where" not in text


def test_operators_and_attributes(cupy):
    special = [name for name in METHODS if name.startswith("__") and name not in OURS]
    assert not [name for name in (*special, *DATA, "base") if not hasattr(cupy.ndarray, name)]
    assert (len(special) > 50, len(DATA) > 8) == (True, True)
    assert cupy.ndarray.__hash__ is None
    assert not hasattr(cupy.ndarray, "__index__")
    assert cupy.ndarray.__module__.partition(".")[0] == "cupy", "so that xp_of finds the module"
    assert callable(cupy.cuda.runtime.getDeviceCount)


def test_constants(cupy):
    for name in strict_cupy.CONSTANTS:
        ours, theirs = getattr(strict_cupy.module, name), getattr(cupy, name)
        assert ours is theirs or ours == theirs or np.isnan(theirs), name


REFUSED = {
    "a @ numpy": lambda a, i, n: a @ n,
    "numpy @ a": lambda a, i, n: n @ a,
    "numpy.asarray": lambda a, i, n: np.asarray(a),
    "numpy[...] = a": lambda a, i, n: n.__setitem__(..., a),
    "numpy[i]": lambda a, i, n: n[i],
    "a[...] = numpy": lambda a, i, n: a.__setitem__(..., n),
    "a[:2] = numpy": lambda a, i, n: a.__setitem__(slice(2), n[:2]),
    "a[...] = list": lambda a, i, n: a.__setitem__(..., [1, 2, 3]),
    "fill": lambda a, i, n: a.fill(n),
    "hash": lambda a, i, n: hash(a),
    "index": lambda a, i, n: operator.index(i[0]),
    "range": lambda a, i, n: range(i[0]),
    "list[i[0]]": lambda a, i, n: [1, 2][i[0]],
    "round": lambda a, i, n: round(a),
    "bool of many": lambda a, i, n: bool(a),
    "item of many": lambda a, i, n: a.item(),
    "len of one": lambda a, i, n: len(a[0, 0]),
    "loop over one": lambda a, i, n: iter(a[0, 0]),
    "an attribute": lambda a, i, n: setattr(a, "name", "x"),
    "astype casting": lambda a, i, n: a.astype("float64", casting="no"),
    "astype subok": lambda a, i, n: a.astype("float64", subok=False),
    "take mode": lambda a, i, n: a.take(i, mode="clip"),
    "take out dtype": lambda a, i, n: a.take(i, axis=0, out=i),
    "take out shape": lambda a, i, n: a.take(i, axis=0, out=a[:2]),
    "sum where": lambda a, i, n: a.sum(where=i),
    "sum initial": lambda a, i, n: a.sum(initial=0),
    "a float index": lambda a, i, n: a[a],
    "out of range": lambda a, i, n: a[9],
    "reshape": lambda a, i, n: a.reshape(5),
}


def refusal(call, zeros):
    """The kind and text of the error; NumPy writes "index 9", CuPy "Index 9", and CuPy says "take()" alone."""
    with pytest.raises(Exception) as error:  # noqa: PT011
        call(zeros((4, 3), dtype="float32"), zeros(3, dtype="int64"), np.ones((4, 3), "float32"))
    return type(error.value), str(error.value).lower().removeprefix("ndarray.")


def test_what_cupy_refuses_without_a_gpu_is_refused_in_its_words(zeros):
    for name, call in REFUSED.items():
        assert (name, *refusal(call, strict_cupy.module.zeros)) == (name, *refusal(call, zeros))


NO_KERNELS = {
    "code": lambda cupy: cupy.RawKernel(b"", "name"),
    "name": lambda cupy: cupy.RawKernel("", 1),
    "no name": lambda cupy: cupy.RawKernel(""),
    "options": lambda cupy: cupy.RawKernel("", "name", options="-Da"),
    "a list of options": lambda cupy: cupy.RawKernel("", "name", ["-Da"]),
    "a size": lambda cupy: cupy.RawKernel("", "name", size=1),
    "no arguments": lambda cupy: cupy.RawKernel("", "name")((1,), (1,)),
}


def test_what_is_no_kernel(cupy):
    """The same kind of error, and CuPy's words where they are not those of Python about calls."""
    for name, make in NO_KERNELS.items():
        errors = []
        for module in (strict_cupy.module, cupy):
            with pytest.raises(Exception) as error:  # noqa: PT011
                make(module)
            errors.append(error.value)
        ours, theirs = errors
        assert type(ours) is type(theirs), name
        assert str(ours) == str(theirs) or "incorrect type" not in str(theirs), name


VIEWS = {
    "slice": lambda a: a[1:3],
    "row": lambda a: a[1],
    "one": lambda a: a[1, 2],
    "new axis": lambda a: a[:, None],
    "backwards": lambda a: a[::-1, ..., 1],
    "T": lambda a: a.T,
    "transpose": lambda a: a.reshape(2, 2, 3).transpose(2, 0, 1),
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "reshape": lambda a: a.reshape(-1, 2),
    "ravel": lambda a: a.ravel(),
    "squeeze": lambda a: a[:, None].squeeze(axis=1),
    "view of a view": lambda a: a[1:][1:].reshape(3, 2),
    "astype": lambda a: a.astype("float32", copy=False),
}


def test_views_have_cupys_shape_strides_and_base(zeros):
    for name, view in VIEWS.items():
        a, b = zeros((4, 3), "float32"), strict_cupy.module.zeros((4, 3), "float32")
        theirs, ours = view(a), view(b)
        assert (name, ours.shape, ours.dtype) == (name, theirs.shape, theirs.dtype)
        assert (name, ours.strides) == (name, theirs.strides)
        assert (name, ours is b, ours.base is b) == (name, theirs is a, theirs.base is a)


def test_the_errors_that_tell_what_is_wrong_are_cupys(cupy):
    error = cupy.cuda.runtime.CUDARuntimeError
    assert issubclass(error, RuntimeError)
    assert str(error(35)) == machines.INSUFFICIENT
    assert str(error(100)) == machines.NO_DEVICE
    assert str(error(2)) == "cudaErrorMemoryAllocation: out of memory"
    assert str(error(209)).startswith("cudaErrorNoKernelImageForDevice: ")
    assert issubclass(cupy.cuda.memory.OutOfMemoryError, MemoryError)
    assert cupy.cuda.compiler.CompileException.__name__ == machines.CompileException.__name__
    assert str(cupy.cuda.compiler.CompileException("text", "", "", ())) == "text"


def test_what_the_diagnosis_asks_is_there(cupy):
    names = "runtimeGetVersion getDeviceCount getDevice getDeviceProperties memGetInfo"
    assert not [name for name in names.split() if not callable(getattr(cupy.cuda.runtime, name, None))]
    assert callable(cupy.cuda.nvrtc.getVersion)
    assert callable(cupy.cuda.device.get_cublas_handle)
    assert cupy.cuda.runtime.runtimeGetVersion() // 1000 in gpu.REQUIREMENT
    found = gpu.look(gpu.attempt())
    for library in (found.nvrtc, found.cublas):  # may be there, or not
        assert isinstance(library, str) or re.fullmatch(r"lib\S+ or lib\S+ is not found", gpu.said(library))
