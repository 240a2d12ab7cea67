/* The public interface, used as an embedder would: every function at least once, and the errors. */
#include <mettatron.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/unit.h"

/* -- Helpers -- */

typedef struct Text {
    char data[4096];
    size_t len;
    size_t calls, stop_after;
    bool error;
    MtSpan span;
} Text;

static void put(Text *t, const char *text)
{
    t->len += (size_t)snprintf(t->data + t->len, sizeof t->data - t->len, "%s", text);
}

/* Results as "[a, b]" in one line. */
static bool on_result(void *context, MtRuntime *rt, const MtResult *r)
{
    Text *t = context;
    put(t, "[");
    for (size_t i = 0; i < r->count; i++) {
        put(t, i ? ", " : "");
        put(t, mt_print(rt, r->atoms[i], NULL));
    }
    put(t, "]");
    t->error = r->is_error;
    t->span = r->span;
    CHECK(r->query == t->calls);
    return ++t->calls != t->stop_after;
}

static bool on_atom(void *context, MtRuntime *rt, MtAtom atom)
{
    Text *t = context;
    put(t, mt_print(rt, atom, NULL));
    put(t, ";");
    return ++t->calls != t->stop_after;
}

static MtStatus run(MtRuntime *rt, const char *text, Text *t)
{
    *t = (Text){.len = 0};
    return mt_run(rt, "test", text, strlen(text), on_result, t);
}

static void check_run(MtRuntime *rt, const char *text, const char *want)
{
    Text t;
    MtStatus status = run(rt, text, &t);
    CHECK_MSG(status == MT_OK || t.error, "%s: %s", text, mt_error(rt)->message);
    CHECK_STR(t.data, want);
}

static MtAtom parse(MtRuntime *rt, const char *text)
{
    MtAtom atom;
    CHECK_MSG(mt_parse(rt, text, strlen(text), &atom) == MT_OK, "%s: %s", text, mt_error(rt)->message);
    return atom;
}

/* -- Atoms -- */

static void test_make(MtRuntime *rt)
{
    int64_t i;
    double d;
    bool b;
    size_t len;
    CHECK(mt_kind(rt, (MtAtom){0}) == MT_NONE);
    CHECK(mt_kind(rt, mt_symbol(rt, "a")) == MT_SYMBOL);
    CHECK_STR(mt_text(rt, mt_symbol(rt, "a"), NULL), "a");
    CHECK(mt_kind(rt, mt_variable(rt, "x")) == MT_VARIABLE);
    CHECK_STR(mt_text(rt, mt_variable(rt, "x"), NULL), "x");
    CHECK_STR(mt_print(rt, mt_variable(rt, "x"), NULL), "$x");
    CHECK(mt_kind(rt, mt_int(rt, INT64_MIN)) == MT_INT);
    CHECK(mt_get_int(rt, mt_int(rt, INT64_MIN), &i) && i == INT64_MIN);
    CHECK(!mt_get_int(rt, mt_float(rt, 1), &i));
    CHECK(mt_get_float(rt, mt_float(rt, 0.5), &d) && d == 0.5);
    CHECK(mt_get_float(rt, mt_int(rt, 3), &d) && d == 3);
    CHECK(mt_get_bool(rt, mt_bool(rt, true), &b) && b);
    CHECK(!mt_get_bool(rt, mt_int(rt, 1), &b));
    CHECK_STR(mt_text(rt, mt_string(rt, "a\0b", 3), &len), "a");
    CHECK(len == 3);
    CHECK_STR(mt_text(rt, mt_string(rt, "\xff!", 2), &len), "\xef\xbf\xbd!");
    CHECK_STR(mt_print(rt, mt_string(rt, "q\"\n", 3), NULL), "\"q\\\"\\n\"");
    CHECK(mt_kind(rt, parse(rt, "123456789012345678901234567890")) == MT_BIG_INT);
    CHECK_STR(mt_print(rt, parse(rt, "123456789012345678901234567890"), NULL),
              "123456789012345678901234567890");
    CHECK(mt_kind(rt, parse(rt, "+")) == MT_FUNCTION);
    CHECK(mt_kind(rt, mt_space_top(rt)) == MT_SPACE);
}

static void test_expressions(MtRuntime *rt)
{
    MtAtom items[] = {mt_symbol(rt, "f"), mt_int(rt, 1), mt_expression(rt, NULL, 0)};
    MtAtom e = mt_expression(rt, items, 3);
    CHECK(mt_kind(rt, e) == MT_EXPRESSION && mt_count(rt, e) == 3);
    CHECK_STR(mt_print(rt, e, NULL), "(f 1 ())");
    CHECK_STR(mt_print(rt, mt_at(rt, e, 1), NULL), "1");
    CHECK(mt_at(rt, e, 3).id == 0 && mt_at(rt, items[0], 0).id == 0 && mt_count(rt, items[0]) == 0);
    CHECK(mt_equal(rt, e, parse(rt, "(f 1.0 ())")));
    CHECK(!mt_equal(rt, e, parse(rt, "(f 2 ())")));
    CHECK(mt_alpha_equal(rt, parse(rt, "(g $x $y $x)"), parse(rt, "(g $a $b $a)")));
    CHECK(!mt_alpha_equal(rt, parse(rt, "(g $x $y $x)"), parse(rt, "(g $a $b $b)")));
    CHECK(mt_is_error(rt, parse(rt, "(Error a b)")) && !mt_is_error(rt, e));
    MtAtom none;
    CHECK(mt_parse(rt, "(a", 2, &none) == MT_INCOMPLETE && none.id == 0);
    CHECK(mt_parse(rt, "a b", 3, &none) == MT_SYNTAX && none.id == 0);
    CHECK(mt_parse(rt, "", 0, &none) == MT_SYNTAX);
    CHECK(mt_parse(rt, ")", 1, &none) == MT_SYNTAX);
}

static void test_handles(MtRuntime *rt)
{
    size_t scope = mt_scope_open(rt);
    MtAtom kept = mt_keep(rt, parse(rt, "(kept (over) collections)"));
    mt_scope_close(rt, scope);
    for (int i = 0; i < 200; i++) {
        size_t inner = mt_scope_open(rt);
        for (int k = 0; k < 1000; k++) mt_string(rt, "garbage that fills the nursery", 30);
        mt_scope_close(rt, inner);
    }
    CHECK_STR(mt_print(rt, kept, NULL), "(kept (over) collections)");
    MtAtom again = mt_keep(rt, kept);
    mt_release(rt, kept);
    CHECK_STR(mt_print(rt, again, NULL), "(kept (over) collections)");
    mt_release(rt, again);
    mt_release(rt, (MtAtom){0});
}

/* -- Host objects -- */

static unsigned destroyed;

static void destroy(void *object)
{
    destroyed++;
    free(object);
}

static size_t print_counter(void *object, char *to, size_t size)
{
    return (size_t)snprintf(to, size, "<counter %d>", *(int *)object);
}

static bool same_counter(void *a, void *b)
{
    return *(int *)a == *(int *)b;
}

static const MtHostType counter_type = {"Counter", destroy, print_counter, same_counter};

static MtAtom new_counter(MtRuntime *rt, int value)
{
    int *object = malloc(sizeof *object);
    *object = value;
    return mt_host(rt, &counter_type, object);
}

static void test_host(MtRuntime *rt)
{
    static const MtHostType other = {"Other", NULL, NULL, NULL};
    MtAtom a = new_counter(rt, 1), b = new_counter(rt, 1), c = new_counter(rt, 2);
    CHECK(mt_kind(rt, a) == MT_HOST);
    CHECK_STR(mt_print(rt, a, NULL), "<counter 1>");
    CHECK(mt_equal(rt, a, b) && !mt_equal(rt, a, c));
    CHECK(*(int *)mt_get_host(rt, c, &counter_type) == 2);
    CHECK(!mt_get_host(rt, c, &other) && !mt_get_host(rt, mt_int(rt, 1), &other));
    CHECK(mt_bind(rt, "&counter", c) == MT_OK);
    CHECK(mt_bind(rt, "&none", (MtAtom){0}) == MT_INVALID);
    check_run(rt, "!(get-type &counter) !(id &counter)", "[Counter][<counter 2>]");
}

/* -- Running -- */

static void test_run(MtRuntime *rt)
{
    Text t;
    check_run(rt, "(= (f) 1) (= (f) 2) !(f) ! 5", "[1, 2][5]");
    check_run(rt, "!(f)", "[1, 2]"); /* what a run defines stays */
    CHECK(run(rt, "! 1 !(/ 1 0) ! 2", &t) == MT_QUERY_ERROR && t.error && t.calls == 2);
    CHECK(mt_error(rt)->status == MT_QUERY_ERROR);
    CHECK(run(rt, "!(f)\n  !(f)", &t) == MT_OK);
    CHECK(t.span.line == 2 && t.span.column == 4 && strcmp(t.span.file, "test") == 0);
    t = (Text){.stop_after = 1};
    CHECK(mt_run(rt, "test", "! 1 ! 2", 7, on_result, &t) == MT_STOPPED);
    CHECK_STR(t.data, "[1]");
    CHECK(mt_run(rt, "test", "! 1", 3, NULL, NULL) == MT_OK);
    t = (Text){.len = 0};
    CHECK(mt_eval(rt, parse(rt, "(f)"), on_result, &t) == MT_OK);
    CHECK_STR(t.data, "[1, 2]");
    t = (Text){.len = 0};
    CHECK(mt_eval(rt, parse(rt, "(/ 1 0)"), on_result, &t) == MT_QUERY_ERROR);
}

static void test_errors(MtRuntime *rt)
{
    Text t;
    CHECK(run(rt, "! 1\n (b))", &t) == MT_SYNTAX);
    CHECK_STR(t.data, "[1]");
    const MtError *e = mt_error(rt);
    CHECK(e->status == MT_SYNTAX && e->span.line == 2 && e->span.column == 5);
    CHECK_STR(e->span.file, "test");
    CHECK_STR(e->source, " (b))");
    CHECK(e->caret == 4 && e->message[0]);
    CHECK(run(rt, "(unclosed", &t) == MT_SYNTAX);
    CHECK(mt_run_file(rt, "/nonexistent/file.metta", NULL, NULL) == MT_IO);
    CHECK(strstr(mt_error(rt)->message, "/nonexistent/file.metta"));
    CHECK(mt_run_file(rt, "/", NULL, NULL) == MT_IO);
    CHECK(mt_check_text(rt, "(a (b", 5) == MT_INCOMPLETE);
    CHECK(mt_check_text(rt, "\"open", 5) == MT_INCOMPLETE);
    CHECK(mt_check_text(rt, "(a) b", 5) == MT_OK);
    CHECK(mt_check_text(rt, "a)", 2) == MT_SYNTAX);
}

static bool on_form(void *context, MtRuntime *rt, MtAtom form, const MtSpan *span)
{
    char place[32];
    snprintf(place, sizeof place, "@%u:%u ", (unsigned)span->line, (unsigned)span->column);
    put(context, mt_print(rt, form, NULL));
    put(context, place);
    return true;
}

static void test_read(MtRuntime *rt)
{
    Text t = {.len = 0};
    CHECK(mt_read(rt, "x", "(a b)\n !c", 9, on_form, &t) == MT_OK);
    CHECK_STR(t.data, "(a b)@1:1 !c@2:2 ");
}

/* "DEPTH@LINE:COLUMN ATOM;" */
static bool on_node(void *context, MtRuntime *rt, const MtNode *node)
{
    Text *t = context;
    char place[64];
    snprintf(place, sizeof place, "%u@%u:%u ", (unsigned)node->depth, (unsigned)node->span.line,
             (unsigned)node->span.column);
    put(t, place);
    put(t, mt_print(rt, node->atom, NULL));
    put(t, ";");
    return ++t->calls != t->stop_after;
}

static bool count_node(void *context, MtRuntime *rt, const MtNode *node)
{
    (void)rt;
    uint32_t *deepest = context;
    if (node->depth > *deepest) *deepest = node->depth;
    return true;
}

/* The nodes that are still to come must survive what is collected here. */
static bool run_at_node(void *context, MtRuntime *rt, const MtNode *node)
{
    Text t;
    if (node->depth == 0) CHECK(run(rt, "!(spin 300000)", &t) == MT_OK);
    return on_node(context, rt, node);
}

static void test_nodes(MtRuntime *rt)
{
    static const char text[] = "(a\n ($x ()))! \"s\"";
    enum { DEEP = 1000000 };
    Text t = {.len = 0};
    CHECK(mt_read_nodes(rt, "x", text, strlen(text), on_node, &t) == MT_OK);
    CHECK_STR(t.data, "0@1:1 (a ($x ()));1@1:2 a;1@2:2 ($x ());2@2:3 $x;2@2:6 ();0@2:10 !;0@2:12 \"s\";");
    t = (Text){.stop_after = 2};
    CHECK(mt_read_nodes(rt, "x", text, strlen(text), on_node, &t) == MT_STOPPED && t.calls == 2);
    check_run(rt, "(= (spin $n) (if (== $n 0) () (spin (- $n 1))))", "");
    t = (Text){.len = 0};
    CHECK(mt_read_nodes(rt, "x", text, strlen(text), run_at_node, &t) == MT_OK);
    CHECK_STR(t.data, "0@1:1 (a ($x ()));1@1:2 a;1@2:2 ($x ());2@2:3 $x;2@2:6 ();0@2:10 !;0@2:12 \"s\";");
    t = (Text){.len = 0};
    CHECK(mt_read_nodes(rt, "x", "(a) (b", 6, on_node, &t) == MT_INCOMPLETE);
    CHECK_STR(t.data, "0@1:1 (a);1@1:2 a;");
    CHECK(mt_bind(rt, "node-pair", parse(rt, "(1 2)")) == MT_OK);
    t = (Text){.len = 0};
    CHECK(mt_read_nodes(rt, "x", "(node-pair)", 11, on_node, &t) == MT_OK);
    CHECK_STR(t.data, "0@1:1 (node-pair);1@1:2 node-pair;");
    CHECK(mt_read_nodes_file(rt, "/nonexistent/file.metta", on_node, &t) == MT_IO);
    char *deep = malloc(2 * DEEP);
    memset(deep, '(', DEEP);
    memset(deep + DEEP, ')', DEEP);
    uint32_t deepest = 0;
    CHECK(mt_read_nodes(rt, "deep", deep, 2 * DEEP, count_node, &deepest) == MT_OK && deepest == DEEP - 1);
    free(deep);
}

/* -- Functions -- */

static MtOutcome add(MtRuntime *rt, MtCall *call, void *context)
{
    int64_t a, b;
    ++*(int *)context;
    if (!mt_get_int(rt, mt_arg(call, 0), &a) || !mt_get_int(rt, mt_arg(call, 1), &b)) return MT_NOT_REDUCIBLE;
    mt_return(call, mt_int(rt, a + b));
    return MT_RETURNED;
}

static MtOutcome results(MtRuntime *rt, MtCall *call, void *context)
{
    (void)context;
    for (size_t i = 0; i < mt_arg_count(call); i++) mt_return(call, mt_arg(call, i));
    CHECK(mt_arg(call, mt_arg_count(call)).id == 0);
    (void)rt;
    return MT_RETURNED;
}

static MtOutcome fail(MtRuntime *rt, MtCall *call, void *context)
{
    (void)rt;
    (void)context;
    mt_return_error(call, "failed: %d", 7);
    return MT_RETURNED;
}

/* Runs a program from inside a call: arguments and results must survive what it collects. */
static MtOutcome nested(MtRuntime *rt, MtCall *call, void *context)
{
    Text t = {.len = 0};
    (void)context;
    CHECK(mt_eval(rt, mt_arg(call, 0), on_result, &t) == MT_OK);
    mt_return(call, mt_string(rt, t.data, t.len));
    mt_return(call, mt_arg(call, 0));
    return MT_RETURNED;
}

static void test_functions(MtRuntime *rt)
{
    int calls = 0;
    CHECK(mt_register(rt, "c-add", "(-> Number Number Number)", MT_PURE, "Adds.", add, &calls) == MT_OK);
    CHECK(mt_register(rt, "c-each", NULL, 0, NULL, results, NULL) == MT_OK);
    CHECK(mt_register(rt, "c-lazy", "(-> Number Number)", MT_LAZY, NULL, results, NULL) == MT_OK);
    CHECK(mt_register(rt, "c-atom", "(-> Atom Atom)", 0, NULL, results, NULL) == MT_OK);
    CHECK(mt_register(rt, "c-fail", "(-> Number Number)", 0, NULL, fail, NULL) == MT_OK);
    CHECK(mt_register(rt, "c-nested", "(-> Atom Atom)", MT_LAZY, NULL, nested, NULL) == MT_OK);
    CHECK(mt_register(rt, "c-bad", "(-> Number", 0, NULL, results, NULL) == MT_INVALID);
    check_run(rt, "!(c-add 1 (c-add 2 3))", "[6]");
    CHECK(calls == 2);
    check_run(rt, "!(get-type c-add)", "[(-> Number Number Number)]");
    check_run(rt, "!(c-add 1 2.5)", "[(c-add 1 2.5)]");
    check_run(rt, "!(c-add 1 \"x\")", "[(Error (c-add 1 \"x\") (BadArgType 2 Number String))]");
    check_run(rt, "!(c-each 1 2 3) !(c-each)", "[1, 2, 3][]");
    check_run(rt, "!(quote (c-atom (+ 1 2)))", "[(quote (c-atom (+ 1 2)))]");
    check_run(rt, "!(c-lazy \"no number\")", "[\"no number\"]");
    check_run(rt, "!(c-fail 1)", "[(Error (c-fail 1) failed: 7)]");
    check_run(rt, "(= (len ()) 0) (= (len (S $x)) (+ 1 (len $x))) !(c-nested (len (S (S ()))))",
              "[\"[2]\", 2]");
}

/* -- Spaces -- */

static void test_spaces(MtRuntime *rt)
{
    Text t = {.len = 0};
    bool removed;
    MtAtom s = mt_space_new(rt), x = mt_variable(rt, "x");
    CHECK(mt_space_add(rt, s, parse(rt, "(p 1)")) == MT_OK);
    CHECK(mt_space_add(rt, s, parse(rt, "(p 2)")) == MT_OK);
    CHECK(mt_space_add(rt, s, parse(rt, "(q 2 3)")) == MT_OK);
    CHECK(mt_space_count(rt, s) == 3);
    MtAtom pattern[] = {mt_symbol(rt, "p"), x};
    CHECK(mt_space_query(rt, s, mt_expression(rt, pattern, 2), x, on_atom, &t) == MT_OK);
    CHECK_STR(t.data, "1;2;");
    t = (Text){.stop_after = 1};
    CHECK(mt_space_query(rt, s, mt_expression(rt, pattern, 2), x, on_atom, &t) == MT_OK);
    CHECK_STR(t.data, "1;");
    MtAtom join = parse(rt, "((, (p $a) (q $a $b)) ($a $b (+ 1 2)))");
    t = (Text){.len = 0};
    CHECK(mt_space_query(rt, s, mt_at(rt, join, 0), mt_at(rt, join, 1), on_atom, &t) == MT_OK);
    CHECK_STR(t.data, "(2 3 (+ 1 2));");
    CHECK(mt_space_remove(rt, s, parse(rt, "(p 1)"), &removed) == MT_OK && removed);
    CHECK(mt_space_remove(rt, s, parse(rt, "(p 1)"), &removed) == MT_OK && !removed);
    t = (Text){.len = 0};
    CHECK(mt_space_each(rt, s, on_atom, &t) == MT_OK);
    CHECK_STR(t.data, "(p 2);(q 2 3);");
    CHECK(mt_space_add(rt, x, x) == MT_INVALID && mt_space_count(rt, x) == 0);
    CHECK(mt_space_each(rt, x, on_atom, &t) == MT_INVALID);
    CHECK(mt_bind(rt, "&mine", s) == MT_OK);
    check_run(rt, "!(match &mine (q $a $b) $b)", "[3]");
}

/* -- Tools -- */

static bool find_name(void *context, const MtName *name)
{
    Text *t = context;
    if (strcmp(name->name, "tool-fn") == 0) put(t, name->type ? name->type : "none");
    if (strcmp(name->name, "tool-untyped") == 0) put(t, "!");
    return true;
}

static bool count_path(void *context, const char *path)
{
    (void)path;
    ++*(size_t *)context;
    return true;
}

static void count_target(void *context, const char *target, const char *meaning)
{
    CHECK(target[0] && meaning[0]);
    ++*(size_t *)context;
}

static void test_tools(MtRuntime *rt)
{
    Text t = {.len = 0};
    size_t files = 0, targets = 0;
    check_run(
        rt, "(: tool-fn (-> Number Bool)) (= (tool-fn 1) True) (= (tool-fn 2) False) (= tool-untyped 1)", "");
    mt_each_name(rt, "tool-", find_name, &t);
    CHECK(strstr(t.data, "(-> Number Bool)") && strstr(t.data, "!"));
    t = (Text){.len = 0};
    CHECK(mt_each_rule(rt, "tool-fn", on_atom, &t) == MT_OK);
    CHECK_STR(t.data, "(= (tool-fn 1) True);(= (tool-fn 2) False);");
    mt_each_file(rt, count_path, &files);
    CHECK(files > 0);
    mt_log_each_target(count_target, &targets);
    CHECK(targets >= 10);
    CHECK(mt_log_set_filter(rt, "mettatron::gc=loud") == MT_INVALID);
    CHECK(mt_log_set_filter(rt, "warn") == MT_OK);
    MtStats s = {.size = sizeof s};
    mt_stats(rt, &s);
    CHECK(s.queries > 0 && s.run_ns > 0 && s.symbols > 0 && s.heap_bytes > 0);
    MtStats small = {.size = sizeof small.size + sizeof small.queries, .steps = 42};
    mt_stats(rt, &small);
    CHECK(small.queries == s.queries && small.steps == 42);
}

/* -- Limits -- */

static const char endless[] = "(= (loop $n) (loop (+ $n 1))) !(loop 0)";

static void test_timeout(void)
{
    Text t;
    MtConfig c;
    mt_config_init(&c);
    c.timeout_ms = 100;
    MtRuntime *rt = mt_new(&c, NULL);
    CHECK(run(rt, endless, &t) == MT_TIMEOUT);
    CHECK(mt_error(rt)->status == MT_TIMEOUT);
    check_run(rt, "! 1", "[1]"); /* the runtime goes on */
    mt_free(rt);
}

static void *interrupt_soon(void *rt)
{
    usleep(100000);
    mt_interrupt(rt);
    return NULL;
}

static void test_interrupt(void)
{
    Text t;
    pthread_t thread;
    MtRuntime *rt = mt_new(NULL, NULL);
    pthread_create(&thread, NULL, interrupt_soon, rt);
    CHECK(run(rt, endless, &t) == MT_INTERRUPTED);
    pthread_join(thread, NULL);
    check_run(rt, "! 1", "[1]");
    mt_interrupt(rt);
    mt_clear_interrupt(rt);
    check_run(rt, "!(+ 1 1)", "[2]");
    mt_free(rt);
}

static void test_memory(void)
{
    Text t;
    MtConfig c;
    mt_config_init(&c);
    c.max_memory = 64 << 20;
    MtRuntime *rt = mt_new(&c, NULL);
    MtStatus status = run(rt, "(= (deep $n) (+ 1 (deep (+ $n 1)))) !(deep 0)", &t);
    CHECK_MSG(status == MT_NO_MEMORY || status == MT_QUERY_ERROR, "%s", mt_status_name(status));
    CHECK(t.error && strstr(t.data, "StackOverflow"));
    check_run(rt, "! 1", "[1]");
    mt_free(rt);
}

/* -- Breakpoints -- */

typedef struct Debugger {
    Text text; /* "HIT FUNCTION CONDITION;" */
    const char *evaluate;
    MtDebugAction action;
    unsigned sleep_us;
} Debugger;

static MtDebugAction on_breakpoint(void *context, MtRuntime *rt, const MtBreakpoint *b)
{
    Debugger *d = context;
    char hit[32];
    snprintf(hit, sizeof hit, "%" PRIu64 " ", b->hit);
    put(&d->text, hit);
    put(&d->text, b->function);
    put(&d->text, " ");
    put(&d->text, b->condition.id ? mt_print(rt, b->condition, NULL) : "-");
    put(&d->text, ";");
    if (d->evaluate) {
        Text t = {.len = 0};
        CHECK(mt_eval(rt, parse(rt, d->evaluate), on_result, &t) == MT_OK);
        put(&d->text, t.data);
    }
    usleep(d->sleep_us);
    return d->action;
}

static const char counted[] = "(= (count $n) (if (== $n 0) (S (S ())) (count (- $n 1))))"
                              "(= (at $x) (pair (list $x) (breakpoint! (> $x 1)) (count 5)))";

static void test_breakpoint_calls(MtRuntime *rt)
{
    Debugger d = {.action = MT_DEBUG_CONTINUE};
    check_run(rt, counted, "");
    check_run(rt, "!(breakpoint!)", "[()]"); /* hit 1: nobody is asked */
    CHECK(mt_set_breakpoint_hook(rt, on_breakpoint, &d) == MT_OK);
    check_run(rt, "!(at 1) !(at 2) !(breakpoint!)",
              "[(pair (list 1) () (S (S ())))][(pair (list 2) () (S (S ())))][()]");
    CHECK_STR(d.text.data, "2 at True;3  -;");
    CHECK(mt_set_breakpoint_hook(rt, NULL, NULL) == MT_OK);
    check_run(rt, "!(breakpoint!)", "[()]");
    CHECK(d.text.calls == 0 && d.text.len == strlen("2 at True;3  -;"));
}

/* What the handler evaluates may collect garbage, and comes to breakpoints of its own. */
static void test_breakpoint_evaluates(MtRuntime *rt)
{
    Debugger d = {.evaluate = "(count 300000)"};
    mt_set_breakpoint_hook(rt, on_breakpoint, &d);
    check_run(rt, "!(at 2)", "[(pair (list 2) () (S (S ())))]");
    CHECK_STR(d.text.data, "5 at True;[(S (S ()))]");
    d = (Debugger){.evaluate = "(at 7)"};
    check_run(rt, "!(at 2) !(at 3)", "[(pair (list 2) () (S (S ())))][(pair (list 3) () (S (S ())))]");
    CHECK(strncmp(d.text.data, "6 at True;", 10) == 0 && strstr(d.text.data, "]8 at True;"));
    d = (Debugger){.evaluate = "(match &self (= (at $x) $_) found)"};
    check_run(rt, "!(at 2)", "[(pair (list 2) () (S (S ())))]");
    CHECK_STR(d.text.data, "10 at True;[found]");
    d = (Debugger){.evaluate = "(add-atom &self (= (at 9) nine))"};
    check_run(rt, "!(at 2) !(case (at 9) ((nine yes)))", "[(pair (list 2) () (S (S ())))][yes]");
}

static void test_breakpoint_stops(MtRuntime *rt)
{
    Text t;
    Debugger d = {.action = MT_DEBUG_STOP};
    mt_set_breakpoint_hook(rt, on_breakpoint, &d);
    CHECK(run(rt, "!(at 1) !(at 4) !(at 1)", &t) == MT_INTERRUPTED);
    CHECK(t.calls == 2 && t.error && strstr(t.data, "Interrupted"));
    check_run(rt, "! 1 !(at 1)", "[1][(pair (list 1) () (S (S ())))]"); /* the runtime goes on */
    CHECK(run(rt, "!(breakpoint!) ! 2", &t) == MT_INTERRUPTED);
    mt_clear_interrupt(rt);
}

static void test_breakpoints(void)
{
    for (uint32_t tier = 0; tier <= 1; tier++) {
        MtConfig c;
        mt_config_init(&c);
        c.max_tier = tier;
        c.bytecode_threshold = 0;
        MtRuntime *rt = mt_new(&c, NULL);
        test_breakpoint_calls(rt);
        test_breakpoint_evaluates(rt);
        test_breakpoint_stops(rt);
        mt_free(rt);
    }
    /* Whoever looks around has time. */
    Debugger d = {.sleep_us = 400000};
    MtConfig c;
    mt_config_init(&c);
    c.timeout_ms = 200;
    MtRuntime *rt = mt_new(&c, NULL);
    mt_set_breakpoint_hook(rt, on_breakpoint, &d);
    check_run(rt, "!(id (breakpoint!)) !(+ 1 1)", "[()][2]");
    mt_free(rt);
}

/* -- Configuration -- */

static void on_output(void *context, const char *text, size_t len)
{
    Text *t = context;
    t->len += (size_t)snprintf(t->data + t->len, sizeof t->data - t->len, "%.*s", (int)len, text);
}

static void test_config(void)
{
    Text out = {.len = 0}, t;
    MtError error;
    MtConfig c;
    mt_config_init(&c);
    c.output = on_output;
    c.output_context = &out;
    MtRuntime *rt = mt_new(&c, &error);
    run(rt, "!(println! \"hello\")", &t);
    CHECK_STR(out.data, "hello\n");
    mt_free(rt);
    c.log_filter = "x=loud";
    CHECK(mt_new(&c, &error) == NULL && error.status == MT_INVALID);
    CHECK(strstr(error.message, "x=loud"));
    CHECK(mt_new(&c, NULL) == NULL);
    CHECK(strncmp(mt_version(), "mettatron ", 10) == 0);
    mt_free(NULL);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static bool note_line(void *context, MtRuntime *rt, const MtResult *result)
{
    (void)rt;
    *(uint32_t *)context = result->span.line;
    return true;
}

/* Instruction by instruction gives what the listing gives, and nothing else is an instruction. */
static void test_disassemble_at(void)
{
    MtConfig config;
    mt_config_init(&config);
    config.collect_stats = true;
    MtRuntime *rt = mt_new(&config, NULL);
    const char *text = "(= (f Z) 0) (= (f (S $n)) (+ 1 (f $n))) (= (g) 1) (= (g) 2) !(f (S (S Z))) !(g)";
    CHECK(mt_run(rt, "test", text, strlen(text), NULL, NULL) == MT_OK);
    char listing[8192], lines[8192] = "";
    snprintf(listing, sizeof listing, "%s", mt_disassemble(rt, "f"));
    size_t at = 0;
    do {
        const char *line = mt_disassemble_at(rt, "f", 1, at, &at);
        CHECK(line);
        if (!line) break;
        strncat(lines, line, sizeof lines - strlen(lines) - 1);
    } while (at);
    CHECK(strstr(listing, lines) && strlen(lines) > 100);
    CHECK(!mt_disassemble_at(rt, "f", 1, 1, NULL));
    CHECK(!mt_disassemble_at(rt, "f", 1, 100000, NULL));
    CHECK(!mt_disassemble_at(rt, "f", 2, 0, NULL));
    CHECK(!mt_disassemble_at(rt, "nobody", 1, 0, NULL));
    MtStats stats = {.size = sizeof stats};
    mt_stats(rt, &stats);
    CHECK(stats.vm_instructions > 10 && stats.choice_points > 0);
    mt_free(rt);
}

/* -- Figures -- */

static void count_figure(void *context, const MtFigure *f)
{
    size_t *found = context;
    bool known = strcmp(f->name, "coverage_percent") == 0 && strcmp(f->group, "jit_stats") == 0 && f->is_rate;
    *found += known;
}

static void note_site(void *context, const MtBailoutSite *site)
{
    uint64_t *sum = context;
    *sum += site->count;
    CHECK_STR(site->function, "f");
    CHECK(site->span.line == 2);
}

static void note_reason(void *context, const MtBailoutReason *reason)
{
    uint64_t *sum = context;
    *sum += reason->count;
    CHECK(reason->code == 1);
    CHECK_STR(reason->name, "TypeError");
}

static void note_chunk(void *context, const MtChunk *chunk)
{
    Text *t = context;
    put(t, chunk->function);
    put(t, chunk->state);
    put(t, chunk->refusal ? " refused;" : ";");
    CHECK(!chunk->failure);
}

static void test_figures(void)
{
    static const char text[] =
        "(= (f $x)\n  (+ $x 1))\n(= (g 0) 0) (= (g $x) $x)\n!(f 1) !(f 2) !(f a) !(g 1)";
    MtConfig config;
    mt_config_init(&config);
    CHECK(config.hybrid.jit_enabled && !config.hybrid.trace && config.jit_threshold == 100);
    config.collect_stats = true;
    config.max_tier = 1;
    config.jit_threshold = 3;
    MtRuntime *rt = mt_new(&config, NULL);
    CHECK(mt_run(rt, "test", text, strlen(text), NULL, NULL) == MT_OK);
    MtHybridStats h = {.size = sizeof h};
    MtJitStats j = {.size = sizeof j};
    mt_hybrid_stats(rt, &h);
    mt_jit_stats(rt, &j);
    CHECK(h.total_runs == 4 && h.vm_runs == 4 && h.jit_runs == 0 && h.jit_bailouts == 0);
    CHECK(mt_total_executions(&h.tiered_stats) == 4 && mt_jit_hit_rate(&h) < 0.01);
    CHECK(j.total_chunks == 2 && j.hot_chunks == 1 && j.total_executions == 4);
    CHECK(mt_bailout_rate(&h) < 0.01 && mt_jit_percentage(&h.tiered_stats) < 0.01);
    uint64_t sites = 0, reasons = 0;
    mt_each_bailout_site(rt, 1, note_site, &sites);
    mt_each_bailout_reason(rt, 1, note_reason, &reasons);
    CHECK(sites == 1 && reasons == 1);
    Text t = {.len = 0};
    mt_each_chunk(rt, note_chunk, &t);
    CHECK_STR(t.data, "fHot;gWarming;");
    size_t found = 0;
    mt_each_figure(rt, count_figure, &found);
    CHECK(found == 1);
    mt_free(rt);
}

/* The formulas of the guide. */
static void test_rates(void)
{
    MtHybridStats h = {.total_runs = 200, .jit_runs = 50, .jit_bailouts = 5};
    MtTieredStats t = {.interpreter_runs = 10,
                       .bytecode_runs = 20,
                       .jit_stage1_runs = 60,
                       .jit_stage2_runs = 10,
                       .cache_hits = 3,
                       .cache_misses = 1};
    MtJitStats j = {.total_chunks = 8, .jitted_chunks = 2};
    CHECK((int)mt_jit_hit_rate(&h) == 25 && (int)mt_bailout_rate(&h) == 10);
    CHECK(mt_total_executions(&t) == 100 && (int)mt_jit_percentage(&t) == 70);
    CHECK((int)mt_cache_hit_rate(&t) == 75 && (int)mt_coverage_percent(&j) == 25);
}

/* Bounds of the guide's executor: the depth of calls is one; and no more tiers than there are. */
static void test_hybrid_config(void)
{
    MtConfig config;
    MtError error;
    Text t = {.len = 0};
    static const char deep[] = "(= (f $n) (+ 1 (f (+ $n 1)))) !(f 1)";
    mt_config_init(&config);
    config.hybrid.vm_config.max_call_stack = 20;
    config.hybrid.jit_enabled = false;
    MtRuntime *rt = mt_new(&config, NULL);
    CHECK(mt_run(rt, "test", deep, strlen(deep), on_result, &t) == MT_QUERY_ERROR);
    CHECK(strstr(t.data, "StackOverflow"));
    mt_free(rt);
    config.max_tier = mt_highest_tier() + 1;
    CHECK(!mt_new(&config, &error) && error.status == MT_INVALID);
}

/* HybridConfig's trace, as the guide has it: what the executor does is on standard error. */
static void test_hybrid_trace(void)
{
    static const char text[] = "(= (f $x) $x) !(f 1)";
    MtConfig config;
    mt_config_init(&config);
    config.hybrid.trace = true;
    FILE *log = tmpfile();
    int before = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    MtRuntime *rt = mt_new(&config, NULL);
    CHECK(mt_run(rt, "test", text, strlen(text), NULL, NULL) == MT_OK);
    mt_free(rt);
    dup2(before, STDERR_FILENO);
    close(before);
    char lines[4096] = "";
    rewind(log);
    size_t n = fread(lines, 1, sizeof lines - 1, log);
    lines[n] = '\0';
    fclose(log);
    CHECK(strstr(lines, "TRACE mettatron::jit::hybrid::execute: Executing chunk chunk_id=1 tier="));
}

static void test_compile(void)
{
    static const char source[] = "api-test.metta", compiled[] = "api-test.mbc";
    MtRuntime *rt = mt_new(NULL, NULL);
    uint32_t line = 0;
    write_file(source, "(= (f $x) (+ $x 1))\n(only 1)\n!(f 41)\n");
    CHECK(mt_compile_file(rt, source, compiled) == MT_OK);
    CHECK(mt_space_count(rt, mt_space_top(rt)) == 0);
    CHECK(mt_run_file(rt, compiled, note_line, &line) == MT_OK && line == 3);
    CHECK(mt_space_count(rt, mt_space_top(rt)) == 2);
    write_file(source, "(= (f $x) $x)\n");
    CHECK(mt_run_file(rt, compiled, NULL, NULL) == MT_REFUSED);
    CHECK(strstr(mt_error(rt)->message, "stale"));
    CHECK_STR(mt_status_name(MT_REFUSED), "refused");
    write_file(source, "(= (f");
    CHECK(mt_compile_file(rt, source, compiled) == MT_SYNTAX && mt_error(rt)->span.line == 1);
    CHECK(mt_compile_file(rt, "none.metta", compiled) == MT_IO);
    remove(source);
    remove(compiled);
    mt_free(rt);
}

int main(void)
{
    MtRuntime *rt = mt_new(NULL, NULL);
    CHECK(rt);
    test_make(rt);
    test_expressions(rt);
    test_handles(rt);
    test_host(rt);
    test_run(rt);
    test_errors(rt);
    test_read(rt);
    test_nodes(rt);
    test_functions(rt);
    test_spaces(rt);
    test_tools(rt);
    mt_free(rt);
    CHECK(destroyed == 3);
    test_timeout();
    test_interrupt();
    test_memory();
    test_breakpoints();
    test_config();
    test_compile();
    test_disassemble_at();
    test_figures();
    test_rates();
    test_hybrid_config();
    test_hybrid_trace();
    return unit_end();
}
