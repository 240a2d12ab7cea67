#include "code/passes.h"

#include <string.h>

typedef struct PassInfo {
    const char *name;
    void (*run)(Code *code, Chunk *chunk);
} PassInfo;

static const PassInfo passes[] = {
#define PASS(id, name, doc) {name, pass_##id},
#include "code/passes.inc"
#undef PASS
};

PassId pass_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < PASS_COUNT; i++)
        if (strlen(passes[i].name) == len && memcmp(passes[i].name, name, len) == 0) return (PassId)i;
    return PASS_COUNT;
}

const char *pass_name(PassId id)
{
    return passes[id].name;
}

/* -- What passes share -- */

bool *code_starts(const Code *code)
{
    bool *starts = base_calloc(code->instrs.len + 1, sizeof *starts);
    for (size_t i = 0; i < code->expressions.len; i++)
        starts[code->labels.data[code->expressions.data[i].at]] = true;
    return starts;
}

bool *code_targets(const Code *code, const Chunk *chunk)
{
    bool *targets = base_calloc(code->instrs.len + 1, sizeof *targets);
    for (size_t i = 0; i < code->instrs.len; i++) {
        const Instr *in = &code->instrs.data[i];
        const char *letters = op_info(in->op)->operands;
        for (unsigned k = 0; letters[k]; k++)
            if (letters[k] == 'j') targets[code->labels.data[in->arg[k]]] = true;
    }
    for (size_t i = 0; i < chunk->cases.len; i++)
        if (!word_is_nil(chunk->cases.data[i].key))
            targets[code->labels.data[chunk->cases.data[i].target]] = true;
    return targets;
}

void code_remove(Code *code, const bool *drop)
{
    size_t kept = 0;
    for (size_t i = 0; i < code->expressions.len; i++) {
        uint32_t at = code->labels.data[code->expressions.data[i].at];
        if (at == code->instrs.len || !drop[at]) code->expressions.data[kept++] = code->expressions.data[i];
    }
    code->expressions.len = kept;
    code_drop(code, drop);
}

/* Does label L stand somewhere?  The end counts. */
static bool is_placed(const Code *code, uint32_t l)
{
    return l < code->labels.len && code->labels.data[l] <= code->instrs.len;
}

static bool is_operand(const Code *code, const Chunk *c, char letter, uint32_t value)
{
    switch (letter) {
    case 'k':
        return value < c->constants.len;
    case 'f':
        return value < c->functions.len;
    case 'w':
        return value < c->switches.len;
    case 't':
        return value < c->templates.len;
    case 's':
        return value < c->locals;
    case 'j':
        return is_placed(code, value) && code->labels.data[value] < code->instrs.len;
    default:
        return true;
    }
}

bool code_is_sound(const Code *code, const Chunk *chunk)
{
    bool sound = code->instrs.len > 0;
    for (size_t i = 0; i < code->instrs.len; i++) {
        const Instr *in = &code->instrs.data[i];
        const OpInfo *op = op_info(in->op);
        sound &= op->mnemonic != NULL;
        for (unsigned k = 0; op->mnemonic && op->operands[k]; k++)
            sound &= is_operand(code, chunk, op->operands[k], in->arg[k]);
    }
    for (size_t i = 0; i < code->expressions.len; i++)
        sound &=
            is_placed(code, code->expressions.data[i].at) && is_placed(code, code->expressions.data[i].end);
    return sound;
}

/* -- Running -- */

static void show(const PassWatch *w, const char *when, const Code *code, const Chunk *chunk)
{
    const char *separator = w->out->len ? "\n" : "";
    buf_printf(w->out, "%s=== %s/%u %s %s ===\n", separator, sym_text(w->names->symbols, chunk->name, NULL),
               (unsigned)chunk->arity, when, pass_name(w->pass));
    code_print(w->names, code, chunk, w->out);
}

void passes_run(Code *code, Chunk *chunk, const PassWatch *watch)
{
    assert(code_is_sound(code, chunk));
    for (unsigned i = 0; i < PASS_COUNT; i++) {
        bool watched = watch && watch->pass == i;
        if (watched) show(watch, "before", code, chunk);
        passes[i].run(code, chunk);
        assert(code_is_sound(code, chunk));
        if (watched) show(watch, "after", code, chunk);
    }
}
