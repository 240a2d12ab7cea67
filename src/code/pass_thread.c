/* A jump to a jump goes where that one leads; a jump to an instruction that ends the frame is that instruction, where it is not
 * longer. */
#include "code/passes.h"

/* Where control ends up that goes to label L: a label.  An expression that begins on the way must not be passed by, and what
 * waits at an accept may be given an error, which a jump may not. */
static uint32_t final_label(const Code *code, const bool *starts, uint32_t l)
{
    for (size_t hops = 0; hops < code->instrs.len; hops++) {
        uint32_t at = code->labels.data[l];
        const Instr *in = &code->instrs.data[at];
        if (in->op != OP_JUMP || starts[at]) break;
        uint32_t to = code->labels.data[in->arg[0]];
        if (code->instrs.data[to].op == OP_ACCEPT) break;
        l = in->arg[0];
    }
    return l;
}

static bool is_short_end(const Instr *in)
{
    const OpInfo *op = op_info(in->op);
    return (op->flags & OPF_END) && !(op->flags & OPF_BRANCH) && op->length <= op_info(OP_JUMP)->length;
}

static void thread_instr(Code *code, const bool *starts, Instr *in)
{
    const char *letters = op_info(in->op)->operands;
    for (unsigned k = 0; letters[k]; k++)
        if (letters[k] == 'j') in->arg[k] = final_label(code, starts, in->arg[k]);
    if (in->op != OP_JUMP) return;
    uint32_t to = code->labels.data[in->arg[0]];
    if (is_short_end(&code->instrs.data[to]) && !starts[to]) *in = code->instrs.data[to];
}

void pass_thread(Code *code, Chunk *chunk)
{
    bool *starts = code_starts(code);
    for (size_t i = 0; i < code->instrs.len; i++) thread_instr(code, starts, &code->instrs.data[i]);
    for (size_t i = 0; i < chunk->cases.len; i++) {
        SwitchCase *k = &chunk->cases.data[i];
        if (!word_is_nil(k->key)) k->target = final_label(code, starts, k->target);
    }
    base_free(starts);
}
