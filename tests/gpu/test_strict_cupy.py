"""The strict stand-in catches what goes wrong on a GPU: seeded faults, each beside the code that is right."""

import copy
import pickle
import re
import sys

import catalogue
import cuda_on_cpu
import numpy as np
import pytest
from both_backends import check_layer, check_loss, check_optimizer, equal, same_on_both
from cuda_on_cpu import Race
from strict_cupy import Transferred, device, module

import tinynet as tn
from tinynet import backend
from tinynet.intake.arrays import ArrayBatches
from tinynet.training import step

pytestmark = pytest.mark.usefixtures("stand_in")

MIXED, CONVERTED = r"Unsupported type <class 'numpy.ndarray'>", "Implicit conversion to a NumPy array is not allowed"


def fault(wrong, right, error, match):
    """Two functions of (xp, x, y, out): x a matrix, y its labels, out a vector as long; and how the first fails."""
    return wrong, right, error, match


SCALE = """
extern "C" __global__ void scale(const float* __restrict__ x, float* __restrict__ y, float by, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) y[i] = by * x[i];
}
"""
TWO, FOUR = np.float32(2), np.int32(4)


def scale(xp, x, y, by=TWO, n=FOUR, grid=(1,), block=(32,), code=SCALE, **options):
    """y = by x, by a kernel of one's own on CuPy, and by NumPy otherwise."""
    if xp is np:
        y[...] = by * x
    else:
        xp.RawKernel(code, "scale")(grid, block, (x, y, by, n), **options)
    return y


FAULTS = {
    "a NumPy array in arithmetic": fault(
        lambda xp, x, y, out: x * np.ones(3, "float32"),
        lambda xp, x, y, out: x * xp.ones(3, dtype="float32"),
        TypeError, MIXED,
    ),
    "a NumPy array on the left": fault(
        lambda xp, x, y, out: np.ones(3, "float32") - x,
        lambda xp, x, y, out: xp.ones(3, dtype="float32") - x,
        TypeError, MIXED,
    ),
    "a NumPy array in a product of matrices": fault(
        lambda xp, x, y, out: x @ np.ones((3, 2), "float32"),
        lambda xp, x, y, out: x @ xp.ones((3, 2), dtype="float32"),
        TypeError, "Argument 'b' has incorrect type",
    ),
    "a NumPy array in where": fault(
        lambda xp, x, y, out: xp.where(x > 0, x, np.zeros((4, 3), "float32")),
        lambda xp, x, y, out: xp.where(x > 0, x, 0),
        TypeError, MIXED,
    ),
    "a NumPy array among device arrays": fault(
        lambda xp, x, y, out: xp.concatenate([x, np.zeros((1, 3), "float32")]),
        lambda xp, x, y, out: xp.concatenate([x, xp.zeros((1, 3), dtype="float32")]),
        TypeError, MIXED,
    ),
    "a NumPy array into a device array": fault(
        lambda xp, x, y, out: out.__setitem__(..., np.arange(4)) or out,
        lambda xp, x, y, out: out.__setitem__(..., xp.arange(4)) or out,
        ValueError, "non-scalar numpy.ndarray cannot be used for fill",
    ),
    "NumPy's function": fault(
        lambda xp, x, y, out: np.exp(x),
        lambda xp, x, y, out: xp.exp(x),
        TypeError, r"numpy.exp of a device array: take that of xp_of",
    ),
    "NumPy's reduction": fault(
        lambda xp, x, y, out: np.sum(x, axis=0),
        lambda xp, x, y, out: x.sum(axis=0),
        TypeError, r"numpy.sum of a device array: take that of xp_of",
    ),
    "a conversion": fault(
        lambda xp, x, y, out: np.asarray(x), lambda xp, x, y, out: xp.asarray(x), TypeError, CONVERTED
    ),
    "an index for a NumPy array": fault(
        lambda xp, x, y, out: np.eye(3, dtype="float32")[y],
        lambda xp, x, y, out: xp.eye(3, dtype="float32")[y],
        TypeError, CONVERTED,
    ),
    "CuPy's function of a NumPy array": fault(
        lambda xp, x, y, out: xp.sum(np.ones(3)), lambda xp, x, y, out: xp.sum(xp.ones(3)), TypeError, MIXED
    ),
    "float()": fault(
        lambda xp, x, y, out: x / float(x.max()), lambda xp, x, y, out: x / x.max(), Transferred, r"float\(\)"
    ),
    "item()": fault(
        lambda xp, x, y, out: x - x.mean().item(), lambda xp, x, y, out: x - x.mean(), Transferred, r"item\(\)"
    ),
    "if": fault(
        lambda xp, x, y, out: x * 2 if (x > 100).any() else x,
        lambda xp, x, y, out: xp.where((x > 100).any(), x * 2, x),
        Transferred, r"bool\(\)",
    ),
    "max()": fault(
        lambda xp, x, y, out: max(x[0]) * x, lambda xp, x, y, out: x[0].max() * x, Transferred, r"bool\(\)"
    ),
    "print": fault(lambda xp, x, y, out: f"{x.sum():.3f}" and x, lambda xp, x, y, out: x, Transferred, r"format\(\)"),
    "tolist": fault(
        lambda xp, x, y, out: [value for row in x.tolist() for value in row] and x,
        lambda xp, x, y, out: x,
        Transferred, r"tolist\(\)",
    ),
    "a boolean mask read": fault(
        lambda xp, x, y, out: x[x > 0].sum(),
        lambda xp, x, y, out: x.sum(where=x > 0) if xp is np else xp.where(x > 0, x, 0).sum(),
        Transferred, "a boolean mask",
    ),
    "a boolean mask written": fault(
        lambda xp, x, y, out: x.__setitem__(x < 0, 0) or x,
        lambda xp, x, y, out: xp.maximum(x, 0, out=x),
        Transferred, "a boolean mask",
    ),
    "where with a condition alone": fault(
        lambda xp, x, y, out: x[xp.where(y > 0)[0]].sum(axis=0),
        lambda xp, x, y, out: (x * (y > 0)[:, None]).sum(axis=0),
        Transferred, r"where\(condition\)",
    ),
    "a label out of range": fault(
        lambda xp, x, y, out: x[xp.arange(4), y + 1], lambda xp, x, y, out: x[xp.arange(4), y], IndexError, "index 3"
    ),
    "rows out of range": fault(
        lambda xp, x, y, out: x.take(y + 2, axis=0), lambda xp, x, y, out: x.take(y, axis=0), IndexError, "index 4"
    ),
    "a list for an index": fault(
        lambda xp, x, y, out: x[[2, 0]], lambda xp, x, y, out: x[2::-2], Transferred, "an upload of list"
    ),
    "a NumPy array for an index": fault(
        lambda xp, x, y, out: x.take(np.arange(2), axis=0),
        lambda xp, x, y, out: x.take(xp.arange(2), axis=0),
        Transferred, "an upload of ndarray",
    ),
    "a NumPy array into some places": fault(
        lambda xp, x, y, out: out.__setitem__(xp.arange(2), np.ones(2)) or out,
        lambda xp, x, y, out: out.__setitem__(xp.arange(2), xp.ones(2)) or out,
        Transferred, "an upload of ndarray",
    ),
    "a constant uploaded in every step": fault(
        lambda xp, x, y, out: x * xp.asarray(0.5, dtype="float32"),
        lambda xp, x, y, out: x * 0.5,
        Transferred, "an upload of float",
    ),
    "a place written twice": fault(
        lambda xp, x, y, out: out.__setitem__(y, x[:, 0]) or out,
        lambda xp, x, y, out: out.__setitem__(slice(3), ((y == xp.arange(3)[:, None]) * x[:, 0]).sum(axis=1)) or out,
        ValueError, "written twice",
    ),
    "where=": fault(
        lambda xp, x, y, out: xp.divide(1, x, where=x != 0),
        lambda xp, x, y, out: 1 / xp.where(x != 0, x, 1),
        TypeError, "Wrong arguments where",
    ),
    "casting= of a ufunc": fault(
        lambda xp, x, y, out: xp.add(x, 1, casting="unsafe"),
        lambda xp, x, y, out: xp.add(x, 1),
        TypeError, "Wrong arguments casting",
    ),
    "casting= of astype": fault(
        lambda xp, x, y, out: x.astype("float64", casting="safe"),
        lambda xp, x, y, out: x.astype("float64"),
        TypeError, "casting is not supported yet",
    ),
    "take(mode=)": fault(
        lambda xp, x, y, out: x.take(y, axis=0, mode="clip"),
        lambda xp, x, y, out: x.take(y, axis=0),
        TypeError, "unexpected keyword argument 'mode'",
    ),
    "a float index": fault(
        lambda xp, x, y, out: x[y * 1.0], lambda xp, x, y, out: x[y], IndexError, "must be of integer or boolean type"
    ),
    "True for an index": fault(
        lambda xp, x, y, out: x[True], lambda xp, x, y, out: x[None], IndexError, "True and False as an index"
    ),
    "out= of another dtype for take": fault(
        lambda xp, x, y, out: xp.arange(4).take(y, out=out),
        lambda xp, x, y, out: x[:, 0].take(y, out=out),
        TypeError, "Output dtype mismatch",
    ),
    "out= of another shape for take": fault(
        lambda xp, x, y, out: x.take(y, axis=0, out=out),
        lambda xp, x, y, out: x[:, 0].take(y, axis=0, out=out),
        ValueError, "Output shape mismatch",
    ),
    "out= of another dtype for a product": fault(
        lambda xp, x, y, out: xp.matmul(x.astype("float64"), xp.ones(3), out=out),
        lambda xp, x, y, out: xp.matmul(x, xp.ones(3, dtype="float32"), out=out),
        TypeError, "out has dtype float32, and the result float64",
    ),
    "out= of another dtype for a sum": fault(
        lambda xp, x, y, out: x.sum(axis=1, dtype="float64", out=out),
        lambda xp, x, y, out: x.sum(axis=1, out=out),
        TypeError, "out has dtype float32, and the result float64",
    ),
    "out= of another shape": fault(
        lambda xp, x, y, out: x.sum(axis=0, out=out),
        lambda xp, x, y, out: x.sum(axis=1, out=out),
        ValueError, re.escape("out has shape (4,), and the result (3,)"),
    ),
    "a scalar of NumPy's, in place": fault(
        lambda xp, x, y, out: x.__imul__(np.float64(0.5)),
        lambda xp, x, y, out: x.__imul__(0.5),
        TypeError, "out has dtype float32, and the result float64",
    ),
    "a scalar of NumPy's": fault(
        lambda xp, x, y, out: np.sqrt(2) * x, lambda xp, x, y, out: 2**0.5 * x, AssertionError, "dtype.*float64"
    ),
    "memory that nobody wrote": fault(
        lambda xp, x, y, out: xp.empty(4, dtype="float32") + x[:, 0],
        lambda xp, x, y, out: xp.zeros(4, dtype="float32") + x[:, 0],
        AssertionError, "nan",
    ),
    "an array for a key": fault(
        lambda xp, x, y, out: {x: 1} and x, lambda xp, x, y, out: {id(x): 1} and x, TypeError, "unhashable"
    ),
    "an array for a number": fault(
        lambda xp, x, y, out: sum(x[i] for i in range(y.max())),
        lambda xp, x, y, out: sum(x[i] for i in range(2)),
        TypeError, "cannot be interpreted as an integer",
    ),
    "a kernel's argument that is missing": fault(
        lambda xp, x, y, out: xp.RawKernel(SCALE, "scale")((1,), (32,), (x, out, TWO)),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, "scale takes 4 arguments; got 3",
    ),
    "a kernel's array of another type": fault(
        lambda xp, x, y, out: scale(xp, y, out),
        lambda xp, x, y, out: scale(xp, y.astype("float32"), out),
        TypeError, r"argument 1 \(const float\* __restrict__ x\) takes an array of float32; got one of int64",
    ),
    "a kernel's array that is not contiguous": fault(
        lambda xp, x, y, out: scale(xp, x[:, 0], out),
        lambda xp, x, y, out: scale(xp, x[:, 0].copy(), out),
        ValueError, "argument 1 .*the array is not C-contiguous",
    ),
    "a kernel's array that is transposed": fault(
        lambda xp, x, y, out: scale(xp, x.T, xp.zeros((3, 4), dtype="float32")),
        lambda xp, x, y, out: scale(xp, x.T.copy(), xp.zeros((3, 4), dtype="float32"), n=np.int32(12)),
        ValueError, "argument 1 .*the array is not C-contiguous",
    ),
    "a NumPy array for a kernel": fault(
        lambda xp, x, y, out: scale(xp, np.ones(4, "float32"), out),
        lambda xp, x, y, out: scale(xp, xp.ones(4, dtype="float32"), out),
        TypeError, MIXED,
    ),
    "a list for a kernel": fault(
        lambda xp, x, y, out: scale(xp, [1.0] * 4, out),
        lambda xp, x, y, out: scale(xp, xp.ones(4, dtype="float32"), out),
        TypeError, "Unsupported type <class 'list'>",
    ),
    "a float of Python's for a kernel": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, by=2.0),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, "argument 3: CuPy passes 2.0 in 8 bytes",
    ),
    "an int of Python's for a kernel": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, n=4),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, "argument 4: CuPy passes 4 in 8 bytes",
    ),
    "a kernel's number of another type": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, by=np.sqrt(4)),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, r"argument 3 \(float by\) takes a numpy.float32 by value; got .* of <class 'numpy.float64'>",
    ),
    "an array for a kernel's number": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, by=x[0, 0]),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, "takes a numpy.float32 by value; got an array of float32",
    ),
    "a grid of no blocks": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, grid=(0,)),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        ValueError, r"invalid configuration argument: grid \(0,\)",
    ),
    "a block of too many threads": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, block=(64, 32)),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        ValueError, r"invalid configuration argument: block \(64, 32\)",
    ),
    "a grid that is a number": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, grid=1),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        TypeError, r"Argument 'grid' has incorrect type \(expected tuple, got int\)",
    ),
    "a kernel whose threads all write to one place": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, code=SCALE.replace("y[i] =", "y[0] =")),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        Race, r"scale gives other results for threads in reverse order: item 0 of float\* __restrict__ y",
    ),
    "dynamic shared memory": fault(
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out, shared_mem=64),
        lambda xp, x, y, out: scale(xp, x.ravel()[:4], out),
        NotImplementedError, "no dynamic shared memory",
    ),
}


def on_arrays(function):
    """A function of a backend that calls this one on its arrays, and forbids all transfers."""

    def run(name):
        xp = backend.module(name)
        x = xp.asarray(np.random.default_rng(0).normal(size=(4, 3)), dtype="float32")
        y, out = xp.asarray([2, 0, 1, 2]), xp.zeros(4, dtype="float32")
        with device.at_most():
            return [function(xp, x, y, out)]

    return run


@pytest.mark.parametrize(("wrong", "right", "error", "match"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_caught_and_the_right_code_passes(wrong, right, error, match):
    same_on_both(on_arrays(right))
    with pytest.raises(error, match=match):
        same_on_both(lambda name: on_arrays(wrong if name == "cupy" else right)(name))


# ---- faults in the library ----------------------------------------------------------------------------------------


class NumPyInside(tn.layers.Tanh):
    def forward(self, x, training=False):
        y = np.tanh(x)
        return y, y


class DrawsOnTheHost(tn.layers.ReLU):
    def forward(self, x, training=False):
        y = x * np.random.default_rng(0).integers(0, 2, x.shape)
        return y, y


class ScaledByNumPy(tn.layers.ReLU):
    def backward(self, dy, cache, need_dx=True):
        return dy * np.sqrt(2) * (cache > 0)


class AddsToEmpty(tn.layers.Dense):
    """On NumPy, and on a GPU, the memory may happen to be 0."""

    def forward(self, x, training=False):
        y = backend.xp_of(x).empty((len(x), self.units), dtype=x.dtype)
        y += x @ self.kernel
        return y, x


class MaskedLoss(tn.losses.SparseCategoricalCrossentropy):
    def forward(self, labels, outputs):
        values, cache = super().forward(labels, outputs)
        values[values > 10] = 10
        return values, cache


class LabelsFromOne(tn.losses.SparseCategoricalCrossentropy):
    def forward(self, labels, outputs):
        return super().forward(labels + 1, outputs)


class NumPysRate(tn.optimizers.SGD):
    def change(self, gradient, scratch, rate):
        return -np.sqrt(rate) * gradient


@pytest.mark.parametrize(
    ("layer", "error", "match"),
    [
        (NumPyInside(), TypeError, "numpy.tanh of a device array"),
        (DrawsOnTheHost(), TypeError, MIXED),
        (ScaledByNumPy(), AssertionError, "dtype.*float64"),
        (AddsToEmpty(2), AssertionError, "nan"),
    ],
    ids=["NumPyInside", "DrawsOnTheHost", "ScaledByNumPy", "AddsToEmpty"],
)
def test_a_fault_in_a_layer(layer, error, match):
    x = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(error, match=match):
        check_layer(layer, x, "float32")


@pytest.mark.parametrize(
    ("loss", "error", "match"),
    [(MaskedLoss(), Transferred, "a boolean mask"), (LabelsFromOne(), IndexError, "index 3")],
    ids=["MaskedLoss", "LabelsFromOne"],
)
def test_a_fault_in_a_loss(loss, error, match):
    outputs = np.random.default_rng(0).random((4, 3))
    with pytest.raises(error, match=match):
        check_loss(loss, np.array([2, 0, 1, 2]), outputs, "float32")


def test_a_fault_in_an_optimizer():
    with pytest.raises(TypeError, match="out has dtype float32, and the result float64"):
        check_optimizer(lambda: NumPysRate(0.1), "float32")


def waits_for_the_loss(monkeypatch):
    loss_and_gradient = step.Step.loss_and_gradient

    def waiting(self, labels, outputs, weights, report, backward=True):
        gradient = loss_and_gradient(self, labels, outputs, weights, report, backward)
        assert float(report.sums[0]) >= 0
        return gradient

    monkeypatch.setattr(step.Step, "loss_and_gradient", waiting)


def keeps_the_order_on_the_host(monkeypatch):
    def shuffle(self, rng):
        self.order = rng.permutation(len(self.x))

    monkeypatch.setattr(ArrayBatches, "shuffle", shuffle)


@pytest.mark.parametrize(
    ("seed", "error", "match"),
    [(waits_for_the_loss, Transferred, r"float\(\)"), (keeps_the_order_on_the_host, TypeError, MIXED)],
)
def test_a_fault_in_the_loop_over_the_batches(monkeypatch, seed, error, match):
    entry = catalogue.MODELS["the lesson's, small"]
    model, (x, y) = entry.compiled("adam", backend="cupy"), entry.data(20)
    seed(monkeypatch)
    with pytest.raises(error, match=match), device.at_most(uploads=3, downloads=1):
        model.fit(x, y, batch_size=4, verbose=0)


# ---- the stand-in and the comparison themselves -------------------------------------------------------------------


def test_the_comparison_sees_the_last_bit_the_dtype_and_the_shape():
    one = np.ones(2, "float32")
    assert equal([{"a": one, "b": 1.0}, float("nan")], [{"a": one.copy(), "b": 1.0}, float("nan")])
    for other in (np.nextafter(one, np.float32(2)), one.astype("float64"), one[:, None], one[:1], module.asarray(one)):
        assert not equal([{"a": one}], [{"a": other}])
        with pytest.raises((AssertionError, TypeError)):
            same_on_both(lambda name, other=other: [one if name == "numpy" else module.asarray(other).get()])
    assert not equal([1.0], [1.0, 1.0])
    assert not equal({"a": 1.0}, {"b": 1.0})


def test_transfers_and_launches_are_counted_and_one_too_many_is_refused():
    a = module.ones(3)
    with device.counted() as outer, device.at_most(downloads=1) as inner:
        assert float(a[0] + 1) == 2
        with pytest.raises(Transferred, match=r"int\(\): number 2 of the downloads, and 1 are allowed here"):
            int(a[1])
    assert (inner.launches, inner.uploads, inner.downloads) == (1, 0, 2)
    assert (outer.launches, outer.uploads, outer.downloads) == (1, 0, 2)
    with device.counted() as used:
        module.asarray([1.0])
    assert (used.launches, used.uploads, used.downloads) == (0, 1, 0)


def test_views_share_memory_and_gathers_do_not():
    a = module.zeros((4, 3))
    with device.counted() as used:
        rows, column, turned, flat = a[1:], a[:, 0], a.T, a.reshape(-1)
        assert all(view.base is a for view in (rows, column, turned, flat, rows[1:], rows[0, 0]))
    assert used.launches == 0
    gathered = a[module.arange(2)]
    assert gathered.base is None
    flat += 1
    assert (rows.get().sum(), turned.get().sum(), gathered.get().sum()) == (9, 12, 0)
    assert turned.reshape(-1).base is None, "that needed a copy"


def test_a_kernel_is_one_launch_and_no_transfer():
    kernel, x, y = module.RawKernel(SCALE, "scale"), module.ones(4, "float32"), module.empty(4, "float32")
    with device.at_most() as used:
        kernel((1,), (32,), (x, y, TWO, FOUR))
        kernel((1, 1), (32, 1, 1), (x, y, TWO, FOUR), shared_mem=0)
        with pytest.raises(TypeError, match="scale takes 4 arguments"):
            kernel((1,), (32,), (x,))
    assert (used.launches, y.tolist()) == (2, [2, 2, 2, 2])


def test_a_kernel_has_options_and_a_name():
    y, options = module.zeros(1, "float32"), ("-Dreal=float", "--std=c++17")
    code = 'extern "C" __global__ void one(real* y) { y[0] = 1; }'
    module.RawKernel(code, "one", options)((1,), (1,), (y,))
    assert y.tolist() == [1]
    with pytest.raises(RuntimeError, match="CUDA_ERROR_NOT_FOUND: named symbol not found"):
        module.RawKernel(code, "two", options)((1,), (1,), (y,))
    with pytest.raises(RuntimeError, match=r"kernel.cu:1:.*error.*real"):
        module.RawKernel(code, "one")((1,), (1,), (y,))


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_kernel_without_a_compiler_skips_the_test_and_fails_it_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setattr(cuda_on_cpu, "compiler", lambda: None)
    monkeypatch.setenv("CI", ci)
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match=r"needs a C\+\+ compiler") as raised:
        module.RawKernel(SCALE, "scale")((1,), (32,), ())
    assert raised.type is outcome  # a skip that is not expected would skip this test


def test_uploads_and_downloads_are_copies():
    host = np.zeros(2)
    a = module.asarray(host)
    host += 1
    a.get()[...] = 5
    assert a.tolist() == [0, 0]
    with pytest.raises(ValueError, match="Unsupported dtype object"):
        module.asarray([None])


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_arrays_can_be_copied_and_pickled(clone):
    a = module.arange(3)
    b = clone(a)
    a += 1
    assert (type(b), b.tolist()) == (module.ndarray, [0, 1, 2])


def test_a_name_that_is_not_there_says_what_to_do():
    for owner, name in ((module, "cupy"), (module.ones(1), "cupy.ndarray")):
        with pytest.raises(AttributeError, match=rf"{name}.nanmedian is not in the stand-in. If CuPy has it, add it"):
            owner.nanmedian  # noqa: B018
    with pytest.raises(TypeError, match="made by its functions"):
        module.ndarray((2, 3))


def test_the_library_takes_the_stand_in_for_cupy():
    assert backend.resolve("cupy") == "cupy"
    assert backend.module("cupy") is backend.xp_of(module.ones(1)) is sys.modules["cupy"] is module
    assert backend.on_device(module.ones(1))
