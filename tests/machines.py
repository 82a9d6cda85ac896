"""Machines with and without CuPy, a driver and a GPU, for the tests of what is said there.

CuPy is a module made for the test. Its errors are named as CuPy 14.2's are and say what those say; test_cupy_api.py
holds them against the real CuPy where that is installed, which needs no GPU.
"""

import importlib.metadata
import sys
import types

import numpy as np
import pytest

import tinynet as tn
from tinynet.diagnosis import gpu

NO_NVRTC = 'Failure finding "libnvrtc.so.13 or libnvrtc.so.12": No such file: libnvrtc.so.13 or libnvrtc.so.12\n'
NO_CUBLAS = 'Failure finding "libcublasLt.so.13 or libcublasLt.so.12": No such file: libcublasLt.so.13\n'
INSUFFICIENT = "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
NO_DEVICE = "cudaErrorNoDevice: no CUDA-capable device is detected"
END = " backend='numpy' runs on the CPU."


class CUDARuntimeError(RuntimeError):
    pass


class DynamicLibNotFoundError(RuntimeError):
    pass


class CompileException(Exception):
    pass


class OutOfMemoryError(MemoryError):
    pass


def fails(error):
    """A function that raises this error."""

    def call(*_, **__):
        raise error

    return call


class Cuda(types.SimpleNamespace):
    """cupy.cuda, with cublas loaded when it is first asked for."""

    cublas_error = None

    @property
    def cublas(self):
        if self.cublas_error:
            raise self.cublas_error
        return types.SimpleNamespace(getVersion=lambda handle: 120905)


class Machine:
    """A machine for the test to break: a driver of CUDA 12.4, one package of CuPy and, if it is asked, a GPU."""

    def __init__(self, monkeypatch):
        self.patch = monkeypatch
        for name in ("CUDA_VISIBLE_DEVICES", "CUPY_CACHE_DIR"):
            monkeypatch.delenv(name, raising=False)
        self.driver(12040)
        self.installed("cupy-cuda12x")

    def driver(self, version):
        answer = (version, "" if version else "libcuda.so.1 is not found")
        self.patch.setattr(gpu, "driver_version", lambda: answer)

    def installed(self, *names):
        dists = [types.SimpleNamespace(name=name, version="14.2.0") for name in ("numpy", "cupy-xarray", *names)]
        self.patch.setattr(importlib.metadata, "distributions", lambda: dists)

    def importing(self, error):
        """`import cupy` raises this."""

        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name == "cupy":
                    raise error

        self.patch.delitem(sys.modules, "cupy", raising=False)
        self.patch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

    def cupy(self, runtime=12090, devices=1):
        """`import cupy` gives a CuPy that works on a GPU, to be broken; `devices` is their number or an error."""
        properties = {"name": b"NVIDIA H100 80GB HBM3", "major": 9, "minor": 0}
        cuda = Cuda(
            runtime=types.SimpleNamespace(
                getDeviceCount=fails(devices) if isinstance(devices, Exception) else lambda: devices,
                runtimeGetVersion=lambda: runtime,
                getDevice=lambda: 0,
                getDeviceProperties=lambda device: properties,
                memGetInfo=lambda: (75 * 2**30, 79 * 2**30),
            ),
            nvrtc=types.SimpleNamespace(getVersion=lambda: (12, 9)),
            device=types.SimpleNamespace(get_cublas_handle=lambda: 1),
        )
        made = types.SimpleNamespace(__version__="14.2.0", cuda=cuda, ones=np.ones, properties=properties)
        self.patch.setitem(sys.modules, "cupy", made)
        return made

    def said(self, kind=RuntimeError):
        """What the model's error says, between what every one of them says."""
        with pytest.raises(kind) as caught:
            tn.Sequential(backend="cupy")
        text = str(caught.value)
        assert type(caught.value) is kind
        assert caught.value.__cause__ is not None, "what CuPy said is in the traceback"
        assert text.startswith("backend='cupy': ")
        assert text.endswith(END)
        text = text.removeprefix("backend='cupy': ").removesuffix(END)
        assert self.info()["verdict"] == f"backend='cupy' does not work here: {text}"
        return text

    def info(self):
        """The rows of the table."""
        texts = []
        assert tn.backend.info(print_fn=texts.append) is None
        [text] = texts
        assert len(text.splitlines()) == 10
        assert {line[13] for line in text.splitlines()} == {" "}
        return {line[:14].strip(): line[14:] for line in text.splitlines()}
