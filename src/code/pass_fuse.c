/* Superinstructions.  The opcode of the first becomes that of the fusion, and nothing else changes: the others are there for jumps,
 * for frames that wait at them, and for expressions that begin at them once the chunk is stale (chunk_expire takes fusions apart). */
#include "code/passes.h"

static bool fits(const Code *code, size_t i, const Fusion *f)
{
    if (i + f->count > code->instrs.len) return false;
    const Instr *in = &code->instrs.data[i];
    uint32_t first[FUSION_MAX];
    for (unsigned k = 0; k < f->count; k++) {
        if (in[k].op != f->parts[k]) return false;
        first[k] = in[k].arg[0];
    }
    /* A get_item may take an expression apart in its own local; then the next one takes its part apart. */
    return fusion_fits(f, first, in[0].arg[1]) && (f->op != OP_GET_ITEMS || in[0].arg[2] != in[0].arg[0]);
}

/* The first fusion that fits at I, or NULL. */
static const Fusion *find_fusion(const Code *code, size_t i)
{
    size_t count;
    const Fusion *fusions = op_fusions(&count);
    for (size_t k = 0; k < count; k++)
        if (fits(code, i, &fusions[k])) return &fusions[k];
    return NULL;
}

/* The fusion for I: none if a longer one fits at its second part. */
static const Fusion *choose_fusion(const Code *code, size_t i)
{
    const Fusion *f = find_fusion(code, i), *next = f ? find_fusion(code, i + 1) : NULL;
    return next && next->count > f->count ? NULL : f;
}

/* Parts of a fusion are left alone, except where a jump leads: there begins another one. */
void pass_fuse(Code *code, Chunk *chunk)
{
    bool *targets = code_targets(code, chunk);
    size_t inside = 0; /* of a fusion up to here */
    for (size_t i = 0; i < code->instrs.len; i++) {
        if (i < inside && !targets[i]) continue;
        const Fusion *f = choose_fusion(code, i);
        if (!f) continue;
        code->instrs.data[i].op = f->op;
        inside = i + f->count;
    }
    base_free(targets);
}
