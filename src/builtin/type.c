#include "builtin/bodies.h"

/* The valid types of ATOM as results: none when all of its types are errors. */
static BiStatus give_types(Runtime *rt, Scope *scope, Word atom, Word *out)
{
    TypeList types = {0};
    WordVec valid = {0};
    types_of(&rt->types, scope, atom, &types);
    for (size_t i = 0; i < types.len; i++)
        if (word_is_nil(types.data[i].error)) vec_push(&valid, types.data[i].type);
    if (types.len == 0) vec_push(&valid, W_SYM(UNDEFINED));
    *out = atom_expr(&rt->heap, valid.data, (uint32_t)valid.len);
    BiStatus status = valid.len ? BI_MANY : BI_NONE;
    vec_free(&types);
    vec_free(&valid);
    return status;
}

static bool has_type(Runtime *rt, Scope *scope, Word atom, Word type)
{
    TypeList types = {0};
    types_of(&rt->types, scope, atom, &types);
    bool found = types.len == 0;
    for (size_t i = 0; i < types.len && !found; i++)
        found = word_is_nil(types.data[i].error) && types_match(&rt->types, types.data[i].type, type);
    vec_free(&types);
    return found;
}

#include "builtin/type.inc"
