"""Times the parts of a training step, and sets each beside the least time that it can take.

    python benchmarks/step.py [--threads N] [--batch N] [--units N] [--epochs N] [--quick]

The step is the lesson's on images in uint8: Rescaling, 784 inputs, ReLU, softmax of 10, Adam, accuracy. It may take
four times the floor, the least time of its parts. Epochs of `fit` alternate with epochs by hand. By hand the same
layers, loss and optimizer are called one by one and timed, as in examples/training_loop.py. One epoch of each comes
first, for Adam's moments.

A part's time is the median over the steps, less that of an empty call. Of a Dense layer every other step times the
whole, the others its products alone, so that caches are as in training; the difference is the bias. The rest is the
median time of a step of `fit` less the sum of the parts: loops, checks, Flatten, and what few steps do. It is less
where `fit` needs fewer passes than the calls by hand.

The floor of a part is its floating-point operations at the rate of a product of two 2048 x 2048 matrices, with as many
threads, plus its bytes, read and written, at the rate at which np.copyto, in one thread, copies 200 MB; both are
measured in the same process, before and after. With B samples, C classes, N weights and numbers of 4 bytes it counts:

    the batch      each image read as uint8 and written as float32                                  5 * 784 B bytes
    the products   2 B * inputs * outputs operations each, and no bytes: the rate has those of the large product in it
    activations    each layer's output read and written once, with bias and relu in that pass; backward relu's y and dy
                   read and dx written, with the bias's sum in that pass; of the last layer dy read
    the loss       the logits read, their gradient and a value for each sample written             4 (2 B C + B) bytes
    the report     the logits and the values read                                                    4 (B C + B) bytes
    Adam           g, M, V and w read, M, V and w written                                              7 * 4 N bytes
    the rest       nothing, as do labels and the order of the images, a few bytes for each sample

Caches are faster: a part may come to less. The last line's rate is that of copying half of g, M, V and w to the other.
"""

from __future__ import annotations

import argparse
import collections
import os
import statistics
import sys
import time

import numpy as np
import quick
from lesson import Clock, blas
from machine import usual

import tinynet as tn

INPUTS, CLASSES, GOAL = 784, 10, 4
LARGE, COPIED = 2048, 50_000_000  # the rows of a large matrix; the numbers of 4 bytes in 200 MB


def main():
    options = parse()
    with_threads(options.threads)
    if options.quick:
        print(quick.NOTICE)
    (x, y), _ = tn.datasets.fashion_mnist.load_data(sample=options.quick)
    model, hand, clock = lesson(options.units), Hand(lesson(options.units)), Clock()
    sizes = (256, 1_000_000) if options.quick else (LARGE, COPIED)
    model.fit(x, y, options.batch, verbose=0)
    hand.epoch(x, y, options.batch)
    hand.seconds.clear()
    before = rates(*sizes, model.count_params())
    for _ in range(options.epochs):
        model.fit(x, y, options.batch, verbose=0, callbacks=[clock])
        hand.epoch(x, y, options.batch)
    steps = -(-len(x) // options.batch)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {blas()}, {options.threads} threads; ", end="")
    print(f"batch {options.batch}, {options.units} units, {options.epochs} epochs of {steps} steps of each kind")
    best = map(max, before, rates(*sizes, model.count_params()))  # neighbours can halve them for a while
    table([each / steps for each in clock.seconds], hand.parts(), work(options, model.count_params()), best)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="of BLAS (default: 1)")
    parser.add_argument("--batch", type=int, default=32, help="samples in a batch (default: 32)")
    parser.add_argument("--units", type=int, default=128, help="of the hidden layer (default: 128)")
    parser.add_argument("--epochs", type=int, help="of each kind, after the first (default: 5)")
    quick.add_to(parser)
    options = parser.parse_args()
    options.epochs = options.epochs or (1 if options.quick else 5)
    return options


def with_threads(threads):
    """Start this process again, unless BLAS began with so many threads, and in an environment as usual."""
    if usual() != os.environ or os.environ.get("OPENBLAS_NUM_THREADS") != str(threads):  # NumPy has read them
        kept = usual()
        os.environ.clear()
        os.environ.update(kept, OPENBLAS_NUM_THREADS=str(threads))
        os.execv(sys.executable, sys.orig_argv)


def lesson(units):
    pixels = [tn.layers.Rescaling(1 / 255, input_shape=(28, 28)), tn.layers.Flatten()]
    dense = [tn.layers.Dense(units, activation="relu"), tn.layers.Dense(CLASSES, activation="softmax")]
    model = tn.Sequential(pixels + dense, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


class Hand:
    """Trains the lesson's model without `fit`, and times each part.

    `seconds` is {(part, which of its calls): [seconds of each step]}.
    """

    def __init__(self, model):
        self.layers = model.parts()[:-1]  # the loss takes the logits, as in fit
        self.dense = [layer for layer in self.layers if isinstance(layer, tn.layers.Dense)]
        self.loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = tn.optimizers.Adam()
        self.weights, self.gradients = in_a_row(model.weights), in_a_row(model.weight_gradients)
        self.rng, self.seconds = np.random.default_rng(0), collections.defaultdict(list)

    def epoch(self, x, y, batch):
        order = self.rng.permutation(len(x))
        for start in range(0, len(x), batch):
            self.step(x, y, order[start : start + batch])

    def step(self, x, y, rows):
        labels = y[rows]
        outputs, caches = self.timed("batch", "cut", lambda: x[rows].astype("float32")), []
        for layer in self.layers:
            outputs, cache = self.forward(layer, outputs)
            caches.append(cache)
        values, cache = self.timed("loss", "forward", self.loss.forward, labels, outputs)
        self.timed("report", "sums", lambda: (values.sum(), (outputs.argmax(axis=1) == labels).sum()))
        dy = self.timed("loss", "backward", self.loss.backward, labels, cache, 1 / len(rows))
        for layer, cache in zip(self.layers[::-1], caches[::-1], strict=True):
            dy = self.backward(layer, dy, cache)
            if layer is self.dense[0]:
                break  # nothing before it is trained
        self.timed("adam", "apply", self.optimizer.apply, [self.gradients], [self.weights])

    def forward(self, layer, x):
        if layer not in self.dense:
            return self.timed(part_of(layer), (id(layer), "forward"), layer.forward, x, True)
        if self.optimizer.iterations % 2:
            return self.timed("dense forward", id(layer), layer.forward, x, True)
        self.timed("forward products", id(layer), np.matmul, x, layer.kernel)
        return layer.forward(x, True)

    def backward(self, layer, dy, cache):
        if layer not in self.dense:
            return self.timed(part_of(layer), (id(layer), "backward"), layer.backward, dy, cache)
        need_dx = layer is not self.dense[0]
        if self.optimizer.iterations % 2:
            return self.timed("dense backward", id(layer), layer.backward, dy, cache, need_dx)
        self.timed("backward products", (id(layer), "dW"), kernel_gradient, cache.T, dy, layer.grads["kernel"])
        if need_dx:
            self.timed("backward products", (id(layer), "dx"), np.matmul, dy, layer.kernel.T)
        return layer.backward(dy, cache, need_dx)

    def timed(self, part, call, function, *arguments):
        started = time.perf_counter()
        result = function(*arguments)
        self.seconds[part, call].append(time.perf_counter() - started)
        return result

    def parts(self):
        """The seconds of each part in a step: the sum of its calls' medians, each less that of an empty call."""
        found, nothing = collections.Counter(), statistics.median(times_of(lambda: None, 10000))
        for (part, _), seconds in self.seconds.items():
            found[part] += statistics.median(seconds) - nothing
        for way in ("forward", "backward"):
            found["activations"] += found.pop(f"dense {way}") - found[f"{way} products"]
        found.pop("nothing")
        return found


def part_of(layer):
    """The part of a step that a layer other than Dense belongs to."""
    return {tn.layers.Rescaling: "batch", tn.layers.ReLU: "activations"}.get(type(layer), "nothing")


def in_a_row(arrays):
    """The one array whose parts these are: a compiled model keeps its weights so, and its gradients."""
    whole = arrays[0].base
    if whole is None or whole.size != sum(array.size for array in arrays):
        raise SystemExit("The model's arrays do not lie in one row, as its optimizer takes them.")
    return whole


def kernel_gradient(x_columns, dy, out):
    (np.matmul if len(dy) > 1 else np.multiply)(x_columns, dy, out=out)  # as in Dense


def work(options, weights):
    """(name, key, floating-point operations, bytes) of each part: the least that it must do."""
    batch, hidden, out = options.batch, options.batch * options.units, options.batch * CLASSES
    first, second = 2 * INPUTS * hidden, 2 * options.units * out  # operations of a product of each layer
    return [
        ("cutting and scaling the batch", "batch", 0, 5 * INPUTS * batch),
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


def rates(large, copied, weights):
    """Operations in a second of a large product; bytes in one of a large copy, and of half of Adam's to the other."""
    a, b, out = np.ones((3, large, large), dtype="float32")
    found = [2 * len(a) ** 3 / min(times_of(lambda: np.matmul(a, b, out=out), 10))]
    for size, times in ((copied, 10), (2 * weights, 1000)):
        source, target = np.ones((2, size), dtype="float32")
        found.append(2 * source.nbytes / min(times_of(lambda pair=(target, source): np.copyto(*pair), times)))
    return found


def times_of(function, times):
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
