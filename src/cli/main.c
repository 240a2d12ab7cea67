/* The command: runs files, expressions, the REPL.  A client of the public header like any other. */
#include "cli/debug.h"
#include "cli/dump.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/repl.h"
#include "cli/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int exit_status(MtStatus status)
{
    switch (status) {
    case MT_OK:
    case MT_STOPPED:
        return STATUS_OK;
    case MT_QUERY_ERROR:
        return STATUS_QUERY;
    case MT_SYNTAX:
    case MT_INCOMPLETE:
    case MT_REFUSED:
        return STATUS_SYNTAX;
    case MT_IO:
        return STATUS_IO;
    case MT_TIMEOUT:
        return STATUS_TIMEOUT;
    case MT_INTERRUPTED:
        return STATUS_INTERRUPTED;
    case MT_NO_MEMORY:
        return STATUS_MEMORY;
    case MT_INVALID:
        return STATUS_USAGE;
    }
    return STATUS_QUERY;
}

/* -- -e: one expression is evaluated, several forms are a program -- */

typedef struct Forms {
    size_t count;
    MtAtom only;
} Forms;

static bool gather_form(void *context, MtRuntime *rt, MtAtom form, const MtSpan *span)
{
    Forms *forms = context;
    (void)span;
    if (forms->count++ == 0) forms->only = mt_keep(rt, form);
    return true;
}

/* A definition or a declaration is for the space even when it stands alone. */
static bool is_statement(MtRuntime *rt, MtAtom form)
{
    const char *head = mt_text(rt, mt_at(rt, form, 0), NULL);
    return head && mt_kind(rt, form) == MT_EXPRESSION && (strcmp(head, "=") == 0 || strcmp(head, ":") == 0);
}

/* What stands for the text in messages. */
static const char expression_name[] = "<expression>";

static MtStatus run_expression(MtRuntime *rt, const char *text, MtOnResult on_result, void *out)
{
    Forms forms = {0};
    MtStatus status = mt_read(rt, expression_name, text, strlen(text), gather_form, &forms);
    if (status == MT_OK && forms.count == 1 && !is_statement(rt, forms.only))
        status = mt_eval(rt, forms.only, on_result, out);
    else
        status = mt_run(rt, expression_name, text, strlen(text), on_result, out);
    mt_release(rt, forms.only);
    return status;
}

static MtStatus run_input(MtRuntime *rt, const Input *in, MtOnResult on_result, void *out)
{
    return in->kind == INPUT_FILE ? mt_run_file(rt, in->text, on_result, out)
                                  : run_expression(rt, in->text, on_result, out);
}

static MtStatus dump_input(MtRuntime *rt, const Input *in, AstDump *dump)
{
    return in->kind == INPUT_FILE
               ? mt_read_nodes_file(rt, in->text, dump_node, dump)
               : mt_read_nodes(rt, expression_name, in->text, strlen(in->text), dump_node, dump);
}

static int run_inputs(MtRuntime *rt, const Options *o, Interrupt *interrupt, Output *out)
{
    AstDump listing = {.file = out->file};
    for (size_t i = 0; i < o->input_count; i++) {
        const Input *in = &o->inputs[i];
        size_t scope = mt_scope_open(rt);
        MtStatus status = o->dump_ast ? dump_input(rt, in, &listing) : run_input(rt, in, output_result, out);
        mt_scope_close(rt, scope);
        interrupt_reset(interrupt);
        if (status == MT_OK) continue;
        /* The error atom itself has been printed among the results. */
        if (status != MT_QUERY_ERROR) {
            fflush(out->file);
            output_error(mt_error(rt));
        }
        return exit_status(status);
    }
    return STATUS_OK;
}

static void print_log_target(void *context, const char *target, const char *meaning)
{
    fprintf(context, "%-42s %s\n", target, meaning);
}

static MtRuntime *new_runtime(const Options *o, Output *out, MtError *error)
{
    MtConfig config;
    mt_config_init(&config);
    config.max_memory = o->max_memory;
    config.max_depth = o->max_depth;
    config.timeout_ms = o->timeout_ms;
    config.strict_mode = o->strict;
    config.max_tier = (uint32_t)o->max_tier;
    config.bytecode_threshold = (uint32_t)o->bytecode_threshold;
    config.jit_threshold = (uint32_t)o->jit_threshold;
    config.jit_stage2_threshold = (uint32_t)o->jit_stage2_threshold;
    config.collect_stats = o->stats != NULL;
    config.jit_log = o->jit_log;
    config.jit_cache_bytes = (uint32_t)o->jit_cache;
    config.perf_map = o->perf;
    config.jit_debug = o->jit_debug;
    config.jit_force_exit = (uint32_t)o->jit_force_exit;
    config.log_filter = o->log_filter;
    config.log_format = o->log_format;
    config.search_paths = o->search_paths;
    config.search_path_count = o->search_path_count;
    config.output = output_text;
    config.output_context = out;
    return mt_new(&config, error);
}

static void dump(MtRuntime *rt, const Options *o, Output *out)
{
    const char *head = *o->dump ? o->dump : NULL;
    const char *text = o->dump_pass     ? mt_show_pass(rt, o->dump_pass, head)
                       : o->dump_native ? mt_disassemble_native(rt, head)
                       : o->dump_full   ? mt_disassemble_full(rt, head)
                                        : mt_disassemble(rt, head);
    if (!text) text = o->dump_native ? "no native code without tier 2\n" : "no bytecode in tier 0\n";
    output_text(out, text, strlen(text));
}

/* -- explain -- */

/* The results of the queries themselves are not asked for. */
static bool skip_result(void *context, MtRuntime *rt, const MtResult *result)
{
    (void)context;
    (void)rt;
    (void)result;
    return true;
}

static int explain(MtRuntime *rt, const Options *o, Output *out)
{
    MtStatus status = MT_OK;
    for (size_t i = 0; i < o->input_count && status == MT_OK; i++) {
        status = run_input(rt, &o->inputs[i], skip_result, NULL);
        if (status == MT_QUERY_ERROR) status = MT_OK; /* its rules are there */
    }
    MtAtom atom;
    if (status == MT_OK) status = mt_parse(rt, o->explain, strlen(o->explain), &atom);
    if (status != MT_OK) {
        output_error(mt_error(rt));
        return exit_status(status);
    }
    const char *text = mt_explain(rt, atom, o->explain_format, 0);
    output_text(out, text, strlen(text));
    return STATUS_OK;
}

/* -- --debug -- */

/* What a run under the debugger gives: not what it was at when it was ended. */
typedef struct DebugOutput {
    Prompt *prompt;
    Output *out;
} DebugOutput;

static bool debug_result(void *context, MtRuntime *rt, const MtResult *result)
{
    const DebugOutput *x = context;
    if (prompt_wants_end(x->prompt) || prompt_wants_restart(x->prompt)) return false;
    bool go_on = output_result(x->out, rt, result);
    if (result->is_error) prompt_tell_events(x->prompt);
    return go_on;
}

/* Run the program once, from the command that starts it to its end. */
static int debug_once(MtRuntime *rt, const Options *o, Prompt *prompt, Output *out)
{
    Interrupt *interrupt = interrupt_start(rt);
    prompt_set_interrupt(prompt, interrupt);
    DebugOutput results = {prompt, out};
    MtStatus status = MT_OK;
    for (size_t i = 0; i < o->input_count && status == MT_OK; i++) {
        size_t scope = mt_scope_open(rt);
        status = run_input(rt, &o->inputs[i], debug_result, &results);
        mt_scope_close(rt, scope);
        fflush(out->file);
        bool told =
            status == MT_OK || status == MT_QUERY_ERROR || status == MT_INTERRUPTED || status == MT_STOPPED;
        if (!told) output_error(mt_error(rt));
    }
    prompt_set_interrupt(prompt, NULL);
    interrupt_stop(interrupt);
    prompt_ended(prompt, status);
    return exit_status(status);
}

/* Another runtime for another run. */
static MtRuntime *begin_anew(MtRuntime *rt, const Options *o, Prompt *prompt, Output *out)
{
    MtError error;
    MtRuntime *next = new_runtime(o, out, &error);
    if (!next) {
        output_error(&error);
        return NULL;
    }
    prompt_move(prompt, next);
    mt_free(rt);
    return next;
}

static int debug(MtRuntime *rt, const Options *o, Output *out)
{
    Prompt *prompt = prompt_new(rt, o->debug_script, stdout, false);
    int status = STATUS_OK;
    bool ran = false, bad = !prompt || (o->break_on && !prompt_break_on(prompt, o->break_on));
    if (prompt && o->input_count && o->inputs[0].kind == INPUT_FILE)
        prompt_set_file(prompt, o->inputs[0].text);
    if (bad) fputs("mettatron: the debugger cannot start as asked for\n", stderr);
    while (!bad && (prompt_wants_restart(prompt) || prompt_read(prompt) == PROMPT_RUN)) {
        MtRuntime *next = ran ? begin_anew(rt, o, prompt, out) : rt;
        if (!next) break;
        rt = next;
        ran = true;
        status = debug_once(rt, o, prompt, out);
        if (prompt_wants_end(prompt)) {
            status = STATUS_OK;
            break;
        }
    }
    prompt_free(prompt);
    mt_free(rt);
    return bad ? STATUS_USAGE : status;
}

static int run(const Options *o, Output *out)
{
    MtError error;
    MtRuntime *rt = new_runtime(o, out, &error);
    if (!rt) {
        output_error(&error);
        return exit_status(error.status);
    }
    if (o->debug) return debug(rt, o, out);
    if (o->explain) {
        int status = explain(rt, o, out);
        mt_free(rt);
        return status;
    }
    /* Nothing runs that could be interrupted: Ctrl-C ends the process then. */
    Interrupt *interrupt = o->dump_ast ? NULL : interrupt_start(rt);
    int status = run_inputs(rt, o, interrupt, out);
    if (status == STATUS_OK && !o->dump_ast && (o->repl || o->input_count == 0))
        status = repl_run(rt, interrupt, out);
    interrupt_stop(interrupt);
    if (o->dump) dump(rt, o, out);
    if (o->stats) stats_print(stderr, rt, strcmp(o->stats, "json") == 0);
    mt_free(rt);
    return status;
}

/* Close FILE; a write that failed earlier shows here at the latest. */
static int finish(FILE *file, const char *name, int status)
{
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0) failed = true;
    if (!failed) return status;
    fprintf(stderr, "mettatron: %s: cannot write: %s\n", name, strerror(errno));
    return STATUS_IO;
}

static int run_with_output(const Options *o)
{
    Output out = {.file = stdout, .sexpr = o->sexpr};
    const char *name = "standard output";
    if (o->output) {
        name = o->output;
        out.file = fopen(name, "w");
        if (!out.file) {
            fprintf(stderr, "mettatron: %s: %s\n", name, strerror(errno));
            return STATUS_IO;
        }
    }
    return finish(out.file, name, run(o, &out));
}

/* -- --compile -- */

/* PATH with ".mbc" in place of ".metta", to be freed. */
static char *compiled_name(const char *path)
{
    static const char old[] = ".metta", new[] = ".mbc";
    size_t len = strlen(path);
    if (len > strlen(old) && strcmp(path + len - strlen(old), old) == 0) len -= strlen(old);
    char *name = calloc(1, len + sizeof new);
    if (!name) return NULL;
    memcpy(name, path, len);
    memcpy(name + len, new, sizeof new);
    return name;
}

static MtStatus compile_to(MtRuntime *rt, const Options *o)
{
    const char *path = o->inputs[0].text;
    char *name = o->output ? NULL : compiled_name(path);
    MtStatus status = mt_compile_file(rt, path, o->output ? o->output : name);
    free(name);
    return status;
}

static int compile(const Options *o)
{
    MtError error;
    Output none = {.file = stdout};
    MtRuntime *rt = new_runtime(o, &none, &error);
    MtStatus status = rt ? compile_to(rt, o) : error.status;
    if (status != MT_OK) output_error(rt ? mt_error(rt) : &error);
    mt_free(rt);
    return exit_status(status);
}

static bool is_compilation(const Options *o)
{
    return o->input_count == 1 && o->inputs[0].kind == INPUT_FILE && !o->repl && !o->dump_ast &&
           (o->output || strcmp(o->inputs[0].text, "-") != 0);
}

int main(int argc, char **argv)
{
    Options o;
    int status = STATUS_OK;
    if (!options_parse(&o, argc, argv)) {
        status = STATUS_USAGE;
    } else if (o.help) {
        options_print_help(stdout);
    } else if (o.version) {
        puts(mt_version());
    } else if (o.log_help) {
        mt_log_each_target(print_log_target, stdout);
    } else if (o.input_count == 0 && (o.dump_ast || (!o.repl && !isatty(STDIN_FILENO)))) {
        fputs("mettatron: no FILE given\nTry 'mettatron --help'.\n", stderr);
        status = STATUS_USAGE;
    } else if (o.compile && !is_compilation(&o)) {
        fputs("mettatron: --compile takes one FILE\nTry 'mettatron --help'.\n", stderr);
        status = STATUS_USAGE;
    } else if (o.compile) {
        status = compile(&o);
    } else {
        status = run_with_output(&o);
    }
    options_free(&o);
    return status;
}
