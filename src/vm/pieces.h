/* Pieces of opcode bodies that are too long for the loop, or are shared. */
#ifndef METTA_VM_PIECES_H
#define METTA_VM_PIECES_H

#include "atom/num.h"
#include "vm/frame.h"

/* -- Values -- */

/* Can a constant of a pattern match VALUE though the words differ?  So it is for variables, floats (1 and 1.0), and what has an equality
 * of its own. */
static inline bool needs_unification(Word value)
{
    return word_is_var(value) || word_is_double(value) || word_is_ext(value);
}

/* Is TWIN, an expression, the twin of X, dereferenced? */
static inline bool has_twin(Word x, Word twin)
{
    if (!atom_is_cons(x)) return false;
    const Obj *cell = expr_twin_cell(x);
    return cell && cell->body[0] == twin;
}

/* Are X and Y, dereferenced, certainly the same for unification? */
static inline bool are_same(Word x, Word y)
{
    return x == y ? x != WORD_NAN : has_twin(y, x) || has_twin(x, y);
}

/* What match_functor does with VALUE, dereferenced, as the last part of a fusion that ends at END. */
#define FUNCTOR_LAST(value, end)                                                                   \
    do {                                                                                           \
        if (UNLIKELY(word_is_var(value) || word_is_ext(value))) JUMP_AT((end) - 2, end);           \
        if (!atom_is_cons(value) || expr_len(value) != PEEK_N((end) - 5)) JUMP_AT((end) - 4, end); \
        Word head = atom_deref(expr_at(value, 0));                                                 \
        if (LIKELY(head == PEEK_K((end) - 7))) {                                                   \
            SKIP(end);                                                                             \
            NEXT;                                                                                  \
        }                                                                                          \
        if (needs_unification(head)) JUMP_AT((end) - 2, end);                                      \
        JUMP_AT((end) - 4, end);                                                                   \
    } while (0)

/* Is the expression VALUE, which has items, known to have no variables? */
static inline bool has_no_variables(Word value)
{
    return LIKELY(word_obj(value)->flags & OBJ_GROUND);
}

/* Make *VALUE, an expression that may reduce, what evaluating it would give, if it is nothing but data: itself or a copy, marked
 * as irreducible where it is ground.  False: it must be evaluated. */
bool settle(Machine *m, Word *value);
static inline bool must_evaluate(Machine *m, Word *value)
{
    return atom_may_reduce(*value) && !settle(m, value);
}
/* Would settle make of VALUE, an expression that may reduce, what evaluating it gives?  Nothing is marked, since it is not evaluated yet. */
bool is_settleable(Machine *m, Word value);
/* As settle, of *VALUE, an argument that has matched template INDEX, when the instance of that is to be evaluated instead: expressions of the template
 * whose heads the code does not know are looked at again, though *VALUE may have been evaluated before. */
bool settle_argument(Machine *m, const Chunk *c, uint32_t index, Word *value);
/* May the current frame, which waits for a result, be a relay for it? */
static inline bool may_relay(const Machine *m)
{
    return m->frame->kind == FRAME_VM && frame_chunk(m->frame)->relays.len > 0;
}
/* VALUE, an expression, is for the current frame.  As long as that is a relay, have it give what it gives for that, with no copy of it when it is protected, and let its
 * parent be current.  Returns what is to be given to the frame that is current then. */
Word relay_result(Machine *m, Word value);
/* Is F data: a symbol without types, meaning or rules?  Then a call of it is its own result. */
bool is_data_function(Machine *m, Function *f);
/* headless_are_data, found out once for each epoch in which they are. */
bool may_be_headless(Machine *m);
/* VALUE is a new expression whose head is data and whose items are values: note that it is inert, if that is so. */
void note_inert(Machine *m, Word value);

/* The expression of N items, headed by data and built of values; SAME: they are as the program wrote them.  What is known of it is noted. */
Word make_expression(Machine *m, const Word *items, uint32_t n, bool same);

/* type_quick, at once for the commonest values. */
static inline Word quick_type(Machine *m, Word value)
{
    if (num_is(value)) return W_SYM(T_NUMBER);
    if (word_is_bool(value)) return W_SYM(T_BOOL);
    return type_quick(&m->rt->types, m->scope, value);
}
/* May (== X Y) be computed on the values as they are? */
bool are_comparable(Machine *m, Word x, Word y);
/* Is HEAD a symbol without types and without a meaning of its own? */
bool is_plain_head(Machine *m, Word head);
/* Have expressions that it heads no types either? */
bool is_untyped_head(Machine *m, Word head);
/* Can a caller that expects TYPE take VALUE without a look at its types?  (Irreducible expressions are not checked.) */
static inline bool fits_type(Word value, Word type)
{
    if (num_is(value)) return type == W_SYM(T_NUMBER) || type == W_SYM(UNDEFINED);
    if (atom_is_cons(value)) return !atom_may_reduce(value) || !atom_is_error(value);
    return type == W_SYM(UNDEFINED) || (word_is_bool(value) && type == W_SYM(T_BOOL));
}

/* Of two values that an opcode takes. */
#define INT_OPERANDS (word_is_int(x) && word_is_int(y))

/* Integers of 48 bits are computed with 16 bits further up, where they overflow when those of 64 bits do.  A word turned round has its tag
 * below. */
static inline uint64_t word_turned(Word w)
{
    uint64_t turned = w << 16 | w >> 48;
    /* Or compilers would take the tag out of W. */
    __asm__("" : "+r"(turned));
    return turned;
}

static inline Word word_turned_back(uint64_t turned)
{
    return turned << 48 | turned >> 16;
}

/* X shifted up; if X is no integer, not all bits below are 0: see are_shifted_up. */
static inline int64_t int_shifted_up(Word x)
{
    return (int64_t)(word_turned(x) - TAG_INT);
}

static inline bool are_shifted_up(int64_t a, int64_t b)
{
    return (uint16_t)(a | b) == 0;
}

static inline Word int_shifted_back(int64_t a)
{
    return word_turned_back((uint64_t)a + TAG_INT);
}

/* Arithmetic that says false if its operands are no integers, or the result does not fit.  Y is shifted up already.  The tag of X stays where it
 * is: that is shortest for what depends on the result. */
static inline bool add_shifted(Word x, int64_t y, Word *out)
{
    int64_t a = (int64_t)word_turned(x), r;
    if ((uint16_t)a != TAG_INT || __builtin_add_overflow(a, y, &r)) return false;
    *out = word_turned_back((uint64_t)r);
    return true;
}

static inline bool sub_shifted(Word x, int64_t y, Word *out)
{
    int64_t a = (int64_t)word_turned(x), r;
    if ((uint16_t)a != TAG_INT || __builtin_sub_overflow(a, y, &r)) return false;
    *out = word_turned_back((uint64_t)r);
    return true;
}

static inline bool add_ints(Word x, Word y, Word *out)
{
    int64_t a = (int64_t)word_turned(x), b = int_shifted_up(y), r;
    if (!are_shifted_up(a - TAG_INT, b) || __builtin_add_overflow(a, b, &r)) return false;
    *out = word_turned_back((uint64_t)r);
    return true;
}

static inline bool sub_ints(Word x, Word y, Word *out)
{
    int64_t a = (int64_t)word_turned(x), b = int_shifted_up(y), r;
    if (!are_shifted_up(a - TAG_INT, b) || __builtin_sub_overflow(a, b, &r)) return false;
    *out = word_turned_back((uint64_t)r);
    return true;
}

static inline bool mul_ints(Word x, Word y, Word *out)
{
    int64_t a = int_shifted_up(x), b = int_shifted_up(y), r;
    if (!are_shifted_up(a, b) || __builtin_mul_overflow(a, b >> 16, &r)) return false;
    *out = int_shifted_back(r);
    return true;
}

/* The same for floats: it says false, too, if the result is not a number.  Words that are none are not numbers to the processor, and what it
 * makes of them is none. */
static inline bool word_of_double(double d, Word *out)
{
    memcpy(out, &d, sizeof d);
    return d == d;
}

static inline bool add_doubles(Word x, Word y, Word *out)
{
    return word_of_double(word_double_get(x) + word_double_get(y), out);
}

static inline bool sub_doubles(Word x, Word y, Word *out)
{
    return word_of_double(word_double_get(x) - word_double_get(y), out);
}

static inline bool mul_doubles(Word x, Word y, Word *out)
{
    return word_of_double(word_double_get(x) * word_double_get(y), out);
}

/* A float that is the number X, if X is a small integer; else X. */
static inline Word as_double(Word x)
{
    return word_is_int(x) ? word_double((double)word_int48_get(x)) : x;
}

/* NAME_doubles for an integer and a float. */
#define ON_MIXED(name, x, y, out) (!INT_OPERANDS && name##_doubles(as_double(x), as_double(y), out))
/* All else, by C: integers beyond 48 bits, bound variables. */
#define ON_WORDS(name, x, y, out) (*(out) = num_##name(&m->rt->heap, x, y), LIKELY(!word_is_nil(*(out))))
/* What num_order has found, compared with 0 by the operator. */
#define IS_ORDER(order, cmp) ((order) != NUM_UNORDERED && (order)cmp 0)

/* Are X and Y floats, and none of them not a number? */
static inline bool are_ordered(Word x, Word y)
{
    return !__builtin_isunordered(word_double_get(x), word_double_get(y));
}

/* Is VALUE the result of evaluating it, and the result of a call of which it is the body? */
static inline bool gives_itself(Word value)
{
    return !atom_may_reduce(value) && value != W_SYM(EMPTY) && value != W_SYM(NOT_REDUCIBLE);
}

/* Is VALUE an item of an expression as it stands: no bound variable, nothing to evaluate, not Empty? */
static inline bool is_item(Word value)
{
    if (word_is_heap(value)) return !atom_may_reduce(value);
    return !word_is_cell(value) && value != W_SYM(EMPTY);
}

/* The same of what *VALUE stands for, if it is a variable; then it becomes that, and an unbound variable is an item. */
static inline bool as_item(Word *value)
{
    Word w = *value = atom_deref(*value);
    return word_is_heap(w) ? !atom_may_reduce(w) : w != W_SYM(EMPTY);
}
/* In opcode bodies, of the local variable VALUE: machine code has not the registers to follow variables. */
#define AS_ITEM(value) is_item(value)

/* *OUT: the expression of HEAD, which is data, X and Y, all as the program wrote them.  False: X or Y is no item as it stands. */
static inline bool make_same_of(Machine *m, Word head, Word x, Word y, Word *out)
{
    if (!is_item(x) || !is_item(y)) return false;
    Word items[] = {head, x, y};
    *out = make_expression(m, items, 3, true);
    return true;
}

/* Is HEAD no symbol, and nothing that has a function type? */
bool heads_tuple(Machine *m, Word head);
/* *OUT: the expression of N values of which the first is no symbol; COMPUTED: evaluation made some.  False: it may be no data. */
bool make_headless(Machine *m, const Word *items, uint32_t n, bool computed, Word *out);
/* *OUT: the expression of N values, if it is data, whatever the first is; COMPUTED: evaluation made some of the others.  False: it is a call, or may be one. */
bool make_tuple(Machine *m, const Word *items, uint32_t n, bool computed, Word *out);
/* The function that calls of N items with HEAD, no symbol, are calls of, if it is compiled; else NULL. */
Function *headed_function(Machine *m, Word head, uint32_t n);

/* -- Terms -- */

Word instantiate_template(Machine *m, Frame *f, const Chunk *c, uint32_t index);
/* (HEAD ARGS...) */
/* (HEAD ARGS ...), or (ARGS ...) for the name of all that an expression heads. */
Word make_call(Machine *m, Word head, const Word *args, uint32_t n);
/* The same where HEAD is data; COMPUTED: evaluation made some of the arguments. */
Word make_data(Machine *m, Word head, const Word *args, uint32_t n, bool computed);
/* The call that F carries out. */
Word rebuild_goal(Machine *m, const Frame *f, const Chunk *c);

/* -- Matching -- */

/* Unify the arguments of F, the current frame, with the left side that is template LHS and set the locals of its variables; then leave a
 * choice point for the code at ALTERNATIVE unless that is 0, so that another frame may be current.  False: nothing is bound. */
bool unify_head(Machine *m, Frame *f, const Chunk *c, uint32_t lhs, uint32_t alternative);

/* Bind VAR, if it is an unbound variable, to template PATTERN, an expression of N items, with new variables. */
bool bind_new(Machine *m, const Chunk *c, Word var, uint32_t pattern, uint32_t n);

typedef enum MatchOutcome {
    MATCH_YES,
    MATCH_NO,     /* nothing is bound */
    MATCH_CUSTOM, /* a space must be asked; nothing is bound */
    MATCH_ROW, /* a space was asked: () was given to the frame, in it or a copy of it that is current then */
} MatchOutcome;
/* Unify VALUE with template PATTERN; locals of variables in it that hold nothing are set. */
MatchOutcome match_let(Machine *m, Frame *f, const Chunk *c, Word value, uint32_t pattern);
/* The same where spaces are not asked.  False: nothing is bound. */
bool match_template(Machine *m, Frame *f, const Chunk *c, Word value, uint32_t pattern);
/* The pattern and the space on top of F, which is saved behind the instruction: bind the pattern to its first match and put () in place of both, in F or a copy
 * of it that is current then; a choice point is left if more may follow.  MATCH_NO: they are gone.  MATCH_CUSTOM: nothing is done, it is no plain query. */
MatchOutcome match_space(Machine *m, Frame *f, const Chunk *c);
/* Unify templates X and Y. */
MatchOutcome unify_templates(Machine *m, Frame *f, const Chunk *c, uint32_t x, uint32_t y);
/* The same, in F as it is saved.  Where one is a space that is to be asked for the other: MATCH_NO, or MATCH_ROW, with a choice point left if more
 * may follow. */
MatchOutcome unify_or_ask(Machine *m, Frame *f, const Chunk *c, uint32_t x, uint32_t y);

/* Is GOAL, made of the operands of the instruction that OFFSET is in, the expression that the program wrote, though some operands
 * were evaluated?  Takes what a look through the expressions of the chunk and at all of GOAL takes: for what is rare. */
bool as_written(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word goal);
/* The same for the call of HEAD, or an expression of N items whose head is the first (HEAD is WORD_NIL). */
bool items_as_written(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word head,
                      const Word *items, uint32_t n);

/* Has evaluation left VALUE as it was written, as template INDEX? */
bool is_unchanged(Machine *m, const Frame *f, const Chunk *c, uint32_t index, Word value);
/* Is LIST, a gathered list of evaluated items, what calling it gives?  Says no when in doubt.  MADE: it is not what was written. */
bool is_mere_list(Machine *m, Word list, bool made);

/* -- Leaving -- */

/* Call GOAL in tier 0; COMPUTED: some argument is not what the program wrote. */
static inline Step call_tier0(Machine *m, Word goal, Word type, bool computed)
{
    m->changed = computed;
    return call(m, goal, type);
}
/* Call GOAL, made of the operands of the instruction that OFFSET is in, in tier 0, which finds out what is to be done. */
Step call_again(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word goal, Word type);
/* Call the operation HEAD with the N values ARGS in tier 0; COMPUTED: some argument is not what the program wrote, as far as the code tells. */
Step call_operation(Machine *m, const Frame *f, uint32_t offset, Word head, const Word *args, uint32_t n,
                    bool computed);
/* Call the form WHOLE with VALUE as item I in tier 0. */
Step call_form(Machine *m, Frame *f, const Chunk *c, uint32_t whole, uint32_t i, Word value, Word type);
/* A safepoint in the middle of a call: the call survives in the machine's registers. */
Step call_after_safepoint(Machine *m, Word goal, Word type, bool computed);
/* A safepoint where an alternative begins, whose frame is current: alternatives that fail one after the other make no call. */
bool safepoint_again(Machine *m);
/* F gives VALUE, which means something else than itself or is an open expression. */
Step leave_with(Machine *m, Frame *f, const Chunk *c, Word value);
/* Evaluate template INDEX in place of F. */
Step leave_for(Machine *m, Frame *f, const Chunk *c, uint32_t index);
/* The call that F carries out is its own result. */
Step leave_stuck(Machine *m, Frame *f, const Chunk *c);

/* The same, as one of its clauses says, with what that has bound. */
Step leave_not_reducible(Machine *m, Frame *f, const Chunk *c);
/* BODY, a (function ...), is the body of the rule that F carries out. */
Step leave_function(Machine *m, Frame *f, const Chunk *c, Word body);
/* REST is what remains to be run of the (function ...) that is the body of the rule that F carries out. */
Step leave_function_rest(Machine *m, Frame *f, const Chunk *c, Word rest);
/* REST is what remains to be run of the instruction WHOLE of F's code, where F's type is expected. */
Step leave_form_rest(Machine *m, Frame *f, const Chunk *c, uint32_t rest, uint32_t whole);
/* Is ATOM, an expression of code that has type TYPE, the (function ...) that is the body of a rule? */
bool is_body_of(const Machine *m, Word atom, Word type);
/* The items of LIST are the results of F, which is gone then: leave a choice point for them.  False: it is for tier 0 to say, by call_superpose. */
bool leave_list(Machine *m, Frame *f, Word list);
Step call_superpose(Machine *m, Frame *f, Word list);
/* The whole evaluation ends where F is. */
Step leave_halted(Machine *m, const Frame *f, const Chunk *c);
/* What F evaluates of the form WHOLE has a result that says nothing. */
Step leave_no_return(Machine *m, Frame *f, const Chunk *c, uint32_t whole);
/* The form WHOLE of F's code is its own result, where TYPE is expected; its item I, if not 0, has become VALUE. */
Step stuck_form(Machine *m, Frame *f, const Chunk *c, uint32_t whole, uint32_t i, Word value, Word type);

typedef enum NativeOutcome { NATIVE_VALUE, NATIVE_NONE, NATIVE_STEP } NativeOutcome;
/* Call the pure operation HEAD by the instruction of F's code that OFFSET is in: a value in *RESULT, or none, or *STEP is to be done and
 * gives the result. */
NativeOutcome call_pure(Machine *m, const Frame *f, uint32_t offset, Word head, const Word *args, uint32_t n,
                        Word *result, Step *step);
/* One step of the pure operation HEAD: false if it has no single plain result. */
bool step_pure(Machine *m, Word head, const Word *args, uint32_t n, Word *result);
/* The type expected of the result of operation HEAD. */
Word native_result(const Machine *m, Word head);

/* -- Debugging -- */

/* The current frame, which is saved, has come to a breakpoint with CONDITION, WORD_NIL: none.  False: that is no condition, and nobody was told. */
bool tell_breakpoint(Machine *m, Word condition);
/* Call breakpoint! with the N values ARGS in tier 0. */
Step call_breakpoint(Machine *m, const Word *args, uint32_t n);
/* Log and print MESSAGE with VALUE. */
void tell_trace(Machine *m, Word message, Word value);

#endif
