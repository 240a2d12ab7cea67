#include "jit1/force.h"

enum { JUMP_IF = 0x80, NO_OPERATION = 0x90, LONG_FORM = 0x0F, JUMP = 0xE9 };

/* Is HOLE the target of a conditional jump of x86-64 code that leaves it? */
static bool is_guard(const StencilHole *hole, const uint8_t *code)
{
    if (hole->hole != HOLE_SLOWLY && hole->hole != HOLE_LAY) return false;
    return hole->offset >= 2 && code[hole->offset - 2] == LONG_FORM &&
           (code[hole->offset - 1] & 0xF0) == JUMP_IF;
}

void force_guard(const Stencil *s, uint8_t *write, uint32_t n)
{
    uint32_t guards = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const StencilHole *hole = &s->holes[i];
        if (!is_guard(hole, s->code)) continue;
        guards++;
        if (n != FORCE_ALL && n != guards) continue;
        /* As long, and counted from the same end. */
        write[hole->offset - 2] = NO_OPERATION;
        write[hole->offset - 1] = JUMP;
    }
}
