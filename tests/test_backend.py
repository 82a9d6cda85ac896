"""The backend switch: what can be resolved, and what is said where CuPy or a GPU is missing."""

import sys
import types

import numpy as np
import pytest
from models import small

import tinynet as tn
from tinynet import backend


@pytest.fixture
def no_cupy(monkeypatch):
    """`import cupy` fails as where CuPy is not installed."""
    monkeypatch.setitem(sys.modules, "cupy", None)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "cupy":
                raise ModuleNotFoundError("No module named 'cupy'", name="cupy")

    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])


@pytest.fixture
def cupy_without_gpu(monkeypatch):
    """`import cupy` works and finds no driver: what CuPy 14.2 does on a machine without a GPU."""

    def get_device_count():
        raise RuntimeError(
            "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
        )

    runtime = types.SimpleNamespace(getDeviceCount=get_device_count)
    cupy = types.SimpleNamespace(__version__="14.2.0", cuda=types.SimpleNamespace(runtime=runtime), ones=np.ones)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return cupy


@pytest.fixture
def driver(monkeypatch):
    """A function that sets the CUDA version of the machine's driver."""
    return lambda version: monkeypatch.setattr(backend, "_driver_cuda_version", lambda: version)


def test_numpy_is_the_default(monkeypatch):
    monkeypatch.delenv("TINYNET_BACKEND", raising=False)
    assert tn.Sequential().backend == "numpy"
    monkeypatch.setenv("TINYNET_BACKEND", "")
    assert tn.Sequential().backend == "numpy"


def test_the_environment_sets_the_default_and_an_argument_overrides_it(monkeypatch, no_cupy, driver):
    driver(None)
    monkeypatch.setenv("TINYNET_BACKEND", "cupy")
    with pytest.raises(ImportError, match="CuPy is not installed"):
        tn.Sequential()
    assert tn.Sequential(backend="numpy").backend == "numpy"
    monkeypatch.setenv("TINYNET_BACKEND", "nump")
    with pytest.raises(ValueError, match=r"Unknown backend in .* TINYNET_BACKEND, 'nump'\. Did you mean 'numpy'"):
        tn.Sequential()


def test_unknown_backends():
    with pytest.raises(ValueError, match=r"Unknown backend 'torch'. Known: 'numpy', 'cupy'"):
        tn.Sequential(backend="torch")
    with pytest.raises(TypeError, match="backend must be 'numpy' or 'cupy'; got 3"):
        tn.Sequential(backend=3)


def test_without_cupy_the_error_says_so_and_gives_the_pip_line_for_the_driver(no_cupy, driver):
    driver(12)
    with pytest.raises(ImportError) as error:
        tn.Sequential(backend="cupy")
    assert str(error.value) == (
        "backend='cupy': CuPy is not installed. For the driver here (CUDA 12): "
        "python -m pip install 'cupy-cuda12x[ctk]>=14.2,<15'. backend='numpy' runs on the CPU."
    )
    driver(14)
    with pytest.raises(ImportError, match=r"CUDA 14\): python -m pip install 'cupy-cuda13x\[ctk\]>=14.2,<15'"):
        tn.Sequential(backend="cupy")
    driver(11)
    with pytest.raises(ImportError, match=r"supports CUDA 11 only"):
        tn.Sequential(backend="cupy")


def test_without_cupy_and_driver_the_error_names_both(no_cupy, driver):
    driver(None)
    with pytest.raises(ImportError) as error:
        tn.Sequential(backend="cupy")
    text = str(error.value)
    assert "CuPy is not installed" in text
    assert "no NVIDIA driver" in text
    assert "'cupy-cuda12x[ctk]>=14.2,<15'" in text
    assert "'cupy-cuda13x[ctk]>=14.2,<15'" in text


def test_without_a_gpu_the_error_says_that_cupy_is_there_and_why_there_is_no_gpu(cupy_without_gpu, driver):
    driver(None)
    with pytest.raises(RuntimeError, match=r"CuPy 14\.2\.0 is installed, but .* cudaErrorInsufficientDriver") as error:
        tn.Sequential(backend="cupy")
    assert "no NVIDIA driver" in str(error.value)
    assert "pip install" not in str(error.value), "CuPy is there, and no pip line brings a GPU"
    cupy_without_gpu.cuda.runtime.getDeviceCount = lambda: 0
    driver(12)
    with pytest.raises(RuntimeError, match=r"the driver finds no CUDA device.* pip install 'cupy-cuda12x"):
        tn.Sequential(backend="cupy")


def test_a_gpu_on_which_cupy_cannot_compute_is_refused_at_once(cupy_without_gpu, driver):
    def no_compiler(*args, **kwargs):
        raise RuntimeError("libnvrtc.so.12 not found")

    driver(12)
    cupy_without_gpu.cuda.runtime.getDeviceCount = lambda: 1
    tn.Sequential(backend="cupy")
    cupy_without_gpu.ones = no_compiler
    with pytest.raises(RuntimeError, match=r"operation failed: libnvrtc.so.12 not found\. .*'cupy-cuda12x\[ctk\]"):
        tn.Sequential(backend="cupy")


def test_a_broken_cupy_is_called_that(monkeypatch, driver):
    driver(12)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "cupy":
                raise ImportError("libnvrtc.so.12: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    with pytest.raises(ImportError, match=r"CuPy cannot be imported \(libnvrtc.so.12: cannot open"):
        tn.Sequential(backend="cupy")


def test_the_extras_and_the_error_name_the_same_packages():
    from configparser import ConfigParser
    from pathlib import Path

    setup = ConfigParser()
    setup.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    for major, requirement in backend.CUPY_REQUIREMENT.items():
        assert setup["options.extras_require"][f"cuda{major}"].strip() == requirement


def test_xp_of_finds_the_module_that_owns_an_array(monkeypatch):
    assert backend.xp_of(np.zeros(1)) is np
    assert backend.xp_of(np.float32(1)) is np
    assert backend.xp_of(np.zeros(1).view(type("Mine", (np.ndarray,), {}))) is np
    other = types.ModuleType("othernumpy")
    monkeypatch.setitem(sys.modules, "othernumpy", other)
    array = type("ndarray", (), {"__module__": "othernumpy.core"})()
    assert backend.xp_of(array) is other


def test_to_numpy_copies_from_a_device_only():
    class DeviceArray:
        __cuda_array_interface__: dict = {}

        def get(self):
            return np.ones(2)

    class Series(list):  # like pandas', which has a get() too
        shape = (2,)

        def get(self, key):
            raise KeyError(key)

    class Tensor(list):  # like PyTorch's, which has the interface too
        __cuda_array_interface__: dict = {}

    assert backend.to_numpy(Tensor([1, 2])).tolist() == [1, 2]

    array = np.zeros(2)
    assert backend.to_numpy(Series([1, 2])).tolist() == [1, 2]
    assert backend.to_numpy(array) is array
    assert backend.to_numpy(DeviceArray()).tolist() == [1, 1]
    assert backend.to_numpy([1, 2]).tolist() == [1, 2]


def test_cupy_is_imported_in_one_file():
    from pathlib import Path

    files = [path.name for path in Path(tn.__file__).parent.rglob("*.py") if "import cupy" in path.read_text()]
    assert files == ["backend.py"]


def test_the_drivers_version_is_asked_of_its_library(monkeypatch):
    import ctypes

    asked = []

    class Driver:
        version, failed = 12000, 0

        def __init__(self, name):
            asked.append(name)

        def cuDriverGetVersion(self, pointer):
            pointer._obj.value = self.version
            return self.failed

    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", Driver)
    for system, library in (("posix", "libcuda.so.1"), ("nt", "nvcuda.dll")):
        with monkeypatch.context() as patch:
            patch.setattr("os.name", system)
            assert backend._driver_cuda_version() == 12
        assert asked.pop() == library
    Driver.version = 13010
    assert backend._driver_cuda_version() == 13
    Driver.failed = 999
    assert backend._driver_cuda_version() is None
    for no_driver in (missing, lambda name: object()):
        monkeypatch.setattr(ctypes, "CDLL", no_driver)
        assert backend._driver_cuda_version() is None


def test_rows_of_a_device_array_are_taken_along_the_first_axis_into_out():
    class DeviceArray:
        def take(self, rows, axis=None, out=None):
            return rows, axis, out

    assert backend.take_rows(DeviceArray(), [2, 1], "out") == ([2, 1], 0, "out")


class OnDevice:
    """What CuPy's arrays are to NumPy: they have get(), and refuse to be taken for its own."""

    __cuda_array_interface__: dict = {}

    def __init__(self, array):
        self.array, self.dtype, self.ndim, self.shape = array, array.dtype, array.ndim, array.shape

    def get(self):
        return self.array.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        return OnDevice(self.array[rows])


def test_a_numpy_model_takes_arrays_from_a_gpu(corners):
    x, y = corners()
    x_gpu, y_gpu = OnDevice(x), OnDevice(y)
    model, expected = small(), small()
    model.fit(x_gpu, y_gpu, validation_split=0.2, verbose=0)
    expected.fit(x, y, validation_split=0.2, verbose=0)
    assert model.history.history == expected.history.history
    assert model.train_on_batch(x_gpu, y_gpu) == expected.train_on_batch(x, y)
    assert np.array_equal(model.predict(x_gpu), expected.predict(x))
    assert np.array_equal(model(x_gpu), expected(x))
    assert np.array_equal(model.layers[0](x_gpu), expected.layers[0](x))
    assert backend.move(x_gpu, np) is not x


def test_a_layer_without_weights_computes_where_its_input_is(monkeypatch):
    class Array:
        """As much of an array of CuPy's as ReLU needs; it has a get() and must not be asked for it."""

        __module__ = "cupy"
        __cuda_array_interface__ = {}
        dtype, shape, ndim = np.dtype("float32"), (1, 2), 2

        def get(self):
            raise AssertionError("copied to the host")

    result = Array()
    cupy = types.SimpleNamespace(asarray=lambda array, dtype: array, maximum=lambda array, least: result)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert tn.layers.ReLU()(Array()) is result
