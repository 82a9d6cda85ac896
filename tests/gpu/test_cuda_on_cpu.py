"""CUDA's text on the CPU: kernels worked by hand, shuffles, two orders of the threads, and what is refused."""

import os

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu import CompileError, LaunchError, Race

NULL = np.uintp(0)


@pytest.fixture(autouse=True)
def _needs_a_compiler():
    if cuda_on_cpu.compiler() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs a C++ compiler on Linux")


def launch(parameters, body, *args, block=32, grid=1):
    """Compile and run a kernel with this body; the arrays among the arguments are changed."""
    module = cuda_on_cpu.compile(f'extern "C" __global__ void kernel({parameters}) {{{body}}}')
    block, grid = (size if isinstance(size, tuple) else (size,) for size in (block, grid))
    module.launch("kernel", grid, block, args)


def each_thread(texts, dtype="int32"):
    """What the threads of a warp make of each of these expressions of i, the lane: an array (texts, 32)."""
    out = np.zeros((len(texts), 32), dtype)
    kind = {"int32": "int", "float32": "float", "float64": "double"}[dtype]
    lines = "\n".join(f"out[{32 * number} + i] = {text};" for number, text in enumerate(texts))
    launch(f"{kind}* out", f"int i = threadIdx.x;\n{lines}", out)
    return out


# ---- what the text means ------------------------------------------------------------------------------------------


SAXPY = """
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x)
        y[i] += a * x[i];"""


@pytest.mark.parametrize("n", [0, 1, 100_003])
def test_a_loop_over_the_grid(n):
    x, y = np.arange(n, dtype="float32"), np.ones(n, "float32")
    parameters = "const float* __restrict__ x, float* __restrict__ y, float a, long long n"
    launch(parameters, SAXPY, x, y, np.float32(2), np.int64(n), block=256, grid=40)
    assert np.array_equal(y, 1 + 2 * x)


def test_indices_in_three_dimensions():
    out = np.zeros((2, 3, 2, 4, 2, 3), "int32")  # grid z, y, x, block z, y, x
    body = """
        dim3 b = blockIdx, t = threadIdx;
        int block = (b.z * gridDim.y + b.y) * gridDim.x + b.x, thread = (t.z * blockDim.y + t.y) * blockDim.x + t.x;
        int digits = t.x + 10 * (t.y + 10 * (t.z + 10 * (b.x + 10 * (b.y + 10 * b.z))));
        out[block * blockDim.x * blockDim.y * blockDim.z + thread] = digits;"""
    launch("int* out", body, out, grid=(2, 3, 2), block=(3, 2, 4))
    assert out[1, 2, 0, 3, 1].tolist() == [120310, 120311, 120312]
    assert np.unique(out).size == out.size


@pytest.mark.parametrize(("kind", "dtype"), [("float", "float32"), ("double", "float64")])
def test_the_sum_of_a_warp_by_shuffles(kind, dtype):
    """Three warps in two blocks, each with its own sum."""
    out = np.zeros((2, 3, 32), dtype)
    body = f"""
        int i = threadIdx.x % 32, warp = threadIdx.x / 32 + 3 * blockIdx.x;
        {kind} r = i + warp + ({kind})0.125;
        for (int other = 16; other; other /= 2) r += __shfl_xor_sync(0xffffffff, r, other);
        out[32 * warp + i] = r;"""
    launch(f"{kind}* out", body, out, block=96, grid=2)
    assert out.tolist() == [[[31 * 16 + 4 + 32 * (3 * block + warp)] * 32 for warp in range(3)] for block in range(2)]


SHUFFLES = {  # from CUDA's description of them, with i for the lane
    "__shfl_sync(0xffffffff, i, 5)": [5] * 32,
    "__shfl_sync(0xffffffff, i, i + 1)": [*range(1, 32), 0],
    "__shfl_down_sync(0xffffffff, i, 3)": [*range(3, 32), 29, 30, 31],
    "__shfl_xor_sync(0xffffffff, i, 1)": [i ^ 1 for i in range(32)],
    "i < 16 ? __shfl_xor_sync(0xffff, i, 8) :\n__shfl_sync(0xffff0000, i, 20)": [i ^ 8 for i in range(16)] + [20] * 16,
}


def test_shuffles():
    assert each_thread(SHUFFLES).tolist() == list(SHUFFLES.values())


MATHS = ["exp", "log", "sqrt", "fabs", "tanh", "log1p", "expm1", "floor"]


def test_functions_of_float_are_those_of_float():
    """sizeof tells which one is called; in C, exp(float) is the exp of double."""
    assert set(each_thread([f"sizeof({name}(1.0f)) + 10 * sizeof({name}(1.0))" for name in MATHS]).ravel()) == {84}
    x = each_thread([f"{name}(i / 16.0f + 0.1f)" for name in MATHS], "float32")
    given = np.arange(32, dtype="float32") / np.float32(16) + np.float32(0.1)
    np.testing.assert_allclose(x, [getattr(np, name)(given) for name in MATHS], rtol=3e-7)


def test_other_functions():
    sizes = "sizeof(fmax(1.0f, 2.0f)) + 10 * sizeof(fmin(1.0, 2.0)) + 100 * sizeof(rsqrt(1.0f))"
    assert set(each_thread([sizes])[0]) == {484}
    nan = "0 / (i * 0.0f)"
    assert set(each_thread([f"isnan({nan}) + 10 * isnan(1.0) + 100 * (fmax({nan}, 2.0f) == 2)"])[0]) == {101}
    assert set(each_thread(["max(i, 40) + min(2.5, 3.0) + rsqrt(16.0) + rsqrt(4.0f)"], "float64")[0]) == {43.25}
    assert set(each_thread(["__umul64hi(1ull << 40, 3ull << 30)"])[0]) == {3 << 6}


def test_types_come_through_macros_and_typedefs():
    parameters = "const element *x, real* y, count n, double* z, const unsigned char* labels, const void* any, bool b"
    module = cuda_on_cpu.compile(f"""
        #define real float
        typedef real element;
        using count = long long;
        extern "C" __global__ void k({parameters}) {{}}""")
    assert [code for _, code in module.parameters["k"]] == [
        "const f4*", "f4*", "i8", "f8*", "const u1*", "const v1*", "b1"
    ]  # fmt: skip


def test_kernels_are_found_in_their_text():
    code = """
        // extern "C" __global__ void not_here(int n) {
        extern "C" __global__ void first(/* in */ const float* x,
                                         float* y  /* out */) {}
        extern "C" __global__
        void second() {}
    """
    found = {name: [text for text, _ in ps] for name, ps in cuda_on_cpu.compile(code).parameters.items()}
    assert found == {"first": ["const float* x", "float* y"], "second": []}


def test_null_and_memory_of_any_type():
    out = np.zeros(1, "int32")
    body = "out[0] = (x == nullptr) + 10 * (y == nullptr) + 100 * static_cast<const char*>(any)[1];"
    launch("int* out, const float* x, const float* y, const void* any", body,
           out, NULL, np.zeros(1, "float32"), np.array([0x0703], "int16"), block=1)  # fmt: skip
    assert out[0] == 701


def test_in_place():
    x = np.arange(32, dtype="float32")
    launch("float* y, float* x", "y[threadIdx.x] = 2 * x[threadIdx.x];", x, x[:])
    assert x.tolist() == [*range(0, 64, 2)]


def test_macros_are_options():
    x, code = np.zeros(1, "int32"), 'extern "C" __global__ void k(int* x) { x[0] = VALUE; }'
    for value in (1, 2):
        cuda_on_cpu.compile(code, ("-std=c++17", f"-DVALUE={value}")).launch("k", (1,), (1,), (x,))
        assert x[0] == value
    with pytest.raises(ValueError, match="'--use_fast_math' has no meaning on a CPU"):
        cuda_on_cpu.compile(code, ("--use_fast_math",))


# ---- what is wrong ------------------------------------------------------------------------------------------------


def test_a_wrong_text_gives_the_compilers_message_with_the_line():
    with pytest.raises(CompileError, match=r"kernel\.cu:3:\d+: error: .*undeclared"):
        cuda_on_cpu.compile('extern "C" __global__ void k(float* x) {\n    x[0] = 1;\n    x[1] = undeclared;\n}')
    with pytest.raises(LaunchError, match="named symbol not found"):
        cuda_on_cpu.compile('extern "C" __global__ void k() {}').launch("other", (1,), (1,), ())


def test_barriers_are_not_emulated():
    with pytest.raises(CompileError, match="__syncthreads"):
        cuda_on_cpu.compile('extern "C" __global__ void k() { __syncthreads(); }')


LOCKSTEP = {
    "lanes that have ended": (
        "if (threadIdx.x > 15) return;\n__shfl_sync(0xffffffff, 1, 0);", "line 2: lane 0 waits for lane 16"
    ),
    "different masks": (
        "__shfl_sync(threadIdx.x % 2 ? 0xffffffff : 0x7fffffff, 1, 0);", "line 1: lane 0 waits for lane 1,"
    ),
    "a lane outside its mask": ("__shfl_sync(0x7fffffff, 1, 0);", "lane 31 waits for lane 31, .* mask 0x7fffffff"),
    "a source outside the mask": (
        "if (threadIdx.x < 16) __shfl_xor_sync(0xffff, 1, 16);", "lane 0 waits for lane 16, .* mask 0x0000ffff"
    ),
    "a warp that is not whole": ("__shfl_sync(0xffffffff, 1, 0);", "lane 0 waits for lane 8, which takes no part"),
}  # fmt: skip


@pytest.mark.parametrize("what", LOCKSTEP)
def test_a_shuffle_without_one_of_its_lanes(what):
    body, match = LOCKSTEP[what]
    block = 40 if what == "a warp that is not whole" else 64
    with pytest.raises(LaunchError, match=match):
        launch("", body, block=block, grid=2)
    launch("", "__shfl_sync(0xffffffff, 1, 0);", block=64)  # and the next launch is as if nothing had been


RACES = {
    "a sum by all": "y[0] = y[0] * 0.5f + i;",
    "a place that many write": "y[1] = i;",
    "blocks": "y[2] = blockIdx.x;",
}


@pytest.mark.parametrize("what", RACES)
def test_a_result_that_depends_on_the_order(what):
    y = np.zeros(64, "float32")
    with pytest.raises(Race, match=r"kernel gives other results for threads in reverse order: item \d of float\* y"):
        launch("float* y", f"int i = threadIdx.x; {RACES[what]}", y, block=64, grid=2)
    assert not y.any(), "nothing is written"


# ---- arguments ----------------------------------------------------------------------------------------------------


F, X = np.float32(2), np.zeros((4, 4), "float32")
ARGUMENTS = {
    "too few": ((X,), TypeError, "kernel takes 3 arguments; got 2"),
    "another type of array": ((np.zeros(4), F), TypeError, r"argument 2 \(const float\* x\).*of float32; got.*float64"),
    "a number for an array": ((F, F), TypeError, "argument 2 .* takes an array"),
    "a list": (([1.0], F), TypeError, r"argument 2 .* takes an array.*got \[1.0\] of <class 'list'>"),
    "an address": ((np.uintp(64), F), ValueError, "of addresses only"),
    "not contiguous": ((X.T[1:], F), ValueError, "not C-contiguous"),
    "an array for a number": ((X, X), TypeError, r"argument 3 \(float a\) takes a numpy.float32 by value; got an"),
    "a number of Python's": ((X, 2.0), TypeError, "argument 3 .*got 2.0 of <class 'float'>"),
    "a wider number": ((X, np.float64(2)), TypeError, "argument 3 .*got .*2.0.* of <class 'numpy.float64'>"),
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_wrong_arguments(what):
    args, error, match = ARGUMENTS[what]
    with pytest.raises(error, match=match):
        launch("float* y, const float* x, float a", "", np.zeros(4, "float32"), *args)


@pytest.mark.parametrize(
    ("grid", "block"), [((0,), (32,)), ((1,), (0,)), ((1,), (1025,)), ((1,), (32, 33)), ((1, 65536), (1,)), ((), (1,)),
                        ((1, 1, 1, 1), (1,)), ((1,), (1, 1, 65))],
)  # fmt: skip
def test_sizes_that_cuda_refuses(grid, block):
    with pytest.raises(ValueError, match="invalid configuration argument"):
        launch("", "", grid=grid, block=block)


def test_sizes_are_tuples():
    module = cuda_on_cpu.compile('extern "C" __global__ void k() {}')
    with pytest.raises(TypeError, match=r"Argument 'grid' has incorrect type \(expected tuple, got int\)"):
        module.launch("k", 1, (1,), ())
    module.launch("k", (1,), (1024,), ())
