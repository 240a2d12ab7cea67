/* Internal to api/: what an MtRuntime is. */
#ifndef METTA_API_API_H
#define METTA_API_API_H

#include "interp/interp.h"
#include "mettatron.h"

typedef struct Kept {
    Word word;
    uint32_t generation; /* of this place; a handle with another one is stale */
    uint32_t next_free;  /* place + 1 of the next free one, while this is free */
    bool used;
} Kept;

/* A function of the host program. */
typedef struct HostFunction {
    char *name, *type, *doc;
    MtFunction function;
    void *context;
} HostFunction;

struct MtRuntime {
    struct Vm *vm;              /* of tier 1, or NULL */
    struct Jit1 *jit1;          /* of tier 2, or NULL */
    VEC(struct Mbc *) programs; /* compiled ones that were run */
    Runtime *rt;
    WordVec locals; /* words of local handles, as a stack */
    VEC(Kept) kept;
    uint32_t first_free; /* place + 1 in kept; 0: none */
    uint32_t busy;       /* runs and callbacks on the C stack: words may be in C locals */
    VEC(HostFunction *) functions;
    MtError error;
    Buf text; /* of mt_text and mt_print */
    Buf printed;
    MtOutput output;
    void *output_context;
    MtOnBreakpoint on_breakpoint;
    void *breakpoint_context;
    struct Debugger *debugger; /* or NULL */
    MtOnStop on_stop;
    void *stop_context;
    MtAtom stopped_at;
    struct FrameList *frames; /* of the stop at hand, or NULL */
    uint64_t queries, run_ns;
    uint64_t jit_stage2_threshold;
};

/* -- Handles (handle.c) -- */

MtAtom api_local(MtRuntime *x, Word w);
/* The word of a handle, dereferenced; WORD_NIL for the zero handle. */
Word api_word(const MtRuntime *x, MtAtom atom);
/* Hand out the local handles from place FIRST on, one by one, and close them.  All atoms were gathered before, so ON_ATOM may
 * change spaces and collect garbage. */
void api_hand_out(MtRuntime *x, size_t first, MtOnAtom on_atom, void *context);
/* Collect garbage if it is time and nothing but handles refers to atoms. */
void api_rest(MtRuntime *x);
/* Visit the words of all handles: the runtime's host_trace. */
void api_trace(void *host, Heap *h);

/* A string of TEXT, in which what is no UTF-8 is replaced (atom.c). */
Word api_string(MtRuntime *x, const char *text, size_t len);
/* S for the public (run.c). */
MtSpan api_span(const MtRuntime *x, const Span *s);

/* -- Errors (runtime.c) -- */

/* Note a failure; returns STATUS. */
MtStatus api_fail(MtRuntime *x, MtStatus status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Tier 1 is watched as closely as the figures that are asked for and the log demand: to be called when either changes. */
void api_choose_tier(MtRuntime *x);

#ifdef METTA_JIT
enum { API_HIGHEST_TIER = 2, API_NATIVE_TIER = 2 };
#else
enum { API_HIGHEST_TIER = 1, API_NATIVE_TIER = 2 };
#endif

/* -- Figures (stats.c) -- */

/* What (jit-stats) is, or with EXITS (bailouts): the runtime's figures hook. */
Word api_figures(Runtime *rt, bool exits);

/* -- Debugger (debugger.c) -- */

void api_free_debugger(MtRuntime *x);
/* A query of the top has ended, and its results were reported. */
void api_query_ended(MtRuntime *x);

/* -- Functions (function.c) -- */

void api_free_functions(MtRuntime *x);

#endif
