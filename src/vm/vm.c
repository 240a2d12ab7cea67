#include "vm/vm.h"

#include <stdio.h>
#include <stdlib.h>

#include "code/early.h"
#include "vm/pieces.h"
#include "vm/watch.h"

/* gcc merges the dispatch jumps of a computed goto back into one without these. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-gcse", "no-crossjumping")
#endif

/* -- Functions and their chunks -- */

Vm *vm_new(Runtime *rt, Scope *scope, uint32_t threshold, uint32_t hot)
{
    Vm *vm = base_calloc(1, sizeof *vm);
    jit_stats_init(&vm->stats, rt, hot);
    vm->scope = scope;
    vm->threshold = threshold;
    return vm;
}

/* Append the opcodes that have run to the file that METTA_OP_COVERAGE names: tools/check-coverage adds them up. */
static void report_coverage(const Vm *vm)
{
#ifdef METTA_OP_COVERAGE
    const char *path = getenv("METTA_OP_COVERAGE");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    for (unsigned i = 0; i <= UINT8_MAX; i++)
        if (vm->coverage[i]) fprintf(file, "%s\n", op_info((uint8_t)i)->mnemonic);
    fclose(file);
#else
    (void)vm;
#endif
}

void vm_free(Vm *vm)
{
    if (!vm) return;
    report_coverage(vm);
    functions_fini(&vm->functions);
    jit_stats_fini(&vm->stats);
    vec_free(&vm->programs);
    base_free(vm);
}

static void check_chunk(const Chunk *c)
{
#ifndef NDEBUG
    const char *error;
    uint32_t at;
    if (!chunk_verify(c, &error, &at)) base_fatal("compiler made a bad chunk: %s at %u", error, at);
#else
    (void)c;
#endif
}

/* A chunk for F that a compiled program has brought, if what it takes for granted is so. */
static bool take_compiled(Runtime *rt, Vm *vm, Function *f)
{
    enum { HOPE = 4 }; /* rules that change all the time will not be again what they were */
    Chunk *c = NULL;
    if (vm->functions.debugged) return false; /* it may do without calls that are to be seen */
    for (size_t i = 0; i < vm->programs.len && !c && f->expired < HOPE; i++)
        c = mbc_chunk(vm->programs.data[i], vm->scope, &vm->functions, f);
    if (!c) return false;
    const char *name = sym_text(rt->symbols, f->name, NULL);
    LOG(&rt->log, JIT_COMPILE, DEBUG, "taken from the compiled program",
        LOG_TEXT("function", name, strlen(name)));
    functions_adopt(&vm->functions, f, c);
    return true;
}

static void compile(Runtime *rt, Vm *vm, Function *f)
{
    if (take_compiled(rt, vm, f)) return;
    uint64_t began = vm->stats.verbose ? base_now_ns() : 0;
    Chunk *c = compile_function(rt, vm->scope, &vm->functions, f->name, f->arity, NULL, &f->refusal);
    if (c) {
        check_chunk(c);
        functions_adopt(&vm->functions, f, c);
        vm->compilations++;
    }
    jit_note_bytecode(&vm->stats, f, c, vm->stats.verbose ? base_now_ns() - began : 0);
}

/* Calls in tier 0 before F is compiled: more of them when its chunks have become stale again and again. */
static uint64_t calls_before(const Vm *vm, const Function *f)
{
    enum { PATIENCE = 8, MOST = 16 };
    if (f->expired <= PATIENCE) return vm->threshold;
    uint32_t excess = f->expired - PATIENCE;
    return (uint64_t)vm->threshold + (UINT64_C(1) << (excess < MOST ? excess : MOST));
}

/* The chunk of F, which has none, if it is time to compile it; else NULL and the call is counted. */
static Chunk *find_chunk(Machine *m, Vm *vm, Function *f)
{
    if (m->rt->debug.all || (f->name == SYM_HEADED && m->rt->debug.watching)) return NULL;
    uint32_t runs = f->runs;
    f->runs += runs < UINT32_MAX;
    if (f->refusal == REFUSED_NONE && runs >= calls_before(vm, f)) compile(m->rt, vm, f);
    Chunk *c = f->debugged ? f->apart : f->chunk;
    if (!c && f->refusal != REFUSED_NO_RULES) vm->interpreter_runs++;
    return c;
}

/* -- The loop -- */

/* Where the loop is to go on in a frame. */
typedef struct Registers {
    Frame *f;
    Chunk *c;
    Word *locals, *stack, *sp;
    const uint8_t *ip;
} Registers;

static inline Registers load_frame(Frame *f)
{
    Chunk *c = frame_chunk(f);
    Word *locals = f->slot + VM_LOCALS, *stack = locals + c->locals;
    return (Registers){f, c, locals, stack, stack + frame_operands(f), c->code.data + frame_ip(f)};
}

#ifdef METTA_OP_COVERAGE
#define NOTE_COVERAGE ((void)vm->coverage[*ip]++)
#else
#define NOTE_COVERAGE ((void)0)
#endif
#define DISPATCH             \
    do {                     \
        COUNT_OP;            \
        goto *labels[*ip++]; \
    } while (0)
typedef uint32_t Slot; /* of a local, as LOCAL takes it */
#define READ_N (*ip++)
#define READ_S (*ip++)
#define READ_16 (ip += 2, (uint16_t)(ip[-2] | ip[-1] << 8))
#define READ_ITEM(expr) expr_at(expr, READ_N)
#define READ_K (c->constants.data[READ_16])
#define READ_F (c->functions.data[READ_16])
#define READ_T READ_16
#define READ_W READ_16
#define READ_J ((int16_t)READ_16)
#define READ_I ((int16_t)READ_16)
#define READ_SMALL word_int48(READ_I)
/* Is the function whose operand comes next this one? */
#define CALLS_ITSELF (op_read16(ip) == c->self)
#define READ_COUNT            \
    do {                      \
        argc = READ_N;        \
        computed = argc >> 7; \
        argc &= 0x7F;         \
    } while (0)
#define JUMP(to)    \
    do {            \
        ip += (to); \
        NEXT;       \
    } while (0)
/* Go on at an offset. */
#define GO_TO(offset)                 \
    do {                              \
        ip = c->code.data + (offset); \
        NEXT;                         \
    } while (0)
/* The offset of the target of a jump. */
#define OFFSET(to) ((uint32_t)(ip + (to) - c->code.data))
#define STALE (c->stale)
/* The code does not tell whether operands are as the program wrote them. */
#define MUST_CHECK UNLIKELY(f->flags &FF_CHECK)
#define LOCAL(i) locals[i]
#define PUSH(x) (*sp++ = (x))
#define POP (*--sp)
#define DROP ((void)sp--)
#define ITEM(i) (sp[-(i)])
/* Store the registers into the frame. */
#define SAVE frame_save(f, (uint32_t)(ip - c->code.data), (uint32_t)(sp - stack))
/* Begin the code again, in the same frame. */
#define AGAIN              \
    do {                   \
        sp = stack;        \
        ip = c->code.data; \
        BEGUN;             \
    } while (0)
#define BEHIND OFFSET(0)
#define WAIT_AT(to) \
    do {            \
        ip += (to); \
        SAVE;       \
    } while (0)
#define POP_FRAME (m->frame = f->parent)
#define HAND_OVER(step)                         \
    do {                                        \
        if (!WATCHED) return (step);            \
        WatchExit left = watch_exit_of(&PLACE); \
        Step handed = (step);                   \
        watch_left(vm, &left, handed);          \
        return handed;                          \
    } while (0)
#define LEAVE(step)      \
    do {                 \
        SAVE;            \
        HAND_OVER(step); \
    } while (0)
#define LEAVE_WITH LEAVE
#define COME_BACK_WITH(x)    \
    do {                     \
        machine_touch(m, f); \
        PUSH(x);             \
        NEXT;                \
    } while (0)
/* The instruction at work, when watched. */
#define PLACE ((WatchPlace){m, f, sp, at})
/* CHUNK carries out a call of CALLEE with the arguments at SP. */
#define NOTE_CALL(chunk)                     \
    do {                                     \
        if (!WATCHED) break;                 \
        watch_lookup(vm, callee, true);      \
        watch_call(vm, callee, (chunk), sp); \
    } while (0)
#define NOTE_SELF_CALL                                    \
    do {                                                  \
        if (WATCHED) callee = c->functions.data[c->self]; \
        NOTE_CALL(c);                                     \
    } while (0)
#define LEFT_FOR(reason)                                           \
    do {                                                           \
        if (WATCHED) watch_left_for(vm, &PLACE, BAILOUT_##reason); \
    } while (0)
/* In fusions: the operand at distance AT; N bytes are done with; the first part alone; the tail_branch_bool that ends at distance END. */
#define PEEK_S(at) (ip[at])
#define PEEK_N(at) (ip[at])
#define PEEK_ITEM(expr, at) expr_at(expr, PEEK_N(at))
#define PEEK_I(at) ((int16_t)op_read16(ip + (at)))
#define PEEK_SHIFTED(at) ((int64_t)PEEK_I(at) * 65536) /* it may be negative */
#define PEEK_K(at) (c->constants.data[op_read16(ip + (at))])
#define SKIP(n) ((void)(ip += (n)))
#define UNFUSED(op) goto op_##op
#define CONTINUE_AS(op) goto op_##op
#undef AS_ITEM
#define AS_ITEM(value) as_item(&(value))
/* One more call, carried out in place; false at the limit of depth. */
#define POLL                                                    \
    do {                                                        \
        count_step(m);                                          \
        m->other_steps++;                                       \
        if (LIKELY(!heap_wants_safepoint(&m->rt->heap))) break; \
        SAVE;                                                   \
        if (!safepoint_again(m)) HAND_OVER(STEP_HALT);          \
    } while (0)
#define DEEPER (m->depth < m->max_depth && (m->depth++, true))
#define ENTER goto enter
/* Call what lies below the ARGC values on top, where CALL_TYPE is expected: a symbol, or what may be data. */
#define CALL_HEAD                                                                                     \
    do {                                                                                              \
        Word head = ITEM((ptrdiff_t)argc + 1), data;                                                  \
        if (UNLIKELY(!word_is_sym(head))) {                                                           \
            sp -= argc + 1;                                                                           \
            if (MUST_CHECK) computed = !items_as_written(m, f, c, AT, WORD_NIL, sp, argc + 1);        \
            if (make_headless(m, sp, argc + 1, computed, &data)) {                                    \
                if (!computed) f->flags |= FF_CHECK;                                                  \
                PUSH(data);                                                                           \
                NEXT;                                                                                 \
            }                                                                                         \
            callee = headed_function(m, head, argc + 1);                                              \
            if (!callee) LEAVE(call_tier0(m, make_call(m, head, sp + 1, argc), call_type, computed)); \
            sp += ++argc;                                                                             \
            ENTER;                                                                                    \
        }                                                                                             \
        callee = functions_get(&vm->functions, word_sym_id(head), argc);                              \
        memmove(sp - argc - 1, sp - argc, argc * sizeof(Word));                                       \
        sp--;                                                                                         \
        ENTER;                                                                                        \
    } while (0)
#define ENTER_TAIL goto enter_tail
/* By the operand at DISTANCE in the last part of a fusion, which ends at END. */
#define JUMP_AT(distance, end)          \
    do {                                \
        ip += (end) + PEEK_I(distance); \
        NEXT;                           \
    } while (0)
/* Drop C, the newest choice point. */
#define DROP_CHOICE(c)                                                                                      \
    do {                                                                                                    \
        machine_drop(m, c);                                                                                 \
        /* What was held back meanwhile further down lies above the frame, which is to go on above that. */ \
        if (UNLIKELY(machine_protects(m, f))) {                                                             \
            SAVE;                                                                                           \
            LOAD(machine_own(m, f));                                                                        \
        }                                                                                                   \
    } while (0)
/* Begin a call of CALLEE, whose chunk is NEXT, with the operands from SP on. */
#define BEGIN_CALL(next, type, computed)             \
    do {                                             \
        m->depth++;                                  \
        count_step(m);                               \
        NOTE_CALL(next);                             \
        f = push_frame(m, next, sp, type, computed); \
        BEGIN(next);                                 \
    } while (0)
/* Make one step of a call of CALLEE with the ARGC values on top. */
#define STEP_OF_CALL                                                                                       \
    do {                                                                                                   \
        sp -= argc;                                                                                        \
        f->flags &= (uint8_t)~FF_GOAL; /* errors are results like others */                                \
        SAVE;                                                                                              \
        Chunk *next = callee->chunk;                                                                       \
        if (UNLIKELY(!next || !chunk_makes_steps(next) || !may_go_on(m))) {                                \
            Word goal = make_call(m, word_sym(callee->name), sp, argc);                                    \
            LEFT_FOR(CALL);                                                                                \
            if (heap_wants_safepoint(&m->rt->heap)) return call_after_safepoint(m, goal, WORD_NIL, false); \
            return call_tier0(m, goal, WORD_NIL, false);                                                   \
        }                                                                                                  \
        BEGIN_CALL(next, WORD_NIL, false);                                                                 \
    } while (0)
/* The same as CALL_HEAD in place of the frame. */
#define TAIL_CALL_HEAD                                                                         \
    do {                                                                                       \
        Word head = ITEM((ptrdiff_t)argc + 1), data;                                           \
        if (UNLIKELY(!word_is_sym(head))) {                                                    \
            sp -= argc + 1;                                                                    \
            if (MUST_CHECK) computed = !items_as_written(m, f, c, AT, WORD_NIL, sp, argc + 1); \
            if (make_headless(m, sp, argc + 1, computed, &data)) GIVE(data);                   \
            callee = headed_function(m, head, argc + 1);                                       \
            if (callee) {                                                                      \
                sp += ++argc;                                                                  \
                ENTER_TAIL;                                                                    \
            }                                                                                  \
            Word goal = make_call(m, head, sp + 1, argc);                                      \
            POP_FRAME;                                                                         \
            HAND_OVER(call_tier0(m, goal, call_type, computed));                               \
        }                                                                                      \
        callee = functions_get(&vm->functions, word_sym_id(head), argc);                       \
        ENTER_TAIL;                                                                            \
    } while (0)
#define BRANCH_IF(condition, end)        \
    do {                                 \
        if (condition) {                 \
            ip += (end);                 \
            NEXT;                        \
        }                                \
        ip += (end) + PEEK_I((end) - 4); \
        NEXT;                            \
    } while (0)
/* What follows reads its operands again: to have them kept would cost the usual way, which does without it, some instructions. */
#define READ_AGAIN __asm__("" : "+r"(ip), "+r"(sp))
#define IF_LOCALS(operator, left, right, end, first)                                               \
    do {                                                                                           \
        int64_t a = int_shifted_up(LOCAL(PEEK_S(left))), b = int_shifted_up(LOCAL(PEEK_S(right))); \
        if (LIKELY(are_shifted_up(a, b))) BRANCH_IF(a operator b, end);                            \
        READ_AGAIN;                                                                                \
        int order = num_order(LOCAL(PEEK_S(left)), LOCAL(PEEK_S(right)));                          \
        if (UNLIKELY(order == NUM_NEITHER)) UNFUSED(first);                                        \
        BRANCH_IF(IS_ORDER(order, operator), end);                                                 \
    } while (0)
#define IF_SMALL(operator, at, end, first)                                                 \
    do {                                                                                   \
        Word x = LOCAL(PEEK_S(0));                                                         \
        if (LIKELY(word_is_int(x))) BRANCH_IF(word_int48_get(x) operator PEEK_I(at), end); \
        READ_AGAIN;                                                                        \
        int order = num_order(LOCAL(PEEK_S(0)), word_int48(PEEK_I(at)));                   \
        if (UNLIKELY(order == NUM_NEITHER)) UNFUSED(first);                                \
        BRANCH_IF(IS_ORDER(order, operator), end);                                         \
    } while (0)
/* The same for values of any kind, which are equal or not. */
#define IF_EQUAL_SMALL(at, end)                                                      \
    do {                                                                             \
        Word x = LOCAL(PEEK_S(0));                                                   \
        if (LIKELY(word_is_int(x))) BRANCH_IF(word_int48_get(x) == PEEK_I(at), end); \
        READ_AGAIN;                                                                  \
        BRANCH_IF(atom_equal(LOCAL(PEEK_S(0)), word_int48(PEEK_I(at))), end);        \
    } while (0)
#define IF_EQUAL_LOCALS(end)                                            \
    do {                                                                \
        Word x = LOCAL(PEEK_S(0)), y = LOCAL(PEEK_S(2));                \
        if (LIKELY(INT_OPERANDS)) BRANCH_IF(x == y, end);               \
        READ_AGAIN;                                                     \
        BRANCH_IF(atom_equal(LOCAL(PEEK_S(0)), LOCAL(PEEK_S(2))), end); \
    } while (0)
#define BACKTRACK goto backtrack
/* Give X, an expression headed by data, which any caller takes. */
#define GIVE_DATA(x)    \
    do {                \
        given = (x);    \
        goto give_data; \
    } while (0)
#define GIVE(x)      \
    do {             \
        given = (x); \
        goto give;   \
    } while (0)
#define GIVE_NUMBER(x) GIVE(x)
#define GIVE_STUCK HAND_OVER(leave_stuck(m, f, c))
#define GIVE_EVALUATED(template)                             \
    do {                                                     \
        Word atom = instantiate_template(m, f, c, template); \
        Word type = f->slot[VM_TYPE];                        \
        if (!must_evaluate(m, &atom)) GIVE(atom);            \
        POP_FRAME;                                           \
        HAND_OVER(step_eval(m, atom, type));                 \
    } while (0)

/* Offset in the instruction at work, whose operands are read. */
#define AT ((uint32_t)(ip - c->code.data) - 1)
#define SLOW_CALL(builtin, type)                             \
    do {                                                     \
        Word pair[] = {x, y};                                \
        Word goal = make_call(m, word_op(builtin), pair, 2); \
        LEAVE(call_again(m, f, c, AT, goal, type));          \
    } while (0)
#define ON_NUMBERS(name, x, y, out)                                    \
    (LIKELY(name##_ints(x, y, out)) || name##_doubles(x, y, out) || ({ \
         READ_AGAIN;                                                   \
         ON_WORDS(name, x, y, out);                                    \
     }))
#define ON_SMALL(name, x, at, out)                          \
    (LIKELY(name##_shifted(x, PEEK_SHIFTED(at), out)) || ({ \
         READ_AGAIN;                                        \
         ON_WORDS(name, x, word_int48(PEEK_I(at)), out);    \
     }))
#define ARE_NUMBERS(x, y) (num_is(atom_deref(x)) && num_is(atom_deref(y)))
#define ARITHMETIC(name, builtin)                                                  \
    do {                                                                           \
        Word y = POP, x = POP, result;                                             \
        if (LIKELY(name##_ints(x, y, &result)) || name##_doubles(x, y, &result) || \
            ON_MIXED(name, x, y, &result) || ON_WORDS(name, x, y, &result)) {      \
            PUSH(result);                                                          \
            NEXT;                                                                  \
        }                                                                          \
        SLOW_CALL(builtin, W_SYM(T_NUMBER));                                       \
    } while (0)
#define COMPARISON(cmp, builtin)                                        \
    do {                                                                \
        Word y = POP, x = POP;                                          \
        int64_t a = int_shifted_up(x), b = int_shifted_up(y);           \
        if (LIKELY(are_shifted_up(a, b))) {                             \
            PUSH(word_bool(a cmp b));                                   \
            NEXT;                                                       \
        }                                                               \
        if (word_is_double(x) && word_is_double(y)) {                   \
            PUSH(word_bool(word_double_get(x) cmp word_double_get(y))); \
            NEXT;                                                       \
        }                                                               \
        int order = num_order(x, y);                                    \
        if (LIKELY(order != NUM_NEITHER)) {                             \
            PUSH(word_bool(IS_ORDER(order, cmp)));                      \
            NEXT;                                                       \
        }                                                               \
        SLOW_CALL(builtin, W_SYM(T_BOOL));                              \
    } while (0)

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

#define LEAVE_CHOICE(saved, alternative)                                                        \
    do {                                                                                        \
        SAVE;                                                                                   \
        leave_choice(m, f, saved, alternative, m->rt->bind.trail.len, m->rt->heap.next_serial); \
        LOAD(m->frame);                                                                         \
    } while (0)

/* Begin in the new frame F, a call of CHUNK. */
#define BEGIN(chunk)                     \
    do {                                 \
        c = (chunk);                     \
        locals = f->slot + VM_LOCALS;    \
        sp = stack = locals + c->locals; \
        ip = c->code.data;               \
        BEGUN;                           \
    } while (0)

#pragma GCC diagnostic ignored "-Woverride-init"
#pragma GCC diagnostic ignored "-Wpedantic"

#define NEXT_ROUND     \
    do {               \
        chunk_runs(c); \
        COME_BACK;     \
    } while (0)

/* Loops that differ in what costs something.  The plain one: */
#define LOOP static Step vm_run(Machine *m)
#define WATCHED 0
#define COUNT_OP NOTE_COVERAGE
#define STARTED ((void)0)
#define NEXT DISPATCH
#define BEGUN NEXT
#define IS_OVER(next) ((next) && call_is_over(next, sp, call_type, &given))
#define COME_BACK NEXT
#include "vm/loop.inc"

/* One instruction only, or the parts of a fusion; it is rare enough to ask each time whether it is watched. */
#define LOOP Step vm_step(Machine *m, uint32_t length)
#define WATCHED vm_is_watched(vm)
#define COUNT_OP (NOTE_COVERAGE, at = ip, vm->instructions++)
#define STARTED const uint8_t *started = ip
#define NEXT                                                 \
    do {                                                     \
        if (ip > started && ip < started + length) DISPATCH; \
        SAVE;                                                \
        return STEP_VM;                                      \
    } while (0)
#define BEGUN NEXT
#define IS_OVER(next) false
#define COME_BACK NEXT
#include "vm/loop.inc"

#define CROSS_IF(condition) \
    do {                    \
        if (condition) {    \
            SAVE;           \
            return STEP_VM; \
        }                   \
        NEXT;               \
    } while (0)

/* Below a tier for whose code it leaves; and it counts the calls that make a function worth compiling for that. */
#define LOOP static Step vm_run_below(Machine *m)
#define WATCHED 0
#define COUNT_OP NOTE_COVERAGE
#define STARTED ((void)0)
#define NEXT DISPATCH
#define BEGUN CROSS_IF(UNLIKELY(vm_begins_native(vm, c)))
#define IS_OVER(next) false
#define COME_BACK CROSS_IF(vm_is_native(vm, c))
#include "vm/loop.inc"

#define LOOP static Step vm_run_watched(Machine *m)
#define WATCHED 1
#define COUNT_OP (NOTE_COVERAGE, at = ip, vm->instructions++)
#define STARTED ((void)0)
#define NEXT DISPATCH
#define BEGUN CROSS_IF(UNLIKELY(vm->above &&vm_begins_native(vm, c)))
#define IS_OVER(next) false
#define COME_BACK CROSS_IF(UNLIKELY(vm->above &&vm_is_native(vm, c)))
#include "vm/loop.inc"

/* -- Hooks -- */

/* The chunk that a call of F from tier 0 runs, or NULL. */
static Chunk *entered_chunk(Machine *m, Vm *vm, Function *f)
{
    RtDebug *d = &m->rt->debug;
    if (UNLIKELY(d->watching)) {
        bool stay = d->stay || d->all;
        d->stay = false;
        if (stay || f->name == SYM_HEADED) return NULL; /* debuggers know functions by their names */
        if (f->debugged && f->apart) return f->apart;
    }
    return f->chunk ? f->chunk : find_chunk(m, vm, f);
}

static inline bool enter_function(Machine *m, Word goal, Word type, Step *next, bool watched)
{
    Vm *vm = m->rt->upper;
    bool step = word_is_nil(type);
    if (m->scope != vm->scope) return false;
    /* The evaluator's log shows every reduction: there are none to be seen in bytecode, unless its calls are logged, too. */
    if (UNLIKELY(log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE)) &&
        !log_on(&m->rt->log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE))
        return false;
    if (!step) type = atom_deref(type);
    /* An Atom or Expression is not evaluated at all. */
    if (type == W_SYM(T_ATOM) || type == W_SYM(T_EXPRESSION)) return false;
    uint32_t n = expr_len(goal);
    const Word *args = expr_items(goal);
    Word head = atom_deref(args[0]);
    if (UNLIKELY(head == W_SYM(HEADED))) return false;
    bool named = word_is_sym(head);
    Function *f = functions_get(&vm->functions, named ? word_sym_id(head) : SYM_HEADED, n - named);
    args += named;
    bool had = f->chunk != NULL;
    Chunk *c = entered_chunk(m, vm, f);
    if (step && c && !chunk_makes_steps(c)) return false;
    if (watched) watch_lookup(vm, f, had);
    if (watched && !c) watch_interpreted(vm, f);
    if (!c) return false;
    vm->entered++;
    if (watched) watch_call(vm, f, c, args);
    push_frame(m, c, args, type, m->changed);
    m->entered = goal;
    m->entered_at = m->steps;
    *next = STEP_VM;
    return true;
}

static bool vm_enter(Machine *m, Word goal, Word type, Step *next)
{
    return enter_function(m, goal, type, next, false);
}

static bool vm_enter_watched(Machine *m, Word goal, Word type, Step *next)
{
    return enter_function(m, goal, type, next, true);
}

/* A result for a VM frame.  An error ends the call, since every expression around it would return it, unless it is accepted. */
static Step vm_resume(Machine *m, Frame *f, Word value)
{
    Chunk *c = frame_chunk(f);
    uint8_t next = c->code.data[frame_ip(f)];
    if (value == W_SYM(EMPTY) && next != OP_ACCEPT_ANY) return STEP_FAIL;
    if (atom_is_error(value) && next != OP_ACCEPT && next != OP_ACCEPT_ANY) {
        m->frame = f->parent;
        return step_return(m, value);
    }
    f = own_frame(m, f);
    if (!word_is_nil(m->same_as)) f->flags |= FF_CHECK;
    frame_push(f, value);
    return STEP_VM;
}

static Step vm_retry(Machine *m, Choice *c)
{
    if (UNLIKELY(m->rt->debug.all) && m->rt->debug.ports->retry(m, c)) return STEP_FAIL;
    return take_choice(m, c) ? STEP_VM : STEP_FAIL;
}

static Step vm_retry_watched(Machine *m, Choice *c)
{
    Step step = vm_retry(m, c);
    if (step == STEP_VM) watch_backtrack(m->rt->upper, m);
    return step;
}

static int by_address(const void *a, const void *b)
{
    const Chunk *x = *(Chunk *const *)a, *y = *(Chunk *const *)b;
    return x < y ? -1 : x > y;
}

/* Mark the chunks that the machines' stacks may refer to: any word that could be a chunk counts. */
static void mark_chunks(Runtime *rt, Functions *fs)
{
    size_t n = fs->chunks.len;
    Chunk **sorted = base_alloc((n + 1) * sizeof *sorted);
    if (n) memcpy(sorted, fs->chunks.data, n * sizeof(Chunk *));
    qsort(sorted, n, sizeof(Chunk *), by_address);
    for (Machine *m = rt->machine; m; m = m->outer) {
        const Word *end = (const Word *)(m->stack + machine_stack_bytes(m));
        for (const Word *w = (const Word *)m->stack; w < end; w++) {
            if (word_tag(*w) != TAG_RAW) continue;
            const Chunk *wanted = word_ptr(*w);
            Chunk **found = bsearch(&wanted, sorted, n, sizeof(Chunk *), by_address);
            if (found) (*found)->marked = true;
        }
    }
    base_free(sorted);
}

static void vm_trace(Runtime *rt, Heap *h)
{
    enum { TOLERATED = 64 };
    Vm *vm = rt->upper;
    Functions *fs = &vm->functions;
    if (fs->stale > TOLERATED && fs->stale > fs->chunks.len / 2) {
        mark_chunks(rt, fs);
        functions_sweep(fs);
    }
    for (size_t i = 0; i < fs->chunks.len; i++) chunk_trace(fs->chunks.data[i], h);
}

static void vm_changed(Runtime *rt, Word symbol, bool types)
{
    Vm *vm = rt->upper;
    vm->expirations += functions_changed(&vm->functions, symbol, types);
}

const UpperTier vm_tier = {vm_enter, vm_run, vm_resume, vm_retry, vm_trace, vm_changed};
/* There is a tier above. */
static const UpperTier vm_tier_below = {vm_enter, vm_run_below, vm_resume, vm_retry, vm_trace, vm_changed};
const UpperTier vm_tier_watched = {vm_enter_watched, vm_run_watched, vm_resume,
                                   vm_retry_watched, vm_trace,       vm_changed};

const UpperTier *vm_tier_for(const Vm *vm)
{
    if (vm_is_watched(vm)) return &vm_tier_watched;
    return vm->above ? &vm_tier_below : &vm_tier;
}
