"""Counts the launches, transfers and waits of a CUDA program, by the callbacks of NVIDIA's CUPTI.

    with cupti.counted() as counts:
        ...
    counts.launches, counts.graph_launches, counts.uploads, counts.downloads, counts.synchronizations

CUPTI calls back at the entry and the exit of functions of the driver and of the runtime. A function of the runtime may
call one of the driver within, and not all of those are reported, so both are listened to, and of calls that lie in
each other on one thread only the outermost counts. A graph counts once, whatever is in it; recording one counts its
launches too. A copy whose call does not say from where to where counts among `copies`, with those within the device.

Every call waits for Python here: count, and time elsewhere. A program whose threads wait for each other with Python's
lock in hand would hang: count in a process that can be ended. CUPTI allows one listener: none beside a profiler.
Source: cupti_callbacks.h and generated_cuda_runtime_api_meta.h, CUDA 13.0; the names and numbers of the functions are
asked of the library itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

INSTALL = {12: "python -m pip install nvidia-cuda-cupti-cu12", 13: "python -m pip install nvidia-cuda-cupti"}
DRIVER, RUNTIME = 1, 2  # CUPTI_CB_DOMAIN_DRIVER_API, CUPTI_CB_DOMAIN_RUNTIME_API
ENTER, EXIT = 0, 1  # CUPTI_API_ENTER, CUPTI_API_EXIT
INVALID_PARAMETER = 1  # CUPTI_ERROR_INVALID_PARAMETER
MOST = 4096  # numbers of functions that are asked for; CUDA 13.0 has 806 of the driver's
DIRECTIONS = {1: "uploads", 2: "downloads"}  # cudaMemcpyKind; 3 is within the device, 4 lets the addresses decide
KINDS = (  # what counts a function of this name, without its prefix and its version
    ("launches", r"Launch|Launch(Cooperative)?Kernel(MultiDevice)?|LaunchKernelExC?|LaunchGrid(Async)?"),
    ("graph_launches", r"GraphLaunch"),
    ("synchronizations", r"(Ctx|Device|Event|Stream|Thread)Synchronize"),
    ("uploads", r"MemcpyHto[AD](Async)?"),
    ("downloads", r"Memcpy[AD]toH(Async)?"),
    ("copies", r"Memcpy.*"),
    ("fills", r"Memset.*"),
)
DIRECTED = {r"Memcpy(Async)?": 3, r"Memcpy2D(Async)?": 6}  # of the runtime: which 8-byte word of its arguments says it


class Unavailable(RuntimeError):
    """CUPTI is not installed, or does not work here."""


class CallbackData(ctypes.Structure):
    """The beginning of CUpti_CallbackData; nothing behind it is read."""

    _fields_ = [
        ("callbackSite", ctypes.c_int),
        ("functionName", ctypes.c_char_p),
        ("functionParams", ctypes.c_void_p),
    ]


CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.POINTER(CallbackData))


@dataclass
class Counts:
    """How often each kind of function was called."""

    launches: int = 0  # of kernels
    graph_launches: int = 0
    uploads: int = 0
    downloads: int = 0
    copies: int = 0
    fills: int = 0
    synchronizations: int = 0


def bare(name):
    """A function's name without cu, cuda or cu64, and without its version: LaunchKernel, MemcpyHtoDAsync."""
    return re.sub(r"(_(v\d+|ptsz|ptds))*$", "", re.sub(r"^(__)?cu(da|64)?", "", name))


def kind_of(name):
    """Which of the counts a function of the driver or the runtime belongs to; None for all others."""
    return next((kind for kind, pattern in KINDS if re.fullmatch(pattern, bare(name))), None)


def word_of(name):
    """Which word of its arguments says the direction of a copy, if this is a function of the runtime's; else None."""
    found = (word for pattern, word in DIRECTED.items() if re.fullmatch(pattern, bare(name)))
    return next(found, None) if re.match("(__)?cuda", name) else None


class Tally:
    """Adds up calls: `called` is what CUPTI calls back. `functions` is {(domain, number): name}."""

    def __init__(self, functions):
        self.counts = Counts()
        self.kinds = {key: kind_of(name) for key, name in functions.items()}
        self.words = {key: word_of(name) for key, name in functions.items()}
        self.depth = {}  # of each thread: how many functions that count it is in

    def called(self, _, domain, number, data):
        thread, data = threading.get_ident(), data.contents
        depth = self.depth.get(thread, 0)
        if data.callbackSite == ENTER:
            self.depth[thread] = depth + 1
            if depth == 0:
                self.add(domain, number, data.functionParams)
        elif depth:  # else it had begun before it was listened to
            self.depth[thread] = depth - 1

    def add(self, domain, number, arguments):
        kind, word = self.kinds[domain, number], self.words[domain, number]
        if word is not None:
            direction = ctypes.cast(arguments, ctypes.POINTER(ctypes.c_int))[2 * word]
            kind = DIRECTIONS.get(direction, kind)
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)


@contextlib.contextmanager
def counted():
    """The Counts of what is called inside the `with` block, by all threads. Unavailable where CUPTI is."""
    tried = []
    for path in libraries():
        try:
            library, subscriber, tally = listen(path)
            break
        except (OSError, AttributeError, Unavailable) as error:
            tried.append(f"{path}: {error}")
    else:
        raise Unavailable(f"CUPTI fails: {'; '.join(tried)}" if tried else f"no CUPTI: {install()}")
    try:
        yield tally.counts
    finally:
        library.cuptiUnsubscribe(subscriber)


def listen(path):
    """(the library, the subscriber, the Tally that it calls back). Unavailable where it refuses."""
    library = load(path)
    functions = names(library)
    tally, subscriber = Tally(functions), ctypes.c_void_p()
    tally.callback = CALLBACK(tally.called)  # kept as long as CUPTI may call it
    check(library, library.cuptiSubscribe(ctypes.byref(subscriber), tally.callback, None))
    try:
        enable(library, subscriber, functions)
    except Unavailable:
        library.cuptiUnsubscribe(subscriber)
        raise
    return library, subscriber, tally


def enable(library, subscriber, functions):
    """Let these functions call back. Obsolete ones may be refused, launches of kernels may not."""
    enabled = set()
    for (domain, number), name in functions.items():
        result = library.cuptiEnableCallback(1, subscriber, domain, number)
        if result != INVALID_PARAMETER:
            check(library, result)
            enabled.add((domain, bare(name)))
    if {(DRIVER, "LaunchKernel"), (RUNTIME, "LaunchKernel")} - enabled:
        check(library, INVALID_PARAMETER)


def load(path):
    """The library, with the types of the functions that are called; it may be a stand-in that is loaded already."""
    library = path if hasattr(path, "cuptiSubscribe") else ctypes.CDLL(str(path))
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    library.cuptiSubscribe.argtypes = [ctypes.POINTER(pointer), CALLBACK, pointer]
    library.cuptiUnsubscribe.argtypes = [pointer]
    library.cuptiEnableCallback.argtypes = [number, pointer, ctypes.c_int, number]
    library.cuptiGetCallbackName.argtypes = [ctypes.c_int, number, ctypes.POINTER(ctypes.c_char_p)]
    library.cuptiGetResultString.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    return library


def names(library):
    """{(domain, number): name} of the functions that count."""
    found, name = {}, ctypes.c_char_p()
    for domain in (DRIVER, RUNTIME):
        for number in range(1, MOST):
            failed = library.cuptiGetCallbackName(domain, number, ctypes.byref(name))
            if not failed and name.value and kind_of(name.value.decode()):
                found[domain, number] = name.value.decode()
    if not found:
        raise Unavailable("it names no function")
    return found


def check(library, result):
    if result:
        text = ctypes.c_char_p()
        library.cuptiGetResultString(result, ctypes.byref(text))
        raise Unavailable((text.value or b"error").decode() + f" ({result})")


def libraries():
    """Where libcupti is, best first: what the process has loaded, then the driver's CUDA; wheels before toolkits."""
    cuda = driver()[1]
    others = sorted(_places(), key=lambda path: major_of(path) != cuda)
    return list(dict.fromkeys(map(os.path.realpath, [*_loaded(), *others])))


def major_of(path):
    """The CUDA version that a libcupti is of, by the names in its folder: its own number may be a year."""
    found = re.search(r"libcupti\.so\.(\d\d)(?!\d)", " ".join(each.name for each in Path(path).parent.iterdir()))
    return found and int(found[1])


def _loaded():
    with contextlib.suppress(OSError):
        yield from sorted(set(re.findall(r"/\S*/libcupti\.so\S*", Path("/proc/self/maps").read_text())))


def _places():
    for folder in sys.path:
        if folder.endswith("packages"):
            yield from sorted(Path(folder).glob("nvidia/**/libcupti.so*"))
    toolkits = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    toolkits = [Path(each) for each in toolkits if each] + sorted(Path("/usr/local").glob("cuda*"))
    for folder in toolkits:
        for place in ("extras/CUPTI/lib64", "lib64", "lib"):
            yield from sorted((folder / place).glob("libcupti.so*"))[:1]


def driver():
    """(devices, major CUDA version) of the NVIDIA driver; (0, None) where there is none."""
    count, version = ctypes.c_int(), ctypes.c_int()
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return 0, None
    known = not cuda.cuDriverGetVersion(ctypes.byref(version))
    found = not cuda.cuInit(0) and not cuda.cuDeviceGetCount(ctypes.byref(count))
    return count.value if found else 0, version.value // 1000 if known else None


def install():
    """What to install for this machine's driver."""
    major = driver()[1] or max(INSTALL)
    return INSTALL[max((each for each in INSTALL if each <= major), default=min(INSTALL))]
