/* The debugger: breakpoints, ports, frames, alternatives.  It knows no terminal: whoever drives it (the prompt of the command, an
 * adapter for editors) is asked at each stop through one function, looks around with the functions below, and answers how to go on.
 *
 * It sees evaluation through DebugPorts (interp/engine.h), which tier 0 calls while rt->debug.watching is on.  A goal that is to be seen
 * from its call to its end is *marked*: a CHOICE_PORT below everything that it leaves tells that it has no more results, a FRAME_PORT
 * above that gets each result, and a second CHOICE_PORT on top of what is pending after a result tells when evaluation comes back.
 * So ports need nothing of the tiers, and nothing of them is left when nothing is marked.
 *
 * Functions with breakpoints (debugged: code/function.h) are called by way of tier 0; where rules are to be seen, and while stepping, they stay
 * there.  All else runs where it always does.
 *
 * Words given to clients, or taken from them, are valid until the next evaluation. */
#ifndef METTA_DEBUG_DEBUG_H
#define METTA_DEBUG_DEBUG_H

#include "interp/engine.h"

typedef enum Port {
#define PORT(id, name, meaning) AT_##id,
#include "debug/ports.inc"
#undef PORT
    PORT_COUNT
} Port;

typedef enum StopReason {
    STOP_STEP,       /* as the client has asked for */
    STOP_BREAKPOINT, /* one of the client's */
    STOP_WATCH,      /* a space or a state has changed */
    STOP_PROGRAM,    /* (breakpoint!) */
    STOP_PAUSE,      /* the run was interrupted */
} StopReason;

/* How to go on. */
typedef enum Resume {
    RESUME_CONTINUE,
    RESUME_STEP,       /* to the next port */
    RESUME_NEXT,       /* to the next port of this goal, or behind it */
    RESUME_FINISH,     /* to the next port of the goal around it */
    RESUME_FINISH_ALL, /* to the end of this goal's results */
    RESUME_RETRY,      /* back to the call of debug_retry's goal */
    RESUME_FORCE,      /* the goal has the result of debug_force */
    RESUME_TAKE, /* take the alternative that alternative_choose has put first, or after the result at hand */
    RESUME_QUIT, /* end the run */
} Resume;

/* A port that evaluation has come to.  Fields that a port has no use for are 0 or Nil. */
typedef struct Stop {
    StopReason reason;
    Port port;
    uint64_t number;     /* of the goal; 0: it is not marked */
    uint32_t depth;      /* of nested goals, from 1 */
    uint32_t result;     /* EXIT: which one, from 1 */
    size_t alternatives; /* EXIT: pending ones of this goal; REDO: all that are left */
    Word goal;           /* WORD_NIL: none */
    Word value;    /* UNIFY: what it becomes; EXIT: the result; ERROR: the error; watchpoints: the atom */
    uint32_t tier; /* the highest one that has code for the goal's function */
    Span place;    /* of the call; line 0: not known */
    bool inner;    /* ERROR: made by what the goal has called */
    bool inside;   /* UNIFY: VALUE is a part of the body, at PLACE, that evaluation has come to */
    uint32_t breakpoint; /* that has stopped it, or 0 */
    const char *note;    /* a line more, or NULL */
} Stop;

typedef struct Debugger Debugger;
typedef Resume (*OnStop)(void *context, Debugger *d, const Stop *stop);

/* The debugger of RT, which asks ON_STOP from now on.  debug_free detaches it; the runtime must still live. */
Debugger *debug_new(Runtime *rt, OnStop on_stop, void *context);
void debug_free(Debugger *d);
/* Stop at the first port of what runs next. */
void debug_stop_first(Debugger *d);
/* A form at the top has been evaluated: what was marked is gone. */
void debug_query_ended(Debugger *d);

/* -- While stopped -- */

/* Can the client have evaluation go on elsewhere: RETRY, FORCE, TAKE?  Not in the middle of an operation. */
bool debug_can_leave(const Debugger *d);

/* The goal to call again with RESUME_RETRY; false: its alternatives are gone, and with them the way back. */
bool debug_retry(Debugger *d, uint64_t number);
/* The result of the goal at RESUME_FORCE; false: the goal is not marked or has ended. */
bool debug_force(Debugger *d, Word result);
/* After RESUME_FINISH_ALL: how many results there were, and their texts, one in a line.  Valid until the next evaluation. */
const char *debug_gathered(Debugger *d, size_t *count);

/* -- Breakpoints (breakpoint.c) -- */

typedef enum BreakKind {
    BREAK_FUNCTION, /* calls of a name */
    BREAK_PATTERN,  /* goals that unify with a pattern */
    BREAK_LINE,     /* what is evaluated on a line of a text */
    BREAK_SPACE,    /* atoms that come or go */
    BREAK_STATE,    /* changes of a state */
    BREAK_CATCH,    /* kinds of events, wherever they happen */
} BreakKind;

typedef enum CatchKind {
#define CATCH(id, name, meaning) CATCH_##id,
#include "debug/catches.inc"
#undef CATCH
    CATCH_COUNT
} CatchKind;

enum { ANY_ARITY = UINT32_MAX, MOST_ITEMS = 16 /* that are looked at for any */ };

enum { MOST_ARGUMENTS = 8, NO_ARGUMENT = UINT32_MAX };
/* A variable of a condition that is an argument of the call. */
typedef struct Argument {
    uint32_t name, at;
} Argument;

/* What a line means in one rule. */
typedef struct LineSpot {
    uint32_t head; /* of the function */
    const Space *space;
    uint32_t rule;
    uint32_t depth; /* items in the path */
    uint32_t
        *path;  /* to the expression in the right side, by items; NULL: the whole rule, when it has matched */
    Span place; /* of the expression */
} LineSpot;

typedef struct Breakpoint {
    uint32_t id;
    BreakKind kind;
    bool enabled, temporary;
    bool
        native; /* FUNCTION, PATTERN: the head is an operation of the library, which compiled code calls on its own */
    Port port;
    CatchKind catches;
    uint32_t head, arity; /* FUNCTION, PATTERN */
    char *file;           /* LINE; or NULL */
    uint32_t line;        /* as asked for */
    uint32_t wanted;      /* the next line that an expression begins on */
    uint32_t first;       /* the line that was found; 0: none yet */
    VEC(LineSpot) spots;  /* what was found; none: a query, or nothing yet */
    char *note;           /* that the line is another one, or the file is not there; or NULL */
    Word pattern;         /* PATTERN, SPACE; root */
    Word subject;         /* SPACE, STATE: root */
    Word condition;       /* root; WORD_NIL: none */
    char *text;           /* as it was written */
    char *condition_text; /* or NULL */
    char *hit_condition;  /* "5", ">=5", "%5"; or NULL */
    /* For calls with this many items (0: not looked up yet); a count of NO_ARGUMENT: not all variables are arguments. */
    uint32_t argument_items, argument_count;
    Argument arguments[MOST_ARGUMENTS];
    uint64_t ignore;            /* hits still to be passed over */
    uint64_t hits, evaluations; /* stops and passes; how often the condition was asked for */
} Breakpoint;

/* Set a breakpoint; returns its number, or 0 and *ERROR says what is wrong with TEXT.
 *
 *   HEAD[/ARITY][:PORT] [if CONDITION] [hits COUNT]     calls of a function
 *   (PATTERN)[:PORT] [if ...] [hits ...]                goals that unify with it
 *   FILE:LINE [if ...] [hits ...]                       what is evaluated there
 *
 * A line that the left side of a rule begins on means the rule, when it has matched; one of its right side the expressions that begin there,
 * when evaluation comes to them; one of a query its first call.  Where there is nothing the next such line is taken.
 * PORT is call unless given.  CONDITION is an expression over the variables of rule and pattern, and $result at exit; it holds when it
 * evaluates to True.  COUNT is N (from the Nth on: ">=N", every Nth: "%N"). */
uint32_t break_add(Debugger *d, const char *text, bool temporary, const char **error);
/* Watch SPACE [PATTERN] or a state: TEXT is read in the top module, where it is evaluated when it is a call. */
uint32_t break_add_watch(Debugger *d, const char *text, const char **error);
/* Stop at "error", "stuck", "empty", "assert" or "type". */
uint32_t break_add_catch(Debugger *d, const char *name, const char **error);
/* The breakpoint with that number, or NULL; the Ith, NULL behind the last. */
Breakpoint *break_find(Debugger *d, uint32_t id);
Breakpoint *break_at_index(Debugger *d, size_t i);
/* After a change of ENABLED. */
void break_changed(Debugger *d);
/* TEXT: NULL or "" takes the condition away.  False and *ERROR: it is no expression. */
bool break_condition(Debugger *d, Breakpoint *b, const char *text, const char **error);
bool break_hit_condition(Breakpoint *b, const char *text);
void break_delete(Debugger *d, Breakpoint *b);

/* -- Frames (frame.c) -- */

/* One function at work, or the query at the top. */
typedef struct Activation {
    uint32_t head;   /* NO_HEAD: the query */
    uint64_t number; /* of the goal, 0: not marked */
    Word goal;       /* the call; WORD_NIL: not known */
    Word whole;      /* the expression in its body that is being reduced; WORD_NIL: not known */
    Word part;       /* the part of it that is being evaluated */
    const Frame *frame;
    bool
        tail; /* a function that has made a last call: its call is known if it is one of the last ones told, else its name only */
    uint32_t tier;
    const Space *space; /* of the rule at work, if the frame knows it, else NULL */
    uint32_t rule;
    Span place;   /* of PART, where it is known; else line 0 */
    bool gathers; /* PART is a collapse whose argument is at work */
} Activation;

/* Goes from the goal at the stop outwards. */
typedef struct Walk {
    Debugger *d;
    const Frame *frame;
    uint32_t head;
    bool started;
    bool walked; /* some activation was asked for */
    Word call;   /* what the frame that was walked last has called, or Nil: valid until the next evaluation */
    bool inside; /* the first one is at the place of the stop */
    bool elided; /* calls that have made a last call are wanted, too */
    size_t tail, tails; /* see tail.c */
} Walk;

/* CALL: that is at the stop, or Nil. */
Walk walk_begin(Debugger *d, Word call);
bool walk_next(Walk *w, Activation *a);
/* Number of activations; linear, but stops at LIMIT. */
size_t walk_count(Debugger *d, size_t limit);

typedef struct Binding {
    uint32_t name; /* symbol */
    Word value;
} Binding;
typedef VEC(Binding) Bindings;

/* What is known of an activation: where it is, and its variables. */
typedef struct Site {
    Span place;
    const Space *space; /* of the rule at work; NULL: not known */
    uint32_t rule;
    Word goal;        /* as far as it could be told */
    Word whole, part; /* what is being reduced, and the part of that which is being evaluated, or Nil */
} Site;
void site_of(Debugger *d, const Activation *a, Site *site, Bindings *bindings);

/* -- Rules (rule.c) -- */

typedef struct FoundRule {
    Space *space;
    Rule rule;
} FoundRule;
typedef VEC(FoundRule) FoundRules;
/* Append the rules for HEAD, with ARITY arguments or ANY_ARITY, in order.  Valid until the next safepoint. */
void rules_of(Debugger *d, const Scope *scope, uint32_t head, uint32_t arity, FoundRules *out);
/* Is TERM an instance of PATTERN, a part of RULE?  Appends what the variables in it are; nothing stays bound. */
bool part_bindings(Debugger *d, const Rule *rule, Word pattern, Word term, Bindings *out);
/* Does GOAL match the rule?  Appends the variables of the rule; nothing stays bound. */
bool rule_bindings(Debugger *d, const Rule *rule, Word goal, Bindings *out);
/* The place of the rule; line 0: it has none. */
Span rule_place(Debugger *d, const Space *s, uint32_t rule);
/* Find the expression in the rules of HEAD that E may be an instance of, E's own parts perhaps evaluated. */
bool find_expression(Debugger *d, const Scope *scope, uint32_t head, Word e, FoundRule *rule, Span *place,
                     Bindings *bindings);
/* The expression of the rule that begins at PLACE, and the one that it is an item of (WORD_NIL: none). */
bool expression_at(Debugger *d, const FoundRule *r, const Span *place, Word *node, Word *around);
/* *PLACE is that of an expression of the rule: let it be that of its item ITEM.  False: that is no expression. */
bool item_place(Debugger *d, const FoundRule *r, uint32_t item, Span *place);
/* How many expressions E and its parts are; empty ones do not count. */
size_t count_expressions(Word e);
/* PART of the rule with its variables as they are known. */
Word instance(Debugger *d, const Rule *rule, Word part, const Bindings *bindings);
/* Where GOAL, which M is about to call, stands in the text. */
Span call_place(Debugger *d, const Machine *m, Word goal);
/* The same when HEAD calls it with the continuation FRAME. */
Span call_place_in(Debugger *d, const Scope *scope, const Frame *frame, uint32_t head, Word goal);
/* Has the program itself rules for HEAD with N items? */
bool is_program_function(Debugger *d, const Scope *scope, Word head, uint32_t n);

/* Append FILE:LINE, if the place is known. */
void print_place(Debugger *d, Span place, Buf *out);

/* -- Values (value.c) -- */

/* Append the text of W, cut when it is longer than about LIMIT bytes.  Takes no longer than that. */
void print_short(Runtime *rt, Word w, size_t limit, Buf *out);
/* W with its variables replaced by those of BINDINGS with the same name. */
Word apply_names(Runtime *rt, Word w, const Bindings *bindings);
/* Evaluate ATOM in place, on a machine of its own; what it changes is changed. */
void evaluate(Debugger *d, Word atom, QueryResults *out);
/* The same in a copy of the process: appends the texts of the results, one in a line, and nothing else happens but what the program prints.
 * False: that is not possible. */
bool evaluate_apart(Debugger *d, Word atom, Buf *out);

/* -- Alternatives (choice.c) -- */

typedef struct Alternative {
    const Choice *choice;
    Word goal;   /* that it belongs to; WORD_NIL: not known */
    Word next;   /* the next one: a rule, a row or an item; WORD_NIL: not known */
    Span place;  /* of that, if it is a rule */
    size_t left; /* how many, at least */
    bool exact;  /* no more than that */
    const char *kind;
} Alternative;
typedef VEC(Alternative) Alternatives;
/* Pending ones of the stopped machine, newest first, down to the choice point UNTIL (NULL: all). */
void alternatives(Debugger *d, const Choice *until, Alternatives *out);
/* Number of those newer than UNTIL. */
size_t alternatives_left(Debugger *d, const Choice *until);
/* Which one is alternative WHICH (from 1) of the Nth (from 1), and where does it stand?  False: there is no such. */
bool alternative_option(Debugger *d, size_t n, size_t which, Word *atom, Span *place);
/* Put alternative WHICH (from 1) of the Nth (from 1) first; those newer than the Nth are given up.  False: there is none, or it cannot be
 * put first, and *ERROR says so. */
bool alternative_choose(Debugger *d, size_t n, size_t which, const char **error);
/* Remove the Nth: the program loses results. */
bool alternative_prune(Debugger *d, size_t n, const char **error);

/* -- Why, and why not (derive.c, clash.c) -- */

typedef enum WhyFormat { WHY_TEXT, WHY_JSON, WHY_DOT, WHY_ATOMS } WhyFormat;
/* Evaluate EXPRESSION, and append how each result was derived, or only result WANTED (from 1; 0: each); as text also why calls in it came
 * to nothing.  WHY_ATOMS: (derivation EXPRESSION RESULT PART...) go to ATOMS, whose parts are such, (rule PLACE), (fact ATOM) and
 * (operation CALL RESULT).  Returns the number of results. */
size_t explain(Debugger *d, Scope *scope, Word expression, WhyFormat format, size_t wanted, Buf *out,
               WordVec *atoms);
enum { WHY_NOT_FEW = 3 };
/* Append why GOAL is not reduced, or has no result: up to MOST of the nearest rules, each with the first place at which it differs.  May
 * evaluate. */
void why_not(Debugger *d, Scope *scope, Word goal, size_t most, Buf *out);

/* -- Recorder (record.c) -- */

/* Where the error ERROR was made by the query that has just ended: lines with the calls it is inside of and their places; NULL when that
 * is not known.  Valid until debug_query_ended. */
const char *error_trace(Debugger *d, Word error);
/* The last events, oldest first, one in a line. */
void recorder_print(Debugger *d, Buf *out);

#endif
