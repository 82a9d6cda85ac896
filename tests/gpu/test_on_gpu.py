"""What has to hold on a real GPU: `python -m pytest -m gpu` runs this file and test_cuda.py there.

Each test also runs on the strict stand-in for CuPy, which shows, without a GPU, that the test itself is right. Numbers
of a GPU are its own: it sums in another order, so they are compared with a tolerance and not to the bit.
"""

import contextlib
import sys
from pathlib import Path

import catalogue
import numpy as np
import pytest
import strict_cupy

import tinynet as tn
from tinynet import gradcheck

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import cupti

pytestmark = pytest.mark.usefixtures("cupy_or_stand_in")
OPTIMIZERS = {**catalogue.OPTIMIZERS, **catalogue.CLIPPING}
LAUNCHES = 22  # of a step of the lesson's model, at most


# ---- gradients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", catalogue.LAYERS.values(), ids=catalogue.LAYERS)
def test_the_gradient_of_every_layer(entry):
    layer = entry.make(**entry.arguments)
    layer.setup((3, 4), np.random.default_rng(0), "cupy", "float64")
    assert gradcheck.check_layer(layer, (3, 4)).error <= 1e-7


@pytest.mark.parametrize("entry", catalogue.LOSSES.values(), ids=catalogue.LOSSES)
def test_the_gradient_of_every_loss(entry, cupy_or_stand_in):
    loss, rng = entry.make(), np.random.default_rng(0)
    labels, outputs = entry.labels(rng, (5,), 3), entry.outputs(loss, rng, (5, 3))
    assert gradcheck.check_loss(loss, cupy_or_stand_in.asarray(labels), cupy_or_stand_in.asarray(outputs)).error <= 1e-7


@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_the_gradient_of_every_model(entry):
    model = entry.compiled(backend="cupy")
    assert gradcheck.check_model(model, *entry.data(3)).error <= 1e-7


# ---- the same training as on the CPU ------------------------------------------------------------------------------


def trained(entry, make, backend, dtype):
    """All weights after 50 steps with batches of 8, as one vector in float64, and the history."""
    model = entry.compiled(make(), backend=backend, dtype=dtype)
    history = model.fit(*entry.data(80), batch_size=8, epochs=5, verbose=0).history
    return np.concatenate([weight.ravel() for weight in model.get_weights()]).astype("float64"), history


def difference(ours, theirs):
    """Relative, by Euclidean norms; NaN if one is NaN."""
    return np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)


@pytest.mark.slow
@pytest.mark.parametrize("entry", catalogue.MODELS.values(), ids=catalogue.MODELS)
def test_fifty_steps_of_every_model(entry):
    """In float32 beside the CPU's, within 1e-4; in float64 within 1e-9, since only rounding may differ."""
    for dtype, bound in (("float32", 1e-4), ("float64", 1e-9)):
        (ours, history), (theirs, expected) = (trained(entry, tn.optimizers.SGD, name, dtype) for name in BOTH)
        assert difference(ours, theirs) <= bound
        for name, values in history.items():
            assert values == pytest.approx(expected[name], rel=bound, abs=bound)


@pytest.mark.slow
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_fifty_steps_of_every_optimizer(make):
    entry = catalogue.MODELS["the lesson's, small"]
    for dtype, bound in (("float32", 1e-4), ("float64", 1e-9)):
        (ours, _), (theirs, _) = (trained(entry, make, name, dtype) for name in BOTH)
        assert difference(ours, theirs) <= bound


BOTH = ("cupy", "numpy")


def test_fifty_steps_of_the_lesson(lesson_model, sample):
    """From the same weights, with the same batches, beside float64 on the CPU."""
    (x, y), _ = sample
    weights = []
    for backend, dtype in (("cupy", "float32"), ("numpy", "float64")):
        model = lesson_model(seed=0, backend=backend, dtype=dtype)
        model.fit(x[:1600] / 255, y[:1600], verbose=0)
        assert model.optimizer.iterations == 50
        weights.append(np.concatenate([weight.ravel() for weight in model.get_weights()]).astype("float64"))
    assert difference(*weights) <= 1e-4


def test_the_same_training_twice_gives_the_same_bits(lesson_model, sample):
    (x, y), _ = sample
    runs = []
    for _ in range(2):
        model = lesson_model(seed=0, backend="cupy")
        history = model.fit(x[:640], y[:640], epochs=2, verbose=0).history
        runs.append([*model.get_weights(), *map(np.asarray, history.values())])
    assert all(np.array_equal(*pair) for pair in zip(*runs, strict=True))


def test_what_is_given_may_be_on_either_side_and_predictions_are_numpys(cupy_or_stand_in, corners, tmp_path):
    x, y = corners()
    model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(8, "relu"), tn.layers.Dense(3, "softmax")], backend="cupy")
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(cupy_or_stand_in.asarray(x), y, epochs=5, validation_data=(x, cupy_or_stand_in.asarray(y)), verbose=0)
    outputs = [model.predict(given) for given in (x, cupy_or_stand_in.asarray(x))]
    assert [type(each) for each in outputs] == [np.ndarray, np.ndarray]
    assert np.array_equal(*outputs)
    model.save(tmp_path / "model.npz")
    for backend in BOTH:
        again = tn.models.load_model(tmp_path / "model.npz", backend=backend)
        assert again.predict(x) == pytest.approx(outputs[0], abs=1e-6)
        again.fit(x, y, verbose=0)


# ---- budgets ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def counted(cupy):
    """Counts of launches, uploads and downloads: the stand-in's own, and CUPTI's of a real device."""
    if cupy is strict_cupy.module:
        with strict_cupy.device.counted() as counts:
            yield counts
    else:
        try:
            with cupti.counted() as counts:
                yield counts
                cupy.cuda.Device().synchronize()
        except cupti.Unavailable as error:
            pytest.skip(str(error))


def differences(counts):
    """How much more the second counted than the first, of launches, uploads and downloads."""
    names = ("launches", "uploads", "downloads")
    return {name: getattr(counts[1], name) - getattr(counts[0], name) for name in names}


def test_the_launches_of_a_step(cupy_or_stand_in, lesson_model, sample):
    (x, y), _ = sample
    model, counts = lesson_model(seed=0, backend="cupy"), []
    model.fit(x[:64], y[:64], verbose=0)  # compiles the kernels, and makes what is made once
    for n in (64, 64 + 32 * 20):
        with counted(cupy_or_stand_in) as used:
            model.fit(x[:n], y[:n], verbose=0)
        counts.append(used)
    more = differences(counts)
    assert more["launches"] <= 20 * LAUNCHES
    assert (more["uploads"], more["downloads"]) == (0, 0)


def test_the_transfers_of_an_epoch(cupy_or_stand_in, lesson_model, sample):
    """The order goes to the device, and the sums of the epoch to the host."""
    (x, y), _ = sample
    model, counts = lesson_model(seed=0, backend="cupy"), []
    model.fit(x[:64], y[:64], verbose=0)
    for epochs in (1, 4):
        with counted(cupy_or_stand_in) as used:
            model.fit(x[:320], y[:320], epochs=epochs, verbose=0)
        counts.append(used)
    more = differences(counts)
    assert more["uploads"] + more["downloads"] <= 3 * 2
    assert more["downloads"] == 3
