#include "jit1/inplace.h"

#include "jit1/stencil.h"

typedef struct Finder {
    InPlaceChunk *k;
    const Chunk *c;
    const int32_t *heights;
    InPlace *p;
    int32_t floor;  /* operands from here on may be written over */
    bool may_store; /* locals */
} Finder;

static uint32_t behind(const Chunk *c, uint32_t ip)
{
    return ip + length_at(c, ip);
}

/* -- What is read later -- */

/* Does the operand O, of an instruction that does not write it, read LOCAL? */
static bool operand_reads(const Chunk *c, Operand o, uint32_t local)
{
    int64_t value = operand_value(c, o);
    if (o.letter == 's') return value == local;
    if (o.letter != 't') return false;
    const Template *t = &c->templates.data[value];
    return memchr(c->slot_map.data + t->first, (int)local, t->count) != NULL;
}

static void note_stores(InPlaceChunk *k, uint32_t ip)
{
    const Chunk *c = k->c;
    uint32_t written = written_at(c, ip);
    bool all = stores_otherwise(op_at(c, ip));
    EACH_OPERAND (o, c, ip)
        if (o.letter == 's' && (all || o.at == written)) k->stores[c->code.data[o.at]]++;
}

/* A search for instructions that read LOCAL, in the order of control. */
typedef struct Search {
    const Chunk *c;
    uint32_t local, steps;
    VEC(uint32_t) from; /* offsets where it has still to begin */
} Search;

/* Look at the instruction at *IP; *IP: the next one, END where there is none.  True: it reads the local. */
static bool look_at(Search *s, uint32_t *ip, uint32_t end)
{
    const Chunk *c = s->c;
    uint32_t written = written_at(c, *ip), next = behind(c, *ip);
    EACH_OPERAND (o, c, *ip) {
        if (o.at != written && operand_reads(c, o, s->local)) return true;
        if (o.letter == 'j') vec_push(&s->from, jump_target(c, o));
        if (o.letter == 'w') return true; /* it leads to many places */
    }
    bool over = (op_info(op_at(c, *ip))->flags & OPF_END) || (written && c->code.data[written] == s->local);
    *ip = over ? end : next;
    return false;
}

/* May code from IP on read what LOCAL holds there?  If that takes long to find out, it may. */
static bool may_read(const Chunk *c, uint32_t ip, uint32_t local)
{
    enum { MOST_STEPS = 100 };
    Search s = {.c = c, .local = local};
    uint32_t end = (uint32_t)c->code.len;
    bool reads = false;
    vec_push(&s.from, ip);
    while (s.from.len && !reads)
        for (uint32_t at = vec_pop(&s.from); at < end && !reads;)
            reads = ++s.steps > MOST_STEPS || look_at(&s, &at, end);
    vec_free(&s.from);
    return reads;
}

/* Would a copy of a frame at IP, where the code of P has been run, want variables that alternatives share? */
static bool wants_variables(const Chunk *c, uint32_t ip, const InPlace *p)
{
    const Template *t = chunk_clause_template(c, p->parts[0].start);
    for (uint32_t i = 0; t && i < t->count; i++) {
        uint8_t local = c->slot_map.data[t->first + i];
        if (local >= c->arity && in_place_stored(p, local) < 0 && may_read(c, ip, local)) return true;
    }
    return false;
}

/* -- What may be run -- */

static bool makes(uint8_t op)
{
    return op == OP_MAKE_SAME || op == OP_MAKE_SEXPR;
}

static bool tests_local(uint8_t op)
{
    return (op >= OP_GUARD_NUMBER && op <= OP_GUARD_VALUE) || op == OP_MATCH_FUNCTOR ||
           op == OP_MATCH_LENGTH || op == OP_MATCH_CONST || op == OP_MATCH_SAME || op == OP_GUARD_GROUND ||
           op == OP_GUARD_SETTLED;
}

/* Does OP change nothing but operands, and have a stencil that calls no C? */
static bool is_light(uint8_t op)
{
    switch ((Op)op) {
    case OP_NOP:
    case OP_POP:
    case OP_PUSH_LONG_SMALL:
    case OP_PUSH_CONST:
    case OP_LOAD_LOCAL:
    case OP_EVAL_LOCAL:
    case OP_TAIL_BRANCH_BOOL:
        return true;
    default:
        return tests_local(op) || (op >= OP_ADD && op <= OP_MUL) || (op >= OP_LT && op <= OP_EQ);
    }
}

/* Does the instruction at IP take only operands that the code has made itself, or those of the expression that is its result? */
static bool leaves_operands(const Finder *f, uint32_t ip)
{
    const Chunk *c = f->c;
    uint8_t op = op_at(c, ip);
    if (!makes(op)) return f->heights[ip] - op_info(op)->pops >= f->floor;
    int32_t items = (int32_t)value_at(c, ip, 'n');
    if (items < STENCIL_LEAST_MADE || items > STENCIL_MOST_MADE) return false;
    return f->heights[ip] - items >= f->floor || op_at(c, behind(c, ip)) == OP_RETURN;
}

/* Does the instruction at IP end the code? */
static bool ends(const Finder *f, uint32_t ip)
{
    switch ((Op)op_at(f->c, ip)) {
    case OP_RETURN:
    case OP_FAIL:
        return true;
    case OP_RETURN_LOCAL:
    case OP_RETURN_BRANCH:
        return in_place_stored(f->p, value_at(f->c, ip, 's')) < 0;
    default:
        return false;
    }
}

/* The instruction at IP stores a local: may it? */
static bool add_store(const Finder *f, uint32_t ip)
{
    InPlace *p = f->p;
    uint8_t local = f->c->code.data[written_at(f->c, ip)];
    if (!f->may_store || local < f->c->arity) return false;
    p->late |= ip != p->parts[0].start;
    if (in_place_stored(p, local) >= 0) return true;
    if (p->stored_count == IN_PLACE_STORES) return false;
    p->stored[p->stored_count++] = local;
    return true;
}

static bool add_part(const Finder *f, uint32_t start)
{
    InPlace *p = f->p;
    for (uint32_t i = 0; i < p->part_count; i++)
        if (p->parts[i].start == start) return true;
    if (p->part_count == IN_PLACE_PARTS) return false;
    p->parts[p->part_count++] = (InPlacePart){start, start};
    return true;
}

/* May the instruction at IP, which does not end the code, be part of it? */
static bool may_run(const Finder *f, uint32_t ip)
{
    const Chunk *c = f->c;
    uint8_t op = op_at(c, ip);
    uint32_t start = f->p->parts[0].start;
    if (!leaves_operands(f, ip)) return false;
    if (op == OP_STORE_LOCAL || op == OP_GET_ITEM) return add_store(f, ip);
    /* The type expected is stored again before it is read again. */
    if (op == OP_ANY_TYPE)
        return f->may_store && (ip == start || (op_at(c, start) == OP_STORE_LOCAL && ip == behind(c, start)));
    if (op == OP_TAIL_BRANCH_BOOL) return add_part(f, jump_target(c, operand_of(c, ip, 'j')));
    return is_light(op) || makes(op);
}

/* Go through part I.  False: it does not end with a result or with none; its end is before the first instruction that cannot be run. */
static bool go_through(const Finder *f, uint32_t i)
{
    InPlacePart *part = &f->p->parts[i];
    uint32_t ip = part->start;
    while (!ends(f, ip)) {
        part->end = ip;
        if (!may_run(f, ip)) return false;
        ip = behind(f->c, ip);
    }
    part->end = behind(f->c, ip);
    return true;
}

static void count_stores(InPlaceChunk *k)
{
    if (k->counted) return;
    memset(k->stores, 0, sizeof k->stores);
    for (uint32_t ip = 0; ip < k->c->code.len; ip++)
        if (k->heights[ip] >= 0) note_stores(k, ip);
    k->counted = true;
}

/* Was every local that is stored late empty before?  So it is if nothing else stores it. */
static bool stores_alone(const Finder *f)
{
    const InPlace *p = f->p;
    uint32_t stores[IN_PLACE_STORES] = {0};
    if (!p->late) return true;
    count_stores(f->k);
    for (uint32_t i = 0; i < p->part_count; i++)
        for (uint32_t ip = p->parts[i].start; ip < p->parts[i].end; ip = behind(f->c, ip))
            if (written_at(f->c, ip)) stores[in_place_stored(p, f->c->code.data[written_at(f->c, ip)])]++;
    for (uint32_t i = 0; i < p->stored_count; i++)
        if (f->k->stores[p->stored[i]] != stores[i]) return false;
    return true;
}

static bool find(Finder *f, uint32_t ip)
{
    *f->p = (InPlace){0};
    if (!add_part(f, ip)) return false;
    for (uint32_t i = 0; i < f->p->part_count; i++)
        if (!go_through(f, i)) return false;
    return stores_alone(f);
}

/* Make of P, whose first part has come to something that it cannot run, code that ends with a copy, as late as there are no operands but those
 * that it began with. */
static bool end_with_copy(const Finder *f)
{
    InPlace *p = f->p;
    const Chunk *c = f->c;
    uint32_t start = p->parts[0].start, limit = p->parts[0].end, end = start;
    for (uint32_t ip = start; ip <= limit; ip = behind(c, ip))
        if (f->heights[ip] == f->floor) end = ip;
    if (p->part_count != 1 || end == start ||
        !wants_variables(c, start, &(InPlace){.parts = {{start, start}}}))
        return false;
    *p = (InPlace){.parts = {{start, end}}, .part_count = 1, .copies = true};
    for (uint32_t ip = start; ip < end; ip = behind(c, ip))
        if (written_at(c, ip)) (void)add_store(f, ip);
    return stores_alone(f) && !wants_variables(c, end, p);
}

bool in_place_after(InPlaceChunk *k, uint32_t ip, InPlace *p)
{
    Finder f = {k, k->c, k->heights, p, k->heights[ip] - 1, true};
    return find(&f, ip) || end_with_copy(&f);
}

bool in_place_try(InPlaceChunk *k, uint32_t ip, InPlace *p)
{
    Finder f = {k, k->c, k->heights, p, 0, false};
    return find(&f, ip);
}
