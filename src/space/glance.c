/* Queries of relations with a handful of rows: a look at each tells which may match. */
#include "space/relation.h"

/* A pattern is taken apart into probes, level by level, so that its parts are followed once, not for each row, and what is outside is compared
 * first. */
enum { PROBES_MAX = 20, VARS_MAX = 8, NODES_MAX = 6, NODE_ITEMS = 8 };

/* LEN of a probe for a word that equals nothing but itself, and for another one that is no expression. */
enum { EXACT = 0, LOOSE = UINT32_MAX };

/* A place in a row: ITEM of the expression NODE, of which 0 is the row itself.  There must be an expression of LEN items, which is the next
 * node; or see above. */
typedef struct Probe {
    Word word;
    uint32_t len;
    uint16_t node, item;
} Probe;

typedef struct Variable {
    Word cell;
    uint32_t node, item;
} Variable;

typedef struct Glance {
    Word pattern; /* dereferenced */
    uint32_t probes, vars;
    bool exact; /* what the probes let through matches, and VARS are all variables */
    Relation *rel;
    uint32_t row; /* the one that was found */
    Probe probe[PROBES_MAX];
    Variable var[VARS_MAX];
    const Word *node[NODES_MAX]; /* the items of its expressions */
} Glance;

#define SLOT WORD_MAKE(TAG_VAR, WORD_SLOT_BIT)
/* In the place of an expression where a row has a variable, which may be anything. */
static const Word anything[NODE_ITEMS] = {SLOT, SLOT, SLOT, SLOT, SLOT, SLOT, SLOT, SLOT};
#undef SLOT

static inline bool is_new_var(const Glance *g, Word cell, uint32_t vars)
{
    for (uint32_t i = 0; i < vars; i++)
        if (g->var[i].cell == cell) return false;
    return vars < VARS_MAX;
}

/* Take the pattern apart; ARGS are its N words that correspond to the cells of a row. */
static inline void take_apart(Glance *g, const Word *args, uint32_t n)
{
    const Word *items[NODES_MAX];
    uint32_t len[NODES_MAX], nodes = 1, probes = 0, vars = 0;
    items[0] = args;
    len[0] = n;
    g->exact = true;
    for (uint32_t node = 0; node < nodes; node++) {
        if (UNLIKELY(len[node] > NODE_ITEMS)) {
            len[node] = NODE_ITEMS;
            g->exact = false;
        }
        for (uint32_t i = 0; i < len[node]; i++) {
            Word term = atom_deref(items[node][i]);
            uint32_t kind = word_is_exact(term) ? EXACT : LOOSE;
            if (word_is_cell(term)) {
                if (LIKELY(is_new_var(g, term, vars)))
                    g->var[vars++] = (Variable){term, node, i};
                else
                    g->exact = false;
                continue;
            }
            if (UNLIKELY(probes == PROBES_MAX)) {
                g->exact = false;
                continue;
            }
            if (atom_is_cons(term)) {
                if (UNLIKELY(nodes == NODES_MAX)) {
                    g->exact = false;
                    continue;
                }
                items[nodes] = expr_items(term);
                kind = len[nodes++] = expr_len(term);
            }
            g->probe[probes++] = (Probe){term, kind, (uint16_t)node, (uint16_t)i};
        }
    }
    g->probes = probes;
    g->vars = vars;
}

/* May the row of CELLS match, as far as the probes tell?  NODE is filled with the items of its expressions.  *EXACT is cleared unless it does. */
static inline bool may_fit(const Glance *g, const Word *cells, const Word **node, bool *exact)
{
    const Word **next = node;
    *next++ = cells;
    for (const Probe *p = g->probe, *end = p + g->probes; p < end; p++) {
        Word at = node[p->node][p->item];
        if (p->len == EXACT) {
            if (at == p->word) continue;
            if (LIKELY(word_is_exact(at) || atom_is_cons(at)) || cell_rejects(at, p->word)) return false;
            *exact = false;
        } else if (UNLIKELY(p->len == LOOSE)) {
            if (cell_rejects(at, p->word)) return false;
            *exact = false;
        } else if (LIKELY(atom_is_cons(at))) {
            if (expr_len(at) != p->len) return false;
            *next++ = expr_items(at);
        } else {
            if (!word_is_slot(at)) return false;
            *next++ = anything;
            *exact = false;
        }
    }
    return true;
}

/* Look at the rows of R, which the pattern, that was taken apart, belongs to; SEEN is what was found in others. */
static inline RowsSeen look_at(Relation *r, Glance *g, RowsSeen seen)
{
    const Word *cells = r->cells, *other[NODES_MAX];
    for (uint32_t row = 0; row < r->len; row++, cells += r->width) {
        bool exact = g->exact;
        if (is_dead(r->dead, row) || !may_fit(g, cells, seen == ROWS_ONE ? other : g->node, &exact)) continue;
        if (seen == ROWS_ONE || !row_is_ground(r, row)) return ROWS_UNKNOWN;
        seen = ROWS_ONE;
        g->rel = r;
        g->row = row;
        g->exact = exact;
    }
    return seen;
}

static inline bool bind_found(const Glance *g, Bind *b)
{
    if (UNLIKELY(!g->exact)) return match_ground(g->rel, g->row, b, relation_args(g->rel, &g->pattern));
    for (const Variable *v = g->var, *end = v + g->vars; v < end; v++)
        bind_cell(b, v->cell, g->node[v->node][v->item]);
    return true;
}

RowsSeen space_glance(Space *const *spaces, size_t n, Word pattern, Bind *b)
{
    Glance g;
    RowsSeen seen = ROWS_NONE;
    bool apart = false;
    uint32_t arity;
    g.pattern = atom_deref(pattern);
    if (!atom_is_cons(g.pattern) || is_headless(g.pattern)) return ROWS_UNKNOWN;
    Word head = relation_key(g.pattern, &arity);
    for (size_t i = 0; i < n; i++) {
        Space *s = spaces[i];
        if (UNLIKELY(s->generics.len)) return ROWS_UNKNOWN;
        Relation *r = relation_find(s, head, arity);
        if (!r || r->live == 0) continue;
        if (r->len > FEW_ROWS) return ROWS_UNKNOWN;
        if (!apart) take_apart(&g, relation_args(r, &g.pattern), r->width);
        apart = true;
        seen = look_at(r, &g, seen);
        if (seen == ROWS_UNKNOWN) return seen;
    }
    return seen == ROWS_ONE && !bind_found(&g, b) ? ROWS_NONE : seen;
}
