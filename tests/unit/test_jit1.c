/* Tier 2's ground: memory for machine code, holes in stencils, and what compiling gives. */
#include "jit/arena.h"
#include "unit.h"

#include <stdio.h>

static void test_arena(void)
{
    Arena a;
    CHECK(arena_init(&a, 1 << 16, (const void *)arena_init, false));
    uint32_t x = arena_take(&a, 100), y = arena_take(&a, 1), z = arena_take(&a, 50);
    CHECK(x == 0 && y == 112 && z == 128 && a.used == 112 + 16 + 64);
    CHECK(arena_take(&a, 1 << 16) == UINT32_MAX);
    /* A hole between two others joins them. */
    arena_give(&a, x, 100);
    arena_give(&a, z, 50);
    CHECK(a.holes.len == 2);
    arena_give(&a, y, 1);
    CHECK(a.holes.len == 1 && a.used == 0);
    CHECK(arena_take(&a, 1 << 16) == 0);
    CHECK(a.holes.len == 0);
    CHECK(arena_holds(&a, (uintptr_t)a.code) && arena_holds(&a, (uintptr_t)a.code + 65535));
    CHECK(!arena_holds(&a, (uintptr_t)a.code + 65536) && !arena_holds(&a, (uintptr_t)a.code - 1));
    arena_fini(&a);
}

/* No address is both writable and executable, and what is written through one mapping is seen in the other. */
static void test_protection(bool once)
{
    Arena a;
    CHECK(arena_init(&a, 1 << 16, (const void *)arena_init, once));
    CHECK((a.code == a.write) == once);
    uint32_t at = arena_take(&a, 64);
    memset(arena_open(&a, at, 64), 0x90, 64);
    arena_close(&a, at, 64);
    CHECK(a.code[at] == 0x90 && a.code[at + 63] == 0x90);
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    char line[512];
    bool both = false;
    while (fgets(line, sizeof line, maps)) both |= strstr(line, " rwx") != NULL;
    CHECK(!both);
    fclose(maps);
    arena_fini(&a);
}

#ifdef METTA_JIT
#include "jit1/stencil.h"

static uint64_t patched(PatchKind kind, uint64_t run, uint64_t value, int64_t addend, bool *ok)
{
    uint8_t code[8] = {0};
    uint64_t word;
    *ok = stencil_patch(kind, code, run, value, addend);
    memcpy(&word, code, sizeof word);
    return word;
}

static void test_patches(void)
{
    bool ok;
    CHECK(patched(PATCH_ABS64, 0, UINT64_C(0x7FF8000000000001), 1, &ok) == UINT64_C(0x7FF8000000000002) &&
          ok);
    CHECK(patched(PATCH_ABS32, 0, 0xFFFFFFFF, 0, &ok) == 0xFFFFFFFF && ok);
    patched(PATCH_ABS32, 0, 0xFFFFFFFF, 1, &ok);
    CHECK(!ok);
    CHECK(patched(PATCH_ABS32S, 0, 64, -8, &ok) == 56 && ok);
    CHECK(patched(PATCH_ABS32S, 0, (uint64_t)-3, 0, &ok) == 0xFFFFFFFD && ok);
    patched(PATCH_ABS32S, 0, UINT64_C(0x80000000), 0, &ok);
    CHECK(!ok);
    /* A jump of five bytes at 0x1000 to 0x1000: its patch is at 0x1001, and the distance counts from 0x1005. */
    CHECK(patched(PATCH_REL32, 0x1001, 0x1000, -4, &ok) == 0xFFFFFFFB && ok);
    patched(PATCH_REL32, 0x1000, UINT64_C(0x80001004), -4, &ok);
    CHECK(!ok);
}

/* Each stencil's holes lie in its code, and each opcode has stencils for all numbers of operands in registers, or none. */
static void test_stencils(void)
{
    for (unsigned i = 0; i < STENCIL_COUNT; i++) {
        const Stencil *s = &stencils[i];
        CHECK(s->size > 0 || strncmp(s->name, "op_", 3) == 0);
        for (unsigned k = 0; k < s->count; k++) {
            unsigned size = s->holes[k].patch == PATCH_ABS64 ? 8 : 4;
            CHECK(s->holes[k].offset + size <= s->size && s->holes[k].hole < HOLE_COUNT);
        }
    }
    for (unsigned op = 0; op <= UINT8_MAX; op++) {
        CHECK(!stencil_of[op][0] == !stencil_of[op][1] && !stencil_of[op][0] == !stencil_of[op][2]);
        CHECK(!stencil_of[op][0] || op_info((uint8_t)op)->mnemonic);
    }
}
#endif

int main(void)
{
    test_arena();
    test_protection(false);
    test_protection(true);
#ifdef METTA_JIT
    test_patches();
    test_stencils();
#endif
    return unit_end();
}
