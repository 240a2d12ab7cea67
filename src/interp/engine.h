/* Internal to interp/: the steps and what they share.
 *
 * A call has a RETURN TYPE: the type expected of its result, which is then evaluated further; or WORD_NIL in a minimal
 * instruction, where the result is passed on as it is. */
#ifndef METTA_INTERP_ENGINE_H
#define METTA_INTERP_ENGINE_H

#include "builtin/builtin.h"
#include "interp/interp.h"

typedef enum Step {
    STEP_EVAL,    /* evaluate m->atom where m->type is expected */
    STEP_MINIMAL, /* run m->atom as a minimal instruction */
    STEP_RETURN,  /* give m->value to the current frame */
    STEP_FAIL,    /* take the newest alternative */
    STEP_HALT,    /* the machine is exhausted */
    STEP_VM,      /* run the current frame, which is a VM's */
} Step;

/* The tier above this one, plugged in by the runtime's owner (rt->upper_tier with rt->upper as its state). */
typedef struct UpperTier {
    /* Take over the call GOAL of a symbol that is not native: push a frame for it and set *NEXT.  False: tier 0's. */
    bool (*enter)(Machine *m, Word goal, Word type, Step *next);
    /* Run the current frame. */
    Step (*run)(Machine *m);
    /* Give VALUE to F, a frame of this tier. */
    Step (*resume)(Machine *m, Frame *f, Word value);
    /* Take the alternative of C, the newest choice point and one of this tier. */
    Step (*retry)(Machine *m, Choice *c);
    /* Collector roots. */
    void (*trace)(Runtime *rt, Heap *h);
    /* The owner makes this rt->changed. */
    void (*changed)(Runtime *rt, Word symbol, bool types);
} UpperTier;

/* What a debugger is told of, and may answer with a step of its own: rt->debug.ports, while rt->debug.watching says so.  Each may
 * evaluate, and so collect: what is live is in the registers named here, and taken from there afterwards. */
typedef struct DebugPorts {
    /* The goal m->atom is about to be called where m->type is expected.  False: *NEXT is to be done instead. */
    bool (*call)(Machine *m, Step *next);
    /* A rule (m->rule) has matched the goal m->atom; m->value is what that becomes.  False: as above. */
    bool (*unify)(Machine *m, Step *next);
    /* The expression m->atom, flagged by the debugger (OBJ_SPOT), is about to be evaluated.  False: as above. */
    bool (*reach)(Machine *m, Step *next);
    /* The goal m->atom is irreducible.  False: as above. */
    bool (*stuck)(Machine *m, Step *next);
    /* The error m->value has been made, by calling m->atom unless that is Nil. */
    void (*error)(Machine *m);
    /* A FRAME_PORT gets the result m->value. */
    Step (*result)(Machine *m, Frame *f);
    /* The CHOICE_PORT C is the newest choice point, and its alternative is taken. */
    Step (*back)(Machine *m, Choice *c);
    /* The choice point C of the tier above, the newest one, is taken while all runs in tier 0.  True: what it has left is in one of tier 0 now,
     * which is the newest one. */
    bool (*retry)(Machine *m, Choice *c);
    /* The run is interrupted at a safepoint.  True: it goes on. */
    bool (*pause)(Machine *m);
    /* The operation m->atom, whose result is m->value, has changed a space or a state that somebody waits for. */
    void (*changed)(Machine *m);
    /* None of these evaluates: a whole evaluation has the result m->value; a pattern has matched FACT; the operation CALL has given VALUE. */
    void (*top)(Machine *m);
    void (*row)(Machine *m, Word fact);
    void (*operation)(Machine *m, Word call, Word value);
    /* A form of a text is about to be evaluated (rt->debug.query). */
    void (*query)(Runtime *rt);
    /* Collector roots. */
    void (*trace)(Runtime *rt, Heap *h);
} DebugPorts;

/* Slots of a FRAME_PORT and a CHOICE_PORT; the number of the goal is an integer. */
enum { MARK_GOAL, MARK_NUMBER, MARK_TYPE, MARK_SLOTS };

static inline bool is_watched(const Machine *m)
{
#ifdef METTA_NO_DEBUG_SUPPORT
    (void)m;
    return false;
#else
    return UNLIKELY(m->rt->debug.watching);
#endif
}

/* Does the debugger wait for the evaluation of E, an expression? */
static inline bool is_spot(const Machine *m, Word e)
{
    return UNLIKELY(word_obj(e)->flags & OBJ_SPOT) && is_watched(m);
}

static inline Step step_return(Machine *m, Word value)
{
    m->value = value;
    m->same_as = WORD_NIL;
    return STEP_RETURN;
}
static inline Step step_eval(Machine *m, Word atom, Word type)
{
    m->atom = atom;
    m->type = type;
    return STEP_EVAL;
}
static inline Step step_minimal(Machine *m, Word atom)
{
    m->atom = atom;
    return STEP_MINIMAL;
}

/* eval.c */
Step eval_step(Machine *m);
/* Is nothing seen but the size of the expression that the current frame waits for?  It is the value of (let $x VALUE BODY), which is all that
 * is left of the query, and BODY is arithmetic on sizes. */
bool only_counts(const Machine *m);
/* Return to ARGS, the frame that collects the items of a call. */
Step args_resume(Machine *m, Frame *f, Word value);
enum { STEPS_PER_SAFEPOINT = 1 << 16 };
/* A loop that allocates nothing must still see interrupts and the clock. */
static inline void count_step(Machine *m)
{
    if (UNLIKELY((++m->steps & (STEPS_PER_SAFEPOINT - 1)) == 0)) heap_interrupt(&m->rt->heap);
}

/* Slots of choice points.
 * CHOICE_RULES: INDEX is the space of the scope that the cursor is in; LIMIT how many more rules may be applied, 0: all.
 * CHOICE_LIST: the items of a list from INDEX on are results of a call; an item may be given with bindings.
 * CHOICE_MATCH: more rows of one pattern; INDEX is the space of its scope, the cursor is open in it. */
enum { RULES_GOAL, RULES_TYPE, RULES_SLOTS };
enum { LIST_ITEMS, LIST_GOAL, LIST_TYPE, LIST_SLOTS };
enum {
    MATCH_SPACE, /* whose scope is searched */
    MATCH_PATTERN,
    MATCH_REST, /* other conjuncts: (space pattern space pattern ...), Unit when none */
    MATCH_GOAL,
    MATCH_RESULT,
    MATCH_TYPE,
    MATCH_SLOTS,
    MATCH_LEFT = MATCH_SLOTS /* where there is such a slot: how many more rows may be taken */
};
/* Flags of CHOICE_MATCH: search the space itself, not what it depends on; the cursor is still to be opened. */
enum { MATCH_OWN = 1, MATCH_CLOSED = 2 };

/* call.c: calls of rules and builtins */

/* Call GOAL, whose arguments are ready. */
Step call(Machine *m, Word goal, Word type);
/* Carry out STEP, which is STEP_RETURN or STEP_FAIL. */
Step run_result(Machine *m, Step step);
/* Go on with R, one result of calling GOAL. */
Step call_result(Machine *m, Word goal, Word r, Word type);
/* GOAL is irreducible. */
Step call_stuck(Machine *m, Word goal, Word type);
/* The call GOAL failed with CAUSE: its result is (Error GOAL CAUSE). */
Step call_error(Machine *m, Word goal, Word cause, Word type);
/* The items of LIST are the results of calling GOAL. */
Step call_many(Machine *m, Word goal, Word list, Word type);
/* Leave a choice point for them, none of which has been taken; a list without items is none. */
void leave_items(Machine *m, Word goal, Word list, Word type);
/* The items of ERRORS are results already. */
Step return_many(Machine *m, const WordVec *values);
/* Leave a choice point that returns VALUES, if there are any. */
void leave_values(Machine *m, const WordVec *values);
/* The same by rules only. */
Step call_rules(Machine *m, Word goal, Word type);
Step rules_resume(Machine *m, Choice *c);

Step list_resume(Machine *m, Choice *c);
Step values_resume(Machine *m, Choice *c);
/* The result of what follows is the result of calling GOAL where TYPE is expected. */
void push_call_return(Machine *m, Word goal, Word type);
/* The flag of a frame that waits for a result of the goal at work, which keeps m->changed; goal_resumes takes it back. */
static inline unsigned changed_flag(const Machine *m)
{
    return m->changed ? FF_CHANGED : 0;
}
static inline void goal_resumes(Machine *m, const Frame *f)
{
    m->changed = (f->flags & FF_CHANGED) != 0;
}
/* Run a (function BODY) on behalf of GOAL. */
Step run_function(Machine *m, Word goal, Word body, Word type);
/* The same from REST on, what remains of it. */
Step run_function_rest(Machine *m, Word goal, Word rest, Word type);

/* Bind as BINDS says, which was captured when variables were bound so; on false no binding stays. */
bool apply_bindings(Bind *b, Word binds);
/* The alternatives of a list of (result bindings) pairs; an error when PAIRS holds something else. */
Step call_many_bound(Machine *m, Word goal, Word pairs, Word type);

/* minimal.c: minimal instructions */

Step minimal_step(Machine *m);
Step chain_resume(Machine *m, Frame *f, Word value);
Step function_resume(Machine *m, Frame *f, Word value);
Step collapse_bind_resume(Machine *m, Frame *f, Word value);
/* What cons-atom makes of a head and an expression, and decons-atom of an expression that is not empty; its tail by itself. */
Word list_cons(Heap *h, Word head, Word tail);
Word list_split(Heap *h, Word list);
Word list_tail(Heap *h, Word list);
/* Is EXPR's head a minimal instruction? */
bool is_instruction(const Machine *m, Word expr);
/* Is EXPR a (function ...)? */
bool is_function_atom(const Machine *m, Word expr);
/* GOAL is a minimal instruction called where a result of TYPE is expected. */
Step special_instruction(Machine *m, Word goal, Word type);
/* (VALUE bindings): VALUE with what was bound since choice point C. */
Word bound_pair(Machine *m, Word value, Choice *c);
/* query.c: */
/* Reduce an atom that is no expression by one step. */
Step eval_symbol(Machine *m, Word atom);
typedef bool (*Unification)(Bind *b, Word x, Word y);
/* Unify X and Y by UNIFICATION (unify or unify_pattern); spaces and other custom atoms inside are queried.  Then go on with RESULT of GOAL, once per solution; OTHERWISE when
 * there is none. */
Step unify_then(Machine *m, Unification unification, Word x, Word y, Word goal, Word result, Word otherwise,
                Word type);

/* match and conjunctions */
Step special_match(Machine *m, Word goal, Word type);
Step special_get_atoms(Machine *m, Word goal, Word type);
/* RESULT of GOAL for each match of PATTERN, perhaps a conjunction, in the space that is SPACE. */
Step match_each(Machine *m, Word space, Word pattern, Word goal, Word result, Word type);

static inline bool is_conjunction(Word pattern)
{
    return atom_is_cons(pattern) && atom_deref(expr_at(pattern, 0)) == W_SYM(COMMA);
}
/* For results that are not needed: bind PATTERN, no conjunction, to its first match in the space that is SPACE, and leave a choice point, whose results are
 * (), if more may follow.  False: there is no match, and the newest alternative is to be taken, which undoes what was bound. */
bool match_rows(Machine *m, Space *space, Word pattern);
/* The same for PATTERN, a conjunction, and its first solution. */
bool match_all(Machine *m, Space *space, Word pattern);
/* Does C, a CHOICE_MATCH, give () as it stands for each solution? */
bool match_is_bare(const Choice *c);
/* C, the newest choice point, is such: put the state back to what it was when it was made, and bind its pattern to the next row, and the other conjuncts
 * to theirs.  False: the newest alternative is to be taken.  Without a next row C is dropped. */
bool match_more(Machine *m, Choice *c);

/* Solve the list of (space pattern) pairs PAIRS[n]; RESULT of GOAL for each solution. */
Step join_start(Machine *m, const Word *pairs, uint32_t n, Word goal, Word result, Word type);
Step match_resume(Machine *m, Choice *c);
/* Does C, a CHOICE_MATCH, hold an open cursor? */
bool match_is_open(const Choice *c);
/* How many more rows of it may be taken; 0: all. */
size_t match_left(const Choice *c);

/* special.c: operations with a handler of their own, by builtin index */

typedef Step (*SpecialHandler)(Machine *m, Word goal, Word type);
SpecialHandler special_handler(uint32_t builtin);
/* Gather the results of evaluating ATOM (KIND FRAME_COLLAPSE) or running it (FRAME_COLLAPSE_BIND). */
Step collapse_start(Machine *m, FrameKind kind, Word atom, Word goal, Word type);
/* The same without starting: what is evaluated next is gathered. */
void collapse_open(Machine *m, FrameKind kind, Word goal, Word type);
/* The collapse that was just opened keeps no results: what it gives has () for each. */
void collapse_counts(Machine *m);
/* Is what the current frame is given counted, and no more? */
bool is_counted(Machine *m);
/* A list gathered newest first, as an expression oldest first. */
Word gathered(Heap *h, Word list);
/* F, a FRAME_COLLAPSE, is given VALUE, which is no variable that is bound: it gathers it, and wants the next one.  Constant time, but
 * for a copy of an expression that holds variables. */
void collapse_take(Machine *m, const Frame *f, Word value);
Step collapse_end(Machine *m, Choice *c);
Step case_resume(Machine *m, Frame *f, Word value);
Step case_empty(Machine *m, Choice *c);
Step let_star_resume(Machine *m, Frame *f, Word value);
Step map_resume(Machine *m, Frame *f, Word value);
/* The condition of filter-atom has the value VALUE, no Bool, after BEFORE (WORD_NIL: nothing): is it to be evaluated once more?  One
 * instruction may not be enough to reach a Bool. */
static inline bool condition_goes_on(Word before, Word value)
{
    if (!atom_may_reduce(value) || atom_is_error(value)) return false;
    return word_is_nil(before) || !atom_equal(before, value);
}
Step filter_resume(Machine *m, Frame *f, Word value);
Step fold_resume(Machine *m, Frame *f, Word value);

/* machine loop: run.c */

/* Start evaluating in another scope: pushes a frame that restores the present one. */
void enter_scope(Machine *m, Scope *scope, unsigned flags);
/* Deliver the held-back errors of a goal. */
Step held_resume(Machine *m, Choice *c);
/* VALUE resolved, as a result to keep until the alternatives above choice point C are exhausted.  Its variables, though younger than
 * C, count as older from now on: what alternatives bind them to is undone.  Linear in VALUE and, when it has such variables, in
 * the number of choice points above C. */
Word kept_result(Machine *m, Choice *c, Word value);
/* The error ERROR has been made by calling GOAL (WORD_NIL: not by a call): tell the debugger; returns the error. */
Word error_made(Machine *m, Word goal, Word error);
/* The expression whose parts the frame F of tier 0 is evaluating, and the part that is; WORD_NIL when F has none. */
Word frame_expression(const Frame *f);
Word frame_part(const Frame *f);
/* (Error GOAL StackOverflow) */
Word overflow_error(Machine *m, Word goal);
/* The spans around the present step, for log filters. */
bool interp_enclosing(void *context, size_t index, LogSpan *out);
/* Log lines of the evaluator, behind log_on tests. */
void log_eval(Machine *m, Word atom, Word type);
void log_reduction(Machine *m, Word goal, Word result);
/* At a safepoint: collect, check limits.  Returns false when the run must end. */
bool safepoint(Machine *m);

#endif
