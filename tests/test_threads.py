"""BLAS takes one thread for the work of a small model, and its own number again afterwards."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import tinynet as tn
from tinynet import threads


def count():
    """The threads that each BLAS in the process would take now."""
    return {info["filepath"]: info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


class Counts(tn.callbacks.Callback):
    """What `count` says within each batch, and at the end of each epoch."""

    def __init__(self):
        self.within, self.between = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.within.append(set(count().values()))

    def on_epoch_end(self, epoch, logs=None):
        self.between.append(set(count().values()))


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Nothing set in the environment, and two threads for two processors, whatever the machine has."""
    for name in threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "_processors", lambda: 2)
    threads._blas.cache_clear()  # an earlier test may have loaded another library, as SciPy's, since it was asked
    with threadpool_limits(2, "blas"):
        yield


def fit(batch_size, **options):
    model = tn.Sequential([tn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    counts, x = Counts(), np.ones((256, 2), "float32")
    data = tn.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(batch_size) if options.pop("stream", False) else None
    given = (data,) if data is not None else (x, x[:, :1], batch_size)
    model.fit(*given, epochs=2, verbose=0, callbacks=[counts], **options)
    return counts


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("batch_size", "expected"), [(32, 1), (127, 1), (128, 2), (256, 2)])
def test_small_batches_are_trained_with_one_thread(monkeypatch, batch_size, expected, stream):
    monkeypatch.setattr(threads, "SMALL", 128 * 3)  # the model has three weights
    counts = fit(batch_size, stream=stream)
    assert counts.within
    assert all(found == {expected} for found in counts.within)
    assert counts.between == [{2}, {2}]
    assert set(count().values()) == {2}


def test_an_exception_gives_the_threads_back():
    class Stops(tn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert set(count().values()) == {1}
            raise KeyboardInterrupt

    model = tn.Sequential([tn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[Stops()])
    assert set(count().values()) == {2}


@pytest.mark.parametrize("name", threads.SETTINGS)
def test_what_the_environment_sets_is_left_alone(monkeypatch, name):
    monkeypatch.setenv(name, "2")
    assert all(found == {2} for found in fit(32).within)


def test_a_limit_that_the_user_set_is_left_alone(monkeypatch):
    monkeypatch.setattr(threads, "_processors", lambda: 4)  # of which the user leaves BLAS two
    assert all(found == {2} for found in fit(32).within)


def test_more_processors_than_openblas_has_threads_are_no_limit(monkeypatch):
    monkeypatch.setattr(threads, "_processors", lambda: 128)
    monkeypatch.setattr(threads, "MOST", 2)
    assert all(found == {1} for found in fit(32).within)


def test_another_blas_that_begins_with_fewer_threads_is_no_limit_of_the_users():
    """As MKL, with a thread for each core where a core has two processors; and a library that is limited stays so."""

    def library(name, kind, now, first):
        return SimpleNamespace(filepath=name, internal_api=kind, num_threads=now, threads_at_first=first)

    every = [library("openblas", "openblas", 2, 2), library("mkl", "mkl", 1, 1), library("less", "openblas", 1, 1)]
    every.append(library("lowered", "mkl", 1, 2))
    blas = SimpleNamespace(lib_controllers=every, select=lambda filepath: filepath)
    assert threads._unlimited(blas) == ["openblas", "mkl"]


def test_threadpoolctl_is_loaded_by_training_alone():
    code = "import sys, tinynet; assert 'threadpoolctl' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


class Watched(tn.layers.Layer):
    """y = x; notes the threads of each forward and backward."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x, training=False):
        self.seen.append(set(count().values()))
        return x, None

    def backward(self, dy, cache, need_dx=True):
        self.seen.append(set(count().values()))
        return dy


def watched(size=3):
    model = tn.Sequential([tn.Input((size,)), tn.layers.Dense(size), Watched()], seed=0)
    model.compile("sgd", "mse")
    return model, np.ones((4, size)), model.layers[1].seen


CALLS = {
    "evaluate": lambda model, x: model.evaluate(x, x, verbose=0),
    "evaluate batches": lambda model, x: model.evaluate([(x, x)], verbose=0),
    "fit with validation": lambda model, x: model.fit(x, x, validation_data=(x, x), verbose=0),
    "predict in batches": lambda model, x: model.predict(x, batch_size=2),
    "train_on_batch": lambda model, x: model.train_on_batch(x, x),
    "test_on_batch": lambda model, x: model.test_on_batch(x, x),
    "gradients": lambda model, x: model.gradients(x, x),
    "check_model": lambda model, x: tn.gradcheck.check_model(model, x, x),
    "check_layer": lambda model, x: tn.gradcheck.check_layer(model.layers[1], (3,)),
}


@pytest.mark.parametrize("name", CALLS)
def test_all_that_a_small_model_does_takes_one_thread(name, monkeypatch):
    seen = []
    monkeypatch.setattr(Watched, "__deepcopy__", lambda self, memo: self, raising=False)  # the checker's copies too
    model, x, seen = watched()
    CALLS[name](model, x)
    assert seen
    assert all(found == {1} for found in seen)
    assert set(count().values()) == {2}


def test_a_large_model_takes_them_all(monkeypatch):
    monkeypatch.setattr(threads, "SMALL", 32 * 12)  # the weights of this model, for 32 samples
    model, x, seen = watched()
    model.evaluate(x, x, verbose=0)
    model.predict(x, batch_size=2)
    assert seen
    assert all(found == {2} for found in seen)


def test_a_prediction_of_a_few_rows_does_without_a_limit(monkeypatch):
    """Setting one costs as much as the prediction."""
    model, x, seen = watched()
    model.predict(x)
    assert seen.pop() == {2}
    monkeypatch.setattr("tinynet.models.trainer.TINY", 0)
    model.predict(x)
    model.predict_on_batch(x)
    assert seen == [{1}, {1}]


class Counting(tn.layers.ReLU):
    """Notes the threads at each forward and each backward."""

    def forward(self, x, training=False):
        self.found |= set(count().values())
        return super().forward(x, training)

    def backward(self, dy, cache, need_dx=True):
        self.found |= set(count().values())
        return super().backward(dy, cache, need_dx)


class CountingLoss(tn.losses.MeanSquaredError):
    """Notes the threads at each forward."""

    def forward(self, labels, outputs):
        self.found |= set(count().values())
        return super().forward(labels, outputs)


class Shared(set):
    """A set that copies of a layer share."""

    def __deepcopy__(self, memo):
        return self


def checked_layer(found):
    layer = Counting()
    layer.found = found
    tn.gradcheck.check_layer(layer, (3,))


def checked_loss(found):
    loss = CountingLoss()
    loss.found = found
    tn.gradcheck.check_loss(loss, np.ones((4, 2)), np.zeros((4, 2)))


def checked_model(found):
    layer = Counting()
    layer.found = found
    model = tn.Sequential([tn.layers.Dense(3), layer, tn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    tn.gradcheck.check_model(model, np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 1)))


@pytest.mark.parametrize("check", [checked_layer, checked_loss, checked_model])
def test_gradients_are_checked_with_one_thread(check, monkeypatch):
    found = Shared()
    check(found)
    assert found == {1}
    assert set(count().values()) == {2}
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    found.clear()
    check(found)
    assert found == {2}, "the environment's number is left alone"


def test_a_wrong_gradient_gives_the_threads_back():
    class Wrong(tn.layers.ReLU):
        def backward(self, dy, cache, need_dx=True):
            return 2 * super().backward(dy, cache, need_dx)

    with pytest.raises(tn.gradcheck.GradientError):
        tn.gradcheck.check_layer(Wrong(), (3,))
    assert set(count().values()) == {2}


def test_two_trainings_that_overlap_leave_the_threads_as_they_were():
    first, second = threads.one_for_small(1), threads.one_for_small(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(count().values()) == {1}, "the second one still trains"
    second.__exit__(None, None, None)
    assert set(count().values()) == {2}
