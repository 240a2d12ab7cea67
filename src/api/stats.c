/* Figures: what was run how, what was compiled, where compiled code was left. */
#include "api/api.h"

#include "vm/vm.h"

#include <stdlib.h>

void mt_collect_stats(MtRuntime *x, bool on)
{
    if (!x->vm) return;
    x->vm->stats.exact = on;
    api_choose_tier(x);
}

uint32_t mt_highest_tier(void)
{
    return API_HIGHEST_TIER;
}

/* Copy COMPLETE, SIZE bytes, to *TO of a caller who may know a shorter structure, whose first member says so. */
static void hand_out(void *to, const void *complete, size_t size)
{
    size_t known;
    memcpy(&known, to, sizeof known);
    memcpy(to, complete, known < size ? known : size);
    memcpy(to, &known, sizeof known);
}

/* What machines count, of those that have ended and those that run. */
typedef struct Steps {
    uint64_t steps, other, choices;
} Steps;

static Steps count_steps(const Runtime *rt)
{
    Steps sum = {rt->steps, rt->other_steps, rt->choices};
    for (const Machine *m = rt->machine; m; m = m->outer) {
        sum.steps += m->steps;
        sum.other += m->other_steps;
        sum.choices += m->choices;
    }
    return sum;
}

/* Calls that chunks carried out, in any tier. */
static uint64_t compiled_runs(const MtRuntime *x)
{
    Steps s = count_steps(x->rt);
    return x->vm ? s.steps - s.other + x->vm->entered : 0;
}

/* What tier 1 and its likes count: nothing without them. */
static const JitStats *jit_stats(const MtRuntime *x)
{
    static const JitStats none;
    return x->vm ? &x->vm->stats : &none;
}

static uint64_t native_runs(const MtRuntime *x)
{
    const JitStats *jit = jit_stats(x);
    return jit->stage1_runs + jit->stage2_runs;
}

void mt_stats(MtRuntime *x, MtStats *stats)
{
    const Heap *h = &x->rt->heap;
    const JitStats *jit = jit_stats(x);
    Steps done = count_steps(x->rt);
    MtStats s = {
        .queries = x->queries,
        .steps = done.steps,
        .run_ns = x->run_ns,
        .heap_bytes = heap_bytes(h),
        .stored_bytes = store_bytes(x->rt->store),
        .minor_collections = h->minor_count,
        .major_collections = h->major_count,
        .symbols = sym_count(x->rt->symbols),
        .interpreter_runs = x->vm ? x->vm->interpreter_runs : 0,
        .bytecode_runs = compiled_runs(x) - native_runs(x),
        .chunks = x->vm ? x->vm->compilations : 0,
        .expired_chunks = x->vm ? x->vm->expirations : 0,
        .choice_points = done.choices,
        .vm_instructions = x->vm ? x->vm->instructions : 0,
        .bytecode_threshold = x->vm ? x->vm->threshold : 0,
        .jit_threshold = jit->hot,
        .jit_stage2_threshold = x->jit_stage2_threshold,
        .tier = x->jit1 ? API_NATIVE_TIER
                : x->vm ? 1
                        : 0,
        .chunk_hits = jit->chunk_hits,
        .chunk_misses = jit->chunk_misses,
        .backtracks = jit->backtracks,
        .bytecode_exits = jit->bytecode.total,
    };
    hand_out(stats, &s, sizeof s);
}

void mt_hybrid_stats(MtRuntime *x, MtHybridStats *stats)
{
    const JitStats *jit = jit_stats(x);
    MtHybridStats h = {
        .total_runs = compiled_runs(x),
        .jit_runs = native_runs(x),
        .vm_runs = compiled_runs(x) - native_runs(x),
        .jit_bailouts = jit->native.total,
        .jit_compilations = jit->compilations,
        .jit_compile_failures = jit->failures,
        .jit_recompilations = jit->recompilations,
        .jit_given_up = jit->given_up,
    };
    h.tiered_stats = (MtTieredStats){
        .interpreter_runs = x->vm ? x->vm->interpreter_runs : 0,
        .bytecode_runs = h.vm_runs,
        .jit_stage1_runs = jit->stage1_runs,
        .jit_stage2_runs = jit->stage2_runs,
        .jit_compilations = jit->compilations,
        .jit_failures = jit->failures,
        .total_jit_bytes = jit->code_bytes,
        .cache_hits = jit->cache_hits,
        .cache_misses = jit->cache_misses,
    };
    hand_out(stats, &h, sizeof h);
}

/* -- Functions -- */

/* Was F called or compiled?  What has no rules is data, however often it was met. */
static bool is_profiled(const Function *f)
{
    return f->refusal != REFUSED_NO_RULES && (f->runs || f->chunk || f->executions || f->expired);
}

/* Call TAKE with each function that was called or compiled, in the order of their names' first appearance. */
static void each_function(MtRuntime *x, void (*take)(void *context, const Function *f), void *context)
{
    const Functions *fs = x->vm ? &x->vm->functions : NULL;
    for (size_t i = 0; fs && i < fs->dependents.len; i++) {
        const Dependents *d = &fs->dependents.data[i];
        for (size_t k = 0; k < d->functions.len; k++)
            if (is_profiled(d->functions.data[k])) take(context, d->functions.data[k]);
    }
}

typedef struct JitCount {
    const JitStats *stats;
    MtJitStats *sums;
} JitCount;

static void add_function(void *context, const Function *f)
{
    const JitCount *count = context;
    MtJitStats *j = count->sums;
    ChunkLife life = chunk_life(count->stats, f);
    j->total_chunks++;
    j->hot_chunks += life >= CHUNK_HOT;
    j->jitted_chunks += life == CHUNK_JITTED;
    j->failed_chunks += life == CHUNK_FAILED;
    j->total_code_bytes += f->native_bytes;
    j->total_executions += f->executions;
}

void mt_jit_stats(MtRuntime *x, MtJitStats *stats)
{
    MtJitStats j = {0};
    JitCount count = {jit_stats(x), &j};
    each_function(x, add_function, &count);
    hand_out(stats, &j, sizeof j);
}

typedef struct ChunkList {
    MtRuntime *x;
    MtOnChunk on_chunk;
    void *context;
} ChunkList;

static void give_chunk(void *context, const Function *f)
{
    const ChunkList *l = context;
    MtChunk chunk = {
        .function = sym_text(l->x->rt->symbols, f->name, NULL),
        .arity = f->arity,
        .state = chunk_life_name(chunk_life(jit_stats(l->x), f)),
        .refusal = f->refusal == REFUSED_NONE ? NULL : compile_refusal_text(f->refusal),
        .failure = f->native_failure,
        .interpreter_runs = f->runs,
        .executions = f->executions,
        .bytecode_bytes = f->chunk ? f->chunk->code.len : 0,
        .native_bytes = f->native_bytes,
    };
    l->on_chunk(l->context, &chunk);
}

void mt_each_chunk(MtRuntime *x, MtOnChunk on_chunk, void *context)
{
    ChunkList l = {x, on_chunk, context};
    each_function(x, give_chunk, &l);
}

/* -- Rates -- */

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

double mt_jit_hit_rate(const MtHybridStats *s)
{
    return percent(s->jit_runs, s->total_runs);
}

double mt_bailout_rate(const MtHybridStats *s)
{
    return percent(s->jit_bailouts, s->jit_runs);
}

uint64_t mt_total_executions(const MtTieredStats *s)
{
    return s->interpreter_runs + s->bytecode_runs + s->jit_stage1_runs + s->jit_stage2_runs;
}

double mt_jit_percentage(const MtTieredStats *s)
{
    return percent(s->jit_stage1_runs + s->jit_stage2_runs, mt_total_executions(s));
}

double mt_cache_hit_rate(const MtTieredStats *s)
{
    return percent(s->cache_hits, s->cache_hits + s->cache_misses);
}

double mt_coverage_percent(const MtJitStats *s)
{
    return percent(s->jitted_chunks, s->total_chunks);
}

void mt_each_figure(MtRuntime *x, MtOnFigure on_figure, void *context)
{
    MtStats s = {.size = sizeof s};
    MtHybridStats h = {.size = sizeof h};
    MtJitStats j = {.size = sizeof j};
    mt_stats(x, &s);
    mt_hybrid_stats(x, &h);
    mt_jit_stats(x, &j);
    MtTieredStats t = h.tiered_stats;
    const MtFigure figures[] = {
#define COUNT(group, name, value) {group, #name, false, value, 0},
#define RATE(group, name, value) {group, #name, true, 0, value},
#include "api/figures.inc"
#undef COUNT
#undef RATE
    };
    for (size_t i = 0; i < COUNT_OF(figures); i++) on_figure(context, &figures[i]);
}

/* -- Exits -- */

static const Bailouts *exits_of(const MtRuntime *x, unsigned tier)
{
    const JitStats *jit = jit_stats(x);
    return tier == 1 ? &jit->bytecode : &jit->native;
}

static int compare_reasons(const void *x, const void *y)
{
    const MtBailoutReason *a = x, *b = y;
    if (a->count != b->count) return a->count < b->count ? 1 : -1;
    return a->code < b->code ? -1 : a->code > b->code;
}

void mt_each_bailout_reason(MtRuntime *x, unsigned from_tier, MtOnBailoutReason on_reason, void *context)
{
    const Bailouts *b = exits_of(x, from_tier);
    MtBailoutReason reasons[BAILOUT_CODES];
    size_t n = 0;
    for (unsigned code = 0; code < BAILOUT_CODES; code++) {
        const BailoutInfo *info = bailout_info(code);
        if (b->by_reason[code])
            reasons[n++] = (MtBailoutReason){code, info->name, info->when, b->by_reason[code]};
    }
    qsort(reasons, n, sizeof *reasons, compare_reasons);
    for (size_t i = 0; i < n; i++) on_reason(context, &reasons[i]);
}

static void give_site(MtRuntime *x, const Bailouts *b, const BailoutSite *s, MtOnBailoutSite on_site,
                      void *context)
{
    Buf expected = {0}, found = {0};
    kinds_print(s->expected, &expected);
    kinds_print(s->found, &found);
    MtBailoutSite site = {
        .function = sym_text(x->rt->symbols, s->function, NULL),
        .arity = s->arity,
        .offset = s->ip,
        .operation = op_info(s->op)->mnemonic,
        .span = api_span(x, &s->span),
        .reason = bailout_info(s->reason)->name,
        .expected = buf_cstr(&expected),
        .found = buf_cstr(&found),
        .count = s->count,
        .percent = percent(s->count, b->total),
    };
    on_site(context, &site);
    buf_free(&expected);
    buf_free(&found);
}

void mt_each_bailout_site(MtRuntime *x, unsigned from_tier, MtOnBailoutSite on_site, void *context)
{
    const Bailouts *b = exits_of(x, from_tier);
    size_t n;
    uint32_t *ids = bailouts_ranked(b, &n);
    for (size_t i = 0; i < n; i++) give_site(x, b, &b->sites.data[ids[i]], on_site, context);
    base_free(ids);
}

/* -- As atoms: (jit-stats) and (bailouts) -- */

typedef struct AtomList {
    Runtime *rt;
    WordVec items;
} AtomList;

/* An expression that is irreducible whatever rules there are: these are figures. */
static Word inert(Runtime *rt, const Word *items, uint32_t n)
{
    Word expr = atom_expr(&rt->heap, items, n);
    if (n) word_obj(expr)->flags |= OBJ_EVALUATED;
    return expr;
}

static Word number(Runtime *rt, uint64_t n)
{
    return num_from_int(&rt->heap, (int64_t)n);
}

static void add_figure(void *context, const MtFigure *f)
{
    AtomList *l = context;
    Word name = f->group[0] ? rt_message(l->rt, "%s.%s", f->group, f->name) : rt_sym(l->rt, f->name);
    Word pair[] = {name, f->is_rate ? word_double(f->rate) : number(l->rt, f->count)};
    vec_push(&l->items, inert(l->rt, pair, COUNT_OF(pair)));
}

static void add_site(void *context, const MtBailoutSite *s)
{
    AtomList *l = context;
    const char *file = s->span.line ? s->span.file : "";
    Word fields[] = {
        rt_sym(l->rt, s->reason),
        number(l->rt, s->count),
        rt_sym(l->rt, s->function),
        rt_sym(l->rt, s->operation),
        api_string(l->rt->host, file, strlen(file)),
        number(l->rt, s->span.line),
    };
    vec_push(&l->items, inert(l->rt, fields, COUNT_OF(fields)));
}

Word api_figures(Runtime *rt, bool exits)
{
    AtomList l = {.rt = rt};
    if (exits)
        mt_each_bailout_site(rt->host, API_NATIVE_TIER, add_site, &l);
    else
        mt_each_figure(rt->host, add_figure, &l);
    Word all = inert(rt, l.items.data, (uint32_t)l.items.len);
    vec_free(&l.items);
    return all;
}
