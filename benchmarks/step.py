"""Where the time of a training step goes: its parts, each beside its floor, of which a step may take four times.

    python benchmarks/step.py [--threads N] [--batch N] [--units N] [--epochs N]

The step is the lesson's, from images in uint8: a Rescaling, 784 inputs, relu, softmax of 10, Adam and the accuracy.
After one epoch, so that Adam's moments are those of a training, epochs that are timed as a whole alternate with epochs
whose parts are timed. A part's time is the median over the steps, less what the timing takes. Of a Dense layer every
other step times the whole; the steps between time its matrix products alone, the same expressions on the same arrays
just before the layer computes them, when the caches hold what they hold in training. The difference is the bias. The
rest is the median epoch's time for a step less the parts: loops, checks, Flatten, and what happens in a few steps only.

The floor of a part is its floating-point operations at the rate of a product of two 2048 x 2048 matrices, with as many
threads, plus its bytes, read and written, at the rate at which np.copyto, in one thread, copies 200 MB; both are
measured in the same process. With B samples, C classes, N weights and numbers of 4 bytes it counts:

    the batch      each image read as uint8 and written as float32                                  5 * 784 B bytes
    the products   2 B * inputs * outputs operations each, and no bytes: the rate has those of the large product in it
    activations    each layer's output read and written once, with bias and relu in that pass; backward relu's y and dy
                   read and dx written, with the bias's sum in that pass; of the last layer dy read
    the loss       the logits read, their gradient and a value for each sample written             4 (2 B C + B) bytes
    the report     the probabilities and the values read                                             4 (B C + B) bytes
    Adam           g, M, V and w read, M, V and w written                                              7 * 4 N bytes
    the rest       nothing, as do labels and the order of the images, a few bytes for each sample

What the caches hold moves faster than 200 MB do, so that a part can come to less than its floor; the last line takes
the bytes at the rate of copying arrays as large as all the weights.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import statistics
import sys
import time
from unittest import mock

import numpy as np
from lesson import Clock, blas, spread

import tinynet as tn
from tinynet.batches import ArrayBatches

INPUTS, CLASSES, GOAL = 784, 10, 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="of BLAS (default: 1)")
    parser.add_argument("--batch", type=int, default=32, help="samples in a batch (default: 32)")
    parser.add_argument("--units", type=int, default=128, help="of the hidden layer (default: 128)")
    parser.add_argument("--epochs", type=int, default=5, help="of each kind, after the first (default: 5)")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != str(options.threads):  # which NumPy has read already: begin again
        os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
        os.execv(sys.executable, sys.orig_argv)
    (x, y), _ = tn.datasets.fashion_mnist.load_data()
    model, clock, records = lesson(options.units), Clock(), collections.defaultdict(list)
    arguments = {"x": x, "y": y, "batch_size": options.batch, "verbose": 0}
    model.fit(**arguments)
    for _ in range(options.epochs):
        model.fit(**arguments, callbacks=[clock])
        with contextlib.ExitStack() as stack:
            for owner, name, call in timed_calls(model.training_step(), records):
                stack.enter_context(mock.patch.object(owner, name, call))
            model.fit(**arguments)
    steps = -(-len(x) // options.batch)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {blas()}, {options.threads} threads; ", end="")
    print(f"batch {options.batch}, {options.units} units, {options.epochs} epochs of {steps} steps of each kind")
    table([seconds / steps for seconds in clock.seconds], by_part(records), work(options, model.count_params()))


def lesson(units):
    layers = [
        tn.layers.Rescaling(1 / 255, input_shape=(28, 28)),
        tn.layers.Flatten(),
        tn.layers.Dense(units, activation="relu"),
        tn.layers.Dense(CLASSES, activation="softmax"),
    ]
    model = tn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def timed_calls(step, records):
    """(owner, name, timed function) of all that a step calls; `records` gets {(part, which call): [seconds, ...]}."""
    calls = [(step.loss, "forward", "loss"), (step.loss, "backward", "loss"), (step, "_report", "report")]
    calls.append((step.optimizer, "apply", "adam"))
    for layer in step.parts:
        if isinstance(layer, tn.layers.Dense):
            forward, backward = timed_dense(layer, step.optimizer, records)
            yield layer, "forward", forward
            yield layer, "backward", backward
        elif isinstance(layer, tn.layers.Rescaling):
            calls.append((layer, "forward", "batch"))
        elif isinstance(layer, tn.layers.ReLU):
            calls += [(layer, "forward", "activations"), (layer, "backward", "activations")]
    for owner, name, part in calls:
        yield owner, name, timed(getattr(owner, name), records[part, (id(owner), name)])
    iterate = ArrayBatches.__iter__

    def batches(source):
        following = timed(iterate(source).__next__, records["batch", "next"])
        with contextlib.suppress(StopIteration):
            while True:
                yield following()

    yield ArrayBatches, "__iter__", batches


def timed_dense(layer, optimizer, records):
    """forward and backward, timed whole at every other step and just behind the products alone at the others."""
    forward, backward, key = layer.forward, layer.backward, id(layer)
    whole_forward = timed(forward, records["dense forward", key])
    whole_backward = timed(backward, records["dense backward", key])
    output = timed(np.ndarray.__matmul__, records["forward products", key])
    kernel_gradient = timed(np.matmul, records["backward products", (key, "kernel")])
    input_gradient = timed(np.ndarray.__matmul__, records["backward products", (key, "input")])

    def timed_forward(x, training=False):
        if optimizer.iterations % 2:
            return whole_forward(x, training)
        output(x, layer.kernel)
        return forward(x, training)

    def timed_backward(dy, cache, need_dx=True):
        if optimizer.iterations % 2:
            return whole_backward(dy, cache, need_dx)
        kernel_gradient(cache.T, dy, out=layer.grads["kernel"])
        if need_dx:
            input_gradient(dy, layer.kernel.T)
        return backward(dy, cache, need_dx)

    return timed_forward, timed_backward


def timed(function, seconds):
    def call(*arguments, now=time.perf_counter, **options):
        started = now()
        result = function(*arguments, **options)
        seconds.append(now() - started)
        return result

    return call


def by_part(records):
    """The seconds of each part in a step: the sum of its calls' medians, less what a call takes for being timed."""
    empty = []
    call = timed(lambda: None, empty)
    for _ in range(10000):
        call()
    parts = collections.Counter()
    for (part, _), seconds in records.items():
        if seconds:  # the first layer's input needs no gradient
            parts[part] += statistics.median(seconds) - statistics.median(empty)
    for way in ("forward", "backward"):
        parts["activations"] += parts.pop(f"dense {way}") - parts[f"{way} products"]
    return parts


def work(options, weights):
    """(name, key, floating-point operations, bytes) of each part: the least that it must do."""
    batch, hidden, out = options.batch, options.batch * options.units, options.batch * CLASSES
    first, second = 2 * INPUTS * hidden, 2 * options.units * out  # operations
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


def table(epochs, seconds, parts):
    weights = next(moved for _, key, _, moved in parts if key == "adam") // 28
    product, copy, cached = product_rate(), copy_rate(50_000_000, 10), copy_rate(weights, 1000)
    step = statistics.median(epochs)
    seconds["rest"] = step - seconds.total()
    print(f"the floor: {product / 1e9:.0f} GFLOP/s, {copy / 1e9:.0f} GB/s; ", end="")
    print(f"of arrays as large as the weights {cached / 1e9:.0f} GB/s\n")
    print(f"{'part':36}{'us':>7}{'floor':>9}{'ratio':>8}")
    operations, moved = (sum(part[index] for part in parts) for index in (2, 3))
    seconds["step"] = step
    for name, key, flops, read_or_written in [*parts, ("the step", "step", operations, moved)]:
        floor = flops / product + read_or_written / copy
        ratio = f"{seconds[key] / floor:.2f}" if floor else "-"
        print(f"{name:36}{seconds[key] * 1e6:7.1f}{floor * 1e6:9.2f}{ratio:>8}")
    print(f"epoch by epoch: {spread([each * 1e6 for each in epochs])} us a step")
    for memory, rate in (("bytes as of 200 MB", copy), ("bytes as of arrays as large as the weights", cached)):
        ratio = step / (operations / product + moved / rate)
        print(f"{ratio:.2f} times the floor, {memory}: {'' if ratio <= GOAL else 'not '}within {GOAL} times")


def product_rate(size=2048):
    """Floating-point operations in a second of a large product."""
    a, b = np.random.default_rng(0).random((2, size, size), dtype="float32")
    return 2 * size**3 / quickest(lambda: np.matmul(a, b), 10)


def copy_rate(size, times):
    """Bytes read and written in a second of copying that many float32."""
    source, target = np.ones(size, dtype="float32"), np.zeros(size, dtype="float32")
    return 2 * source.nbytes / quickest(lambda: np.copyto(target, source), times)


def quickest(function, times):
    seconds = []
    call = timed(function, seconds)
    for _ in range(times):
        call()
    return min(seconds)


if __name__ == "__main__":
    main()
