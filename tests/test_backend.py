"""The backend switch: which backend is taken, and where arrays are and go. What is said without a GPU: test_gpu.py."""

import re
import sys
import types

import numpy as np
import pytest
from models import small

import tinynet as tn
from tinynet import backend


def test_numpy_is_the_default(monkeypatch):
    monkeypatch.delenv("TINYNET_BACKEND", raising=False)
    assert tn.Sequential().backend == "numpy"
    monkeypatch.setenv("TINYNET_BACKEND", "")
    assert tn.Sequential().backend == "numpy"


def test_the_environment_sets_the_default_and_an_argument_overrides_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # importing it fails
    monkeypatch.setenv("TINYNET_BACKEND", "cupy")
    with pytest.raises(ImportError, match="backend='cupy': "):
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


def test_cupy_is_imported_in_two_files_in_their_functions():
    from pathlib import Path

    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(tn.__file__).parent.rglob("*.py")}
    assert sorted(name for name, text in texts.items() if re.search(r"^ *(import|from) cupy", text, re.M)) == [
        "backend.py",
        "gpu.py",
    ]
    assert not [name for name, text in texts.items() if re.search(r"^(import|from) cupy", text, re.M)]


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
