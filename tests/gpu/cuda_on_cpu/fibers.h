// How the threads of a block run on a CPU: each up to a barrier or shuffle, where it waits on its fiber while the next
// thread starts on another. When all have waited or ended, those go on whose barrier is complete. Blocks run one after
// the other. A kernel without barriers never leaves its one fiber: its threads are plain calls.
#pragma once
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <type_traits>
#include <utility>

struct dim3 {
    unsigned x, y, z;
};
static dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

extern char __start_shared_memory[] __attribute__((weak));  // the linker's names for the ends of that section
extern char __stop_shared_memory[] __attribute__((weak));

namespace shim {

constexpr int MOST = 1024;            // threads of a block, by CUDA's rule
constexpr size_t STACK = 256 << 10;   // bytes; the system gives them when they are touched
constexpr int NONE = -1, BLOCK = -2;  // in place of a lane to read from: a vote, and a barrier of the whole block

struct Fiber {
    ucontext_t context;
    char* stack;
};
struct Thread {
    dim3 index;
    Fiber* fiber;
    const char* place;  // the barrier or shuffle at which it waits
    int line, site, source;  // site: which it is of the barriers in the text, of which a line can have two
    unsigned mask;
    uint64_t value, result;
    bool waits, ended;
};
static Thread threads[MOST], *current;
static Fiber fibers[MOST], *active;
static int count, started, made;
static bool backwards;
static ucontext_t scheduler;
static sigjmp_buf escape;
static char error[1000];
static void (*body)(void*);
static void* closure;

}  // namespace shim

#include "accesses.h"

namespace shim {

[[noreturn]] static void fail(const char* format, ...) {
    va_list values;
    va_start(values, format);
    int n = snprintf(error, sizeof error, "block (%u, %u, %u): ", blockIdx.x, blockIdx.y, blockIdx.z);
    vsnprintf(error + n, sizeof error - n, format, values);
    va_end(values);
    siglongjmp(escape, 1);
}

static void crashed(int number) {
    const char* what = number == SIGFPE ? "division of an integer by 0" : "access to memory of nobody's";
    fail("thread (%u, %u, %u): %s", threadIdx.x, threadIdx.y, threadIdx.z, what);
}

UNTOLD static Thread& in_order(int i) { return threads[backwards ? count - 1 - i : i]; }

UNTOLD static void work() {  // what a fiber does: it runs threads until all have started
    for (;;) {
        while (started < count) {
            current = &in_order(started++);
            threadIdx = current->index;
            body(closure);
            current->ended = true;
        }
        swapcontext(&active->context, &scheduler);
    }
}

UNTOLD static void go_on(Fiber& fiber) {
    if (&fiber - fibers >= made) {  // made anew in each launch: a failed one leaves its fibers where they were
        if (!fiber.stack) fiber.stack = static_cast<char*>(malloc(STACK));
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack;
        fiber.context.uc_stack.ss_size = STACK;
        makecontext(&fiber.context, work, 0);
        made++;
    }
    active = &fiber;
    swapcontext(&scheduler, &fiber.context);
}

UNTOLD static int lane() { return (current - threads) % warpSize; }

UNTOLD static uint64_t wait(const char* place, int line, unsigned mask, uint64_t value, int source, int site = 0) {
    if (source != BLOCK && !(mask >> lane() & 1))
        fail("%s, line %d: lane %d is not in its own mask 0x%08x", place, line, lane(), mask);
    Thread* self = current;
    *self = {self->index, active, place, line, site, source, mask, value, 0, true, false};
    swapcontext(&active->context, &scheduler);
    return self->result;
}

UNTOLD static bool together(const Thread& a, const Thread& b) {
    return b.waits && a.line == b.line && a.site == b.site && a.mask == b.mask && !strcmp(a.place, b.place);
}

UNTOLD static bool complete(const Thread& t) {  // lets all go on that wait with t, if all have arrived
    bool block = t.source == BLOCK;
    int first = block ? 0 : (&t - threads) / warpSize * warpSize, stop = block ? count : first + warpSize;
    auto member = [&](int i) { return block || (t.mask >> (i - first) & 1); };
    unsigned votes = 0;
    for (int i = first; i < stop; i++) {
        if (!member(i)) continue;
        if (i >= count || !together(t, threads[i])) return false;
        if (!block && threads[i].value) votes |= 1u << (i - first);
    }
    for (int i = first; i < stop; i++) {
        if (!member(i)) continue;
        Thread& one = threads[i];
        if (one.source >= 0 && !member(first + one.source))
            fail("%s, line %d: lane %d reads from lane %d, which is not in the mask 0x%08x", one.place, one.line,
                 i - first, one.source, one.mask);
        one.result = one.source >= 0 ? threads[first + one.source].value : votes;
        one.waits = false;
    }
    if (block) barriers++;
    if (!strcmp(t.place, "__syncwarp")) warp_barriers[first / warpSize]++;  // shuffles put no memory in order
    return true;
}

[[noreturn]] static void stuck() {  // says who waits where
    char text[800] = "";
    bool told[MOST] = {};
    for (int i = 0, n = 0; i < count && n < 600; i++) {
        if (told[i]) continue;
        const Thread& t = threads[i];
        int size = 0;
        for (int j = i; j < count; j++)
            if (t.ended ? threads[j].ended : together(t, threads[j])) told[j] = true, size++;
        n += snprintf(text + n, sizeof text - n, "; %d from (%u, %u, %u) on ", size, t.index.x, t.index.y, t.index.z);
        n += t.ended ? snprintf(text + n, sizeof text - n, "have ended")
                     : snprintf(text + n, sizeof text - n, "wait at %s in line %d, mask 0x%08x", t.place, t.line, t.mask);
    }
    fail("a deadlock: no barrier or shuffle has all its threads. Of %d threads%s", count, text);
}

UNTOLD static void run_block() {
    memset(threads, 0, sizeof(Thread) * count);
    for (unsigned i = 0; i < unsigned(count); i++)
        threads[i].index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
    started = 0;
    for (int i = 0; started < count; i++) go_on(fibers[i]);
    for (bool ended = false; !ended;) {
        bool waited[MOST], moves = false;
        ended = true;
        for (int i = 0; i < count; i++) waited[i] = threads[i].waits, ended = ended && threads[i].ended;
        for (int i = 0; i < count; i++)
            if (threads[i].waits && complete(threads[i])) moves = true;
        if (!ended && !moves) stuck();
        for (int i = 0; i < count; i++) {
            Thread& t = in_order(i);
            if (!waited[&t - threads] || t.waits) continue;
            current = &t, threadIdx = t.index;
            go_on(*t.fiber);
        }
    }
}

template <class... P, size_t... I>
UNTOLD void call(void (*kernel)(P...), void** args, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<P>*>(args[I])...);
}

// Runs a kernel; gives what went wrong, or null. `size` is the grid's x, y, z and the block's; shared memory is filled
// with `filling` before each block. `arrays` are starts, sizes and items' sizes of those that can be written, up to a null; `where`
// gets their first race. Null for `arrays` is for no such look at them, which takes its time.
template <class... P>
const char* launch(void (*kernel)(P...), const unsigned* size, void** args, int reverse, int filling,
                   const uint64_t* arrays, Conflict* where) {
    auto all = [=]() UNTOLD { call(kernel, args, std::index_sequence_for<P...>()); };
    body = [](void* function) UNTOLD { (*static_cast<decltype(all)*>(function))(); };
    closure = &all;
    gridDim = {size[0], size[1], size[2]}, blockDim = {size[3], size[4], size[5]};
    count = size[3] * size[4] * size[5], made = 0, backwards = reverse;
    constexpr int numbers[] = {SIGSEGV, SIGBUS, SIGFPE};
    void (*before[3])(int);
    for (int i = 0; i < 3; i++) before[i] = signal(numbers[i], crashed);
    conflict = where, current = nullptr;
    if (arrays) watch(__start_shared_memory, __stop_shared_memory - __start_shared_memory, 1);
    for (; arrays && *arrays; arrays += 3) watch(reinterpret_cast<char*>(arrays[0]), arrays[1], arrays[2]);
    bool failed = sigsetjmp(escape, 1);
    if (!failed) {
        unsigned blocks = size[0] * size[1] * size[2];
        for (unsigned i = 0; i < blocks; i++) {
            unsigned b = reverse ? blocks - 1 - i : i;
            blockIdx = {b % size[0], b / size[0] % size[1], b / size[0] / size[1]};
            current = nullptr;  // for what is not a kernel's
            if (__start_shared_memory)
                memset(__start_shared_memory, filling, __stop_shared_memory - __start_shared_memory);
            run_block();
        }
    }
    watch_no_more();
    for (int i = 0; i < 3; i++) signal(numbers[i], before[i]);
    return failed ? error : nullptr;
}

}  // namespace shim
