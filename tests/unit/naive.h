/* An oracle for matching: terms as plain trees, unification by applying substitutions, as a textbook writes it.
 *
 * It shares nothing with the runtime but the words it is turned into; it is recursive and slow, and gives up (EXHAUSTED)
 * when the trees outgrow its pool.  Included by the unit tests and the fuzz target of unification. */
#ifndef METTA_TESTS_NAIVE_H
#define METTA_TESTS_NAIVE_H

#include "atom/num.h"

enum { NAIVE_VARS = 12, NAIVE_WIDTH = 3, NAIVE_POOL = 60000, NAIVE_LEAVES = 10 };

typedef enum NodeKind { NODE_VAR, NODE_LEAF, NODE_EXPR } NodeKind;

typedef struct Node {
    NodeKind kind;
    uint32_t id; /* of the variable or leaf; number of items */
    const struct Node *item[NAIVE_WIDTH];
} Node;

typedef struct Naive {
    Node *pool;
    uint32_t used;
    bool exhausted;
    const Node *subst[NAIVE_VARS]; /* NULL: unbound; never mentions a bound variable */
} Naive;

static inline void naive_init(Naive *n)
{
    memset(n, 0, sizeof *n);
    n->pool = base_alloc(NAIVE_POOL * sizeof *n->pool);
}

static inline void naive_fini(Naive *n)
{
    base_free(n->pool);
}

static inline void naive_clear_subst(Naive *n)
{
    memset(n->subst, 0, sizeof n->subst);
}

static inline void naive_reset(Naive *n)
{
    n->used = 0;
    n->exhausted = false;
    naive_clear_subst(n);
}

static inline Node *naive_node(Naive *n, NodeKind kind, uint32_t id)
{
    n->exhausted |= n->used >= NAIVE_POOL - 1;
    Node *node = &n->pool[n->exhausted ? NAIVE_POOL - 1 : n->used++];
    *node = (Node){kind, id, {NULL}};
    if (n->exhausted) *node = (Node){NODE_LEAF, 0, {NULL}};
    return node;
}

/* T with variable VAR replaced by VALUE, or, VALUE being NULL, with all bound variables replaced. */
static inline const Node *naive_apply(Naive *n, const Node *t, uint32_t var, const Node *value)
{
    if (t->kind == NODE_LEAF) return t;
    if (t->kind == NODE_VAR) {
        if (value) return t->id == var ? value : t;
        return n->subst[t->id] ? n->subst[t->id] : t;
    }
    const Node *items[NAIVE_WIDTH];
    bool changed = false;
    for (uint32_t i = 0; i < t->id; i++) {
        items[i] = naive_apply(n, t->item[i], var, value);
        changed |= items[i] != t->item[i];
    }
    if (!changed) return t;
    Node *copy = naive_node(n, NODE_EXPR, t->id);
    if (!n->exhausted) memcpy(copy->item, items, t->id * sizeof *items);
    return copy;
}

static inline bool naive_occurs(uint32_t var, const Node *t)
{
    if (t->kind == NODE_VAR) return t->id == var;
    bool found = false;
    for (uint32_t i = 0; t->kind == NODE_EXPR && i < t->id && !found; i++)
        found = naive_occurs(var, t->item[i]);
    return found;
}

static inline bool naive_extend(Naive *n, uint32_t var, const Node *value)
{
    if (naive_occurs(var, value)) return false;
    for (uint32_t i = 0; i < NAIVE_VARS; i++)
        if (n->subst[i]) n->subst[i] = naive_apply(n, n->subst[i], var, value);
    n->subst[var] = value;
    return true;
}

/* Leaves 2k and 2k+1 are equal without being identical: 1 and 1.0, two strings of one text ... */
static inline bool naive_same_leaf(uint32_t a, uint32_t b)
{
    return a / 2 == b / 2;
}

static inline bool naive_unify(Naive *n, const Node *x, const Node *y)
{
    if (n->exhausted) return false;
    x = naive_apply(n, x, 0, NULL);
    y = naive_apply(n, y, 0, NULL);
    if (x->kind == NODE_VAR && y->kind == NODE_VAR && x->id == y->id) return true;
    if (x->kind == NODE_VAR) return naive_extend(n, x->id, y);
    if (y->kind == NODE_VAR) return naive_extend(n, y->id, x);
    if (x->kind == NODE_LEAF && y->kind == NODE_LEAF) return naive_same_leaf(x->id, y->id);
    if (x->kind != y->kind || x->id != y->id) return false;
    for (uint32_t i = 0; i < x->id; i++)
        if (!naive_unify(n, x->item[i], y->item[i])) return false;
    return true;
}

/* -- Text in which variables count by first occurrence: equal texts are equal terms up to renaming -- */

typedef struct Canon {
    Buf text;
    VEC(uint64_t) vars; /* variable ids or cell words, by number */
} Canon;

static inline void canon_clear(Canon *c)
{
    vec_clear(&c->text);
    vec_clear(&c->vars);
}

static inline void canon_free(Canon *c)
{
    buf_free(&c->text);
    vec_free(&c->vars);
}

static inline void canon_var(Canon *c, uint64_t var)
{
    size_t i = 0;
    while (i < c->vars.len && c->vars.data[i] != var) i++;
    if (i == c->vars.len) vec_push(&c->vars, var);
    buf_printf(&c->text, "$%zu ", i);
}

static inline void canon_node(Canon *c, const Node *t)
{
    if (t->kind == NODE_VAR) {
        canon_var(c, t->id);
    } else if (t->kind == NODE_LEAF) {
        buf_printf(&c->text, "%u ", t->id / 2);
    } else {
        buf_putc(&c->text, '(');
        for (uint32_t i = 0; i < t->id; i++) canon_node(c, t->item[i]);
        buf_puts(&c->text, ") ");
    }
}

static inline void canon_word(Canon *c, const Word *leaves, Word w)
{
    w = atom_deref(w);
    if (word_is_var(w)) {
        canon_var(c, w);
    } else if (atom_is_expr(w)) {
        buf_putc(&c->text, '(');
        for (uint32_t i = 0; i < expr_len(w); i++) canon_word(c, leaves, expr_at(w, i));
        buf_puts(&c->text, ") ");
    } else {
        uint32_t leaf = 0;
        while (leaf < NAIVE_LEAVES && leaves[leaf] != w) leaf++;
        buf_printf(&c->text, "%u ", leaf / 2);
    }
}

static inline bool canon_equal(const Canon *a, const Canon *b)
{
    return a->text.len == b->text.len &&
           (a->text.len == 0 || memcmp(a->text.data, b->text.data, a->text.len) == 0);
}

/* -- Trees as words -- */

static inline void naive_leaves(Heap *h, Word leaves[NAIVE_LEAVES])
{
    const Word made[NAIVE_LEAVES] = {
        W_SYM(ERROR),           W_SYM(ERROR),           W_SYM(EMPTY),
        W_SYM(EMPTY),           word_int48(1),          word_double(1),
        atom_str(h, "text", 4), atom_str(h, "text", 4), num_from_int(h, INT64_C(1) << 60),
        word_double(0x1p60),
    };
    memcpy(leaves, made, sizeof made);
}

/* T with VARS for its variables.  DISGUISE: bit i set hides the i-th node behind a bound cell; used up as it goes. */
static inline Word naive_word(Heap *h, const Node *t, const Word *leaves, const Word *vars,
                              uint64_t *disguise)
{
    Word items[NAIVE_WIDTH], w;
    if (t->kind == NODE_VAR) {
        w = vars[t->id];
    } else if (t->kind == NODE_LEAF) {
        w = leaves[t->id];
    } else {
        for (uint32_t i = 0; i < t->id; i++) items[i] = naive_word(h, t->item[i], leaves, vars, disguise);
        w = atom_expr(h, items, t->id);
    }
    bool hide = disguise && (*disguise & 1);
    if (disguise) *disguise >>= 1;
    if (!hide) return w;
    Word cell = atom_new_var(h, SYM_EMPTY, 0);
    word_obj(cell)->body[0] = w;
    return cell;
}

#endif
