/* The verifier: what it passes, the VM can run without checks. */
#include "code/chunk.h"

/* Stack height on entry of each offset; UNSEEN where no instruction was reached (yet). */
enum { UNSEEN = -1 };

typedef struct Verifier {
    const Chunk *chunk;
    int32_t *height;
    VEC(uint32_t) todo;
    const char *error;
    uint32_t at;
} Verifier;

static bool fail(Verifier *v, uint32_t at, const char *error)
{
    if (!v->error) {
        v->error = error;
        v->at = at;
    }
    return false;
}

/* Control may reach offset AT with HEIGHT values on the stack. */
static bool reach(Verifier *v, uint32_t from, int64_t at, int32_t height)
{
    if (at < 0 || at >= (int64_t)v->chunk->code.len) return fail(v, from, "control leaves the code");
    if (v->height[at] == UNSEEN) {
        v->height[at] = height;
        vec_push(&v->todo, (uint32_t)at);
        return true;
    }
    return v->height[at] == height || fail(v, from, "two ways in with different stack heights");
}

/* Check the operands at AT; *N is the count operand if there is one. Jumps are followed. */
static bool check_operands(Verifier *v, uint32_t at, const OpInfo *op, int32_t *n, int32_t jump_targets[2],
                           unsigned *jumps)
{
    const Chunk *c = v->chunk;
    const uint8_t *p = c->code.data + at + 1;
    for (const char *letter = op->operands; *letter; p += op_operand_size(*letter), letter++) {
        switch (*letter) {
        case 'k':
            if (op_read16(p) >= c->constants.len) return fail(v, at, "no such constant");
            break;
        case 'f':
            if (op_read16(p) >= c->functions.len) return fail(v, at, "no such function");
            break;
        case 'w':
            if (op_read16(p) >= c->switches.len) return fail(v, at, "no such switch");
            break;
        case 't':
            if (op_read16(p) >= c->templates.len) return fail(v, at, "no such template");
            break;
        case 's':
            if (*p >= c->locals) return fail(v, at, "no such local");
            break;
        case 'n':
            *n = *p;
            break;
        case 'c':
            *n = *p & 0x7F;
            break;
        case 'j':
            jump_targets[(*jumps)++] = (int16_t)op_read16(p);
            break;
        default:
            break;
        }
    }
    return true;
}

/* Stack height where jump I of the instruction leads; HEIGHT is what it leaves when it has popped. */
static int32_t height_at_target(uint8_t code, unsigned i, int32_t height, int32_t pushes)
{
    switch (code) {
    case OP_BRANCH_BOOL: /* the condition is gone at the first target, and replaced by a result at the second */
        return height + (i == 1);
    case OP_MATCH_SPACE:
    case OP_UNIFY_TERMS:
    case OP_STEP_NATIVE:
        return height; /* nothing was pushed */
    case OP_KEEP:      /* with a result in place of the condition */
        return height + 1;
    default:
        return height + pushes;
    }
}

/* Where the cases of the switch at AT lead. */
static bool reach_cases(Verifier *v, uint32_t at, int32_t height)
{
    const Chunk *c = v->chunk;
    const Switch *s = &c->switches.data[op_read16(c->code.data + at + 2)];
    for (uint32_t i = 0; i < s->count; i++) {
        const SwitchCase *k = &c->cases.data[s->first + i];
        if (!word_is_nil(k->key) && !reach(v, at, k->target, height)) return false;
    }
    return true;
}

/* Do the parts of fusion F stand at AT? */
static bool check_fusion(Verifier *v, uint32_t at, const Fusion *f)
{
    const uint8_t *code = v->chunk->code.data;
    size_t len = v->chunk->code.len, p = at;
    for (unsigned i = 0; i < f->count; i++) {
        if (p >= len || op_first(code[p]) != f->parts[i]) return fail(v, at, "not what it is fused of");
        size_t next = p + op_info(code[p])->length;
        if (next > len) return fail(v, at, "instruction is cut off");
        if (i == 0 && f->op == OP_GET_ITEMS && code[p + 3] == code[p + 1])
            return fail(v, at, "fused, but the first changes the local of the second");
        p = next;
    }
    return op_fusion_fits(f, code + at) || fail(v, at, "fused of different locals");
}

static bool check_instruction(Verifier *v, uint32_t at)
{
    const Chunk *c = v->chunk;
    const OpInfo *op = op_info(c->code.data[at]);
    if (!op->mnemonic) return fail(v, at, "unknown opcode");
    if (at + op->length > c->code.len) return fail(v, at, "instruction is cut off");
    const Fusion *fusion = op_fusion(c->code.data[at]);
    if (fusion && !check_fusion(v, at, fusion)) return false;
    int32_t n = 0, targets[2] = {0, 0};
    unsigned jumps = 0;
    if (!check_operands(v, at, op, &n, targets, &jumps)) return false;
    int32_t pops = op->pops == VARIABLE_POPS ? n : op->pops;
    int32_t height = v->height[at] - pops;
    if (height < 0) return fail(v, at, "stack underflow");
    int32_t pushes = c->code.data[at] == OP_BRANCH_BOOL ? 0 : op->pushes;
    if (height + pushes > (int32_t)c->max_stack) return fail(v, at, "stack overflow");
    int64_t next = (int64_t)at + op->length;
    for (unsigned i = 0; i < jumps; i++)
        if (!reach(v, at, next + targets[i], height_at_target(c->code.data[at], i, height, pushes)))
            return false;
    if (c->code.data[at] == OP_SWITCH && !reach_cases(v, at, height)) return false;
    if (op->flags & OPF_END) return true;
    return reach(v, at, next, op_is_block(c->code.data[at]) ? 0 : height + pushes);
}

/* Do the templates name slots and locals that exist? */
static bool check_templates(Verifier *v)
{
    const Chunk *c = v->chunk;
    for (size_t i = 0; i < c->templates.len; i++) {
        const Template *t = &c->templates.data[i];
        if ((uint64_t)t->first + t->count > c->slot_map.len || (uint64_t)t->first + t->count > c->names.len)
            return fail(v, 0, "a template has slots that are not mapped");
        for (uint32_t k = t->first; k < t->first + t->count; k++)
            if (c->slot_map.data[k] >= c->locals) return fail(v, 0, "a slot is mapped to no local");
    }
    return true;
}

/* An expression that is left for tier 0 goes on behind it with a value. */
static bool reach_end(Verifier *v, uint32_t at)
{
    const Expression *e = chunk_expression(v->chunk, at);
    if (!e || e->tail) return true;
    if (v->height[at] >= (int32_t)v->chunk->max_stack) return fail(v, at, "stack overflow");
    return reach(v, at, e->end, v->height[at] + 1);
}

static bool verify(Verifier *v, bool leaving)
{
    const Chunk *c = v->chunk;
    v->height = base_alloc((c->code.len + 1) * sizeof *v->height);
    for (size_t i = 0; i <= c->code.len; i++) v->height[i] = UNSEEN;
    bool ok = c->locals >= c->arity && c->locals <= 256 ? reach(v, 0, 0, 0) : fail(v, 0, "too many locals");
    ok = ok && check_templates(v);
    while (ok && v->todo.len) {
        uint32_t at = vec_pop(&v->todo);
        ok = check_instruction(v, at) && (!leaving || reach_end(v, at));
    }
    vec_free(&v->todo);
    return ok;
}

bool chunk_verify(const Chunk *c, const char **error, uint32_t *at)
{
    Verifier v = {.chunk = c};
    bool ok = verify(&v, false);
    *error = v.error;
    *at = v.at;
    base_free(v.height);
    return ok;
}

int32_t *chunk_heights(const Chunk *c, const char **error, uint32_t *at)
{
    Verifier v = {.chunk = c};
    bool ok = verify(&v, true);
    *error = v.error;
    *at = v.at;
    if (ok) return v.height;
    base_free(v.height);
    return NULL;
}

/* -- The same of code that is known to be well formed: where it leads, without a look at anything else -- */

typedef struct Flow {
    const Chunk *chunk;
    int32_t *height;
    bool *targets;
    VEC(uint32_t) todo; /* reached, but the way through the code had gone by */
    uint32_t at;        /* what is behind here is come to on that way */
    bool agree;
} Flow;

static void lead(Flow *f, uint32_t at, int32_t height)
{
    if (f->height[at] == UNSEEN) {
        f->height[at] = height;
        if (at <= f->at) vec_push(&f->todo, at);
    }
    f->agree &= f->height[at] == height;
}

static void lead_to(Flow *f, uint32_t at, int32_t height)
{
    f->targets[at] = true;
    lead(f, at, height);
}

/* Go on from the instruction at AT. */
static void follow(Flow *f, uint32_t at)
{
    const Chunk *c = f->chunk;
    uint8_t code = c->code.data[at];
    const OpInfo *op = op_info(code);
    const uint8_t *p = c->code.data + at;
    uint32_t next = at + op->length;
    int32_t pops = op->pops == VARIABLE_POPS ? p[op->count] & op->mask : op->pops;
    int32_t height = f->height[at] - pops, pushes = code == OP_BRANCH_BOOL ? 0 : op->pushes;
    for (unsigned i = 0; i < 2 && op->jumps[i]; i++)
        lead_to(f, next + (uint32_t)(int16_t)op_read16(p + op->jumps[i]),
                height_at_target(code, i, height, pushes));
    if (code == OP_SWITCH) {
        const Switch *s = &c->switches.data[op_read16(p + 2)];
        for (uint32_t i = 0; i < s->count; i++)
            if (!word_is_nil(c->cases.data[s->first + i].key))
                lead_to(f, c->cases.data[s->first + i].target, height);
    }
    if (!(op->flags & OPF_END)) lead(f, next, op_is_block(code) ? 0 : height + pushes);
}

static void follow_todo(Flow *f)
{
    while (f->todo.len) follow(f, vec_pop(&f->todo));
}

/* What follows expressions that are left for tier 0 is reached, too, and with it perhaps others. */
static void follow_ends(Flow *f)
{
    const Chunk *c = f->chunk;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < c->expressions.len; i++) {
            const Expression *e = &c->expressions.data[i];
            if (e->tail || f->height[e->at] == UNSEEN || (i > 0 && e[-1].at == e->at)) continue;
            more |= f->height[e->end] == UNSEEN;
            lead(f, e->end, f->height[e->at] + 1);
            follow_todo(f);
        }
    }
}

bool chunk_flow(const Chunk *c, int32_t *heights, bool *targets)
{
    uint32_t len = (uint32_t)c->code.len;
    Flow f = {.chunk = c, .height = heights, .targets = targets, .agree = true};
    memset(f.height, UNSEEN, (len + 1) * sizeof *f.height);
    f.height[0] = 0;
    for (; f.at < len; f.at++)
        if (f.height[f.at] != UNSEEN) follow(&f, f.at);
    follow_todo(&f);
    follow_ends(&f);
    vec_free(&f.todo);
    return f.agree;
}
