/* Functions of the program: what the tiers know of each name and number of arguments, and who depends on what. */
#ifndef METTA_CODE_FUNCTION_H
#define METTA_CODE_FUNCTION_H

#include "code/chunk.h"
#include "space/space.h"

typedef enum CompileRefusal {
#define REFUSAL(id, text) REFUSED_##id,
#include "code/refusals.inc"
#undef REFUSAL
    REFUSAL_COUNT
} CompileRefusal;

/* Rules whose left side has an expression for a head, and N items, are those of a function with N arguments of which the head is the first.
 * Its name is SYM_HEADED. */
struct Function {
    uint32_t name, arity;
    uint32_t runs;      /* calls in tier 0 since it was last known that it has no chunk */
    uint32_t expired;   /* chunks of it that became stale, and refusals that changes made void */
    Chunk *chunk;       /* NULL: not compiled */
    const void *native; /* where the machine code of the chunk begins a call, or NULL */
    uint8_t tier;       /* the highest one that has had code for the rules as they are */
    /* Calls of it come by way of tier 0, where a debugger sees them: CHUNK is NULL, and APART is run from there. */
    bool debugged;
    Chunk *apart;
    CompileRefusal refusal;     /* why not, as the rules are now */
    const char *native_failure; /* why native code will not be tried again, a static text; or NULL */
    uint32_t native_bytes;      /* of its native code; 0: it has none */
    uint64_t executions;        /* calls carried out by its code, any chunk and tier; counted on demand */
    uint16_t
        data_epoch; /* the runtime's inert_epoch when the name was found to head data, with this many items */
};

/* Chunks, some of which may be stale. */
typedef struct DependentChunks {
    VEC(Chunk *) chunks;
    size_t live; /* how many when stale ones were last left out */
} DependentChunks;

/* What hangs on one symbol. */
typedef struct Dependents {
    DependentChunks dependents; /* that take its rules and types for granted */
    DependentChunks users;      /* that take its types for granted, not its rules */
    VEC(Function *) functions;  /* of that name */
    bool debugged;              /* the functions are, and those yet to come */
} Dependents;

typedef struct Functions {
    Function **table; /* open addressing */
    uint32_t mask, count;
    VEC(Chunk *) chunks;                         /* all that may still be on a stack */
    VEC(Dependents) dependents;                  /* by symbol */
    size_t stale;                                /* of the chunks */
    void (*on_expired)(void *context, Chunk *c); /* told of those with machine code, which goes with them */
    void *context;
    uint32_t adopted;  /* chunks ever */
    uint32_t debugged; /* names that are */
} Functions;

/* A name and a number of arguments. */
typedef struct FunctionName {
    uint32_t name, arity;
} FunctionName;
typedef VEC(FunctionName) FunctionNames;

/* Append those that S has rules for, in the order of their first rules. */
void functions_defined(Space *s, FunctionNames *out);
void functions_fini(Functions *fs);
Function *functions_find(Functions *fs, uint32_t name, uint32_t arity);
/* The function that became known first of those called NAME, if it has ARITY arguments, else NULL: most names have one number of arguments. */
static inline Function *functions_first(const Functions *fs, uint32_t name, uint32_t arity)
{
    const Dependents *of = name < fs->dependents.len ? &fs->dependents.data[name] : NULL;
    return LIKELY(of && of->functions.len > 0) && LIKELY(of->functions.data[0]->arity == arity)
               ? of->functions.data[0]
               : NULL;
}
/* The function NAME with ARITY arguments, made at first use; it stays where it is. */
static inline Function *functions_get(Functions *fs, uint32_t name, uint32_t arity)
{
    Function *first = functions_first(fs, name, arity);
    return first ? first : functions_find(fs, name, arity);
}
/* C, which FS owns from now on, is the chunk of F. */
void functions_adopt(Functions *fs, Function *f, Chunk *c);
/* The rules of SYMBOL (a word; WORD_NIL: of any symbol) have changed, or its types too (TYPES): the chunks that depend on them expire.
 * Returns how many did.  Linear in their number. */
size_t functions_changed(Functions *fs, Word symbol, bool types);
/* Have the functions called NAME debugged, or no longer; callers that do without calls of them expire. */
void functions_debug(Functions *fs, uint32_t name, bool debugged);
/* Expire all chunks, which are made anew when they are called: whoever runs in one goes on in tier 0. */
void functions_renew(Functions *fs);
/* Free the stale chunks that are not marked, and unmark the others. */
void functions_sweep(Functions *fs);

#endif
