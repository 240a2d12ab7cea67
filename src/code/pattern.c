/* Patterns against locals.  All tests come first and the variables are set when nothing can fail any more: what a pattern that
 * does not match has done must not be seen by the next one. */
#include "code/compiler.h"

/* A variable of the pattern that is item I of the expression in local FROM. */
typedef struct Occurrence {
    Word slot;
    uint32_t from, item;
    uint32_t part; /* local with the item, NO_LOCAL while it is in none */
} Occurrence;

typedef struct Matching {
    Compiler *c;
    uint32_t miss, *slow;
    VEC(Occurrence) variables;
} Matching;

static bool is_constant(Word w)
{
    return word_is_sym(w) || word_is_bool(w) || word_is_int(w) || w == WORD_UNIT;
}

bool pattern_key(Word pattern, Word *head, uint32_t *len)
{
    *len = atom_is_cons(pattern) ? expr_len(pattern) : 0;
    *head = *len ? expr_at(pattern, 0) : pattern;
    return is_constant(*head);
}

/* -- Tests -- */

/* Has the clause met no variable of PATTERN before? */
static bool is_all_new(Matching *m, Word pattern)
{
    uint32_t *counts = count_slots(m->c, pattern);
    bool new = true;
    for (uint32_t i = 0; i < m->c->slots.len; i++)
        if (counts[i]) new &= m->c->slots.data[i].state == SLOT_NONE;
    for (size_t i = 0; i < m->variables.len; i++)
        new &= counts[word_slot_index(m->variables.data[i].slot)] == 0;
    base_free(counts);
    return new;
}

/* Where a test goes that leaves it to unification. */
static uint32_t slow_label(Matching *m)
{
    m->c->tests++;
    return need_label(m->c, m->slow);
}

/* The same of the test whether LOCAL holds an expression like PATTERN. */
static uint32_t slow_part(Matching *m, Word pattern, uint32_t local)
{
    Compiler *c = m->c;
    if (!c->in_head || !is_all_new(m, pattern)) return slow_label(m);
    NewPart part = {.label = new_label(c), .local = local, .pattern = pattern};
    vec_push(&c->new_parts, part);
    c->tests++;
    return part.label;
}

static void match(Matching *m, Word pattern, uint32_t local, int depth);

/* The items from FIRST on. */
static void match_items(Matching *m, Word pattern, uint32_t local, uint32_t first, int depth)
{
    Compiler *c = m->c;
    for (uint32_t i = first; i < expr_len(pattern) && c->refusal == REFUSED_NONE; i++) {
        Word item = expr_at(pattern, i);
        if (word_is_slot(item) && slot_info(c, item)->state == SLOT_NONE) {
            Occurrence o = {item, local, i, NO_LOCAL};
            vec_push(&m->variables, o);
            continue;
        }
        uint32_t part = new_local(c);
        EMIT3(c, OP_GET_ITEM, local, i, part);
        match(m, item, part, depth - 1);
    }
}

/* The same behind the outermost test, of which a new part may tell: it would be behind PARTS others. */
static void match_part(Matching *m, Word pattern, uint32_t local, uint32_t first, int depth, size_t parts)
{
    Compiler *c = m->c;
    bool new = c->new_parts.len > parts;
    if (new) {
        c->new_parts.data[parts].back = new_label(c);
        place_label(c, c->new_parts.data[parts].back);
    }
    match_items(m, pattern, local, first, depth);
    if (new) c->new_parts.data[parts].tests = c->tests;
}

/* Only unification can match this pattern. */
static void leave_to_unification(Matching *m, Word pattern)
{
    EMIT1(m->c, OP_JUMP, slow_label(m));
    slots_of_term(m->c, pattern, SLOT_SET);
}

static void match(Matching *m, Word pattern, uint32_t local, int depth)
{
    Compiler *c = m->c;
    Word head;
    uint32_t len;
    if (word_is_slot(pattern)) {
        if (slot_info(c, pattern)->state == SLOT_SET)
            EMIT3(c, OP_MATCH_SAME, local, slot_local(c, pattern), slow_label(m));
        else
            leave_to_unification(m, pattern);
    } else if (pattern_key(pattern, &head, &len) && len <= UINT8_MAX && depth > 0) {
        if (!len) {
            EMIT4(c, OP_MATCH_CONST, local, constant(c, head), m->miss, slow_label(m));
            return;
        }
        size_t parts = c->new_parts.len;
        uint32_t slow = slow_part(m, pattern, local);
        EMIT5(c, OP_MATCH_FUNCTOR, local, constant(c, head), len, m->miss, slow);
        match_part(m, pattern, local, 1, depth, parts);
    } else if (atom_is_cons(pattern) && expr_len(pattern) <= UINT8_MAX && depth > 0) {
        size_t parts = c->new_parts.len;
        uint32_t slow = slow_part(m, pattern, local);
        EMIT4(c, OP_MATCH_LENGTH, local, expr_len(pattern), m->miss, slow);
        match_part(m, pattern, local, 0, depth, parts);
    } else if (!atom_is_cons(pattern)) {
        EMIT4(c, OP_MATCH_ATOM, local, constant(c, pattern), m->miss, slow_label(m));
    } else {
        leave_to_unification(m, pattern);
    }
}

/* -- Variables -- */

static Occurrence *first_occurrence(Matching *m, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (m->variables.data[k].slot == m->variables.data[i].slot) return &m->variables.data[k];
    return NULL;
}

static uint32_t fetch_part(Compiler *c, Occurrence *o)
{
    if (o->part != NO_LOCAL) return o->part;
    o->part = new_local(c);
    EMIT3(c, OP_GET_ITEM, o->from, o->item, o->part);
    return o->part;
}

/* The items that a variable stands for must be the same. */
static void match_repeated(Matching *m)
{
    Compiler *c = m->c;
    for (size_t i = 0; i < m->variables.len; i++) {
        Occurrence *first = first_occurrence(m, i);
        if (!first) continue;
        uint32_t x = fetch_part(c, first), y = fetch_part(c, &m->variables.data[i]);
        EMIT3(c, OP_MATCH_SAME, x, y, slow_label(m));
    }
}

static void set_variables(Matching *m)
{
    Compiler *c = m->c;
    for (size_t i = 0; i < m->variables.len; i++) {
        Occurrence *o = &m->variables.data[i];
        SlotInfo *info = slot_info(c, o->slot);
        if (info->state == SLOT_SET) continue;
        if (o->part == NO_LOCAL) {
            EMIT3(c, OP_GET_ITEM, o->from, o->item, info->local);
        } else {
            EMIT1(c, OP_LOAD_LOCAL, o->part);
            EMIT1(c, OP_STORE_LOCAL, info->local);
        }
        info->state = SLOT_SET;
    }
}

static void finish(Matching *m)
{
    match_repeated(m);
    set_variables(m);
    vec_free(&m->variables);
}

void match_pattern(Compiler *c, Word pattern, uint32_t local, uint32_t miss, uint32_t *slow, int depth)
{
    Matching m = {.c = c, .miss = miss, .slow = slow};
    if (word_is_slot(pattern) && slot_info(c, pattern)->state == SLOT_NONE) {
        if (slot_local(c, pattern) != local) {
            EMIT1(c, OP_LOAD_LOCAL, local);
            EMIT1(c, OP_STORE_LOCAL, slot_local(c, pattern));
        }
        slot_info(c, pattern)->state = SLOT_SET;
        return;
    }
    match(&m, pattern, local, depth);
    finish(&m);
}

void match_inside(Compiler *c, Word pattern, uint32_t local, uint32_t miss, uint32_t *slow, int depth)
{
    Matching m = {.c = c, .miss = miss, .slow = slow};
    if (atom_is_cons(pattern)) match_items(&m, pattern, local, 1, depth);
    finish(&m);
}

/* -- Unification of two terms of a clause -- */

/* Is one of X and Y a variable that holds something?  Then it is *VALUE, and the other can be matched against it. */
static bool find_value(Compiler *c, Word x, Word y, Word *value, Word *pattern)
{
    bool first = word_is_slot(x) && slot_info(c, x)->state == SLOT_SET;
    *value = first ? x : y;
    *pattern = first ? y : x;
    return first || (word_is_slot(y) && slot_info(c, y)->state == SLOT_SET);
}

static void emit_unification(Compiler *c, const Unification *u)
{
    if (u->op != OP_UNIFY_TERMS) {
        EMIT4(c, u->op, template(c, u->x), template(c, u->y), u->operands[0], u->operands[1]);
        return;
    }
    EMIT5(c, OP_UNIFY_TERMS, template(c, u->x), template(c, u->y), u->operands[0], u->otherwise, u->matched);
    EMIT0(c, OP_POP);
}

static void both_set(Compiler *c, const Unification *u)
{
    slots_of_term(c, u->x, SLOT_SET);
    slots_of_term(c, u->y, SLOT_SET);
}

void unify_begin(Compiler *c, Unification *u)
{
    Word value, pattern;
    u->matches = find_value(c, u->x, u->y, &value, &pattern);
    u->matched = new_label(c);
    u->slow = NO_LABEL;
    u->before = slots_save(c);
    if (u->matches)
        match_pattern(c, pattern, slot_local(c, value), u->otherwise, &u->slow, MAX_NESTING);
    else
        emit_unification(c, u);
    place_label(c, u->matched);
    both_set(c, u);
    raw_slots(c, u->x);
    raw_slots(c, u->y);
}

void unify_otherwise(Compiler *c, Unification *u)
{
    slots_restore(c, u->before);
    if (!u->matches) both_set(c, u);
    u->before = slots_save(c);
    place_label(c, u->otherwise);
}

void unify_end(Compiler *c, Unification *u)
{
    slots_restore(c, u->before);
    if (u->slow == NO_LABEL) return;
    place_label(c, u->slow);
    emit_unification(c, u);
    EMIT1(c, OP_JUMP, u->matched);
}
