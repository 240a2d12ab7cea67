#include "cli/stats.h"

#include <inttypes.h>
#include <string.h>

enum { TOP_SITES = 20, TIER_BYTECODE = 1, TIER_NATIVE = 2 };

/* A report being printed. */
typedef struct Report {
    FILE *to;
    const char *group; /* of the figure before */
    size_t rows;       /* of the table at work */
    uint64_t sum;
} Report;

static const char *const tier_names[] = {"interpreter", "bytecode", "JIT stage 1", "JIT stage 2"};
enum { TIERS = sizeof tier_names / sizeof tier_names[0] };

/* -- Text -- */

static void print_figure(void *context, const MtFigure *f)
{
    Report *r = context;
    if (strcmp(r->group, f->group) != 0) fprintf(r->to, "%s:\n", f->group);
    r->group = f->group;
    fprintf(r->to, "%s%-20s ", f->group[0] ? "  " : "", f->name);
    if (f->is_rate)
        fprintf(r->to, "%.1f %%\n", f->rate);
    else
        fprintf(r->to, "%" PRIu64 "\n", f->count);
}

static void add_reason(void *context, const MtBailoutReason *reason)
{
    Report *r = context;
    r->sum += reason->count;
}

static void print_reason(void *context, const MtBailoutReason *reason)
{
    Report *r = context;
    fprintf(r->to, "  %10" PRIu64 " %6.1f %%  %-20s  %s\n", reason->count,
            100.0 * (double)reason->count / (double)r->sum, reason->name, reason->when);
}

static void print_site(void *context, const MtBailoutSite *s)
{
    Report *r = context;
    if (r->rows++ == TOP_SITES) fputs("  further ones: --stats=json\n", r->to);
    if (r->rows > TOP_SITES) return;
    fprintf(r->to, "  %10" PRIu64 " %6.1f %%  ", s->count, s->percent);
    if (s->span.line)
        fprintf(r->to, "%s:%" PRIu32 ":%" PRIu32, s->span.file, s->span.line, s->span.column);
    else
        fputs("-", r->to);
    fprintf(r->to, "  %s/%" PRIu32 "+%" PRIu32 " %s  %s", s->function, s->arity, s->offset, s->operation,
            s->reason);
    if (s->expected[0]) fprintf(r->to, "  expected %s", s->expected);
    if (s->found[0]) fprintf(r->to, "  found %s", s->found);
    fputc('\n', r->to);
}

/* TITLE: by reason, then by site; nothing but the title when there are none. */
static void print_exits(FILE *to, MtRuntime *rt, unsigned tier, const char *title)
{
    Report r = {.to = to};
    mt_each_bailout_reason(rt, tier, add_reason, &r);
    fprintf(to, "\n%s by reason: %" PRIu64 "\n", title, r.sum);
    mt_each_bailout_reason(rt, tier, print_reason, &r);
    if (r.sum == 0) return;
    fprintf(to, "\n%s by site, the first %d\n", title, TOP_SITES);
    mt_each_bailout_site(rt, tier, print_site, &r);
}

/* Why C has no code, or NULL when that is not to be told. */
static const char *never_compiled(const MtChunk *c)
{
    if (c->refusal) return c->refusal;
    if (c->failure) return c->failure;
    return strcmp(c->state, "Cold") == 0 ? "it was called too few times" : NULL;
}

static void print_refusal(void *context, const MtChunk *c)
{
    Report *r = context;
    const char *why = never_compiled(c);
    if (!why) return;
    if (r->rows++ == 0) fputs("\nnot compiled\n", r->to);
    fprintf(r->to, "  %10" PRIu64 " calls  %s/%" PRIu32 "  %s\n", c->interpreter_runs + c->executions,
            c->function, c->arity, why);
}

static void print_tiers(FILE *to, MtRuntime *rt)
{
    MtStats s = {.size = sizeof s};
    mt_stats(rt, &s);
    fprintf(to,
            "\nthresholds: bytecode after %" PRIu64 " calls, %s after %" PRIu64 ", %s after %" PRIu64 "\n",
            s.bytecode_threshold, tier_names[2], s.jit_threshold, tier_names[3], s.jit_stage2_threshold);
    for (unsigned tier = 0; tier < TIERS; tier++) {
        const char *state = tier > mt_highest_tier() ? "absent from this build"
                            : tier > s.tier          ? "off"
                                                     : "on";
        fprintf(to, "tier %u, %s: %s\n", tier, tier_names[tier], state);
    }
}

static void print_text(FILE *to, MtRuntime *rt)
{
    Report r = {.to = to, .group = ""};
    mt_each_figure(rt, print_figure, &r);
    print_tiers(to, rt);
    print_exits(to, rt, TIER_NATIVE, "bailouts");
    print_exits(to, rt, TIER_BYTECODE, "exits of bytecode to the interpreter");
    mt_each_chunk(rt, print_refusal, &r);
}

/* -- JSON -- */

/* Text that is not UTF-8 (a file's name) becomes UTF-8 byte by byte, as if it were Latin 1. */
static void put_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7F)
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    }
    fputc('"', to);
}

static void put_field(FILE *to, const char *name, const char *text)
{
    fprintf(to, "\"%s\": ", name);
    put_string(to, text);
}

static void json_figure(void *context, const MtFigure *f)
{
    Report *r = context;
    if (strcmp(r->group, f->group) != 0)
        fprintf(r->to, "%s, \"%s\": {", r->group[0] ? "}" : "", f->group);
    else if (r->rows)
        fputs(", ", r->to);
    r->group = f->group;
    r->rows++;
    if (f->is_rate)
        fprintf(r->to, "\"%s\": %.3f", f->name, f->rate);
    else
        fprintf(r->to, "\"%s\": %" PRIu64, f->name, f->count);
}

static void json_reason(void *context, const MtBailoutReason *reason)
{
    Report *r = context;
    fprintf(r->to, "%s\"%s\": %" PRIu64, r->rows++ ? ", " : "", reason->name, reason->count);
}

static void json_site(void *context, const MtBailoutSite *s)
{
    Report *r = context;
    FILE *to = r->to;
    fputs(r->rows++ ? ", {" : "{", to);
    put_field(to, "file", s->span.line ? s->span.file : "");
    fprintf(to, ", \"line\": %" PRIu32 ", \"column\": %" PRIu32 ", ", s->span.line, s->span.column);
    put_field(to, "function", s->function);
    fprintf(to, ", \"arity\": %" PRIu32 ", \"offset\": %" PRIu32 ", ", s->arity, s->offset);
    put_field(to, "operation", s->operation);
    fputs(", ", to);
    put_field(to, "reason", s->reason);
    fprintf(to, ", \"count\": %" PRIu64 ", \"percent\": %.3f, ", s->count, s->percent);
    put_field(to, "expected", s->expected);
    fputs(", ", to);
    put_field(to, "found", s->found);
    fputc('}', to);
}

static void json_refusal(void *context, const MtChunk *c)
{
    Report *r = context;
    const char *why = never_compiled(c);
    if (!why) return;
    fputs(r->rows++ ? ", {" : "{", r->to);
    put_field(r->to, "function", c->function);
    fprintf(r->to, ", \"arity\": %" PRIu32 ", \"calls\": %" PRIu64 ", ", c->arity,
            c->interpreter_runs + c->executions);
    put_field(r->to, "reason", why);
    fputc('}', r->to);
}

static void json_exits(FILE *to, MtRuntime *rt, unsigned tier, const char *name, const char *sites)
{
    Report by_reason = {.to = to}, by_site = {.to = to};
    fprintf(to, ", \"%s\": {", name);
    mt_each_bailout_reason(rt, tier, json_reason, &by_reason);
    fprintf(to, "}, \"%s\": [", sites);
    mt_each_bailout_site(rt, tier, json_site, &by_site);
    fputc(']', to);
}

static void print_json(FILE *to, MtRuntime *rt)
{
    Report figures = {.to = to, .group = ""}, refusals = {.to = to};
    fputc('{', to);
    mt_each_figure(rt, json_figure, &figures);
    fputc('}', to); /* of the last group */
    fprintf(to, ", \"highest_tier\": %" PRIu32, mt_highest_tier());
    json_exits(to, rt, TIER_NATIVE, "bailouts_by_reason", "bailout_sites");
    json_exits(to, rt, TIER_BYTECODE, "exits_by_reason", "exit_sites");
    fputs(", \"not_compiled\": [", to);
    mt_each_chunk(rt, json_refusal, &refusals);
    fputs("]}\n", to);
}

void stats_print(FILE *to, MtRuntime *rt, bool json)
{
    if (json)
        print_json(to, rt);
    else
        print_text(to, rt);
}
