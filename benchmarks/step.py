"""Where the time of a training step goes: its parts, each beside its floor, of which a step may take four times.

    python benchmarks/step.py [--threads N] [--batch N] [--units N] [--epochs N]

The step is the lesson's on images in uint8: Rescaling, 784 inputs, relu, softmax of 10, Adam, accuracy. After one
epoch, for Adam's moments, epochs timed as a whole alternate with epochs whose parts are timed. A part's time is the
median over the steps, less that of an empty call. Of a Dense layer every other step times the whole, the others its
products alone, just before the layer computes them, with the caches as in training; the difference is the bias. The
rest is the median epoch's time for a step less the sum of the parts: loops, checks, Flatten, and what few steps do.

The floor of a part is its floating-point operations at the rate of a product of two 2048 x 2048 matrices, with as many
threads, plus its bytes, read and written, at the rate at which np.copyto, in one thread, copies 200 MB; both are
measured in the same process, before and after. With B samples, C classes, N weights and numbers of 4 bytes it counts:

    the batch      each image read as uint8 and written as float32                                  5 * 784 B bytes
    the products   2 B * inputs * outputs operations each, and no bytes: the rate has those of the large product in it
    activations    each layer's output read and written once, with bias and relu in that pass; backward relu's y and dy
                   read and dx written, with the bias's sum in that pass; of the last layer dy read
    the loss       the logits read, their gradient and a value for each sample written             4 (2 B C + B) bytes
    the report     the probabilities and the values read                                             4 (B C + B) bytes
    Adam           g, M, V and w read, M, V and w written                                              7 * 4 N bytes
    the rest       nothing, as do labels and the order of the images, a few bytes for each sample

Caches are faster: a part may come to less. The last line's rate is that of copying half of g, M, V and w to the other.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import statistics
import sys
import time
from functools import partial
from unittest import mock

import numpy as np
from lesson import Clock, blas
from machine import usual

import tinynet as tn
from tinynet.intake.arrays import ArrayBatches

INPUTS, CLASSES, GOAL = 784, 10, 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="of BLAS (default: 1)")
    parser.add_argument("--batch", type=int, default=32, help="samples in a batch (default: 32)")
    parser.add_argument("--units", type=int, default=128, help="of the hidden layer (default: 128)")
    parser.add_argument("--epochs", type=int, default=5, help="of each kind, after the first (default: 5)")
    options = parser.parse_args()
    if usual() != os.environ or os.environ.get("OPENBLAS_NUM_THREADS") != str(options.threads):  # NumPy has read them
        kept = usual()
        os.environ.clear()
        os.environ.update(kept, OPENBLAS_NUM_THREADS=str(options.threads))
        os.execv(sys.executable, sys.orig_argv)
    (x, y), _ = tn.datasets.fashion_mnist.load_data()
    model, clock, records = lesson(options.units), Clock(), collections.defaultdict(list)
    arguments = {"x": x, "y": y, "batch_size": options.batch, "verbose": 0}
    model.fit(**arguments)
    before = list(rates(model.count_params()))
    for _ in range(options.epochs):
        model.fit(**arguments, callbacks=[clock])
        with contextlib.ExitStack() as stack:
            for owner, name, call in timed_calls(model.training_step(), records):
                stack.enter_context(mock.patch.object(owner, name, call))
            model.fit(**arguments)
    steps = -(-len(x) // options.batch)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {blas()}, {options.threads} threads; ", end="")
    print(f"batch {options.batch}, {options.units} units, {options.epochs} epochs of {steps} steps of each kind")
    best = map(max, before, rates(model.count_params()))  # neighbours can halve them for a while
    table([each / steps for each in clock.seconds], by_part(records), work(options, model.count_params()), best)


def lesson(units):
    pixels = [tn.layers.Rescaling(1 / 255, input_shape=(28, 28)), tn.layers.Flatten()]
    dense = [tn.layers.Dense(units, activation="relu"), tn.layers.Dense(CLASSES, activation="softmax")]
    model = tn.Sequential(pixels + dense, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def timed_calls(step, records):
    """(owner, name, timed function) of all that a step calls; `records` gets {(part, which call): [seconds, ...]}."""
    calls = [(step.loss, "forward", "loss"), (step.loss, "backward", "loss"), (step, "_report", "report")]
    kinds = {tn.layers.Rescaling: "batch", tn.layers.ReLU: "activations"}
    for layer in step.parts:
        if type(layer) in kinds:
            calls += [(layer, name, kinds[type(layer)]) for name in ("forward", "backward")]
        elif isinstance(layer, tn.layers.Dense):
            yield from timed_dense(layer, step.optimizer, records)
    for owner, name, part in [*calls, (step.optimizer, "apply", "adam")]:
        yield owner, name, timed(getattr(owner, name), records[part, (id(owner), name)])
    iterate, seconds = ArrayBatches.__iter__, records["batch", "next"]
    yield ArrayBatches, "__iter__", lambda batches: iter(timed(partial(next, iterate(batches), None), seconds), None)


def timed_dense(layer, optimizer, records):
    """Those of a Dense layer: timed whole at every other step, at the others just behind the products alone."""
    forward, backward, key = layer.forward, layer.backward, id(layer)
    whole_forward = timed(forward, records["dense forward", key])
    whole_backward = timed(backward, records["dense backward", key])
    y = timed(np.ndarray.__matmul__, records["forward products", key])
    dW = timed(kernel_gradient, records["backward products", (key, "dW")])
    dx = timed(np.ndarray.__matmul__, records["backward products", (key, "dx")])

    def timed_forward(x, training=False):
        if optimizer.iterations % 2:
            return whole_forward(x, training)
        y(x, layer.kernel)
        return forward(x, training)

    def timed_backward(dy, cache, need_dx=True):
        if optimizer.iterations % 2:
            return whole_backward(dy, cache, need_dx)
        dW(cache.T, dy, layer.grads["kernel"])
        if need_dx:
            dx(dy, layer.kernel.T)
        return backward(dy, cache, need_dx)

    return (layer, "forward", timed_forward), (layer, "backward", timed_backward)


def kernel_gradient(x_columns, dy, out):
    (np.matmul if len(dy) > 1 else np.multiply)(x_columns, dy, out=out)  # as in Dense


def timed(function, seconds):
    def call(*arguments, now=time.perf_counter, **options):
        started = now()
        result = function(*arguments, **options)
        seconds.append(now() - started)
        return result

    return call


def by_part(records):
    """The seconds of each part in a step: the sum of its calls' medians, each less that of an empty call."""
    parts, nothing = collections.Counter(), statistics.median(times_of(lambda: None, 10000))
    for (part, _), seconds in records.items():
        if seconds:  # not for gradients with respect to the inputs, which nobody needs
            parts[part] += statistics.median(seconds) - nothing
    for way in ("forward", "backward"):
        parts["activations"] += parts.pop(f"dense {way}") - parts[f"{way} products"]
    return parts


def work(options, weights):
    """(name, key, floating-point operations, bytes) of each part: the least that it must do."""
    batch, hidden, out = options.batch, options.batch * options.units, options.batch * CLASSES
    first, second = 2 * INPUTS * hidden, 2 * options.units * out  # operations of a product of each layer
    return [
        ("gathering and scaling the batch", "batch", 0, 5 * INPUTS * batch),
        ("forward products", "forward products", first + second, 0),
        ("activations and biases, both ways", "activations", 0, 4 * (2 * (hidden + out) + 3 * hidden + out)),
        ("softmax, loss and its gradient", "loss", 0, 4 * (2 * out + batch)),
        ("the reported loss and accuracy", "report", 0, 4 * (out + batch)),
        ("backward products", "backward products", first + 2 * second, 0),
        ("Adam", "adam", 0, 7 * 4 * weights),
        ("Python and everything else", "rest", 0, 0),
    ]


def table(epochs, seconds, parts, best):
    product, copy, cached = best
    seconds["rest"] = statistics.median(epochs) - seconds.total()
    seconds["step"] = seconds.total()
    print(f"rates: {product / 1e9:.0f} GFLOP/s, {copy / 1e9:.0f} GB/s; of what Adam holds {cached / 1e9:.0f} GB/s\n")
    print(f"{'part':36}{'us':>7}{'floor':>9}{'ratio':>8}")
    operations, moved = (sum(part[index] for part in parts) for index in (2, 3))
    for name, key, flops, read_or_written in [*parts, ("the step", "step", operations, moved)]:
        floor = flops / product + read_or_written / copy
        print(f"{name:36}{seconds[key] * 1e6:7.1f}{floor * 1e6:9.2f}", f"{seconds[key] / floor:7.2f}" if floor else "")
    print(f"epoch by epoch: {min(epochs) * 1e6:.0f} to {max(epochs) * 1e6:.0f} us a step")
    ratio = seconds["step"] / (operations / product + moved / copy)
    print(f"{ratio:.2f} times the floor: {'' if ratio <= GOAL else 'not '}within {GOAL} times, the target")
    stricter = seconds["step"] / (operations / product + moved / cached)
    print(f"{stricter:.2f} times it, were the bytes as quick as in caches")


def rates(weights):
    """Operations in a second of a large product; bytes in one of copying 200 MB, and half of Adam's to the other."""
    a, b, out = np.ones((3, 2048, 2048), dtype="float32")
    yield 2 * len(a) ** 3 / min(times_of(lambda: np.matmul(a, b, out=out), 10))
    for size, times in ((50_000_000, 10), (2 * weights, 1000)):
        source, target = np.ones((2, size), dtype="float32")
        yield 2 * source.nbytes / min(times_of(lambda pair=(target, source): np.copyto(*pair), times))


def times_of(function, times):
    seconds = []
    for _ in range(times):
        timed(function, seconds)()
    return seconds


if __name__ == "__main__":
    main()
