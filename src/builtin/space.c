#include "builtin/bodies.h"

static BiStatus add_items(Runtime *rt, const Word *arg, Word *out)
{
    Space *space = word_space(arg[0]);
    if (!space) return bi_fail(rt, out, "add-atom expects a space as the first argument");
    if (!atom_is_expr(arg[1])) return bi_fail_not_expr(rt, out);
    for (uint32_t i = 0; i < expr_len(arg[1]); i++) space_add(space, expr_at(arg[1], i));
    return BI_OK;
}

#include "builtin/space.inc"
