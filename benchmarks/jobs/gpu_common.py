"""Gives the jobs of benchmarks/gpu.py their data, weights and gate, and answers the conductor's questions.

A job reads a line of JSON, does what it asks, and answers with one. A variant is a class with

    configure(x, y, weights, batch)   take the data (uint8 images, labels) to the device once, and make the model
    epoch(order=None)                 train on all of it, in this order or a new random one; (mean loss, accuracy)
    wait()                            until the device has done all of it
    weights()                         [kernel, bias, kernel, bias] as NumPy arrays, kernels of shape (inputs, outputs)
    adam                              "keras" or "torch": where Adam's epsilon stands
"""

import argparse
import json
import os
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

import common
import numpy as np

sys.path.insert(1, str(Path(__file__).parents[1]))  # before the packages: one of them is called cupti, too

import cupti

PIXELS, UNITS, CLASSES = 784, 128, 10
GATES = [(50, 32), (3, 8192)]  # (steps, batch)


class LeftOut(Exception):
    """This variant cannot run here, and why."""


def data(images):
    """Random images of Fashion-MNIST's kind, uint8 of shape (images, 784), and labels: the same in every job."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (images, PIXELS), np.uint8), rng.integers(0, CLASSES, images).astype("int32")


def weights(units):
    """[kernel, bias, kernel, bias] in float32: Glorot's uniform distribution and zeros, the same in every job."""
    layers = common.glorot(SimpleNamespace(sizes=[PIXELS, units, CLASSES], seed=0))
    return [array for layer in layers for array in layer]


def gate_batches(steps, batch):
    """Images, labels and their order for a gate."""
    count = steps * batch
    return *data(count), np.random.default_rng(1).permutation(count)


def difference(found, expected):
    """||found - expected|| / ||expected|| over all weights together, in float64; NaN where a weight is."""
    found, expected = (np.concatenate([np.ravel(array) for array in arrays]) for arrays in (found, expected))
    return float(np.linalg.norm(found.astype("float64") - expected) / np.linalg.norm(expected))


def gate(variant, reference):
    """How far the variant is from what gpu_reference.py has computed, at each of the GATES."""
    with np.load(reference) as file:
        expected = {batch: [file[f"{variant.adam}_{batch}_{number}"] for number in range(5)] for _, batch in GATES}
    return {"gates": [held(variant, steps, batch, expected[batch]) for steps, batch in GATES]}


def held(variant, steps, batch, expected):
    """Relative differences of the weights and of the loss, which is the last that is expected."""
    x, y, order = gate_batches(steps, batch)
    variant.configure(x, y, weights(UNITS), batch)
    loss, _ = variant.epoch(order)
    found = {"weights": difference(variant.weights(), expected[:-1]), "loss": difference([loss], expected[-1:])}
    return {"steps": steps, "batch": batch, **found}


def configure(variant, images, units, batch):
    """Whole batches only, so that all variants do the same; one epoch compiles and warms up."""
    variant.configure(*data(images // batch * batch), weights(units), batch)
    return epochs(variant, 1)[1]


def turn(variant, fill):
    """As many epochs as fill so many seconds, at least one: the mean time, how many, and the losses and accuracies.

    The first of those is of an epoch that is not timed: it wakes the device, and says how many there will be.
    """
    took, before = epochs(variant, 1)
    number = max(1, round(fill / took))
    took, reported = epochs(variant, number)
    return {"seconds": took / number, "epochs": number, **{what: before[what] + reported[what] for what in reported}}


def epochs(variant, number):
    """(seconds, {"loss": [of each epoch], "accuracy"})."""
    variant.wait()
    started = time.perf_counter()
    reported = [variant.epoch() for _ in range(number)]
    variant.wait()
    took = time.perf_counter() - started
    return took, {"loss": [loss for loss, _ in reported], "accuracy": [accuracy for _, accuracy in reported]}


def count(variant):
    try:
        with cupti.counted() as counts:
            variant.epoch()
            variant.wait()
    except cupti.Unavailable as error:
        return {"uncounted": str(error)}
    return {"counts": vars(counts)}


def serve(make, *flags):
    """Answer until there are no more questions; make(options) gives the variant."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for flag in ("--rehearse", *flags):
        parser.add_argument(flag, action="store_true")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    options = parser.parse_args()

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    try:
        variant = make(options)
    except LeftOut as reason:
        return answer(left_out=str(reason))
    except Exception as error:
        traceback.print_exc()
        return answer(failed=told(error))
    answer(ready=True)
    does = {"gate": gate, "configure": configure, "turn": turn, "count": count}
    for line in sys.stdin:
        question = json.loads(line)
        try:
            found = does[question.pop("do")](variant, **question)
        except Exception as error:
            traceback.print_exc()
            found = {"failed": told(error)}
        answer(**found)


def told(error):
    """Type: the first line of what it says."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
