// The part of CUDA C++ that the kernels use, for a C++ compiler on Linux. Python puts it before a kernel's own text.
#pragma once
#include <math.h>

#include "fibers.h"

namespace shim {

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
T shuffle(const char* place, int line, unsigned mask, T value, int source) {
    static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "a shuffle moves one number");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = wait(place, line, mask, bits, source);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int last(int width) { return (lane() & ~(width - 1)) + width - 1; }  // of the lanes that shuffle together
static int up_to(int source, int last) { return source <= last ? source : lane(); }

}  // namespace shim

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shared_memory")))

#define __syncthreads() shim::wait("__syncthreads", __LINE__, ~0u, 0, shim::BLOCK, __COUNTER__)
static inline void __syncwarp(unsigned mask = 0xffffffff, int line = __builtin_LINE()) {
    shim::wait("__syncwarp", line, mask, 0, shim::NONE);
}
static inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return shim::wait("__ballot_sync", line, mask, predicate != 0, shim::NONE);
}
static inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return shim::wait("__any_sync", line, mask, predicate != 0, shim::NONE) != 0;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, int line = __builtin_LINE()) {
    source = (shim::lane() & ~(width - 1)) + (source & (width - 1));
    return shim::shuffle("__shfl_sync", line, mask, value, source);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, int line = __builtin_LINE()) {
    return shim::shuffle("__shfl_down_sync", line, mask, value, shim::up_to(shim::lane() + delta, shim::last(width)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int other, int width = warpSize, int line = __builtin_LINE()) {
    return shim::shuffle("__shfl_xor_sync", line, mask, value, shim::up_to(shim::lane() ^ other, shim::last(width)));
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
