/* Memory for machine code.
 *
 * One range of addresses within reach of 32-bit displacements from the program's own code.  It is mapped twice, from an anonymous file:
 * code is written through the one mapping, which is never executable, and runs in the other, which is never writable.  Where that
 * is refused, there is one mapping whose pages are made writable while code is written into them. */
#ifndef METTA_JIT_ARENA_H
#define METTA_JIT_ARENA_H

#include "base/vec.h"

typedef struct ArenaHole {
    uint32_t at, size;
} ArenaHole;

typedef struct Arena {
    uint8_t *code;  /* executable */
    uint8_t *write; /* the same memory, writable; the same address when there is one mapping */
    uint32_t size;
    uint32_t used;
    VEC(ArenaHole) holes; /* free, by ascending address */
} Arena;

/* Map SIZE bytes, near NEAR, once only if ONCE says so; false when that is refused or there is no room within reach. */
bool arena_init(Arena *a, uint32_t size, const void *near, bool once);
void arena_fini(Arena *a);
/* SIZE bytes, at least 1, aligned to 16; UINT32_MAX when no hole is large enough.  Linear in the number of holes. */
uint32_t arena_take(Arena *a, uint32_t size);
/* Give back what arena_take gave. */
void arena_give(Arena *a, uint32_t at, uint32_t size);
/* Where to write the SIZE bytes at AT; arena_close before they run. */
uint8_t *arena_open(Arena *a, uint32_t at, uint32_t size);
void arena_close(Arena *a, uint32_t at, uint32_t size);
static inline bool arena_holds(const Arena *a, uint64_t address)
{
    return address - (uintptr_t)a->code < a->size;
}

#endif
