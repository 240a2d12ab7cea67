/* Calls that are over at once: a function that begins with a comparison of integers and returns at once if that turns out one way need not lay
 * a frame then. */
#ifndef METTA_JIT1_EARLY_H
#define METTA_JIT1_EARLY_H

#include "jit1/bytecode.h"
#include "jit1/stencil.h"

/* What such a function does. */
typedef struct Early {
    StencilName test;  /* compares LEFT with RIGHT; goes on where the call is over */
    uint32_t left;     /* a local, an argument */
    uint32_t right;    /* the same, or a small integer, as the test has it */
    StencilName gives; /* local GIVEN or the word VALUE */
    uint32_t given;
    Word value;
    Word type;     /* of the result, when it is no local */
    uint32_t rest; /* where the code goes on when the call is not over */
} Early;

/* Does C begin like that?  Then *E says how. */
bool early_find(const Chunk *c, Early *e);

#endif
