/* The machine loop: delivering results, backtracking, safepoints; queries and program texts. */
#include <stdio.h>

#include "interp/engine.h"

/* More than the frames of STEPS_PER_SAFEPOINT calls can take. */
#define ROOM_BETWEEN_SAFEPOINTS ((size_t)1 << 30)

/* -- Scopes -- */

enum { SCOPE_RAW = 1, SCOPE_SPACE, SCOPE_SLOTS };

void enter_scope(Machine *m, Scope *scope, unsigned flags)
{
    Frame *f = machine_push(m, FRAME_SCOPE, flags, SCOPE_SLOTS);
    f->slot[SCOPE_RAW] = word_from_ptr(TAG_RAW, m->scope);
    f->slot[SCOPE_SPACE] = space_word(m->scope->own);
    m->scope = scope;
}

static Step scope_resume(Machine *m, Frame *f, Word value)
{
    m->scope = word_ptr(f->slot[SCOPE_RAW]);
    m->frame = f->parent;
    return step_return(m, value);
}

/* -- Errors held back --
 *
 * An error result counts only when its goal has no other result.  So an error that arrives while the goal still has
 * alternatives is put aside, and a choice point below all of them delivers what was put aside when they are
 * exhausted and none succeeded. */

/* The oldest choice point that is newer than F. */
static Choice *oldest_above(Machine *m, const Frame *f)
{
    Choice *c = m->choice;
    while ((char *)c->prev > (char *)f) c = c->prev;
    return c;
}

static void insert_held_choice(Machine *m, Frame *f)
{
    Choice *above = oldest_above(m, f);
    Choice *h = (Choice *)machine_top(m);
    machine_touch(m, above);
    memset(h, 0, sizeof *h);
    h->kind = CHOICE_HELD;
    h->count = 1;
    h->slot[0] = WORD_NIL;
    h->prev = above->prev;
    h->frame = f;
    h->trail = above->trail;
    h->keep = above->keep;
    h->born = above->born;
    h->depth = f->depth;
    h->head = f->head;
    h->scope = above->scope;
    h->u.owner = f;
    h->top = (char *)(h->slot + 1);
    above->prev = h;
    for (Choice *c = m->choice; c != h; c = c->prev)
        if (c->top < h->top) c->top = h->top;
}

static Step hold_error(Machine *m, Frame *f, Word error)
{
    machine_touch(m, f);
    Word pair = bound_pair(m, error, oldest_above(m, f));
    bool first = word_is_nil(f->slot[SLOT_HELD]);
    f->flags |= FF_HELD;
    f->slot[SLOT_HELD] = atom_expr2(&m->rt->heap, pair, f->slot[SLOT_HELD]);
    if (first) insert_held_choice(m, f);
    return STEP_FAIL;
}

static Word note_serial(void *context, Heap *h, Word var)
{
    uint64_t *newest = context;
    (void)h;
    if (word_is_cell(var) && var_serial(var) > *newest) *newest = var_serial(var);
    return var;
}

Word kept_result(Machine *m, Choice *c, Word value)
{
    uint64_t newest = 0;
    Word result = atom_map_vars(&m->rt->heap, value, note_serial, &newest);
    if (newest < c->keep) return result;
    for (Choice *d = m->choice;; d = d->prev) {
        if (d->keep <= newest) {
            machine_touch(m, d);
            d->keep = newest + 1;
        }
        if (d == c) break;
    }
    m->rt->bind.keep = m->choice->keep;
    return result;
}

static Choice *bottom_choice(const Machine *m)
{
    return (Choice *)frame_end((Frame *)m->stack);
}

static Step resume_frame(Machine *m, Frame *f, Word value)
{
    m->depth = f->depth;
    m->head = f->head;
    switch ((FrameKind)f->kind) {
    case FRAME_TOP:
        if (is_watched(m)) {
            m->value = value;
            m->rt->debug.ports->top(m);
        }
        vec_push(&m->results, kept_result(m, bottom_choice(m), value));
        return STEP_FAIL;
    case FRAME_ARGS:
        return args_resume(m, f, value);
    case FRAME_CALL_RETURN:
        goal_resumes(m, f);
        m->frame = f->parent;
        return call_result(m, f->slot[0], value, f->slot[1]);
    case FRAME_FUNCTION:
        return function_resume(m, f, value);
    case FRAME_CHAIN:
        return chain_resume(m, f, value);
    case FRAME_SCOPE:
        return scope_resume(m, f, value);
    case FRAME_COLLAPSE:
        collapse_take(m, f, value);
        return STEP_FAIL;
    case FRAME_COLLAPSE_BIND:
        return collapse_bind_resume(m, f, value);
    case FRAME_CASE:
        return case_resume(m, f, value);
    case FRAME_LET_STAR:
        return let_star_resume(m, f, value);
    case FRAME_MAP:
        return map_resume(m, f, value);
    case FRAME_FILTER:
        return filter_resume(m, f, value);
    case FRAME_FOLD:
        return fold_resume(m, f, value);
    case FRAME_VM:
        return m->rt->upper_tier->resume(m, f, value);
    case FRAME_PORT:
        m->value = value;
        return m->rt->debug.ports->result(m, f);
    case FRAME_COUNT:
        break;
    }
    base_fatal("frame of unknown kind %u", f->kind);
}

/* -- For those who look at frames -- */

Word frame_expression(const Frame *f)
{
    switch ((FrameKind)f->kind) {
    case FRAME_CALL_RETURN:
    case FRAME_FUNCTION:
        return f->slot[0];
    case FRAME_CHAIN:
        return f->slot[1];
    case FRAME_ARGS:
    case FRAME_CASE:
    case FRAME_LET_STAR:
    case FRAME_MAP:
    case FRAME_FILTER:
    case FRAME_FOLD:
        return f->slot[1]; /* all of them have it there */
    default:
        return WORD_NIL;
    }
}

Word frame_part(const Frame *f)
{
    Word whole = atom_deref(frame_expression(f));
    if (!atom_is_cons(whole)) return WORD_NIL;
    if (f->kind == FRAME_ARGS)
        return f->index < expr_len(whole) ? atom_deref(expr_at(whole, f->index)) : WORD_NIL;
    if (f->kind == FRAME_CASE) return atom_deref(expr_at(whole, 1));
    if (f->kind != FRAME_LET_STAR) return WORD_NIL;
    Word pairs = atom_deref(expr_at(whole, 1));
    if (!atom_is_cons(pairs) || f->index >= expr_len(pairs)) return WORD_NIL;
    Word pair = atom_deref(expr_at(pairs, f->index));
    return atom_is_cons(pair) && expr_len(pair) == 2 ? atom_deref(expr_at(pair, 1)) : WORD_NIL;
}

/* Deliver the oldest held-back error that is left.  All are there: they came from alternatives above this choice point. */
Step held_resume(Machine *m, Choice *c)
{
    Frame *f = c->u.owner;
    machine_restore(m, c);
    if (word_is_nil(c->slot[0])) {
        machine_touch(m, c);
        c->slot[0] = gathered(&m->rt->heap, f->slot[SLOT_HELD]);
    }
    Word errors = c->slot[0];
    if ((f->flags & FF_SUCCEEDED) || c->index >= expr_len(errors)) {
        machine_drop(m, c);
        return STEP_FAIL;
    }
    Word pair = expr_at(errors, c->index++);
    if (c->index == expr_len(errors)) machine_drop(m, c);
    apply_bindings(&m->rt->bind, expr_at(pair, 1));
    return resume_frame(m, f, expr_at(pair, 0));
}

static Step return_step(Machine *m)
{
    Frame *f = m->frame;
    Word value = atom_deref(m->value);
    if (f->flags & FF_GOAL) {
        bool pending = machine_protects(m, f);
        if (atom_is_error(value)) {
            if (f->flags & FF_SUCCEEDED) return STEP_FAIL;
            if (pending) return hold_error(m, f, value);
        } else if (pending) {
            f->flags |= FF_SUCCEEDED;
        }
    }
    return resume_frame(m, f, value);
}

static Step fail_step(Machine *m)
{
    Choice *c = m->choice;
    switch ((ChoiceKind)c->kind) {
    case CHOICE_BOTTOM:
        return STEP_HALT;
    case CHOICE_RULES:
        return rules_resume(m, c);
    case CHOICE_LIST:
        return list_resume(m, c);
    case CHOICE_RETURN:
        return values_resume(m, c);
    case CHOICE_MATCH:
        return match_resume(m, c);
    case CHOICE_HELD:
        return held_resume(m, c);
    case CHOICE_COLLAPSE:
        return collapse_end(m, c);
    case CHOICE_CASE:
        return case_empty(m, c);
    case CHOICE_VM:
        return m->rt->upper_tier->retry(m, c);
    case CHOICE_PORT:
        return m->rt->debug.ports->back(m, c);
    case CHOICE_COUNT:
        break;
    }
    base_fatal("choice point of unknown kind %u", c->kind);
}

Step run_result(Machine *m, Step step)
{
    return step == STEP_RETURN ? return_step(m) : fail_step(m);
}

static void run_machine(Machine *m, Step step)
{
    for (;;) {
        switch (step) {
        case STEP_EVAL:
            step = eval_step(m);
            break;
        case STEP_MINIMAL:
            step = minimal_step(m);
            break;
        case STEP_RETURN:
            step = return_step(m);
            break;
        case STEP_FAIL:
            step = fail_step(m);
            break;
        case STEP_VM:
            step = m->rt->upper_tier->run(m);
            break;
        case STEP_HALT:
            return;
        }
    }
}

/* -- Safepoints -- */

Word overflow_error(Machine *m, Word goal)
{
    return atom_error(&m->rt->heap, goal, W_SYM(STACK_OVERFLOW));
}

static bool end_run(Machine *m, uint32_t cause)
{
    m->abort_cause = atom_error(&m->rt->heap, atom_resolve(&m->rt->heap, m->atom), word_sym(cause));
    return false;
}

static size_t all_stack_bytes(const Machine *m)
{
    size_t n = 0;
    for (; m; m = m->outer) n += machine_stack_bytes(m);
    return n;
}

static bool memory_fits(Machine *m)
{
    Runtime *rt = m->rt;
    size_t limit = rt->settings.max_memory;
    if (limit == 0) return true;
    return rt_memory(rt) + all_stack_bytes(m) <= limit;
}

static void collect(Runtime *rt)
{
    Heap *h = &rt->heap;
    if (LIKELY(!log_on(&rt->log, LOG_TARGET_GC, LOG_DEBUG))) {
        heap_collect_if_due(h);
        return;
    }
    uint64_t began = base_now_ns(), minor = h->minor_count, major = h->major_count;
    size_t before = heap_bytes(h);
    heap_collect_if_due(h);
    if (h->minor_count == minor && h->major_count == major) return;
    LOG(&rt->log, GC, DEBUG, h->major_count > major ? "major collection" : "minor collection",
        LOG_INT("before", before), LOG_INT("after", heap_bytes(h)), LOG_INT("ns", base_now_ns() - began));
}

/* The outer machines' words are visited by the runtime's roots; limits are those of the whole run. */
bool safepoint(Machine *m)
{
    Runtime *rt = m->rt;
    if (rt->limits.interrupted && !(rt->debug.ports && rt->debug.ports->pause(m)))
        return end_run(m, SYM_INTERRUPTED);
    if (rt->limits.deadline_ns && base_now_ns() > rt->limits.deadline_ns) return end_run(m, SYM_TIMEOUT);
    collect(rt);
    if (!memory_fits(m)) {
        heap_collect(&rt->heap, true);
        if (!memory_fits(m))
            return end_run(m, all_stack_bytes(m) > rt->settings.max_memory / 3 ? SYM_STACK_OVERFLOW
                                                                               : SYM_OUT_OF_MEMORY);
    }
    if (!machine_has_room(m, ROOM_BETWEEN_SAFEPOINTS)) return end_run(m, SYM_STACK_OVERFLOW);
    /* An interrupt that came during the collection must not be lost. */
    if (rt->limits.interrupted) heap_interrupt(&rt->heap);
    return true;
}

static void trace_machines(Runtime *rt, Heap *h, bool major)
{
    for (Machine *m = rt->machine; m; m = m->outer) machine_trace(m, h, major);
    if (rt->machine) machine_trace_trail(rt->machine, h, major);
    if (rt->upper_tier) rt->upper_tier->trace(rt, h);
    if (rt->debug.ports) rt->debug.ports->trace(rt, h);
}

/* -- Queries -- */

static void machine_link(Machine *m, Runtime *rt)
{
    m->outer = rt->machine;
    uint64_t depth = rt->settings.max_stack_depth;
    m->max_depth = depth && depth < UINT32_MAX ? (uint32_t)depth : UINT32_MAX;
    /* What was there before this machine is older than all of its choice points. */
    m->choice->prev = m->outer ? m->outer->choice : NULL;
    m->choice->trail = rt->bind.trail.len;
    m->choice->keep = rt->heap.next_serial;
    m->choice->born = m->choice->keep;
    rt->bind.keep = m->choice->keep;
    rt->machine = m;
}

static void machine_unlink(Machine *m, Runtime *rt)
{
    bind_undo(&rt->bind, m->choice->trail);
    rt->machine = m->outer;
    rt->steps += m->steps;
    rt->choices += m->choices;
    rt->other_steps += m->other_steps;
    rt->bind.keep = m->outer ? m->outer->choice->keep : 0;
}

static void close_cursors(Machine *m)
{
    for (Choice *c = m->choice; c->kind != CHOICE_BOTTOM; c = c->prev) {
        if (c->kind == CHOICE_RULES) rules_close(&c->u.rules);
        if (c->kind == CHOICE_MATCH && match_is_open(c)) cursor_close(&c->u.cursor);
        m->choice = c->prev;
    }
}

static void take_results(Machine *m, QueryResults *out)
{
    if (!word_is_nil(m->abort_cause)) {
        vec_clear(&m->results);
        vec_push(&m->results, m->abort_cause);
        out->aborted = true;
    }
    for (size_t i = 0; i < m->results.len; i++) {
        vec_push(&out->atoms, m->results.data[i]);
        out->is_error |= atom_is_error(m->results.data[i]);
    }
}

void interp_eval_on(Machine *m, Scope *scope, Word atom, QueryResults *out)
{
    Runtime *rt = m->rt;
    machine_link(m, rt);
    m->scope = scope;
    machine_push(m, FRAME_TOP, FF_GOAL, 1);
    Step first = rt->settings.bare_minimal ? step_minimal(m, atom) : step_eval(m, atom, W_SYM(UNDEFINED));
    run_machine(m, first);
    close_cursors(m);
    machine_unlink(m, rt);
    take_results(m, out);
    machine_reset(m);
}

void interp_eval(Runtime *rt, Scope *scope, Word atom, QueryResults *out)
{
    Machine m;
    if (!machine_init(&m, rt, STACK_RESERVE)) base_fatal("cannot reserve a stack");
    interp_eval_on(&m, scope, atom, out);
    machine_fini(&m);
}

/* -- Program texts -- */

typedef struct TextRun {
    Runtime *rt;
    Module *module;
    const FormSource *source;
    const RunEvents *events;
    RunStatus status;
} TextRun;

static bool deliver(TextRun *run, QueryResults *r, const Span *span)
{
    if (r->aborted)
        run->status = RUN_ABORTED;
    else if (r->is_error)
        run->status = RUN_ERROR;
    bool go_on = !run->events->query || run->events->query(run->events->context, r, span);
    if (!go_on && run->status == RUN_OK) run->status = RUN_STOPPED;
    return run->status == RUN_OK;
}

/* With pragma type-check: an atom whose types are all errors is refused; the errors are its result. */
static bool is_ill_typed(TextRun *run, Word atom, QueryResults *out)
{
    if (!run->rt->settings.type_check) return false;
    if (!type_only_errors(&run->rt->types, run->module->scope, atom, &out->atoms)) return false;
    out->is_error = true;
    return true;
}

static void add_form(TextRun *run, Word form)
{
    space_add(run->module->space, form);
    if (!atom_is_triple(form, W_SYM(EQUAL))) return;
    size_t n;
    const Span *spans = run->source->spans(run->source->context, &n);
    rt_keep_spans(run->module, spans, n);
}

static bool run_form(TextRun *run, Word form, const Span *span, bool query)
{
    QueryResults r = {0};
    bool refused = is_ill_typed(run, form, &r);
    Span around = run->rt->debug.query;
    run->rt->debug.query = *span;
    if (query && run->rt->debug.ports) run->rt->debug.ports->query(run->rt);
    if (!refused && query)
        interp_eval(run->rt, run->module->scope, form, &r);
    else if (!refused)
        add_form(run, form);
    bool go_on = refused || query ? deliver(run, &r, span) : true;
    run->rt->debug.query = around;
    vec_free(&r.atoms);
    return go_on;
}

/* Outside queries nothing refers to the heap, so a collection between two forms costs next to nothing. */
static void collect_between_forms(Runtime *rt)
{
    if (!rt->machine && heap_wants_safepoint(&rt->heap)) heap_collect(&rt->heap, false);
}

static void log_form(TextRun *run, Word form, const Span *span, bool query)
{
    Buf text = {0};
    rt_print(run->rt, form, &text);
    LOG(&run->rt->log, READ, TRACE, query ? "query" : "atom", LOG_TEXT("form", text.data, text.len),
        LOG_INT("line", span->line), LOG_INT("column", span->column));
    buf_free(&text);
}

static bool run_next(TextRun *run)
{
    const FormSource *source = run->source;
    Word form;
    Span span;
    bool query = false;
    ReadStatus status = source->next(source->context, &form, &span);
    if (status == READ_FORM && form == W_SYM(BANG)) {
        query = true;
        status = source->next(source->context, &form, &span);
    }
    if (status == READ_EOF) return false;
    if (status != READ_FORM) {
        run->status = RUN_SYNTAX;
        return false;
    }
    if (UNLIKELY(log_on(&run->rt->log, LOG_TARGET_READ, LOG_TRACE))) log_form(run, form, &span, query);
    bool go_on = run_form(run, form, &span, query);
    collect_between_forms(run->rt);
    return go_on;
}

RunStatus interp_run_forms(Runtime *rt, Module *m, const FormSource *source, const RunEvents *events)
{
    TextRun run = {rt, m, source, events, RUN_OK};
    while (run_next(&run)) continue;
    return run.status;
}

static uint32_t add_file(Runtime *rt, const char *file)
{
    vec_push(&rt->files, base_strndup(file, strlen(file)));
    return (uint32_t)rt->files.len - 1;
}

static ReadStatus next_of_text(void *reader, Word *form, Span *span)
{
    return reader_next(reader, form, span);
}

static const Span *spans_of_text(void *reader, size_t *count)
{
    return reader_spans(reader, count);
}

static void report_syntax(const Reader *reader, const RunEvents *events)
{
    const ReadError *e = reader_error(reader);
    size_t len;
    const char *line = reader_line_at(reader, e->offset, &len);
    events->syntax(events->context, e, line, len);
}

RunStatus interp_run(Runtime *rt, Module *m, const char *text, size_t len, const char *file,
                     const RunEvents *events)
{
    Tokens tokens = rt_tokens(rt, m);
    Reader *reader = reader_new(&rt->heap, rt->symbols, &tokens, text, len, add_file(rt, file));
    FormSource source = {reader, next_of_text, spans_of_text};
    RunStatus status = interp_run_forms(rt, m, &source, events);
    if (status == RUN_SYNTAX && events->syntax) report_syntax(reader, events);
    reader_free(reader);
    return status;
}

/* -- The engine table -- */

static bool keep_results(void *context, const QueryResults *r, const Span *span)
{
    QueryResults *last = context;
    (void)span;
    vec_clear(&last->atoms);
    for (size_t i = 0; i < r->atoms.len; i++) vec_push(&last->atoms, r->atoms.data[i]);
    last->is_error = r->is_error;
    last->aborted = r->aborted;
    return true;
}

static bool engine_run_text(Runtime *rt, Module *m, const char *text, size_t len, const char *file,
                            QueryResults *last)
{
    RunEvents events = {.context = last, .query = keep_results};
    return interp_run(rt, m, text, len, file, &events) == RUN_OK;
}

const Engine interp_engine = {interp_eval, engine_run_text, trace_machines, interp_enclosing};

/* -- Log lines and their spans -- */

/* The functions that the present step is inside of: the one being evaluated, then those that wait in frames.  A tail call
 * has taken the place of its caller. */
static bool nth_head(const Machine *m, size_t index, uint32_t *head)
{
    uint32_t last = m->head;
    const Frame *f = m->frame;
    for (;;) {
        if (last != NO_HEAD && index-- == 0) {
            *head = last;
            return true;
        }
        if (!f) return false;
        last = f->head;
        f = f->parent;
    }
}

bool interp_enclosing(void *context, size_t index, LogSpan *out)
{
    Runtime *rt = context;
    uint32_t head;
    if (!rt->machine || !nth_head(rt->machine, index, &head)) return false;
    size_t len;
    const char *name = sym_text(rt->symbols, head, &len);
    *out = (LogSpan){.name = "goal",
                     .fields = {LOG_TEXT("goal", name, len), LOG_TEXT("head", name, len)},
                     .field_count = 2};
    return true;
}

void log_eval(Machine *m, Word atom, Word type)
{
    Buf text = {0}, expected = {0};
    rt_print(m->rt, atom, &text);
    rt_print(m->rt, type, &expected);
    LOG(&m->rt->log, EVAL, TRACE, "eval", LOG_TEXT("atom", text.data, text.len),
        LOG_TEXT("type", expected.data, expected.len), LOG_INT("depth", m->depth));
    buf_free(&text);
    buf_free(&expected);
}

void log_reduction(Machine *m, Word goal, Word result)
{
    Buf text = {0}, to = {0};
    rt_print(m->rt, goal, &text);
    rt_print(m->rt, result, &to);
    size_t n;
    const Span *span = rt_rule_spans(m->rt, m->rule_space, m->rule, &n);
    char place[320] = "";
    if (span)
        snprintf(place, sizeof place, "%s:%u:%u", m->rt->files.data[span->file], span->line, span->column);
    LOG(&m->rt->log, EVAL, TRACE, "reduce", LOG_TEXT("goal", text.data, text.len),
        LOG_TEXT("to", to.data, to.len), LOG_TEXT("rule", place, strlen(place)), LOG_INT("depth", m->depth));
    buf_free(&text);
    buf_free(&to);
}
