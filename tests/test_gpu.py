"""What is said where CuPy, the driver, NVRTC or a GPU is missing or does not fit, and what to install."""

import sys
import types

import numpy as np
import pytest
import strict_cupy
from machines import (
    INSUFFICIENT,
    NO_CUBLAS,
    NO_DEVICE,
    NO_NVRTC,
    CompileException,
    CUDARuntimeError,
    DynamicLibNotFoundError,
    OutOfMemoryError,
    fails,
)

import tinynet as tn
from tinynet.diagnosis import gpu

PIP12 = 'python -m pip install "cupy-cuda12x[ctk]>=14.2,<15"'
PIP13 = 'python -m pip install "cupy-cuda13x[ctk]>=14.2,<15"'
EITHER = 'python -m pip install "cupy-cuda12x[ctk]>=14.2,<15" (CUDA 12) or "cupy-cuda13x[ctk]>=14.2,<15" (CUDA 13)'
UPDATE = "CuPy needs one for CUDA 12 or later: update the driver."


# ---- CuPy itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "remedy"),
    [
        (12000, f"For the driver here (CUDA 12.0): {PIP12}."),
        (12090, f"For the driver here (CUDA 12.9): {PIP12}."),
        (13010, f"For the driver here (CUDA 13.1): {PIP13}."),
        (14020, f"For the driver here (CUDA 14.2): {PIP13}."),
        (11080, f"The NVIDIA driver here supports CUDA 11.8 only. {UPDATE}"),
        (0, f"This machine has no NVIDIA driver (libcuda.so.1 is not found); where there is one: {EITHER}."),
    ],
)
def test_cupy_is_not_installed(machine, driver, remedy):
    machine.importing(ModuleNotFoundError("No module named 'cupy'", name="cupy"))
    machine.installed()
    machine.driver(driver)
    assert machine.said(ImportError) == f"CuPy is not installed. {remedy}"


def page(original):
    """CuPy's error where its own import fails: a page of advice around the original error."""
    error = ImportError(f"\n=====\nFailed to import CuPy.\n\nOriginal error:\n  {original}\n=====\n")
    error.__cause__ = original
    return error


REINSTALL = f"First: python -m pip uninstall cupy-cuda12x. Then: {PIP12}."
INSTALL = f"For the driver here (CUDA 12.4): {PIP12}."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            page(ImportError("libcudart.so.12: cannot open shared object file: No such file or directory")),
            f"CuPy cannot be imported (libcudart.so.12 is not found). {INSTALL}",
        ),
        (
            page(ImportError("DLL load failed while importing core: The specified module could not be found.")),
            "CuPy cannot be imported (DLL load failed while importing core: The specified "
            f"module could not be found). {INSTALL}",
        ),
        (
            page(ImportError("numpy.core.multiarray failed to import")),
            f"cupy-cuda12x 14.2.0 and NumPy {np.__version__} do not go together (numpy.core.multiarray failed to "
            f"import). {INSTALL}",
        ),
        (
            AttributeError("module 'numpy' has no attribute 'AxisError'"),
            f"cupy-cuda12x 14.2.0 and NumPy {np.__version__} do not go together (module 'numpy' has no attribute "
            f"'AxisError'). {INSTALL}",
        ),
        (
            ModuleNotFoundError("No module named 'cupy'", name="cupy"),
            "files of cupy-cuda12x 14.2.0 are missing (uninstalling a second CuPy package takes them away). "
            f"{REINSTALL}",
        ),
        (
            ModuleNotFoundError("No module named 'cuda'", name="cuda"),
            f"CuPy cannot be imported (No module named 'cuda'). {REINSTALL}",
        ),
        (SyntaxError("x" * 300), f"CuPy cannot be imported ({'x' * 199}…). {REINSTALL}"),
        (ValueError(), f"CuPy cannot be imported (ValueError). {REINSTALL}"),
    ],
)
def test_cupy_cannot_be_imported(machine, error, text):
    machine.importing(error)
    assert machine.said(ImportError) == text
    assert machine.info()["CuPy"] == "cannot be imported (cupy-cuda12x 14.2.0)"


def test_a_broken_cupy_that_no_package_brought(machine):
    machine.importing(ImportError("broken"))
    machine.installed()
    remedy = f"First: python -m pip uninstall cupy. Then: {PIP12}."
    assert machine.said(ImportError) == f"CuPy cannot be imported (broken). {remedy}"
    assert machine.info()["CuPy"] == "cannot be imported (in no package)"


@pytest.mark.parametrize("place", [{"__file__": "/mine/cupy.py"}, {"__file__": None, "__path__": ["/mine/cupy"]}])
def test_a_module_cupy_that_is_not_cupy(machine, place):
    module = types.ModuleType("cupy")
    vars(module).update(place)  # a file of one's own, or a folder without one, be it left by a CuPy or not
    machine.patch.setitem(sys.modules, "cupy", module)
    assert machine.said(ImportError).startswith("files of cupy-cuda12x 14.2.0 are missing (uninstalling a second")
    machine.installed()
    path = "/mine/cupy" if place["__file__"] is None else "/mine/cupy.py"
    assert machine.said(ImportError) == f"the module cupy in {path} is not CuPy. Rename or delete it. {INSTALL}"


def test_an_old_driver_is_what_has_to_go_first(machine):
    machine.driver(11040)
    machine.importing(ImportError("broken"))
    driver = f"The NVIDIA driver here supports CUDA 11.4 only. {UPDATE}"
    assert machine.said(ImportError) == f"CuPy cannot be imported (broken). {driver}"
    machine.installed("cupy-cuda12x", "cupy-cuda13x")
    machine.cupy(devices=CUDARuntimeError(INSUFFICIENT))
    assert machine.said().endswith(f"for CUDA 12, but the NVIDIA driver here supports CUDA 11.4 only. {UPDATE}")


@pytest.mark.parametrize("other", ["cupy-cuda13x", "cupy", "cupy_cuda11x", "cupy-rocm-7-0"])
def test_two_packages_of_cupy(machine, other):
    machine.installed("cupy-cuda12x", other)
    name = other.replace("_", "-")
    machine.importing(page(ImportError("libcublas.so.13: cannot open shared object file: No such file or directory")))
    first = f"cupy-cuda12x 14.2.0 and {name} 14.2.0 are installed, whose files replace one another"
    remedy = f"First: python -m pip uninstall cupy-cuda12x {name}. Then: {PIP12}."
    assert machine.said(ImportError) == f"{first} (libcublas.so.13 is not found). {remedy}"
    machine.cupy(runtime=13010, devices=CUDARuntimeError(INSUFFICIENT))
    assert machine.said() == f"{first} ({INSUFFICIENT}). {remedy}"
    machine.cupy().ones = fails(RuntimeError("undefined symbol"))
    assert machine.said() == f"{first} (undefined symbol). {remedy}"
    machine.cupy()
    assert machine.info()["CuPy"] == f"14.2.0 (cupy-cuda12x 14.2.0, {name} 14.2.0)"
    assert tn.Sequential(backend="cupy").backend == "cupy", "CuPy warns; where it works it is not refused"


# ---- the driver and the devices -----------------------------------------------------------------------------------


def test_there_is_no_driver(machine):
    machine.driver(0)
    machine.cupy(devices=CUDARuntimeError(INSUFFICIENT))
    what = "CuPy 14.2.0 is installed, but this machine has no NVIDIA driver (libcuda.so.1 is not found)."
    remedy = "Where it has an NVIDIA GPU, install its driver; a Docker container needs --gpus all."
    assert machine.said() == f"{what} {remedy}"


def test_cupy_is_for_a_newer_cuda_than_the_driver(machine):
    machine.installed("cupy-cuda13x")
    machine.cupy(runtime=13010, devices=CUDARuntimeError(INSUFFICIENT))
    what = "CuPy 14.2.0 is installed for CUDA 13, but the NVIDIA driver here supports CUDA 12.4 only. "
    assert machine.said() == f"{what}First: python -m pip uninstall cupy-cuda13x. Then: {PIP12}."
    machine.driver(11040)
    assert machine.said() == f"{what.replace('12.4', '11.4')}{UPDATE}"


def test_cupy_for_an_older_cuda_than_the_drivers_is_right(machine):
    machine.driver(13010)
    machine.cupy(runtime=12090)
    assert tn.Sequential(backend="cupy").backend == "cupy"


@pytest.mark.parametrize("devices", [CUDARuntimeError(NO_DEVICE), 0])
def test_the_driver_finds_no_gpu_or_none_is_shown_to_it(machine, devices):
    machine.cupy(devices=devices)
    here = "CuPy 14.2.0 is installed, but "
    assert machine.said() == f"{here}the driver (CUDA 12.4) finds no GPU. nvidia-smi lists those it sees."
    unset = "Unset it, or name a GPU that nvidia-smi lists."
    for value in ("", "-1"):
        machine.patch.setenv("CUDA_VISIBLE_DEVICES", value)
        assert machine.said() == f"{here}CUDA_VISIBLE_DEVICES='{value}' hides every GPU. {unset}"
    machine.patch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert machine.said() == f"{here}CUDA_VISIBLE_DEVICES='7' names no GPU that the driver (CUDA 12.4) finds. {unset}"
    assert machine.info()["GPU"] == "none"


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("cudaErrorSystemDriverMismatch: system has unsupported", "See whether nvidia-smi lists the GPU."),
        (INSUFFICIENT, "See whether nvidia-smi lists the GPU."),
        (
            "cudaErrorSystemNotReady: system not yet initialized",
            "A service is not running: GPUs with NVSwitch need NVIDIA's fabric manager.",
        ),
        (
            "cudaErrorCompatNotSupportedOnDevice: forward compatibility was attempted on non supported HW",
            "Take CUDA's compat folder from LD_LIBRARY_PATH, or update the driver.",
        ),
    ],
)
def test_the_driver_fails_in_another_way(machine, reason, remedy):
    machine.cupy(devices=CUDARuntimeError(reason))
    assert machine.said() == f"CuPy 14.2.0 is installed, but the driver (CUDA 12.4) fails ({reason}). {remedy}"


# ---- the first operation ------------------------------------------------------------------------------------------

FINDS = "CuPy 14.2.0 finds a GPU, but "


@pytest.mark.parametrize(
    "error",
    [
        DynamicLibNotFoundError(NO_NVRTC),
        RuntimeError("CuPy failed to load libnvrtc.so.12: OSError: libnvrtc.so.12: cannot open shared object file"),
    ],
)
def test_nvrtc_is_missing(machine, error):
    made = machine.cupy()
    made.ones, made.cuda.nvrtc.getVersion = fails(error), fails(error)
    library = "libnvrtc.so.13 or libnvrtc.so.12" if isinstance(error, DynamicLibNotFoundError) else "libnvrtc.so.12"
    what = f"{FINDS}NVRTC, which compiles its kernels, cannot be loaded ({library} is not found)."
    assert machine.said() == f"{what} {INSTALL}"
    assert machine.info()["NVRTC"] == f"none ({library} is not found)"


def test_nvrtc_cannot_compile(machine):
    header = '/usr/local/cuda/include/cuda_fp16.h(4410): catastrophic error: cannot open source file "vector_types.h"'
    made = machine.cupy()
    made.ones = fails(CompileException(f"{header}\n  #include <vector_types.h>\n\n1 catastrophic error detected\n"))
    assert machine.said() == f"{FINDS}NVRTC 12.9 cannot compile its kernels ({header}). {INSTALL}"
    made.ones = fails(CompileException("a warning\nk.cu(3): error: identifier is undefined\n1 error detected\n"))
    what = f"{FINDS}NVRTC 12.9 cannot compile its kernels (k.cu(3): error: identifier is undefined)."
    assert machine.said() == f"{what} {INSTALL}"


def test_nvrtc_is_of_a_newer_cuda_than_cupy(machine):
    """Where another package has brought it, CuPy takes it for its own."""
    made = machine.cupy()
    made.ones, made.cuda.nvrtc.getVersion = fails(RuntimeError("CUDA_ERROR_INVALID_IMAGE: bad image")), lambda: (13, 5)
    made.cuda.runtime.runtimeGetVersion = lambda: 12090
    assert machine.said() == (
        "CuPy 14.2.0, which is for CUDA 12, takes NVRTC 13.5 (CUDA_ERROR_INVALID_IMAGE: bad image). "
        "Remove that: python -m pip uninstall nvidia-cuda-nvrtc."
    )
    made.cuda.nvrtc.getVersion = lambda: (12, 9)
    assert "Remove" not in machine.said()


def test_cublas_is_missing(machine):
    class Ones:
        __add__, __matmul__ = lambda self, other: self, fails(ImportError(NO_CUBLAS))

    made = machine.cupy()
    made.cuda.cublas_error, made.ones = ImportError(NO_CUBLAS), lambda *_, **__: Ones()
    library = "libcublasLt.so.13 or libcublasLt.so.12 is not found"
    assert machine.said() == f"{FINDS}its first operation failed ({library}). {INSTALL}"
    assert machine.info()["cuBLAS"] == f"none ({library})"


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("Out of memory allocating 512 bytes (allocated so far: 0 bytes)."),
        CUDARuntimeError("cudaErrorMemoryAllocation: out of memory"),
        RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"),
    ],
)
def test_the_gpus_memory_is_used_up(machine, error):
    machine.installed("cupy-cuda12x", "cupy-cuda13x")  # is not what is wrong
    made = machine.cupy()
    made.ones, made.cuda.runtime.memGetInfo = fails(error), lambda: (2**27, 8 * 2**30)
    what = f"{FINDS}its memory is used up (0.1 of 8.0 GiB free; {str(error).rstrip('.')}). "
    remedy = "End other programs that use it, which nvidia-smi lists, or set CUDA_VISIBLE_DEVICES to another GPU."
    assert machine.said() == what + remedy
    machine.cupy(devices=error)
    assert machine.said() == f"{FINDS}its memory is used up ({str(error).rstrip('.')}). {remedy}"


@pytest.mark.parametrize(
    "error",
    [
        CompileException("nvrtc: error: invalid value for --gpu-architecture (-arch)\n"),
        CUDARuntimeError("cudaErrorNoKernelImageForDevice: no kernel image is available for execution on the device"),
        RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU: no kernel image is available for execution on the device"),
    ],
)
def test_the_gpu_is_too_old(machine, error):
    machine.driver(13000)
    machine.installed("cupy-cuda13x")
    made = machine.cupy(runtime=13000)
    made.cuda.nvrtc.getVersion, made.ones = lambda: (13, 0), fails(error)
    made.properties.update(name=b"NVIDIA GeForce GTX 1080", major=6, minor=1)
    what = "the GPU (NVIDIA GeForce GTX 1080) has compute capability 6.1, and CUDA 13 needs 7.5. "
    assert machine.said() == f"{what}First: python -m pip uninstall cupy-cuda13x. Then: {PIP12}."
    made.properties.update(name=b"Tesla K80", major=3, minor=7)
    what = "the GPU (Tesla K80) has compute capability 3.7, and CUDA 13 needs 7.5. "
    assert machine.said() == f"{what}No CuPy that tinynet supports runs on it."
    made.properties.update(name=b"Tesla T4", major=7, minor=5)
    assert "compute capability" not in machine.said()
    made.properties.update(major=7, minor=0)
    made.cuda.nvrtc.getVersion = lambda: (12, 9)
    assert "compute capability" not in machine.said(), "which CUDA 12 supports"


@pytest.mark.parametrize(
    "reason",
    [
        "CUBLAS_STATUS_NOT_INITIALIZED",
        "cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or unavailable",
        "cudaErrorECCUncorrectable: uncorrectable ECC error encountered",
        "CUDA_ERROR_INVALID_IMAGE: device kernel image is invalid",
    ],
)
@pytest.mark.parametrize("packages", [1, 2])
def test_what_installing_does_not_mend(machine, reason, packages):
    machine.installed(*["cupy-cuda12x", "cupy-cuda13x"][:packages])
    machine.cupy().ones = fails(CUDARuntimeError(reason))
    remedy = "Installing does not mend that; nvidia-smi -q shows the GPU's processes, compute mode and errors."
    assert machine.said() == f"{FINDS}its first operation failed ({reason}). {remedy}"


@pytest.mark.parametrize("packages", [1, 2])
@pytest.mark.parametrize(
    "error",
    [PermissionError(13, "Permission denied", "/root/.cupy"), OSError(28, "No space left on device", "/home/x/y")],
)
def test_the_folder_of_cupys_kernels(machine, error, packages):
    """CuPy makes it when it is imported; a library that is not found is an OSError, too."""
    machine.installed(*["cupy-cuda12x", "cupy-cuda13x"][:packages])
    machine.patch.setenv("HOME", "/home/x")
    for folder in ("/home/x/.cupy/kernel_cache", "/else/where"):
        what = "make it writable, with room, or set CUPY_CACHE_DIR to another folder."
        remedy = f"CuPy keeps its kernels in {folder}: {what}"
        machine.importing(error)
        assert machine.said(ImportError) == f"CuPy cannot be imported ({error}). {remedy}"
        machine.cupy().ones = fails(error)
        assert machine.said() == f"{FINDS}its first operation failed ({error}). {remedy}"
        machine.patch.setenv("CUPY_CACHE_DIR", "/else/where")
    machine.installed("cupy-cuda12x")
    missing = OSError("libnvJitLink.so.12: cannot open shared object file: No such file")
    machine.importing(missing)
    assert machine.said(ImportError) == f"CuPy cannot be imported (libnvJitLink.so.12 is not found). {INSTALL}"
    machine.cupy().ones = fails(missing)
    assert machine.said() == f"{FINDS}its first operation failed (libnvJitLink.so.12 is not found). {INSTALL}"


def test_a_gpu_that_works_is_tried_once_and_one_that_does_not_each_time(monkeypatch, machine):
    monkeypatch.setattr(gpu, "_working", None)
    machine.cupy(devices=CUDARuntimeError(NO_DEVICE))
    machine.said()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "cupy", strict_cupy.module)
        for downloads in (1, 0):
            with strict_cupy.device.at_most(downloads=downloads) as used:
                tn.Sequential(backend="cupy")
            assert used.downloads == downloads
    machine.said()
