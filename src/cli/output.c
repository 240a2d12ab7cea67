#include "cli/output.h"

#include <inttypes.h>

static void put_atom(FILE *to, MtRuntime *rt, MtAtom atom)
{
    size_t len;
    const char *text = mt_print(rt, atom, &len);
    fwrite(text, 1, len, to);
}

/* Where the errors among the results were made. */
static void print_traces(MtRuntime *rt, const MtResult *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const char *trace =
            mt_is_error(rt, result->atoms[i]) ? mt_debug_error_trace(rt, result->atoms[i]) : NULL;
        if (trace) fputs(trace, stderr);
    }
}

bool output_result(void *context, MtRuntime *rt, const MtResult *result)
{
    Output *o = context;
    if (!o->sexpr) fputc('[', o->file);
    for (size_t i = 0; i < result->count; i++) {
        if (!o->sexpr && i > 0) fputs(", ", o->file);
        put_atom(o->file, rt, result->atoms[i]);
        if (o->sexpr) fputc('\n', o->file);
    }
    if (!o->sexpr) fputs("]\n", o->file);
    fflush(o->file);
    if (result->is_error) print_traces(rt, result);
    if (o->timing) {
        output_duration(stderr, result->elapsed_ns);
        fputc('\n', stderr);
    }
    return true;
}

bool output_atom(void *context, MtRuntime *rt, MtAtom atom)
{
    Output *o = context;
    put_atom(o->file, rt, atom);
    fputc('\n', o->file);
    return true;
}

void output_text(void *context, const char *text, size_t len)
{
    Output *o = context;
    fwrite(text, 1, len, o->file);
}

void output_error(const MtError *error)
{
    const MtSpan *at = &error->span;
    if (at->line) {
        fprintf(stderr, "%s:%" PRIu32 ":%" PRIu32 ": %s\n", at->file, at->line, at->column, error->message);
        if (error->source[0]) fprintf(stderr, "  %s\n  %*s^\n", error->source, (int)error->caret, "");
    } else {
        fprintf(stderr, "mettatron: %s\n", error->message);
    }
}

void output_duration(FILE *to, uint64_t ns)
{
    static const char *const units[] = {"ns", "us", "ms"};
    double value = (double)ns;
    for (size_t i = 0; i < 3; i++, value /= 1000) {
        if (value < 1000) {
            fprintf(to, "%.3g %s", value, units[i]);
            return;
        }
    }
    fprintf(to, "%.3f s", value);
}
