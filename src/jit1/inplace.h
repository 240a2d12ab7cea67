/* Code that a frame which a choice point protects may run where it is.
 *
 * A protected frame may be given further results, so whoever gives it one copies it first (machine_own).  But often a result only becomes part of
 * an expression that is given on at once.  Code that calls nothing, stores nothing but locals that can be emptied again, and ends with a result or
 * with none leaves nothing behind that the next alternative could see: the frame runs it where it is.  Only if it must leave that code half-way does
 * it begin again, in a copy.
 *
 * Where more follows, the frame is copied at the end of such code; variables that alternatives share (make_shared_variables) need not be made then
 * if the rest does not read them. */
#ifndef METTA_JIT1_INPLACE_H
#define METTA_JIT1_INPLACE_H

#include "code/bytecode.h"

enum { IN_PLACE_PARTS = 4, IN_PLACE_STORES = 6 };

typedef struct InPlacePart {
    uint32_t start, end; /* offsets in the bytecode */
} InPlacePart;

typedef struct InPlace {
    InPlacePart parts[IN_PLACE_PARTS]; /* jumps of one may lead to another; it begins with the first */
    uint8_t stored[IN_PLACE_STORES];   /* locals that it stores */
    uint32_t part_count, stored_count;
    bool late; /* it may leave behind the first store: what it has stored must have been empty */
    bool
        copies; /* the frame is copied at the end of the only part; otherwise each ends with a result or with none */
} InPlace;

/* Which of the locals that P stores LOCAL is; -1: none. */
static inline int in_place_stored(const InPlace *p, uint32_t local)
{
    for (uint32_t i = 0; i < p->stored_count; i++)
        if (p->stored[i] == local) return (int)i;
    return -1;
}

/* What is known of a chunk C when such code is looked for. */
typedef struct InPlaceChunk {
    const Chunk *c;
    const int32_t *heights;         /* see chunk_heights */
    bool counted;                   /* STORES is known, which is found out when it is wanted first */
    uint32_t stores[UINT8_MAX + 1]; /* by local: how many instructions store it */
} InPlaceChunk;

/* Such code where the result of the call that ends at IP is on the operand stack.  False: there is none that saves something.  Linear in
 * what it looks at, which is not much, but for the first that takes a result apart. */
bool in_place_after(InPlaceChunk *k, uint32_t ip, InPlace *p);
/* The same behind the `try` that ends at IP: the call begins again for the alternative, so such code stores nothing and copies nothing. */
bool in_place_try(InPlaceChunk *k, uint32_t ip, InPlace *p);

#endif
