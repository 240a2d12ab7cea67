/* Runtimes: making and freeing them, limits, errors, logging, figures. */
#include "api/api.h"
#ifdef METTA_JIT
#include "jit1/jit1.h"
#endif

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
    *config = (MtConfig){
        .size = sizeof *config,
        .max_tier = API_HIGHEST_TIER,
        .jit_threshold = 100,
        .jit_stage2_threshold = 500,
        .hybrid = {.jit_enabled = true},
    };
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

void api_choose_tier(MtRuntime *x)
{
    if (!x->vm) return;
    x->rt->upper_tier = vm_tier_for(x->vm);
#ifdef METTA_JIT
    if (x->jit1) x->rt->upper_tier = jit1_tier(x->jit1);
#endif
    x->rt->changed = x->rt->upper_tier->changed;
}

/* STRICT: a wrong directive is an error, and changes nothing. */
static MtStatus set_log(MtRuntime *x, const char *filter, bool strict)
{
    Buf complaints = {0};
    MtStatus status = MT_OK;
    if (!log_set_filter(&x->rt->log, filter, strict, &complaints))
        status = fail_with_complaint(x, &complaints);
    if (status == MT_OK) print_complaints(&complaints);
    api_choose_tier(x);
    buf_free(&complaints);
    return status;
}

/* The filter of C, or of the environment, and what the executor's settings ask for. */
static MtStatus configure_log(MtRuntime *x, const MtConfig *c)
{
    Buf filter = {0};
    buf_puts(&filter, c->log_filter ? c->log_filter : log_environment_filter());
    if (c->hybrid.trace) buf_printf(&filter, "%smettatron::jit::hybrid=trace", filter.len ? "," : "");
    if (c->hybrid.vm_config.trace) buf_printf(&filter, "%smettatron::vm::trace=trace", filter.len ? "," : "");
    MtStatus status = set_log(x, buf_cstr(&filter), c->log_filter != NULL);
    buf_free(&filter);
    return status;
}

/* Start tier 2; where machine code cannot be had, there is none, and the log says so. */
static void start_native(MtRuntime *x, const MtConfig *c)
{
#ifdef METTA_JIT
    const Jit1Config config = {.cache_bytes = c->jit_cache_bytes,
                               .perf = c->perf_map,
                               .debug = c->jit_debug,
                               .force_exit = c->jit_force_exit};
    const char *reason;
    x->jit1 = jit1_new(x->vm, &config, &reason);
    if (x->jit1) return;
    LOG(&x->rt->log, JIT_COMPILE, WARN, "no machine code", LOG_TEXT("reason", reason, strlen(reason)));
#else
    (void)x, (void)c;
#endif
}

/* Start the tiers above the interpreter up to TIER. */
static void configure_tiers(MtRuntime *x, const MtConfig *c, uint32_t tier)
{
    x->jit_stage2_threshold = c->jit_stage2_threshold;
    if (tier == 0) return;
    Runtime *rt = x->rt;
    rt->upper = x->vm = vm_new(rt, rt->top->scope, c->bytecode_threshold, c->jit_threshold);
    x->vm->stats.exact = c->collect_stats;
    x->vm->stats.verbose = c->jit_log;
    if (tier >= API_NATIVE_TIER) start_native(x, c);
    api_choose_tier(x);
}

static MtStatus configure(MtRuntime *x, const MtConfig *c)
{
    static const LogFormat formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_FULL, LOG_FORMAT_JSON};
    Runtime *rt = x->rt;
    if (c->dialect != MT_DIALECT_HE) return api_fail(x, MT_INVALID, "no such dialect");
    if ((size_t)c->log_format >= COUNT_OF(formats)) return api_fail(x, MT_INVALID, "no such log format");
    mt_set_limits(x, c->max_memory, c->max_depth ? c->max_depth : c->hybrid.vm_config.max_call_stack,
                  c->timeout_ms);
    if (c->max_tier > API_HIGHEST_TIER)
        return api_fail(x, MT_INVALID, "this build has tiers 0 to %d%s", API_HIGHEST_TIER,
                        API_HIGHEST_TIER < API_NATIVE_TIER ? "; machine code needs clang 19 when it is made"
                                                           : "");
    configure_tiers(x, c, c->max_tier > 1 && !c->hybrid.jit_enabled ? 1 : c->max_tier);
    rt->settings.strict = c->strict_mode;
    rt->log.format = formats[c->log_format];
    x->output = c->output;
    x->output_context = c->output_context;
    for (size_t i = 0; i < c->search_path_count; i++)
        vec_push(&rt->search_dirs, base_strndup(c->search_paths[i], strlen(c->search_paths[i])));
    return configure_log(x, c);
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
        x->rt->figures = api_figures;
        x->rt->write = write_program_output;
        x->rt->write_context = x;
        if (configure(x, &c) == MT_OK) {
            mt_debug_end(x); /* what does not stop is there from the start */
            return x;
        }
    }
    if (error) *error = x->error;
    mt_free(x);
    return NULL;
}

void mt_free(MtRuntime *x)
{
    if (!x) return;
    assert(x->busy == 0);
    api_free_debugger(x);
    if (x->rt) rt_free(x->rt);
#ifdef METTA_JIT
    jit1_free(x->jit1);
#endif
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
    return set_log(x, filter ? filter : "", true);
}

void mt_log_each_target(MtOnLogTarget on_target, void *context)
{
    for (int t = 0; t < LOG_TARGET_COUNT; t++)
        on_target(context, log_targets[t].name, log_targets[t].meaning);
}
