"""How each kind of case in keras_cases.py is run, and how two results are compared.

The library is an argument everywhere: `case.run(keras)` and `case.run(tinynet)` do the same thing. What comes back is
plain: dictionaries, lists, floats, integers and texts, as they stand in keras_numbers.json.
"""

import itertools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

UNIT = 2.0**-23  # a unit in the last place of float32, relative to the value
SMALLEST = 2.0**-126  # what is smaller is subnormal in float32, and 0 for the compiler that JAX uses


@dataclass(frozen=True)
class Case:
    """A name, what is run, and how far apart two results may be.

    A number may differ from Keras's by `units` units in the last place of float32 (2^-23), measured at the larger of
    its own size and `scale`. One rounding is off by half a unit of its result, in Keras as in tinynet, so that k
    roundings in each make k units between the two: `units` counts the roundings in one of them. exp, log, pow and tanh
    are good to two units in either, and count as four.

    `scale` is the size of what was added up on the way, where the result may be smaller.
    """

    name: str
    run: Callable[[Any], Any]
    units: float = 4
    scale: float = 0.0


def plain(value: Any) -> Any:
    """The value in dictionaries, lists, floats, integers and texts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return np.asarray(value).tolist()


def rounded(value: Any) -> Any:
    """A plain value with nine significant digits, with which every float32 comes back as it was."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def differences(case: Case, expected: Any, got: Any, where: str = "") -> list[str]:
    """What differs, one line each, of two plain and rounded values; an empty list if nothing does."""
    here = where or "the result"
    if isinstance(expected, dict) and isinstance(got, dict):  # in any order
        lines = [f"{here}: {key!r} is missing" for key in expected if key not in got]
        lines += [f"{here}: {key!r} is not in Keras's" for key in got if key not in expected]
        both = [key for key in expected if key in got]
        parts = [differences(case, expected[key], got[key], f"{where}[{key!r}]") for key in both]
        return [*lines, *itertools.chain(*parts)]
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return [f"{here}: Keras has {len(expected)} entries, {expected}; got {len(got)}, {got}"]
        pairs = enumerate(zip(expected, got, strict=True))
        return [*itertools.chain(*(differences(case, a, b, f"{where}[{index}]") for index, (a, b) in pairs))]
    if isinstance(expected, float) and isinstance(got, (float, int)):
        if expected == got or (expected != expected and got != got):
            return []
        allowed = case.units * UNIT * max(abs(expected), case.scale) + (SMALLEST if case.units else 0)
        if abs(got - expected) <= allowed < np.inf:
            return []
        off = abs(got - expected)
        return [f"{here}: Keras has {expected:.9g}; got {got:.9g}: off by {off:.2g}, and {allowed:.2g} is allowed"]
    return [] if expected == got else [f"{here}: Keras has\n{expected}\ngot\n{got}"]


def f32(values: Any) -> np.ndarray:
    return np.asarray(values, dtype="float32")


# ---- one layer, activation, loss, metric, schedule ----------------------------------------------------------------


def layer(name, make, x, weights=None, training=False, **bound):
    """The layer's output for x. With weights it stands in a model, where they are set."""

    def run(k):
        options = {"training": True} if training else {}
        if weights is None:
            return plain(make(k)(f32(x), **options))
        model = k.Sequential([k.Input(np.shape(x)[1:]), make(k)])
        model.set_weights([f32(weight) for weight in weights])
        return plain(model(f32(x), **options))

    return Case(f"layer, {name}", run, **bound)


def activation(name, x, **bound):
    """Activation(name)(x)."""
    return Case(f"activation, {name}", lambda k: plain(k.layers.Activation(name)(f32(x))), **bound)


def filled(name, make, shape=(3, 2)):
    """A kernel from an initializer that draws nothing: to the last bit."""

    def run(k):
        model = k.Sequential([k.Input(shape[:1]), k.layers.Dense(shape[1], kernel_initializer=make(k))])
        return plain(model.get_weights()[0])

    return Case(f"initializer, {name}", run, units=0)


def drawn(k, make, shape):
    """A kernel of this shape from an initializer that draws."""
    model = k.Sequential([k.Input(shape[:1]), k.layers.Dense(shape[1], kernel_initializer=make(k))])
    return model.get_weights()[0].astype("float64")


def loss(name, make, y_true, y_pred, sample_weight=None, **bound):
    """loss(y_true, y_pred, sample_weight=...)."""

    def run(k):
        options = {} if sample_weight is None else {"sample_weight": f32(sample_weight)}
        return plain(make(k)(np.asarray(y_true), f32(y_pred), **options))

    return Case(f"loss, {name}", run, **bound)


def metric(name, make, *batches, **bound):
    """The result after each update_state(y_true, y_pred[, sample_weight]), and after reset_state."""

    def run(k):
        object_, results = make(k), []
        for y_true, y_pred, *sample_weight in batches:
            object_.update_state(np.asarray(y_true), f32(y_pred), *map(f32, sample_weight))
            results.append(float(object_.result()))
        object_.reset_state()
        return [*results, float(object_.result())]

    return Case(f"metric, {name}", run, **bound)


def schedule(name, make, steps=13, **bound):
    """The learning rate at steps 0, 1, ..., 12."""
    return Case(f"schedule, {name}", lambda k: [float(make(k)(step)) for step in range(steps)], **bound)


# ---- models -------------------------------------------------------------------------------------------------------


def evaluated(name, layers, compiling, x, y, weights, sample_weight=None, fit=False, **bound):
    """evaluate(x, y) of a model of those layers, as a dictionary; with fit=True, a fit's history and then that."""

    def run(k):
        model = k.Sequential([k.Input(np.shape(x)[1:]), *layers(k)])
        model.compile(**compiling(k))
        model.set_weights([f32(weight) for weight in weights])
        options = {} if sample_weight is None else {"sample_weight": f32(sample_weight)}
        data = f32(x), np.asarray(y)
        if not fit:
            return plain(model.evaluate(*data, verbose=0, return_dict=True, **options))
        history = model.fit(*data, verbose=0, shuffle=False, **options).history
        return plain([history, model.evaluate(*data, verbose=0, return_dict=True, **options)])

    return Case(f"evaluate, {name}", run, **bound)


def stepped(name, make, layers, weights, x, y, steps=4, title="optimizer", **bound):
    """The weights after each of some train_on_batch(x, y) with the mean squared error."""

    def run(k):
        model = k.Sequential([k.Input(np.shape(x)[1:]), *layers(k)])
        model.compile(optimizer=make(k), loss="mse")
        model.set_weights([f32(weight) for weight in weights])
        after = []
        for _ in range(steps):
            model.train_on_batch(f32(x), f32(y))
            after.append(plain(model.get_weights()))
        return after

    return Case(f"{title}, {name}", run, **bound)


def fitted(name, model, data=None, callbacks=None, quiet=False, weights=True, **fit):
    """History.history, History.epoch and the weights after fit(*data, shuffle=False, **fit).

    `model` is a Model of keras_cases. `data` is (x, y), or a function that makes the one argument of fit; `callbacks`
    is a function of the library. `quiet` is for fits that are meant to overflow.
    """
    bound = {"units": fit.pop("units"), "scale": fit.pop("scale", 1.0)}

    def run(k):
        net = model.build(k)
        arguments = data() if callable(data) else model.data if data is None else data
        options = {**fit, "callbacks": callbacks(k)} if callbacks else fit
        with warnings.catch_warnings():
            if quiet:
                warnings.simplefilter("ignore", RuntimeWarning)
            history = net.fit(*arguments, verbose=0, shuffle=False, **options)
        result = {"history": history.history, "epoch": history.epoch}
        return plain({**result, "weights": net.get_weights()} if weights else result)

    return Case(f"fit, {name}", run, **bound)


def summary(name, layers):
    """What summary() prints before compile, on a terminal of 80 columns."""

    def run(k):
        texts = []
        with mock.patch.dict(os.environ, COLUMNS="80"):
            k.Sequential(layers(k), name="model").summary(print_fn=texts.append)
        return "".join(texts).rstrip("\n").split("\n")

    return Case(f"summary, {name}", run)


def utility(name, run, **bound):
    return Case(f"utility, {name}", lambda k: plain(run(k)), **bound)
