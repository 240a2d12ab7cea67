/* The debugger's part of the public header. */
#include "debug/debug.h"

#include "api/api.h"

const char *mt_port_name(MtPort port)
{
    static const char *const names[] = {
#define PORT(id, name, meaning) name,
#include "debug/ports.inc"
#undef PORT
    };
    return (size_t)port < COUNT_OF(names) ? names[port] : "?";
}

/* The public names are in the order of those of debug/. */
_Static_assert((int)MT_PORT_ERROR == (int)AT_ERROR, "ports");
_Static_assert((int)MT_STOP_PAUSE == (int)STOP_PAUSE, "reasons to stop");
_Static_assert((int)MT_WHY_ATOMS == (int)WHY_ATOMS, "formats");
_Static_assert((int)MT_RESUME_QUIT == (int)RESUME_QUIT, "answers");

/* -- Life -- */

/* A walk over the frames that goes on where it was when the next one is asked for. */
struct FrameList {
    Walk walk;
    size_t next;     /* number of the frame that the walk comes to */
    Activation last; /* frame NEXT - 1; its words do not survive a collection */
    uint64_t collections;
};

static uint64_t collections(const MtRuntime *x)
{
    return x->rt->heap.minor_count + x->rt->heap.major_count;
}

static void forget_frames(MtRuntime *x)
{
    base_free(x->frames);
    x->frames = NULL;
}

#ifndef METTA_NO_DEBUG_SUPPORT

static Resume ask_client(void *context, Debugger *d, const Stop *s)
{
    MtRuntime *x = context;
    size_t scope = mt_scope_open(x);
    (void)d;
    MtStop stop = {
        .reason = (MtStopReason)s->reason,
        .port = (MtPort)s->port,
        .goal = s->number,
        .depth = s->depth,
        .result = s->result,
        .alternatives = s->alternatives,
        .tier = s->tier,
        .breakpoint = s->breakpoint,
        .atom = api_local(x, s->goal),
        .value = api_local(x, s->value),
        .span = api_span(x, &s->place),
        .note = s->note,
    };
    forget_frames(x);
    x->stopped_at = stop.atom;
    x->busy++;
    MtResume answer = x->on_stop(x->stop_context, x, &stop);
    x->busy--;
    x->stopped_at = (MtAtom){0};
    forget_frames(x);
    mt_scope_close(x, scope);
    return (Resume)answer;
}

static void attach(MtRuntime *x, MtOnStop on_stop, void *context)
{
    api_free_debugger(x);
    x->on_stop = on_stop;
    x->stop_context = context;
    x->debugger = debug_new(x->rt, on_stop ? ask_client : NULL, x);
}

#endif

MtStatus mt_debug_start(MtRuntime *x, MtOnStop on_stop, void *context)
{
#ifdef METTA_NO_DEBUG_SUPPORT
    (void)on_stop;
    (void)context;
    return api_fail(x, MT_INVALID, "this build has no debug support");
#else
    attach(x, on_stop, context);
    return MT_OK;
#endif
}

void mt_debug_end(MtRuntime *x)
{
#ifndef METTA_NO_DEBUG_SUPPORT
    attach(x, NULL, NULL);
#else
    (void)x;
#endif
}

void api_free_debugger(MtRuntime *x)
{
    debug_free(x->debugger);
    x->debugger = NULL;
    forget_frames(x);
}

void mt_debug_stop_first(MtRuntime *x)
{
    if (x->debugger) debug_stop_first(x->debugger);
}

void api_query_ended(MtRuntime *x)
{
    if (x->debugger && !x->rt->machine) debug_query_ended(x->debugger);
}

/* -- Breakpoints -- */

static MtStatus fail_without(MtRuntime *x)
{
    return api_fail(x, MT_INVALID, "there is no debugger");
}

static MtStatus added(MtRuntime *x, uint32_t id, const char *error)
{
    return id ? MT_OK : api_fail(x, MT_INVALID, "%s", error);
}

MtStatus mt_break_add(MtRuntime *x, const char *text, bool temporary, uint32_t *id)
{
    const char *error = "";
    if (!x->debugger) return fail_without(x);
    *id = break_add(x->debugger, text, temporary, &error);
    return added(x, *id, error);
}

MtStatus mt_break_watch(MtRuntime *x, const char *text, uint32_t *id)
{
    const char *error = "";
    if (!x->debugger) return fail_without(x);
    *id = break_add_watch(x->debugger, text, &error);
    return added(x, *id, error);
}

MtStatus mt_break_catch(MtRuntime *x, const char *name, uint32_t *id)
{
    const char *error = "";
    if (!x->debugger) return fail_without(x);
    *id = break_add_catch(x->debugger, name, &error);
    return added(x, *id, error);
}

bool mt_break_info(MtRuntime *x, size_t i, MtBreakInfo *info)
{
    static const char *const kinds[] = {
        [BREAK_FUNCTION] = "function", [BREAK_PATTERN] = "pattern", [BREAK_LINE] = "line",
        [BREAK_SPACE] = "space",       [BREAK_STATE] = "state",     [BREAK_CATCH] = "catch",
    };
    const Breakpoint *b = x->debugger ? break_at_index(x->debugger, i) : NULL;
    if (!b) return false;
    *info = (MtBreakInfo){
        .id = b->id,
        .kind = kinds[b->kind],
        .text = b->text,
        .condition = b->condition_text,
        .count = b->hit_condition,
        .enabled = b->enabled,
        .temporary = b->temporary,
        .ignore = b->ignore,
        .hits = b->hits,
        .evaluations = b->evaluations,
        .line = b->first,
        .note = b->note,
    };
    return true;
}

/* The breakpoint, or NULL, and that is the error. */
static Breakpoint *breakpoint_of(MtRuntime *x, uint32_t id)
{
    Breakpoint *b = x->debugger ? break_find(x->debugger, id) : NULL;
    if (!b) api_fail(x, MT_INVALID, "there is no breakpoint %u", id);
    return b;
}

MtStatus mt_break_condition(MtRuntime *x, uint32_t id, const char *condition)
{
    const char *error = "";
    Breakpoint *b = breakpoint_of(x, id);
    if (!b) return MT_INVALID;
    if (!break_condition(x->debugger, b, condition, &error)) return api_fail(x, MT_INVALID, "%s", error);
    return MT_OK;
}

MtStatus mt_break_count(MtRuntime *x, uint32_t id, const char *count)
{
    Breakpoint *b = breakpoint_of(x, id);
    if (!b) return MT_INVALID;
    return break_hit_condition(b, count) ? MT_OK : api_fail(x, MT_INVALID, "this is no count: %s", count);
}

MtStatus mt_break_ignore(MtRuntime *x, uint32_t id, uint64_t hits)
{
    Breakpoint *b = breakpoint_of(x, id);
    if (b) b->ignore = hits;
    return b ? MT_OK : MT_INVALID;
}

MtStatus mt_break_enable(MtRuntime *x, uint32_t id, bool enabled)
{
    Breakpoint *b = breakpoint_of(x, id);
    if (!b) return MT_INVALID;
    b->enabled = enabled;
    break_changed(x->debugger);
    return MT_OK;
}

MtStatus mt_break_delete(MtRuntime *x, uint32_t id)
{
    Breakpoint *b = breakpoint_of(x, id);
    if (b) break_delete(x->debugger, b);
    return b ? MT_OK : MT_INVALID;
}

/* -- Frames -- */

size_t mt_frame_count(MtRuntime *x, size_t limit)
{
    return x->debugger ? walk_count(x->debugger, limit) : 0;
}

/* Come to frame I. */
static const Activation *frame_at(MtRuntime *x, size_t i)
{
    struct FrameList *list = x->frames;
    if (!x->debugger) return NULL;
    if (!list || list->next > i + 1 || list->collections != collections(x)) {
        forget_frames(x);
        list = x->frames = base_calloc(1, sizeof *list);
        list->walk = walk_begin(x->debugger, api_word(x, x->stopped_at));
    }
    while (list->next <= i) {
        if (!walk_next(&list->walk, &list->last)) {
            forget_frames(x);
            return NULL;
        }
        list->next++;
        list->collections = collections(x);
    }
    return &list->last;
}

bool mt_frame(MtRuntime *x, size_t i, MtFrame *frame)
{
    const Activation *a = frame_at(x, i);
    if (!a) return false;
    Site site;
    Bindings bindings = {0};
    site_of(x->debugger, a, &site, &bindings);
    vec_free(&bindings);
    *frame = (MtFrame){
        .goal = a->number,
        .function = a->head == NO_HEAD ? "" : sym_text(x->rt->symbols, a->head, NULL),
        .atom = api_local(x, site.goal),
        .expression = api_local(x, site.whole),
        .part = api_local(x, site.part),
        .span = api_span(x, &site.place),
        .tier = a->tier,
        .tail = a->tail,
    };
    return true;
}

static void bindings_of(MtRuntime *x, size_t i, Bindings *out)
{
    const Activation *a = frame_at(x, i);
    Site site;
    if (a) site_of(x->debugger, a, &site, out);
}

void mt_frame_bindings(MtRuntime *x, size_t i, MtOnBinding on_binding, void *context)
{
    Bindings bindings = {0};
    bindings_of(x, i, &bindings);
    size_t first = x->locals.len;
    for (size_t k = 0; k < bindings.len; k++) api_local(x, bindings.data[k].value);
    for (size_t k = 0; k < bindings.len; k++)
        on_binding(context, x, sym_text(x->rt->symbols, bindings.data[k].name, NULL),
                   (MtAtom){first + k + 1});
    vec_free(&bindings);
}

static void print_results(MtRuntime *x, const QueryResults *results, Buf *out)
{
    for (size_t i = 0; i < results->atoms.len; i++) {
        rt_print(x->rt, results->atoms.data[i], out);
        buf_putc(out, '\n');
    }
}

MtStatus mt_frame_eval(MtRuntime *x, size_t i, const char *text, bool apart, const char **out)
{
    Word atom;
    Bindings bindings = {0};
    QueryResults results = {0};
    if (!x->debugger) return fail_without(x);
    if (!rt_parse(x->rt, x->rt->top, text, strlen(text), &atom))
        return api_fail(x, MT_SYNTAX, "this is no expression: %s", text);
    vec_clear(&x->text);
    bindings_of(x, i, &bindings);
    atom = apply_names(x->rt, atom, &bindings);
    vec_free(&bindings);
    x->busy++;
    if (!apart || !evaluate_apart(x->debugger, atom, &x->text)) {
        evaluate(x->debugger, atom, &results);
        print_results(x, &results, &x->text);
    }
    x->busy--;
    vec_free(&results.atoms);
    *out = buf_cstr(&x->text);
    return MT_OK;
}

/* -- Alternatives and answers -- */

bool mt_alternative(MtRuntime *x, size_t i, MtAlternative *alternative)
{
    Alternatives all = {0};
    if (x->debugger) alternatives(x->debugger, NULL, &all);
    bool found = i < all.len;
    if (found) {
        const Alternative *a = &all.data[i];
        *alternative = (MtAlternative){
            .kind = a->kind,
            .atom = api_local(x, a->goal),
            .next = api_local(x, a->next),
            .span = api_span(x, &a->place),
            .left = a->left,
            .exact = a->exact,
        };
    }
    vec_free(&all);
    return found;
}

bool mt_alternative_option(MtRuntime *x, size_t i, size_t which, MtAtom *atom, MtSpan *span)
{
    Word word;
    Span place;
    if (!x->debugger || !alternative_option(x->debugger, i + 1, which, &word, &place)) return false;
    *atom = api_local(x, word);
    *span = api_span(x, &place);
    return true;
}

MtStatus mt_debug_retry(MtRuntime *x, uint64_t goal)
{
    if (!x->debugger) return fail_without(x);
    return debug_retry(x->debugger, goal) ? MT_OK
                                          : api_fail(x, MT_INVALID, "that goal cannot be called again");
}

MtStatus mt_debug_force(MtRuntime *x, MtAtom result)
{
    if (!x->debugger) return fail_without(x);
    return debug_force(x->debugger, api_word(x, result))
               ? MT_OK
               : api_fail(x, MT_INVALID, "no goal is at work that could be given a result");
}

MtStatus mt_debug_take(MtRuntime *x, size_t i, size_t which)
{
    const char *error = "";
    if (!x->debugger) return fail_without(x);
    return alternative_choose(x->debugger, i + 1, which, &error) ? MT_OK
                                                                 : api_fail(x, MT_INVALID, "%s", error);
}

MtStatus mt_debug_prune(MtRuntime *x, size_t i)
{
    const char *error = "";
    if (!x->debugger) return fail_without(x);
    return alternative_prune(x->debugger, i + 1, &error) ? MT_OK : api_fail(x, MT_INVALID, "%s", error);
}

const char *mt_explain(MtRuntime *x, MtAtom atom, MtWhyFormat format, size_t result)
{
    WordVec atoms = {0};
    vec_clear(&x->text);
    if (!x->debugger) return buf_cstr(&x->text);
    x->busy++;
    explain(x->debugger, x->rt->top->scope, api_word(x, atom), (WhyFormat)format, result, &x->text, &atoms);
    for (size_t i = 0; i < atoms.len; i++) {
        rt_print(x->rt, atoms.data[i], &x->text);
        buf_putc(&x->text, '\n');
    }
    x->busy--;
    vec_free(&atoms);
    return buf_cstr(&x->text);
}

const char *mt_why_not(MtRuntime *x, MtAtom atom, bool all)
{
    vec_clear(&x->text);
    if (!x->debugger) return buf_cstr(&x->text);
    x->busy++;
    why_not(x->debugger, x->rt->top->scope, api_word(x, atom), all ? SIZE_MAX : WHY_NOT_FEW, &x->text);
    x->busy--;
    return buf_cstr(&x->text);
}

const char *mt_debug_gathered(MtRuntime *x, size_t *count)
{
    *count = 0;
    return x->debugger ? debug_gathered(x->debugger, count) : "";
}

const char *mt_debug_error_trace(MtRuntime *x, MtAtom error)
{
    return x->debugger ? error_trace(x->debugger, api_word(x, error)) : NULL;
}

const char *mt_debug_events(MtRuntime *x)
{
    vec_clear(&x->text);
    if (x->debugger) recorder_print(x->debugger, &x->text);
    return buf_cstr(&x->text);
}
