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
#include <elf.h>

#include "jit1/force.h"
#include "jit1/gdb.h"
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

static uint32_t patched_instruction(uint32_t instruction, PatchKind kind, uint64_t value, bool *ok)
{
    uint8_t code[4];
    memcpy(code, &instruction, sizeof code);
    *ok = stencil_patch(kind, code, 0x10000000, value, 0);
    memcpy(&instruction, code, sizeof code);
    return instruction;
}

/* AArch64: what was in the field before is of no matter.  tools/check-aarch64 asks a disassembler about all stencils. */
static void test_patches_of_aarch64(void)
{
    const uint64_t value = UINT64_C(0xFFFE123456789ABC);
    bool ok;
    CHECK(patched_instruction(0xD2800008, PATCH_MOV0, value, &ok) == 0xD2935788 && ok); /* mov x8, #0x9abc */
    CHECK(patched_instruction(0xF2BFFFE8, PATCH_MOV1, value, &ok) == 0xF2AACF08 &&
          ok); /* movk x8, #0x5678, lsl #16 */
    CHECK(patched_instruction(0xF2C00008, PATCH_MOV2, value, &ok) == 0xF2C24688 &&
          ok); /* movk x8, #0x1234, lsl #32 */
    CHECK(patched_instruction(0xF2E0001F, PATCH_MOV3, value, &ok) == 0xF2FFFFDF &&
          ok); /* movk xzr, #0xfffe, lsl #48 */
    CHECK(patched_instruction(0x14000000, PATCH_BRANCH26, 0x10000010, &ok) == 0x14000004 && ok); /* b #16 */
    CHECK(patched_instruction(0x94000000, PATCH_BRANCH26, 0xFFFFFFC, &ok) == 0x97FFFFFF && ok);  /* bl #-4 */
    patched_instruction(0x14000000, PATCH_BRANCH26, 0x10000002, &ok);
    CHECK(!ok);
    patched_instruction(0x14000000, PATCH_BRANCH26, 0x18000000, &ok);
    CHECK(!ok);
    patched_instruction(0x14000000, PATCH_BRANCH26, 0x8000000, &ok);
    CHECK(ok);
}

/* Each stencil's holes lie in its code, and each opcode has stencils for all numbers of operands in registers, for none, or not any. */
static void test_stencils(void)
{
    for (unsigned i = 0; i < STENCIL_COUNT; i++) {
        const Stencil *s = &stencils[i];
        CHECK(s->size > 0 || strncmp(s->name, "op_", 3) == 0 || i == STENCIL_returned);
        for (unsigned k = 0; k < s->count; k++) {
            unsigned size = s->holes[k].patch == PATCH_ABS64 ? 8 : 4;
            CHECK(s->holes[k].offset + size <= s->size && s->holes[k].hole < HOLE_COUNT);
            /* Only code that has another part refers to it. */
            CHECK(s->holes[k].hole != HOLE_OTHER || s->aside || strstr(s->name, "_aside"));
        }
        CHECK(!s->aside || (s->aside <= STENCIL_COUNT && strstr(stencils[s->aside - 1].name, "_aside")));
    }
    for (unsigned op = 0; op <= UINT8_MAX; op++) {
        CHECK(!stencil_of[op][1] == !stencil_of[op][2] && (stencil_of[op][0] || !stencil_of[op][1]));
        CHECK(!stencil_of[op][0] || op_info((uint8_t)op)->mnemonic);
    }
}

/* Places where AFTER, code of S, has a jump instead of a condition; other changes are complained of. */
static unsigned forced_guards(const Stencil *s, const uint8_t *after)
{
    unsigned count = 0;
    for (uint32_t at = 0; at < s->size; at++) {
        if (after[at] == s->code[at]) continue;
        CHECK(at + 6 <= s->size && s->code[at] == 0x0F && (s->code[at + 1] & 0xF0) == 0x80);
        CHECK(after[at] == 0x90 && after[at + 1] == 0xE9);
        count++;
        at++;
    }
    return count;
}

/* Each guard can be made to fail alone, and all can at once. */
static void test_forced_guards(void)
{
    enum { MOST = 12 }; /* ./check goes so far */
    unsigned all = 0, each = 0;
    for (unsigned i = 0; i < STENCIL_COUNT; i++) {
        const Stencil *s = &stencils[i];
        uint8_t *code = base_alloc(s->size + 1u);
        for (unsigned n = 1; n <= MOST; n++) {
            memcpy(code, s->code, s->size);
            force_guard(s, code, n);
            unsigned changed = forced_guards(s, code);
            CHECK(changed <= 1);
            each += changed;
        }
        memcpy(code, s->code, s->size);
        force_guard(s, code, FORCE_ALL);
        all += forced_guards(s, code);
        base_free(code);
    }
    CHECK(all > 100 && all == each);
}

/* Is the object file's section NAME there, with the SIZE bytes of CONTENTS at its end? */
static bool ends_in(const Buf *object, const char *name, const char *contents, size_t size)
{
    Elf64_Ehdr head;
    memcpy(&head, object->data, sizeof head);
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(const void *)(object->data + head.e_shoff);
    const char *strings = object->data + sections[head.e_shstrndx].sh_offset;
    for (unsigned i = 1; i < head.e_shnum; i++) {
        const Elf64_Shdr *s = &sections[i];
        if (strcmp(strings + s->sh_name, name) != 0) continue;
        return s->sh_size >= size &&
               memcmp(object->data + s->sh_offset + s->sh_size - size, contents, size) == 0;
    }
    return false;
}

/* What gdb is told of some code: its name, its lines, what it pushes. */
static void test_gdb(void)
{
    static char first[] = "a.metta", second[] = "b.metta";
    char *files[] = {first, second};
    char name[] = "metta:f/1";
    CodeInfo info = {.name = name, .run = UINT64_C(0x1122334455667788), .size = 300, .files = files};
    vec_push(&info.rows, ((CodeRow){0, {.file = 1, .line = 2, .column = 1}, .aside = true}));
    vec_push(&info.rows, ((CodeRow){16, {.file = 0, .line = 10, .column = 3}, .first = true}));
    vec_push(&info.rows, ((CodeRow){216, {.file = 0, .line = 9, .column = 4}, .aside = false}));
    CodeFrame frame = {.end = 64, .count = 2, .push = {{33, 0}, {35, 15}}};
    vec_push(&info.frames, frame);
    Buf object = {0};
    gdb_write_object(&info, &object);
    static const char lines[] =
        "b.metta\0\0\0\0a.metta\0\0\0\0\0"
        "\0\11\2\x88\x77\x66\x55\x44\x33\x22\x11"
        "\2\0\3\1\5\1\6\1"          /* line 2, not to stop at */
        "\2\20\4\2\3\10\5\3\6\12\1" /* the other file, 8 lines on, behind the prologue */
        "\2\xC8\1\3\x7F\5\4\1"      /* 200 bytes and -1 lines on */
        "\2\x54\0\1\1";
    CHECK(ends_in(&object, ".debug_line", lines, sizeof lines - 1));
    static const char frames[] = "\x88\x77\x66\x55\x44\x33\x22\x11\54\1\0\0\0\0\0\0"
                                 "\4\41\0\0\0\16\20"      /* a push: two words */
                                 "\4\2\0\0\0\16\30\x8F\3" /* another, of r15, which calls preserve */
                                 "\4\35\0\0\0\16\10\xCF"; /* all popped */
    CHECK(ends_in(&object, ".debug_frame", frames, sizeof frames - 1));
    CHECK(ends_in(&object, ".strtab", "\0metta:f/1", 11));
    GdbCode *x = gdb_register(&info), *y = gdb_register(&info), *z = gdb_register(&info);
    gdb_unregister(y);
    gdb_unregister(z);
    gdb_unregister(x);
    buf_free(&object);
    vec_free(&info.rows);
    vec_free(&info.frames);
}
#endif

int main(void)
{
    test_arena();
    test_protection(false);
    test_protection(true);
#ifdef METTA_JIT
    test_patches();
    test_patches_of_aarch64();
    test_stencils();
    test_forced_guards();
    test_gdb();
#endif
    return unit_end();
}
