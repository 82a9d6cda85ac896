"""benchmarks/cupti.py: which functions of CUDA count as what, and that each call counts once."""

import ctypes
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import cupti

COUNTED = {  # names as CUPTI 13.0 gives them
    "launches": "cuLaunch cuLaunchGrid cuLaunchGridAsync cuLaunchKernel cuLaunchKernel_ptsz cuLaunchKernelEx "
    "cuLaunchKernelEx_ptsz cuLaunchCooperativeKernel_ptsz cuLaunchCooperativeKernelMultiDevice cudaLaunch_v3020 "
    "cudaLaunch_ptsz_v7000 cudaLaunchKernel_v7000 cudaLaunchKernel_ptsz_v7000 cudaLaunchKernelExC_v11060 "
    "cudaLaunchKernelExC_ptsz_v11060 cudaLaunchCooperativeKernel_v9000 __cudaLaunchKernel_v13000 "
    "__cudaLaunchKernel_ptsz_v13000",
    "graph_launches": "cuGraphLaunch cuGraphLaunch_ptsz cudaGraphLaunch_v10000 cudaGraphLaunch_ptsz_v10000",
    "uploads": "cuMemcpyHtoD cu64MemcpyHtoD cuMemcpyHtoD_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2_ptds "
    "cuMemcpyHtoDAsync_v2_ptsz cuMemcpyHtoAAsync_v2",
    "downloads": "cuMemcpyDtoH_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2_ptsz cu64MemcpyDtoHAsync cuMemcpyAtoH_v2",
    "copies": "cuMemcpy cuMemcpyAsync_ptsz cuMemcpyDtoDAsync_v2 cuMemcpy2D_v2 cuMemcpyPeerAsync cuMemcpyBatchAsync_v2 "
    "cudaMemcpy_v3020 cudaMemcpyAsync_ptsz_v7000 cudaMemcpyToSymbol_v3020 cudaMemcpyBatchAsync_v13000",
    "fills": "cuMemsetD8_v2 cuMemsetD32Async cudaMemset_v3020 cudaMemsetAsync_v3020",
    "synchronizations": "cuCtxSynchronize cuCtxSynchronize_v2 cuStreamSynchronize_ptsz cuEventSynchronize "
    "cudaDeviceSynchronize_v3020 cudaStreamSynchronize_v3020 cudaEventSynchronize_v3020 cudaThreadSynchronize_v3020",
    None: "cuLaunchHostFunc cudaLaunchHostFunc_v10000 cuGraphUpload cuGraphAddMemcpyNode "
    "cudaGraphAddMemcpyNode1D_v11010 cuGraphAddMemsetNode cuStreamBatchMemOp_v2 cuMemPrefetchAsync cuStreamWaitEvent "
    "cuEventRecord cuEventQuery cudaGraphInstantiate_v12000 cudaMalloc_v3020 cuMemAlloc_v2 cuModuleLoadData",
}


@pytest.mark.parametrize("kind", COUNTED)
def test_kinds_of_functions(kind):
    assert {name: cupti.kind_of(name) for name in COUNTED[kind].split()} == dict.fromkeys(COUNTED[kind].split(), kind)


def test_only_copies_of_the_runtime_say_their_direction():
    words = {"cudaMemcpy_v3020": 3, "cudaMemcpyAsync_ptsz_v7000": 3, "cudaMemcpy2DAsync_v3020": 6}
    words |= dict.fromkeys(["cuMemcpy", "cuMemcpyAsync_ptsz", "cudaMemcpyToSymbol_v3020", "cudaLaunchKernel_v7000"])
    assert {name: cupti.word_of(name) for name in words} == words


class Library:
    """Stands in for libcupti: it knows a few functions, and calls back when the test calls them."""

    NAMES = {
        (cupti.DRIVER, 307): "cuLaunchKernel",
        (cupti.DRIVER, 277): "cuMemcpyHtoDAsync_v2",
        (cupti.DRIVER, 600): "cuMemFreeAsync",
        (cupti.RUNTIME, 211): "cudaLaunchKernel_v7000",
        (cupti.RUNTIME, 41): "cudaMemcpyAsync_v3020",
        (cupti.RUNTIME, 165): "cudaDeviceSynchronize_v3020",
        (cupti.RUNTIME, 311): "cudaGraphLaunch_v10000",
    }

    def __init__(self, subscribing=0, enabling=0, refused=()):
        self.enabled, self.subscribed = set(), False

        def subscribe(subscriber, callback, _):
            subscriber._obj.value, self.callback, self.subscribed = 7, callback, not subscribing
            return subscribing

        def enable(on, subscriber, domain, number):
            assert (on, subscriber.value) == (1, 7)
            if self.NAMES[domain, number] in refused:
                return 1
            self.enabled.add((domain, number))
            return enabling

        def unsubscribe(subscriber):
            assert subscriber.value == 7
            self.subscribed = False
            return 0

        def name_of(domain, number, name):
            name._obj.value = self.NAMES.get((domain, number), "").encode()
            return 0 if (domain, number) in self.NAMES else 1

        def text_of(result, text):
            known = {1: b"CUPTI_ERROR_INVALID_PARAMETER", 39: b"CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"}
            text._obj.value = known[result]
            return 0

        self.cuptiSubscribe, self.cuptiUnsubscribe, self.cuptiEnableCallback = subscribe, unsubscribe, enable
        self.cuptiGetCallbackName, self.cuptiGetResultString = name_of, text_of

    def call(self, name, within=lambda: None, kind=0):
        """Enter the function, do what lies within, leave it; `kind` is the direction of a copy."""
        key = next(key for key, known in self.NAMES.items() if known == name)
        if key not in self.enabled:
            return within()
        words = (ctypes.c_uint64 * 5)(1 << 40, 1 << 40, 1 << 40, kind, 1 << 40)
        data = cupti.CallbackData(cupti.ENTER, name.encode(), ctypes.addressof(words))
        self.callback(None, *key, ctypes.byref(data))
        within()
        data.callbackSite = cupti.EXIT
        self.callback(None, *key, ctypes.byref(data))


@pytest.fixture
def library(monkeypatch):
    made = Library()
    monkeypatch.setattr(cupti, "libraries", lambda: [made])
    return made


def test_a_call_of_the_runtime_and_that_of_the_driver_within_count_once(library):
    with cupti.counted() as counts:
        library.call("cudaLaunchKernel_v7000", lambda: library.call("cuLaunchKernel"))
        library.call("cudaLaunchKernel_v7000")  # whose inner call is not reported
        library.call("cuLaunchKernel")
        library.call("cudaGraphLaunch_v10000", lambda: library.call("cuMemFreeAsync"))
        library.call("cudaDeviceSynchronize_v3020")
    assert counts == cupti.Counts(launches=3, graph_launches=1, synchronizations=1)
    assert not library.subscribed


def test_copies_by_their_direction(library):
    with cupti.counted() as counts:
        for kind, times in ((1, 4), (2, 3), (3, 1), (4, 1)):
            for _ in range(times):
                library.call("cudaMemcpyAsync_v3020", lambda: library.call("cuMemcpyHtoDAsync_v2"), kind=kind)
        library.call("cuMemcpyHtoDAsync_v2")
    assert counts == cupti.Counts(uploads=5, downloads=3, copies=2)


def test_a_launch_while_another_thread_waits_counts(library):
    def elsewhere():
        thread = threading.Thread(target=library.call, args=("cuLaunchKernel",))
        thread.start()
        thread.join()

    with cupti.counted() as counts:
        library.call("cudaDeviceSynchronize_v3020", elsewhere)
    assert counts == cupti.Counts(launches=1, synchronizations=1)


def test_the_end_of_a_call_that_began_before_is_no_call(library):
    data = cupti.CallbackData(cupti.EXIT, b"cuLaunchKernel", None)
    with cupti.counted() as counts:
        library.callback(None, cupti.DRIVER, 307, ctypes.byref(data))
        library.call("cuLaunchKernel")
    assert counts == cupti.Counts(launches=1)


def test_nobody_listens_after_an_error(library):
    with pytest.raises(ZeroDivisionError), cupti.counted():
        raise ZeroDivisionError
    assert library.enabled
    assert not library.subscribed


@pytest.mark.parametrize("refusal", [{"subscribing": 39}, {"enabling": 39}])
def test_what_cupti_refuses_is_said(monkeypatch, refusal):
    made = Library(**refusal)
    monkeypatch.setattr(cupti, "libraries", lambda: [made])
    with pytest.raises(cupti.Unavailable, match="MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED"), cupti.counted():
        raise AssertionError("nothing is counted")
    assert not made.subscribed


def test_an_obsolete_function_may_be_refused(monkeypatch):
    made = Library(refused=["cudaMemcpyAsync_v3020"])
    monkeypatch.setattr(cupti, "libraries", lambda: [made])
    with cupti.counted() as counts:
        made.call("cuLaunchKernel")
        made.call("cudaMemcpyAsync_v3020", lambda: made.call("cuMemcpyHtoDAsync_v2"), kind=1)
    assert counts == cupti.Counts(launches=1, uploads=1)


@pytest.mark.parametrize("name", ["cuLaunchKernel", "cudaLaunchKernel_v7000"])
def test_launches_may_not_be_refused_and_the_next_library_is_tried(monkeypatch, name):
    first, second = Library(refused=[name]), Library()
    monkeypatch.setattr(cupti, "libraries", lambda: [first, second])
    with cupti.counted() as counts:
        assert not first.subscribed
        second.call(name)
    assert counts.launches == 1
    monkeypatch.setattr(cupti, "libraries", lambda: [first])
    with pytest.raises(cupti.Unavailable, match="INVALID_PARAMETER"), cupti.counted():
        raise AssertionError("nothing is counted")


def test_a_library_that_works_is_taken_after_one_that_does_not(monkeypatch, tmp_path):
    (tmp_path / "libcupti.so.12").write_text("not a library")
    made = Library()
    monkeypatch.setattr(cupti, "libraries", lambda: [tmp_path / "libcupti.so.12", made])
    with cupti.counted() as counts:
        made.call("cuLaunchKernel")
    assert counts.launches == 1
    monkeypatch.setattr(cupti, "libraries", lambda: [tmp_path / "libcupti.so.12"])
    with pytest.raises(cupti.Unavailable, match=r"^CUPTI fails: .*libcupti\.so\.12: "), cupti.counted():
        raise AssertionError("nothing is counted")


@pytest.mark.parametrize(("cuda", "package"), [(12, "nvidia-cuda-cupti-cu12"), (13, "nvidia-cuda-cupti"), (None, None)])
def test_without_a_library_it_says_what_to_install(monkeypatch, cuda, package):
    monkeypatch.setattr(cupti, "libraries", list)
    monkeypatch.setattr(cupti, "driver", lambda: (1, cuda))
    package = package or "nvidia-cuda-cupti"
    with pytest.raises(cupti.Unavailable, match=rf"^no CUPTI: python -m pip install {package}$"), cupti.counted():
        raise AssertionError("nothing is counted")


@pytest.fixture
def places(monkeypatch, tmp_path):
    """A wheel of CUDA 12 and a toolkit of CUDA 13, whose library has a year for a number."""
    wheel = tmp_path / "site-packages" / "nvidia" / "cuda_cupti" / "lib" / "libcupti.so.12"
    toolkit = tmp_path / "cuda" / "extras" / "CUPTI" / "lib64" / "libcupti.so.2025.3.1"
    for path in (wheel, toolkit):
        path.parent.mkdir(parents=True)
        path.touch()
    (toolkit.parent / "libcupti.so.13").symlink_to(toolkit.name)
    (toolkit.parent / "libcupti.so").symlink_to("libcupti.so.13")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site-packages")])
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "cuda"))
    return [str(wheel), str(toolkit)]


@pytest.mark.parametrize(("cuda", "order"), [(12, [0, 1]), (13, [1, 0]), (None, [0, 1])])
def test_the_library_of_the_drivers_cuda_is_preferred_and_wheels_to_toolkits(monkeypatch, places, cuda, order):
    monkeypatch.setattr(cupti, "driver", lambda: (1, cuda))
    assert [path for path in cupti.libraries() if path in places] == [places[number] for number in order]


def test_what_is_loaded_comes_first_whatever_its_cuda(monkeypatch, places):
    monkeypatch.setattr(cupti, "driver", lambda: (1, 13))
    monkeypatch.setattr(cupti, "_loaded", lambda: [places[0]])
    assert cupti.libraries()[0] == places[0]
