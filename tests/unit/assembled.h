/* Chunks for tests of what is made of them: assembled from text. */
#ifndef METTA_UNIT_ASSEMBLED_H
#define METTA_UNIT_ASSEMBLED_H

#include "builtin/builtin.h"
#include "code/asm.h"
#include "code/function.h"
#include "interp/interp.h"
#include "unit.h"

typedef struct Assembled {
    Runtime *rt;
    Functions functions;
    Chunk *c;
    int32_t *heights; /* by offset */
} Assembled;

static inline Assembled assembled_new(const char *text)
{
    Assembled a = {.rt = rt_new(builtin_table, BI_COUNT, &interp_engine)};
    Buf error = {0};
    const char *complaint;
    uint32_t at;
    a.c = chunk_assemble(a.rt, &a.functions, text, strlen(text), &error);
    if (!a.c) base_fatal("%s", buf_cstr(&error));
    a.heights = chunk_heights(a.c, &complaint, &at);
    CHECK(a.heights);
    buf_free(&error);
    return a;
}

static inline void assembled_free(Assembled *a)
{
    base_free(a->heights);
    chunk_free(a->c);
    functions_fini(&a->functions);
    rt_free(a->rt);
}

/* The text of a function f of one argument. */
#define CODE(locals, text)                                                                             \
    "=== f/1 ===\nlocals: " #locals ", upvalues: 0, arity: 1\n\n" text "constants:\n0 P\nfunctions:\n" \
    "0 f 1\ntemplates:\n0 0 0 (if a b c)\n"

#endif
