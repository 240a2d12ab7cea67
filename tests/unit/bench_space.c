/* Rates and sizes of spaces, for people: not run by the tests.
 *
 *     bench_space [FACTS]      FACTS facts (edge a b) over FACTS/10 symbols; default 1000000 */
#include "space/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct Bench {
    Heap heap;
    Bind bind;
    Store *store;
    Space *space;
    uint64_t random;
    uint64_t started;
    char *mark;
} Bench;

static void no_roots(void *context, Heap *h, bool major)
{
    (void)context;
    (void)h;
    (void)major;
}

static uint32_t pick(Bench *b, uint32_t n)
{
    b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((b->random >> 32) * n >> 32);
}

static Word node(uint32_t i)
{
    return word_sym(SYM_COUNT_KNOWN + 10 + i);
}

static Word edge_head(void)
{
    return word_sym(SYM_COUNT_KNOWN);
}

/* The heap is reset between operations in place of a collection: nothing is live. */
static void reset(Bench *b)
{
    b->heap.top = b->mark;
}

/* CPU time: the machine may be shared. */
static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void start(Bench *b)
{
    b->started = cpu_ns();
}

static void report(const Bench *b, const char *what, double n)
{
    double ns = (double)(cpu_ns() - b->started);
    printf("%-44s %9.2f M/s %9.1f ns each\n", what, n * 1e3 / ns, ns / n);
}

static void report_size(const Bench *b, const char *what, double n)
{
    printf("%-44s %9.1f bytes a fact\n", what, (double)(space_bytes(b->space)) / n);
}

static void open_bench(Bench *b, const char *title)
{
    memset(b, 0, sizeof *b);
    if (!heap_init(&b->heap, no_roots, b)) exit(1);
    bind_init(&b->bind, &b->heap);
    b->store = store_new(&b->heap);
    b->space = space_new(&b->heap, b->store, NULL);
    b->random = 42;
    b->mark = b->heap.top;
    printf("-- %s\n", title);
}

static void close_bench(Bench *b)
{
    store_free(b->store);
    heap_fini(&b->heap);
    bind_fini(&b->bind);
}

/* An (edge x y) on the heap without an allocation per fact. */
static Word edge(Bench *b, Word x, Word y)
{
    reset(b);
    return atom_expr3(&b->heap, edge_head(), x, y);
}

static void add_edges(Bench *b, uint32_t n, uint32_t nodes)
{
    for (uint32_t i = 0; i < n; i++) space_add(b->space, edge(b, node(pick(b, nodes)), node(pick(b, nodes))));
}

static size_t count_rows(Bench *b, Word pattern)
{
    Cursor c;
    size_t rows = 0;
    cursor_open(b->space, pattern, &c);
    for (;;) {
        Trial t = trial_begin(&b->bind);
        bool found = cursor_next(&c, &b->bind, pattern);
        trial_abort(&b->bind, t);
        if (!found) return rows;
        rows++;
    }
}

static Word fresh(Bench *b)
{
    return atom_new_var(&b->heap, SYM_EQUAL, 0);
}

static size_t lookups(Bench *b, uint32_t n, uint32_t nodes, bool first, bool second)
{
    size_t rows = 0;
    for (uint32_t i = 0; i < n; i++) {
        reset(b);
        Word x = first ? node(pick(b, nodes)) : fresh(b), y = second ? node(pick(b, nodes)) : fresh(b);
        rows += count_rows(b, atom_expr3(&b->heap, edge_head(), x, y));
    }
    return rows;
}

static void bench_facts(uint32_t n)
{
    Bench b;
    uint32_t nodes = n / 10, queries = 500000;
    open_bench(&b, "facts");
    start(&b);
    add_edges(&b, n, nodes);
    report(&b, "add (edge a b), no index", n);
    report_size(&b, "  size", n);
    start(&b);
    lookups(&b, 1, nodes, true, false);
    lookups(&b, 1, nodes, false, true);
    lookups(&b, 1, nodes, true, true);
    report(&b, "build three indexes", n);
    report_size(&b, "  size", n);
    start(&b);
    size_t rows = lookups(&b, queries, nodes, true, false);
    report(&b, "lookups (edge a $y)", queries);
    report(&b, "  rows", (double)rows);
    start(&b);
    rows = lookups(&b, queries, nodes, false, true);
    report(&b, "lookups (edge $x b)", queries);
    report(&b, "  rows", (double)rows);
    start(&b);
    lookups(&b, queries, nodes, true, true);
    report(&b, "lookups (edge a b)", queries);
    reset(&b);
    start(&b);
    rows = count_rows(&b, atom_expr3(&b.heap, edge_head(), fresh(&b), fresh(&b)));
    report(&b, "scan (edge $x $y)", (double)rows);
    start(&b);
    uint32_t more = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        reset(&b);
        Word y = fresh(&b), first = atom_expr3(&b.heap, edge_head(), node(pick(&b, nodes)), y);
        Cursor c;
        cursor_open(b.space, first, &c);
        for (;;) {
            Trial t = trial_begin(&b.bind);
            bool found = cursor_next(&c, &b.bind, first);
            if (found) more += count_rows(&b, atom_expr3(&b.heap, edge_head(), y, fresh(&b)));
            trial_abort(&b.bind, t);
            if (!found) break;
        }
    }
    report(&b, "join (edge a $y) (edge $y $z), rows", more);
    close_bench(&b);

    open_bench(&b, "facts, indexes live from the start");
    for (uint32_t i = 0; i < 100; i++) space_add(b.space, edge(&b, node(i), node(i)));
    lookups(&b, 1, 1, true, false);
    for (uint32_t i = 0; i < 30; i++) space_add(b.space, edge(&b, node(0), node(i)));
    for (uint32_t i = 0; i < 30; i++) space_add(b.space, edge(&b, node(i), node(0)));
    lookups(&b, 1, 1, true, false);
    lookups(&b, 1, 1, false, true);
    lookups(&b, 1, 1, true, true);
    start(&b);
    add_edges(&b, n, nodes);
    report(&b, "add (edge a b), three indexes", n);
    report_size(&b, "  size", n);
    close_bench(&b);
}

static void bench_state(void)
{
    Bench b;
    uint32_t n = 3000000, counters = 50000;
    Word st = word_sym(SYM_COUNT_KNOWN), pair = word_sym(SYM_COUNT_KNOWN + 1);
    open_bench(&b, "state loops");
    space_add(b.space, atom_expr2(&b.heap, st, word_int48(0)));
    start(&b);
    for (uint32_t i = 0; i < n; i++) {
        reset(&b);
        space_remove(b.space, atom_expr2(&b.heap, st, word_int48(i)));
        space_add(b.space, atom_expr2(&b.heap, st, word_int48(i + 1)));
    }
    report(&b, "remove (st n), add (st n+1)", n);
    printf("%-44s %9zu bytes\n", "  size", space_bytes(b.space) + store_bytes(b.store));
    start(&b);
    for (uint32_t i = 0; i < n; i++) {
        reset(&b);
        space_add(b.space, atom_expr2(&b.heap, st, atom_expr2(&b.heap, pair, word_int48(i + 1))));
        space_remove(b.space, atom_expr2(&b.heap, st, atom_expr2(&b.heap, pair, word_int48(i))));
        if (i % 10000 == 0) store_sweep(b.store);
    }
    report(&b, "add (st (pair n+1)), remove (st (pair n))", n);
    printf("%-44s %9zu bytes\n", "  size", space_bytes(b.space) + store_bytes(b.store));
    for (uint32_t i = 0; i < counters; i++)
        space_add(b.space, atom_expr3(&b.heap, pair, node(i), word_int48(0)));
    uint32_t *value = base_calloc(counters, sizeof *value);
    start(&b);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = pick(&b, counters);
        reset(&b);
        space_remove(b.space, atom_expr3(&b.heap, pair, node(k), word_int48(value[k]++)));
        space_add(b.space, atom_expr3(&b.heap, pair, node(k), word_int48(value[k])));
    }
    report(&b, "remove and add one of 50,000 counters", n);
    printf("%-44s %9zu bytes\n", "  size", space_bytes(b.space) + store_bytes(b.store));
    base_free(value);
    close_bench(&b);
}

static void rule_lookups(Bench *b, Word goal, uint32_t n, const char *what)
{
    Rule r;
    size_t found = 0;
    start(b);
    for (uint32_t i = 0; i < n; i++) {
        RuleCursor c;
        rules_open(b->space, goal, &c);
        while (rules_next(&c, goal, &r)) found++;
    }
    report(b, what, n);
    if (found == 0) printf("  (none found)\n");
}

static void add_rule(Bench *b, Word lhs, Word rhs)
{
    space_add(b->space, atom_expr3(&b->heap, W_SYM(EQUAL), lhs, rhs));
}

static void bench_rules(void)
{
    Bench b;
    uint32_t n = 10000000, many = 100000;
    Word f = node(0), g = node(1), k = node(2);
    open_bench(&b, "rules");
    Heap *h = &b.heap;
    for (uint32_t i = 100; i < 400; i++) add_rule(&b, atom_expr2(h, node(i), fresh(&b)), node(i));
    add_rule(&b, atom_expr2(h, f, fresh(&b)), node(3));
    for (uint32_t i = 0; i < 3; i++) add_rule(&b, atom_expr2(h, g, word_int48(i)), node(3));
    add_rule(&b, atom_expr2(h, g, fresh(&b)), node(3));
    rule_lookups(&b, atom_expr2(h, f, word_int48(7)), n, "one clause, open to end");
    rule_lookups(&b, atom_expr2(h, g, word_int48(2)), n, "four clauses, two candidates, open to end");
    size_t yes = 0;
    start(&b);
    for (uint32_t i = 0; i < n; i++) yes += rules_exist(b.space, word_sym_id(node(i % 512)), 2);
    report(&b, "rules_exist", n);
    if (yes == 0) printf("  (none)\n");
    start(&b);
    for (uint32_t i = 0; i < many; i++) add_rule(&b, atom_expr2(h, k, node(i)), node(i));
    report(&b, "add one of 100,000 clauses (= (k C) V)", many);
    rule_lookups(&b, atom_expr2(h, k, node(77)), n, "one of 100,000 clauses, same key");
    Rule r;
    size_t found = 0;
    Word goal = atom_expr2(h, k, node(0));
    start(&b);
    for (uint32_t i = 0; i < n; i++) {
        RuleCursor c;
        expr_items(goal)[1] = node(pick(&b, many));
        rules_open(b.space, goal, &c);
        while (rules_next(&c, goal, &r)) found++;
    }
    report(&b, "one of 100,000 clauses, random key", n);
    if (found != n) printf("  (%zu found)\n", found);
    close_bench(&b);
}

int main(int argc, char **argv)
{
    uint32_t facts = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    bench_facts(facts);
    bench_state();
    bench_rules();
    return 0;
}
