#include "jit/arena.h"

#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 16 };

static uint32_t rounded(uint32_t size)
{
    return (size + (ALIGN - 1)) & ~(uint32_t)(ALIGN - 1);
}

/* Is all of the range at P within reach of a call from NEAR, wherever in some tens of megabytes that is? */
static bool is_near(const uint8_t *p, size_t size, const void *near)
{
    const int64_t reach = INT64_C(0x7C000000);
    int64_t low = (int64_t)((uintptr_t)p - (uintptr_t)near), high = low + (int64_t)size;
    return low > -reach && high < reach;
}

/* Map SIZE bytes near NEAR: the kernel takes an address as a hint. */
static uint8_t *map_near(size_t size, const void *near, int protection, int flags, int file)
{
    enum { TRIES = 64 };
    const uintptr_t stride = UINT64_C(1) << 24, start = (uintptr_t)near & ~(stride - 1);
    for (uintptr_t i = 1; i <= TRIES; i++) {
        for (int below = 0; below < 2; below++) {
            void *hint = (void *)(below ? start - i * stride : start + i * stride);
            void *p = mmap(hint, size, protection, flags, file, 0);
            if (p == MAP_FAILED) return NULL;
            if (is_near(p, size, near)) return p;
            munmap(p, size);
        }
    }
    return NULL;
}

static bool map_twice(Arena *a, const void *near)
{
    int file = memfd_create("mettatron code", MFD_CLOEXEC);
    if (file < 0) return false;
    void *write = MAP_FAILED;
    if (ftruncate(file, a->size) == 0)
        write = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (write != MAP_FAILED) a->code = map_near(a->size, near, PROT_READ | PROT_EXEC, MAP_SHARED, file);
    close(file);
    if (a->code) {
        a->write = write;
        return true;
    }
    if (write != MAP_FAILED) munmap(write, a->size);
    return false;
}

static bool map_once(Arena *a, const void *near)
{
    a->code = a->write = map_near(a->size, near, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (!a->code) return false;
    /* Better known now than when the first code is there. */
    if (mprotect(a->code, a->size, PROT_READ | PROT_EXEC) == 0) return true;
    munmap(a->code, a->size);
    return false;
}

bool arena_init(Arena *a, uint32_t size, const void *near, bool once)
{
    long page = sysconf(_SC_PAGESIZE);
    memset(a, 0, sizeof *a);
    a->size = (uint32_t)((size + (size_t)page - 1) / (size_t)page * (size_t)page);
    if ((once || !map_twice(a, near)) && !map_once(a, near)) return false;
    vec_push(&a->holes, ((ArenaHole){0, a->size}));
    return true;
}

void arena_fini(Arena *a)
{
    if (a->write != a->code) munmap(a->write, a->size);
    if (a->code) munmap(a->code, a->size);
    vec_free(&a->holes);
    memset(a, 0, sizeof *a);
}

static void remove_hole(Arena *a, size_t i)
{
    memmove(a->holes.data + i, a->holes.data + i + 1, (a->holes.len - i - 1) * sizeof *a->holes.data);
    a->holes.len--;
}

uint32_t arena_take(Arena *a, uint32_t size)
{
    size = rounded(size);
    for (size_t i = 0; i < a->holes.len; i++) {
        ArenaHole *h = &a->holes.data[i];
        if (h->size < size) continue;
        uint32_t at = h->at;
        h->at += size;
        h->size -= size;
        if (h->size == 0) remove_hole(a, i);
        a->used += size;
        return at;
    }
    return UINT32_MAX;
}

void arena_give(Arena *a, uint32_t at, uint32_t size)
{
    size = rounded(size);
    a->used -= size;
    size_t i = 0;
    while (i < a->holes.len && a->holes.data[i].at < at) i++;
    vec_push(&a->holes, ((ArenaHole){0}));
    memmove(a->holes.data + i + 1, a->holes.data + i, (a->holes.len - 1 - i) * sizeof *a->holes.data);
    a->holes.data[i] = (ArenaHole){at, size};
    if (i + 1 < a->holes.len && at + size == a->holes.data[i + 1].at) {
        a->holes.data[i].size += a->holes.data[i + 1].size;
        remove_hole(a, i + 1);
    }
    if (i > 0 && a->holes.data[i - 1].at + a->holes.data[i - 1].size == at) {
        a->holes.data[i - 1].size += a->holes.data[i].size;
        remove_hole(a, i);
    }
}

static void protect(Arena *a, uint32_t at, uint32_t size, int protection)
{
    uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE), from = at / page * page;
    if (a->write == a->code && mprotect(a->code + from, at + size - from, protection) != 0)
        base_fatal("machine code cannot be protected");
}

uint8_t *arena_open(Arena *a, uint32_t at, uint32_t size)
{
    protect(a, at, size, PROT_READ | PROT_WRITE);
    return a->write + at;
}

void arena_close(Arena *a, uint32_t at, uint32_t size)
{
    protect(a, at, size, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)a->code + at, (char *)a->code + at + size);
}
