/* Tier 0: the tree-walking interpreter, the reference semantics of MeTTa.
 *
 * It rewrites atoms on the machine of rt/machine.h, one step at a time; each step function does a bounded amount of work
 * and names the next step.  Nothing here recurses on the depth of user programs. */
#ifndef METTA_INTERP_INTERP_H
#define METTA_INTERP_INTERP_H

#include "rt/machine.h"

/* The engine table entries of this tier. */
extern const Engine interp_engine;

/* What a run of text tells its caller.  All functions may be NULL. */
typedef struct RunEvents {
    void *context;
    /* A query ended with RESULTS; SPAN is its place.  Words are valid during the call. False stops the run. */
    bool (*query)(void *context, const QueryResults *results, const Span *span);
    /* The text is wrong at ERROR; LINE is the source line there, LINE_LEN bytes. */
    void (*syntax)(void *context, const ReadError *error, const char *line, size_t line_len);
} RunEvents;

typedef enum RunStatus {
    RUN_OK,
    RUN_ERROR,   /* a query ended in an error atom: later forms were not read */
    RUN_SYNTAX,  /* the text could not be read to its end: forms before have run */
    RUN_STOPPED, /* a callback stopped it */
    RUN_ABORTED, /* interrupted, out of time or memory */
} RunStatus;

/* Read and run the forms of TEXT in module M one after the other.  FILE names the text in spans. */
RunStatus interp_run(Runtime *rt, Module *m, const char *text, size_t len, const char *file,
                     const RunEvents *events);

/* Where the forms of a program come from: NEXT and SPANS are as reader_next and reader_spans. */
typedef struct FormSource {
    void *context;
    ReadStatus (*next)(void *context, Word *form, Span *span);
    const Span *(*spans)(void *context, size_t *count);
} FormSource;

/* The same for the forms that SOURCE gives, until it gives no more; it tells itself what is wrong with them (RUN_SYNTAX). */
RunStatus interp_run_forms(Runtime *rt, Module *m, const FormSource *source, const RunEvents *events);

/* Address space for the stack of a machine: much more than is left for the calls between two safepoints. */
#define STACK_RESERVE (UINT64_C(1) << 36)
/* Evaluate ATOM in SCOPE where any type is expected, and append its results to OUT (owned by the caller). */
void interp_eval(Runtime *rt, Scope *scope, Word atom, QueryResults *out);
/* The same on M, an idle machine of RT that machine_init has made: for those who evaluate often. */
void interp_eval_on(Machine *m, Scope *scope, Word atom, QueryResults *out);

#endif
