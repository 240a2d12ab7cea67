/* Matching: trail and trials, unification, stored patterns, copies; random terms against the oracle of naive.h. */
#include "match/match.h"
#include "naive.h"
#include "unit.h"

typedef struct Fixture {
    Heap heap;
    Bind bind;
    Naive naive;
    Word leaves[NAIVE_LEAVES];
    WordVec roots;
    Canon got, want;
    uint64_t random;
} Fixture;

static void visit_roots(void *context, Heap *h, bool major)
{
    Fixture *f = context;
    (void)major;
    heap_visit_range(h, f->leaves, NAIVE_LEAVES);
    heap_visit_range(h, f->roots.data, f->roots.len);
}

static Word var(Fixture *f)
{
    return atom_new_var(&f->heap, SYM_EMPTY, 0);
}

static bool is_unbound(Word cell)
{
    return word_is_nil(word_obj(cell)->body[0]);
}

/* -- Trail and trials -- */

static void test_trail(Fixture *f)
{
    Bind *b = &f->bind;
    Word old = var(f);
    uint64_t serial = var_serial(old);
    b->keep = f->heap.next_serial; /* as a choice point does */
    Word young = var(f);
    size_t mark = b->trail.len;
    bind_cell(b, old, WORD_TRUE);
    bind_cell(b, young, WORD_TRUE);
    CHECK(b->trail.len == mark + 1); /* the younger one needs no record */
    bind_undo(b, mark);
    CHECK(is_unbound(old) && var_serial(old) == serial && !is_unbound(young));
    /* Cells of the old generation are always recorded: the collector reads the trail. */
    f->roots.len = 0;
    vec_push(&f->roots, var(f));
    b->keep = 0;
    heap_collect(&f->heap, false);
    bind_cell(b, f->roots.data[0], WORD_UNIT);
    CHECK(b->trail.len == mark + 1);
    b->scanned = b->trail.len;
    bind_undo(b, mark);
    CHECK(b->scanned == mark && is_unbound(f->roots.data[0]));
    f->roots.len = 0;
}

/* The cell that is bound to what W, a bound variable, stands for. */
static Obj *bound_cell(Word w)
{
    Obj *cell = NULL;
    (void)atom_deref_by(w, &cell);
    return cell;
}

/* A copy takes the place of what a cell is bound to, until that is undone, forgotten, or a collection comes. */
static void test_resolved(Fixture *f)
{
    Bind *b = &f->bind;
    Heap *h = &f->heap;
    size_t mark = b->trail.len;
    b->keep = h->next_serial;
    Word x = var(f), y = var(f), inner = var(f), first = atom_expr2(h, WORD_TRUE, inner),
         copy = atom_expr2(h, WORD_TRUE, WORD_FALSE);
    bind_cell(b, x, first);
    bind_cell(b, y, x);
    size_t before = b->trail.len;
    bind_cell(b, inner, WORD_FALSE);
    bind_resolved(b, bound_cell(y), copy);
    CHECK(atom_deref(x) == copy && atom_deref(y) == copy);
    bind_forget_resolved(b);
    CHECK(atom_deref(x) == first);
    bind_resolved(b, bound_cell(x), copy);
    bind_undo(b, before);
    CHECK(atom_deref(y) == first);
    bind_resolved(b, bound_cell(x), copy);
    f->roots.len = 0;
    vec_push(&f->roots, x);
    bind_forget_resolved(b); /* as the runtime does before it visits anything */
    heap_collect(h, false);
    CHECK(atom_is_cons(atom_deref(f->roots.data[0])) &&
          word_is_var(expr_at(atom_deref(f->roots.data[0]), 1)));
    b->trail.len = b->scanned = mark;
    f->roots.len = 0;
}

/* What a variable gets bound to may have a twin, unless it is ground. */
static void test_twins(Fixture *f)
{
    Heap *h = &f->heap;
    Word slots[] = {WORD_NIL}, pattern = atom_expr2(h, WORD_TRUE, word_slot(0));
    word_obj(pattern)->flags |= OBJ_FLAT;
    Word open = instantiate_value(h, pattern, slots, NULL);
    CHECK(expr_at(open, 1) == slots[0] && expr_twin_cell(open) && expr_twin_cell(open)->body[0] == open);
    CHECK(!expr_twin_cell(instantiate(h, pattern, slots, NULL)));
    slots[0] = WORD_FALSE;
    CHECK(!expr_twin_cell(instantiate_value(h, pattern, slots, NULL)));
}

static void test_trials(Fixture *f)
{
    Bind *b = &f->bind;
    Word x = var(f), y = var(f), z = var(f);
    uint64_t keep = b->keep;
    Trial outer = trial_begin(b);
    CHECK(unify(b, x, WORD_TRUE));
    Trial inner = trial_begin(b);
    CHECK(unify(b, y, x) && atom_deref(y) == WORD_TRUE);
    trial_abort(b, inner);
    CHECK(is_unbound(y) && atom_deref(x) == WORD_TRUE);
    inner = trial_begin(b);
    CHECK(unify(b, z, WORD_FALSE));
    trial_commit(b, inner);
    CHECK(atom_deref(z) == WORD_FALSE);
    trial_abort(b, outer);
    CHECK(is_unbound(x) && is_unbound(y) && is_unbound(z)); /* what the inner one kept goes as well */
    CHECK(b->trail.len == 0 && b->keep == keep);
}

/* -- Unification by hand -- */

static void test_variables(Fixture *f)
{
    Bind *b = &f->bind;
    Word older = var(f), younger = var(f);
    CHECK(unify(b, older, older) && is_unbound(older));
    CHECK(unify(b, older, younger) && is_unbound(older) && atom_deref(younger) == older);
    Word youngest = var(f);
    CHECK(unify(b, youngest, younger) && atom_deref(youngest) == older && is_unbound(older));
    CHECK(unify(b, younger, youngest)); /* already the same */
    CHECK(unify(b, youngest, WORD_TRUE) && atom_deref(older) == WORD_TRUE);
    CHECK(!unify(b, younger, WORD_FALSE));
}

static void test_occurs(Fixture *f)
{
    Heap *h = &f->heap;
    Word x = var(f), y = var(f), fx = atom_expr2(h, WORD_TRUE, x), ffx = atom_expr2(h, WORD_TRUE, fx);
    CHECK(occurs_in(x, x) && occurs_in(x, fx) && occurs_in(x, ffx) && !occurs_in(y, ffx) &&
          !occurs_in(x, WORD_UNIT));
    Trial t = trial_begin(&f->bind);
    CHECK(!unify(&f->bind, x, fx) && !unify(&f->bind, ffx, x) && !unify(&f->bind, fx, ffx));
    CHECK(unify(&f->bind, y, fx) && occurs_in(x, y) && !unify(&f->bind, x, y));
    CHECK(unify(&f->bind, x, x));
    trial_abort(&f->bind, t);
    /* f(x, y) with f(g(y), g(x)): each alone is fine, both are a cycle */
    Word left = atom_expr2(h, x, y), right = atom_expr2(h, atom_expr2(h, WORD_TRUE, y), fx);
    t = trial_begin(&f->bind);
    CHECK(!unify(&f->bind, left, right));
    trial_abort(&f->bind, t);
    CHECK(is_unbound(x) && is_unbound(y));
}

static void test_leaves(Fixture *f)
{
    Heap *h = &f->heap;
    Bind *b = &f->bind;
    CHECK(unify(b, word_int48(1), word_double(1)) && !unify(b, word_int48(1), word_double(1.5)));
    CHECK(unify(b, atom_str(h, "a", 1), atom_str(h, "a", 1)) &&
          !unify(b, atom_str(h, "a", 1), atom_str(h, "b", 1)));
    CHECK(unify(b, WORD_UNIT, WORD_UNIT) && !unify(b, WORD_UNIT, atom_expr2(h, WORD_UNIT, WORD_UNIT)));
    CHECK(!unify(b, WORD_NAN, WORD_NAN) && !unify(b, W_SYM(ERROR), W_SYM(EMPTY)));
    CHECK(!unify(b, W_SYM(ERROR), atom_expr2(h, W_SYM(ERROR), W_SYM(ERROR))));
    CHECK(!unify(b, atom_expr2(h, WORD_TRUE, WORD_TRUE), atom_expr3(h, WORD_TRUE, WORD_TRUE, WORD_TRUE)));
    CHECK(b->trail.len == 0);
}

static void test_wildcard(Fixture *f)
{
    Heap *h = &f->heap;
    Bind *b = &f->bind;
    Word wild = W_SYM(UNDEFINED), x = var(f), e = atom_expr2(h, wild, WORD_TRUE);
    CHECK(!unify(b, wild, WORD_TRUE));
    b->wildcard = wild;
    CHECK(unify(b, wild, WORD_TRUE) && unify(b, WORD_TRUE, wild) && unify(b, wild, atom_expr2(h, e, e)));
    CHECK(unify(b, e, atom_expr2(h, WORD_FALSE, WORD_TRUE)) &&
          !unify(b, e, atom_expr2(h, WORD_FALSE, WORD_FALSE)));
    CHECK(unify(b, x, wild) && atom_deref(x) == wild && unify(b, x, WORD_FALSE));
    b->wildcard = WORD_NIL;
}

static const ExtType ext_type = {.name = "ext"};

static void test_custom(Fixture *f)
{
    Heap *h = &f->heap;
    Bind *b = &f->bind;
    Ext one = {.type = &ext_type}, two = {.type = &ext_type};
    Word x = word_from_ptr(TAG_EXT, &one), y = word_from_ptr(TAG_EXT, &two), v = var(f);
    CHECK(unify(b, x, x) && !unify(b, x, y) && !unify(b, x, WORD_TRUE));
    CHECK(unify(b, v, x) && atom_deref(v) == x);
    WordVec pairs = {0};
    b->custom = &pairs;
    CHECK(unify(b, atom_expr3(h, x, WORD_TRUE, WORD_UNIT), atom_expr3(h, WORD_FALSE, WORD_TRUE, x)) &&
          pairs.len == 4);
    CHECK(pairs.data[0] == x && pairs.data[1] == WORD_FALSE && pairs.data[2] == x &&
          pairs.data[3] == WORD_UNIT);
    CHECK(unify(b, x, x) && !unify(b, WORD_TRUE, WORD_FALSE) && pairs.len == 4);
    CHECK(match_stored(b, x, WORD_TRUE, NULL, NULL) && match_stored(b, WORD_TRUE, y, NULL, NULL) &&
          pairs.len == 8);
    CHECK(pairs.data[4] == x && pairs.data[6] == y && pairs.data[7] == WORD_TRUE);
    b->custom = NULL;
    vec_free(&pairs);
}

/* -- Stored patterns by hand -- */

static void test_stored(Fixture *f)
{
    Heap *h = &f->heap;
    Bind *b = &f->bind;
    const SlotName names[] = {{SYM_ERROR, 0}, {SYM_COLON, 3}};
    Word ground = atom_expr2(h, WORD_TRUE, WORD_FALSE);
    Word pattern =
        atom_expr4(h, W_SYM(EQUAL), word_slot(0), atom_expr2(h, ground, word_slot(1)), word_slot(0));
    Word slots[2] = {WORD_NIL, WORD_NIL}, x = var(f);
    Word term = atom_expr4(h, W_SYM(EQUAL), word_int48(1), atom_expr2(h, ground, x), word_double(1));
    CHECK(match_stored(b, pattern, term, slots, names));
    CHECK(slots[0] == word_int48(1) && slots[1] == x && is_unbound(x));
    /* A variable against a compound: a fresh instance, named after the slots; ground parts are shared. */
    slots[0] = slots[1] = WORD_NIL;
    CHECK(match_stored(b, pattern, x, slots, names));
    Word instance = atom_deref(x);
    CHECK(expr_len(instance) == 4 && expr_at(instance, 1) == slots[0] && expr_at(instance, 3) == slots[0]);
    CHECK(word_is_cell(slots[0]) && word_obj(slots[0])->len == SYM_ERROR &&
          word_obj(slots[1])->len == SYM_COLON);
    CHECK(expr_at(expr_at(instance, 2), 0) == ground && !expr_is_ground(instance));
    /* Occurs check through a slot: ($0 (True $0)) against ($y $y). */
    slots[0] = WORD_NIL;
    Word y = var(f), loop = atom_expr2(h, word_slot(0), atom_expr2(h, WORD_TRUE, word_slot(0)));
    Trial t = trial_begin(b);
    CHECK(!match_stored(b, loop, atom_expr2(h, y, y), slots, NULL));
    trial_abort(b, t);
    CHECK(is_unbound(y));
    /* Instances of nothing, of slots, of ground terms. */
    slots[0] = WORD_NIL;
    Word fresh = instantiate(h, word_slot(0), slots, NULL);
    CHECK(word_is_cell(fresh) && slots[0] == fresh && instantiate(h, word_slot(0), slots, NULL) == fresh);
    CHECK(instantiate(h, ground, slots, NULL) == ground &&
          instantiate(h, WORD_UNIT, slots, NULL) == WORD_UNIT);
    slots[0] = slots[1] = ground;
    CHECK(expr_is_ground(instantiate(h, pattern, slots, names)));
}

/* -- Copies with other variables -- */

static void test_copies(Fixture *f)
{
    Heap *h = &f->heap;
    Word x = var(f), y = var(f), z = atom_new_var(h, SYM_ERROR, OBJ_PLAIN), alias = var(f);
    word_obj(alias)->body[0] = x;
    Word ground = atom_expr2(h, WORD_TRUE, WORD_TRUE);
    Word term = atom_expr4(h, z, alias, atom_expr3(h, y, x, ground), z);
    WordVec vars = {0};
    free_variables(h, term, &vars);
    CHECK(vars.len == 3 && vars.data[0] == z && vars.data[1] == x && vars.data[2] == y);
    free_variables(h, atom_expr2(h, y, WORD_UNIT), &vars);
    CHECK(vars.len == 3); /* distinct ones only */
    vec_free(&vars);
    Word s = substitute(h, term, x, ground);
    CHECK(expr_at(s, 1) == ground && expr_at(expr_at(s, 2), 1) == ground && expr_at(expr_at(s, 2), 0) == y);
    CHECK(is_unbound(x) && substitute(h, term, var(f), ground) != WORD_NIL);
    CHECK(substitute(h, ground, x, WORD_UNIT) == ground && substitute(h, alias, x, WORD_UNIT) == WORD_UNIT);
    /* Substitution is simultaneous: the value is not looked into. */
    s = substitute(h, atom_expr2(h, x, y), x, atom_expr2(h, x, x));
    CHECK(expr_at(expr_at(s, 0), 0) == x && expr_at(s, 1) == y);
    Word r = rename_apart(h, term, &y, 1);
    CHECK(atom_alpha_equal(r, term) && !atom_equal(r, term));
    CHECK(expr_at(r, 0) != z && expr_at(r, 0) == expr_at(r, 3) && word_obj(expr_at(r, 0))->len == SYM_ERROR);
    CHECK(expr_at(r, 1) != x && expr_at(expr_at(r, 2), 1) == expr_at(r, 1) && expr_at(expr_at(r, 2), 0) == y);
    const Word all[] = {z, alias, y};
    CHECK(atom_equal(rename_apart(h, term, all, 3), term));
    CHECK(rename_apart(h, ground, NULL, 0) == ground);
}

/* -- Depth -- */

enum { DEPTH = 1000000 };

static Word deep(Fixture *f, Word end, bool left)
{
    for (int i = 0; i < DEPTH; i++)
        end = left ? atom_expr2(&f->heap, end, WORD_TRUE) : atom_expr2(&f->heap, WORD_TRUE, end);
    return end;
}

static void test_depth(Fixture *f, bool left)
{
    Heap *h = &f->heap;
    Bind *b = &f->bind;
    Word x = var(f), y = var(f), a = deep(f, x, left), c = deep(f, y, left),
         ground = deep(f, WORD_UNIT, left);
    Trial t = trial_begin(b);
    CHECK(!unify(b, x, a) && occurs_in(x, a) && !occurs_in(y, a));
    CHECK(!unify(b, deep(f, WORD_FALSE, left), ground));
    CHECK(unify(b, a, ground) && atom_deref(x) == WORD_UNIT);
    CHECK(unify(b, y, a) && !unify(b, c, ground));
    trial_abort(b, t);
    CHECK(is_unbound(x) && is_unbound(y));
    WordVec vars = {0};
    free_variables(h, a, &vars);
    CHECK(vars.len == 1 && vars.data[0] == x);
    vec_free(&vars);
    CHECK(atom_equal(substitute(h, a, x, y), c) && atom_alpha_equal(rename_apart(h, a, NULL, 0), c));
    Word pattern = deep(f, word_slot(0), left), slot = WORD_NIL;
    CHECK(match_stored(b, pattern, ground, &slot, NULL) && slot == WORD_UNIT);
    CHECK(match_stored(b, pattern, a, &slot, NULL) && atom_deref(x) == WORD_UNIT);
    slot = WORD_NIL;
    Word instance = instantiate(h, pattern, &slot, NULL);
    CHECK(atom_alpha_equal(instance, c) && !expr_is_ground(instance));
    slot = WORD_UNIT;
    instance = instantiate(h, pattern, &slot, NULL);
    CHECK(atom_equal(instance, ground) && expr_is_ground(instance));
    heap_collect(h, true);
}

/* -- Random terms -- */

enum { CASES = 200000, HALF = NAIVE_VARS / 2, NEWEST = 12 };

static uint32_t below(Fixture *f, uint32_t n)
{
    return unit_below(&f->random, n);
}

/* A tree over variables FROM .. FROM+COUNT-1. */
static const Node *random_tree(Fixture *f, uint32_t depth, uint32_t from, uint32_t count)
{
    uint32_t kind = below(f, 10);
    if (kind < 4) return naive_node(&f->naive, NODE_VAR, from + below(f, count));
    if (kind < 6 || depth == 0) return naive_node(&f->naive, NODE_LEAF, below(f, NAIVE_LEAVES));
    uint32_t n = below(f, 6) == 0 ? below(f, NAIVE_WIDTH + 1) : 2;
    Node *t = naive_node(&f->naive, NODE_EXPR, n);
    for (uint32_t i = 0; i < n; i++) t->item[i] = random_tree(f, depth - 1, from, count);
    return t;
}

/* Fresh cells in random order of age, some of them in the old generation. */
static void random_vars(Fixture *f)
{
    f->roots.len = 0;
    for (uint32_t i = 0; i < NAIVE_VARS; i++) vec_push(&f->roots, WORD_UNIT);
    uint32_t start = below(f, NAIVE_VARS), split = below(f, 8) == 0 ? below(f, NAIVE_VARS) : NAIVE_VARS;
    for (uint32_t i = 0; i < NAIVE_VARS; i++) {
        if (i == split) heap_collect(&f->heap, false);
        f->roots.data[(start + i * 5) % NAIVE_VARS] = var(f);
    }
}

static Word to_word(Fixture *f, const Node *t)
{
    uint64_t disguise = below(f, 3) ? 0 : ((uint64_t)below(f, UINT32_MAX) << 20) & f->random;
    return naive_word(&f->heap, t, f->leaves, f->roots.data, &disguise);
}

/* An expression that says it is ground must be so. */
static bool flags_are_true(Word w)
{
    w = atom_deref(w);
    bool ok = true;
    for (uint32_t i = 0; atom_is_cons(w) && ok && i < expr_len(w); i++) {
        Word item = expr_at(w, i);
        if (expr_is_ground(w)) ok = !word_is_var(item) && (!atom_is_cons(item) || expr_is_ground(item));
        ok = ok && flags_are_true(item);
    }
    return ok;
}

static void canon_got(Fixture *f, Word w)
{
    canon_word(&f->got, f->leaves, w);
}

static void canon_want(Fixture *f, const Node *t)
{
    canon_node(&f->want, naive_apply(&f->naive, t, 0, NULL));
}

static void begin_texts(Fixture *f)
{
    canon_clear(&f->got);
    canon_clear(&f->want);
}

static const Node *node_var(Fixture *f, uint32_t id)
{
    return naive_node(&f->naive, NODE_VAR, id);
}

/* The bindings of all variables and both terms against the oracle's. */
static bool agrees(Fixture *f, Word x, Word y, const Node *s, const Node *t)
{
    begin_texts(f);
    canon_got(f, x);
    canon_got(f, y);
    canon_want(f, s);
    canon_want(f, t);
    for (uint32_t i = 0; i < NAIVE_VARS; i++) {
        canon_got(f, f->roots.data[i]);
        canon_want(f, node_var(f, i));
    }
    return canon_equal(&f->got, &f->want) && atom_equal(x, y) && atom_hash(x) == atom_hash(y);
}

static bool all_unbound(const Fixture *f)
{
    bool ok = true;
    for (uint32_t i = 0; i < NAIVE_VARS; i++) ok = ok && is_unbound(f->roots.data[i]);
    return ok;
}

typedef struct Tally {
    uint32_t yes, no, skipped, wrong;
} Tally;

static void tell(Fixture *f, Tally *tally, bool ok, const char *what, uint64_t seed)
{
    if (ok || tally->wrong++ > 3) return;
    printf("%s disagrees, seed %llu:\n  got  %s\n  want %s\n", what, (unsigned long long)seed,
           buf_cstr(&f->got.text), buf_cstr(&f->want.text));
}

static void check_unify(Fixture *f, Tally *tally, uint64_t seed)
{
    Bind *b = &f->bind;
    const Node *s = random_tree(f, 4, 0, 5), *t = random_tree(f, 4, 0, 5);
    bool want = naive_unify(&f->naive, s, t);
    tally->skipped += f->naive.exhausted;
    if (f->naive.exhausted) return;
    random_vars(f);
    Word x = to_word(f, s), y = to_word(f, t);
    for (int turned = 0; turned < 2; turned++) {
        Trial trial = trial_begin(b);
        bool got = turned ? unify(b, y, x) : unify(b, x, y);
        tell(f, tally, got == want, "success of unify", seed);
        if (got && want) {
            tell(f, tally, agrees(f, x, y, s, t), "result of unify", seed);
            Word r = atom_resolve(&f->heap, x);
            tell(f, tally, flags_are_true(r) && atom_equal(r, y), "flags of the resolved term", seed);
        }
        trial_abort(b, trial);
        tell(f, tally, all_unbound(f) && b->trail.len == 0, "undoing", seed);
    }
    tally->yes += want;
    tally->no += !want;
}

/* A pattern over slots 0 .. HALF-1 against a term over the other variables. */
static void check_match(Fixture *f, Tally *tally, uint64_t seed)
{
    Bind *b = &f->bind;
    Heap *h = &f->heap;
    const Node *s = random_tree(f, 4, 0, 3), *t = random_tree(f, 4, HALF, 4);
    bool want = naive_unify(&f->naive, s, t);
    tally->skipped += f->naive.exhausted;
    if (f->naive.exhausted) return;
    random_vars(f);
    Word stored_vars[NAIVE_VARS], slots[NAIVE_VARS];
    for (uint32_t i = 0; i < NAIVE_VARS; i++) stored_vars[i] = word_slot(i), slots[i] = WORD_NIL;
    Word pattern = naive_word(h, s, f->leaves, stored_vars, NULL), term = to_word(f, t);
    Trial trial = trial_begin(b);
    bool got = match_stored(b, pattern, term, slots, NULL);
    tell(f, tally, got == want, "success of match_stored", seed);
    if (got && want) {
        Word instance = instantiate(h, pattern, slots, NULL);
        tell(f, tally, flags_are_true(instance), "flags of the instance", seed);
        for (uint32_t i = 0; i < HALF; i++) f->roots.data[i] = instantiate(h, word_slot(i), slots, NULL);
        tell(f, tally, agrees(f, instance, term, s, t), "result of match_stored", seed);
        for (uint32_t i = 0; i < HALF; i++) f->roots.data[i] = var(f);
    }
    trial_abort(b, trial);
    tell(f, tally, all_unbound(f) && b->trail.len == 0, "undoing", seed);
    tally->yes += want;
    tally->no += !want;
}

/* Several unifications under nested trials: each abort restores the texts of its beginning. */
static void check_nesting(Fixture *f, Tally *tally, uint64_t seed)
{
    enum { LEVELS = 4 };
    Bind *b = &f->bind;
    Trial trials[LEVELS];
    Buf texts[LEVELS] = {{0}};
    random_vars(f);
    for (int level = 0; level < LEVELS; level++) {
        begin_texts(f);
        for (uint32_t i = 0; i < NAIVE_VARS; i++) canon_got(f, f->roots.data[i]);
        buf_put(&texts[level], f->got.text.data, f->got.text.len);
        trials[level] = trial_begin(b);
        Word x = to_word(f, random_tree(f, 2, 0, NAIVE_VARS)),
             y = to_word(f, random_tree(f, 2, 0, NAIVE_VARS));
        Trial inner = trial_begin(b);
        if (unify(b, x, y))
            trial_commit(b, inner);
        else
            trial_abort(b, inner);
    }
    for (int level = LEVELS - 1; level >= 0; level--) {
        trial_abort(b, trials[level]);
        begin_texts(f);
        for (uint32_t i = 0; i < NAIVE_VARS; i++) canon_got(f, f->roots.data[i]);
        bool same = f->got.text.len == texts[level].len &&
                    memcmp(f->got.text.data, texts[level].data, texts[level].len) == 0;
        tell(f, tally, same, "the state after an abort", seed);
        buf_free(&texts[level]);
    }
    tell(f, tally, all_unbound(f) && b->trail.len == 0, "undoing", seed);
    tally->yes++;
}

/* Instances with some slots given, against replacing by the oracle. */
static void check_instance(Fixture *f, Tally *tally, uint64_t seed)
{
    Heap *h = &f->heap;
    const Node *s = random_tree(f, 4, 0, HALF);
    random_vars(f);
    Word stored_vars[NAIVE_VARS], slots[NAIVE_VARS];
    for (uint32_t i = 0; i < NAIVE_VARS; i++) {
        bool given = i < HALF && below(f, 2);
        stored_vars[i] = word_slot(i);
        f->naive.subst[i] = given ? random_tree(f, 2, HALF, HALF) : NULL;
        slots[i] = given ? atom_deref(to_word(f, f->naive.subst[i])) : WORD_NIL;
    }
    Word pattern = naive_word(h, s, f->leaves, stored_vars, NULL);
    begin_texts(f);
    Word instance = instantiate(h, pattern, slots, NULL);
    canon_got(f, instance);
    canon_want(f, s);
    for (uint32_t i = 0; i < HALF; i++) {
        canon_got(f, instantiate(h, word_slot(i), slots, NULL));
        canon_want(f, node_var(f, i));
    }
    tell(f, tally, canon_equal(&f->got, &f->want) && flags_are_true(instance), "instantiate", seed);
    tally->yes++;
}

/* Substitution, renaming, collecting variables, occurrence. */
static void check_copies(Fixture *f, Tally *tally, uint64_t seed)
{
    Heap *h = &f->heap;
    const Node *s = random_tree(f, 4, 0, 5), *value = random_tree(f, 2, 0, 5);
    random_vars(f);
    Word term = to_word(f, s), cell = f->roots.data[0];
    tell(f, tally, occurs_in(cell, term) == naive_occurs(0, s), "occurs_in", seed);
    begin_texts(f);
    f->naive.subst[0] = value;
    Word copy = substitute(h, term, cell, to_word(f, value));
    canon_got(f, copy);
    canon_want(f, s);
    naive_clear_subst(&f->naive);
    tell(f, tally, canon_equal(&f->got, &f->want) && flags_are_true(copy), "substitute", seed);
    Word renamed = rename_apart(h, term, &cell, 1);
    begin_texts(f);
    canon_got(f, renamed);
    canon_want(f, s);
    tell(f, tally, canon_equal(&f->got, &f->want) && flags_are_true(renamed), "rename_apart", seed);
    WordVec vars = {0}, again = {0};
    free_variables(h, term, &vars);
    free_variables(h, renamed, &again);
    bool apart = vars.len == again.len && vars.len == f->want.vars.len;
    for (size_t i = 0; apart && i < vars.len; i++) {
        apart = vars.data[i] == f->roots.data[f->want.vars.data[i]];
        apart = apart && (vars.data[i] == again.data[i]) == (vars.data[i] == cell);
    }
    tell(f, tally, apart, "free_variables", seed);
    vec_free(&vars);
    vec_free(&again);
    tally->yes++;
}

typedef void (*CaseCheck)(Fixture *f, Tally *tally, uint64_t seed);

static void run_random(Fixture *f, const char *name, CaseCheck check, uint32_t cases)
{
    Tally tally = {0};
    for (uint32_t i = 0; i < cases && tally.wrong < 4; i++) {
        uint64_t seed = f->random;
        naive_reset(&f->naive);
        check(f, &tally, seed);
        f->roots.len = 0;
        f->bind.trail.len = f->bind.scanned = 0;
        if (heap_wants_safepoint(&f->heap)) heap_collect(&f->heap, false);
    }
    printf("%s: %u yes, %u no, %u skipped\n", name, tally.yes, tally.no, tally.skipped);
    CHECK_MSG(tally.wrong == 0, "%s: %u cases", name, tally.wrong);
    CHECK(tally.skipped * 20 < cases && tally.yes > cases / 20);
}

int main(void)
{
    Fixture f = {.random = 42};
    CHECK(heap_init(&f.heap, visit_roots, &f));
    bind_init(&f.bind, &f.heap);
    naive_init(&f.naive);
    naive_leaves(&f.heap, f.leaves);
    test_trail(&f);
    test_resolved(&f);
    test_twins(&f);
    test_trials(&f);
    test_variables(&f);
    test_occurs(&f);
    test_leaves(&f);
    test_wildcard(&f);
    test_custom(&f);
    test_stored(&f);
    test_copies(&f);
    test_depth(&f, false);
    test_depth(&f, true);
    printf("seed %llu\n", (unsigned long long)f.random);
    run_random(&f, "unify", check_unify, CASES);
    run_random(&f, "match", check_match, CASES);
    run_random(&f, "nesting", check_nesting, CASES / 10);
    run_random(&f, "instance", check_instance, CASES / 10);
    run_random(&f, "copies", check_copies, CASES / 10);
    naive_fini(&f.naive);
    canon_free(&f.got);
    canon_free(&f.want);
    vec_free(&f.roots);
    bind_fini(&f.bind);
    heap_fini(&f.heap);
    return unit_end();
}
