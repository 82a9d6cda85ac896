"""CUDA's text on the CPU: kernels worked by hand, and what a GPU would leave to luck, each reported."""

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


def launch(parameters, body, *args, block=32, grid=1, schedule="both", before=""):
    """Compile and run a kernel with this body; the arrays among the arguments are changed."""
    module = cuda_on_cpu.compile(f'{before}extern "C" __global__ void kernel({parameters}) {{{body}}}')
    block, grid = (size if isinstance(size, tuple) else (size,) for size in (block, grid))
    module.launch("kernel", grid, block, args, schedule)


def each_thread(body, block=32, dtype="int32", count=None):
    """What the threads of one block write: the body sets `r`, of the type that is named."""
    out = np.zeros(count or block, dtype)
    kind = {"int32": "int", "float32": "float", "float64": "double", "uint32": "unsigned"}[dtype]
    launch(f"{kind}* out", f"int i = threadIdx.x; {kind} r; {body} out[i] = r;", out, block=block)
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
    body = "for (int other = 16; other; other /= 2) r += __shfl_xor_sync(0xffffffff, r, other);"
    x = each_thread(f"r = i + ({kind})0.125;" + body, dtype=dtype)
    assert set(x) == {31 * 16 + 4}
    down = "for (int by = 16; by; by /= 2) r += __shfl_down_sync(0xffffffff, r, by);"
    assert each_thread(f"r = i + ({kind})1 / 1024;" + down, dtype=dtype)[0] == 31 * 16 + 1 / 32


SHUFFLES = {  # from CUDA's description of them, with i for the lane
    "__shfl_sync(0xffffffff, i, 5)": [5] * 32,
    "__shfl_sync(0xffffffff, i, i + 1)": [*range(1, 32), 0],
    "__shfl_sync(0xffffffff, i, 9, 8)": [i // 8 * 8 + 1 for i in range(32)],
    "__shfl_down_sync(0xffffffff, i, 3)": [*range(3, 32), 29, 30, 31],
    "__shfl_down_sync(0xffffffff, i, 3, 4)": [i + 3 if i % 4 == 0 else i for i in range(32)],
    "__shfl_xor_sync(0xffffffff, i, 1)": [i ^ 1 for i in range(32)],
    "__shfl_xor_sync(0xffffffff, i, 4, 4)": [i ^ 4 if i & 4 else i for i in range(32)],
    "i < 16 ? __shfl_xor_sync(0xffff, i, 8) : __shfl_sync(0xffff0000, i, 20)": [i ^ 8 for i in range(16)] + [20] * 16,
    "__any_sync(0xffffffff, i == 7)": [1] * 32,
    "__any_sync(0xffffffff, i == 32)": [0] * 32,
    "__ballot_sync(0xffffffff, i % 5 == 0)": [0b01000010000100001000010000100001] * 32,
    "__ballot_sync(i < 8 ? 0xff : 0xffffff00, i % 5 == 0)": [0b100001] * 8 + [0b01000010000100001000010000000000] * 24,
}


@pytest.mark.parametrize("call", SHUFFLES)
def test_shuffles_and_votes(call):
    assert each_thread(f"r = {call};").tolist() == SHUFFLES[call]


def test_a_sum_in_shared_memory_for_each_block():
    x, sums = np.random.default_rng(0).integers(0, 9, (5, 1000)).astype("float64"), np.zeros(5)
    body = """
        __shared__ double part[256];
        double sum = 0;
        for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
        part[threadIdx.x] = sum;
        for (int half = blockDim.x / 2; half; half /= 2) {
            __syncthreads();
            if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        }
        if (threadIdx.x == 0) sums[blockIdx.x] = part[0];"""
    launch("const double* x, double* sums, int n", body, x, sums, np.int32(1000), grid=5, block=256)
    assert np.array_equal(sums, x.sum(axis=1))


def test_functions_that_the_kernel_calls_may_have_barriers_and_shared_memory():
    before = """
        template <class T> __device__ T last(T x) {
            __shared__ T kept;
            __syncthreads();
            if (threadIdx.x == blockDim.x - 1) kept = x;
            __syncthreads();
            return kept;
        }
        __device__ __forceinline__ int twice(int x) {
            __shared__ int y[32];
            y[threadIdx.x] = x;
            return 2 * y[threadIdx.x];
        }
    """
    out, wide = np.zeros(32, "int32"), np.zeros(32)
    body = "int i = threadIdx.x; out[i] = last(twice(i)); wide[i] = last(i / 2.0);"
    launch("int* out, double* wide", body, out, wide, before=before)
    assert (set(out), set(wide)) == ({62}, {15.5})


def test_warps_wait_for_each_other_at_a_barrier_and_only_there():
    body = """
        __shared__ int seen[4];
        int warp = i / 32, rounds = 0;
        for (int k = 0; k <= warp; k++) rounds += __any_sync(0xffffffff, i % 32 == 3);
        if (i % 32 == 0) seen[warp] = rounds;
        __syncthreads();
        r = seen[0] + 10 * seen[1] + 100 * seen[2] + 1000 * seen[3];"""
    assert set(each_thread(body, block=128)) == {4321}


MATHS = ["exp", "log", "sqrt", "fabs", "tanh", "log1p", "expm1", "floor"]


@pytest.mark.parametrize("name", MATHS)
def test_functions_of_float_are_those_of_float(name):
    """sizeof tells which one is called; in C, exp(float) is the exp of double."""
    assert set(each_thread(f"r = sizeof({name}(1.0f)) + 10 * sizeof({name}(1.0));")) == {84}
    x = each_thread(f"r = {name}(i / 16.0f + 0.1f);", dtype="float32")
    expected = getattr(np, name)(np.arange(32, dtype="float32") / np.float32(16) + np.float32(0.1))
    np.testing.assert_allclose(x, expected, rtol=3e-7)


def test_other_functions():
    sizes = "r = sizeof(fmax(1.0f, 2.0f)) + 10 * sizeof(fmin(1.0, 2.0)) + 100 * sizeof(rsqrt(1.0f));"
    assert set(each_thread(sizes)) == {484}
    nan = "float nan = 0 / (i * 0.0f);"
    assert set(each_thread(nan + "r = isnan(nan) + 10 * isnan(1.0) + 100 * (fmax(nan, 2.0f) == 2);")) == {101}
    assert set(each_thread("r = max(i, 40) + min(2.5, 3.0) + rsqrt(16.0) + rsqrt(4.0f);", dtype="float64")) == {43.25}


def test_types_come_through_macros_and_typedefs():
    parameters = "const element *x, real* y, count n, double* z, const unsigned char* labels, const void* any, bool b"
    module = cuda_on_cpu.compile(f"""
        #define real float
        typedef real element;
        using count = long long;
        extern "C" __global__ void k({parameters}) {{}}""")
    found = [(p.dtype and str(p.dtype), p.pointer, p.const) for p in module.parameters["k"]]
    assert found == [
        ("float32", True, True), ("float32", True, False), ("int64", False, False), ("float64", True, False),
        ("uint8", True, True), (None, True, True), ("bool", False, False),
    ]  # fmt: skip


def test_kernels_are_found_in_their_text():
    code = """
        // extern "C" __global__ void not_here(int n) {
        extern "C" __global__ void __launch_bounds__(256) first(/* in */ const float* x,
                                                                float* y  /* out */) {}
        extern "C" __global__ __launch_bounds__(256, 2)
        void second(void) {}
        #define TWO int a, int b
        extern "C" __global__ void third(TWO) {}
    """
    found = {name: [p.text for p in parameters] for name, parameters in cuda_on_cpu.compile(code).parameters.items()}
    assert found == {"first": ["const float* x", "float* y"], "second": [], "third": ["i4", "i4"]}


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


WAITS = {
    "threads that have ended": (
        "if (threadIdx.x < 3) return;\n__syncthreads();",
        r"deadlock.*; 3 from \(0, 0, 0\) on have ended; 61 from \(3, 0, 0\) on wait at __syncthreads in line 2",
    ),
    "a barrier in either branch": (
        "if (threadIdx.x < 32)\n__syncthreads();\nelse\n__syncthreads();",
        r"32 from \(0, 0, 0\) on wait at __syncthreads in line 2.*32 from \(32, 0, 0\) on .* in line 4",
    ),
    "a barrier in either branch on one line": (
        "if (threadIdx.x < 32) __syncthreads(); else __syncthreads();",
        r"32 from \(0, 0, 0\) on wait at __syncthreads in line 1.*32 from \(32, 0, 0\) on .* in line 1",
    ),
    "a barrier and a shuffle": (
        "if (threadIdx.x == 40) __syncthreads();\nint x = __shfl_sync(0xffffffff, 1, 0); if (x) __syncthreads();",
        r"31 from \(32, 0, 0\) on wait at __shfl_sync in line 2.*1 from \(40, 0, 0\) on wait .* in line 1",
    ),
    "a mask with lanes that have ended": (
        "if (threadIdx.x % 32 > 15) return;\n__syncwarp();",
        r"32 from \(0, 0, 0\) on wait at __syncwarp in line 2, mask 0xffffffff; 32 from \(16, 0, 0\) on have ended",
    ),
    "different masks": (
        "__any_sync(threadIdx.x % 2 ? 0xffffffff : 0x7fffffff, 1);",
        r"32 from \(0, 0, 0\) on wait at .* mask 0x7fffffff; 32 from \(1, 0, 0\) on wait at .* mask 0xffffffff",
    ),
    "a lane outside its mask": ("__ballot_sync(0x7fffffff, 1);", "line 1: lane 31 is not in its own mask 0x7fffffff"),
    "a source outside the mask": (
        "if (threadIdx.x < 16) __shfl_xor_sync(0xffff, 1, 16);",
        "__shfl_xor_sync, line 1: lane 0 reads from lane 16, which is not in the mask 0x0000ffff",
    ),
}


@pytest.mark.parametrize("schedule", ["forward", "reverse"])
@pytest.mark.parametrize("what", WAITS)
def test_what_would_wait_forever_or_read_nothing(what, schedule):
    body, match = WAITS[what]
    with pytest.raises(LaunchError, match=match):
        launch("", body, block=64, grid=2, schedule=schedule)
    launch("", "__syncthreads();", block=64)  # and the next launch is as if nothing had been


def test_a_shuffle_of_a_warp_that_is_not_whole():
    with pytest.raises(LaunchError, match=r"8 from \(32, 0, 0\) on wait at __shfl_sync"):
        launch("", "__shfl_sync(0xffffffff, 1, 0);", block=40)


@pytest.mark.parametrize(("index", "item"), [("32", 32), ("-1", -1), ("16000", 16000), ("-9", -9)])
def test_a_write_outside_an_array(index, item):
    """The neighbours in a larger array are outside, too."""
    whole = np.zeros(96, "float32")
    with pytest.raises(LaunchError, match=rf"kernel writes outside float\* y: item {item} of 32"):
        launch("float* y", f"y[threadIdx.x] = 1; if (threadIdx.x == 3) y[{index}] = 2;", whole[32:64])
    assert not whole.any()


def test_a_write_of_the_very_byte_that_lies_there():
    with pytest.raises(LaunchError, match=r"kernel writes outside int\* y: item 1 of 1"):
        launch("int* y", "y[0] = 0; y[1] = -1;", np.zeros(1, "int32"))


def test_a_crash():
    with pytest.raises(LaunchError, match=r"block \(1, 0, 0\): thread \(5, 0, 0\): access to memory of nobody's"):
        launch("float* y", "if (blockIdx.x == 1 && threadIdx.x == 5) y[0] = 1;", NULL, grid=2)
    with pytest.raises(LaunchError, match="division of an integer by 0"):
        launch("int* y", "y[0] = 7 / y[0];", np.zeros(1, "int32"))


RACES = {
    "neighbours without a barrier": "__shared__ float s[64]; s[i] = i; y[i] = s[(i + 1) % 64];",
    "a sum by all": "y[0] = y[0] * 0.5f + i;",
    "a place that many write": "y[1] = i;",
    "blocks": "y[2] = blockIdx.x;",
    "shared memory that nobody wrote": "__shared__ float s[64]; y[i] = s[i];",
    "a read outside an array": "y[i] = y[i + 64];",
}


@pytest.mark.parametrize("what", RACES)
def test_a_result_that_depends_on_the_order(what):
    y = np.zeros(64, "float32")
    with pytest.raises(Race, match="kernel gives other results for threads in reverse order: item"):
        launch("float* y", f"int i = threadIdx.x; {RACES[what]}", y, block=64, grid=2)
    assert not y.any(), "nothing is written"
    launch("float* y", f"int i = threadIdx.x; {RACES[what]}", y, block=64, grid=2, schedule="forward")


ALIKE = {  # whatever the order, if one thread runs after the other
    "threads that add": (
        "y[0] += 1;",
        r"item 0 of float\* y is a race: thread 0 of block 0 writes it and thread 1 of block 0 reads it",
    ),
    "blocks that add": (
        "if (!i) y[1] += 1;",
        r"item 1 of float\* y is a race: thread 0 of block 0 writes it and thread 0 of block 1 reads it",
    ),
    "bytes that overlap": (
        "if (i == 1) ((char*)y)[9] = 0; if (i == 2) y[2] = 0;",
        r"item 2 of float\* y is a race: thread 1 of block 0 writes it and thread 2 of block 0 writes it",
    ),
    "in shared memory": (
        "__shared__ float s; s = 0; __syncthreads(); s += 1; __syncthreads(); if (i < 0) y[0] = s;",
        "byte 0 of shared memory is a race: thread 0 of block 0 writes it and thread 1 of block 0 writes it",
    ),
    "after a shuffle, which puts no memory in order": (
        "__shared__ float s[64]; s[i] = 1; __shfl_sync(0xffffffff, i, 0); y[i + 64 * blockIdx.x] = s[i ^ 1];",
        "byte 4 of shared memory is a race: thread 1 of block 0 writes it and thread 0 of block 0 reads it",
    ),
    "a barrier of warps for those of two": (
        "__shared__ float s[64]; s[i] = 1; __syncwarp(); if (i == 40) s[0] = 2; if (i < 0) y[0] = s[0];",
        "byte 0 of shared memory is a race: thread 0 of block 0 writes it and thread 40 of block 0 writes it",
    ),
    "a reading after which another writes": (
        "if (i == 3) y[5] = y[4] * 0; if (i == 9) y[4] = 0;",
        r"item 4 of float\* y is a race: thread 3 of block 0 reads it and thread 9 of block 0 writes it",
    ),
}


@pytest.mark.parametrize("what", ALIKE)
def test_a_race_that_no_order_shows(what):
    body, match = ALIKE[what]
    y = np.zeros(128, "float32")
    with pytest.raises(Race, match=f"kernel: {match}, with no barrier between them"):
        launch("float* y", f"int i = threadIdx.x; {body}", y, block=64, grid=2)
    assert not y.any(), "nothing is written"
    launch("float* y", f"int i = threadIdx.x; {body}", y, block=64, grid=2, schedule="forward")


IN_ORDER = {
    "of one thread": "y[k] = i; y[k] += 1; y[k] *= y[k];",
    "by a barrier of the block": "if (i == 5) y[k - i] = 1; __syncthreads(); if (i == 63) y[k - i] += 1;",
    "by a barrier of the warp": "y[k] = i; __syncwarp(); const float x = y[k ^ 1]; __syncwarp(); y[k] = x;",
    "in shared memory of two blocks": "__shared__ float s[64]; s[i] = i; __syncthreads(); y[k] = s[i ^ 1];",
    "what all read": "const float x = y[126] + y[127]; if (k < 126) y[k] = x;",
}


@pytest.mark.parametrize("what", IN_ORDER)
def test_accesses_that_are_in_order(what):
    body = f"const int i = threadIdx.x, k = i + 64 * blockIdx.x; {IN_ORDER[what]}"
    launch("float* y", body, np.zeros(128, "float32"), block=64, grid=2)


def test_bytes_that_are_neighbours_are_two():
    body = "const int k = threadIdx.x; y[2 * k] = 1; y[2 * k + 1] = y[2 * k];"
    launch("char* y", body, np.zeros(128, "float32"), block=64)


def test_subnormal_numbers_stay_in_both_types():
    """CuPy's option -ftz=true makes them 0 in float32 on a GPU; this is not shown here."""
    for name, kind in (("float", "float32"), ("double", "float64")):
        tiny = np.finfo(kind).tiny
        x = np.full(32, tiny, kind)
        launch(f"{name}* x", "x[threadIdx.x] *= 0.5f;", x)
        assert (x == tiny / 2).all()


def test_the_same_neighbours_with_a_barrier():
    y = each_thread("__shared__ float s[64]; s[i] = i; __syncthreads(); r = s[(i + 1) % 64];", 64, "float32")
    assert y.tolist() == [*range(1, 64), 0]


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


def test_overlapping_memory():
    x = np.zeros(48, "float32")
    launch("const float* x, const float* y", "", x[:32], x[16:])
    launch("float* x, float* y", "", x[:24], x[24:])
    with pytest.raises(ValueError, match=r"1 \(const float\* x\) and 2 \(float\* y\) overlap, and one is"):
        launch("const float* x, float* y", "", x[:32], x[16:])
    with pytest.raises(ValueError, match="the same memory, which is written; __restrict__ says"):
        launch("const float* x, float* __restrict__ y", "", x, x)


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
