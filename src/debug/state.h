/* Internal to debug/: what a debugger is. */
#ifndef METTA_DEBUG_STATE_H
#define METTA_DEBUG_STATE_H

#include "debug/debug.h"

/* A marked goal, as long as it may have more results. */
typedef struct Goal {
    uint64_t number;
    uint32_t depth;
    uint32_t results;
    Span place; /* of the call */
    const Space *space;
    uint32_t rule;     /* applied last, if SPACE is not NULL */
    const Choice *end; /* its CHOICE_PORT */
    bool quiet;        /* what it calls is not to be seen while it runs */
    const char *
        open; /* not NULL: it was marked when a rule had matched already, and choice points above this are its own */
    bool ended; /* it has given something in place of a result that was told already: stuck, or an error */
} Goal;

typedef struct Derivation Derivation;

/* Where an error was made. */
typedef struct ErrorTrace {
    Word error; /* root */
    char *text;
} ErrorTrace;

enum { RECORD_TEXT = 104, RECORDS = 128 };
typedef struct Record {
    uint8_t port;
    uint32_t depth;
    uint64_t number;
    char text[RECORD_TEXT];
} Record;

/* A call that the debugger was told of, and may have made a last call since (tail.c). */
typedef struct TailCall {
    Word goal;          /* root */
    const Frame *frame; /* its continuation */
    uint32_t index;     /* of that, when it was made */
    uint32_t depth, head;
} TailCall;
enum { NOTED_CALLS = 32 };

/* How far to run: until a port of GOAL (0: none) or one not deeper than DEPTH. */
typedef struct Target {
    Resume how;
    uint64_t goal;
    uint32_t depth;
    bool call; /* it was asked for at the call of GOAL */
} Target;

/* Bits of Debugger.watch. */
enum {
    WATCH_CALLS = 1, /* some breakpoint asks at calls */
    WATCH_PORTS = 2, /* or at later ports: the goals are marked */
    WATCH_RULES = 4, /* or at rules: the function stays in tier 0 */
    WATCH_LINES = 8, /* or at parts of their bodies */
};

struct Debugger {
    Runtime *rt;
    OnStop on_stop;
    void *context;
    Machine *machine; /* that is stopped, or at a port */
    bool busy;        /* a client is being asked, or a condition evaluated: nothing of that is to be seen */
    uint32_t first_break; /* the breakpoint that has set FIRST, or 0 */
    bool first;           /* stop at the first port */
    bool pauses;          /* an interrupt asks the client */
    bool quitting;        /* the client has ended the run */
    size_t quiet;         /* number of goals that are */
    Target target;
    VEC(Goal) goals; /* by ascending number */
    uint64_t numbers;
    /* At a stop: */
    Stop stop;
    uint64_t retry; /* for the answers */
    bool take_later;
    Word forced;
    uint64_t forced_goal;
    /* Results of the goal of RESUME_FINISH_ALL. */
    Buf gathered;
    size_t gathered_count;
    /* Breakpoints: */
    VEC(Breakpoint *) breaks;
    uint32_t ids;
    VEC(uint8_t) watch;     /* by symbol */
    bool natives;           /* some breakpoint is at an operation of the library */
    uint32_t catches;       /* bit per CatchKind */
    size_t resolved;        /* number of rules with places when lines were last looked up */
    Machine spare;          /* for conditions; stack NULL: not made yet */
    Buf error;              /* the text of a complaint */
    Buf note;               /* of a stop */
    Derivation *derivation; /* being made, or NULL: then all goals are marked, and nothing stops */
    Word kept;              /* root, for those who evaluate */
    VEC(uint32_t) near;     /* by symbol: what it may be a misspelling of, see near_function */
    VEC(ErrorTrace) errors; /* of the query at work, the first ones */
    Word last_error;        /* told last: root */
    bool error_told;        /* the client was asked about it */
    /* Calls noted, of CALL_MACHINE: COUNT of them from FIRST on, round about. */
    TailCall calls[NOTED_CALLS];
    size_t call_first, call_count;
    const Machine *call_machine;
    Record records[RECORDS];
    uint64_t recorded;
};

/* derive.c: to be called for a goal just marked, a rule applied, a result of a marked goal or of the whole, a row of a match, a call of an
 * operation, a goal without a result. */
bool derivation_is_full(const Debugger *d);
void derive_call(Debugger *d, Machine *m, Frame *mark);
void derive_rule(Debugger *d, const Machine *m);
void derive_exit(Debugger *d, const Frame *mark, Word value);
void derive_result(Debugger *d, const Machine *m, Word value);
void derive_fact(Debugger *d, const Machine *m, Word fact);
void derive_operation(Debugger *d, const Machine *m, Word call, Word value);
void derive_miss(Debugger *d, Word goal);
void derivation_trace(Derivation *v, Heap *h);

static inline Debugger *debugger_of(const Machine *m)
{
    return m->rt->debug.debugger;
}

/* control.c: bring the flags of the runtime up to date with what is asked for. */
void update_watching(Debugger *d);
/* The symbol of HEAD, an operation's name; NO_HEAD when it is neither. */
uint32_t head_symbol(Debugger *d, Word head);
bool head_is(Debugger *d, Word head, const char *name);
/* Are all goals of the program to be marked? */
bool wants_marks(const Debugger *d);
Goal *goal_find(Debugger *d, uint64_t number);
static inline void set_quiet(Debugger *d, Goal *goal, bool quiet)
{
    d->quiet += (size_t)quiet - (size_t)goal->quiet;
    goal->quiet = quiet;
}

/* port.c */
/* Ask the client about *S, of M, whose goal is not marked; its place and depth are filled in. */
void ask_about(Debugger *d, Machine *m, Stop *s);
extern const DebugPorts debug_ports;
/* The goal whose results F, a FRAME_PORT, gets. */
static inline uint64_t mark_number(const Word *slot)
{
    return (uint64_t)word_int48_get(slot[MARK_NUMBER]);
}
/* The choice point at the end of marked goal NUMBER of M, or NULL when it has no more results. */
Choice *end_of_goal(const Machine *m, uint64_t number);
/* Choice points of M have been dropped: so have the goals that they were the ends of. */
void forget_pruned(Debugger *d, const Machine *m);
/* The innermost marked goal that M is in, or NULL.  Linear in the depth. */
Frame *frame_of_goal(const Machine *m);

/* breakpoint.c: the breakpoint that stops GOAL at PORT, or NULL.  VALUE: of EXIT, else NULL.  Both are registers of the machine. */
Breakpoint *break_hit(Debugger *d, Port port, Word *goal, Word *value);
Breakpoint *catch_hit(Debugger *d, CatchKind kind);
/* Does the condition of B hold for GOAL?  VARIABLES gets those of the rules, unless B is at a line: then it has them already. */
bool condition_holds(Debugger *d, Machine *m, Breakpoint *b, const Word *goal, const Word *value,
                     Bindings *variables);
/* B has come true: does it stop? */
bool break_counts(Breakpoint *b);
/* HIT, or NULL, stops: if it is temporary, for the last time.  Returns it. */
Breakpoint *break_stops(Debugger *d, Breakpoint *hit);
void breaks_trace(Debugger *d, Heap *h);
void breaks_free(Debugger *d);
/* Does a breakpoint wait for this change?  Then it is noted, for the end of the operation. */
void space_changed(Runtime *rt, Space *s, Word atom, bool added);

/* tail.c */
/* The goal m->atom is called: note it, and forget those that have ended. */
void note_call(Debugger *d, Machine *m);
/* W comes to the continuation of a call of HEAD: find what has made that as a last call. */
void tail_begin(Walk *w, uint32_t head);
/* Is the next one of these a call of HEAD? */
bool tail_is(const Walk *w, uint32_t head);
/* The next one, the newest first; false: there is none. */
bool tail_next(Walk *w, Activation *a);
void tails_trace(Debugger *d, Heap *h);

/* line.c */
/* Find the line that B, a new breakpoint, is at as far as the text tells; false: there is none, and *ERROR says so. */
bool line_look_up(Debugger *d, Breakpoint *b, const char **error);
void line_free(Breakpoint *b);
/* Find the rules that lines mean, if there are new ones. */
void resolve_lines(Debugger *d);
/* Stop in the query that is about to run, if a breakpoint is at one of its lines. */
void break_at_query(Debugger *d);
/* Is B at the whole rule that M has applied? */
bool line_has_rule(const Breakpoint *b, const Machine *m);
/* M has applied a rule of a function that is watched for lines to m->atom: see to it that evaluation is seen to come to them in m->value. */
void line_rule_applied(Debugger *d, Machine *m);
/* A frame pushed by that, which knows the call and the rule. */
bool is_line_frame(const Frame *f);
void line_frame_rule(const Frame *f, const Space **space, uint32_t *rule);
/* Evaluation has come to m->atom, flagged so: the breakpoint that stops there, in the call that *FRAME is the line frame of, or NULL. */
Breakpoint *line_hit(Debugger *d, Frame **frame, Span *place);
/* The goal of F, a line frame, which is marked now if it was not: its further results are seen. */
Goal *line_goal(Debugger *d, Frame *f, uint32_t depth);

/* choice.c: drop the newest choice point, C, if nothing of what it has left can match; false: it stays. */
bool drop_useless(Debugger *d, Choice *c);
/* C, the newest choice point and one of bytecode, begins a call with another clause: have tier 0 do that.  False: it does not. */
bool choice_to_tier0(Debugger *d, Choice *c);

/* clash.c: the known function that HEAD may be a misspelling of, NO_HEAD when none is near. */
uint32_t near_function(Debugger *d, const Scope *scope, uint32_t head);
/* Is it strange that GOAL is irreducible?  Not so if it is data: nobody has rules for its head, nor for one like it. */
bool is_surprising(Debugger *d, const Scope *scope, Word goal);

/* record.c */
void record(Debugger *d, Port port, uint64_t number, uint32_t depth, Word goal, Word value);
/* M has made ERROR: note where.  Only the first ones of a query are noted, as programs may make many. */
void record_error(Debugger *d, Machine *m, Word error);
void forget_errors(Debugger *d);

#endif
