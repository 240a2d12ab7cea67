/* What control cannot reach, as the verifier follows it; the end of an expression is reached from its beginning, since a stale
 * chunk goes that way. */
#include "code/passes.h"

typedef struct Reach {
    const Code *code;
    const Chunk *chunk;
    bool *reached;
    VEC(uint32_t) todo;
} Reach;

static void reach(Reach *r, uint32_t i)
{
    if (i >= r->code->instrs.len || r->reached[i]) return;
    r->reached[i] = true;
    vec_push(&r->todo, i);
}

static void reach_label(Reach *r, uint32_t l)
{
    reach(r, r->code->labels.data[l]);
}

static void reach_cases(Reach *r, const Switch *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &r->chunk->cases.data[s->first + i];
        if (!word_is_nil(k->key)) reach_label(r, k->target);
    }
}

static void follow(Reach *r, uint32_t i)
{
    const Instr *in = &r->code->instrs.data[i];
    const OpInfo *op = op_info(in->op);
    for (unsigned k = 0; op->operands[k]; k++) {
        if (op->operands[k] == 'j') reach_label(r, in->arg[k]);
        if (op->operands[k] == 'w') reach_cases(r, &r->chunk->switches.data[in->arg[k]]);
    }
    if (!(op->flags & OPF_END)) reach(r, i + 1);
}

static void reach_ends(Reach *r)
{
    for (size_t i = 0; i < r->code->expressions.len; i++) {
        const CodeExpression *e = &r->code->expressions.data[i];
        uint32_t at = r->code->labels.data[e->at];
        if (!e->tail && at < r->code->instrs.len && r->reached[at]) reach_label(r, e->end);
    }
}

static bool *find_reached(const Code *code, const Chunk *chunk)
{
    Reach r = {.code = code, .chunk = chunk};
    r.reached = base_calloc(code->instrs.len + 1, sizeof *r.reached);
    reach(&r, 0);
    do {
        while (r.todo.len) follow(&r, vec_pop(&r.todo));
        reach_ends(&r);
    } while (r.todo.len);
    vec_free(&r.todo);
    return r.reached;
}

/* Cases of a switch that is gone refer to code that is gone, too: any label will do. */
static void forget_cases(const Code *code, Chunk *chunk, const bool *drop)
{
    for (size_t i = 0; i < code->instrs.len; i++) {
        if (!drop[i] || code->instrs.data[i].op != OP_SWITCH) continue;
        const Switch *s = &chunk->switches.data[code->instrs.data[i].arg[1]];
        for (uint32_t k = 0; k < s->count; k++) chunk->cases.data[s->first + k].key = WORD_NIL;
    }
}

/* Jumps to what follows, once all between is gone, and nops. */
static void drop_idle(Code *code)
{
    size_t n = code->instrs.len;
    bool *starts = code_starts(code), *drop = base_calloc(n + 1, sizeof *drop);
    /* From the end, so that a jump over a jump that goes is seen, too. */
    for (size_t i = n, next = n; i-- > 0;) {
        const Instr *in = &code->instrs.data[i];
        uint32_t to = in->op == OP_JUMP ? code->labels.data[in->arg[0]] : 0;
        bool idle = in->op == OP_NOP || (to > i && to <= next);
        drop[i] = idle && !starts[i];
        if (!drop[i]) next = i;
    }
    code_remove(code, drop);
    base_free(starts);
    base_free(drop);
}

void pass_dead(Code *code, Chunk *chunk)
{
    bool *reached = find_reached(code, chunk);
    for (size_t i = 0; i < code->instrs.len; i++) reached[i] = !reached[i];
    forget_cases(code, chunk, reached);
    code_remove(code, reached);
    base_free(reached);
    drop_idle(code);
}
