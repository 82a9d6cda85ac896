// The part of CUDA C++ that the kernels use, for a C++ compiler on Linux. Python puts it before a kernel's own text.
//
// The threads of a warp, its lanes, run one after the other, each up to a shuffle, where it waits on a stack of its
// own. When all have waited or ended, the values change hands and they go on.
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <type_traits>
#include <utility>

struct dim3 {
    unsigned x, y, z;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

namespace shim {

struct Lane {
    char stack[64 << 10];
    ucontext_t context;
    jmp_buf point;  // where it waits
    dim3 index;
    int line, source;
    unsigned mask;
    uint64_t value, result;
    bool waits, ended;
};
static Lane lanes[warpSize], *current;
static jmp_buf scheduler;
static int count;  // of the lanes
static void (*body)(void*);
static void* closure;
static char error[200];

static void work() {
    body(closure);
    current->ended = true;
    _longjmp(scheduler, 1);
}

static void go_on(Lane& lane) {
    current = &lane, threadIdx = lane.index;
    if (_setjmp(scheduler)) return;
    if (lane.waits) lane.waits = false, _longjmp(lane.point, 1);
    getcontext(&lane.context);
    lane.context.uc_stack = {lane.stack, 0, sizeof lane.stack};
    makecontext(&lane.context, work, 0);
    setcontext(&lane.context);
}

static int lane() { return current - lanes; }

static __attribute__((noinline)) uint64_t wait(unsigned mask, uint64_t value, int source, int line) {
    current->mask = mask, current->value = value, current->source = source, current->line = line;
    current->waits = true;
    if (!_setjmp(current->point)) _longjmp(scheduler, 1);
    return current->result;
}

static bool exchange() {  // gives each waiting lane the value that it asked for; false where one asked for too much
    for (int i = 0; i < count; i++) {
        Lane& one = lanes[i];
        if (!one.waits) continue;
        for (int j = 0; j < warpSize; j++) {
            bool there = j < count && lanes[j].waits && lanes[j].line == one.line && lanes[j].mask == one.mask;
            if (((one.mask >> j & 1) || i == j || j == one.source) && !(there && (one.mask >> j & 1))) {
                snprintf(error, sizeof error, "line %d: lane %d waits for lane %d, which takes no part in this shuffle"
                         " of mask 0x%08x", one.line, i, j, one.mask);
                return false;
            }
        }
        one.result = lanes[one.source].value;
    }
    return true;
}

static bool run_warp(unsigned first, unsigned threads, bool reverse) {
    count = threads - first < warpSize ? threads - first : warpSize;
    for (int i = 0; i < count; i++) {
        unsigned t = first + i;
        lanes[i].index = {t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y};
        lanes[i].waits = lanes[i].ended = false;
    }
    for (int i = 0; !LOCKSTEP && i < count; i++) {  // no lane waits
        current = &lanes[reverse ? count - 1 - i : i], threadIdx = current->index;
        body(closure);
    }
    for (bool more = LOCKSTEP; more;) {
        more = false;
        for (int i = 0; i < count; i++) {
            Lane& one = lanes[reverse ? count - 1 - i : i];
            if (!one.ended) go_on(one);
        }
        if (!exchange()) return false;
        for (int i = 0; i < count; i++) more |= lanes[i].waits;
    }
    return true;
}

template <class... P, size_t... I>
void call(void (*kernel)(P...), void** args, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<P>*>(args[I])...);
}

// Runs a kernel; gives what went wrong, or null. `size` is the grid's x, y, z and the block's.
template <class... P>
const char* launch(void (*kernel)(P...), const unsigned* size, void** args, bool reverse) {
    auto all = [=]() { call(kernel, args, std::index_sequence_for<P...>()); };
    body = [](void* function) { (*static_cast<decltype(all)*>(function))(); };
    closure = &all;
    gridDim = {size[0], size[1], size[2]}, blockDim = {size[3], size[4], size[5]};
    unsigned blocks = size[0] * size[1] * size[2], threads = size[3] * size[4] * size[5];
    unsigned warps = (threads + warpSize - 1) / warpSize;
    for (unsigned i = 0; i < blocks; i++) {
        unsigned b = reverse ? blocks - 1 - i : i;
        blockIdx = {b % size[0], b / size[0] % size[1], b / size[0] / size[1]};
        for (unsigned w = 0; w < warps; w++)
            if (!run_warp((reverse ? warps - 1 - w : w) * warpSize, threads, reverse)) return error;
    }
    return nullptr;
}

// The types of a kernel's parameters: "const f4*,i8" is (const float*, long long); v stands for void and char.
template <class... P>
const char* signature(void (*)(P...)) {
    static char text[1000];
    int n = 0;
    auto add = [&](auto* example, const char* before, const char* after) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(example)>>;
        static_assert(std::is_void_v<T> || std::is_arithmetic_v<T>, "a parameter is a number or a pointer to numbers");
        int size = 1;
        if constexpr (!std::is_void_v<T>) size = sizeof(T);
        char kind = std::is_void_v<T> || std::is_same_v<T, char> ? 'v' : std::is_same_v<T, bool> ? 'b'
                  : std::is_floating_point_v<T> ? 'f' : std::is_unsigned_v<T> ? 'u' : 'i';
        n += snprintf(text + n, sizeof text - n, "%s%s%c%d%s", n ? "," : "", before, kind, size, after);
    };
    (add(static_cast<std::conditional_t<std::is_pointer_v<P>, P, P*>>(nullptr),
         std::is_const_v<std::remove_pointer_t<P>> ? "const " : "", std::is_pointer_v<P> ? "*" : ""), ...);
    return text;
}

template <class T>
T shuffle(unsigned mask, T value, int source, int line) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "a shuffle moves one number");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = wait(mask, bits, source, line);
    memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace shim

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int line = __builtin_LINE()) {
    return shim::shuffle(mask, value, source % warpSize, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int line = __builtin_LINE()) {
    int source = shim::lane() + delta;
    return shim::shuffle(mask, value, source < warpSize ? source : shim::lane(), line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int other, int line = __builtin_LINE()) {
    return shim::shuffle(mask, value, shim::lane() ^ other, line);
}

static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned __int128>(a) * b >> 64;
}
static inline float rsqrt(float x) { return 1 / sqrtf(x); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }
template <class A, class B>
std::common_type_t<A, B> max(A a, B b) { return a < b || a != a ? b : a; }  // the number, if the other is NaN
template <class A, class B>
std::common_type_t<A, B> min(A a, B b) { return b < a || a != a ? b : a; }
