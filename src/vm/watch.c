#include "vm/watch.h"

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
    buf_putc(&goal, '(');
    atom_print(names, word_sym(c->name), &goal);
    for (uint32_t i = 0; i < c->arity; i++) {
        buf_putc(&goal, ' ');
        atom_print(names, args[i], &goal);
    }
    buf_putc(&goal, ')');
    LOG(vm->stats.log, JIT_EXECUTE, TRACE, "Executing chunk", LOG_INT("chunk_id", c->id),
        LOG_TEXT("tier", "Bytecode", 8), LOG_TEXT("goal", goal.data, goal.len));
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

/* X and Y are operands that arithmetic in place could not do. */
static void note_operands(WatchExit *e, Word x, Word y)
{
    bool ints = word_is_int(x) && word_is_int(y);
    e->reason = ints ? BAILOUT_INTEGER_OVERFLOW : BAILOUT_TYPE_ERROR;
    e->found = word_is_int(x) || word_is_double(x) ? y : x;
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
    case OP_CALL_VALUE:
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
    return op == OP_RETURN_LOCAL || op == OP_RETURN_BRANCH || op == OP_RETURN_FORM;
}

/* The guard that sent control here found something that it cannot decide about. */
static void note_guard(WatchExit *e, const WatchPlace *p)
{
    e->ip = (uint32_t)(p->guard - p->chunk->code.data);
    e->reason = BAILOUT_TYPE_ERROR;
    if (op_first(*p->guard) != OP_GUARD_TYPE) e->found = p->locals[p->guard[1]];
}

WatchExit watch_exit_of(const WatchPlace *p)
{
    uint8_t op = op_first(*p->at);
    WatchExit e = {.chunk = p->chunk,
                   .ip = (uint32_t)(p->at - p->chunk->code.data),
                   .reason = reason_of(op),
                   .found = WORD_NIL,
                   .perhaps = gives_local(op)};
    if (p->guard)
        note_guard(&e, p);
    else if ((op >= OP_ADD && op <= OP_MUL) || (op >= OP_LT && op <= OP_GE))
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
    jit_note_exit(&vm->stats, p->chunk, (uint32_t)(p->at - p->chunk->code.data), reason, WORD_NIL);
}
