/* Calls that are over at once: a function that begins with a comparison of integers and returns at once if that turns out one way needs no
 * frame then. */
#ifndef METTA_CODE_EARLY_H
#define METTA_CODE_EARLY_H

#include "code/chunk.h"

/* How C begins, if it does like that; else no comparison ends its calls. */
Early early_find(const Chunk *c);

/* The numbers of 48 bits in X and Y stand in one of three ways to each other: a bit for each. */
enum { IS_LESS = 1, IS_EQUAL = 2, IS_GREATER = 4 };
/* Is a call of C's function with ARGS, where a result of TYPE is expected, over at once?  Then *RESULT is its result. */
static inline bool call_is_over(const Chunk *c, const Word *args, Word type, Word *result)
{
    const Early *e = &c->early;
    if (!e->ends) return false;
    Word x = args[e->left], y = e->two ? args[e->right] : e->number;
    if (!word_is_int(x) || !word_is_int(y)) return false;
    int64_t a = (int64_t)(x << 16), b = (int64_t)(y << 16);
    if (!(e->ends & (a < b ? IS_LESS : a == b ? IS_EQUAL : IS_GREATER))) return false;
    Word given = e->gives == EARLY_WORD ? e->value : args[e->given];
    if (e->gives == EARLY_LOCAL && !word_is_int(given)) return false;
    *result = given;
    return type == e->type || type == W_SYM(UNDEFINED);
}

#endif
