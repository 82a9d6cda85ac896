"""What the tests share: Hypothesis's settings and the images."""

import functools
import os
import re
import sys
import warnings

import pytest
import strict_cupy
from hypothesis import Phase, settings

import tinynet as tn

# so that their failures show the arrays and texts
pytest.register_assert_rewrite("both_backends", "machines", "checking", "readable", "keras_file")

settings.register_profile("here", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
settings.register_profile("nightly", deadline=None, max_examples=500, print_blob=True)
settings.register_profile(
    "mutation",  # for benchmarks/mutation.py: the same few examples each time, and no search for a smaller one
    deadline=None,
    max_examples=10,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("ci" if os.environ.get("CI") else "here")


NO_GPU = "no GPU: "


@functools.cache
def no_gpu():
    """Why there is no GPU to test on, or None; what CuPy's import warns of is not its failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            tn.backend.resolve("cupy")
        except (ImportError, RuntimeError) as error:
            return str(error)
    return None


def pytest_collection_finish(session):
    """Where tests on a GPU were asked for, as by -m gpu, and there is none, the run fails and says why."""
    option = session.config.option
    asked = re.search(r"\bgpu\b", option.markexpr) and not re.search(r"\bnot\s+gpu\b", option.markexpr)
    needed = asked and not option.collectonly and any(item.get_closest_marker("gpu") for item in session.items)
    if needed and no_gpu():
        pytest.exit(NO_GPU + no_gpu(), returncode=pytest.ExitCode.TESTS_FAILED)


def pytest_terminal_summary(terminalreporter):
    """Say in a line how many tests were skipped for want of a GPU, and why."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = [each.longrepr[2] for each in reports if isinstance(each.longrepr, tuple)]
    skipped = [reason for reason in reasons if reason.startswith(f"Skipped: {NO_GPU}")]
    if skipped:
        why = skipped[0].removeprefix(f"Skipped: {NO_GPU}").partition(". ")[0]
        terminalreporter.write_line(f"tests that need a GPU, skipped: {len(skipped)} ({why})")


@pytest.fixture(scope="session")
def sample():
    """The 2,000 + 500 real images that come with the package."""
    return tn.datasets.fashion_mnist.load_data(sample=True)


@pytest.fixture(scope="session")
def full_data():
    """The real Fashion-MNIST, wherever it can be had; in CI its absence is a failure."""
    try:
        return tn.datasets.fashion_mnist.load_data()
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the full Fashion-MNIST cannot be had here: {error}")


@pytest.fixture(scope="module")
def stand_in():
    """`import cupy` gives the strict stand-in, which counts and forbids transfers through `strict_cupy.device`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", strict_cupy.module)
        yield strict_cupy.module


@pytest.fixture(scope="module", params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy_or_stand_in(request):
    """CuPy's module: the strict stand-in and, where there is a GPU, CuPy itself."""
    if request.param == "stand-in":
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "cupy", strict_cupy.module)
            yield strict_cupy.module
    else:
        if no_gpu():
            pytest.skip(NO_GPU + no_gpu())
        yield tn.backend.module("cupy")


@pytest.fixture
def machine(monkeypatch):
    """A machine with a driver of CUDA 12.4 and a package of CuPy, for the test to break."""
    from machines import Machine

    return Machine(monkeypatch)


@pytest.fixture
def lesson_model():
    """A function that makes the lesson's model, compiled."""

    def make(**options):
        model = tn.Sequential(
            [
                tn.layers.Flatten(input_shape=(28, 28, 1)),
                tn.layers.Dense(128, activation=tn.nn.relu),
                tn.layers.Dense(10, activation=tn.nn.softmax),
            ],
            **options,
        )
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    return make


@pytest.fixture
def corners():
    """A function that makes an easy task: n points around one of three corners, and which corner it was."""
    import numpy as np

    def make(n=60, seed=0):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 3, n)
        return (np.eye(3)[y] * 3 + rng.normal(size=(n, 3))).astype("float32"), y

    return make
