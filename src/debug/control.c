/* Attaching the debugger, and what of the runtime it has to turn on. */
#include "vm/vm.h"

#include "debug/state.h"

/* -- What is watched -- */

uint32_t head_symbol(Debugger *d, Word head)
{
    if (word_is_op(head)) head = rt_sym(d->rt, d->rt->op_names[word_op_index(head)]);
    return word_is_sym(head) ? word_sym_id(head) : NO_HEAD;
}

bool head_is(Debugger *d, Word head, const char *name)
{
    uint32_t symbol = head_symbol(d, head);
    return symbol != NO_HEAD && strcmp(sym_text(d->rt->symbols, symbol, NULL), name) == 0;
}

bool wants_marks(const Debugger *d)
{
    Resume how = d->target.how;
    if (d->first || d->derivation || d->catches & 1U << CATCH_EMPTY) return true;
    if (how == RESUME_STEP || how == RESUME_TAKE) return true;
    return (how == RESUME_NEXT || how == RESUME_FINISH) && d->quiet == 0;
}

static bool has_breaks(const Debugger *d)
{
    for (size_t i = 0; i < d->breaks.len; i++)
        if (d->breaks.data[i]->enabled) return true;
    return false;
}

void update_watching(Debugger *d)
{
    RtDebug *r = &d->rt->debug;
    bool all = d->catches || d->natives || wants_marks(d);
    Vm *vm = d->rt->upper;
    /* What runs in compiled code already goes on in tier 0, too. */
    if (all && !r->all && vm) functions_renew(&vm->functions);
    r->all = all;
    r->derives = d->natives || d->derivation;
    r->watching = all || has_breaks(d);
}

/* -- (breakpoint!) -- */

static RtDebugAction program_breakpoint(void *context, Runtime *rt, Word condition)
{
    Debugger *d = context;
    Machine *m = rt->machine;
    if (d->busy || d->derivation || !m || !d->on_stop) return RT_DEBUG_CONTINUE;
    Word head = rt_sym(rt, "breakpoint!");
    Word call =
        word_is_nil(condition) ? atom_expr(&rt->heap, &head, 1) : atom_expr2(&rt->heap, head, condition);
    Stop s = {.reason = STOP_PROGRAM, .port = AT_CALL, .goal = call, .value = WORD_NIL};
    ask_about(d, m, &s);
    return d->quitting ? RT_DEBUG_STOP : RT_DEBUG_CONTINUE;
}

/* (explain EXPR) */
static void explain_for_program(Runtime *rt, Word atom, WordVec *out)
{
    Buf none = {0};
    explain(rt->debug.debugger, rt->machine ? rt->machine->scope : rt->top->scope, atom, WHY_ATOMS, 0, &none,
            out);
    buf_free(&none);
}

/* -- Life -- */

Debugger *debug_new(Runtime *rt, OnStop on_stop, void *context)
{
    Debugger *d = base_calloc(1, sizeof *d);
    d->rt = rt;
    d->on_stop = on_stop;
    d->context = context;
    d->pauses = on_stop != NULL;
    d->stop.goal = d->stop.value = d->forced = d->last_error = d->kept = WORD_NIL;
    rt->debug.ports = &debug_ports;
    rt->debug.debugger = d;
    rt->debug.space_changed = space_changed;
    rt->debug.explain = explain_for_program;
    if (on_stop) {
        rt->debug.on_breakpoint = program_breakpoint;
        rt->debug.context = d;
    }
    return d;
}

void debug_free(Debugger *d)
{
    if (!d) return;
    RtDebug *r = &d->rt->debug;
    breaks_free(d);
    r->ports = NULL;
    r->debugger = NULL;
    r->explain = NULL;
    r->watching = r->all = r->spaces = false;
    if (r->on_breakpoint == program_breakpoint) r->on_breakpoint = NULL;
    if (d->spare.stack) machine_fini(&d->spare);
    vec_free(&d->goals);
    vec_free(&d->watch);
    vec_free(&d->near);
    forget_errors(d);
    vec_free(&d->errors);
    buf_free(&d->gathered);
    buf_free(&d->error);
    buf_free(&d->note);
    base_free(d);
}

void debug_stop_first(Debugger *d)
{
    d->first = true;
    update_watching(d);
}

void debug_query_ended(Debugger *d)
{
    d->machine = NULL;
    if (d->first_break) d->first = false; /* nothing was called in the query it is for */
    d->first_break = 0;
    d->goals.len = 0;
    d->quiet = 0;
    d->call_count = 0;
    d->last_error = WORD_NIL;
    d->numbers = 0;
    d->near.len = 0;
    forget_errors(d);
    d->quitting = false;
    d->target.goal = 0;
    d->forced = WORD_NIL;
    resolve_lines(d);
    update_watching(d);
}

/* -- Answers -- */

bool debug_can_leave(const Debugger *d)
{
    return d->machine && (d->stop.reason == STOP_STEP || d->stop.reason == STOP_BREAKPOINT) &&
           d->stop.port != AT_ERROR;
}

bool debug_retry(Debugger *d, uint64_t number)
{
    d->retry = number ? number : d->stop.number;
    return debug_can_leave(d) && d->retry && d->machine && end_of_goal(d->machine, d->retry);
}

bool debug_force(Debugger *d, Word result)
{
    if (!debug_can_leave(d) || !d->stop.number || !goal_find(d, d->stop.number)) return false;
    d->forced = result;
    d->forced_goal = d->stop.number;
    return true;
}

const char *debug_gathered(Debugger *d, size_t *count)
{
    *count = d->gathered_count;
    return buf_cstr(&d->gathered);
}
