#include "jit1/known.h"

/* That there is a jump. */
#define A_JUMP (UINT64_C(1) << 63)

void known_jump(Known *k, uint32_t target, uint64_t now)
{
    k->lacks[target] |= ~now | A_JUMP;
}

void known_place(Known *k, uint32_t ip, bool flows)
{
    uint64_t lacks = k->lacks[ip];
    if (!flows) k->now = lacks ? ~UINT64_C(0) : 0;
    k->now &= ~lacks;
    /* A loop goes on there: what it does not know need not be found out once more each time by other code. */
    if (op_at(k->c, ip) == OP_EACH_NEXT) k->now = 0;
}

/* The local that the operand at DISTANCE from IP names, as a set. */
static uint64_t local_at(const Known *k, uint32_t ip, uint8_t distance)
{
    return distance == STENCIL_NO_LOCAL ? 0 : known_local(k->c->code.data[ip + 1 + distance]);
}

uint64_t known_asked(const Known *k, uint32_t ip, uint32_t id)
{
    const Stencil *s = &stencils[id - 1];
    return local_at(k, ip, s->locals[0]) | local_at(k, ip, s->locals[1]);
}

uint64_t known_use(const Known *k, uint32_t ip, uint32_t *id)
{
    const Stencil *s = &stencils[*id - 1];
    uint64_t first = local_at(k, ip, s->locals[0]) & k->now, second = local_at(k, ip, s->locals[1]) & k->now;
    uint32_t which = (first != 0) | (second != 0) << 1;
    if (!which || !s->known[which - 1]) return 0;
    *id = s->known[which - 1];
    return first | second;
}

/* Something is a small integer if FROM is known. */
static void derive(Known *k, uint64_t made, uint64_t from)
{
    if (!from || from & ~k->now) return;
    k->now |= made;
    k->made |= made;
    k->from |= from;
}

/* The instruction at IP, OP, which ends at END, may have pushed a small integer. */
static void pass_operands(Known *k, uint32_t ip, uint8_t op, uint32_t end, uint32_t pushes)
{
    int32_t height = k->heights[end] - (int32_t)pushes;
    k->now = known_below(k->now, height);
    if (op == OP_PUSH_LONG_SMALL)
        k->now |= known_operand((uint32_t)height);
    else if (op == OP_LOAD_LOCAL || op == OP_EVAL_LOCAL)
        derive(k, known_operand((uint32_t)height), known_local(value_at(k->c, ip, 's')));
}

/* Forget what the instruction at IP writes, and let where it jumps to know the rest, and SHOWN.  Alternatives come in without. */
static void pass_locals(Known *k, uint32_t ip, uint8_t op, const OpInfo *info, uint64_t shown)
{
    const Chunk *c = k->c;
    uint32_t written = written_at(c, ip);
    bool all = stores_otherwise(op), later = info->flags & OPF_CHOICE && !op_is_block(op);
    if (!all && !written && !(info->flags & OPF_BRANCH)) return;
    /* No operand that is stored comes behind one that jumps. */
    EACH_OPERAND (o, c, ip) {
        if (o.letter == 's' && (all || o.at == written)) k->now &= ~known_local(c->code.data[o.at]);
        if (o.letter == 'j') known_jump(k, jump_target(c, o), later ? 0 : k->now | shown);
    }
    if (op == OP_STORE_LOCAL)
        derive(k, known_local(c->code.data[written]), known_operand((uint32_t)k->heights[ip] - 1));
}

/* The cases of the switch at IP: they are found by a table. */
static void pass_cases(Known *k, uint32_t ip)
{
    const Switch *s = switch_at(k->c, ip);
    for (uint32_t i = 0; i < s->count; i++) known_jump(k, k->c->cases.data[s->first + i].target, 0);
}

void known_pass(Known *k, uint32_t ip, uint32_t end, uint32_t id, bool calls)
{
    const Stencil *s = id ? &stencils[id - 1] : NULL;
    uint64_t shown = s && s->shows ? known_asked(k, ip, id) : 0;
    k->made = k->from = 0;
    for (uint32_t at = ip; at < end;) {
        uint8_t op = op_at(k->c, at);
        const OpInfo *info = op_info(op);
        uint32_t next = at + info->length;
        pass_locals(k, at, op, info, shown);
        if (!(info->flags & OPF_END)) pass_operands(k, at, op, next, calls ? 1 : (uint32_t)info->pushes);
        at = next;
    }
    if (op_at(k->c, ip) == OP_SWITCH) pass_cases(k, ip);
    k->now |= shown;
    if (s && s->gives) k->now |= known_operand((uint32_t)k->heights[end] - 1);
    /* What C is called for may come back by another way, and often so: through the alternatives of a match. */
    if (!s || (s->calls && !calls)) k->now = 0;
}
