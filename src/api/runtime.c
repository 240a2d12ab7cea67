/* Runtimes: making and freeing them, limits, errors, logging, figures. */
#include "api/api.h"

#include "vm/vm.h"

#include "builtin/builtin.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *mt_version(void)
{
    return "mettatron " TEXT(MT_VERSION_MAJOR) "." TEXT(MT_VERSION_MINOR) "." TEXT(MT_VERSION_PATCH);
}

const char *mt_status_name(MtStatus status)
{
    static const char *const names[] = {
        [MT_OK] = "ok",           [MT_QUERY_ERROR] = "query-error", [MT_STOPPED] = "stopped",
        [MT_SYNTAX] = "syntax",   [MT_INCOMPLETE] = "incomplete",   [MT_IO] = "io",
        [MT_TIMEOUT] = "timeout", [MT_INTERRUPTED] = "interrupted", [MT_NO_MEMORY] = "no-memory",
        [MT_INVALID] = "invalid", [MT_REFUSED] = "refused",
    };
    return (size_t)status < COUNT_OF(names) ? names[status] : "unknown";
}

/* -- Errors -- */

static void set_error(MtError *e, MtStatus status, const char *fmt, va_list ap)
{
    *e = (MtError){.status = status};
    vsnprintf(e->message, sizeof e->message, fmt, ap);
    for (char *c = e->message; *c; c++)
        if (*c == '\n') *c = ' ';
}

MtStatus api_fail(MtRuntime *x, MtStatus status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_error(&x->error, status, fmt, ap);
    va_end(ap);
    return status;
}

const MtError *mt_error(const MtRuntime *x)
{
    return &x->error;
}

/* -- Limits -- */

void mt_set_limits(MtRuntime *x, uint64_t max_memory, uint64_t max_depth, uint64_t timeout_ms)
{
    Settings *s = &x->rt->settings;
    s->max_memory = max_memory;
    s->max_stack_depth = max_depth;
    s->timeout_ns = timeout_ms * 1000000;
}

void mt_interrupt(MtRuntime *x)
{
    rt_interrupt(x->rt);
}

void mt_clear_interrupt(MtRuntime *x)
{
    x->rt->limits.interrupted = 0;
}

/* -- Life -- */

void mt_config_init(MtConfig *config)
{
    *config =
        (MtConfig){.size = sizeof *config, .max_tier = 1, .jit_threshold = 100, .jit_stage2_threshold = 500};
}

static void write_program_output(void *context, const char *text, size_t len)
{
    MtRuntime *x = context;
    if (x->output)
        x->output(x->output_context, text, len);
    else
        fwrite(text, 1, len, stdout);
}

/* Print what log_set_filter complains about, if anything. */
static void print_complaints(Buf *complaints)
{
    const char *line = buf_cstr(complaints);
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        fprintf(stderr, "mettatron: %.*s\n", (int)(end - line), line);
}

/* The first line of COMPLAINTS is what is wrong with a filter. */
static MtStatus fail_with_complaint(MtRuntime *x, Buf *complaints)
{
    const char *text = buf_cstr(complaints);
    return api_fail(x, MT_INVALID, "%.*s", (int)strcspn(text, "\n"), text);
}

static MtStatus set_log(MtRuntime *x, const char *filter)
{
    Buf complaints = {0};
    MtStatus status = MT_OK;
    if (!filter)
        log_set_filter_from_environment(&x->rt->log, &complaints);
    else if (!log_set_filter(&x->rt->log, filter, true, &complaints))
        status = fail_with_complaint(x, &complaints);
    if (status == MT_OK) print_complaints(&complaints);
    buf_free(&complaints);
    return status;
}

static MtStatus configure(MtRuntime *x, const MtConfig *c)
{
    static const LogFormat formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_FULL, LOG_FORMAT_JSON};
    Runtime *rt = x->rt;
    if (c->dialect != MT_DIALECT_HE) return api_fail(x, MT_INVALID, "no such dialect");
    if ((size_t)c->log_format >= COUNT_OF(formats)) return api_fail(x, MT_INVALID, "no such log format");
    mt_set_limits(x, c->max_memory, c->max_depth, c->timeout_ms);
    if (c->max_tier > 1) return api_fail(x, MT_INVALID, "this build has tiers 0 and 1");
    if (c->max_tier == 1) {
        rt->upper = x->vm = vm_new(rt, rt->top->scope, c->bytecode_threshold, c->jit_threshold);
        rt->upper_tier = c->count_instructions ? &vm_tier_counting : &vm_tier;
        rt->changed = vm_tier.changed;
    }
    rt->settings.strict = c->strict_mode;
    rt->log.format = formats[c->log_format];
    x->output = c->output;
    x->output_context = c->output_context;
    for (size_t i = 0; i < c->search_path_count; i++)
        vec_push(&rt->search_dirs, base_strndup(c->search_paths[i], strlen(c->search_paths[i])));
    return set_log(x, c->log_filter);
}

MtRuntime *mt_new(const MtConfig *config, MtError *error)
{
    MtConfig c;
    mt_config_init(&c);
    /* A caller that was built with an older header has a smaller structure. */
    if (config) memcpy(&c, config, config->size < sizeof c ? config->size : sizeof c);
    MtRuntime *x = base_calloc(1, sizeof *x);
    x->rt = rt_new(builtin_table, BI_COUNT, &interp_engine);
    if (!x->rt) {
        api_fail(x, MT_NO_MEMORY, "not enough address space");
    } else {
        x->rt->host = x;
        x->rt->host_trace = api_trace;
        x->rt->write = write_program_output;
        x->rt->write_context = x;
        if (configure(x, &c) == MT_OK) return x;
    }
    if (error) *error = x->error;
    mt_free(x);
    return NULL;
}

void mt_free(MtRuntime *x)
{
    if (!x) return;
    assert(x->busy == 0);
    if (x->rt) rt_free(x->rt);
    vm_free(x->vm);
    for (size_t i = 0; i < x->programs.len; i++) mbc_close(x->programs.data[i]);
    vec_free(&x->programs);
    api_free_functions(x);
    vec_free(&x->locals);
    vec_free(&x->kept);
    buf_free(&x->text);
    buf_free(&x->printed);
    base_free(x);
}

/* -- Logging -- */

MtStatus mt_log_set_filter(MtRuntime *x, const char *filter)
{
    return set_log(x, filter ? filter : "");
}

void mt_log_each_target(MtOnLogTarget on_target, void *context)
{
    for (int t = 0; t < LOG_TARGET_COUNT; t++)
        on_target(context, log_targets[t].name, log_targets[t].meaning);
}

/* -- Figures -- */

void mt_stats(MtRuntime *x, MtStats *stats)
{
    const Heap *h = &x->rt->heap;
    MtStats s = {
        .size = stats->size,
        .queries = x->queries,
        .steps = x->rt->steps,
        .run_ns = x->run_ns,
        .heap_bytes = heap_bytes(h),
        .stored_bytes = store_bytes(x->rt->store),
        .minor_collections = h->minor_count,
        .major_collections = h->major_count,
        .symbols = sym_count(x->rt->symbols),
        .interpreter_runs = x->vm ? x->vm->interpreter_runs : 0,
        .bytecode_runs = x->vm ? x->rt->steps - x->rt->tier0_steps + x->vm->entered : 0,
        .chunks = x->vm ? x->vm->compilations : 0,
        .expired_chunks = x->vm ? x->vm->expirations : 0,
        .choice_points = x->rt->choices,
        .vm_instructions = x->vm ? x->vm->instructions : 0,
        .bytecode_threshold = x->vm ? x->vm->threshold : 0,
    };
    memcpy(stats, &s, stats->size < sizeof s ? stats->size : sizeof s);
}
