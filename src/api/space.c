/* Spaces: adding, removing, querying. */
#include "api/api.h"

#include "builtin/builtin.h"

/* The space in ATOM, or NULL with the failure noted. */
static Space *space_of(MtRuntime *x, MtAtom atom)
{
    Space *s = word_space(api_word(x, atom));
    if (!s) api_fail(x, MT_INVALID, "not a space");
    return s;
}

MtAtom mt_space_top(MtRuntime *x)
{
    return api_local(x, space_word(x->rt->top->space));
}

MtAtom mt_space_new(MtRuntime *x)
{
    return api_local(x, space_word(rt_space_new(x->rt, NULL)));
}

MtStatus mt_space_add(MtRuntime *x, MtAtom space, MtAtom atom)
{
    api_rest(x);
    Space *s = space_of(x, space);
    Word w = api_word(x, atom);
    if (!s) return MT_INVALID;
    if (word_is_nil(w)) return api_fail(x, MT_INVALID, "no atom to add");
    space_add(s, w);
    return MT_OK;
}

MtStatus mt_space_remove(MtRuntime *x, MtAtom space, MtAtom atom, bool *removed)
{
    api_rest(x);
    Space *s = space_of(x, space);
    Word w = api_word(x, atom);
    if (!s) return MT_INVALID;
    if (word_is_nil(w)) return api_fail(x, MT_INVALID, "no atom to remove");
    bool found = space_remove(s, w);
    if (removed) *removed = found;
    return MT_OK;
}

size_t mt_space_count(MtRuntime *x, MtAtom space)
{
    const Space *s = word_space(api_word(x, space));
    return s ? space_count(s) : 0;
}

static void gather(void *context, Word atom)
{
    api_local(context, atom);
}

MtStatus mt_space_each(MtRuntime *x, MtAtom space, MtOnAtom on_atom, void *context)
{
    Space *s = space_of(x, space);
    if (!s) return MT_INVALID;
    size_t first = mt_scope_open(x);
    space_each(s, gather, x);
    api_hand_out(x, first, on_atom, context);
    api_rest(x);
    return MT_OK;
}

typedef struct Answers {
    MtOnAtom on_atom;
    void *context;
} Answers;

/* Each result is (quote ANSWER). */
static bool unquote(void *context, MtRuntime *x, const MtResult *result)
{
    Answers *a = context;
    size_t first = mt_scope_open(x);
    for (size_t i = 0; i < result->count; i++) api_local(x, expr_at(api_word(x, result->atoms[i]), 1));
    api_hand_out(x, first, a->on_atom, a->context);
    return true;
}

MtStatus mt_space_query(MtRuntime *x, MtAtom space, MtAtom pattern, MtAtom template_, MtOnAtom on_atom,
                        void *context)
{
    api_rest(x);
    Heap *h = &x->rt->heap;
    if (!space_of(x, space)) return MT_INVALID;
    if (!pattern.id || !template_.id) return api_fail(x, MT_INVALID, "no pattern or no template");
    Answers answers = {on_atom, context};
    size_t scope = mt_scope_open(x);
    Word quoted = atom_expr2(h, W_SYM(QUOTE), api_word(x, template_));
    Word query = atom_expr4(h, word_op(BI_match), api_word(x, space), api_word(x, pattern), quoted);
    MtStatus status = mt_eval(x, api_local(x, query), unquote, &answers);
    mt_scope_close(x, scope);
    return status;
}
