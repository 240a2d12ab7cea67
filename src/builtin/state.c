#include "builtin/bodies.h"

/* A mutable cell.  Both words are resolved: they outlive the bindings of the evaluation that made them. */
typedef struct State {
    Ext base;
    Word value;
    Word type; /* (StateMonad T) */
} State;

static void trace_state(Ext *x, void (*visit)(void *heap, Word *slot), void *heap)
{
    State *s = (State *)x;
    visit(heap, &s->value);
    visit(heap, &s->type);
}

static void destroy_state(Ext *x)
{
    base_free(x);
}

static const Word *content_of_state(const Ext *x)
{
    return &((const State *)x)->value;
}

static Word type_of_state(const Ext *x)
{
    return ((const State *)x)->type;
}

static const ExtType state_type = {
    .name = "State",
    .trace = trace_state,
    .destroy = destroy_state,
    .content = content_of_state,
    .type_of = type_of_state,
};

static State *state_of(Word w)
{
    return (State *)word_ext_of(w, &state_type);
}

static Word new_state(Runtime *rt, Word value, Word type)
{
    assert(!word_is_nil(value) && !word_is_nil(type));
    State *s = base_calloc(1, sizeof *s);
    s->base.type = &state_type;
    s->value = atom_resolve(&rt->heap, value);
    s->type = atom_resolve(&rt->heap, atom_expr2(&rt->heap, W_SYM(STATE_MONAD), type));
    s->base.dirty = true;
    return heap_add_ext(&rt->heap, &s->base);
}

#include "builtin/state.inc"
