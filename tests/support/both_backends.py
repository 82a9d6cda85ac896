"""Checks that run something on NumPy and on the strict stand-in for CuPy and require the same numbers of both.

The same to the last bit, with no tolerance: the stand-in computes with NumPy's own functions, so on both the same
operations run on the same numbers in the same order; the kernels of batches and optimizers round as NumPy does. Any
difference is another operation, or memory that nobody wrote. One kernel alone rounds in its own way, that of softmax
with cross-entropy, whose exp is C's and whose sums are a warp's: `loss_on_arrays` leaves it out, `close` allows for it.
"""

import contextlib
import copy

import numpy as np
import pytest
from strict_cupy import device, module

from tinynet import backend
from tinynet.gradcheck.function import drawn_for
from tinynet.kernels import softmax_crossentropy
from tinynet.layers.chain import backward_chain, forward_chain
from tinynet.losses.labels import as_real


def same_on_both(run):
    """`run(backend)` gives a list of arrays of that backend: check that they are equal, and return NumPy's."""
    expected, got = [np.asarray(array) for array in run("numpy")], run("cupy")
    for ours, theirs in zip(expected, got, strict=True):
        assert isinstance(theirs, module.ndarray)
        assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
        assert np.array_equal(theirs.get(), ours, equal_nan=True)
    return expected


def check_layer(layer, x, dtype):
    """A layer that is not yet built, forward and backward: no transfer but that of a mask, and all in its dtype."""

    def run(name):
        xp, own = backend.module(name), copy.deepcopy(layer)
        shape = own.setup(x.shape[1:], np.random.default_rng(0), name, dtype)
        samples = xp.asarray(x, dtype=dtype)
        dy = xp.asarray(np.random.default_rng(1).normal(size=(len(x), *shape)), dtype=dtype)
        with device.at_most(uploads=sum(part.random for part in own.parts())):  # a mask is drawn on the host
            y, caches = forward_chain(own.parts(), samples, True, drawn_for)
            dx = backward_chain(own.parts(), dy, caches)
            tested, _ = forward_chain(own.parts(), samples)
        return [y, dx, tested, *own.weight_gradients]

    assert {array.dtype for array in same_on_both(run)} == {np.dtype(dtype)}


def check_loss(loss, labels, outputs, dtype):
    """A loss's values and gradients, with one factor and with a factor for each label."""
    factors = np.random.default_rng(0).random(outputs.shape[:-1])
    labels = as_real(loss.check(labels, outputs.shape), dtype)

    def run(name):
        xp = backend.module(name)
        checked = xp.asarray(labels)
        guesses, own = xp.asarray(outputs, dtype=dtype), xp.asarray(factors, dtype=dtype)
        with device.at_most():
            values, cache = loss.forward(checked, guesses)
            gradients = [loss.backward(checked, cache, factor) for factor in (1 / values.size, own)]
        return [values, *gradients]

    assert {array.dtype for array in same_on_both(run)} == {np.dtype(dtype)}


def check_optimizer(make, dtype):
    """Three steps of an optimizer on two weights, and what it keeps for them."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((7,), (2, 3))]
    gradients = [[rng.normal(size=weight.shape) for weight in weights] for _ in range(3)]

    def run(name):
        xp, optimizer = backend.module(name), make()
        own = [xp.array(weight, dtype=dtype) for weight in weights]  # a copy: they are changed in place
        steps = [[xp.array(gradient, dtype=dtype) for gradient in step] for step in gradients]  # clipped in place
        with device.at_most():
            for step in steps:
                optimizer.apply(step, own)
        return [*own, *(slot for _, *slots in optimizer.state for slot in slots)]

    assert {array.dtype for array in same_on_both(run)} == {np.dtype(dtype)}


def life_of(model, x, y, give=lambda array: array):
    """All that a model does with data, as numbers on the host. `give` makes of an array what the user passes."""
    held_out, last = (give(x[:5]), give(y[:5])), (give(x[-3:]), give(y[-3:]))
    x, y = give(x), give(y)
    start = [model.evaluate(x, y, batch_size=4, verbose=0), model.predict(x, batch_size=4)]
    fits = [
        model.fit(x, y, batch_size=4, epochs=2, validation_data=held_out, verbose=0).history,
        model.fit(x, y, batch_size=4, validation_split=0.25, shuffle=False, verbose=0).history,
    ]
    loss, gradients = model.gradients(*last)
    step = model.train_on_batch(*last)
    weights, outputs = model.get_weights(), backend.to_numpy(model(x))
    model.set_weights([give(2 * weight) for weight in weights])
    end = [model.evaluate(x, y, verbose=0, return_dict=True), model.predict(last[0])]
    return [start, fits, loss, gradients, step, weights, outputs, model.optimizer.iterations, end]


@contextlib.contextmanager
def loss_on_arrays():
    """Inside, softmax with cross-entropy is array expressions on both backends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(softmax_crossentropy, "computes", lambda array: False)
        yield


def close(first, second, error):
    """Whether two results of the same form are equal but for this error, in numbers above 1 a relative one."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(close(first[key], second[key], error) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(close(*pair, error) for pair in zip(first, second, strict=True))
    ours, theirs = np.asarray(first), np.asarray(second)
    return ours.shape == theirs.shape and bool((abs(ours - theirs) <= error * np.maximum(abs(theirs), 1)).all())


def equal(first, second):
    """Whether two results are equal to the last bit: numbers, NumPy's arrays, and lists and dictionaries of them."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(equal, first, second))
    if type(first) is not type(second) or getattr(first, "dtype", None) != getattr(second, "dtype", None):
        return False
    return np.array_equal(first, second, equal_nan=True)
