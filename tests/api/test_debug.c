/* The debugger of the public interface, driven without a terminal. */
#include <mettatron.h>

#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"

/* What is answered at each stop, and what was seen. */
typedef struct Session {
    const MtResume *answers; /* the last one goes on */
    size_t next;
    char seen[1024];
    size_t len;
    void (*look)(MtRuntime *rt, const MtStop *stop); /* or NULL */
} Session;

static MtResume on_stop(void *context, MtRuntime *rt, const MtStop *stop)
{
    Session *s = context;
    s->len += (size_t)snprintf(s->seen + s->len, sizeof s->seen - s->len, "%s %s", mt_port_name(stop->port),
                               mt_print(rt, stop->atom, NULL));
    if (stop->value.id)
        s->len += (size_t)snprintf(s->seen + s->len, sizeof s->seen - s->len, "=%s",
                                   mt_print(rt, stop->value, NULL));
    s->len += (size_t)snprintf(s->seen + s->len, sizeof s->seen - s->len, ";");
    if (s->look) s->look(rt, stop);
    MtResume answer = s->answers[s->next];
    if (answer != MT_RESUME_CONTINUE) s->next++;
    return answer;
}

static void run(MtRuntime *rt, const char *text)
{
    size_t scope = mt_scope_open(rt);
    mt_run(rt, "test", text, strlen(text), NULL, NULL);
    mt_scope_close(rt, scope);
}

static const char program[] = "(= (f $x) (+ $x (g $x)))\n(= (g $x) 1)\n(= (g $x) 2)\n";

static void test_steps(void)
{
    static const MtResume answers[] = {MT_RESUME_STEP, MT_RESUME_STEP, MT_RESUME_NEXT, MT_RESUME_NEXT,
                                       MT_RESUME_CONTINUE};
    Session s = {.answers = answers};
    MtRuntime *rt = mt_new(NULL, NULL);
    uint32_t id;
    CHECK(mt_debug_start(rt, on_stop, &s) == MT_OK);
    run(rt, program);
    CHECK(mt_break_add(rt, "f", false, &id) == MT_OK && id == 1);
    run(rt, "!(f 5)");
    CHECK_STR(s.seen, "call (f 5);call (g 5);exit (g 5)=1;exit (f 5)=6;exit (f 5)=7;");
    mt_debug_end(rt);
    s.len = 0;
    run(rt, "!(f 5)");
    CHECK(s.len == 0);
    mt_free(rt);
}

static void note_binding(void *context, MtRuntime *rt, const char *name, MtAtom value)
{
    char *text = context;
    snprintf(text, 64, "%s=%s", name, mt_print(rt, value, NULL));
}

static void look(MtRuntime *rt, const MtStop *stop)
{
    MtFrame f;
    MtAlternative a;
    const char *out;
    char binding[64] = "";
    CHECK(stop->reason == MT_STOP_BREAKPOINT && stop->breakpoint == 1 && stop->span.line == 1);
    CHECK(mt_frame_count(rt, 100) == 2);
    CHECK(mt_frame(rt, 0, &f) && mt_frame(rt, 1, &f) && !mt_frame(rt, 2, &f));
    CHECK_STR(f.function, "f");
    mt_frame_bindings(rt, 1, note_binding, binding);
    CHECK_STR(binding, "x=5");
    CHECK(mt_frame_eval(rt, 1, "(* $x 2)", false, &out) == MT_OK);
    CHECK_STR(out, "10\n");
    CHECK(mt_frame_eval(rt, 0, "(", false, &out) == MT_SYNTAX);
    CHECK(!mt_alternative(rt, 0, &a));
    CHECK(mt_debug_take(rt, 0, 1) == MT_INVALID && mt_debug_prune(rt, 3) == MT_INVALID);
    CHECK(mt_debug_retry(rt, 999) == MT_INVALID);
}

static void test_looking(void)
{
    static const MtResume answers[] = {MT_RESUME_CONTINUE};
    Session s = {.answers = answers, .look = look};
    MtRuntime *rt = mt_new(NULL, NULL);
    MtBreakInfo info;
    uint32_t id;
    CHECK(mt_debug_start(rt, on_stop, &s) == MT_OK);
    run(rt, program);
    CHECK(mt_break_add(rt, "(g 5) if (== $x 5) hits 1", false, &id) == MT_OK);
    run(rt, "!(f 5)");
    CHECK_STR(s.seen, "call (g 5);");
    CHECK(mt_break_info(rt, 0, &info) && info.hits == 1 && info.evaluations == 1 &&
          !mt_break_info(rt, 1, &info));
    CHECK(mt_break_delete(rt, id) == MT_OK && mt_break_delete(rt, id) == MT_INVALID);
    mt_free(rt);
}

static void test_bad_breakpoints(void)
{
    static const char *const bad[] = {"", "(", "f if (", "f hits x", "5", "f hits %0"};
    MtRuntime *rt = mt_new(NULL, NULL);
    uint32_t id;
    Session s = {.answers = NULL};
    CHECK(mt_debug_start(rt, on_stop, &s) == MT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(mt_break_add(rt, bad[i], false, &id) == MT_INVALID && id == 0);
    CHECK(mt_break_catch(rt, "nothing", &id) == MT_INVALID);
    CHECK(mt_break_watch(rt, "5", &id) == MT_INVALID && mt_break_watch(rt, "&self (", &id) == MT_INVALID);
    CHECK(mt_break_condition(rt, 7, "x") == MT_INVALID && mt_break_ignore(rt, 7, 1) == MT_INVALID);
    CHECK(mt_break_count(rt, 7, "1") == MT_INVALID && mt_break_enable(rt, 7, true) == MT_INVALID);
    CHECK(mt_frame_count(rt, 5) == 0);
    mt_free(rt);
}

static void test_quit(void)
{
    static const MtResume answers[] = {MT_RESUME_QUIT, MT_RESUME_CONTINUE};
    Session s = {.answers = answers};
    MtRuntime *rt = mt_new(NULL, NULL);
    CHECK(mt_debug_start(rt, on_stop, &s) == MT_OK);
    mt_debug_stop_first(rt);
    run(rt, program);
    static const char text[] = "!(f 1)";
    CHECK(mt_run(rt, "test", text, strlen(text), NULL, NULL) == MT_INTERRUPTED);
    CHECK(mt_run(rt, "test", text, strlen(text), NULL, NULL) == MT_OK);
    CHECK_STR(s.seen, "call (f 1);");
    mt_free(rt);
}

static bool keep_trace(void *context, MtRuntime *rt, const MtResult *r)
{
    const char *trace = mt_debug_error_trace(rt, r->atoms[0]);
    snprintf(context, 128, "%s", trace ? trace : "none");
    return true;
}

static void test_explanations(void)
{
    static const char text[] = "!(/ 1 0)";
    char trace[128] = "";
    MtRuntime *rt = mt_new(NULL, NULL);
    MtAtom goal;
    run(rt, program);
    CHECK(mt_parse(rt, "(g 3)", 5, &goal) == MT_OK);
    CHECK_STR(mt_explain(rt, goal, MT_WHY_ATOMS, 2), "(derivation (g 3) 2 (rule \"test:3\"))\n");
    CHECK(strstr(mt_explain(rt, goal, MT_WHY_JSON, 1), "\"rule\":\"test:2\""));
    CHECK(mt_parse(rt, "(g 3 4)", 7, &goal) == MT_OK);
    CHECK(strstr(mt_why_not(rt, goal, true), "another number of arguments"));
    CHECK(mt_run(rt, "test", text, strlen(text), keep_trace, trace) == MT_QUERY_ERROR);
    CHECK_STR(trace, "  at (/ 1 0)  test:1:2\n");
    mt_free(rt);
}

int main(void)
{
    test_steps();
    test_looking();
    test_bad_breakpoints();
    test_quit();
    test_explanations();
    return unit_end();
}
