#include "code/chunk.h"

void chunk_free(Chunk *c)
{
    if (!c) return;
    vec_free(&c->code);
    vec_free(&c->constants);
    vec_free(&c->templates);
    vec_free(&c->slot_map);
    vec_free(&c->names);
    vec_free(&c->functions);
    vec_free(&c->switches);
    vec_free(&c->cases);
    vec_free(&c->expressions);
    vec_free(&c->places);
    vec_free(&c->relays);
    vec_free(&c->depends);
    vec_free(&c->uses);
    base_free(c->guesses);
    base_free(c);
}

void chunk_trace(Chunk *c, Heap *h)
{
    heap_visit_range(h, c->constants.data, c->constants.len);
    for (size_t i = 0; i < c->templates.len; i++) heap_visit(h, &c->templates.data[i].term);
}

/* What is fused must not run past the beginning of an expression.  Only what control comes to is known to be instructions. */
static void split_fusions(Chunk *c)
{
    const char *error;
    uint32_t where;
    int32_t *heights = chunk_heights(c, &error, &where);
    for (size_t at = 0; heights && at < c->code.len; at++)
        if (heights[at] >= 0) c->code.data[at] = op_first(c->code.data[at]);
    assert(heights);
    base_free(heights);
}

void chunk_expire(Chunk *c)
{
    if (!c->stale) split_fusions(c);
    c->stale = true;
    c->self = NO_SELF;
    vec_free(&c->relays);
    c->early = (Early){0};
    for (size_t i = 0; i < c->expressions.len; i++) c->code.data[c->expressions.data[i].at] = OP_LEAVE_STALE;
}

/* How many expressions start before OFFSET. */
static size_t expressions_before(const Chunk *c, uint32_t offset)
{
    size_t n;
    vec_search(&c->expressions, at, offset, n);
    return n;
}

const Expression *chunk_before(const Chunk *c, uint32_t offset)
{
    size_t n = expressions_before(c, offset);
    return n ? &c->expressions.data[n - 1] : NULL;
}

const Template *chunk_clause_template(const Chunk *c, uint32_t offset)
{
    /* What stands apart from the rest of the clause leads back to it. */
    if (c->code.data[offset] == OP_JUMP)
        offset += 3 + (uint32_t)(int16_t)op_read16(&c->code.data[offset + 1]);
    const Expression *e = chunk_before(c, offset);
    return e ? &c->templates.data[e->term] : NULL;
}

const Expression *chunk_expression(const Chunk *c, uint32_t offset)
{
    size_t i = expressions_before(c, offset);
    bool found = i < c->expressions.len && c->expressions.data[i].at == offset;
    return found ? &c->expressions.data[i] : NULL;
}

const Expression *chunk_innermost(const Chunk *c, uint32_t offset)
{
    const Expression *best = NULL;
    uint32_t over = 0; /* what starts before is in an expression that has ended */
    for (size_t i = 0; i < c->expressions.len; i++) {
        const Expression *e = &c->expressions.data[i];
        if (e->at > offset) break;
        if (!e->tail && e->end <= offset)
            over = e->end > over ? e->end : over;
        else if (!e->tail || e->at >= over)
            best = e;
    }
    return best;
}

CodeClause chunk_clause(const Chunk *c, uint32_t offset)
{
    size_t n;
    vec_search(&c->places, offset, (uint64_t)offset + 1, n);
    return n > 0 ? c->places.data[n - 1].clause : (CodeClause){0};
}

const Span *chunk_place(const Chunk *c, uint32_t offset)
{
    size_t n; /* of them up to OFFSET */
    vec_search(&c->places, offset, (uint64_t)offset + 1, n);
    return n > 0 && c->places.data[n - 1].span.line ? &c->places.data[n - 1].span : NULL;
}

/* -- Switches -- */

enum { FEW_CASES = 6 };

static uint32_t case_hash(Word key, uint32_t len)
{
    return (uint32_t)base_hash_word(key ^ ((uint64_t)len << 52));
}

uint32_t chunk_switch(const Chunk *c, const Switch *s, Word key, uint32_t len)
{
    if (s->count == 0) return UINT32_MAX;
    const SwitchCase *cases = c->cases.data + s->first;
    if (!s->hashed) {
        for (uint32_t i = 0; i < s->count; i++)
            if (cases[i].key == key && cases[i].len == len) return cases[i].target;
        return UINT32_MAX;
    }
    for (uint32_t i = case_hash(key, len) & (s->count - 1); !word_is_nil(cases[i].key);
         i = (i + 1) & (s->count - 1))
        if (cases[i].key == key && cases[i].len == len) return cases[i].target;
    return UINT32_MAX;
}

static void fill_table(SwitchCase *table, uint32_t size, const SwitchCase *cases, uint32_t count)
{
    for (uint32_t i = 0; i < size; i++) table[i] = (SwitchCase){WORD_NIL, 0, 0};
    for (uint32_t k = 0; k < count; k++) {
        uint32_t i = case_hash(cases[k].key, cases[k].len) & (size - 1);
        while (!word_is_nil(table[i].key)) i = (i + 1) & (size - 1);
        table[i] = cases[k];
    }
}

uint32_t chunk_add_switch(Chunk *c, const SwitchCase *cases, uint32_t count)
{
    uint32_t size = count;
    if (count > FEW_CASES)
        for (size = 16; size < 2 * count;) size *= 2;
    Switch s = {(uint32_t)c->cases.len, size, count > FEW_CASES};
    for (uint32_t i = 0; i < size; i++) vec_push(&c->cases, cases[i < count ? i : 0]);
    if (s.hashed) fill_table(c->cases.data + s.first, size, cases, count);
    vec_push(&c->switches, s);
    return (uint32_t)c->switches.len - 1;
}

const SwitchCase *chunk_case(const Chunk *c, const Switch *s, uint32_t i)
{
    const SwitchCase *cases = c->cases.data + s->first;
    if (!s->hashed) return &cases[i];
    /* Behind a hole no entry is where it is because of one that comes later. */
    uint32_t hole = 0;
    while (!word_is_nil(cases[hole].key)) hole++;
    return &cases[(hole + i) & (s->count - 1)];
}

/* -- Constants -- */

uint32_t chunk_constant(Chunk *c, Word w)
{
    for (size_t i = 0; i < c->constants.len; i++)
        if (c->constants.data[i] == w) return (uint32_t)i;
    if (c->constants.len > UINT16_MAX) return UINT16_MAX + 1;
    vec_push(&c->constants, w);
    return (uint32_t)c->constants.len - 1;
}

bool chunk_is_irreducible(Word w)
{
    return atom_is_cons(w) && (word_obj(w)->flags & (OBJ_EVALUATED | OBJ_STORED)) == OBJ_EVALUATED;
}

void chunk_irreducible(Word w)
{
    WordVec todo = {0};
    vec_push(&todo, w);
    while (todo.len) {
        Word expr = vec_pop(&todo);
        if (!atom_is_cons(expr) || (word_obj(expr)->flags & OBJ_STORED)) continue;
        word_obj(expr)->flags |= OBJ_EVALUATED;
        for (uint32_t i = 0; i < expr_len(expr); i++) vec_push(&todo, expr_at(expr, i));
    }
    vec_free(&todo);
}
