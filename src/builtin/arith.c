#include "builtin/bodies.h"

/* Arguments that are no numbers leave the call as it is: they may be symbols that stand for numbers unknown yet. */
static BiStatus arith(Runtime *rt, NumOp op, const Word *arg, Word *out)
{
    switch (num_arith(&rt->heap, op, arg[0], arg[1], out)) {
    case NUM_OK:
        return BI_OK;
    case NUM_DIV_BY_ZERO:
        *out = W_SYM(DIVISION_BY_ZERO);
        return BI_ERROR;
    case NUM_TOO_BIG:
        return bi_fail(rt, out, "integer too big");
    case NUM_NOT_NUMBER:
        break;
    }
    return BI_NO_REDUCE;
}

#include "builtin/arith.inc"
