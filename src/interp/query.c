/* Pattern queries: match, conjunctions, unification with spaces inside. */
#include "interp/engine.h"

/* A row was found: the other conjuncts, or the result. */
static Step match_found(Machine *m, const Word slots[MATCH_SLOTS])
{
    Word rest = slots[MATCH_REST];
    if (UNLIKELY(m->rt->debug.derives)) m->rt->debug.ports->row(m, slots[MATCH_PATTERN]);
    if (rest == WORD_UNIT) return call_result(m, slots[MATCH_GOAL], slots[MATCH_RESULT], slots[MATCH_TYPE]);
    return join_start(m, expr_items(rest), expr_len(rest), slots[MATCH_GOAL], slots[MATCH_RESULT],
                      slots[MATCH_TYPE]);
}

typedef struct RowSearch {
    Cursor cursor;
    Scope *scope;
    uint32_t space, limit; /* index in the scope, number of spaces to search */
    unsigned flags;
} RowSearch;

/* A search that begins: dependencies at the end that hold no candidate are left out, so that the last row of the space
 * itself is known to be the last. */
static RowSearch rows_begin(Machine *m, const Word slots[MATCH_SLOTS], unsigned flags)
{
    Scope *scope = rt_scope(m->rt, word_space(slots[MATCH_SPACE]));
    uint32_t limit = flags & MATCH_OWN ? 1 : (uint32_t)scope->spaces.len;
    while (limit > 1 && !space_may_match(scope->spaces.data[limit - 1], slots[MATCH_PATTERN])) limit--;
    return (RowSearch){.scope = scope, .limit = limit, .flags = flags | MATCH_CLOSED};
}

/* Bind the pattern to the next row of any space of the scope.  The pattern must be as free as when the search began. */
static bool rows_next(Machine *m, RowSearch *s, Word pattern)
{
    for (; s->space < s->limit; s->space++, s->flags |= MATCH_CLOSED) {
        if (s->flags & MATCH_CLOSED) cursor_open(s->scope->spaces.data[s->space], pattern, &s->cursor);
        s->flags &= ~(unsigned)MATCH_CLOSED;
        if (cursor_next(&s->cursor, &m->rt->bind, pattern)) return true;
    }
    return false;
}

/* After a row: is there certainly none left?  The next space is opened when it is its turn. */
static bool rows_at_end(RowSearch *s, Word pattern)
{
    if (!cursor_at_end(&s->cursor, pattern)) return false;
    cursor_close(&s->cursor);
    s->space++;
    s->flags |= MATCH_CLOSED;
    return s->space >= s->limit;
}

size_t match_left(const Choice *c)
{
    return c->count > MATCH_SLOTS ? (size_t)word_int48_get(c->slot[MATCH_LEFT]) : 0;
}

/* C, if it is not NULL, wants no more rows than the one taken. */
static bool is_last_wanted(RowSearch *s, Choice *c)
{
    size_t left = UNLIKELY(c && c->count > MATCH_SLOTS) ? match_left(c) : 0;
    if (LIKELY(left == 0)) return false;
    if (left == 1) cursor_close(&s->cursor);
    c->slot[MATCH_LEFT] = word_int48((int64_t)left - 1);
    return left == 1;
}

/* Take the next row, and leave or keep choice point C (NULL: none yet) if more may follow. */
static bool find_row(Machine *m, RowSearch *s, const Word slots[MATCH_SLOTS], Choice *c)
{
    Bind *b = &m->rt->bind;
    Word pattern = slots[MATCH_PATTERN];
    Trial t = trial_begin(b);
    uint64_t keep = b->keep;
    if (!rows_next(m, s, pattern)) {
        trial_abort(b, t);
        if (c) machine_drop(m, c);
        return false;
    }
    trial_commit(b, t);
    if (rows_at_end(s, pattern) || is_last_wanted(s, c)) {
        if (c) machine_drop(m, c);
        return true;
    }
    if (!c) {
        c = machine_choice(m, CHOICE_MATCH, MATCH_SLOTS);
        memcpy(c->slot, slots, MATCH_SLOTS * sizeof(Word));
        c->trail = t.mark;
        c->keep = c->born = keep;
        c->limit = s->limit;
    }
    b->keep = c->keep;
    c->flags = (uint8_t)s->flags;
    c->index = s->space;
    c->u.cursor = s->cursor;
    return true;
}

static Step match_start(Machine *m, const Word slots[MATCH_SLOTS], unsigned flags)
{
    RowSearch s = rows_begin(m, slots, flags);
    return find_row(m, &s, slots, NULL) ? match_found(m, slots) : STEP_FAIL;
}

bool match_rows(Machine *m, Space *space, Word pattern)
{
    const Scope *scope = rt_scope(m->rt, space);
    RowsSeen seen = space_glance(scope->spaces.data, scope->spaces.len, pattern, &m->rt->bind);
    if (LIKELY(seen != ROWS_UNKNOWN)) return seen == ROWS_ONE;
    const Word slots[MATCH_SLOTS] = {space_word(space), pattern, WORD_UNIT, WORD_UNIT, WORD_UNIT, WORD_NIL};
    RowSearch s = rows_begin(m, slots, 0);
    return find_row(m, &s, slots, NULL);
}

bool match_is_bare(const Choice *c)
{
    return c->slot[MATCH_RESULT] == WORD_UNIT && word_is_nil(c->slot[MATCH_TYPE]);
}

/* Put the state back to what it was when C, the newest choice point, was made, and bind its pattern to the next row.  False: there is none.  Without a
 * next one C is dropped, though its slots are still there. */
static bool next_row(Machine *m, Choice *c)
{
    machine_restore(m, c);
    Scope *scope = rt_scope(m->rt, word_space(c->slot[MATCH_SPACE]));
    RowSearch s = {c->u.cursor, scope, c->index, c->limit, c->flags};
    return find_row(m, &s, c->slot, c);
}

Step match_resume(Machine *m, Choice *c)
{
    Word slots[MATCH_SLOTS];
    memcpy(slots, c->slot, sizeof slots);
    return next_row(m, c) ? match_found(m, slots) : STEP_FAIL;
}

bool match_more(Machine *m, Choice *c)
{
    Word rest = c->slot[MATCH_REST];
    if (!next_row(m, c)) return false;
    if (LIKELY(rest == WORD_UNIT)) return true;
    return join_start(m, expr_items(rest), expr_len(rest), WORD_UNIT, WORD_UNIT, WORD_NIL) == STEP_RETURN;
}

/* -- Conjunctions: the pattern with the fewest candidates goes first -- */

static size_t estimate(Machine *m, Word space, Word pattern)
{
    const Scope *scope = rt_scope(m->rt, word_space(space));
    size_t n = 0;
    for (size_t i = 0; i < scope->spaces.len; i++) n += space_estimate(scope->spaces.data[i], pattern);
    return n;
}

/* Index (even) of the pair to solve next.  Written order stands unless another pattern has less than half the rows. */
static uint32_t choose_pair(Machine *m, const Word *pairs, uint32_t n)
{
    uint32_t best = 0;
    size_t least = n > 2 ? estimate(m, pairs[0], pairs[1]) : 0;
    for (uint32_t i = 2; i < n && least > 1; i += 2) {
        size_t rows = estimate(m, pairs[i], pairs[i + 1]);
        if (rows < least / 2 || rows == 0) {
            least = rows;
            best = i;
        }
    }
    return best;
}

Step join_start(Machine *m, const Word *pairs, uint32_t n, Word goal, Word result, Word type)
{
    if (n == 0) return call_result(m, goal, result, type);
    uint32_t at = choose_pair(m, pairs, n);
    Word rest = WORD_UNIT;
    if (n > 2) {
        Word *items;
        rest = atom_expr_open(&m->rt->heap, n - 2, &items);
        memcpy(items, pairs, at * sizeof(Word));
        memcpy(items + at, pairs + at + 2, (n - at - 2) * sizeof(Word));
    }
    const Word slots[MATCH_SLOTS] = {pairs[at], pairs[at + 1], rest, goal, result, type};
    return match_start(m, slots, 0);
}

/* -- Operations -- */

Step match_each(Machine *m, Word space, Word pattern, Word goal, Word result, Word type)
{
    if (!is_conjunction(pattern)) {
        const Word one[] = {space, pattern};
        return join_start(m, one, 2, goal, result, type);
    }
    WordVec pairs = {0};
    for (uint32_t i = 1; i < expr_len(pattern); i++) {
        vec_push(&pairs, space);
        vec_push(&pairs, expr_at(pattern, i));
    }
    Step step = join_start(m, pairs.data, (uint32_t)pairs.len, goal, result, type);
    vec_free(&pairs);
    return step;
}

bool match_all(Machine *m, Space *space, Word pattern)
{
    return match_each(m, space_word(space), pattern, WORD_UNIT, WORD_UNIT, WORD_NIL) == STEP_RETURN;
}

Step special_match(Machine *m, Word goal, Word type)
{
    Word space = atom_deref(expr_at(goal, 1));
    if (!word_space(space))
        return call_error(m, goal, rt_message(m->rt, "match expects a space as the first argument"), type);
    return match_each(m, space, atom_deref(expr_at(goal, 2)), goal, expr_at(goal, 3), type);
}

Step special_get_atoms(Machine *m, Word goal, Word type)
{
    Word space = atom_deref(expr_at(goal, 1));
    Space *s = word_space(space);
    if (!s) return call_error(m, goal, rt_message(m->rt, "get-atoms expects a space as its argument"), type);
    /* Only the space's own atoms, not those of what it depends on. */
    Word var = atom_new_var(&m->rt->heap, SYM_T_ATOM, 0);
    const Word slots[MATCH_SLOTS] = {space, var, WORD_UNIT, goal, var, type};
    return match_start(m, slots, MATCH_OWN);
}

/* A symbol or other atom that is no expression is reduced by (= ATOM RESULT) facts. */
Step eval_symbol(Machine *m, Word atom)
{
    if (word_is_var(atom)) return step_return(m, W_SYM(NOT_REDUCIBLE));
    Heap *h = &m->rt->heap;
    Word var = atom_new_var(h, SYM_EQUAL, 0);
    Word pattern = atom_expr3(h, W_SYM(EQUAL), atom, var);
    const Word slots[MATCH_SLOTS] = {space_word(m->scope->own), pattern, WORD_UNIT, atom, var, WORD_NIL};
    Step step = match_start(m, slots, 0);
    return step == STEP_FAIL ? step_return(m, W_SYM(NOT_REDUCIBLE)) : step;
}

/* The pairs (space, pattern) met by a unification are queries: RESULT for each common solution.  *FOUND: the first query had a row; if not, nothing
 * was left behind. */
static Step unify_custom(Machine *m, const WordVec *pairs, Word goal, Word result, Word type, bool *found)
{
    *found = false;
    for (size_t i = 0; i < pairs->len; i += 2)
        if (!word_space(pairs->data[i])) return STEP_FAIL;
    if (pairs->len > 2) {
        Step step = join_start(m, pairs->data, (uint32_t)pairs->len, goal, result, type);
        *found = step != STEP_FAIL;
        return step;
    }
    const Word slots[MATCH_SLOTS] = {pairs->data[0], pairs->data[1], WORD_UNIT, goal, result, type};
    RowSearch s = rows_begin(m, slots, 0);
    *found = find_row(m, &s, slots, NULL);
    return *found ? match_found(m, slots) : STEP_FAIL;
}

Step unify_then(Machine *m, Unification unification, Word x, Word y, Word goal, Word result, Word otherwise,
                Word type)
{
    Bind *b = &m->rt->bind;
    WordVec custom = {0};
    Trial t = trial_begin(b);
    b->custom = &custom;
    bool ok = unification(b, x, y);
    b->custom = NULL;
    Step step = STEP_FAIL;
    if (ok && custom.len > 0) {
        step = unify_custom(m, &custom, goal, result, type, &ok);
        if (ok) b->keep = m->choice->keep;
    } else if (ok) {
        trial_commit(b, t);
        step = call_result(m, goal, result, type);
    }
    if (!ok) {
        trial_abort(b, t);
        step = call_result(m, goal, otherwise, type);
    }
    vec_free(&custom);
    return step;
}

bool match_is_open(const Choice *c)
{
    return !(c->flags & MATCH_CLOSED);
}
