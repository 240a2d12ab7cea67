/* Chunk: the bytecode of one function, all its clauses for one number of arguments.
 *
 * Locals: the arguments first, then parts of arguments and variables bound by let.  Templates are stored terms with slots,
 * which the VM instantiates from the locals.  A chunk is immutable once made. */
#ifndef METTA_CODE_CHUNK_H
#define METTA_CODE_CHUNK_H

#include "code/op.h"
#include "match/match.h"
#include "read/read.h"

/* From this offset on the code belongs to an expression at SPAN. */
typedef struct CodePlace {
    uint32_t offset;
    Span span; /* line 0: not known */
} CodePlace;

/* A stored term to be instantiated: its slot i is local slot_map[first + i], named names[first + i]. */
typedef struct Template {
    Word term; /* root */
    uint32_t first, count;
} Template;

typedef struct Chunk {
    uint32_t name;   /* symbol of the function */
    uint32_t arity;  /* arguments */
    uint32_t locals; /* arguments, slots and parts */
    uint32_t max_stack;
    VEC(uint8_t) code;
    VEC(Word) constants; /* roots */
    VEC(Template) templates;
    VEC(uint8_t) slot_map;
    VEC(SlotName) names;
    VEC(CodePlace) places;
    uint64_t epoch; /* of rules and types when it was compiled */
} Chunk;

void chunk_free(Chunk *c);
/* Visit the constants (collector root). */
void chunk_trace(Chunk *c, Heap *h);
/* Is the code well formed: opcodes, operands, jump targets, stack heights, templates?  On false *ERROR is a static text and *AT the
 * offset. Linear. */
bool chunk_verify(const Chunk *c, const char **error, uint32_t *at);

#endif
