#include "vm/watch.h"

#include "vm/pieces.h"

/* -- Calls -- */

void watch_lookup(Vm *vm, const Function *f, bool had)
{
    if (had)
        vm->stats.chunk_hits++;
    else if (f->refusal != REFUSED_NO_RULES)
        vm->stats.chunk_misses++;
}

static void log_call(const Vm *vm, const Chunk *c, const Word *args)
{
    const Names *names = &vm->stats.rt->names;
    Buf goal = {0};
    bool named = c->name != SYM_HEADED;
    buf_putc(&goal, '(');
    if (named) atom_print(names, word_sym(c->name), &goal);
    for (uint32_t i = 0; i < c->arity; i++) {
        if (i > 0 || named) buf_putc(&goal, ' ');
        atom_print(names, args[i], &goal);
    }
    buf_putc(&goal, ')');
    const char *tier = c->native ? "JitStage1" : "Bytecode";
    LOG(vm->stats.log, JIT_EXECUTE, TRACE, "Executing chunk", LOG_INT("chunk_id", c->id),
        LOG_TEXT("tier", tier, strlen(tier)), LOG_TEXT("goal", goal.data, goal.len));
    buf_free(&goal);
}

void watch_call(Vm *vm, Function *f, const Chunk *c, const Word *args)
{
    f->executions++;
    if (log_on(vm->stats.log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE)) log_call(vm, c, args);
}

void watch_interpreted(Vm *vm, const Function *f)
{
    if (!log_on(vm->stats.log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE) || f->refusal == REFUSED_NO_RULES) return;
    const char *reason =
        f->refusal == REFUSED_NONE ? "too few calls so far" : compile_refusal_text(f->refusal);
    size_t len;
    const char *name = sym_text(vm->stats.rt->symbols, f->name, &len);
    LOG(vm->stats.log, JIT_EXECUTE, TRACE, "Tier selected", LOG_TEXT("tier", "Interpreter", 11),
        LOG_TEXT("function", name, len), LOG_TEXT("reason", reason, strlen(reason)));
}

/* -- Alternatives -- */

void watch_backtrack(Vm *vm, const Machine *m)
{
    vm->stats.backtracks++;
    if (!log_on(vm->stats.log, LOG_TARGET_JIT_BACKTRACK, LOG_DEBUG)) return;
    /* Counting them takes time that grows with their number; the log line takes more. */
    uint64_t open = 0;
    for (const Choice *c = m->choice; c && c->kind != CHOICE_BOTTOM; c = c->prev) open++;
    LOG(vm->stats.log, JIT_BACKTRACK, DEBUG, "Backtracking", LOG_INT("iteration", vm->stats.backtracks),
        LOG_INT("choice_points", open), LOG_INT("results", m->results.len));
}

/* -- Exits -- */

static bool is_guard(uint8_t op)
{
    return (op >= OP_GUARD_NUMBER && op <= OP_GUARD_TYPE) || op == OP_GUARD_SETTLED ||
           op == OP_GUARD_GROUND || op == OP_GUARD_HEAD;
}

static bool is_arithmetic(uint8_t op)
{
    return (op >= OP_ADD && op <= OP_MUL) || (op >= OP_LT && op <= OP_GE);
}

static const Chunk *chunk_of(const WatchPlace *p)
{
    return frame_chunk(p->frame);
}

static Word local_at(const WatchPlace *p, uint8_t local)
{
    return atom_deref(p->frame->slot[VM_LOCALS + local]);
}

static uint32_t offset_of(const WatchPlace *p, const uint8_t *at)
{
    return (uint32_t)(at - chunk_of(p)->code.data);
}

/* X and Y are operands that arithmetic could not do: some is no number, or the result is too big. */
static void note_operands(WatchExit *e, Word x, Word y)
{
    e->reason = num_is(x) && num_is(y) ? BAILOUT_INTEGER_OVERFLOW : BAILOUT_TYPE_ERROR;
    e->found = num_is(x) ? y : x;
}

static BailoutReason reason_of(uint8_t op)
{
    switch (op) {
    case OP_BRANCH_BOOL:
    case OP_TAIL_BRANCH_BOOL:
        return BAILOUT_TYPE_ERROR;
    case OP_MAKE_SEXPR: /* the first two leave only when the chunk is stale */
    case OP_MAKE_SAME:
    case OP_LEAVE_STALE:
        return BAILOUT_INVALIDATED;
    case OP_CALL_STEP:
        return BAILOUT_CALL;
    case OP_CALL_VALUE:
    case OP_CALL_VALUE_TYPED:
    case OP_TAIL_CALL_VALUE:
        return BAILOUT_HIGHER_ORDER_OP;
    case OP_MATCH_SPACE:
    case OP_SUPERPOSE:
        return BAILOUT_NON_DETERMINISM;
    case OP_STUCK: /* the result is there; nothing is to be evaluated */
    case OP_NOT_REDUCIBLE:
    case OP_RETURN_ERROR:
    case OP_HALT:
        return BAILOUT_NONE;
    default:
        return BAILOUT_UNSUPPORTED_OPERATION;
    }
}

/* Does OP end a call with a value that perhaps must be evaluated first? */
static bool gives_local(uint8_t op)
{
    return op == OP_RETURN_LOCAL || op == OP_RETURN_BRANCH || op == OP_RETURN_FORM ||
           op == OP_RETURN_ARGUMENT;
}

/* Does the guard AT let its value pass?  Whether a value would be settled data is not asked: that changes it. */
static bool passes(const WatchPlace *p, const uint8_t *at)
{
    Word value = local_at(p, at[1]);
    switch (op_first(*at)) {
    case OP_GUARD_NUMBER:
        return num_is(value);
    case OP_GUARD_BOOL:
        return word_is_bool(value);
    case OP_GUARD_EXPR:
        return atom_is_expr(value);
    case OP_GUARD_ANY:
        return !word_is_nil(quick_type(p->m, value));
    case OP_GUARD_VALUE:
        return !atom_may_reduce(value) && !word_is_nil(quick_type(p->m, value));
    case OP_GUARD_TYPE_OF: {
        Word type = quick_type(p->m, value), wanted = chunk_of(p)->constants.data[op_read16(at + 2)];
        return type == wanted || type == W_SYM(UNDEFINED) || (at[4] && type == W_SYM(T_ATOM));
    }
    case OP_GUARD_PLAIN:
        return is_untyped_head(p->m, value);
    case OP_GUARD_HEAD:
        return is_untyped_head(p->m, value) || heads_tuple(p->m, value);
    case OP_GUARD_SETTLED:
        return !atom_may_reduce(value);
    case OP_GUARD_GROUND:
        return item_is_ground(value);
    default: /* what it looks at is no local, or more than one */
        return true;
    }
}

/* The guard AT found something that it cannot decide about. */
static void note_guard(WatchExit *e, const WatchPlace *p, const uint8_t *at)
{
    uint8_t op = op_first(*at);
    e->ip = offset_of(p, at);
    /* It looks at what is to be called. */
    e->reason = op == OP_GUARD_PLAIN || op == OP_GUARD_HEAD ? BAILOUT_HIGHER_ORDER_OP : BAILOUT_TYPE_ERROR;
    if (op != OP_GUARD_TYPE) e->found = local_at(p, at[1]);
}

/* Tier 0 is to evaluate a whole expression: because a guard that jumps here, to its code on the side, does not let pass what is in the locals?
 * Linear in the code. */
static void blame_guard(WatchExit *e, const WatchPlace *p)
{
    const Chunk *c = chunk_of(p);
    uint8_t length;
    /* The instructions of a stale chunk are not what they were. */
    for (const uint8_t *at = c->code.data; !c->stale && at < c->code.data + c->code.len; at += length) {
        uint8_t op = op_first(*at);
        length = op_info(op)->length;
        if (is_guard(op) && at + length + (int16_t)op_read16(at + length - 2) == p->at && !passes(p, at)) {
            note_guard(e, p, at);
            return;
        }
    }
}

WatchExit watch_exit_of(const WatchPlace *p)
{
    uint8_t op = op_first(*p->at);
    WatchExit e = {.chunk = chunk_of(p),
                   .ip = offset_of(p, p->at),
                   .reason = reason_of(op),
                   .found = WORD_NIL,
                   .perhaps = gives_local(op)};
    if (op == OP_EVAL || op == OP_TAIL_EVAL)
        blame_guard(&e, p);
    else if (is_arithmetic(op))
        note_operands(&e, p->sp[0], p->sp[1]);
    else if (op == OP_BRANCH_BOOL || op == OP_TAIL_BRANCH_BOOL)
        e.found = p->sp[0];
    return e;
}

void watch_left(Vm *vm, const WatchExit *e, Step step)
{
    if (e->reason == BAILOUT_NONE) return;
    if (e->perhaps && (step == STEP_RETURN || step == STEP_FAIL)) return;
    jit_note_exit(&vm->stats, e->chunk, e->ip, e->reason, e->found);
}

void watch_left_for(Vm *vm, const WatchPlace *p, BailoutReason reason)
{
    jit_note_exit(&vm->stats, chunk_of(p), offset_of(p, p->at), reason, WORD_NIL);
}

/* -- Exits of machine code --
 *
 * It leaves an instruction to the VM when it has no code for it, or cannot go on with these values; a fused one as a whole.  Which of its
 * parts is the reason is found by doing what they do, as far as arithmetic goes. */

/* What the parts of a fused instruction have pushed, on top of what was there. */
typedef struct Pushed {
    const Word *below;
    Word items[FUSION_MAX];
    uint32_t count;
} Pushed;

static Word pop(Pushed *p)
{
    return p->count ? p->items[--p->count] : *--p->below;
}

/* Has OP, of arithmetic, a result for X and Y? */
static bool has_result(Heap *h, uint8_t op, Word x, Word y)
{
    if (op == OP_ADD) return !word_is_nil(num_add(h, x, y));
    if (op == OP_SUB) return !word_is_nil(num_sub(h, x, y));
    if (op == OP_MUL) return !word_is_nil(num_mul(h, x, y));
    return num_is(x) && num_is(y);
}

/* Note why the part OP at AT cannot go on with the values that there are; false: nothing is known against it. */
static bool blame_part(WatchExit *e, const WatchPlace *p, const uint8_t *at, uint8_t op, Pushed *pushed)
{
    if (op == OP_LOAD_LOCAL || op == OP_PUSH_LONG_SMALL) {
        bool local = op == OP_LOAD_LOCAL;
        pushed->items[pushed->count++] = local ? local_at(p, at[1]) : word_int48((int16_t)op_read16(at + 1));
        return false;
    }
    if (op == OP_GUARD_NUMBER && !num_is(local_at(p, at[1]))) {
        note_guard(e, p, at);
    } else if (is_arithmetic(op)) {
        Word y = pop(pushed), x = pop(pushed);
        if (has_result(&p->m->rt->heap, op, x, y)) return false;
        note_operands(e, x, y);
    } else {
        return false;
    }
    e->ip = offset_of(p, at);
    return true;
}

static bool blame_parts(WatchExit *e, const WatchPlace *p)
{
    const Fusion *fusion = op_fusion(*p->at);
    Pushed pushed = {.below = p->sp};
    const uint8_t *at = p->at;
    for (unsigned i = 0; i < (fusion ? fusion->count : 1); i++) {
        uint8_t op = fusion ? fusion->parts[i] : *at;
        if (blame_part(e, p, at, op, &pushed)) return true;
        at += op_info(op)->length;
    }
    return false;
}

static const Function *callee_at(const WatchPlace *p, uint8_t op)
{
    bool typed = op == OP_CALL_TYPED || op == OP_TAIL_CALL_TYPED;
    return chunk_of(p)->functions.data[op_read16(p->at + (typed ? 3 : 1))];
}

/* Why a call is the VM's. */
static BailoutReason call_reason(const Machine *m, const WatchPlace *p, uint8_t op)
{
    bool tail = op == OP_TAIL_CALL || op == OP_TAIL_CALL_TYPED;
    if (m->depth >= m->max_depth) return BAILOUT_STACK_OVERFLOW;
    /* Calls are made by the VM so that it can log them. */
    if (log_on(&m->rt->log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE) && callee_at(p, op)->native)
        return BAILOUT_NONE;
    if (!callee_at(p, op)->native) return tail ? BAILOUT_TAIL_CALL : BAILOUT_CALL;
    if (callee_at(p, op)->arity > NATIVE_ARGUMENTS) return BAILOUT_UNSUPPORTED_OPERATION;
    if (heap_wants_safepoint(&m->rt->heap)) return BAILOUT_PREEMPTED;
    /* What is left: a choice point protects the frame, or the calls up to the next look at the limits are used up. */
    return machine_protects(m, p->frame) ? BAILOUT_NON_DETERMINISM : BAILOUT_PREEMPTED;
}

/* Why OP, against whose operands nothing is known, is left to the VM. */
static BailoutReason native_reason(const Machine *m, const WatchPlace *p, uint8_t op)
{
    switch (op) {
    case OP_CALL:
    case OP_CALL_TYPED:
    case OP_TAIL_CALL:
    case OP_TAIL_CALL_TYPED:
        return call_reason(m, p, op);
    case OP_RETURN:
    case OP_RETURN_LOCAL:
    case OP_RETURN_BRANCH:
    case OP_RETURN_FORM:
    case OP_RETURN_ARGUMENT:
    case OP_RETURN_ERROR:
    case OP_STUCK:
    case OP_NOT_REDUCIBLE:
        return BAILOUT_YIELD;
    case OP_CASE_DONE:
        return BAILOUT_NON_DETERMINISM;
    case OP_BREAKPOINT:
        return BAILOUT_BREAKPOINT;
    case OP_MAKE_SEXPR: /* not for being stale: then there is no machine code */
    case OP_MAKE_SAME:
        return BAILOUT_UNSUPPORTED_OPERATION;
    default:
        return reason_of(op);
    }
}

/* Machine code comes to the code on the side of a guard.  It has left for that guard just before, or has jumped itself. */
static void blame_guard_once(WatchExit *e, const WatchPlace *p, const JitStats *s)
{
    WatchExit blamed = *e;
    blame_guard(&blamed, p);
    if (s->last_chunk != e->chunk || s->last_ip != blamed.ip) *e = blamed;
}

void watch_native_exit(Vm *vm, Machine *m, const Frame *f)
{
    JitStats *s = &vm->stats;
    const Chunk *c = frame_chunk(f);
    const Word *sp = f->slot + VM_LOCALS + c->locals + frame_operands(f);
    WatchPlace p = {m, f, sp, c->code.data + frame_ip(f)};
    WatchExit e = {.chunk = c, .ip = frame_ip(f), .reason = BAILOUT_NONE, .found = WORD_NIL};
    uint8_t op = op_first(*p.at);
    bool aside = op == OP_EVAL || op == OP_TAIL_EVAL;
    if (!blame_parts(&e, &p)) {
        e.reason = native_reason(m, &p, op);
        if (is_guard(op)) note_guard(&e, &p, p.at);
        if (aside) blame_guard_once(&e, &p, s);
        if (op == OP_BRANCH_BOOL || op == OP_TAIL_BRANCH_BOOL) e.found = sp[-1];
    }
    s->last_chunk = aside ? NULL : c;
    s->last_ip = e.ip;
    if (e.reason != BAILOUT_NONE) jit_note_bailout(s, c, e.ip, e.reason, e.found, 0);
}

static void note_place(Vm *vm, const Chunk *c, uint32_t ip, BailoutReason reason)
{
    JitStats *s = &vm->stats;
    s->last_chunk = c;
    s->last_ip = ip;
    jit_note_bailout(s, c, ip, reason, WORD_NIL, 0);
}

void watch_wrong_guess(Vm *vm, const Frame *f)
{
    note_place(vm, frame_chunk(f), frame_ip(f), BAILOUT_WRONG_GUESS);
}

void watch_yielded(Vm *vm, const Frame *f, uint32_t ip)
{
    if (f->parent->kind != FRAME_COLLAPSE) note_place(vm, frame_chunk(f), ip, BAILOUT_YIELD);
}

/* Whose is the current frame of M, which is to go on for an instruction of code? */
static BailoutReason reason_to_run(const Machine *m, const OpInfo *op)
{
    if (frame_chunk(m->frame)->native) return BAILOUT_NONE;
    return op->flags & OPF_END ? BAILOUT_TAIL_CALL : BAILOUT_CALL;
}

static BailoutReason reason_of_step(const Machine *m, uint8_t op, Step step)
{
    switch (step) {
    case STEP_EVAL:
    case STEP_MINIMAL:
        return reason_of(op);
    case STEP_VM:
        return reason_to_run(m, op_info(op));
    case STEP_RETURN:
        return m->frame->kind == FRAME_VM || m->frame->kind == FRAME_COLLAPSE ? BAILOUT_NONE : BAILOUT_YIELD;
    default:
        return BAILOUT_NONE;
    }
}

/* A chunk that has expired and that no frame runs is freed by a collection. */
static bool is_there(const Vm *vm, const Chunk *c)
{
    const Functions *fs = &vm->functions;
    for (size_t i = 0; i < fs->chunks.len; i++)
        if (fs->chunks.data[i] == c) return true;
    return false;
}

void watch_step_taken(Vm *vm, const Machine *m, const Chunk *c, uint32_t ip, Step step)
{
    if (!is_there(vm, c)) return;
    BailoutReason reason = reason_of_step(m, op_first(c->code.data[ip]), step);
    if (reason != BAILOUT_NONE) note_place(vm, c, ip, reason);
}

void watch_invalidated(Vm *vm, const Machine *m)
{
    const Frame *f = m->frame;
    jit_note_bailout(&vm->stats, frame_chunk(f), frame_ip(f), BAILOUT_INVALIDATED, WORD_NIL, 0);
}
