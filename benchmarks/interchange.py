"""Carries models in files from tinynet to Keras and back, for several versions of Keras, and compares.

    python benchmarks/interchange.py                      3.3.3, 3.8.0 and 3.15.1, on JAX
    python benchmarks/interchange.py --keras 3.15.1 --backend tensorflow
    python benchmarks/interchange.py --quick              tinynet reads its own files, in the place of a Keras

Needs h5py. For each version it makes a virtual environment. tinynet trains each of the models below for a few steps and
writes it to a .keras file and a .weights.h5 file. Keras there loads the first, predicts, sets the weights to zero,
loads the second into that model, makes one more step of training on the same batch, and saves. tinynet reads what Keras
saved. The table has the largest absolute differences

    loaded    between tinynet's predictions and Keras's
    weights   the same with the .weights.h5 file
    step      between the weights after one more step in either, statistics included ("-" with Dropout: other masks)
    state     between the optimizer's slots then, relative to the largest entry of each
    back      between Keras's predictions after the step and tinynet's from the file that Keras saved

and it fails if one of them is above 1e-5, or a version does not load a file or warns. One warning is expected: a file
of weights has no optimizer's state, and Keras says that it skips it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import venv
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import quick

# What a Keras needs, as of its own time, besides itself.
WITH = {
    "3.3.3": ["jax==0.4.30", "jaxlib==0.4.30", "numpy<2", "scipy<1.14", "packaging"],
    "3.8.0": ["jax==0.5.3", "jaxlib==0.5.3"],
}
BOUND = 1e-5
EXPECTED = "^Skipping variable loading for optimizer .* the saved optimizer has 0 variables"


def models():
    """(name, model, shape of a sample): compiled models of one output of three classes."""
    import tinynet as tn
    from tinynet import layers
    from tinynet.layers import Dense
    from tinynet.optimizers import schedules

    def classifier(name, optimizer, *stack, shape=(6,), seed=3):
        model = tn.Sequential([tn.Input(shape), *stack, Dense(3, "softmax")], seed=seed, name=name)
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
        return name, model, shape

    def two():
        return Dense(8, "relu"), Dense(5, "tanh")

    rates, best = schedules.ExponentialDecay(0.05, 2, 0.5), tn.optimizers
    inner = tn.Sequential([Dense(5, layers.LeakyReLU(0.1)), layers.BatchNormalization(momentum=0.5)], name="inner")
    activations = ["relu", "elu", "selu", "gelu", "silu", "softplus", "leaky_relu", "log_softmax", "linear", "sigmoid"]
    yield classifier("lesson", "adam", layers.Flatten(), Dense(128, "relu"), shape=(28, 28, 1))
    yield classifier("normalization", best.SGD(0.1), Dense(8), layers.BatchNormalization(), layers.ReLU())
    yield classifier("dropout", "adam", Dense(8, "relu"), layers.Dropout(0.5, seed=1))
    yield classifier("sgd", best.SGD(0.1), *two())
    yield classifier("momentum", best.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5), *two())
    yield classifier("rmsprop", "rmsprop", *two())
    yield classifier("rmsprop_all", best.RMSprop(0.01, momentum=0.5, centered=True), *two())
    yield classifier("adamw", best.AdamW(0.01, weight_decay=0.1), *two())
    yield classifier("amsgrad", best.Adam(0.01, amsgrad=True, global_clipnorm=1.0), *two())
    yield classifier("schedule", best.Adam(rates), *two())
    yield classifier("momentum_schedule", best.SGD(rates, momentum=0.9), *two())
    for schedule in (
        schedules.PiecewiseConstantDecay([1, 4], [0.1, 0.05, 0.01]),
        schedules.CosineDecay(0.01, 10, warmup_target=0.1, warmup_steps=4),
        schedules.PolynomialDecay(0.1, 10, power=2.0),
        schedules.InverseTimeDecay(0.1, 2, 0.5, staircase=True),
    ):
        yield classifier(type(schedule).__name__, best.SGD(schedule), *two())
    yield classifier(
        "nested",
        best.SGD(0.1, momentum=0.9),  # Adam divides by the root of gradients that are nearly 0 here: 2e-5 from rounding
        layers.Flatten(),
        layers.Rescaling(0.5, offset=1),
        Dense(6, "relu", kernel_initializer=tn.initializers.HeNormal(3), kernel_regularizer=tn.regularizers.L2(0.1)),
        Dense(6, "silu", trainable=False),
        inner,
        layers.Reshape((-1, 5)),
        layers.ReLU(6.0, negative_slope=0.1),
        layers.Activation(layers.ELU(0.5)),
        layers.Softmax(axis=(1, 2)),
        layers.Flatten(name="flat"),
        shape=(2, 3),
    )
    yield classifier("activations", "adam", *(Dense(4, name) for name in activations))
    alone = [layers.Sigmoid, layers.Tanh, layers.SELU, layers.GELU, layers.SiLU, layers.Softplus, layers.LogSoftmax]
    yield classifier("layers", "adam", Dense(4), *(one() for one in alone), layers.Linear(), layers.ELU())


def write(folder: Path) -> dict[str, tuple]:
    """Train the models, write their files, and what is to be compared."""
    from tinynet.formats.state import snapshot

    written = {}
    for name, model, shape in models():
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(16, *shape)).astype("float32"), rng.integers(0, 3, 16)
        for _ in range(3):
            model.train_on_batch(x, y)
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        predictions = model.predict(x)
        np.savez(folder / f"{name}.npz", x=x, y=y, predictions=predictions)
        model.train_on_batch(x, y)
        written[name] = (x, predictions, snapshot(model))
    return written


def inside(folder: Path, keras: ModuleType) -> Iterator[dict]:
    """Load with this Keras, predict, train and save: the outcome for each model."""
    for path in sorted(folder.glob("*.npz")):
        name, outcome = path.stem, {}
        with np.load(path) as given, warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                model = keras.models.load_model(folder / f"{name}.keras")
                predictions = model.predict(given["x"], verbose=0)
                outcome["loaded"] = float(abs(predictions - given["predictions"]).max())
                model.set_weights([0 * weight for weight in model.get_weights()])
                model.load_weights(folder / f"{name}.weights.h5")
                outcome["weights"] = float(abs(model.predict(given["x"], verbose=0) - given["predictions"]).max())
                model.fit(given["x"], given["y"], batch_size=len(given["x"]), shuffle=False, verbose=0)
                model.save(folder / f"{name}.back.keras")
                np.save(folder / f"{name}.npy", model.predict(given["x"], verbose=0))
            except Exception as error:
                outcome["error"] = f"{type(error).__name__}: {error}"[:300]
        texts = [str(one.message) for one in warned]
        told = [text[:200] for text in texts if "optimizer" in text or "load" in text]
        outcome["warnings"] = [text for text in told if not re.search(EXPECTED, text)]
        yield {"name": name, **outcome}


def by_tinynet(folder: Path) -> list[dict]:
    """The outcomes where tinynet stands in for Keras: it has what is used here by the same names."""
    import tinynet

    return list(inside(folder, tinynet))


def by_keras(folder: Path, version: str, backend: str) -> list[dict]:
    """The outcomes in a new environment with this Keras."""
    python = environment(folder / "environment", version, backend)
    command = [python, __file__, "--inside", folder]
    run = subprocess.run(command, capture_output=True, text=True, env={"KERAS_BACKEND": backend})
    outcomes = [json.loads(line[7:]) for line in run.stdout.splitlines() if line.startswith("RESULT ")]
    if run.returncode:
        print(run.stderr[-2000:])
    return outcomes


def environment(folder: Path, version: str, backend: str) -> Path:
    """The Python of a new virtual environment with this Keras and its backend."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    others = WITH.get(version, ["jax"]) if backend == "jax" else ["tensorflow-cpu"]
    wanted = [f"keras=={version}", "h5py", *others]
    subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=True)
    return python


def compare(folder: Path, written: dict[str, tuple], outcome: dict) -> dict:
    """The outcome with what tinynet finds in the file that Keras saved."""
    from tinynet.formats.state import snapshot
    from tinynet.models import load_model

    name = outcome.pop("name")
    if "error" in outcome:
        return outcome
    x, _, after = written[name]
    model = load_model(folder / f"{name}.back.keras")
    saved = snapshot(model)
    if name != "dropout":
        outcome["step"] = largest(after.weights, saved.weights)
        slots = [
            largest(after.slots[slot], saved.slots[slot], relative=True) for slot in after.slots if saved.slots[slot]
        ]
        outcome["state"] = max(slots, default=0.0)
        if saved.iterations != after.iterations or list(saved.slots) != list(after.slots):
            outcome["error"] = f"{saved.iterations} steps, slots {list(saved.slots)}"
    outcome["back"] = float(abs(model.predict(x) - np.load(folder / f"{name}.npy")).max())
    return outcome


def largest(ours: dict, theirs: dict, relative: bool = False) -> float:
    """The largest difference between arrays."""
    pairs = list(zip(ours.values(), theirs.values(), strict=True))
    return float(max(abs(a - b).max() / (max(abs(a).max(), 1e-30) if relative else 1) for a, b in pairs))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keras", nargs="+", default=["3.3.3", "3.8.0", "3.15.1"], metavar="VERSION")
    parser.add_argument("--backend", choices=["jax", "tensorflow"], default="jax")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    quick.add_to(parser)
    arguments = parser.parse_args()
    if arguments.inside:
        import keras

        for outcome in inside(arguments.inside, keras):
            print("RESULT " + json.dumps(outcome))
        return 0
    quick.need("python -m pip install h5py", "h5py")
    if arguments.quick:
        print(quick.NOTICE)
    failed = 0
    columns = ("loaded", "weights", "step", "state", "back")
    print(f"{'Keras':8} {'model':24}" + "".join(f"{column:>10}" for column in columns))
    for version in ["none"] if arguments.quick else arguments.keras:
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            written = write(folder)
            outcomes = by_tinynet(folder) if arguments.quick else by_keras(folder, version, arguments.backend)
            failed += len(written) - len(outcomes)
            for outcome in outcomes:
                name = outcome["name"]
                outcome = compare(folder, written, outcome)
                found = [outcome.get(column) for column in columns]
                cells = "".join(f"{'-' if value is None else format(value, '.1e'):>10}" for value in found)
                notes = [outcome[key] for key in ("error", "warnings") if outcome.get(key)]
                failed += bool(notes) or any(value is not None and not value < BOUND for value in found)
                print(f"{version:8} {name:24}{cells}", *notes)
    print("all is well" if not failed else f"{failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
