/* Calls that are over at once: a function that begins with a comparison of integers and returns at once if that turns out one way need not lay
 * a frame then. */
#ifndef METTA_JIT1_EARLY_H
#define METTA_JIT1_EARLY_H

#include "jit1/bytecode.h"
#include "jit1/stencil.h"

/* How integers are compared, in the order of the stencils. */
typedef enum Comparison { ARE_EQ, ARE_NE, ARE_LT, ARE_LE, ARE_GT, ARE_GE } Comparison;
typedef enum EarlyResult { EARLY_TESTED, EARLY_LOCAL, EARLY_WORD } EarlyResult;

/* What such a function does: if LEFT compares so with RIGHT, the call is over. */
typedef struct Early {
    Comparison compare;
    uint32_t left;     /* a local, an argument */
    uint32_t right;    /* the same, or a small integer */
    bool two;          /* RIGHT is a local */
    EarlyResult gives; /* local GIVEN, perhaps one that is compared; or the word VALUE */
    uint32_t given;
    Word value;
    Word type;     /* of the result */
    uint32_t rest; /* where the code goes on when the call is not over */
} Early;

/* Does C begin like that?  Then *E says how. */
bool early_find(const Chunk *c, Early *e);

#endif
