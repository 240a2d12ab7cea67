/* Queries: choosing an index, walking candidates, matching rows. */
#include "space/relation.h"

#include "atom/num.h"

enum {
    GOOD_COUNT = 16, /* candidates that do not justify one more index */
    ACCESS_MAX = 24, /* places of a pattern that are considered */
    CELLS_MAX = 16,
    BOUND_MAX = 32,
    INSIDE_ARGS = 8,
    INSIDE_ITEMS = 8,
    AHEAD = 6,
    DISTINCT_MAX = 8, /* more variables than this take the general path */
};

enum { CURSOR_SCAN, CURSOR_ONE, CURSOR_POSTING, CURSOR_RUNS };
enum { CURSOR_KIND = 3, CURSOR_WILD = 4 /* merge the wild list of the index */ };

/* -- Cheap tests -- */

static bool is_number_box(Word w)
{
    return word_is_heap(w) && (word_obj(w)->kind == OBJ_I64 || word_obj(w)->kind == OBJ_BIG);
}

static bool inline_rejects(Word a, Word b)
{
    if (word_is_double(a) || word_is_double(b)) {
        bool numbers = (word_is_double(a) || word_is_int(a)) && (word_is_double(b) || word_is_int(b));
        return !numbers || num_compare(a, b) != 0;
    }
    return !word_is_ext(a) || !word_is_ext(b) || !atom_equal(a, b);
}

static bool is_head_constant(Word w)
{
    return word_is_sym(w) || word_is_op(w);
}

static bool boxed_rejects(Word cell, Word term)
{
    const Obj *a = word_obj(cell), *b = word_obj(term);
    if (a->kind != b->kind || a->len != b->len) return true;
    if (a->kind != OBJ_EXPR) return a->kind == OBJ_STR && memcmp(a->body, b->body, a->len) != 0;
    if ((a->flags & b->flags & OBJ_STORED) && (a->flags & b->flags & OBJ_GROUND))
        return stored_hash(cell) != stored_hash(term);
    Word x = a->body[0], y = atom_deref(b->body[0]);
    if (x == y || word_is_var(x) || word_is_var(y)) return false;
    return is_head_constant(x) || is_head_constant(y);
}

bool cell_rejects_term(Word cell, Word term)
{
    if (word_is_slot(cell) || word_is_cell(term)) return false;
    if (cell == term) return cell == WORD_NAN;
    bool boxed = word_is_heap(cell);
    if (boxed != word_is_heap(term)) {
        Word box = boxed ? cell : term, other = boxed ? term : cell;
        return !(is_number_box(box) && word_is_double(other));
    }
    return boxed ? boxed_rejects(cell, term) : inline_rejects(cell, term);
}

/* -- Choosing an index -- */

typedef struct Access {
    uint64_t path;
    uint32_t tag;
} Access;

typedef struct AccessList {
    Access data[ACCESS_MAX];
    uint32_t len;
    bool has_deep; /* some argument is an expression: places inside may help */
} AccessList;

typedef struct Plan {
    Index *index; /* NULL: scan */
    uint32_t ref;
    size_t count; /* upper bound of the candidates */
} Plan;

static void access_add(AccessList *l, uint64_t path, uint32_t tag)
{
    if (l->len < ACCESS_MAX) l->data[l->len++] = (Access){path, tag};
}

/* The bound cells of a pattern, the whole tuple first when all are. */
static void access_cells(Space *s, const Relation *r, const Word *args, AccessList *l)
{
    uint64_t state = r->width;
    bool ground = true;
    l->len = 1;
    l->has_deep = false;
    for (uint32_t i = 0; i < r->width; i++) {
        Word arg = atom_deref(args[i]);
        uint32_t hash = 0;
        bool bound = !word_is_cell(arg) && term_hash(s->store, arg, &hash);
        ground &= bound;
        state = hash_step(state, hash);
        if (bound && i < CELLS_MAX) access_add(l, path_cell(i), hash);
        l->has_deep |= atom_is_cons(arg);
    }
    if (ground)
        l->data[0] = (Access){PATH_TUPLE, hash_end(state)};
    else
        l->data[0] = l->data[--l->len];
}

/* The bound places inside the expression TERM at PATH. */
static void access_inside(Space *s, Word term, uint64_t path, uint64_t state, AccessList *l)
{
    state = hash_step(state, expr_len(term));
    for (uint32_t i = 0; i < expr_len(term) && i < CELLS_MAX; i++) {
        Word item = atom_deref(expr_items(term)[i]);
        uint32_t hash;
        if (word_is_cell(item)) continue;
        if (term_hash(s->store, item, &hash))
            access_add(l, path_inside(path, i), hash_end(hash_step(state, hash)));
    }
}

static void access_deep(Space *s, const Relation *r, const Word *args, AccessList *l)
{
    l->len = 0;
    for (uint32_t i = 0; i < r->width && i < CELLS_MAX; i++) {
        Word arg = atom_deref(args[i]);
        if (!atom_is_cons(arg)) continue;
        access_inside(s, arg, path_cell(i), 0, l);
        uint64_t state = hash_step(0, expr_len(arg));
        for (uint32_t j = 0; j < expr_len(arg) && j < CELLS_MAX; j++) {
            Word item = atom_deref(expr_items(arg)[j]);
            if (atom_is_cons(item) && !expr_is_ground(item))
                access_inside(s, item, path_inside(path_cell(i), j), state, l);
        }
    }
}

static void consider(Relation *r, const Access *a, bool build, Plan *plan)
{
    Index *ix = relation_index(r, a->path);
    if (!ix && build) ix = relation_build_index(r, a->path);
    if (!ix) return;
    uint32_t ref = index_find(ix, a->tag);
    size_t count = index_count(ix, ref) + index_wild_count(ix);
    if (count < plan->count) *plan = (Plan){ix, ref, count};
}

static void consider_all(Relation *r, const AccessList *l, Plan *plan)
{
    for (uint32_t i = 0; i < l->len; i++) consider(r, &l->data[i], false, plan);
    for (uint32_t i = 0; i < l->len && plan->count > GOOD_COUNT; i++) consider(r, &l->data[i], true, plan);
}

static Plan plan_query(Space *s, Relation *r, const Word *args)
{
    Plan plan = {NULL, REF_NONE, r->live};
    AccessList l;
    if (r->live <= FEW_ROWS) {
        plan.count += r->grave_count;
        return plan;
    }
    access_cells(s, r, args, &l);
    consider_all(r, &l, &plan);
    if (plan.count > GOOD_COUNT && l.has_deep) {
        access_deep(s, r, args, &l);
        consider_all(r, &l, &plan);
    }
    return plan;
}

/* -- Opening and closing -- */

static inline uint32_t posting_peek(const Cursor *c, uint32_t posting, uint32_t at)
{
    const Posting *p = &c->index->postings.data[posting];
    return at < p->len ? c->index->pool[p->off + at] : NO_ROW;
}

/* Rows of a posting lie anywhere: fetch some ahead, so that their misses overlap. */
static inline void fetch_ahead(const Cursor *c, uint32_t at)
{
    uint32_t row = posting_peek(c, c->posting, at);
    if (row != NO_ROW) __builtin_prefetch(c->rel->cells + (size_t)row * c->rel->width);
}

static bool is_bound(Word w)
{
    return !word_is_cell(w) && (!atom_is_cons(w) || expr_is_ground(w));
}

static uint64_t bound_items(Word expr)
{
    uint64_t bound = 0;
    for (uint32_t i = 0; i < expr_len(expr) && i < INSIDE_ITEMS; i++)
        bound |= (uint64_t)is_bound(atom_deref(expr_items(expr)[i])) << i;
    return bound;
}

/* Note the arguments, and items of those that are expressions, that a row cannot change: at_end may look at them while the row's bindings are
 * in force. */
static void note_bound(Cursor *c, const Word *args)
{
    for (uint32_t i = 0; i < c->rel->width && i < BOUND_MAX; i++) {
        Word arg = atom_deref(args[i]);
        if (is_bound(arg))
            c->bound |= UINT32_C(1) << i;
        else if (atom_is_cons(arg) && i < INSIDE_ARGS)
            c->inside |= bound_items(arg) << (i * INSIDE_ITEMS);
    }
}

static void open_relation(Space *s, Relation *r, Word pattern, Cursor *c)
{
    const Word *args = relation_args(r, &pattern);
    Plan plan = plan_query(s, r, args);
    if (plan.count == 0) return;
    c->space = s;
    c->rel = r;
    c->limit = r->len;
    note_bound(c, args);
    c->index = plan.index;
    if (!plan.index) {
        c->mode = CURSOR_SCAN;
    } else if (ref_is_posting(plan.ref)) {
        c->mode = CURSOR_POSTING;
        c->posting = ref_posting(plan.ref);
        for (uint32_t i = 0; i < AHEAD; i++) fetch_ahead(c, i);
    } else {
        c->mode = CURSOR_ONE;
        c->pos = plan.ref;
    }
    if (plan.index && plan.index->postings.data[WILD_POSTING].len) c->mode |= CURSOR_WILD;
    relation_pin(r);
}

/* Rows of other relations that match by a variable in the head position, or by being one. */
static void open_generics(Space *s, Cursor *c)
{
    c->space = s;
    c->generic_limit = (uint32_t)s->generics.len;
    c->pinned = (uint32_t)s->generic_rels.len;
    for (uint32_t i = 0; i < c->pinned; i++) relation_pin(s->rels.data[s->generic_rels.data[i]]);
}

/* A pattern without a head: all relations in insertion order. */
static void open_runs(Space *s, Cursor *c)
{
    if (s->count == 0) return;
    c->space = s;
    c->mode = CURSOR_RUNS;
    c->pinned = (uint32_t)s->rels.len;
    for (uint32_t i = 0; i < c->pinned; i++) relation_pin(s->rels.data[i]);
    runs_pin(s);
    c->limit = (uint32_t)s->runs.len;
}

void cursor_open(Space *s, Word pattern, Cursor *c)
{
    pattern = atom_deref(pattern);
    memset(c, 0, sizeof *c);
    c->view = s->epoch;
    if (is_headless(pattern)) {
        c->arity = word_is_cell(pattern) ? 0 : expr_len(pattern);
        open_runs(s, c);
        return;
    }
    Word head = relation_key(pattern, &c->arity);
    Relation *r = relation_find(s, head, c->arity);
    if (r && (r->live || r->grave_count)) open_relation(s, r, pattern, c);
    if (UNLIKELY(s->generics.len)) open_generics(s, c);
}

void cursor_close(Cursor *c)
{
    Space *s = c->space;
    if (!s) return;
    c->space = NULL;
    if ((c->mode & CURSOR_KIND) == CURSOR_RUNS) {
        runs_unpin(s);
        for (uint32_t i = 0; i < c->pinned; i++) relation_unpin(s, s->rels.data[i]);
        return;
    }
    if (c->rel) relation_unpin(s, c->rel);
    for (uint32_t i = 0; i < c->pinned; i++) relation_unpin(s, s->rels.data[s->generic_rels.data[i]]);
}

void cursor_copy(const Cursor *c, Cursor *to)
{
    Space *s = c->space;
    *to = *c;
    if (!s) return;
    if ((c->mode & CURSOR_KIND) == CURSOR_RUNS) {
        for (uint32_t i = 0; i < c->pinned; i++) relation_pin(s->rels.data[i]);
        runs_pin(s);
        return;
    }
    if (c->rel) relation_pin(c->rel);
    for (uint32_t i = 0; i < c->pinned; i++) relation_pin(s->rels.data[s->generic_rels.data[i]]);
}

/* -- Walking one relation -- */

static inline uint32_t stream_peek(Cursor *c)
{
    uint32_t row;
    switch (c->mode & CURSOR_KIND) {
    case CURSOR_SCAN:
        return c->pos = row_skip_dead(c->rel, c->pos, c->limit);
    case CURSOR_POSTING:
        row = posting_peek(c, c->posting, c->pos);
        break;
    default:
        row = c->pos;
        break;
    }
    if (UNLIKELY(c->mode & CURSOR_WILD)) {
        uint32_t wild = posting_peek(c, WILD_POSTING, c->wild_pos);
        if (wild < row) row = wild;
    }
    return row;
}

static inline void stream_step(Cursor *c, uint32_t row)
{
    if (UNLIKELY(c->mode & CURSOR_WILD)) {
        if (posting_peek(c, WILD_POSTING, c->wild_pos) == row) c->wild_pos++;
        /* A row may be in both lists: it is one candidate. */
        bool posting = (c->mode & CURSOR_KIND) == CURSOR_POSTING;
        if ((posting ? posting_peek(c, c->posting, c->pos) : c->pos) != row) return;
    }
    if ((c->mode & CURSOR_KIND) == CURSOR_ONE)
        c->pos = NO_ROW;
    else if ((c->mode & CURSOR_KIND) == CURSOR_POSTING)
        fetch_ahead(c, c->pos++ + AHEAD);
    else
        c->pos++;
}

/* The next visible row of the cursor's relation, not yet stepped over; NO_ROW at the end. */
static inline uint32_t row_peek(Cursor *c)
{
    if (!c->rel) return NO_ROW;
    for (;;) {
        uint32_t row = stream_peek(c);
        if (row >= c->limit) return NO_ROW;
        if (row_visible(c->rel, row, c->view)) return row;
        stream_step(c, row);
    }
}

/* -- Walking several relations -- */

typedef struct Candidate {
    Relation *rel; /* NULL: none left */
    uint32_t row;
} Candidate;

static Candidate generic_peek(Cursor *c)
{
    const Space *s = c->space;
    for (; c->generic_pos < c->generic_limit; c->generic_pos++) {
        Generic g = s->generics.data[c->generic_pos];
        Relation *r = s->rels.data[g.rel];
        if (r == c->rel || (!relation_is_bag(r) && r->arity != c->arity)) continue;
        if (row_visible(r, g.row, c->view)) return (Candidate){r, g.row};
    }
    return (Candidate){NULL, NO_ROW};
}

/* The cursor's own relation merged with the generic rows. */
static Candidate merged_next(Cursor *c)
{
    uint32_t row = row_peek(c);
    Candidate g = generic_peek(c);
    if (g.rel && (row == NO_ROW || row_run(c->space, g.rel, g.row) < row_run(c->space, c->rel, row))) {
        c->generic_pos++;
        return g;
    }
    if (row == NO_ROW) return (Candidate){NULL, NO_ROW};
    stream_step(c, row);
    return (Candidate){c->rel, row};
}

/* Can rows of R match a pattern without a head? */
static bool runs_want(const Cursor *c, const Relation *r)
{
    if (c->arity == 0 || r->arity == c->arity) return true;
    return relation_is_bag(r) && r->generic_count > 0;
}

static Candidate run_peek(Cursor *c)
{
    Space *s = c->space;
    for (; c->pos < c->limit; c->pos++, c->wild_pos = 0) {
        const Run *run = &s->runs.data[c->pos];
        Relation *r = s->rels.data[run->rel];
        if (!runs_want(c, r)) continue;
        for (; c->wild_pos < run->count; c->wild_pos++)
            if (row_visible(r, run->row + c->wild_pos, c->view))
                return (Candidate){r, run->row + c->wild_pos};
    }
    return (Candidate){NULL, NO_ROW};
}

static Candidate next_candidate(Cursor *c)
{
    if ((c->mode & CURSOR_KIND) == CURSOR_RUNS) {
        Candidate found = run_peek(c);
        c->wild_pos++;
        return found;
    }
    if (UNLIKELY(c->generic_limit)) return merged_next(c);
    uint32_t row = row_peek(c);
    if (row == NO_ROW) return (Candidate){NULL, NO_ROW};
    stream_step(c, row);
    return (Candidate){c->rel, row};
}

/* -- Matching a row -- */

static Word *clear_slots(Space *s, const RowVars *v)
{
    uint32_t n = v ? v->slot_count : 0;
    vec_clear(&s->slots);
    vec_reserve(&s->slots, n + 1);
    for (uint32_t i = 0; i < n; i++) s->slots.data[i] = WORD_NIL;
    return s->slots.data;
}

/* A row as a fresh heap term. */
static Word row_atom(Space *s, const Relation *r, uint32_t row)
{
    const Word *cells = row_cells(r, row);
    const RowVars *v = row_vars(r, row);
    const SlotName *names = v ? v->names : NULL;
    Word *slots = clear_slots(s, v), *items;
    if (relation_is_bag(r)) return instantiate(s->heap, cells[0], slots, names);
    Word atom = atom_expr_open(s->heap, r->arity, &items);
    if (relation_has_head(r)) *items++ = r->head;
    for (uint32_t i = 0; i < r->width; i++) items[i] = instantiate(s->heap, cells[i], slots, names);
    expr_seal(atom);
    return atom;
}

static bool match_cells(Bind *b, const Word *terms, const Word *cells, uint32_t n, int depth);

/* Unify the dereferenced TERM with the stored CELL, which has no variables. */
static inline bool match_cell(Bind *b, Word term, Word cell, int depth)
{
    if (word_is_cell(term)) {
        bind_cell(b, term, cell);
        return true;
    }
    if (term == cell) return cell != WORD_NAN;
    if (depth == 0 || !atom_is_cons(term) || !atom_is_cons(cell)) return unify(b, term, cell);
    return expr_len(term) == expr_len(cell) &&
           match_cells(b, expr_items(term), expr_items(cell), expr_len(cell), depth - 1);
}

static bool match_cells(Bind *b, const Word *terms, const Word *cells, uint32_t n, int depth)
{
    for (uint32_t i = 0; i < n; i++)
        if (!match_cell(b, atom_deref(terms[i]), cells[i], depth)) return false;
    return true;
}

bool match_ground(const Relation *r, uint32_t row, Bind *b, const Word *args)
{
    enum { DEPTH = 8 };
    return match_cells(b, args, row_cells(r, row), r->width, DEPTH);
}

static bool match_general(Space *s, const Relation *r, uint32_t row, Bind *b, Word pattern)
{
    if (word_is_cell(pattern)) return unify(b, pattern, row_atom(s, r, row));
    if (row_is_ground(r, row) && !relation_is_bag(r) &&
        (!relation_has_head(r) || atom_deref(expr_items(pattern)[0]) == r->head))
        return match_ground(r, row, b, relation_args(r, &pattern));
    const Word *cells = row_cells(r, row);
    const RowVars *v = row_vars(r, row);
    Word *slots = clear_slots(s, v);
    if (relation_is_bag(r)) return match_stored(b, cells[0], pattern, slots, v ? v->names : NULL);
    const Word *args = relation_args(r, &pattern);
    if (relation_has_head(r) && !unify(b, expr_items(pattern)[0], r->head)) return false;
    for (uint32_t i = 0; i < r->width; i++) {
        bool ok = stored_is_ground(cells[i]) ? unify(b, args[i], cells[i])
                                             : match_stored(b, cells[i], args[i], slots, v->names);
        if (!ok) return false;
    }
    return true;
}

static bool match_in_trial(Space *s, const Relation *r, uint32_t row, Bind *b, Word pattern)
{
    Trial t = trial_begin(b);
    WordVec *custom = b->custom;
    b->custom = NULL;
    bool ok = match_general(s, r, row, b, pattern);
    b->custom = custom;
    return trial_end(b, t, ok);
}

static bool all_distinct(const Word *vars, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (vars[i] == vars[j]) return false;
    return true;
}

/* Rows without variables against constants and distinct variables need no unifier and no trial. */
static inline bool match_row(Space *s, const Relation *r, uint32_t row, Bind *b, Word pattern)
{
    const Word *cells = row_cells(r, row), *args = relation_args(r, &pattern);
    Word vars[DISTINCT_MAX];
    uint32_t at[DISTINCT_MAX], n = 0;
    bool general = !row_is_ground(r, row);
    for (uint32_t i = 0; i < r->width; i++) {
        Word arg = atom_deref(args[i]), cell = cells[i];
        if (word_is_cell(arg)) {
            if (n < DISTINCT_MAX) {
                vars[n] = arg;
                at[n] = i;
            }
            n++;
        } else if (arg != cell || word_is_double(arg)) {
            if (cell_rejects(cell, arg)) return false;
            general |= word_is_heap(arg) || word_is_heap(cell);
        }
    }
    if (UNLIKELY(general || n > DISTINCT_MAX || !all_distinct(vars, n)))
        return match_in_trial(s, r, row, b, pattern);
    for (uint32_t i = 0; i < n; i++) bind_cell(b, vars[i], cells[at[i]]);
    return true;
}

bool cursor_next(Cursor *c, Bind *b, Word pattern)
{
    if (!c->space) return false;
    pattern = atom_deref(pattern);
    for (;;) {
        Candidate x = next_candidate(c);
        if (!x.rel) break;
        /* A row of another relation matches by its head or as a whole. */
        bool ok = x.rel == c->rel ? match_row(c->space, x.rel, x.row, b, pattern)
                                  : match_in_trial(c->space, x.rel, x.row, b, pattern);
        if (ok) return true;
    }
    cursor_close(c);
    return false;
}

/* Does the stored word CELL certainly not match EXPR, of whose items those in BOUND were bound at opening? */
static bool items_reject(Word cell, Word expr, uint64_t bound)
{
    if (word_is_slot(cell)) return false;
    if (!atom_is_cons(cell) || expr_len(cell) != expr_len(expr)) return true;
    for (; bound; bound &= bound - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(bound);
        if (cell_rejects(expr_items(cell)[i], atom_deref(expr_items(expr)[i]))) return true;
    }
    return false;
}

static bool bound_reject(const Cursor *c, uint32_t row, const Word *args)
{
    const Word *cells = row_cells(c->rel, row);
    for (uint32_t mask = c->bound; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        if (cell_rejects(cells[i], atom_deref(args[i]))) return true;
    }
    for (uint64_t rest = c->inside, i = 0; rest; rest >>= INSIDE_ITEMS, i++) {
        uint64_t bound = rest & ((1 << INSIDE_ITEMS) - 1);
        if (bound && items_reject(cells[i], atom_deref(args[i]), bound)) return true;
    }
    return false;
}

bool cursor_at_end(Cursor *c, Word pattern)
{
    if (!c->space) return true;
    if ((c->mode & CURSOR_KIND) == CURSOR_RUNS) return !run_peek(c).rel;
    if (c->generic_limit && generic_peek(c).rel) return false;
    pattern = atom_deref(pattern);
    for (;;) {
        uint32_t row = row_peek(c);
        if (row == NO_ROW) return true;
        if (word_is_nil(pattern) || !bound_reject(c, row, relation_args(c->rel, &pattern))) return false;
        stream_step(c, row);
    }
}

size_t space_estimate(Space *s, Word pattern)
{
    pattern = atom_deref(pattern);
    if (word_is_cell(pattern)) return s->count;
    size_t n = s->generics.len;
    if (is_headless(pattern)) {
        for (size_t i = 0; i < s->rels.len; i++)
            if (s->rels.data[i]->arity == expr_len(pattern)) n += s->rels.data[i]->live;
        return n;
    }
    uint32_t arity;
    Word head = relation_key(pattern, &arity);
    Relation *r = relation_find(s, head, arity);
    if (r && r->live) n += plan_query(s, r, relation_args(r, &pattern)).count;
    return n;
}

bool space_may_match(Space *s, Word pattern)
{
    pattern = atom_deref(pattern);
    if (s->generics.len || is_headless(pattern)) return s->count > 0;
    uint32_t arity;
    Word head = relation_key(pattern, &arity);
    const Relation *r = relation_find(s, head, arity);
    return r && r->live;
}

void space_each(Space *s, SpaceVisit f, void *context)
{
    Cursor c;
    memset(&c, 0, sizeof c);
    c.view = s->epoch;
    open_runs(s, &c);
    while (c.space) {
        Candidate x = next_candidate(&c);
        if (x.rel)
            f(context, row_atom(s, x.rel, x.row));
        else
            cursor_close(&c);
    }
}
