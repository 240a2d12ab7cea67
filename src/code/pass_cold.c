/* A value that tier 0 computes when a guard fails stands between the code for the usual case, which jumps over it, and what
 * follows.  It moves to the end and jumps back. */
#include "code/passes.h"

/* Is instruction I an evaluation that is jumped over? */
static bool is_cold(const Code *code, const bool *starts, uint32_t i)
{
    if (i == 0 || i + 1 >= code->instrs.len || code->instrs.data[i].op != OP_EVAL) return false;
    const Instr *over = &code->instrs.data[i - 1];
    /* What waits at an accept may be given an error: it must not wait at a jump. */
    return over->op == OP_JUMP && !starts[i - 1] && code->labels.data[over->arg[0]] == i + 1 &&
           code->instrs.data[i + 1].op != OP_ACCEPT;
}

/* Append a copy of instruction I with the jump before it, which leads to what follows; returns where. */
static uint32_t copy_to_end(Code *code, uint32_t i)
{
    Instr cold = code->instrs.data[i], back = code->instrs.data[i - 1];
    vec_push(&code->instrs, cold);
    vec_push(&code->instrs, back);
    return (uint32_t)code->instrs.len - 2;
}

void pass_cold(Code *code, Chunk *chunk)
{
    (void)chunk;
    uint32_t n = (uint32_t)code->instrs.len;
    bool *starts = code_starts(code), *drop = base_calloc(2 * (size_t)n + 1, sizeof *drop);
    uint32_t *moved = base_alloc((n + 1) * sizeof *moved);
    for (uint32_t i = 0; i <= n; i++) moved[i] = i;
    for (uint32_t i = 0; i < n; i++) {
        if (!is_cold(code, starts, i)) continue;
        moved[i] = copy_to_end(code, i);
        drop[i] = drop[i - 1] = true;
    }
    for (size_t l = 0; l < code->labels.len; l++)
        if (code->labels.data[l] != NO_LABEL) code->labels.data[l] = moved[code->labels.data[l]];
    code_remove(code, drop);
    base_free(starts);
    base_free(drop);
    base_free(moved);
}
