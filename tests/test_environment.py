"""What `backend.info()` prints, and where the driver's version and the packages' names come from."""

import sys
import types
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import strict_cupy
from machines import INSUFFICIENT, NO_NVRTC, CUDARuntimeError, DynamicLibNotFoundError, fails

import tinynet as tn
from tinynet.diagnosis import gpu


def test_info_where_the_gpu_works(machine):
    machine.cupy(devices=2)
    rows = machine.info()
    assert ", ".join(rows) == "tinynet, Python, NumPy, CuPy, driver, CUDA runtime, NVRTC, cuBLAS, GPU, verdict"
    assert rows["tinynet"] == tn.__version__
    assert rows["Python"].startswith(sys.version.split()[0] + ", ")
    assert rows["NumPy"].startswith(f"{np.__version__}, BLAS ")
    assert rows["CuPy"] == "14.2.0 (cupy-cuda12x 14.2.0)"
    assert rows["driver"] == "CUDA 12.4"
    assert (rows["CUDA runtime"], rows["NVRTC"], rows["cuBLAS"]) == ("12.9", "12.9", "12.9")
    assert rows["GPU"] == "NVIDIA H100 80GB HBM3, compute capability 9.0, 75.0 of 79.0 GiB free, 2 in all"
    assert rows["verdict"] == "backend='cupy' works here"


def test_info_without_cupy(machine):
    machine.importing(ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    machine.installed()
    rows = machine.info()
    assert (rows["CuPy"], rows["driver"], rows["GPU"]) == ("not installed", "CUDA 12.4", "-")
    assert (rows["CUDA runtime"], rows["NVRTC"], rows["cuBLAS"]) == ("-", "-", "-")
    assert rows["verdict"].startswith("backend='cupy' does not work here: CuPy is not installed. ")


def test_info_without_a_driver(machine):
    machine.driver(0)
    made = machine.cupy(devices=CUDARuntimeError(INSUFFICIENT))
    made.cuda.nvrtc.getVersion = fails(DynamicLibNotFoundError(NO_NVRTC))
    rows = machine.info()
    assert (rows["driver"], rows["GPU"]) == ("none (libcuda.so.1 is not found)", "none")
    assert (rows["CUDA runtime"], rows["cuBLAS"]) == ("12.9", "installed")
    assert rows["NVRTC"] == "none (libnvrtc.so.13 or libnvrtc.so.12 is not found)"


def test_info_of_a_cupy_that_tells_nothing(machine):
    machine.patch.setitem(sys.modules, "cupy", strict_cupy.module)
    rows = machine.info()
    assert (rows["CUDA runtime"], rows["GPU"]) == ("-", "unknown, 1 in all")
    assert rows["NVRTC"].startswith("none (")
    assert rows["verdict"] == "backend='cupy' works here"


def test_info_tells_of_blas_and_its_threads(machine, monkeypatch):
    machine.cupy()
    for name in tn.threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    built = {"Build Dependencies": {"blas": {"name": "mkl", "version": "9"}}}
    monkeypatch.setattr(np, "show_config", lambda mode: built)
    pools = [{"user_api": "openmp", "num_threads": 9}, {"user_api": "blas", "num_threads": 3}]
    monkeypatch.setitem(sys.modules, "threadpoolctl", types.SimpleNamespace(threadpool_info=lambda: pools))
    assert machine.info()["NumPy"] == f"{np.__version__}, BLAS mkl 9, 3 threads"
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert machine.info()["NumPy"] == f"{np.__version__}, BLAS mkl 9, OPENBLAS_NUM_THREADS=1"
    monkeypatch.setattr(np, "show_config", lambda mode: {})
    assert machine.info()["NumPy"] == f"{np.__version__}, BLAS unknown, OPENBLAS_NUM_THREADS=1"


def test_info_prints_on_this_machine_whatever_it_has(capsys):
    tn.backend.info()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"tinynet       {tn.__version__}"
    assert lines[-1].startswith("verdict       backend='cupy' ")


# ---- where the answers come from ----------------------------------------------------------------------------------


def test_the_extras_and_the_error_name_the_same_packages():
    setup = ConfigParser()
    setup.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    for major, requirement in gpu.REQUIREMENT.items():
        assert setup["options.extras_require"][f"cuda{major}"].strip() == requirement


def test_the_drivers_version_is_asked_of_its_library(monkeypatch):
    import ctypes

    asked = []

    class Driver:
        version, failed = 12040, 0

        def __init__(self, name):
            asked.append(name)

        def cuDriverGetVersion(self, pointer):
            pointer._obj.value = self.version
            return self.failed

    monkeypatch.setattr(ctypes, "CDLL", Driver)
    for system, library in (("posix", "libcuda.so.1"), ("nt", "nvcuda.dll")):
        with monkeypatch.context() as patch:
            patch.setattr("os.name", system)
            assert gpu.driver_version() == (12040, "")
        assert asked.pop() == library
    Driver.failed = 34
    assert gpu.driver_version() == (0, "libcuda.so.1 is no driver: it answers with error 34")
    missing = OSError("libcuda.so.1: cannot open shared object file: No such file or directory")
    monkeypatch.setattr(ctypes, "CDLL", fails(missing))
    assert gpu.driver_version() == (0, "libcuda.so.1 is not found")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert gpu.driver_version() == (0, "'object' object has no attribute 'cuDriverGetVersion'")
