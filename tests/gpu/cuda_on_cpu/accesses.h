// Every access to memory, of which -fsanitize=thread has the compiler tell these functions; its library is not linked.
// Two threads that access an item with no barrier between them, one of them writing, race, even where each order of whole
// threads gives the same bits, as for y[0] += 1 by all of them. Looked at are shared memory and the arrays that can be
// written; of the accesses to an item the last write is remembered, and a read. Included by fibers.h.
#pragma once
#define UNTOLD __attribute__((no_sanitize("thread")))

namespace shim {

struct Access {
    uint64_t thread;  // in the whole grid, from 1; 0 is none
    unsigned barriers, warp_barriers;  // that its block and its warp had passed
};
struct Memory {
    char* start;
    size_t size, item;  // in bytes
    Access* last;       // of each item the write and the read
};
struct Conflict {  // the first of a launch; Python has the same
    uint64_t array, item, first, second, wrote;  // from 1: 0 is none; the two threads; 1 first, 2 second, 3 both
};
constexpr int ARRAYS = 64;
static Memory memories[ARRAYS];  // the first is shared memory
static int memory_count;
static unsigned barriers, warp_barriers[MOST / warpSize];
static Conflict* conflict;

UNTOLD static bool race(const Access& before, const Access& now, bool shared) {
    if (!before.thread || before.thread == now.thread) return false;
    if ((before.thread - 1) / MOST != (now.thread - 1) / MOST) return !shared;  // blocks have their own
    bool warp = (before.thread - 1) / warpSize == (now.thread - 1) / warpSize;
    return before.barriers == now.barriers && !(warp && before.warp_barriers != now.warp_barriers);
}

UNTOLD static void found(int memory, size_t item, const Access& before, const Access& now, int wrote) {
    if (!conflict->array)
        *conflict = {uint64_t(memory) + 1, item, before.thread - 1, now.thread - 1, uint64_t(wrote)};
}

UNTOLD __attribute__((noinline)) static void access(void* address, size_t size, bool writes) {
    if (!current) return;  // not a kernel
    for (int m = 0; m < memory_count; m++) {
        Memory& memory = memories[m];
        size_t offset = static_cast<char*>(address) - memory.start;
        if (offset >= memory.size) continue;
        unsigned in_block = current - threads;
        uint64_t block = (uint64_t(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
        Access now = {block * MOST + in_block + 1, barriers, warp_barriers[in_block / warpSize]};
        for (size_t i = offset / memory.item; i * memory.item < offset + size && i * memory.item < memory.size; i++) {
            Access &write = memory.last[2 * i], &read = memory.last[2 * i + 1];
            if (race(write, now, !m)) found(m, i, write, now, writes ? 3 : 1);
            bool read_apart = race(read, now, !m);
            if (writes && read_apart) found(m, i, read, now, 2);
            if (writes) write = now;
            else if (!read_apart) read = now;
        }
        return;
    }
}

static void watch(char* start, size_t size, size_t item) {
    if (memory_count == ARRAYS) abort();
    void* last = calloc(2 * (size / item) + 1, sizeof(Access));
    memories[memory_count++] = {start, size, item, static_cast<Access*>(last)};
}

static void watch_no_more() {
    while (memory_count) free(memories[--memory_count].last);
}

}  // namespace shim

#define TOLD(name, size, writes) \
    extern "C" UNTOLD void name(void* address) { shim::access(address, size, writes); }
TOLD(__tsan_read1, 1, false) TOLD(__tsan_write1, 1, true)
TOLD(__tsan_read2, 2, false) TOLD(__tsan_write2, 2, true)
TOLD(__tsan_read4, 4, false) TOLD(__tsan_write4, 4, true)
TOLD(__tsan_read8, 8, false) TOLD(__tsan_write8, 8, true)
TOLD(__tsan_read16, 16, false) TOLD(__tsan_write16, 16, true)
TOLD(__tsan_unaligned_read2, 2, false) TOLD(__tsan_unaligned_write2, 2, true)
TOLD(__tsan_unaligned_read4, 4, false) TOLD(__tsan_unaligned_write4, 4, true)
TOLD(__tsan_unaligned_read8, 8, false) TOLD(__tsan_unaligned_write8, 8, true)
TOLD(__tsan_unaligned_read16, 16, false) TOLD(__tsan_unaligned_write16, 16, true)
extern "C" UNTOLD void __tsan_read_range(void* address, long size) { shim::access(address, size, false); }
extern "C" UNTOLD void __tsan_write_range(void* address, long size) { shim::access(address, size, true); }
extern "C" UNTOLD void __tsan_init() {}
extern "C" UNTOLD void __tsan_func_entry(void*) {}
extern "C" UNTOLD void __tsan_func_exit() {}
