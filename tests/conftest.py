"""What the tests share: processes, marks, Hypothesis's settings, and the images."""

# ruff: noqa: E402

import os

# One thread for each process's BLAS, before NumPy is loaded: there are as many processes as processors.
for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import functools
import re
import sys
import tempfile
import warnings

import cuda_on_cpu
import pytest
import strict_cupy
from hypothesis import Phase, settings

import tinynet as tn

# so that their failures show the arrays and texts
pytest.register_assert_rewrite("both_backends", "machines", "checking", "readable", "keras_file")

settings.register_profile("here", deadline=None, max_examples=20)
settings.register_profile("ci", deadline=None, max_examples=20, derandomize=True, print_blob=True)
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


def asked_for(mark, config):
    """Whether the tests with this mark were asked for, as by -m gpu."""
    expression = config.option.markexpr
    return bool(re.search(rf"\b{mark}\b", expression)) and not re.search(rf"\bnot\s+{mark}\b", expression)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """As many processes as processors, up to 8; none beside this one for a file or two, for the GPU, or with -s."""
    args = config.invocation_params.args
    few = [arg for arg in map(str, args) if ".py" in arg]
    if (few and len(few) <= 2) or asked_for("gpu", config) or config.option.capture == "no":
        return 0
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, 8) if processors > 1 else 0


def pytest_configure(config):
    """One folder for what the processes of a run compile, so that each text is compiled once."""
    if cuda_on_cpu.FOLDER not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="cuda_on_cpu-")
        os.environ[cuda_on_cpu.FOLDER] = folder.name

        def remove():
            os.environ.pop(cuda_on_cpu.FOLDER, None)
            folder.cleanup()

        config.add_cleanup(remove)


def pytest_collection_modifyitems(config, items):
    """What is slow runs where it is asked for: by -m slow, or by its name. On a GPU all runs."""
    if "slow" in config.option.markexpr or asked_for("gpu", config) or any("::" in arg for arg in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish(session):
    """Where tests on a GPU were asked for, as by -m gpu, and there is none, the run fails and says why."""
    option = session.config.option
    needed = asked_for("gpu", session.config) and not option.collectonly
    if needed and any(item.get_closest_marker("gpu") for item in session.items) and no_gpu():
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
