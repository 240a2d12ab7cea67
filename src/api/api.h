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
    uint64_t queries, run_ns;
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

/* -- Errors (runtime.c) -- */

/* Note a failure; returns STATUS. */
MtStatus api_fail(MtRuntime *x, MtStatus status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* -- Functions (function.c) -- */

void api_free_functions(MtRuntime *x);

#endif
