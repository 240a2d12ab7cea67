/* Spaces: cases by hand, then random programs against a list of atoms. */
#include "space/space.h"

#include "atom/num.h"
#include "atom/print.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

/* -- A runtime of just a heap, a store and a space -- */

typedef struct World {
    Heap heap;
    Bind bind;
    Store *store;
    SymTab *symbols;
    Space *space;
    WordVec roots;
    void (*trace_more)(struct World *w, Heap *h);
    bool store_first; /* which order to end in: spaces survive both */
} World;

static void trace(void *context, Heap *h, bool major)
{
    World *w = context;
    (void)major;
    heap_visit_range(h, w->roots.data, w->roots.len);
    if (w->trace_more) w->trace_more(w, h);
}

static void note_stored(void *context, Obj *stored)
{
    store_mark(((World *)context)->store, stored);
}

static void world_init(World *w)
{
    memset(w, 0, sizeof *w);
    if (!heap_init(&w->heap, trace, w)) abort();
    bind_init(&w->bind, &w->heap);
    w->store = store_new(&w->heap);
    w->symbols = sym_new();
    w->space = space_new(&w->heap, w->store, NULL);
    vec_push(&w->roots, space_word(w->space));
    w->heap.on_stored = note_stored;
}

static void world_fini(World *w)
{
    if (w->store_first) store_free(w->store);
    heap_fini(&w->heap);
    if (!w->store_first) store_free(w->store);
    bind_fini(&w->bind);
    sym_free(w->symbols);
    vec_free(&w->roots);
}

static void collect(World *w)
{
    heap_collect(&w->heap, true);
    store_sweep(w->store);
}

static Word sym(World *w, const char *text)
{
    return word_sym(sym_intern_cstr(w->symbols, text));
}

static Word var(World *w, const char *name)
{
    return atom_new_var(&w->heap, sym_intern_cstr(w->symbols, name), OBJ_PLAIN);
}

/* Terms from text, enough for tests: symbols, 48-bit integers, $variables, "strings", parentheses. */
typedef struct Parser {
    World *w;
    const char *at;
    Word vars[8];
    uint32_t var_count;
} Parser;

static Word parse_var(Parser *p, const char *name, size_t len)
{
    uint32_t id = sym_intern(p->w->symbols, name, len);
    for (uint32_t i = 0; i < p->var_count; i++)
        if (word_obj(p->vars[i])->len == id) return p->vars[i];
    return p->vars[p->var_count++] = atom_new_var(&p->w->heap, id, OBJ_PLAIN);
}

static Word parse_term(Parser *p)
{
    while (*p->at == ' ') p->at++;
    if (*p->at == '(') {
        Word items[16];
        uint32_t n = 0;
        p->at++;
        for (;;) {
            while (*p->at == ' ') p->at++;
            if (*p->at == ')') break;
            items[n++] = parse_term(p);
        }
        p->at++;
        return atom_expr(&p->w->heap, items, n);
    }
    const char *start = p->at;
    p->at += strcspn(p->at, " ()");
    size_t len = (size_t)(p->at - start);
    if (*start == '$') return parse_var(p, start + 1, len - 1);
    if (*start == '"') return atom_str(&p->w->heap, start + 1, len - 2);
    if (*start == '%') return word_op((uint32_t)strtoul(start + 1, NULL, 10));
    char *end;
    if (strchr("0123456789", *start)) {
        int64_t i = strtoll(start, &end, 10);
        return *end == '.' ? word_double(strtod(start, NULL)) : word_int48(i);
    }
    return word_sym(sym_intern(p->w->symbols, start, len));
}

static Word term(World *w, const char *text)
{
    Parser p = {.w = w, .at = text};
    return parse_term(&p);
}

static void add(World *w, const char *text)
{
    space_add(w->space, term(w, text));
}

static void show(World *w, Word atom, Buf *out)
{
    static const char *const ops[] = {"op0", "op1", "op2"};
    Names names = {w->symbols, ops, 3};
    atom_print(&names, atom, out);
}

/* What a glance tells of PATTERN is what a cursor has found: WANTED, the instances of RESULT. */
static void check_glance(World *w, Word pattern, Word result, const char *wanted)
{
    Trial t = trial_begin(&w->bind);
    RowsSeen seen = space_glance(&w->space, 1, pattern, &w->bind);
    Buf got = {0};
    if (seen == ROWS_ONE) show(w, result, &got);
    trial_abort(&w->bind, t);
    if (seen != ROWS_UNKNOWN) CHECK_STR(buf_cstr(&got), wanted);
    vec_free(&got);
}

/* The instances of TEMPLATE for all rows that match PATTERN, separated by blanks; variables print by name. */
static const char *query(World *w, const char *pattern_text, const char *template_text, Buf *out)
{
    Parser p = {.w = w, .at = pattern_text};
    Word pattern = parse_term(&p);
    p.at = template_text;
    Word result = parse_term(&p);
    Cursor c;
    vec_clear(out);
    cursor_open(w->space, pattern, &c);
    for (;;) {
        Trial t = trial_begin(&w->bind);
        bool found = cursor_next(&c, &w->bind, pattern);
        if (found) {
            if (out->len) buf_putc(out, ' ');
            show(w, result, out);
        }
        trial_abort(&w->bind, t);
        if (!found) break;
    }
    CHECK(c.space == NULL);
    check_glance(w, pattern, result, buf_cstr(out));
    return buf_cstr(out);
}

static const char *rules(World *w, const char *goal_text, Buf *out)
{
    Word goal = term(w, goal_text);
    RuleCursor c;
    Rule r;
    vec_clear(out);
    rules_open(w->space, goal, &c);
    while (rules_next(&c, goal, &r)) {
        Word slots[8];
        for (int i = 0; i < 8; i++) slots[i] = WORD_NIL;
        Trial t = trial_begin(&w->bind);
        bool ok = match_stored(&w->bind, r.lhs, goal, slots, r.names);
        if (out->len) buf_putc(out, ' ');
        buf_puts(out, ok ? "" : "!");
        show(w, instantiate(&w->heap, r.rhs, slots, r.names), out);
        trial_abort(&w->bind, t);
    }
    return buf_cstr(out);
}

/* -- Cases -- */

static void test_facts(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    add(&w, "(a 1)");
    add(&w, "(b 1)");
    add(&w, "(a 1)");
    add(&w, "(a 2)");
    CHECK(space_count(w.space) == 4);
    CHECK_STR(query(&w, "(a $x)", "$x", &b), "1 1 2");
    CHECK_STR(query(&w, "($f 1)", "$f", &b), "a b a");
    CHECK_STR(query(&w, "$x", "$x", &b), "(a 1) (b 1) (a 1) (a 2)");
    CHECK(space_remove(w.space, term(&w, "(a 1)")));
    CHECK_STR(query(&w, "$x", "$x", &b), "(b 1) (a 1) (a 2)");
    CHECK(space_remove(w.space, term(&w, "(a 1.0)")));
    CHECK(!space_remove(w.space, term(&w, "(a 1)")));
    CHECK(!space_remove(w.space, term(&w, "(zzz 1)")));
    CHECK_STR(query(&w, "(a $x)", "$x", &b), "2");
    CHECK_STR(query(&w, "(a 2.0)", "yes", &b), "yes");
    CHECK(space_version(w.space) == 6);
    add(&w, "()");
    add(&w, "foo");
    add(&w, "(bar)");
    add(&w, "\"text\"");
    CHECK_STR(query(&w, "()", "yes", &b), "yes");
    CHECK_STR(query(&w, "foo", "yes", &b), "yes");
    CHECK_STR(query(&w, "(bar)", "yes", &b), "yes");
    CHECK_STR(query(&w, "\"text\"", "yes", &b), "yes");
    CHECK_STR(query(&w, "($x)", "$x", &b), "bar");
    CHECK_STR(query(&w, "baz", "yes", &b), "");
    vec_free(&b);
    world_fini(&w);
}

static void test_variables(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    add(&w, "(a $x $x)");
    add(&w, "(p (q $x))");
    CHECK_STR(query(&w, "(a 1 2)", "yes", &b), "");
    CHECK_STR(query(&w, "(a 1 1)", "yes", &b), "yes");
    CHECK_STR(query(&w, "(a $y 3)", "$y", &b), "3");
    CHECK_STR(query(&w, "(p (q 1))", "yes", &b), "yes");
    CHECK_STR(query(&w, "(p (q $z))", "(z $z)", &b), "(z $z)");
    CHECK(!space_remove(w.space, term(&w, "(p (q $z))")));
    CHECK(space_remove(w.space, term(&w, "(p (q $x))")));
    add(&w, "(r $x)");
    Word serial =
        atom_expr2(&w.heap, sym(&w, "r"), atom_new_var(&w.heap, sym_intern_cstr(w.symbols, "x"), 0));
    CHECK(!space_remove(w.space, serial));
    space_add(w.space, serial);
    CHECK(space_remove(w.space, serial));
    CHECK(space_remove(w.space, term(&w, "(r $x)")));
    add(&w, "(f 1 2)");
    add(&w, "(f 3 3)");
    CHECK_STR(query(&w, "(f $x $x)", "$x", &b), "3");
    add(&w, "($h 7 8)");
    add(&w, "(f 7 9)");
    add(&w, "$any");
    CHECK_STR(query(&w, "(f 7 $x)", "$x", &b), "8 9 $x");
    CHECK_STR(query(&w, "(g 7 $x)", "$x", &b), "8 $x");
    CHECK_STR(query(&w, "(($k) 7 $x)", "$x", &b), "8 $x");
    CHECK_STR(query(&w, "hello", "yes", &b), "yes");
    vec_free(&b);
    world_fini(&w);
}

static RowsSeen glance(World *w, const char *pattern)
{
    Trial t = trial_begin(&w->bind);
    RowsSeen seen = space_glance(&w->space, 1, term(w, pattern), &w->bind);
    trial_abort(&w->bind, t);
    return seen;
}

/* The one row that may match is found without a cursor. */
static void test_glance(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    CHECK(glance(&w, "(t $x N)") == ROWS_NONE);
    add(&w, "(t zero N)");
    add(&w, "(t succ (to N N))");
    add(&w, "(t plus (to N (to N N)))");
    add(&w, "(t half 0.5)");
    add(&w, "(t \"half\" (0 1 2 3 4 5 6 7 8 9))");
    CHECK(glance(&w, "(t $x N)") == ROWS_ONE);
    CHECK(glance(&w, "(t $x M)") == ROWS_NONE);
    CHECK(glance(&w, "(t $x (to $y $z))") == ROWS_UNKNOWN);
    CHECK(glance(&w, "(t $x $y)") == ROWS_UNKNOWN);
    CHECK(glance(&w, "($t $x $y)") == ROWS_UNKNOWN);
    CHECK_STR(query(&w, "(t $x N)", "$x", &b), "zero");
    CHECK_STR(query(&w, "(t $x (to $p N))", "($x $p)", &b), "(succ N)");
    CHECK_STR(query(&w, "(t $x (to $x N))", "$x", &b), "");
    CHECK_STR(query(&w, "(t $x (to $p (to $p $q)))", "($p $q)", &b), "(N N)");
    CHECK_STR(query(&w, "(t $x (to $p (to $q (to $r N))))", "$x", &b), "");
    CHECK_STR(query(&w, "(t half 0.5)", "yes", &b), "yes");
    CHECK_STR(query(&w, "(t \"half\" (0 1.0 2 3 4 5 6 7 $x 9))", "$x", &b), "8");
    CHECK_STR(query(&w, "(t \"half\" (0 1 2 3 4 5 6 7 8 $x $y))", "$x", &b), "");
    CHECK_STR(query(&w, "(t \"half\" (0 1 2 3 4 5 6 7 8 10))", "yes", &b), "");
    CHECK(space_remove(w.space, term(&w, "(t zero N)")));
    CHECK(glance(&w, "(t $x N)") == ROWS_NONE);
    add(&w, "(t $any N)");
    CHECK(glance(&w, "(t $x N)") == ROWS_UNKNOWN);
    add(&w, "(u 1)");
    CHECK(glance(&w, "(u 1.0)") == ROWS_ONE);
    add(&w, "$all");
    CHECK(glance(&w, "(u 1.0)") == ROWS_UNKNOWN);
    vec_free(&b);
    world_fini(&w);
}

/* A pattern bound only inside an argument finds its row among many by an index on that place. */
static void test_deep(void)
{
    World w;
    Buf b = {0};
    char text[80];
    world_init(&w);
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "(: p%d (-> (A%d x) B))", i % 7, i);
        add(&w, text);
        snprintf(text, sizeof text, "(ev $v%d (List c%d d))", i, i);
        add(&w, text);
    }
    CHECK_STR(query(&w, "(: $p (-> (A123 $x) B))", "($p $x)", &b), "(p4 x)");
    CHECK_STR(query(&w, "(ev foo (List c77 $d))", "$d", &b), "d");
    CHECK_STR(query(&w, "(ev foo (List c9999 $d))", "$d", &b), "");
    CHECK(space_estimate(w.space, term(&w, "(ev foo (List c77 $d))")) == 1);
    CHECK(space_estimate(w.space, term(&w, "(: $p (-> (A123 $x) B))")) == 1);
    CHECK(space_estimate(w.space, term(&w, "(: p3 $t)")) >= 285);
    vec_free(&b);
    world_fini(&w);
}

static void test_rules(void)
{
    World w;
    Buf b = {0};
    char text[80];
    world_init(&w);
    uint32_t f = sym_intern_cstr(w.symbols, "f"), k = sym_intern_cstr(w.symbols, "k");
    CHECK(!rules_exist(w.space, f, 2));
    add(&w, "(= (f 0) zero)");
    add(&w, "(= (f $n) (some $n))");
    add(&w, "(= (f a b) two)");
    CHECK(rules_exist(w.space, f, 2));
    CHECK(!rules_exist(w.space, f, 4));
    CHECK_STR(rules(&w, "(f 0)", &b), "zero (some 0)");
    CHECK_STR(rules(&w, "(f 1)", &b), "(some 1)");
    CHECK_STR(rules(&w, "(f 0.0)", &b), "zero (some 0.0)");
    CHECK_STR(rules(&w, "(g 1)", &b), "");
    CHECK(space_remove(w.space, term(&w, "(= (f $n) (some $n))")));
    CHECK_STR(rules(&w, "(f 1)", &b), "");
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "(= (k %d $x) (v%d $x))", i, i);
        add(&w, text);
        if (i == 500) add(&w, "(= (k $y (S $z)) last)");
    }
    CHECK_STR(rules(&w, "(k 700 (S q))", &b), "last (v700 (S q))");
    CHECK_STR(rules(&w, "(k 30 (T q))", &b), "(v30 (T q))");
    CHECK_STR(rules(&w, "(k 1000 (S q))", &b), "last");
    CHECK(space_remove(w.space, term(&w, "(= (k 30 $x) (v30 $x))")));
    CHECK_STR(rules(&w, "(k 30 (T q))", &b), "");
    CHECK(rules_exist(w.space, k, 3));
    add(&w, "(= ((curry $g) $x) ($g $x))");
    CHECK_STR(rules(&w, "((curry f) 1)", &b), "(f 1)");
    CHECK(space_remove(w.space, term(&w, "(= ((curry $g) $x) ($g $x))")));
    CHECK_STR(rules(&w, "((curry f) 1)", &b), "");
    CHECK_STR(rules(&w, "(nothing 1)", &b), "");
    CHECK(!rules_exist(w.space, sym_intern_cstr(w.symbols, "nothing"), 2));
    add(&w, "(= ($h never) found)");
    CHECK(rules_exist(w.space, sym_intern_cstr(w.symbols, "nothing"), 2));
    CHECK_STR(rules(&w, "(nothing never)", &b), "found");
    CHECK_STR(rules(&w, "(%1 never)", &b), "found");
    add(&w, "(= (%1 $x $y) op)");
    CHECK_STR(rules(&w, "(%1 2 3)", &b), "op");
    add(&w, "(= sym 5)");
    CHECK_STR(rules(&w, "sym", &b), "5");
    CHECK_STR(rules(&w, "($q never)", &b), "!zero found");
    vec_free(&b);
    world_fini(&w);
}

/* A rule removed while a cursor is open is still delivered, and readable after the cursor is closed. */
static void test_removed_rule(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    RuleCursor c;
    Rule r;
    Word goal = term(&w, "(f 1)");
    add(&w, "(= (f $x) (first $x $y))");
    add(&w, "(= (f $x) (second $x $y))");
    rules_open(w.space, goal, &c);
    CHECK(!rules_at_end(&c, goal));
    CHECK(rules_next(&c, goal, &r));
    CHECK(space_remove(w.space, term(&w, "(= (f $x) (first $x $y))")));
    CHECK(space_remove(w.space, term(&w, "(= (f $x) (second $x $y))")));
    add(&w, "(= (f $x) third)");
    vec_push(&w.roots, goal);
    collect(&w);
    goal = vec_last(&w.roots);
    CHECK(!rules_at_end(&c, goal));
    CHECK(rules_next(&c, goal, &r));
    CHECK(rules_at_end(&c, goal));
    rules_close(&c);
    CHECK(r.slot_count == 2);
    Word slots[2] = {WORD_NIL, WORD_NIL};
    CHECK(match_stored(&w.bind, r.lhs, goal, slots, r.names));
    show(&w, instantiate(&w.heap, r.rhs, slots, r.names), &b);
    CHECK(strncmp(buf_cstr(&b), "(second 1 $y", 12) == 0);
    CHECK_STR(rules(&w, "(f 1)", &b), "third");
    vec_free(&b);
    world_fini(&w);
}

/* Loops of removing and adding stay small: rows, indexes, stored terms. */
static void test_churn(void)
{
    World w;
    world_init(&w);
    Cursor pin;
    add(&w, "(st (pair 0 x))");
    add(&w, "(= (counter) 0)");
    for (int i = 0; i < 20; i++) add(&w, "(other 1)");
    Word x = sym(&w, "x"), pair = sym(&w, "pair"), st = sym(&w, "st"), counter = sym(&w, "counter");
    vec_push(&w.roots, x);
    size_t bytes = 0, stored = 0;
    for (int i = 0; i < 40000; i++) {
        if (i == 20000) cursor_open(w.space, var(&w, "all"), &pin);
        Heap *h = &w.heap;
        Word old = atom_expr2(h, st, atom_expr3(h, pair, word_int48(i), x));
        Word new = atom_expr2(h, st, atom_expr3(h, pair, word_int48(i + 1), x));
        bool ok = space_remove(w.space, old);
        space_add(w.space, new);
        Word head = atom_expr(h, &counter, 1);
        space_add(w.space, atom_expr3(h, W_SYM(EQUAL), head, word_int48(i + 1)));
        ok = ok && space_remove(w.space, atom_expr3(h, W_SYM(EQUAL), head, word_int48(i)));
        if (!ok) CHECK_MSG(false, "step %d", i);
        if (i % 1000 == 999) collect(&w);
        if (i == 10000) {
            bytes = space_bytes(w.space);
            stored = store_bytes(w.store);
        }
    }
    CHECK_MSG(space_bytes(w.space) < bytes + 10000, "%zu, then %zu", bytes, space_bytes(w.space));
    CHECK_MSG(store_bytes(w.store) < stored + 100000, "%zu, then %zu", stored, store_bytes(w.store));
    CHECK(space_count(w.space) == 22);
    cursor_close(&pin);
    world_fini(&w);
}

/* Spaces in spaces, unreachable spaces, terms that outlive their row. */
static void test_lifetimes(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    Space *inner = space_new(&w.heap, w.store, "&inner");
    space_add(inner, term(&w, "(deep (er fact))"));
    space_add(inner, space_word(w.space));
    space_add(w.space, atom_expr2(&w.heap, sym(&w, "holds"), space_word(inner)));
    collect(&w);
    CHECK(space_count(inner) == 2);
    CHECK_STR(query(&w, "(holds $s)", "$s", &b), "&inner");
    CHECK(word_space(space_word(inner)) == inner && word_space(W_SYM(EQUAL)) == NULL);

    /* A row's term is kept by a root, survives collections, and goes when the root goes. */
    add(&w, "(row (kept (alive x)))");
    Word pattern = term(&w, "(row $k)");
    Cursor c;
    cursor_open(w.space, pattern, &c);
    CHECK(cursor_next(&c, &w.bind, pattern));
    cursor_close(&c);
    vec_push(&w.roots, atom_resolve(&w.heap, expr_at(pattern, 1)));
    CHECK(space_remove(w.space, term(&w, "(row (kept (alive x)))")));
    collect(&w);
    collect(&w);
    vec_clear(&b);
    show(&w, vec_last(&w.roots), &b);
    CHECK_STR(buf_cstr(&b), "(kept (alive x))");
    size_t before = store_bytes(w.store);
    vec_last(&w.roots) = expr_at(vec_last(&w.roots), 1);
    collect(&w);
    CHECK(store_bytes(w.store) < before);
    vec_clear(&b);
    show(&w, vec_last(&w.roots), &b);
    CHECK_STR(buf_cstr(&b), "(alive x)");
    before = store_bytes(w.store);
    w.roots.len--;
    collect(&w);
    CHECK(store_bytes(w.store) < before);

    CHECK(space_remove(w.space, atom_expr2(&w.heap, sym(&w, "holds"), space_word(inner))));
    collect(&w);
    collect(&w);
    vec_free(&b);
    world_fini(&w);
}

/* External objects that are equal by type, or not at all. */
static bool always_equal(const Ext *a, const Ext *b)
{
    (void)a;
    (void)b;
    return true;
}

static void free_ext(Ext *x)
{
    base_free(x);
}

static Word new_ext(World *w, const ExtType *type)
{
    Ext *x = base_calloc(1, sizeof *x);
    x->type = type;
    return heap_add_ext(&w->heap, x);
}

static void test_values(void)
{
    static const ExtType alike = {.name = "alike", .destroy = free_ext, .equal = always_equal};
    static const ExtType single = {.name = "single", .destroy = free_ext};
    World w;
    Buf b = {0};
    world_init(&w);
    Heap *h = &w.heap;
    Word v = sym(&w, "v"), first = new_ext(&w, &alike), second = new_ext(&w, &alike);
    Word third = new_ext(&w, &single), fourth = new_ext(&w, &single), big, power;
    CHECK(num_parse(h, "123456789012345678901234567890", 30, &big));
    CHECK(num_parse(h, "1267650600228229401496703205376", 31, &power));
    const Word values[] = {
        num_from_int(h, INT64_C(1) << 60),
        big,
        power,
        word_int48(INT48_MIN),
        word_double(2.5),
        first,
        third,
        atom_str(h, "", 0),
        atom_str(h, "12345678", 8),
        atom_expr2(h, v, num_from_int(h, INT64_MIN)),
    };
    const Word equals[] = {
        word_double(0x1p60),
        big,
        word_double(0x1p100),
        word_double(-0x1p47),
        word_double(2.5),
        second,
        third,
        atom_str(h, "", 0),
        atom_str(h, "12345678", 8),
        atom_expr2(h, v, word_double(-0x1p63)),
    };
    const Word others[] = {
        word_double(0x1p59),
        word_double(1.2345678901234568e29),
        big,
        word_int48(INT48_MIN + 1),
        word_double(3.5),
        third,
        fourth,
        atom_str(h, "1", 1),
        atom_str(h, "12345679", 8),
        atom_expr2(h, v, word_double(-0x1p62)),
    };
    /* With few rows by scan, with many by index. */
    for (int filler = 0; filler < 2; filler++) {
        for (int i = 0; i < 50 * filler; i++) space_add(w.space, atom_expr2(h, v, word_int48(i)));
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            space_add(w.space, atom_expr2(h, v, values[i]));
            CHECK(space_estimate(w.space, atom_expr2(h, v, equals[i])) >= 1);
            Cursor c;
            cursor_open(w.space, atom_expr2(h, v, equals[i]), &c);
            CHECK_MSG(cursor_next(&c, &w.bind, atom_expr2(h, v, equals[i])), "value %zu", i);
            cursor_close(&c);
            cursor_open(w.space, atom_expr2(h, v, others[i]), &c);
            CHECK_MSG(!cursor_next(&c, &w.bind, atom_expr2(h, v, others[i])), "other %zu", i);
            cursor_close(&c);
            CHECK(!space_remove(w.space, atom_expr2(h, v, others[i])));
            CHECK_MSG(space_remove(w.space, atom_expr2(h, v, equals[i])), "removal %zu", i);
        }
    }
    space_add(w.space, atom_expr2(h, v, word_double(NAN)));
    CHECK_STR(query(&w, "(v $x)", "$x", &b) + strlen(buf_cstr(&b)) - 3, "NaN");
    CHECK(!space_remove(w.space, atom_expr2(h, v, word_double(NAN))));
    vec_free(&b);
    world_fini(&w);
}

/* Atoms with hundreds of variables and items, which do not fit any small buffer. */
static void test_wide(void)
{
    enum { WIDE = 300 };
    World w;
    world_init(&w);
    w.store_first = true;
    Word items[WIDE + 1], values[WIDE + 1];
    char name[16];
    for (int round = 0; round < 20; round++) {
        items[0] = values[0] = sym(&w, "wide");
        for (int i = 1; i <= WIDE; i++) {
            snprintf(name, sizeof name, "v%d", i % 150);
            items[i] = atom_expr2(&w.heap, sym(&w, "box"), var(&w, name));
            values[i] = atom_expr2(&w.heap, sym(&w, "box"), word_int48(i % 150));
        }
        Word open = atom_expr(&w.heap, items, WIDE + 1), closed = atom_expr(&w.heap, values, WIDE + 1);
        Word nested = atom_expr2(&w.heap, sym(&w, "nested"), closed);
        space_add(w.space, open);
        space_add(w.space, nested);
        space_add(w.space, nested);
        Cursor c;
        cursor_open(w.space, closed, &c);
        for (int i = 0; i <= round; i++) CHECK(cursor_next(&c, &w.bind, closed));
        CHECK(!cursor_next(&c, &w.bind, closed));
        values[WIDE] = word_int48(7);
        closed = atom_expr(&w.heap, values, WIDE + 1);
        cursor_open(w.space, closed, &c);
        CHECK(!cursor_next(&c, &w.bind, closed));
        CHECK(space_remove(w.space, nested));
        CHECK(round % 2 || space_remove(w.space, open));
        CHECK(round % 2 || (space_add(w.space, open), true));
    }
    CHECK(space_count(w.space) == 40);
    collect(&w);
    Word open = atom_expr(&w.heap, items, WIDE + 1);
    size_t bytes = store_bytes(w.store);
    for (int i = 0; i < 20; i++) CHECK(space_remove(w.space, open));
    collect(&w);
    CHECK(store_bytes(w.store) < bytes);
    world_fini(&w);
}

/* -- One large relation, much removed, with and without an open cursor -- */

typedef struct Bulk {
    World w;
    uint64_t random;
    VEC(bool) live;
} Bulk;

enum { BULK = 4000 };

static uint32_t bulk_pick(Bulk *b, uint32_t n)
{
    return unit_below(&b->random, n);
}

static Word bulk_fact(Bulk *b, uint32_t i)
{
    return atom_expr4(&b->w.heap, sym(&b->w, "bulk"), word_int48(i % 2), word_int48(i % 50), word_int48(i));
}

/* The rows with I % 2 == 1 in order, those that were live when COPY was made. */
static void bulk_compare(Bulk *b, Cursor *c, Word pattern, const bool *copy, uint32_t from)
{
    Word x = expr_at(pattern, 3);
    for (uint32_t i = from;; i++) {
        while (i < BULK && !(copy[i] && i % 2)) i++;
        Trial t = trial_begin(&b->w.bind);
        bool found = cursor_next(c, &b->w.bind, pattern);
        int64_t got = found ? word_int48_get(atom_deref(x)) : BULK;
        trial_abort(&b->w.bind, t);
        CHECK_MSG(got == i, "got %lld, want %u", (long long)got, i);
        if (!found || got != i) return;
    }
}

static Word bulk_pattern(Bulk *b)
{
    World *w = &b->w;
    return atom_expr4(&w->heap, sym(w, "bulk"), word_int48(1), var(w, "k"), var(w, "x"));
}

static void bulk_remove(Bulk *b, uint32_t n)
{
    while (n--) {
        uint32_t i = bulk_pick(b, BULK);
        CHECK(space_remove(b->w.space, bulk_fact(b, i)) == b->live.data[i]);
        b->live.data[i] = false;
    }
}

static void test_bulk(uint64_t seed)
{
    Bulk b = {.random = seed};
    world_init(&b.w);
    World *w = &b.w;
    bool before[BULK];
    Cursor c, held;
    Word pattern = bulk_pattern(&b),
         first = atom_expr4(&w->heap, sym(w, "bulk"), word_int48(1), word_int48(7), var(w, "x"));
    for (uint32_t i = 0; i < BULK; i++) {
        vec_push(&b.live, true);
        space_add(w->space, bulk_fact(&b, i));
        if (i == 100) {
            CHECK(space_estimate(w->space, pattern) == 50);
            CHECK(space_estimate(w->space, first) == 2);
        }
    }
    bulk_remove(&b, BULK / 4);
    memcpy(before, b.live.data, sizeof before);
    cursor_open(w->space, pattern, &held);
    bulk_remove(&b, BULK / 2);
    /* Rows above the view of the open cursor come and go, and leave nothing. */
    for (uint32_t i = 0; i < 3000; i++) {
        space_add(w->space, bulk_fact(&b, BULK + 1 + 2 * i));
        space_add(w->space, bulk_fact(&b, BULK + 2 + 2 * i));
        CHECK(space_remove(w->space, bulk_fact(&b, BULK + 1 + 2 * i)));
        CHECK(space_remove(w->space, bulk_fact(&b, BULK + 2 + 2 * i)));
    }
    cursor_open(w->space, pattern, &c);
    bulk_compare(&b, &c, pattern, b.live.data, 0);
    bulk_compare(&b, &held, pattern, before, 0);
    bulk_remove(&b, BULK);
    cursor_open(w->space, pattern, &c);
    bulk_compare(&b, &c, pattern, b.live.data, 0);
    for (uint32_t i = 0; i < BULK; i++)
        if (b.live.data[i]) space_remove(w->space, bulk_fact(&b, i));
    CHECK(space_count(w->space) == 0);
    memset(b.live.data, 0, BULK);
    for (uint32_t i = 1; i < BULK; i += 2) {
        space_add(w->space, bulk_fact(&b, i));
        b.live.data[i] = true;
    }
    cursor_open(w->space, pattern, &c);
    bulk_compare(&b, &c, pattern, b.live.data, 0);
    CHECK(space_bytes(w->space) < 1000000);
    vec_free(&b.live);
    world_fini(w);
}

static Word item_fact(World *w, int key, int i)
{
    return atom_expr3(&w->heap, sym(w, "item"), word_int48(key), word_int48(i));
}

static size_t count_matches(World *w, const char *pattern, Buf *b)
{
    size_t n = 0;
    query(w, pattern, "x", b);
    for (size_t i = 0; i < b->len; i++) n += b->data[i] == 'x';
    return n;
}

/* Removal from the middle of one long posting, and of everything at once. */
static void test_postings(void)
{
    World w;
    Buf b = {0};
    world_init(&w);
    for (int i = 0; i < 3000; i++) space_add(w.space, item_fact(&w, i % 3 == 0, i));
    CHECK(count_matches(&w, "(item 1 $n)", &b) == 1000);
    for (int i = 30; i < 2400; i += 3) CHECK(space_remove(w.space, item_fact(&w, 1, i)));
    CHECK(count_matches(&w, "(item 1 $n)", &b) == 210);
    CHECK(count_matches(&w, "(item 0 $n)", &b) == 2000);
    CHECK(count_matches(&w, "(item 1 1800)", &b) == 0);
    CHECK(count_matches(&w, "(item 1 2700)", &b) == 1);
    Cursor c;
    Word pattern = term(&w, "(item $k $n)");
    cursor_open(w.space, pattern, &c);
    for (int i = 0; i < 3000; i++) space_remove(w.space, item_fact(&w, i % 3 == 0, i));
    CHECK(space_count(w.space) == 0);
    CHECK(cursor_next(&c, &w.bind, pattern));
    cursor_close(&c);
    CHECK(count_matches(&w, "(item 1 $n)", &b) == 0);
    for (int i = 0; i < 100; i++) space_add(w.space, item_fact(&w, 1, i));
    CHECK(count_matches(&w, "(item 1 $n)", &b) == 100);
    CHECK(count_matches(&w, "(item $k 50)", &b) == 1);
    vec_free(&b);
    world_fini(&w);
}

static void count_change(void *context, Space *s, Word atom, bool added)
{
    int *changes = context;
    (void)s;
    CHECK(atom_is_cons(atom));
    changes[added]++;
}

static void keep_scope(void *scope)
{
    (void)scope; /* not ours to free */
}

static void test_interface(void)
{
    World w;
    Buf b = {0};
    int changes[2] = {0};
    world_init(&w);
    space_observe(w.space, count_change, changes);
    add(&w, "(a b)");
    add(&w, "(a b)");
    CHECK(space_remove(w.space, term(&w, "(a b)")));
    CHECK(!space_remove(w.space, term(&w, "(a c)")));
    CHECK(changes[0] == 1 && changes[1] == 2);
    CHECK(space_scope(w.space) == NULL && space_name(w.space) == NULL);
    space_set_scope(w.space, changes, keep_scope);
    CHECK(space_scope(w.space) == changes);
    show(&w, space_word(w.space), &b);
    CHECK(strncmp(buf_cstr(&b), "GroundingSpace-0x", 17) == 0);
    CHECK(word_ext(space_word(w.space))->type->type_of(word_ext(space_word(w.space))) == W_SYM(T_SPACE));
    /* Bindings have no life outside their evaluation; storing them must only do no harm. */
    Obj *binds = heap_obj(&w.heap, OBJ_BINDS, 0, 2, 2);
    binds->body[0] = var(&w, "x");
    binds->body[1] = word_int48(1);
    Word holder = atom_expr2(&w.heap, sym(&w, "binds"), word_from_ptr(TAG_HEAP, binds));
    space_add(w.space, holder);
    query(&w, "(binds $b)", "$b", &b);
    CHECK(space_count(w.space) == 2);
    /* A closed cursor stays closed. */
    Cursor c;
    Word pattern = term(&w, "(a $x)");
    cursor_open(w.space, pattern, &c);
    cursor_close(&c);
    cursor_close(&c);
    CHECK(!cursor_next(&c, &w.bind, pattern) && cursor_at_end(&c, pattern));
    vec_free(&b);
    world_fini(&w);
}

/* -- Random programs against a list of atoms -- */

typedef struct Fact {
    Word atom;
    bool live;
} Fact;

typedef struct OpenQuery {
    bool open, is_rule;
    Cursor cursor;
    RuleCursor rules;
    Word pattern;
    WordVec facts; /* the view at opening */
    size_t next;
} OpenQuery;

enum { QUERIES = 4 };

typedef struct Model {
    World w;
    uint64_t random;
    VEC(Fact) facts;
    OpenQuery queries[QUERIES];
    bool open_heads;  /* make variable heads and bare variables */
    uint32_t breadth; /* number of different leaves */
} Model;

static uint32_t pick(Model *m, uint32_t n)
{
    return unit_below(&m->random, n);
}

static Word random_leaf(Model *m, Word vars[3], uint32_t var_share)
{
    World *w = &m->w;
    if (pick(m, 100) < var_share) return vars[pick(m, 3)];
    char text[16];
    uint32_t i = pick(m, m->breadth);
    switch (pick(m, 12)) {
    case 0:
        return word_double(i);
    case 1:
        return word_double(i + 0.5);
    case 2:
        snprintf(text, sizeof text, "s%u", i);
        return atom_str(&w->heap, text, strlen(text));
    case 3:
        return WORD_UNIT;
    case 4:
        return word_bool(i & 1);
    case 5:
    case 6:
    case 7:
        return word_int48(i);
    default:
        snprintf(text, sizeof text, "c%u", i);
        return sym(w, text);
    }
}

static Word random_term(Model *m, Word vars[3], uint32_t var_share, int depth)
{
    if (depth == 0 || pick(m, 3)) return random_leaf(m, vars, var_share);
    Word items[3];
    uint32_t n = 1 + pick(m, 3);
    for (uint32_t i = 0; i < n; i++) items[i] = random_term(m, vars, var_share, depth - 1);
    return atom_expr(&m->w.heap, items, n);
}

static Word random_head(Model *m, Word vars[3])
{
    static const char *const heads[] = {"f", "g", "h"};
    uint32_t r = pick(m, 100);
    if (m->open_heads && r < 4) return vars[pick(m, 3)];
    if (r < 8) return word_op(pick(m, 2));
    if (r < 12) return random_term(m, vars, 10, 2);
    return sym(&m->w, heads[pick(m, 3)]);
}

static Word random_call(Model *m, Word vars[3], uint32_t var_share)
{
    Word items[4];
    uint32_t n = 1 + pick(m, 4);
    items[0] = random_head(m, vars);
    for (uint32_t i = 1; i < n; i++) items[i] = random_term(m, vars, var_share, 2);
    return atom_expr(&m->w.heap, items, n);
}

static Word random_atom(Model *m, uint32_t var_share)
{
    Word vars[3] = {var(&m->w, "x"), var(&m->w, "y"), var(&m->w, "z")};
    if (pick(m, 20) == 0) return random_leaf(m, vars, m->open_heads ? 10 : 0);
    if (pick(m, 4)) return random_call(m, vars, var_share);
    Word lhs = pick(m, 12) ? random_call(m, vars, var_share) : random_leaf(m, vars, m->open_heads ? 20 : 0);
    return atom_expr3(&m->w.heap, W_SYM(EQUAL), lhs, random_term(m, vars, 40, 2));
}

/* The rule for removal: variables by name, the rest by value. */
static bool same_atom(Word a, Word b)
{
    a = atom_deref(a);
    b = atom_deref(b);
    if (word_is_cell(a) || word_is_cell(b))
        return word_is_cell(a) && word_is_cell(b) && word_obj(a)->len == word_obj(b)->len;
    if (!atom_is_cons(a) || !atom_is_cons(b)) return atom_equal(a, b);
    if (expr_len(a) != expr_len(b)) return false;
    for (uint32_t i = 0; i < expr_len(a); i++)
        if (!same_atom(expr_at(a, i), expr_at(b, i))) return false;
    return true;
}

/* PATTERN under its unification with FACT; false when there is none. */
static bool expect_instance(Model *m, Word pattern, Word fact, Word *out)
{
    World *w = &m->w;
    Word copy = rename_apart(&w->heap, fact, NULL, 0);
    Trial t = trial_begin(&w->bind);
    bool ok = unify(&w->bind, pattern, copy);
    if (ok) *out = rename_apart(&w->heap, pattern, NULL, 0);
    trial_abort(&w->bind, t);
    return ok;
}

static void complain(Model *m, const char *what, Word a, Word b)
{
    Buf text = {0};
    show(&m->w, a, &text);
    buf_puts(&text, "  |  ");
    show(&m->w, b, &text);
    CHECK_MSG(false, "%s: %s", what, buf_cstr(&text));
    vec_free(&text);
}

static Word rule_term(Model *m, const Rule *r)
{
    Word *slots = malloc((r->slot_count + 1) * sizeof *slots);
    for (uint32_t i = 0; i < r->slot_count; i++) slots[i] = WORD_NIL;
    Word lhs = instantiate(&m->w.heap, r->lhs, slots, r->names);
    Word rhs = instantiate(&m->w.heap, r->rhs, slots, r->names);
    free(slots);
    return atom_expr3(&m->w.heap, W_SYM(EQUAL), lhs, rhs);
}

/* The next candidate rule that unifies with the goal, as (= GOAL' RHS'). */
static bool next_rule_instance(Model *m, OpenQuery *q, Word *got)
{
    Rule r;
    Word goal = expr_at(q->pattern, 1);
    for (;;) {
        bool end = pick(m, 2) && rules_at_end(&q->rules, goal);
        if (!rules_next(&q->rules, goal, &r)) return false;
        if (end) complain(m, "a rule after the end", q->pattern, WORD_UNIT);
        if (expect_instance(m, q->pattern, rule_term(m, &r), got)) return true;
    }
}

static bool next_row_instance(Model *m, OpenQuery *q, Word *got, bool *at_end)
{
    Bind *b = &m->w.bind;
    Trial t = trial_begin(b);
    bool found = cursor_next(&q->cursor, b, q->pattern);
    if (found) {
        *got = rename_apart(&m->w.heap, q->pattern, NULL, 0);
        uint32_t mode = pick(m, 3);
        *at_end = mode && cursor_at_end(&q->cursor, mode == 1 ? WORD_NIL : q->pattern);
    }
    trial_abort(b, t);
    return found;
}

static void query_close(OpenQuery *q)
{
    if (!q->open) return;
    if (q->is_rule)
        rules_close(&q->rules);
    else
        cursor_close(&q->cursor);
    q->open = false;
}

static void query_step(Model *m, OpenQuery *q)
{
    Word want = WORD_NIL, got = WORD_NIL;
    bool expected = false, at_end = false;
    while (q->next < q->facts.len && !expected)
        expected = expect_instance(m, q->pattern, q->facts.data[q->next++], &want);
    bool found = q->is_rule ? next_rule_instance(m, q, &got) : next_row_instance(m, q, &got, &at_end);
    if (found != expected)
        complain(m, expected ? "missed" : "unexpected", q->pattern, expected ? want : got);
    else if (found && !atom_alpha_equal(want, got))
        complain(m, "other result", want, got);
    else
        CHECK(true);
    if (at_end)
        for (size_t i = q->next; i < q->facts.len; i++)
            if (expect_instance(m, q->pattern, q->facts.data[i], &want))
                complain(m, "end too early", q->pattern, want);
    if (!found) q->open = false;
    if (at_end && found) query_close(q);
}

static bool is_rule(Word atom)
{
    return atom_is_cons(atom) && expr_len(atom) == 3 && expr_at(atom, 0) == W_SYM(EQUAL);
}

static void query_open(Model *m, OpenQuery *q)
{
    World *w = &m->w;
    query_close(q);
    q->open = true;
    q->next = 0;
    q->is_rule = pick(m, 3) == 0;
    Word vars[3] = {var(w, "x"), var(w, "y"), var(w, "z")};
    if (q->is_rule) {
        Word goal = pick(m, 12) ? random_call(m, vars, 25) : random_leaf(m, vars, 0);
        q->pattern = atom_expr3(&w->heap, W_SYM(EQUAL), goal, atom_new_var(&w->heap, SYM_QUOTE, 0));
    } else {
        q->pattern = pick(m, 15) ? random_atom(m, 10 + pick(m, 60)) : vars[0];
    }
    vec_clear(&q->facts);
    size_t matches = 0;
    Word instance;
    for (size_t i = 0; i < m->facts.len; i++) {
        if (!m->facts.data[i].live || (q->is_rule && !is_rule(m->facts.data[i].atom))) continue;
        vec_push(&q->facts, m->facts.data[i].atom);
        matches += expect_instance(m, q->pattern, m->facts.data[i].atom, &instance);
    }
    size_t estimate = space_estimate(w->space, q->pattern);
    CHECK_MSG(estimate >= matches, "estimate %zu of %zu", estimate, matches);
    if (q->is_rule)
        rules_open(w->space, expr_at(q->pattern, 1), &q->rules);
    else
        cursor_open(w->space, q->pattern, &q->cursor);
}

static void random_add(Model *m)
{
    Word atom;
    /* Every fourth is a copy of an older one. */
    if (m->facts.len && pick(m, 4) == 0)
        atom = m->facts.data[pick(m, (uint32_t)m->facts.len)].atom;
    else
        atom = random_atom(m, pick(m, 2) ? 0 : 15);
    space_add(m->w.space, atom);
    vec_push(&m->facts, ((Fact){atom, true}));
}

static void random_remove(Model *m)
{
    if (m->facts.len == 0) return;
    Word atom = m->facts.data[pick(m, (uint32_t)m->facts.len)].atom;
    size_t i = 0;
    while (i < m->facts.len && !(m->facts.data[i].live && same_atom(m->facts.data[i].atom, atom))) i++;
    bool removed = space_remove(m->w.space, atom);
    CHECK_MSG(removed == (i < m->facts.len), "removal");
    if (i < m->facts.len) m->facts.data[i].live = false;
}

typedef struct EachCheck {
    Model *m;
    size_t at;
} EachCheck;

static void check_each(void *context, Word atom)
{
    EachCheck *e = context;
    Model *m = e->m;
    while (e->at < m->facts.len && !m->facts.data[e->at].live) e->at++;
    if (e->at == m->facts.len || !atom_alpha_equal(atom, m->facts.data[e->at].atom))
        complain(m, "each", atom, e->at < m->facts.len ? m->facts.data[e->at].atom : WORD_UNIT);
    e->at++;
}

static void check_contents(Model *m)
{
    size_t live = 0;
    for (size_t i = 0; i < m->facts.len; i++) live += m->facts.data[i].live;
    CHECK(space_count(m->w.space) == live);
    EachCheck e = {m, 0};
    space_each(m->w.space, check_each, &e);
    for (; e.at < m->facts.len; e.at++)
        if (m->facts.data[e.at].live) complain(m, "not visited", m->facts.data[e.at].atom, WORD_UNIT);
}

static void forget_dead(Model *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->facts.len; i++)
        if (m->facts.data[i].live) m->facts.data[kept++] = m->facts.data[i];
    m->facts.len = kept;
}

static void trace_model(World *w, Heap *h)
{
    Model *m = (Model *)w;
    for (size_t i = 0; i < m->facts.len; i++) heap_visit(h, &m->facts.data[i].atom);
    for (int i = 0; i < QUERIES; i++) {
        OpenQuery *q = &m->queries[i];
        if (!q->open) continue;
        heap_visit(h, &q->pattern);
        heap_visit_range(h, q->facts.data, q->facts.len);
    }
}

static void test_random(uint64_t seed, uint32_t steps)
{
    Model m = {.random = seed};
    world_init(&m.w);
    m.w.trace_more = trace_model;
    m.w.store_first = seed % 4 > 1;
    m.open_heads = seed % 2;
    m.breadth = seed % 3 ? 4 : 60;
    uint32_t shrinking = 0;
    for (uint32_t i = 0; i < steps && unit_failed < 10; i++) {
        /* Phases of growth and of decay, down to nothing now and then. */
        if (i % 500 == 0) shrinking = pick(&m, 3) == 0;
        uint32_t what = pick(&m, 100);
        OpenQuery *q = &m.queries[pick(&m, QUERIES)];
        if (what < (shrinking ? 10u : 35u))
            random_add(&m);
        else if (what < 55)
            random_remove(&m);
        else if (what < 62)
            query_open(&m, q);
        else if (what == 62)
            query_close(q);
        else if (q->open)
            query_step(&m, q);
        if (i % 200 == 0) check_contents(&m);
        if (i % 331 == 0) collect(&m.w);
        if (i % 1000 == 0) forget_dead(&m);
    }
    for (int i = 0; i < QUERIES; i++) {
        query_close(&m.queries[i]);
        vec_free(&m.queries[i].facts);
    }
    check_contents(&m);
    for (size_t i = 0; i < m.facts.len; i++)
        if (m.facts.data[i].live) CHECK(space_remove(m.w.space, m.facts.data[i].atom));
    CHECK(space_count(m.w.space) == 0);
    collect(&m.w);
    collect(&m.w);
    vec_free(&m.facts);
    world_fini(&m.w);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 12;
    test_facts();
    test_variables();
    test_glance();
    test_deep();
    test_rules();
    test_removed_rule();
    test_churn();
    test_lifetimes();
    test_values();
    test_wide();
    test_bulk(1);
    test_bulk(2);
    test_postings();
    test_interface();
    for (uint32_t i = 0; i < rounds && unit_failed < 10; i++) test_random(i + 1, 4000);
    return unit_end();
}
