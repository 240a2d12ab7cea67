#include "vm/vm.h"

#include "atom/num.h"

/* gcc merges the dispatch jumps of a computed goto back into one without these. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-gcse", "no-crossjumping")
#endif

/* -- Functions and their chunks -- */

Vm *vm_new(Scope *scope, uint32_t threshold)
{
    Vm *vm = base_calloc(1, sizeof *vm);
    vm->scope = scope;
    vm->threshold = threshold;
    return vm;
}

void vm_free(Vm *vm)
{
    if (!vm) return;
    for (size_t i = 0; i < vm->chunks.len; i++) chunk_free(vm->chunks.data[i]);
    vec_free(&vm->chunks);
    vec_free(&vm->cells);
    base_free(vm);
}

static FunctionCell *cell_of(Vm *vm, uint32_t name)
{
    FunctionCell empty = {0};
    while (vm->cells.len <= name) vec_push(&vm->cells, empty);
    return &vm->cells.data[name];
}

static void compile_cell(Runtime *rt, Vm *vm, FunctionCell *cell, uint32_t name)
{
    cell->epoch = rt_epoch(rt);
    cell->chunk = compile_function(rt, vm->scope, name, cell->arity, &cell->refusal);
    LOG(&rt->log, JIT_COMPILE, DEBUG, cell->chunk ? "compiled to bytecode" : "not compiled",
        LOG_TEXT("function", sym_text(rt->symbols, name, NULL), strlen(sym_text(rt->symbols, name, NULL))),
        LOG_TEXT("reason", compile_refusal_text(cell->refusal), strlen(compile_refusal_text(cell->refusal))));
    if (!cell->chunk) return;
    vec_push(&vm->chunks, cell->chunk);
    vm->compilations++;
#ifndef NDEBUG
    const char *error;
    uint32_t at;
    if (!chunk_verify(cell->chunk, &error, &at)) base_fatal("compiler made a bad chunk: %s at %u", error, at);
#endif
}

/* The chunk to run for NAME with ARITY arguments, or NULL: count the call, compile when it is due. */
static Chunk *find_chunk(Machine *m, Vm *vm, uint32_t name, uint32_t arity)
{
    Runtime *rt = m->rt;
    if (m->scope != vm->scope) return NULL;
    FunctionCell *cell = cell_of(vm, name);
    if (UNLIKELY(!cell->seen)) {
        cell->seen = true;
        cell->arity = arity;
    }
    if (cell->arity != arity) return NULL;
    if (LIKELY(cell->epoch == rt_epoch(rt))) {
        if (cell->chunk || cell->refusal != REFUSED_NONE) return cell->chunk;
    } else {
        cell->epoch = rt_epoch(rt);
        cell->chunk = NULL;
        cell->refusal = REFUSED_NONE;
        cell->runs = 0;
    }
    if (cell->runs++ < vm->threshold) {
        vm->interpreter_runs++;
        return NULL;
    }
    compile_cell(rt, vm, cell, name);
    return cell->chunk;
}

const Chunk *vm_function(Runtime *rt, uint32_t name, uint32_t arity, CompileRefusal *why)
{
    Vm *vm = rt->upper;
    FunctionCell *cell = cell_of(vm, name);
    cell->seen = true;
    cell->arity = arity;
    compile_cell(rt, vm, cell, name);
    *why = cell->refusal;
    return cell->chunk;
}

/* -- Frames -- */

static Frame *push_frame(Machine *m, Chunk *c, const Word *args, Word type, bool computed)
{
    uint32_t count = VM_LOCALS + c->locals + c->max_stack;
    Frame *f = (Frame *)machine_top(m);
    machine_touch(m, f);
    /* First the arguments: in a tail call they may lie where the frame is being laid. */
    memmove(f->slot + VM_LOCALS, args, c->arity * sizeof(Word));
    *f = (Frame){.kind = FRAME_VM,
                 .flags = FF_GOAL | (computed ? FF_CHANGED : 0),
                 .operands = (uint16_t)c->max_stack,
                 .count = count};
    f->depth = m->depth;
    f->head = m->head = c->name;
    f->parent = m->frame;
    f->slot[SLOT_HELD] = WORD_NIL;
    f->slot[VM_TYPE] = type;
    f->slot[VM_CHUNK] = word_from_ptr(TAG_RAW, c);
    f->slot[VM_IP] = WORD_MAKE(TAG_RAW, 0);
    for (uint32_t i = c->arity; i < c->locals; i++) f->slot[VM_LOCALS + i] = WORD_NIL;
    m->frame = f;
    return f;
}

static Chunk *frame_chunk(const Frame *f)
{
    return word_ptr(f->slot[VM_CHUNK]);
}

/* -- Pieces of opcode bodies -- */

/* None of the items was an open expression that had to be evaluated. */
static bool items_are_values(const Word *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (atom_may_reduce(items[i])) return false;
    return true;
}

static Word instantiate_template(Machine *m, Frame *f, const Chunk *c, uint32_t index)
{
    enum { FEW = 32 };
    const Template *t = &c->templates.data[index];
    const uint8_t *map = t->count ? c->slot_map.data + t->first : NULL;
    Word few[FEW];
    Word *slots = t->count <= FEW ? few : base_alloc(t->count * sizeof *slots);
    Word *locals = f->slot + VM_LOCALS;
    for (uint32_t i = 0; i < t->count; i++) slots[i] = atom_deref(locals[map[i]]);
    Word atom = instantiate(&m->rt->heap, t->term, slots, t->count ? c->names.data + t->first : NULL);
    /* Variables made now are those of later templates, too. */
    for (uint32_t i = 0; i < t->count; i++)
        if (word_is_nil(locals[map[i]])) locals[map[i]] = slots[i];
    if (slots != few) base_free(slots);
    return atom;
}

/* The conditional TEMPLATE with VALUE as its condition. */
static Word conditional(Machine *m, Frame *f, const Chunk *c, uint32_t template, Word value)
{
    Word whole = instantiate_template(m, f, c, template);
    return atom_expr4(&m->rt->heap, expr_at(whole, 0), value, expr_at(whole, 2), expr_at(whole, 3));
}

static Word make_call(Machine *m, Word head, const Word *args, uint32_t n)
{
    Word *items;
    Word goal = atom_expr_open(&m->rt->heap, n + 1, &items);
    items[0] = head;
    for (uint32_t i = 0; i < n; i++) items[i + 1] = atom_deref(args[i]);
    expr_seal(goal);
    return goal;
}

static Word rebuild_goal(Machine *m, const Frame *f, const Chunk *c)
{
    return make_call(m, word_sym(c->name), f->slot + VM_LOCALS, c->arity);
}

/* A rule gave VALUE, a symbol or an open expression: some mean something else than themselves. */
static Step leave_with(Machine *m, Frame *f, const Chunk *c, Word value)
{
    Word type = f->slot[VM_TYPE];
    m->frame = f->parent;
    if (value == W_SYM(EMPTY)) return STEP_FAIL;
    if (atom_is_error(value)) return step_return(m, value);
    if (value != W_SYM(NOT_REDUCIBLE)) return step_eval(m, value, type);
    m->changed = (f->flags & FF_CHANGED) != 0;
    return call_stuck(m, rebuild_goal(m, f, c), type);
}

/* Can a caller that expects TYPE take VALUE without a look at its types?  (Irreducible expressions are not checked.) */
static bool fits_type(Word value, Word type)
{
    if (atom_is_cons(value)) return !atom_may_reduce(value) || !atom_is_error(value);
    if (type == W_SYM(UNDEFINED)) return true;
    if (word_is_int(value) || word_is_double(value)) return type == W_SYM(T_NUMBER);
    return word_is_bool(value) && type == W_SYM(T_BOOL);
}

/* Where the loop is to go on in a frame. */
typedef struct Registers {
    Frame *f;
    Chunk *c;
    Word *locals, *stack, *sp;
    const uint8_t *ip;
} Registers;

static Registers load_frame(Frame *f)
{
    Chunk *c = frame_chunk(f);
    Word *locals = f->slot + VM_LOCALS, *stack = locals + c->locals;
    return (Registers){f, c, locals, stack, stack + f->index, c->code.data + word_payload(f->slot[VM_IP])};
}

/* Call GOAL in tier 0; COMPUTED: some argument is not what the program wrote. */
static Step call_tier0(Machine *m, Word goal, Word type, bool computed)
{
    m->changed = computed;
    return call(m, goal, type);
}

/* A safepoint in the middle of a call: the call survives in the machine's registers. */
static Step call_after_safepoint(Machine *m, Word goal, Word type, bool computed)
{
    m->atom = goal;
    m->type = type;
    if (!safepoint(m)) return STEP_HALT;
    return call_tier0(m, m->atom, m->type, computed);
}

/* -- The loop -- */

#define NEXT goto *labels[*ip++]
#define READ_N (*ip++)
#define READ_S (*ip++)
#define READ_16 (ip += 2, (uint16_t)(ip[-2] | ip[-1] << 8))
#define READ_K (c->constants.data[READ_16])
#define READ_T READ_16
#define READ_J ((int16_t)READ_16)
#define READ_I ((int16_t)READ_16)
#define LOCAL(i) locals[i]
#define PUSH(x) (*sp++ = (x))
#define POP (*--sp)
#define TOP (sp[-1])
/* Store the registers into the frame. */
#define SAVE \
    (f->index = (uint32_t)(sp - stack), f->slot[VM_IP] = WORD_MAKE(TAG_RAW, (uint64_t)(ip - c->code.data)))
#define POP_FRAME (m->frame = f->parent)
#define HAND_OVER(step) return (step)
#define LEAVE(step)    \
    do {               \
        SAVE;          \
        return (step); \
    } while (0)
#define BAIL                                                                  \
    do {                                                                      \
        Word bail_goal = rebuild_goal(m, f, c), bail_type = f->slot[VM_TYPE]; \
        m->changed = (f->flags & FF_CHANGED) != 0;                            \
        POP_FRAME;                                                            \
        return call_rules(m, bail_goal, bail_type);                           \
    } while (0)
#define ENTER(result_type, tail)   \
    do {                           \
        callee = READ_K;           \
        argc = READ_N;             \
        computed = argc >> 7;      \
        argc &= 0x7F;              \
        sp -= argc;                \
        if (tail) goto enter_tail; \
        call_type = (result_type); \
        goto enter;                \
    } while (0)
#define GIVE(x)      \
    do {             \
        given = (x); \
        goto give;   \
    } while (0)

#define INT_OPERANDS (word_is_int(x) && word_is_int(y))
#define FLOAT_OPERANDS ((word_is_double(x) || word_is_int(x)) && (word_is_double(y) || word_is_int(y)))
#define AS_DOUBLE(w) (word_is_int(w) ? (double)word_int48_get(w) : word_double_get(w))
#define SLOW_CALL(builtin, type)                             \
    do {                                                     \
        Word pair[] = {x, y};                                \
        Word goal = make_call(m, word_op(builtin), pair, 2); \
        LEAVE(call_tier0(m, goal, (type), true));            \
    } while (0)
#define ARITHMETIC(num_op, expression, builtin)                                            \
    do {                                                                                   \
        Word y = POP, x = POP;                                                             \
        if (LIKELY(INT_OPERANDS)) {                                                        \
            Word result;                                                                   \
            if (int_arithmetic((num_op), word_int48_get(x), word_int48_get(y), &result)) { \
                PUSH(result);                                                              \
                NEXT;                                                                      \
            }                                                                              \
        } else if (FLOAT_OPERANDS) {                                                       \
            double a = AS_DOUBLE(x), b = AS_DOUBLE(y);                                     \
            PUSH(word_double(expression));                                                 \
            NEXT;                                                                          \
        }                                                                                  \
        SLOW_CALL(builtin, W_SYM(T_NUMBER));                                               \
    } while (0)
#define COMPARISON(operator, builtin)                                        \
    do {                                                                     \
        Word y = POP, x = POP;                                               \
        if (LIKELY(INT_OPERANDS)) {                                          \
            PUSH(word_bool(word_int48_get(x) operator word_int48_get(y)));   \
            NEXT;                                                            \
        }                                                                    \
        if (word_is_double(x) && word_is_double(y)) {                        \
            PUSH(word_bool(word_double_get(x) operator word_double_get(y))); \
            NEXT;                                                            \
        }                                                                    \
        SLOW_CALL(builtin, W_SYM(T_BOOL));                                   \
    } while (0)

static bool int_arithmetic(NumOp op, int64_t a, int64_t b, Word *out)
{
    int64_t r;
    if (op == NUM_ADD)
        r = a + b;
    else if (op == NUM_SUB)
        r = a - b;
    else if (__builtin_mul_overflow(a, b, &r))
        return false;
    if (!int_fits48(r)) return false;
    *out = word_int48(r);
    return true;
}

#define LOAD(frame)                           \
    do {                                      \
        Registers loaded = load_frame(frame); \
        f = loaded.f;                         \
        c = loaded.c;                         \
        locals = loaded.locals;               \
        stack = loaded.stack;                 \
        sp = loaded.sp;                       \
        ip = loaded.ip;                       \
    } while (0)

#pragma GCC diagnostic ignored "-Woverride-init"
#pragma GCC diagnostic ignored "-Wpedantic"

/* Run from the current frame until tier 0 is needed.  Registers are stored into the frame before that. */
static Step vm_run(Machine *m)
{
    static const void *const labels[256] = {
        [0 ... 255] = &&bad_opcode,
#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) [number] = &&op_##name,
#include "ops.gen.h"
#undef OP
    };
    Vm *vm = m->rt->upper;
    Frame *f;
    Chunk *c;
    Word *locals, *stack, *sp;
    const uint8_t *ip;
    Word callee, call_type, given;
    uint32_t argc;
    bool computed;
    LOAD(m->frame);
    NEXT;

enter: {
    SAVE;
    Chunk *next = find_chunk(m, vm, word_sym_id(callee), argc);
    if (UNLIKELY(heap_wants_safepoint(&m->rt->heap)))
        return call_after_safepoint(m, make_call(m, callee, sp, argc), call_type, computed);
    if (UNLIKELY(!next || m->depth >= m->max_depth))
        return call_tier0(m, make_call(m, callee, sp, argc), call_type, computed);
    m->depth++;
    count_step(m);
    vm->bytecode_runs++;
    push_frame(m, next, sp, call_type, computed);
    LOAD(m->frame);
    NEXT;
}
enter_tail: {
    call_type = f->slot[VM_TYPE];
    Chunk *next = find_chunk(m, vm, word_sym_id(callee), argc);
    if (UNLIKELY(!next || heap_wants_safepoint(&m->rt->heap) || m->depth >= m->max_depth)) {
        Word goal = make_call(m, callee, sp, argc);
        POP_FRAME;
        if (heap_wants_safepoint(&m->rt->heap)) return call_after_safepoint(m, goal, call_type, computed);
        return call_tier0(m, goal, call_type, computed);
    }
    m->depth++;
    count_step(m);
    vm->bytecode_runs++;
    POP_FRAME;
    /* The new frame may take the place of the old one: push_frame moves the arguments before anything overwrites them. */
    push_frame(m, next, sp, call_type, computed);
    LOAD(m->frame);
    NEXT;
}
give: {
    Word type = f->slot[VM_TYPE];
    Frame *parent = f->parent;
    POP_FRAME;
    if (UNLIKELY(!fits_type(given, type)))
        return atom_is_cons(given) ? step_return(m, given) : step_eval(m, given, type);
    if (parent->kind != FRAME_VM || (parent->flags & FF_SUCCEEDED) || !word_is_nil(parent->slot[SLOT_HELD]) ||
        machine_protects(m, parent) || log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE))
        return step_return(m, given);
    machine_touch(m, parent);
    m->depth = parent->depth;
    m->head = parent->head;
    LOAD(parent);
    PUSH(given);
    NEXT;
}
bad_opcode:
    base_fatal("bad opcode %u", ip[-1]);

#define OP(number, name, mnemonic, operands, pops, pushes, flags, doc) op_##name:
#include "code/ops.inc"
#undef OP
}

/* -- Hooks -- */

static bool vm_enter(Machine *m, Word goal, Word type, Step *next)
{
    Vm *vm = m->rt->upper;
    /* A minimal instruction takes one step only; an Atom or Expression is not evaluated at all. */
    if (word_is_nil(type)) return false;
    type = atom_deref(type);
    if (type == W_SYM(T_ATOM) || type == W_SYM(T_EXPRESSION)) return false;
    uint32_t n = expr_len(goal) - 1;
    Chunk *c = find_chunk(m, vm, word_sym_id(atom_deref(expr_at(goal, 0))), n);
    if (!c) return false;
    vm->bytecode_runs++;
    push_frame(m, c, expr_items(goal) + 1, type, m->changed);
    *next = STEP_VM;
    return true;
}

/* A result for a VM frame.  An error ends the call: every expression around it would return it. */
static Step vm_resume(Machine *m, Frame *f, Word value)
{
    if (value == W_SYM(EMPTY)) return STEP_FAIL;
    if (atom_is_error(value)) {
        m->frame = f->parent;
        return step_return(m, value);
    }
    f = machine_own(m, f);
    f->slot[VM_LOCALS + frame_chunk(f)->locals + f->index++] = value;
    return STEP_VM;
}

static void vm_trace(Runtime *rt, Heap *h)
{
    Vm *vm = rt->upper;
    for (size_t i = 0; i < vm->chunks.len; i++) chunk_trace(vm->chunks.data[i], h);
}

const UpperTier vm_tier = {vm_enter, vm_run, vm_resume, vm_trace};
