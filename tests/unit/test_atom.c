/* Atoms: words, building, groundness, resolving, equality and its agreement with hashing; deep and random terms. */
#include "atom/atom.h"
#include "atom/num.h"
#include "unit.h"

#include <math.h>

typedef struct Fixture {
    Heap heap;
    SymTab *symbols;
} Fixture;

static Word sym(Fixture *f, const char *name)
{
    return word_sym(sym_intern_cstr(f->symbols, name));
}

static Word var(Fixture *f)
{
    return atom_new_var(&f->heap, SYM_EMPTY, 0);
}

static void bind(Word cell, Word value)
{
    assert(word_is_cell(cell));
    word_obj(cell)->body[0] = value;
}

static Word big(Fixture *f, int64_t a, int64_t b)
{
    Word w = WORD_NIL;
    num_arith(&f->heap, NUM_MUL, num_from_int(&f->heap, a), num_from_int(&f->heap, b), &w);
    return w;
}

/* -- Words -- */

static void test_words(void)
{
    static const int64_t ints[] = {0, 1, -1, 1000, INT48_MAX, INT48_MIN, INT48_MAX - 1, INT48_MIN + 1};
    for (size_t i = 0; i < COUNT_OF(ints); i++) {
        Word w = word_int48(ints[i]);
        CHECK(word_is_int(w) && word_int48_get(w) == ints[i] && !word_is_double(w));
    }
    CHECK(!int_fits48(INT48_MAX + 1) && !int_fits48(INT48_MIN - 1));
    static const double doubles[] = {0.0,    -0.0,   1.5,     -1.5,     1e308,
                                     -1e308, 5e-324, -5e-324, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        Word w = word_double(doubles[i]);
        CHECK(word_is_double(w) && word_double_get(w) == doubles[i]);
        CHECK(signbit(word_double_get(w)) == signbit(doubles[i]));
        CHECK(!word_is_heap(w) && !word_is_var(w) && !word_is_ext(w) && !word_is_int(w));
    }
    CHECK(word_double(NAN) == WORD_NAN && word_double(-NAN) == WORD_NAN && word_is_double(WORD_NAN));
    uint64_t odd = UINT64_C(0xFFFFFFFFFFFFFFFF); /* a NaN with all bits set must not read as a tag */
    double d;
    memcpy(&d, &odd, sizeof d);
    CHECK(word_double(d) == WORD_NAN);
    const Word others[] = {WORD_NIL,     WORD_UNIT,  WORD_TRUE,     W_SYM(ERROR),
                           word_slot(3), word_op(2), word_char('a')};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        CHECK(!word_is_double(others[i]) && !word_is_heap(others[i]));
    CHECK(word_is_slot(word_slot(7)) && word_slot_index(word_slot(7)) == 7 && !word_is_cell(word_slot(7)));
    CHECK(word_char_scalar(word_char(0x10FFFF)) == 0x10FFFF);
}

static void test_building(Fixture *f)
{
    Heap *h = &f->heap;
    CHECK(atom_expr(h, NULL, 0) == WORD_UNIT);
    CHECK(atom_is_expr(WORD_UNIT) && !atom_is_cons(WORD_UNIT) && expr_len(WORD_UNIT) == 0);
    Word e = atom_expr4(h, sym(f, "a"), WORD_UNIT, word_int48(3), atom_str(h, "s", 1));
    CHECK(atom_is_cons(e) && expr_len(e) == 4 && expr_is_ground(e) && expr_at(e, 2) == word_int48(3));
    CHECK(!atom_is_error(e) && !atom_is_error(WORD_UNIT));
    Word error = atom_error(h, e, sym(f, "cause"));
    CHECK(atom_is_error(error) && expr_len(error) == 3);
    Word head = var(f);
    bind(head, W_SYM(ERROR));
    CHECK(atom_is_error(atom_expr2(h, head, e)));
    CHECK(!atom_is_error(W_SYM(ERROR)));
    Word *items;
    e = atom_expr_open(h, 2, &items);
    items[0] = WORD_TRUE;
    items[1] = var(f);
    expr_seal(e);
    CHECK(!expr_is_ground(e));
    static const char text[] = "\0\xC3\xA9 and more";
    for (size_t len = 0; len < sizeof text; len++) {
        size_t got;
        Word s = atom_str(h, text, len);
        CHECK(atom_is_str(s) && memcmp(str_text(s, &got), text, len) == 0 && got == len);
    }
    /* Names and flags of variables. */
    Word v = atom_new_var(h, 5, OBJ_PLAIN), younger = atom_new_var(h, 6, 0);
    CHECK(word_obj(v)->len == 5 && word_obj(v)->flags == OBJ_PLAIN && var_serial(v) < var_serial(younger));
    CHECK(atom_deref(v) == v);
    bind(younger, v);
    CHECK(atom_deref(younger) == v);
    bind(v, e);
    CHECK(atom_deref(younger) == e && atom_deref(e) == e && atom_deref(word_slot(1)) == word_slot(1));
}

static void test_ground(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f), e = atom_expr2(h, sym(f, "a"), v), outer = atom_expr2(h, e, e);
    CHECK(!atom_is_ground(v) && !atom_is_ground(e) && !atom_is_ground(outer));
    CHECK(!atom_is_ground(word_slot(0)));
    CHECK(!atom_is_ground(atom_expr2(h, WORD_UNIT, word_slot(0))));
    CHECK(atom_is_ground(WORD_UNIT) && atom_is_ground(sym(f, "a")) && atom_is_ground(word_double(1)));
    Word w = var(f);
    bind(v, w);
    CHECK(!atom_is_ground(outer));
    bind(w, word_int48(1));
    CHECK(atom_is_ground(v) && atom_is_ground(outer)); /* by dereferencing */
    CHECK(!expr_is_ground(outer));                     /* the flag is not set: absence says nothing */
    CHECK(expr_is_ground(atom_resolve(h, outer)));
}

static void test_metatype(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f);
    CHECK(atom_metatype(v) == W_SYM(T_VARIABLE) && atom_metatype(word_slot(1)) == W_SYM(T_VARIABLE));
    bind(v, sym(f, "a"));
    CHECK(atom_metatype(v) == W_SYM(T_SYMBOL));
    CHECK(atom_metatype(WORD_UNIT) == W_SYM(T_EXPRESSION));
    CHECK(atom_metatype(atom_expr2(h, v, v)) == W_SYM(T_EXPRESSION));
    const Word grounded[] = {word_int48(1),
                             word_double(1),
                             WORD_TRUE,
                             word_op(1),
                             word_char('a'),
                             atom_str(h, "a", 1),
                             num_from_int(h, INT64_MAX),
                             big(f, INT64_MAX, INT64_MAX)};
    for (size_t i = 0; i < COUNT_OF(grounded); i++) CHECK(atom_metatype(grounded[i]) == W_SYM(T_GROUNDED));
}

/* -- Resolving and replacing -- */

static void test_resolve(Fixture *f)
{
    Heap *h = &f->heap;
    Word a = sym(f, "a"), v = var(f), w = var(f);
    Word ground = atom_expr2(h, a, a), open = atom_expr2(h, a, v), both = atom_expr3(h, ground, open, w);
    CHECK(atom_resolve(h, a) == a && atom_resolve(h, v) == v && atom_resolve(h, WORD_UNIT) == WORD_UNIT);
    CHECK(atom_resolve(h, ground) == ground);
    CHECK(atom_resolve(h, both) == both); /* nothing changes: the same object */
    bind(v, ground);
    Word r = atom_resolve(h, both);
    CHECK(r != both && expr_at(r, 0) == ground && expr_at(r, 2) == w);
    CHECK(expr_at(expr_at(r, 1), 1) == ground && expr_is_ground(expr_at(r, 1)) && !expr_is_ground(r));
    CHECK(expr_at(expr_at(both, 1), 1) == v); /* the original stays */
    CHECK(atom_resolve(h, r) == r);
    bind(w, open);
    r = atom_resolve(h, both);
    CHECK(expr_is_ground(r) && atom_equal(r, both) && expr_at(expr_at(r, 2), 1) == ground);
    Word chain = var(f);
    bind(chain, w);
    CHECK(atom_equal(atom_resolve(h, chain), atom_expr2(h, a, ground)));
    /* It survives the undoing of bindings. */
    Word before = atom_resolve(h, chain);
    bind(w, WORD_MAKE(TAG_NIL, 1));
    CHECK(atom_equal(before, atom_expr2(h, a, ground)));
}

static Word count_and_replace(void *context, Heap *h, Word v)
{
    (void)h;
    ++*(int *)context;
    return word_is_slot(v) ? word_int48(word_slot_index(v)) : WORD_TRUE;
}

static void test_map(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f), bound = var(f);
    bind(bound, word_slot(4));
    Word inner = atom_expr3(h, v, word_slot(2), v);
    Word e = atom_expr4(h, inner, bound, WORD_UNIT, inner);
    int calls = 0;
    Word r = atom_map_vars(h, e, count_and_replace, &calls);
    Word want_inner = atom_expr3(h, WORD_TRUE, word_int48(2), WORD_TRUE);
    CHECK(calls == 7 && expr_is_ground(r));
    CHECK(atom_equal(r, atom_expr4(h, want_inner, word_int48(4), WORD_UNIT, want_inner)));
    calls = 0;
    CHECK(atom_map_vars(h, bound, count_and_replace, &calls) == word_int48(4) && calls == 1);
    CHECK(atom_map_vars(h, r, count_and_replace, &calls) == r && calls == 1);
}

/* -- Equality -- */

/* Atoms of distinct meaning and, row by row, of equal meaning: every pair is compared, hashes must agree. */
static void test_equality(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f), w = var(f), alias = var(f), number = var(f);
    bind(alias, v);
    bind(number, word_int48(1));
    Word a = sym(f, "a");
    enum { ROWS = 21, WIDTH = 4 };
    const Word rows[ROWS][WIDTH] = {
        {word_int48(1), word_double(1.0), number},
        {word_int48(0), word_double(0.0), word_double(-0.0)},
        {word_int48(-1), word_double(-1.0)},
        {num_from_int(h, INT64_C(1) << 60), num_from_int(h, INT64_C(1) << 60), word_double(0x1p60)},
        {num_from_int(h, (INT64_C(1) << 60) + 1), num_from_int(h, (INT64_C(1) << 60) + 1)},
        {big(f, INT64_C(1) << 40, INT64_C(1) << 40), big(f, INT64_C(1) << 50, INT64_C(1) << 30),
         word_double(0x1p80)},
        {big(f, INT64_MAX, INT64_MAX), big(f, -INT64_MAX, -INT64_MAX)},
        {big(f, -INT64_MAX, INT64_MAX), big(f, INT64_MAX, -INT64_MAX)},
        {word_double(INFINITY), word_double(INFINITY)},
        {word_double(0.1), word_double(0.1)},
        {a, sym(f, "a")},
        {atom_str(h, "a", 1), atom_str(h, "abc", 1)},
        {atom_str(h, "", 0), atom_str(h, "x", 0)},
        {atom_str(h, "a\0b", 3), atom_str(h, "a\0bc", 3)},
        {WORD_TRUE, WORD_TRUE},
        {WORD_UNIT, atom_expr(h, NULL, 0)},
        {v, alias},
        {w, w},
        {atom_expr2(h, a, word_int48(1)), atom_expr2(h, a, word_double(1)), atom_expr2(h, a, number)},
        {atom_expr2(h, a, v), atom_expr2(h, a, alias)},
        {atom_expr(h, &a, 1), atom_expr(h, &a, 1), atom_resolve(h, atom_expr(h, &a, 1))},
    };
    for (uint32_t i = 0; i < ROWS * WIDTH; i++)
        for (uint32_t j = 0; j < ROWS * WIDTH; j++) {
            Word x = rows[i / WIDTH][i % WIDTH], y = rows[j / WIDTH][j % WIDTH];
            if (!x || !y) continue;
            bool same = i / WIDTH == j / WIDTH;
            CHECK_MSG(atom_equal(x, y) == same, "rows %u and %u", i / WIDTH, j / WIDTH);
            CHECK_MSG(!same || atom_hash(x) == atom_hash(y), "hash of %u and %u", i, j);
            CHECK_MSG(!same || atom_alpha_equal(x, y), "alpha of %u and %u", i, j);
            CHECK_MSG(!atom_alpha_equal(x, y) || atom_hash(x) == atom_hash(y), "alpha hash of %u and %u", i,
                      j);
        }
}

static void test_unequal(Fixture *f)
{
    Heap *h = &f->heap;
    Word a = sym(f, "a"), b = sym(f, "b");
    CHECK(!atom_equal(WORD_NAN, WORD_NAN));
    CHECK(!atom_equal(atom_expr2(h, a, WORD_NAN), atom_expr2(h, a, WORD_NAN)));
    CHECK(!atom_equal(atom_expr2(h, a, b), atom_expr3(h, a, b, b)));
    CHECK(!atom_equal(atom_expr2(h, a, b), atom_expr2(h, b, a)));
    CHECK(!atom_equal(atom_expr2(h, a, WORD_UNIT), atom_expr(h, &a, 1)));
    CHECK(!atom_equal(atom_expr(h, (Word[]){WORD_UNIT}, 1), WORD_UNIT));
    CHECK(!atom_equal(a, atom_str(h, "a", 1)));
    CHECK(!atom_equal(WORD_TRUE, word_int48(1)) && !atom_equal(word_char('a'), word_int48('a')));
    CHECK(!atom_equal(word_slot(1), word_slot(2)) && atom_equal(word_slot(1), word_slot(1)));
    CHECK(!atom_equal(atom_expr3(h, atom_expr2(h, a, a), b, b), atom_expr3(h, a, atom_expr3(h, a, b, b), b)));
}

static void test_binds(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f), w = var(f), made[4];
    const Word contents[4][2] = {
        {v, word_int48(1)}, {v, word_double(1)}, {v, word_int48(2)}, {w, word_int48(1)}};
    for (int i = 0; i < 4; i++) {
        Obj *o = heap_obj(h, OBJ_BINDS, 0, 2, 2);
        memcpy(o->body, contents[i], sizeof contents[i]);
        made[i] = word_from_ptr(TAG_HEAP, o);
    }
    Word none = word_from_ptr(TAG_HEAP, heap_obj(h, OBJ_BINDS, 0, 0, 1));
    CHECK(atom_equal(made[0], made[1]) && atom_hash(made[0]) == atom_hash(made[1]));
    CHECK(!atom_equal(made[0], made[2]) && !atom_equal(made[0], made[3]) &&
          atom_alpha_equal(made[0], made[3]));
    CHECK(!atom_equal(made[0], none) && atom_equal(none, none) && !atom_equal(none, WORD_UNIT));
    CHECK(!atom_equal(made[0], atom_expr2(h, v, word_int48(1))));
    CHECK(atom_metatype(made[0]) == W_SYM(T_GROUNDED));
}

static void test_alpha(Fixture *f)
{
    Heap *h = &f->heap;
    Word a = sym(f, "a"), x = var(f), y = var(f), z = var(f), bound = var(f);
    bind(bound, x);
    const struct {
        Word left, right;
        bool equal;
    } cases[] = {
        {x, y, true},
        {x, word_slot(0), true},
        {x, a, false},
        {a, x, false},
        {x, atom_expr2(h, x, x), false},
        {atom_expr2(h, x, y), atom_expr2(h, y, x), true},
        {atom_expr2(h, x, y), atom_expr2(h, x, y), true},
        {atom_expr2(h, x, y), atom_expr2(h, x, z), true},
        {atom_expr2(h, x, x), atom_expr2(h, x, y), false},
        {atom_expr2(h, x, y), atom_expr2(h, z, z), false},
        {atom_expr2(h, x, bound), atom_expr2(h, y, y), true},
        {atom_expr3(h, x, y, x), atom_expr3(h, y, z, y), true},
        {atom_expr3(h, x, y, x), atom_expr3(h, y, z, z), false},
        {atom_expr3(h, x, y, z), atom_expr3(h, z, x, y), true},
        /* one object on both sides, under a renaming begun elsewhere */
        {atom_expr3(h, x, y, atom_expr2(h, x, y)), atom_expr3(h, y, x, atom_expr2(h, x, y)), false},
        {atom_expr3(h, x, y, atom_expr2(h, x, y)), atom_expr3(h, y, x, atom_expr2(h, y, x)), true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_MSG(atom_alpha_equal(cases[i].left, cases[i].right) == cases[i].equal, "case %zu", i);
        CHECK_MSG(atom_alpha_equal(cases[i].right, cases[i].left) == cases[i].equal, "case %zu turned", i);
        if (cases[i].equal) CHECK(atom_hash(cases[i].left) == atom_hash(cases[i].right));
    }
    Word shared = atom_expr2(h, x, y);
    CHECK(!atom_alpha_equal(atom_expr3(h, x, y, shared), atom_expr3(h, y, x, shared)));
    CHECK(atom_alpha_equal(atom_expr2(h, shared, shared), atom_expr2(h, shared, shared)));
}

/* -- External objects -- */

typedef struct Cell {
    Ext ext;
    Word content;
    int id;
} Cell;

static bool cell_equal(const Ext *a, const Ext *b)
{
    return ((const Cell *)a)->id == ((const Cell *)b)->id;
}

static const Word *cell_content(const Ext *x)
{
    return &((const Cell *)x)->content;
}

static const ExtType by_identity = {.name = "identity"};
static const ExtType by_id = {.name = "id", .equal = cell_equal};
static const ExtType by_content = {.name = "content", .content = cell_content};

static void test_exts(Fixture *f)
{
    Heap *h = &f->heap;
    Word v = var(f);
    Cell cells[] = {
        {{.type = &by_identity}, WORD_UNIT, 1},
        {{.type = &by_identity}, WORD_UNIT, 1},
        {{.type = &by_id}, WORD_UNIT, 1},
        {{.type = &by_id}, WORD_UNIT, 1},
        {{.type = &by_id}, WORD_UNIT, 2},
        {{.type = &by_content}, word_int48(1), 1},
        {{.type = &by_content}, word_double(1), 2},
        {{.type = &by_content}, word_int48(2), 3},
        {{.type = &by_content}, atom_expr2(h, v, v), 4},
        {{.type = &by_content}, atom_expr2(h, v, v), 5},
    };
    static const int class_of[] = {0, 1, 2, 2, 3, 4, 4, 5, 6, 6};
    for (size_t i = 0; i < COUNT_OF(cells); i++)
        for (size_t j = 0; j < COUNT_OF(cells); j++) {
            Word x = word_from_ptr(TAG_EXT, &cells[i]), y = word_from_ptr(TAG_EXT, &cells[j]);
            bool same = class_of[i] == class_of[j];
            CHECK_MSG(atom_equal(x, y) == same, "%zu and %zu", i, j);
            Word left = atom_expr2(h, x, v), right = atom_expr2(h, y, v);
            CHECK_MSG(atom_equal(left, right) == same, "inside: %zu and %zu", i, j);
            CHECK(!same || (atom_hash(x) == atom_hash(y) && atom_hash(left) == atom_hash(right)));
        }
    /* Two boxes that contain each other: comparing them ends. */
    cells[5].content = word_from_ptr(TAG_EXT, &cells[6]);
    cells[6].content = word_from_ptr(TAG_EXT, &cells[5]);
    atom_equal(word_from_ptr(TAG_EXT, &cells[5]), word_from_ptr(TAG_EXT, &cells[6]));
}

/* -- Depth -- */

enum { DEPTH = 1000000 };

/* (i (i (... END))) or, LEFT, (((END i) i) ...). */
static Word deep(Fixture *f, Word end, bool left, int depth)
{
    for (int i = 0; i < depth; i++) {
        Word n = word_int48(i & 0xFF);
        end = left ? atom_expr2(&f->heap, end, n) : atom_expr2(&f->heap, n, end);
    }
    return end;
}

static void test_depth(Fixture *f, bool left)
{
    Heap *h = &f->heap;
    Word x = var(f), y = var(f);
    Word a = deep(f, x, left, DEPTH), b = deep(f, y, left, DEPTH), c = deep(f, WORD_UNIT, left, DEPTH);
    CHECK(!atom_equal(a, b) && atom_alpha_equal(a, b) && atom_hash(a) == atom_hash(b));
    CHECK(!atom_equal(a, c) && !atom_alpha_equal(a, c) && atom_hash(a) != atom_hash(c));
    CHECK(!atom_is_ground(a) && expr_is_ground(c));
    CHECK(atom_resolve(h, a) == a);
    bind(x, WORD_UNIT);
    CHECK(atom_is_ground(a) && atom_equal(a, c) && atom_hash(a) == atom_hash(c));
    Word r = atom_resolve(h, a);
    CHECK(expr_is_ground(r) && atom_equal(r, c));
    bind(y, a);
    CHECK(atom_equal(atom_resolve(h, b), deep(f, c, left, DEPTH)));
}

/* A long chain of variables, and one wide expression. */
static void test_wide(Fixture *f)
{
    Heap *h = &f->heap;
    Word end = var(f), chain = end;
    for (int i = 0; i < DEPTH; i++) {
        Word v = var(f);
        bind(v, chain);
        chain = v;
    }
    CHECK(atom_deref(chain) == end);
    Word *items, wide = atom_expr_open(h, DEPTH, &items);
    for (int i = 0; i < DEPTH; i++) items[i] = i == DEPTH / 2 ? chain : word_int48(i);
    expr_seal(wide);
    CHECK(!expr_is_ground(wide) && !atom_is_ground(wide) && expr_at(atom_resolve(h, wide), DEPTH / 2) == end);
    bind(end, WORD_UNIT);
    Word r = atom_resolve(h, wide);
    CHECK(expr_is_ground(r) && atom_equal(r, wide) && atom_hash(r) == atom_hash(wide));
}

/* -- Random terms -- */

enum { POOL = 30, VARIABLES = 4 };

/* Fill POOL with terms over VARS, each made of earlier ones; a third hide behind bound cells. */
static void random_pool(Fixture *f, uint64_t *state, const Word *vars, Word *pool)
{
    for (uint32_t i = 0; i < POOL; i++) {
        Word items[3], w;
        uint32_t n = unit_below(state, 4);
        for (uint32_t j = 0; j < n && i > 0; j++)
            items[j] = pool[i < 8 ? unit_below(state, i) : i - 1 - unit_below(state, 8)];
        if (i < VARIABLES || unit_below(state, 6) == 0)
            w = vars[unit_below(state, VARIABLES)];
        else if (unit_below(state, 4) == 0)
            w = unit_below(state, 2) ? word_int48(unit_below(state, 2)) : word_double(unit_below(state, 2));
        else
            w = atom_expr(&f->heap, items, n);
        if (unit_below(state, 3) == 0 && !(word_is_var(w))) {
            Word cell = var(f);
            bind(cell, w);
            w = cell;
        }
        pool[i] = w;
    }
}

static void test_random(Fixture *f)
{
    uint64_t state = 77;
    uint32_t wrong = 0, equal = 0;
    for (int round = 0; round < 500 && !wrong; round++) {
        Heap *h = &f->heap;
        Word vars[VARIABLES], renamed[VARIABLES], left[POOL], right[POOL];
        for (int i = 0; i < VARIABLES; i++) vars[i] = var(f), renamed[i] = var(f);
        uint64_t again = state;
        random_pool(f, &state, vars, left);
        random_pool(f, &again, renamed, right);
        for (uint32_t i = 0; i < POOL; i++) {
            Word r = atom_resolve(h, left[i]);
            wrong += !atom_equal(r, left[i]) || atom_hash(r) != atom_hash(left[i]);
            wrong += atom_is_ground(left[i]) != atom_is_ground(r) ||
                     (atom_is_cons(r) && atom_is_ground(r) != expr_is_ground(r));
            wrong += !atom_alpha_equal(left[i], right[i]) || atom_hash(left[i]) != atom_hash(right[i]);
            wrong += atom_equal(left[i], right[i]) != atom_is_ground(r);
            for (uint32_t j = 0; j < POOL; j++) {
                bool same = atom_equal(left[i], left[j]), alpha = atom_alpha_equal(left[i], left[j]);
                equal += same;
                wrong += same != atom_equal(left[j], left[i]) || alpha != atom_alpha_equal(left[j], left[i]);
                wrong += same && !alpha;
                wrong += alpha && atom_hash(left[i]) != atom_hash(left[j]);
                wrong += alpha != atom_alpha_equal(left[i], right[j]); /* alpha equality is transitive */
            }
        }
    }
    CHECK_MSG(wrong == 0, "%u wrong", wrong);
    CHECK(equal > 500 * POOL);
}

int main(void)
{
    Fixture f = {.symbols = sym_new()};
    CHECK(heap_init(&f.heap, NULL, NULL));
    test_words();
    test_building(&f);
    test_ground(&f);
    test_metatype(&f);
    test_resolve(&f);
    test_map(&f);
    test_equality(&f);
    test_unequal(&f);
    test_binds(&f);
    test_alpha(&f);
    test_exts(&f);
    test_depth(&f, false);
    test_depth(&f, true);
    test_wide(&f);
    test_random(&f);
    heap_fini(&f.heap);
    sym_free(f.symbols);
    return unit_end();
}
