"""Look for CuPy and a GPU on this machine, and say what is wrong and what to install.

`look()` collects everything in one record. The error of `require()`, for backend="cupy", and the table of
`backend.info()`, in environment.py, are both written from this record, so they cannot disagree. Only this file and
backend.py import cupy. The error texts that are recognized come from CuPy 14.2, from CUDA, and from NVIDIA's
cuda-pathfinder, which loads the libraries.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

REQUIREMENT = {12: "cupy-cuda12x[ctk]>=14.2,<15", 13: "cupy-cuda13x[ctk]>=14.2,<15"}  # by the driver's CUDA
OLDEST = {12: 5000, 13: 7050}  # the lowest compute capability that NVRTC of this CUDA compiles for
UPDATE = "CuPy needs one for CUDA 12 or later: update the driver."
MISSING = "is not found$|undefined symbol|failed to load"  # said of a library, by the loader or by CuPy
FULL = "cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED"
OLD = "gpu-architecture|cudaErrorNoKernelImage|CUDA_ERROR_NO_BINARY_FOR_GPU"
NOT_INSTALLING = "Installing does not mend that; nvidia-smi -q shows the GPU's processes, compute mode and errors."
NO_DRIVER = "Where it has an NVIDIA GPU, install its driver; a Docker container needs --gpus all."
FAILS = {  # errors of a driver although it lists the GPU
    "cudaErrorSystemNotReady": "A service is not running: GPUs with NVSwitch need NVIDIA's fabric manager.",
    "cudaErrorCompatNotSupportedOnDevice": "Take CUDA's compat folder from LD_LIBRARY_PATH, or update the driver.",
}

_working: Any = None  # the module cupy, after it has computed something


@dataclass
class Found:
    """The facts that were found. A fact is None, 0 or empty if it is missing or could not be asked for.

    Versions and the capability are integers in CUDA's form: 12040 is 12.4.

    Attributes:
        failed: The step that failed: "import", "device" or "operation".
        failure: Its error.
        packages: The installed packages that have a module cupy, with their versions.
        driver: The CUDA version that the driver supports.
        no_driver: The reason why there is none.
        cupy: The version of CuPy.
        runtime: The version of the CUDA runtime.
        nvrtc: The version of NVRTC as text, or the error that came instead.
        cublas: The version of cuBLAS as text, or the error that came instead.
        devices: The number of GPUs.
        name: The name of the GPU.
        capability: Its compute capability.
        memory: Its memory in bytes, free and in all.
    """

    failed: str = ""
    failure: Exception | None = None
    packages: dict[str, str] = field(default_factory=dict)
    driver: int = 0
    no_driver: str = ""
    cupy: str | None = None
    runtime: int = 0
    nvrtc: Any = None
    cublas: Any = None
    devices: int = 0
    name: str | None = None
    capability: int = 0
    memory: tuple[int, int] | None = None


def require() -> None:
    """Check that CuPy can compute on a GPU.

    It computes something, which waits for the GPU, and after a success not again in this process. A failure is examined
    each time.

    Raises:
        ImportError: CuPy is missing or broken.
        RuntimeError: CuPy cannot compute on a GPU.
    """
    global _working
    if _working is not None and sys.modules.get("cupy") is _working:
        return
    failed = attempt()
    if failed is not None:
        found = look(failed)
        text = f"backend='cupy': {problem(found)} backend='numpy' runs on the CPU."
        raise (ImportError(text, name="cupy") if found.failed == "import" else RuntimeError(text)) from found.failure
    _working = sys.modules["cupy"]


# ---- facts --------------------------------------------------------------------------------------------------------


def attempt() -> tuple[str, Exception] | None:
    """Compute something with CuPy. Return None if that works, else the step that failed and its error."""
    stage = "import"
    try:
        import cupy

        str(cupy.__version__)  # files that an uninstalled CuPy has left can be imported without an error
        stage = "device"
        if cupy.cuda.runtime.getDeviceCount() == 0:
            return stage, RuntimeError("cudaErrorNoDevice: the driver finds no CUDA device")
        stage = "operation"  # the kernels' compiler and cuBLAS are separate libraries, and may be missing
        ones = cupy.ones((2, 2), dtype="float32")
        float(((ones + 1) @ ones).sum())
    except Exception as error:
        return stage, error
    return None


def look(failed: tuple[str, Exception] | None) -> Found:
    """Collect all facts; `failed` is the result of `attempt`."""
    found = Found(*(failed or ()), packages=_answer(_packages, {}))
    found.driver, found.no_driver = driver_version()
    if found.failed == "import":
        return found
    cupy = sys.modules["cupy"]
    found.cupy, cuda = cupy.__version__, cupy.cuda
    found.runtime = _answer(lambda: cuda.runtime.runtimeGetVersion(), 0)
    found.nvrtc = _answer(lambda: ".".join(map(str, cuda.nvrtc.getVersion())), error=True)
    if found.failed == "device":
        found.cublas = _answer(lambda: "installed" if cuda.cublas else None, error=True)
        return found
    found.cublas = _answer(lambda: dotted(cuda.cublas.getVersion(cuda.device.get_cublas_handle()) // 10), error=True)
    found.devices = _answer(lambda: cuda.runtime.getDeviceCount(), 0)
    properties = _answer(lambda: cuda.runtime.getDeviceProperties(cuda.runtime.getDevice()), {})
    if properties:
        found.name = properties["name"].decode()
        found.capability = 1000 * properties["major"] + 10 * properties["minor"]
    found.memory = _answer(lambda: cuda.runtime.memGetInfo())
    return found


def driver_version() -> tuple[int, str]:
    """Return the CUDA version that the NVIDIA driver supports and "", or 0 and the reason."""
    import ctypes

    library, version = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1", ctypes.c_int()
    try:
        failed = ctypes.CDLL(library).cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError) as error:
        return 0, said(error)
    return (0, f"{library} is no driver: it answers with error {failed}") if failed else (version.value, "")


def _packages() -> dict[str, str]:
    """Return the installed packages with a module cupy, and their versions. Several of them overwrite one another."""
    from importlib.metadata import distributions

    named = ((str(each.name).lower().replace("_", "-"), each.version) for each in distributions())
    return {name: version for name, version in named if re.fullmatch(r"cupy(-cuda\d+x?|-rocm-[\d-]+)?|amd-cupy", name)}


def _answer(ask: Callable[[], Any], otherwise: Any = None, error: bool = False) -> Any:
    """Return the result of `ask()`. If it raises, return the error itself or `otherwise`."""
    try:
        return ask()
    except Exception as caught:
        return caught if error else otherwise


# ---- diagnosis ----------------------------------------------------------------------------------------------------
# The private functions return a problem and its remedy, or None if the problem is another one.


def problem(found: Found) -> str:
    """Say what is wrong and what to do about it. Return an empty text if the GPU can be used."""
    if not found.failed:
        return ""
    what, remedy = {"import": _no_cupy, "device": _no_device, "operation": _no_operation}[found.failed](found)
    return f"{what}. {remedy}"


def is_absent(found: Found) -> bool:
    """Tell whether CuPy is not installed at all."""
    return not found.packages and isinstance(found.failure, ModuleNotFoundError) and found.failure.name == "cupy"


def _no_cupy(found: Found) -> tuple[str, str]:
    """Explain why CuPy cannot be imported."""
    reason = said(found.failure)
    if is_absent(found):
        return "CuPy is not installed", _install(found)
    if remedy := _cache(found):
        return f"CuPy cannot be imported ({reason})", remedy
    if len(found.packages) > 1:
        return _several(found)
    package = " ".join(*found.packages.items()) if found.packages else "CuPy"
    if "'cupy' has no attribute '__version__'" in reason and not found.packages:
        path = getattr(sys.modules["cupy"], "__file__", None) or next(iter(sys.modules["cupy"].__path__))
        return f"the module cupy in {path} is not CuPy", f"Rename or delete it. {_install(found)}"
    if re.search("No module named 'cupy[.']|'cupy' has no attribute '__version__'", reason):
        return f"files of {package} are missing (uninstalling a second CuPy package takes them away)", _instead(found)
    if "numpy" in reason:
        return f"{package} and NumPy {np.__version__} do not go together ({reason})", _install(found)
    missing = "is not found" in reason or "DLL load failed" in reason
    return f"CuPy cannot be imported ({reason})", _install(found) if missing else _instead(found)


def _no_device(found: Found) -> tuple[str, str]:
    """Explain why CuPy finds no GPU."""
    reason, cupy = said(found.failure), f"CuPy {found.cupy} is installed"
    if not found.driver:
        return f"{cupy}, but this machine has no NVIDIA driver ({found.no_driver})", NO_DRIVER
    if "cudaErrorInsufficientDriver" in reason and found.driver // 1000 < found.runtime // 1000:
        if len(found.packages) > 1 and _newest(found.driver):
            return _several(found)
        what = f"{cupy} for CUDA {found.runtime // 1000}, but the NVIDIA driver here supports"
        return f"{what} CUDA {dotted(found.driver)} only", _instead(found) if _newest(found.driver) else UPDATE
    driver = f"the driver (CUDA {dotted(found.driver)})"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if "cudaErrorNoDevice" in reason and visible is not None:
        hides = "hides every GPU" if visible.strip() in ("", "-1") else f"names no GPU that {driver} finds"
        return f"{cupy}, but CUDA_VISIBLE_DEVICES={visible!r} {hides}", "Unset it, or name a GPU that nvidia-smi lists."
    if "cudaErrorNoDevice" in reason:
        return f"{cupy}, but {driver} finds no GPU", "nvidia-smi lists those it sees."
    remedy = next((text for name, text in FAILS.items() if name in reason), "See whether nvidia-smi lists the GPU.")
    return _full(found) or (f"{cupy}, but {driver} fails ({reason})", remedy)


def _no_operation(found: Found) -> tuple[str, str]:
    """Explain why CuPy finds a GPU but cannot compute on it."""
    reason, cupy = said(found.failure), f"CuPy {found.cupy} finds a GPU, but"
    if other := _full(found) or _foreign(found) or _old(found):
        return other
    what = f"{cupy} its first operation failed ({reason})"
    if isinstance(found.nvrtc, Exception):
        what = f"{cupy} NVRTC, which compiles its kernels, cannot be loaded ({said(found.nvrtc)})"
    elif type(found.failure).__name__ == "CompileException":
        what = f"{cupy} NVRTC {found.nvrtc} cannot compile its kernels ({reason})"
    elif not isinstance(found.failure, (ImportError, AttributeError)) and not re.search(MISSING, reason):
        return what, _cache(found) or NOT_INSTALLING
    return _several(found) if len(found.packages) > 1 else (what, _install(found))


def _full(found: Found) -> tuple[str, str] | None:
    """Recognize that the GPU's memory is used up, by an error of CuPy, the runtime, the driver or cuBLAS."""
    if not isinstance(found.failure, MemoryError) and not re.search(FULL, str(found.failure)):
        return None
    free = f"{gigabytes(found.memory)}; " if found.memory else ""
    what = f"CuPy {found.cupy} finds a GPU, but its memory is used up ({free}{said(found.failure)})"
    return what, "End other programs that use it, which nvidia-smi lists, or set CUDA_VISIBLE_DEVICES to another GPU."


def _foreign(found: Found) -> tuple[str, str] | None:
    """Recognize the NVRTC of a newer CUDA, which compiles kernels that an older driver cannot load."""
    major = int(found.nvrtc.partition(".")[0]) if isinstance(found.nvrtc, str) else 0
    if major <= found.runtime // 1000:
        return None
    cupy = f"CuPy {found.cupy}, which is for CUDA {found.runtime // 1000}"
    what = f"{cupy}, takes NVRTC {found.nvrtc} ({said(found.failure)})"
    return what, "Remove that: python -m pip uninstall nvidia-cuda-nvrtc."


def _old(found: Found) -> tuple[str, str] | None:
    """Recognize a GPU that is too old for the CUDA that compiles for it."""
    has, nvrtc = found.capability, found.nvrtc
    cuda = int(nvrtc.partition(".")[0]) if isinstance(nvrtc, str) else found.runtime // 1000
    if not has or has >= OLDEST.get(cuda, 0) or not re.search(OLD, str(found.failure)):
        return None
    what = f"the GPU ({found.name}) has compute capability {dotted(has)}, and CUDA {cuda} needs {dotted(OLDEST[cuda])}"
    return what, _instead(found, 12) if has >= OLDEST[12] else "No CuPy that tinynet supports runs on it."


def _several(found: Found) -> tuple[str, str]:
    """Name the packages that overwrite one another's files."""
    names = " and ".join(f"{name} {version}" for name, version in found.packages.items())
    return f"{names} are installed, whose files replace one another ({said(found.failure)})", _instead(found)


def said(error: Any) -> str:
    """Return the essence of an error's text in one line, without the words of CuPy or the loader around it."""
    error = (error.__cause__ or error) if isinstance(error, ImportError) else error  # CuPy's error fills a page
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if "error" in line] if "\n" in text.strip() else []
    text = " ".join((lines[0] if lines else text).split())
    library = re.search(r'Failure finding "(.*?)"|([^\s:]+): cannot open shared object file', text)
    if library:
        return f"{library[1] or library[2]} is not found"
    return (text if len(text) <= 200 else text[:199] + "…").rstrip(" .") or type(error).__name__


# ---- remedies -----------------------------------------------------------------------------------------------------


def _install(found: Found) -> str:
    """Say what to install for the CUDA version of this machine's driver."""
    if not found.driver:
        return f"This machine has no NVIDIA driver ({found.no_driver}); where there is one: {_pip(None)}."
    if _newest(found.driver) is None:
        return f"The NVIDIA driver here supports CUDA {dotted(found.driver)} only. {UPDATE}"
    return f"For the driver here (CUDA {dotted(found.driver)}): {_pip(_newest(found.driver))}."


def _instead(found: Found, major: int | None = None) -> str:
    """Say what to uninstall, and what to install instead."""
    if found.driver and _newest(found.driver) is None:
        return _install(found)
    installed = " ".join(found.packages) or "cupy"
    return f"First: python -m pip uninstall {installed}. Then: {_pip(major or _newest(found.driver))}."


def _newest(driver: int) -> int | None:
    """Return the newest CUDA that the driver supports and CuPy has a package for: drivers run older versions too."""
    return max((major for major in REQUIREMENT if major <= driver // 1000), default=None)


def _pip(major: int | None) -> str:
    """Return the command that installs CuPy for this CUDA, or for each; every shell takes its double quotes."""
    majors = REQUIREMENT if major is None else [major]
    packages = (f'"{REQUIREMENT[version]}"' + f" (CUDA {version})" * (major is None) for version in majors)
    return f"python -m pip install {' or '.join(packages)}"


def _cache(found: Found) -> str | None:
    """Recognize a failure to write CuPy's folder of kernels: it is made at the import and written to later."""
    if not isinstance(found.failure, OSError) or said(found.failure).endswith("is not found"):
        return None
    folder = os.environ.get("CUPY_CACHE_DIR", os.path.expanduser("~/.cupy/kernel_cache"))
    return f"CuPy keeps its kernels in {folder}: make it writable, with room, or set CUPY_CACHE_DIR to another folder."


def dotted(version: int) -> str:
    """Write CUDA's 12040 as "12.4"."""
    return f"{version // 1000}.{version % 1000 // 10}"


def gigabytes(memory: tuple[int, int]) -> str:
    """Write an amount of memory, free and in all."""
    return f"{memory[0] / 2**30:.1f} of {memory[1] / 2**30:.1f} GiB free"
