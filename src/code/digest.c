#include "code/digest.h"

/* Rules for calls with more items are not compiled, nor asked for by code (MAX_ARGUMENTS in compiler.h). */
enum { MOST_ITEMS = 128 };

typedef struct Digest {
    Runtime *rt;
    uint64_t state;
    bool bad;
} Digest;

static void mix(Digest *d, uint64_t x)
{
    d->state = base_hash_mix(d->state, x);
}

static void mix_text(Digest *d, const char *text, size_t len)
{
    mix(d, len);
    mix(d, base_hash(text, len));
}

static void mix_symbol(Digest *d, uint32_t symbol)
{
    size_t len;
    const char *text = sym_text(d->rt->symbols, symbol, &len);
    mix_text(d, text, len);
}

static void mix_object(Digest *d, const Obj *o)
{
    if (o->kind == OBJ_STR) {
        mix_text(d, (const char *)o->body, o->len);
    } else if (o->kind == OBJ_I64) {
        mix(d, o->body[0]);
    } else if (o->kind == OBJ_BIG) {
        mix(d, o->flags & OBJ_NEGATIVE);
        for (uint32_t i = 0; i < o->len; i++) mix(d, o->body[i]);
    } else {
        d->bad = true;
    }
}

static void mix_ext(Digest *d, Word w)
{
    d->bad |= w != space_word(d->rt->top->space);
}

static void mix_op(Digest *d, Word w)
{
    const BuiltinInfo *info = &d->rt->builtins[word_op_index(w)];
    d->bad |= info->host != NULL;
    mix_text(d, info->name, strlen(info->name));
}

static void mix_leaf(Digest *d, Word w)
{
    if (word_is_double(w)) {
        mix(d, UINT64_MAX);
        mix(d, w);
        return;
    }
    mix(d, word_tag(w));
    if (word_is_sym(w))
        mix_symbol(d, word_sym_id(w));
    else if (word_is_op(w))
        mix_op(d, w);
    else if (word_is_cell(w))
        mix_symbol(d, word_obj(w)->len);
    else if (word_is_ext(w))
        mix_ext(d, w);
    else if (word_is_heap(w))
        mix_object(d, word_obj(w));
    else
        mix(d, word_payload(w));
}

/* In pre-order, so that the lengths tell the shape. */
static void mix_term(Digest *d, Word term)
{
    WordVec todo = {0};
    vec_push(&todo, term);
    while (todo.len) {
        Word w = atom_deref(vec_pop(&todo));
        if (!atom_is_cons(w)) {
            mix_leaf(d, w);
            continue;
        }
        mix(d, UINT64_C(1) << 32 | expr_len(w));
        for (uint32_t i = expr_len(w); i-- > 0;) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
}

/* A call of SYMBOL that any rule for it may match. */
static Word any_call(Runtime *rt, uint32_t symbol, uint32_t len)
{
    Word *items;
    Word goal = atom_expr_open(&rt->heap, len, &items);
    items[0] = word_sym(symbol);
    for (uint32_t i = 1; i < len; i++) items[i] = atom_new_var(&rt->heap, SYM_EQUAL, 0);
    expr_seal(goal);
    return goal;
}

static void mix_rules(Digest *d, Space *s, uint32_t symbol, uint32_t len)
{
    Word goal = any_call(d->rt, symbol, len);
    RuleCursor cursor;
    Rule r;
    mix(d, len);
    rules_open(s, goal, &cursor);
    while (rules_next(&cursor, goal, &r)) {
        mix_term(d, r.lhs);
        mix_term(d, r.rhs);
        for (uint32_t i = 0; i < r.slot_count; i++) {
            mix_symbol(d, r.names[i].name);
            mix(d, r.names[i].serial);
        }
    }
}

static void mix_types(Digest *d, Scope *scope, uint32_t symbol)
{
    const TypeWorld *w = &d->rt->types;
    /* Not those that the scope keeps: looking must leave nothing behind. */
    WordVec types = {0};
    scope_declared_types(&d->rt->types, scope, word_sym(symbol), &types);
    mix(d, types.len);
    for (size_t i = 0; i < types.len; i++) mix_term(d, types.data[i]);
    vec_free(&types);
    mix(d, w->typed_expr_other);
    mix(d, symbol < w->typed_expr_head.len && w->typed_expr_head.data[symbol]);
}

static void mix_meaning(Digest *d, uint32_t symbol)
{
    uint32_t native = rt_native(d->rt, symbol);
    mix(d, native != 0);
    if (native) mix(d, d->rt->overridden.data[native - 1]);
}

bool digest_symbol(Runtime *rt, Scope *scope, uint32_t symbol, bool rules, uint64_t *digest)
{
    Digest d = {rt, 0, false};
    uint64_t serial = rt->heap.next_serial;
    mix_meaning(&d, symbol);
    mix_types(&d, scope, symbol);
    for (size_t i = 0; rules && i < scope->spaces.len; i++)
        for (uint32_t len = 1; len <= MOST_ITEMS; len++)
            if (rules_exist(scope->spaces.data[i], symbol, len))
                mix_rules(&d, scope->spaces.data[i], symbol, len);
    /* Nothing refers to the variables of these types and goals any more: what a run prints does not depend on whether it asked for digests. */
    rt->heap.next_serial = serial;
    *digest = d.state;
    return !d.bad;
}
