"""NVRTC as the tests use it: a right kernel compiles for each architecture, and a wrong one says where it is wrong."""

import nvrtc
import pytest

SUM = """
extern "C" __global__ void row_sums(const float* __restrict__ x, float* __restrict__ sums, int columns) {
    float sum = 0;
    for (int i = threadIdx.x; i < columns; i += 32) sum += x[blockIdx.x * columns + i];
    for (int other = 16; other; other /= 2) sum += __shfl_xor_sync(0xffffffff, sum, other);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
"""


@pytest.fixture(autouse=True)
def _needs_nvrtc():
    if nvrtc.library() is None:
        pytest.skip("needs NVRTC: the wheel nvidia-cuda-nvrtc or nvidia-cuda-nvrtc-cu12")


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90", "sm_100"])
def test_a_kernel_compiles(architecture):
    if architecture == "sm_100" and nvrtc.version() < (12, 8):
        pytest.skip("NVRTC knows sm_100 from 12.8 on")
    binary = nvrtc.compile(SUM, architecture)
    assert binary.startswith(b"\x7fELF")
    assert b"row_sums" in binary


def test_a_wrong_kernel_gives_the_log_with_the_line():
    with pytest.raises(nvrtc.NvrtcError, match=r"(?s)NVRTC_ERROR_COMPILATION for sm_90:.*kernel\.cu\(5\): error.*othr"):
        nvrtc.compile(SUM.replace("sum, other)", "sum, othr)"), "sm_90")
    with pytest.raises(nvrtc.NvrtcError, match="--no-such-option"):
        nvrtc.compile(SUM, "sm_90", ("--no-such-option",))


def test_options_reach_the_compiler():
    code = SUM.replace("float", "real")
    with pytest.raises(nvrtc.NvrtcError, match='"real" is undefined'):
        nvrtc.compile(code, "sm_90")
    assert nvrtc.compile(code, "sm_90", ("-Dreal=double",)) != nvrtc.compile(SUM, "sm_90")
