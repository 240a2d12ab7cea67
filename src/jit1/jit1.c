#include "jit1/jit1.h"

#include <stdlib.h>

#include "code/bytecode.h"
#include "jit1/compile.h"
#include "jit1/gdb.h"
#include "jit1/listing.h"
#include "jit1/native.h"
#include "jit1/perf.h"
#include "vm/watch.h"

struct Native {
    Ways ways;
    Chunk *chunk; /* NULL: it has expired, but some frame may still want to go on in it */
    Function *function;
    uint32_t at, size;     /* in the arena */
    VEC(uint32_t) returns; /* where calls come back to, bytes from the beginning */
    GdbCode *gdb;          /* or NULL */
    bool used;             /* since room was last made */
    bool checks;           /* see Layout */
    LayoutWish wish;       /* as it was laid out */
    bool inside;           /* a frame wants to go on in it */
};

struct Jit1 {
    Vm *vm;
    Arena arena;
    Layout layout; /* of what was compiled last: its memory serves for what is compiled next */
    Stubs stubs;
    Step (*enter)(Machine *m, const void *code);
    const UpperTier *below; /* the VM's hooks */
    UpperTier tier;         /* ours */
    Jit1Config config;
    VEC(Native *) natives; /* expired ones, too */
    size_t live;           /* of them not expired */
    PerfFiles *perf;       /* or NULL */
    VEC(GdbCode *) stubs_in_gdb;
    bool counts;  /* their code counts each call */
    bool watched; /* each alternative is told */
    bool made;    /* the code that is about to be entered has just been made */
};

static Jit1 *jit_of(const Machine *m)
{
    return ((Vm *)m->rt->upper)->above;
}

static uint64_t run_address(const Jit1 *j, uint32_t at)
{
    return (uintptr_t)j->arena.code + at;
}

static void native_expire(Jit1 *j, Native *n);

/* -- Guesses that are wrong -- */

/* The locals that are floats in F, which may be about to run C. */
static uint64_t floats_in_frame(const Frame *f, const Chunk *c)
{
    uint64_t floats = 0;
    if (!f || f->kind != FRAME_VM || frame_chunk(f) != c) return 0;
    for (uint32_t i = 0; i < c->locals && i < 64; i++)
        floats |= (uint64_t)word_is_double(f->slot[VM_LOCALS + i]) << i;
    return floats;
}

/* Is a float among the operands of the arithmetic of F, which is saved at it? */
static bool computes_with_floats(const Frame *f)
{
    const Chunk *c = frame_chunk(f);
    const Word *top = f->slot + VM_LOCALS + c->locals + frame_operands(f);
    uint32_t ip = frame_ip(f);
    const Fusion *fusion = op_fusion(c->code.data[ip]);
    bool floats = op_info(op_at(c, ip))->pops == 2 && (word_is_double(top[-1]) || word_is_double(top[-2]));
    for (unsigned i = 0; i < (fusion ? fusion->count : 1); i++, ip += length_at(c, ip))
        if (op_at(c, ip) == OP_LOAD_LOCAL)
            floats |= word_is_double(atom_deref(f->slot[VM_LOCALS + value_at(c, ip, 's')]));
    return floats;
}

/* Where F is saved the code was left, or has taken its longer way, often.  It may be made again then, when it is entered. */
static void reconsider(Jit1 *j, const Machine *m, const Frame *f)
{
    Chunk *c = frame_chunk(f);
    uint32_t ip = frame_ip(f);
    Guess dropped;
    GuessVerdict verdict = guess_judge(c->guesses, ip, m->steps, computes_with_floats(f), &dropped);
    if (verdict == GUESS_GO_ON) return;
    jit_note_verdict(&j->vm->stats, c, ip, verdict, dropped);
    if (verdict == GUESS_GIVE_UP) return;
    c->guesses->floats |= floats_in_frame(f, c);
    native_expire(j, c->native);
}

/* -- Going on -- */

/* How many calls may be made before something must be looked at.  No more than the depth that is left: calls need not test it. */
static uint32_t fuel_left(const Machine *m)
{
    if (heap_wants_safepoint(&m->rt->heap) || m->depth >= m->max_depth) return 0;
    /* The VM logs each call. */
    if (log_on(&m->rt->log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE)) return 0;
    uint32_t steps = (STEPS_PER_SAFEPOINT - 1) - (uint32_t)(m->steps & (STEPS_PER_SAFEPOINT - 1));
    uint32_t depth = m->max_depth - m->depth;
    return steps < depth ? steps : depth;
}

/* Put the machine's figures in order for machine code. */
static void open_machine(Machine *m)
{
    m->fuel = fuel_left(m);
    m->floor = machine_floor(m);
    m->told = jit_of(m)->watched;
}

/* Machine code carries out CALLS calls, whose code was found. */
static void count_calls(JitStats *s, uint32_t calls)
{
    s->stage1_runs += calls;
    s->cache_hits += calls;
}

/* Of the fuel that there was FUEL is left. */
static void close_fuel(Machine *m, uint64_t fuel)
{
    m->steps += m->fuel - (uint32_t)fuel;
    count_calls(&jit_of(m)->vm->stats, m->fuel - (uint32_t)fuel);
}

/* What machine code has kept in registers. */
static void close_machine(Machine *m, Frame *f, uint64_t depth, uint64_t fuel)
{
    m->frame = f;
    m->head = f->head;
    m->depth = (uint32_t)depth;
    close_fuel(m, fuel);
}

static const void *way_in(const Native *n, const Frame *f)
{
    uint32_t at = n->ways.map[frame_ip(f)];
    assert(at);
    return n->ways.code + at;
}

/* Machine code runs the current frame from now on: is that a call which it did not begin itself? */
static void note_way_in(Jit1 *j, const Machine *m)
{
    if (frame_ip(m->frame) != 0) return;
    count_calls(&j->vm->stats, 1);
    if (j->made) j->vm->stats.cache_hits--;
    j->made = false;
}

/* May the machine code N run F, the current frame?  Then it is above FLOOR from now on.  If not, the VM does, for which results of machine code
 * have no place in F to go to. */
static bool is_fit(Machine *m, const Native *n, Frame *f)
{
    if ((f->flags & FF_CHECK && !n->checks) || (char *)f < m->choice->top) {
        f->slot[VM_NATIVE] = 0;
        return false;
    }
    machine_touch(m, f);
    return true;
}

/* STEP is the outcome of a call, or of taking an alternative of one, whose result it may have to evaluate: if that is a value, do so.  What is nothing but data
 * differs from the call, so evaluating it has not left that as it was. */
static Step finish_result(Machine *m, Step step)
{
    if (step != STEP_EVAL || heap_wants_safepoint(&m->rt->heap)) return step;
    Word value = atom_deref(m->atom);
    if (!atom_is_cons(value) || !atom_may_reduce(value)) return eval_step(m);
    return m->type == W_SYM(UNDEFINED) && settle(m, &value) ? step_return(m, value) : step;
}

/* Carry out STEP, which is STEP_RETURN or STEP_FAIL. */
static Step pass_result(Machine *m, Step step)
{
    bool item = step == STEP_FAIL && m->choice->kind == CHOICE_LIST;
    step = run_result(m, step);
    return item ? finish_result(m, step) : step;
}

static const void *leave_code(const Jit1 *j)
{
    return (const void *)j->stubs.at[HOLE_STUB_LEAVE];
}

/* STEP was the outcome of what was done for machine code. */
static Target go_on(Machine *m, Step step)
{
    Jit1 *j = jit_of(m);
    /* Results that others take, and alternatives of theirs, often lead back soon. */
    while ((step == STEP_RETURN || step == STEP_FAIL) && !j->watched) step = pass_result(m, step);
    if (step != STEP_VM) return (Target){leave_code(j), step};
    const Native *n = frame_chunk(m->frame)->native;
    if (!n && frame_chunk(m->frame)->stale && vm_tells_bailouts(j->vm)) watch_invalidated(j->vm, m);
    if (!n || !is_fit(m, n, m->frame)) return (Target){leave_code(j), STEP_VM};
    note_way_in(j, m);
    open_machine(m);
    return (Target){way_in(n, m->frame), 0};
}

/* The instruction where F is saved is left to the VM: because a guess was wrong often (WRONG), or so that this is counted. */
static void note_exit(Machine *m, Frame *f, bool wrong)
{
    Vm *vm = m->rt->upper;
    Chunk *c = frame_chunk(f);
    if (UNLIKELY(vm_tells_bailouts(vm))) {
        if (wrong)
            watch_wrong_guess(vm, f);
        else
            watch_native_exit(vm, m, f);
    }
    if (c->native && (wrong || guess_count(&c->guesses->sites[frame_ip(f)].left)))
        reconsider(jit_of(m), m, f);
}

/* Carry out the LENGTH bytes of instructions of F at AT. */
static Step step(Machine *m, Frame *f, uint32_t at, uint32_t length, uint64_t depth, uint64_t fuel)
{
    bool wrong = length & STEP_WRONG;
    close_machine(m, f, depth, fuel);
    f->index = at;
    /* The VM may run F now, so that results are for another place than the one that was noted. */
    f->slot[VM_NATIVE] = 0;
    note_exit(m, f, wrong);
    length &= STEP_WRONG - 1;
    return vm_step(m, length ? length : length_at(frame_chunk(f), frame_ip(f)));
}

Target jit1_along(Machine *m, Frame *f, uint32_t at, uint32_t length, uint64_t depth, uint64_t fuel)
{
    const Native *n = frame_chunk(f)->native;
    Step next = step(m, f, at, length, depth, fuel);
    /* Another frame may be current, though it is in the same place. */
    if (next != STEP_VM || frame_chunk(m->frame)->native != n || !n) return go_on(m, next);
    if (frame_ip(m->frame) != (at >> 16) + length || !is_fit(m, n, m->frame)) return go_on(m, next);
    open_machine(m);
    return (Target){NULL, 0};
}

Word jit1_new_var(Heap *h, uint32_t name)
{
    return atom_new_var(h, name, 0);
}

Target jit1_step(Machine *m, Frame *f, uint32_t at, uint32_t length, uint64_t depth, uint64_t fuel)
{
    return go_on(m, step(m, f, at, length, depth, fuel));
}

Target jit1_leave(Machine *m, Frame *f, uint32_t at, Step step, uint64_t fuel)
{
    close_fuel(m, fuel);
    f->slot[VM_NATIVE] = 0;
    uint32_t place = f->index;
    f->index = at;
    note_exit(m, f, false);
    f->index = place;
    return go_on(m, step);
}

void jit1_close(Machine *m, Frame *f, uint64_t depth, uint64_t fuel)
{
    m->head = f->head;
    m->depth = (uint32_t)depth;
    close_fuel(m, fuel);
    m->fuel = (uint32_t)fuel;
}

/* STEP was the outcome of the instruction of C at IP. */
static Target take(Machine *m, const Chunk *c, uint32_t ip, Step step)
{
    if (UNLIKELY(vm_tells_bailouts(m->rt->upper))) watch_step_taken(m->rt->upper, m, c, ip, step);
    return go_on(m, step);
}

/* The frame of C is current, and waits for the result of an instruction of minimal MeTTa, m->atom: do it, and the one that it begins with.  Of most there
 * is no more. */
static Step run_instruction(Machine *m, const Chunk *c)
{
    Step step = STEP_MINIMAL;
    if (m->frame->kind != FRAME_VM || frame_chunk(m->frame) != c) return step;
    for (int i = 0; i < 2 && step == STEP_MINIMAL && !heap_wants_safepoint(&m->rt->heap); i++)
        step = minimal_step(m);
    return step;
}

Target jit1_take(Machine *m, const Chunk *c, uint32_t ip, Step step, uint64_t fuel)
{
    close_fuel(m, fuel);
    if (step == STEP_MINIMAL) step = run_instruction(m, c);
    return take(m, c, ip, finish_result(m, step));
}

Target jit1_stuck(Machine *m, Frame *f, uint32_t ip, uint64_t depth, uint64_t fuel)
{
    Chunk *c = frame_chunk(f);
    close_machine(m, f, depth, fuel);
    return take(m, c, ip, leave_stuck(m, f, c));
}

Target jit1_evaluate(Machine *m, Frame *f, uint32_t template, uint32_t at, uint64_t depth, uint64_t fuel)
{
    Word atom = instantiate_template(m, f, frame_chunk(f), template), type = f->slot[VM_TYPE];
    bool value = !must_evaluate(m, &atom);
    if (value && fits_type(atom, type)) return (Target){NULL, atom};
    close_machine(m, f, depth, fuel);
    f->index = at;
    note_exit(m, f, false);
    m->frame = f->parent;
    return go_on(m, value && atom_is_cons(atom) ? step_return(m, atom) : step_eval(m, atom, type));
}

bool jit1_breakpoint(Machine *m, Word condition)
{
    m->rt->debug.native = true;
    bool told = tell_breakpoint(m, condition);
    m->rt->debug.native = false;
    return told;
}

void jit1_trace(Machine *m, Word message, Word value)
{
    m->rt->debug.native = true;
    tell_trace(m, message, value);
    m->rt->debug.native = false;
}

void jit1_block(Machine *m, Frame *f, Word type, uint32_t start)
{
    push_block(m, f, frame_chunk(f), type, start);
}

Target jit1_given(Machine *m, Frame *f, Word value, uint64_t depth, uint64_t fuel)
{
    close_machine(m, f, depth, fuel);
    frame_push(f, value);
    return go_on(m, STEP_VM);
}

/* Depth may be more than it was, and there is no more fuel than depth left. */
static uint64_t fuel_at_depth(Machine *m, uint64_t fuel)
{
    uint64_t most = m->max_depth - m->depth;
    if (LIKELY(fuel <= most)) return fuel;
    m->fuel -= (uint32_t)(fuel - most);
    return most;
}

/* The code of the frame that gets what C, the newest choice point, holds: rows or items.  NULL: there is more to be done. */
static const Native *code_of_taker(const Machine *m, const Choice *c)
{
    const Frame *f = c->frame;
    const Native *n = frame_chunk(f)->native;
    if (!n || (f->flags & FF_CHECK && !n->checks)) return NULL;
    if (m->told || heap_wants_safepoint(&m->rt->heap)) return NULL;
    /* With the last of them F itself goes on: not if it is below the floor then, since something was held back. */
    if (UNLIKELY((const char *)f > (const char *)c->prev && (const char *)f < c->prev->top)) return NULL;
    return n;
}

Target jit1_alternative(Machine *m, uint64_t fuel)
{
    for (;;) {
        Choice *c = m->choice;
        bool rows = is_row_choice(m, c);
        if (!rows && !is_item_choice(c)) break;
        const Native *n = code_of_taker(m, c);
        if (!n) return (Target){0};
        if (rows ? take_row(m, c) : take_item(m, c))
            return (Target){way_in(n, m->frame), fuel_at_depth(m, fuel)};
        if (!rows) return (Target){0};
    }
    const Ways *ways = easy_ways(m, m->choice, 0);
    if (!ways) return (Target){0};
    (void)take_choice(m, m->choice);
    return (Target){ways->code + ways->map[frame_ip(m->frame)], fuel_at_depth(m, fuel)};
}

Target jit1_fail(Machine *m, Frame *f, uint64_t depth, uint64_t fuel)
{
    close_machine(m, f, depth, fuel);
    do {
        if (m->choice->kind != CHOICE_VM) return go_on(m, STEP_FAIL);
    } while (!take_choice(m, m->choice));
    Vm *vm = m->rt->upper;
    if (vm_is_watched(vm)) watch_backtrack(vm, m);
    if (UNLIKELY(heap_wants_safepoint(&m->rt->heap)) && !safepoint_again(m)) return go_on(m, STEP_HALT);
    return go_on(m, STEP_VM);
}

Target jit1_yield(Machine *m, Frame *f, Word value, uint32_t at, uint64_t depth, uint64_t fuel)
{
    close_machine(m, f, depth, fuel);
    m->frame = f->parent;
    Frame *parent = receiver(m, f->parent);
    if (!parent) {
        if (UNLIKELY(vm_tells_bailouts(m->rt->upper))) watch_yielded(m->rt->upper, f, at >> 16);
        return go_on(m, step_return(m, value));
    }
    m->depth = parent->depth;
    m->head = parent->head;
    frame_push(parent, value);
    return go_on(m, STEP_VM);
}

bool jit1_gather(Machine *m, const Frame *f, Word value)
{
    if (m->told || UNLIKELY(vm_tells_bailouts(m->rt->upper))) return false;
    collapse_take(m, f, atom_deref(value));
    return true;
}

static Step jit1_run(Machine *m)
{
    Jit1 *j = jit_of(m);
    Frame *f = m->frame;
    Chunk *c = frame_chunk(f);
    bool native = frame_ip(f) == 0 ? vm_begins_native(j->vm, c) : vm_is_native(j->vm, c);
    Native *n = c->native;
    if (!native || !is_fit(m, n, f)) return j->below->run(m);
    n->used = true;
    n->function->native = (const void *)run_address(j, n->at);
    note_way_in(j, m);
    open_machine(m);
    const void *way = way_in(n, f);
    jit_note_entry(&j->vm->stats, c, way);
    Step step = j->enter(m, way);
    jit_note_completed(&j->vm->stats, step == STEP_RETURN);
    return step;
}

/* -- Machine code that goes -- */

static void native_free(Jit1 *j, Native *n)
{
    gdb_unregister(n->gdb);
    arena_give(&j->arena, n->at, n->size);
    base_free((void *)n->ways.map);
    vec_free(&n->returns);
    base_free(n);
}

/* No frame goes on in N from now on: calls that come back find the way to the VM. */
static void native_expire(Jit1 *j, Native *n)
{
    n->function->native = NULL;
    n->function->native_bytes = 0;
    n->chunk->native = NULL;
    n->chunk = NULL;
    j->live--;
    gdb_unregister(n->gdb);
    n->gdb = NULL;
    uint8_t *write = arena_open(&j->arena, n->at, n->size);
    for (size_t i = 0; i < n->returns.len; i++)
        hop_write(write + n->returns.data[i], run_address(j, n->at + n->returns.data[i]),
                  j->stubs.at[HOLE_STUB_GIVEN]);
    arena_close(&j->arena, n->at, n->size);
}

/* The chunk C is stale. */
static void on_expired(void *context, Chunk *c)
{
    Jit1 *j = context;
    jit_note_dropped(&j->vm->stats, c->native->function, "expired");
    native_expire(j, c->native);
}

static int by_place(const void *a, const void *b)
{
    const Native *x = *(Native *const *)a, *y = *(Native *const *)b;
    return (x->at > y->at) - (x->at < y->at);
}

/* The code that ADDRESS is in; natives are sorted by place. */
static Native *native_at(Jit1 *j, uint64_t address)
{
    uint32_t at = (uint32_t)(address - run_address(j, 0));
    size_t low = 0, high = j->natives.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        Native *n = j->natives.data[mid];
        if (at - n->at < n->size) return n;
        if (n->at < at)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* Mark the code that frames want to go on in: any word of the stacks that could be an address of it counts. */
static void mark_inside(Jit1 *j)
{
    qsort(j->natives.data, j->natives.len, sizeof *j->natives.data, by_place);
    for (Machine *m = j->vm->stats.rt->machine; m; m = m->outer) {
        const uint64_t *end = (const uint64_t *)(m->stack + machine_stack_bytes(m));
        for (const uint64_t *w = (const uint64_t *)m->stack; w < end; w++) {
            Native *n = arena_holds(&j->arena, *w) ? native_at(j, *w) : NULL;
            if (n) n->inside = true;
        }
    }
}

/* Free expired code that no frame is in.  Linear in the stacks. */
static void sweep(Jit1 *j)
{
    /* While an outer machine waits, C that its machine code has called may be about to return there. */
    const Machine *m = j->vm->stats.rt->machine;
    if (j->live == j->natives.len || (m && m->outer)) return;
    mark_inside(j);
    size_t kept = 0;
    for (size_t i = 0; i < j->natives.len; i++) {
        Native *n = j->natives.data[i];
        if (n->chunk || n->inside) {
            n->inside = false;
            j->natives.data[kept++] = n;
        } else {
            native_free(j, n);
        }
    }
    j->natives.len = kept;
}

/* Make room: code that was not used since room was last made goes; if that is none, all.  Whether code is used is seen when it is entered
 * by way of the VM, so that from now on everybody has to come that way once. */
static void make_room(Jit1 *j)
{
    bool any = false;
    for (size_t i = 0; i < j->natives.len; i++) any |= j->natives.data[i]->chunk && !j->natives.data[i]->used;
    for (size_t i = 0; i < j->natives.len; i++) {
        Native *n = j->natives.data[i];
        if (!n->chunk) continue;
        if (any && n->used) {
            n->used = false;
            n->function->native = NULL;
            continue;
        }
        jit_note_dropped(&j->vm->stats, n->function, "no room");
        native_expire(j, n);
    }
    sweep(j);
}

/* -- Machine code that comes -- */

static uint32_t take_room(Jit1 *j, uint32_t size)
{
    uint32_t at = arena_take(&j->arena, size);
    for (int tries = 0; at == UINT32_MAX && tries < 2; tries++) {
        make_room(j);
        at = arena_take(&j->arena, size);
    }
    return at;
}

static void keep_returns(Native *n, const Layout *l)
{
    for (size_t i = 0; i < l->pieces.len; i++)
        if (l->pieces.data[i].stencil == STENCIL_returned) vec_push(&n->returns, l->pieces.data[i].at);
}

/* Write the code of L, for which there is room at AT. */
static bool write_code(Jit1 *j, const Layout *l, const Chunk *c, uint32_t at)
{
    uint8_t *write = arena_open(&j->arena, at, l->size);
    bool ok = layout_write(l, c, &j->stubs, write, run_address(j, at));
    arena_close(&j->arena, at, l->size);
    return ok;
}

static void adopt(Jit1 *j, Chunk *c, Function *f, Layout *l, uint32_t at)
{
    Native *n = base_calloc(1, sizeof *n);
    *n = (Native){.ways = {(const char *)run_address(j, at), layout_give_map(l)},
                  .chunk = c,
                  .function = f,
                  .at = at,
                  .size = l->size,
                  .used = true,
                  .checks = l->checks,
                  .wish = l->wish};
    keep_returns(n, l);
    vec_push(&j->natives, n);
    j->live++;
    c->native = n;
    f->native = (const void *)run_address(j, at);
    f->tier = 2;
}

/* Tell debuggers and profilers of the code of C, which was written at AT by layout L. */
static void announce(Jit1 *j, const Chunk *c, const Layout *l, uint32_t at)
{
    if (!j->perf && !j->config.debug) return;
    CodeInfo info = info_of_code(j->vm->stats.rt, l, c, run_address(j, at));
    perf_note(j->perf, &info);
    if (j->config.debug) c->native->gdb = gdb_register(&info);
    info_free(&info);
}

static bool fail(Jit1 *j, Chunk *c, Function *f, const char *reason)
{
    c->no_native = true;
    jit_note_failed(&j->vm->stats, f, 1, reason);
    return false;
}

static bool make_native(Vm *vm, Chunk *c)
{
    Jit1 *j = vm->above;
    Function *f = functions_get(&vm->functions, c->name, c->arity);
    if (f->chunk != c) return false;
    vm->stats.cache_misses++;
    uint64_t began = base_now_ns();
    if (j->config.cache_entries && j->live >= j->config.cache_entries) make_room(j);
    Layout *l = &j->layout;
    const Machine *m = vm->stats.rt->machine;
    LayoutWish wish = {.counter = j->counts ? &f->executions : NULL,
                       .early = !j->config.debug,
                       .force = j->config.force_exit,
                       .floats = floats_in_frame(m ? m->frame : NULL, c) | guesses_of(c)->floats,
                       .guesses = c->guesses};
    if (!layout_make(l, c, wish)) return fail(j, c, f, "code of unknown stack height");
    uint32_t at = take_room(j, l->size), size = l->size;
    bool ok = at != UINT32_MAX && write_code(j, l, c, at);
    if (ok) {
        adopt(j, c, f, l, at);
        announce(j, c, l, at);
    } else if (at != UINT32_MAX) {
        arena_give(&j->arena, at, l->size);
    }
    if (!ok) return fail(j, c, f, at == UINT32_MAX ? "no room in the code cache" : "out of reach");
    j->made = true;
    jit_note_compiled(&vm->stats, f, 1, size, base_now_ns() - began);
    return true;
}

/* -- The tier -- */

/* Tell debuggers and profilers of a stub. */
static void announce_stub(Jit1 *j, StencilName id, uint64_t run)
{
    if (!j->perf && !j->config.debug) return;
    CodeInfo info = info_of_stub(id, run);
    perf_note(j->perf, &info);
    if (j->config.debug) vec_push(&j->stubs_in_gdb, gdb_register(&info));
    info_free(&info);
}

/* Write the stub at *END, which moves behind it; returns its address. */
static uint64_t write_stub(Jit1 *j, StencilName id, uint32_t *end, bool *ok)
{
    uint64_t run = run_address(j, *end);
    *end += stub_write(id, &j->stubs, j->arena.write + *end, run, ok);
    announce_stub(j, id, run);
    return run;
}

static uint32_t stubs_size(void)
{
    uint32_t size = 0;
    for (unsigned id = STENCIL_shared_step; id <= STENCIL_shared_enter; id++) size += stencils[id].size;
    return size;
}

static bool write_stubs(Jit1 *j)
{
    const uint32_t room = stubs_size();
    uint32_t at = arena_take(&j->arena, room), end = at;
    if (at == UINT32_MAX) return false;
    (void)arena_open(&j->arena, at, room);
    bool ok = true;
    stubs_init(&j->stubs);
#define HOLE(id, what)
#define CALLED(id, function)
#define STUB(id, stencil, what) j->stubs.at[HOLE_##id] = write_stub(j, STENCIL_##stencil, &end, &ok);
#include "jit1/holes.inc"
#undef HOLE
    uint64_t enter = write_stub(j, STENCIL_shared_enter, &end, &ok);
    memcpy(&j->enter, &enter, sizeof enter);
    assert(end - at == room);
    arena_close(&j->arena, at, room);
    return ok;
}

Jit1 *jit1_new(Vm *vm, const Jit1Config *config, const char **reason)
{
    enum { DEFAULT_BYTES = 1 << 24, LEAST_BYTES = 1 << 12, MOST_BYTES = 1 << 28 };
    Jit1 *j = base_calloc(1, sizeof *j);
    uint32_t bytes = config->cache_bytes ? config->cache_bytes : DEFAULT_BYTES;
    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
    j->vm = vm;
    j->config = *config;
    *reason = "memory for machine code is not to be had";
    /* perf takes code in a file for that of the file, and gdb cannot put breakpoints into pages that are shared. */
    if (arena_init(&j->arena, bytes, (const void *)jit1_step, config->perf || config->debug)) {
        if (config->perf) j->perf = perf_open();
        *reason = "machine code cannot reach the program";
        if (write_stubs(j)) {
            vm->above = j;
            vm->make_native = make_native;
            vm->functions.on_expired = on_expired;
            vm->functions.context = j;
            (void)jit1_tier(j);
            return j;
        }
    }
    jit1_free(j);
    return NULL;
}

void jit1_free(Jit1 *j)
{
    if (!j) return;
    for (size_t i = 0; i < j->natives.len; i++) native_free(j, j->natives.data[i]);
    vec_free(&j->natives);
    layout_free(&j->layout);
    for (size_t i = 0; i < j->stubs_in_gdb.len; i++) gdb_unregister(j->stubs_in_gdb.data[i]);
    vec_free(&j->stubs_in_gdb);
    arena_fini(&j->arena);
    perf_close(j->perf);
    base_free(j);
}

/* Code that counts gives way to code that does not, or the other way round. */
static void choose_counting(Jit1 *j)
{
    if (j->counts == j->vm->stats.exact) return;
    j->counts = j->vm->stats.exact;
    for (size_t i = 0; i < j->natives.len; i++)
        if (j->natives.data[i]->chunk) native_expire(j, j->natives.data[i]);
}

void jit1_list(const Jit1 *j, const Function *f, Buf *out)
{
    const Native *n = f->chunk ? f->chunk->native : NULL;
    const Names *names = &j->vm->stats.rt->names;
    if (!n) {
        buf_printf(out, "=== %s/%u ===\nno machine code\n", sym_text(names->symbols, f->name, NULL),
                   (unsigned)f->arity);
        return;
    }
    Layout l = {0};
    bool ok = layout_make(&l, n->chunk, n->wish);
    assert(ok && l.size == n->size);
    (void)ok;
    listing_print(names, &l, n->chunk, (const uint8_t *)run_address(j, n->at), out);
    layout_free(&l);
}

const UpperTier *jit1_tier(Jit1 *j)
{
    choose_counting(j);
    j->below = vm_tier_for(j->vm);
    j->watched = vm_is_watched(j->vm);
    j->tier = *j->below;
    j->tier.run = jit1_run;
    return &j->tier;
}
