/* Unification of two terms made from bytes, against the oracle: success, the most general unifier up to renaming, the same
 * both ways round, nothing left after undoing; then the first term as a stored pattern against the second. */
#include "match/match.h"
#include "tests/unit/naive.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HALF = NAIVE_VARS / 2, MAX_NODES = 40, MAX_DEPTH = 12 };

typedef struct Input {
    const uint8_t *data;
    size_t size, at;
    uint32_t nodes;
} Input;

typedef struct State {
    Heap heap;
    Bind bind;
    Naive naive;
    Canon got, want;
    Word leaves[NAIVE_LEAVES], vars[NAIVE_VARS];
} State;

static void require(bool condition)
{
    if (!condition) abort();
}

static uint8_t next(Input *in)
{
    return in->at < in->size ? in->data[in->at++] : 0;
}

/* A byte names a variable (FROM on), a leaf or an expression whose items follow. */
static const Node *tree(Input *in, Naive *n, uint32_t depth, uint32_t from)
{
    uint8_t byte = next(in);
    uint32_t choice = byte / 16;
    if (choice < 5) return naive_node(n, NODE_VAR, from + byte % HALF);
    if (choice < 8 || depth == 0 || in->nodes++ > MAX_NODES)
        return naive_node(n, NODE_LEAF, byte % NAIVE_LEAVES);
    uint32_t count = byte % 16 < 4 ? byte % 4 : 2;
    Node *t = naive_node(n, NODE_EXPR, count);
    for (uint32_t i = 0; i < count; i++) t->item[i] = tree(in, n, depth - 1, from);
    return t;
}

static uint64_t bits(Input *in)
{
    uint64_t out = 0;
    for (int i = 0; i < 8; i++) out = out << 8 | next(in);
    return out;
}

/* Fresh cells, the bits of ORDER saying which are born first. */
static void make_vars(State *s, unsigned order)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < NAIVE_VARS; i++)
            if ((order >> i & 1) == (unsigned)pass) s->vars[i] = atom_new_var(&s->heap, SYM_EMPTY, 0);
}

static void check_undone(const State *s)
{
    for (uint32_t i = 0; i < NAIVE_VARS; i++) require(word_is_nil(word_obj(s->vars[i])->body[0]));
    require(s->bind.trail.len == 0);
}

/* The two terms and all variables against what the oracle's substitution makes of them. */
static void check_result(State *s, Word x, Word y, const Node *a, const Node *b)
{
    canon_clear(&s->got);
    canon_clear(&s->want);
    canon_word(&s->got, s->leaves, x);
    canon_word(&s->got, s->leaves, y);
    canon_node(&s->want, naive_apply(&s->naive, a, 0, NULL));
    canon_node(&s->want, naive_apply(&s->naive, b, 0, NULL));
    for (uint32_t i = 0; i < NAIVE_VARS; i++) {
        canon_word(&s->got, s->leaves, s->vars[i]);
        canon_node(&s->want, naive_apply(&s->naive, naive_node(&s->naive, NODE_VAR, i), 0, NULL));
    }
    if (s->naive.exhausted) return;
    require(canon_equal(&s->got, &s->want));
    require(atom_equal(x, y) && atom_alpha_equal(x, y) && atom_hash(x) == atom_hash(y));
    Word resolved = atom_resolve(&s->heap, x);
    require(atom_equal(resolved, y) && atom_is_ground(resolved) == atom_is_ground(x));
}

static void check_unify(State *s, Input *in, const Node *a, const Node *b)
{
    make_vars(s, next(in) | (unsigned)next(in) << 8);
    uint64_t hide = bits(in);
    bool want = naive_unify(&s->naive, a, b);
    if (s->naive.exhausted) return;
    Word x = naive_word(&s->heap, a, s->leaves, s->vars, &hide);
    Word y = naive_word(&s->heap, b, s->leaves, s->vars, &hide);
    for (int turned = 0; turned < 2; turned++) {
        Trial t = trial_begin(&s->bind);
        require(unify(&s->bind, turned ? y : x, turned ? x : y) == want);
        if (want) check_result(s, x, y, a, b);
        trial_abort(&s->bind, t);
        check_undone(s);
    }
}

/* A over slots, B over the other half of the variables. */
static void check_match(State *s, Input *in, const Node *a, const Node *b)
{
    Word stored[NAIVE_VARS], slots[NAIVE_VARS], own[NAIVE_VARS];
    make_vars(s, next(in) | (unsigned)next(in) << 8);
    memcpy(own, s->vars, sizeof own);
    uint64_t hide = bits(in);
    bool want = naive_unify(&s->naive, a, b);
    if (s->naive.exhausted) return;
    for (uint32_t i = 0; i < NAIVE_VARS; i++) stored[i] = word_slot(i), slots[i] = WORD_NIL;
    Word pattern = naive_word(&s->heap, a, s->leaves, stored, NULL);
    Word term = naive_word(&s->heap, b, s->leaves, s->vars, &hide);
    Trial t = trial_begin(&s->bind);
    require(match_stored(&s->bind, pattern, term, slots, NULL) == want);
    if (want) {
        Word instance = instantiate(&s->heap, pattern, slots, NULL);
        for (uint32_t i = 0; i < HALF; i++) s->vars[i] = instantiate(&s->heap, word_slot(i), slots, NULL);
        check_result(s, instance, term, a, b);
    }
    trial_abort(&s->bind, t);
    memcpy(s->vars, own, sizeof own);
    check_undone(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    State s = {0};
    require(heap_init(&s.heap, NULL, NULL));
    bind_init(&s.bind, &s.heap);
    naive_init(&s.naive);
    naive_leaves(&s.heap, s.leaves);
    Input in = {data, size, 0, 0};
    const Node *a = tree(&in, &s.naive, MAX_DEPTH, 0);
    in.nodes = 0;
    const Node *b = tree(&in, &s.naive, MAX_DEPTH, 0);
    check_unify(&s, &in, a, b);
    naive_reset(&s.naive);
    in = (Input){data, size, 0, 0};
    a = tree(&in, &s.naive, MAX_DEPTH, 0);
    in.nodes = 0;
    b = tree(&in, &s.naive, MAX_DEPTH, HALF);
    check_match(&s, &in, a, b);
    canon_free(&s.got);
    canon_free(&s.want);
    naive_fini(&s.naive);
    bind_fini(&s.bind);
    heap_fini(&s.heap);
    return 0;
}
