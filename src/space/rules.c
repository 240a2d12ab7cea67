#include "space/relation.h"

/* Rules are rows of the relation (= LHS RHS); here they are filed a second time, by the head and arity of LHS, for the
 * calls.  Rules whose head is no symbol or operation are in one wild list, merged in by rule id. */

enum {
    FEW_RULES = 8, /* up to here a scan beats an index */
    TOLERATED_DEAD = 8,
    INDEXED_ARGS = 8, /* argument positions that may have an index */
    TESTED_ARGS = 32,
};

typedef struct RuleEntry {
    Word lhs, rhs; /* one reference each */
    RowVars *vars; /* one reference */
    uint64_t id;
    uint64_t erased; /* epoch of removal; 0: live */
    uint32_t slot_count;
} RuleEntry;

struct RuleList {
    Word head; /* WORD_NIL: the wild list */
    uint32_t arity;
    uint32_t live, dead;
    uint32_t pins, pin_limit; /* entries below pin_limit keep their places while pinned */
    uint32_t constants;       /* bit per argument position where some rule has no variable */
    VEC(RuleEntry) entries;   /* by ascending id */
    Index *args[INDEXED_ARGS];
    uint32_t useless[INDEXED_ARGS]; /* number of rules when an index there was found to be mostly wild */
};

enum { RULES_SCAN, RULES_ONE, RULES_POSTING, RULES_ROWS };

/* -- Lists -- */

static uint32_t rule_place(const Space *s, Word head, uint32_t arity)
{
    uint32_t at = (uint32_t)(((head ^ arity) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & s->rule_mask;
    while (s->rule_table[at].list && (s->rule_table[at].head != head || s->rule_table[at].arity != arity))
        at = (at + 1) & s->rule_mask;
    return at;
}

static RuleList *list_find(const Space *s, Word head, uint32_t arity)
{
    return s->rule_table ? s->rule_table[rule_place(s, head, arity)].list : NULL;
}

static void rule_table_grow(Space *s)
{
    RuleKey *old = s->rule_table;
    uint32_t old_cap = old ? s->rule_mask + 1 : 0, cap = old_cap ? old_cap * 2 : 8;
    s->rule_table = base_calloc(cap, sizeof *old);
    s->rule_mask = cap - 1;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].list) s->rule_table[rule_place(s, old[i].head, old[i].arity)] = old[i];
    base_free(old);
}

static RuleList *list_new(Word head, uint32_t arity)
{
    RuleList *l = base_calloc(1, sizeof *l);
    l->head = head;
    l->arity = arity;
    return l;
}

static RuleList *list_make(Space *s, Word head, uint32_t arity)
{
    if (word_is_nil(head)) {
        if (!s->wild_rules) s->wild_rules = list_new(head, arity);
        return s->wild_rules;
    }
    RuleList *l = list_find(s, head, arity);
    if (l) return l;
    if (!s->rule_table || (s->rule_lists + 1) * 2 > s->rule_mask) rule_table_grow(s);
    l = list_new(head, arity);
    s->rule_table[rule_place(s, head, arity)] = (RuleKey){head, arity, l};
    s->rule_lists++;
    return l;
}

/* The head and arity under which rules for TERM, a stored left side or a heap goal, are filed. A bare atom has arity 0. */
static Word rule_key(Word term, uint32_t *arity)
{
    *arity = 0;
    Word head = term;
    if (atom_is_cons(term)) {
        *arity = expr_len(term);
        head = atom_deref(expr_items(term)[0]);
    }
    return word_is_sym(head) || word_is_op(head) ? head : WORD_NIL;
}

/* Is TERM a variable or an expression with a variable head? */
static bool is_open(Word term)
{
    return word_is_var(term) || (atom_is_cons(term) && word_is_var(atom_deref(expr_items(term)[0])));
}

/* -- Indexes on arguments -- */

/* Tag of an argument: its value, or functor and arity of an expression.  False: a variable, or an expression whose head
 * may be anything. */
static bool arg_tag(Store *store, Word arg, uint32_t *tag)
{
    if (word_is_var(arg)) return false;
    if (!atom_is_cons(arg)) return term_hash(store, arg, tag);
    Word head = atom_deref(expr_items(arg)[0]);
    if (!word_is_sym(head) && !word_is_op(head)) return false;
    *tag = hash_end(hash_step(expr_len(arg), inline_hash(head)));
    return true;
}

/* Argument POSITION of the expression TERM, dereferenced. */
static Word arg_of(Word term, uint32_t position)
{
    return atom_deref(expr_items(term)[position + 1]);
}

/* Arguments of the left sides of a list; the wild list has no common shape. */
static uint32_t arg_count(const RuleList *l)
{
    return word_is_nil(l->head) || l->arity == 0 ? 0 : l->arity - 1;
}

static void index_add_entry(Space *s, const RuleList *l, uint32_t position, Index *ix, uint32_t at)
{
    uint32_t tag;
    if (arg_tag(s->store, arg_of(l->entries.data[at].lhs, position), &tag))
        index_add(ix, tag, at);
    else
        index_add_wild(ix, at);
}

static Index *build_arg_index(Space *s, RuleList *l, uint32_t position)
{
    if (l->useless[position] && l->entries.len <= 2 * l->useless[position]) return NULL;
    Index *ix = index_new(position);
    for (uint32_t i = 0; i < l->entries.len; i++) index_add_entry(s, l, position, ix, i);
    if (index_wild_count(ix) > l->entries.len / 2) {
        index_free(ix);
        l->useless[position] = (uint32_t)l->entries.len;
        return NULL;
    }
    return l->args[position] = ix;
}

static void drop_arg_indexes(RuleList *l)
{
    for (uint32_t i = 0; i < INDEXED_ARGS; i++) {
        index_free(l->args[i]);
        l->args[i] = NULL;
    }
}

static bool has_arg_index(const RuleList *l)
{
    for (uint32_t i = 0; i < INDEXED_ARGS; i++)
        if (l->args[i]) return true;
    return false;
}

/* -- Adding and removing -- */

static void note_constants(RuleList *l, Word lhs)
{
    uint32_t n = arg_count(l);
    for (uint32_t i = 0; i < n && i < TESTED_ARGS; i++)
        if (!word_is_slot(arg_of(lhs, i))) l->constants |= UINT32_C(1) << i;
}

void rules_add(Space *s, RowVars *vars, Word lhs, Word rhs)
{
    uint32_t arity;
    Word head = rule_key(lhs, &arity);
    RuleList *l = list_make(s, head, arity);
    RuleEntry e = {lhs, rhs, vars, s->next_rule_id++, 0, vars->slot_count};
    store_ref(s->store, lhs);
    store_ref(s->store, rhs);
    vars->refs++;
    vars->rule_id = e.id;
    vec_push(&l->entries, e);
    l->live++;
    note_constants(l, lhs);
    if (is_open(lhs)) s->open_rules++;
    for (uint32_t i = 0; i < INDEXED_ARGS; i++)
        if (l->args[i]) index_add_entry(s, l, i, l->args[i], (uint32_t)l->entries.len - 1);
}

static void entry_drop(Space *s, RuleEntry *e)
{
    store_unref(s->store, e->lhs);
    store_unref(s->store, e->rhs);
    row_vars_unref(s->store, e->vars);
}

static uint32_t entry_position(const RuleList *l, uint64_t id)
{
    size_t at;
    vec_search(&l->entries, id, id, at);
    assert(at < l->entries.len && l->entries.data[at].id == id);
    return (uint32_t)at;
}

static void list_compact(Space *s, RuleList *l)
{
    if (l->pins || l->dead == 0) return;
    if (l->entries.len > 2 * FEW_RULES && l->dead <= TOLERATED_DEAD + l->live / 2) return;
    size_t kept = 0;
    for (size_t i = 0; i < l->entries.len; i++) {
        if (l->entries.data[i].erased)
            entry_drop(s, &l->entries.data[i]);
        else
            l->entries.data[kept++] = l->entries.data[i];
    }
    l->entries.len = kept;
    l->dead = 0;
    drop_arg_indexes(l);
}

void rules_remove(Space *s, const RowVars *vars, Word lhs)
{
    uint32_t arity;
    Word head = rule_key(lhs, &arity);
    RuleList *l = list_make(s, head, arity);
    uint32_t at = entry_position(l, vars->rule_id);
    RuleEntry *e = &l->entries.data[at];
    assert(!e->erased);
    l->live--;
    if (is_open(lhs)) s->open_rules--;
    size_t after = l->entries.len - at - 1;
    bool in_view = l->pins && at < l->pin_limit;
    if (!in_view && after <= FEW_RULES && !has_arg_index(l)) {
        entry_drop(s, e);
        memmove(e, e + 1, after * sizeof *e);
        l->entries.len--;
        return;
    }
    /* Removals are numbered after this one; the row's own number is one more. */
    e->erased = s->epoch + 1;
    l->dead++;
    list_compact(s, l);
}

static void list_free(Space *s, RuleList *l)
{
    if (!l) return;
    for (size_t i = 0; i < l->entries.len; i++) {
        if (store_is_closed(s->store))
            row_vars_unref(s->store, l->entries.data[i].vars);
        else
            entry_drop(s, &l->entries.data[i]);
    }
    vec_free(&l->entries);
    drop_arg_indexes(l);
    base_free(l);
}

void rules_free(Space *s)
{
    for (uint32_t i = 0; s->rule_table && i <= s->rule_mask; i++) list_free(s, s->rule_table[i].list);
    list_free(s, s->wild_rules);
    base_free(s->rule_table);
}

static size_t list_bytes(const RuleList *l)
{
    if (!l) return 0;
    size_t n = sizeof *l + l->entries.cap * sizeof *l->entries.data;
    for (uint32_t i = 0; i < INDEXED_ARGS; i++)
        if (l->args[i]) n += index_bytes(l->args[i]);
    return n;
}

size_t rules_bytes(const Space *s)
{
    size_t n = list_bytes(s->wild_rules);
    for (uint32_t i = 0; s->rule_table && i <= s->rule_mask; i++)
        n += sizeof *s->rule_table + list_bytes(s->rule_table[i].list);
    return n;
}

/* -- Cursors -- */

static void list_pin(RuleList *l)
{
    l->pins++;
    if (l->pins == 1 || l->entries.len > l->pin_limit) l->pin_limit = (uint32_t)l->entries.len;
}

static void list_unpin(Space *s, RuleList *l)
{
    assert(l->pins > 0);
    if (--l->pins == 0 && UNLIKELY(l->dead)) list_compact(s, l);
}

/* Let the shortest posting for an argument of GOAL stand for the list. */
static void choose_arg_index(Space *s, RuleList *l, Word goal, RuleCursor *c)
{
    size_t best = l->entries.len;
    uint32_t n = arg_count(l) < INDEXED_ARGS ? arg_count(l) : INDEXED_ARGS;
    for (uint32_t i = 0; i < n && best > FEW_RULES; i++) {
        uint32_t tag;
        if (!(l->constants >> i & 1) || !arg_tag(s->store, arg_of(goal, i), &tag)) continue;
        Index *ix = l->args[i] ? l->args[i] : build_arg_index(s, l, i);
        if (!ix) continue;
        uint32_t ref = index_find(ix, tag);
        size_t count = index_count(ix, ref) + index_wild_count(ix);
        if (count >= best) continue;
        best = count;
        c->index = ix;
        c->wild_pos = 0;
        c->mode = ref_is_posting(ref) ? RULES_POSTING : RULES_ONE;
        c->posting = ref_is_posting(ref) ? ref_posting(ref) : 0;
        c->pos = ref_is_posting(ref) ? 0 : ref;
    }
}

static void open_list(Space *s, RuleList *l, Word goal, RuleCursor *c)
{
    c->list = l;
    c->limit = (uint32_t)l->entries.len;
    c->mode = RULES_SCAN;
    c->pos = 0;
    if (l->entries.len > FEW_RULES) choose_arg_index(s, l, goal, c);
    list_pin(l);
}

/* A goal that rules of any head may match: all rows of the relation. */
static void open_rows(Space *s, RuleCursor *c)
{
    Relation *r = relation_find(s, W_SYM(EQUAL), 3);
    if (!r || r->live == 0) return;
    c->space = s;
    c->mode = RULES_ROWS;
    c->limit = r->len;
    relation_pin(r);
}

void rules_open(Space *s, Word goal, RuleCursor *c)
{
    goal = atom_deref(goal);
    memset(c, 0, sizeof *c);
    c->view = s->epoch;
    uint32_t arity;
    Word head = rule_key(goal, &arity);
    RuleList *l = NULL, *any = s->wild_rules;
    if (LIKELY(!word_is_nil(head))) {
        l = list_find(s, head, arity);
        if (LIKELY(s->open_rules == 0)) any = NULL;
    } else if (is_open(goal)) {
        open_rows(s, c);
        return;
    }
    if (l && l->live) {
        c->space = s;
        open_list(s, l, goal, c);
    }
    if (UNLIKELY(any && any->live)) {
        c->space = s;
        c->any_limit = (uint32_t)any->entries.len;
        list_pin(any);
    }
}

void rules_open_headed(Space *s, RuleCursor *c)
{
    memset(c, 0, sizeof *c);
    c->view = s->epoch;
    if (!rules_without_head(s)) return;
    c->space = s;
    c->any_limit = (uint32_t)s->wild_rules->entries.len;
    list_pin(s->wild_rules);
}

static bool entry_rejects(const RuleList *l, const RuleEntry *e, Word goal)
{
    for (uint32_t mask = l->constants; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask) + 1;
        if (cell_rejects(expr_items(e->lhs)[i], atom_deref(expr_items(goal)[i]))) return true;
    }
    return false;
}

static bool entry_seen(const RuleCursor *c, const RuleEntry *e)
{
    return LIKELY(e->erased == 0) || e->erased > c->view;
}

/* The next place the index or scan has, without tests; NO_ROW at the end. */
static uint32_t list_place(const RuleCursor *c)
{
    uint32_t at = NO_ROW;
    if (c->mode == RULES_SCAN) return c->pos < c->limit ? c->pos : NO_ROW;
    if (c->mode == RULES_ONE)
        at = c->pos;
    else if (c->pos < c->index->postings.data[c->posting].len)
        at = posting_rows(c->index, c->posting)[c->pos];
    if (c->wild_pos < c->index->postings.data[WILD_POSTING].len) {
        uint32_t wild = posting_rows(c->index, WILD_POSTING)[c->wild_pos];
        if (wild < at) at = wild;
    }
    return at < c->limit ? at : NO_ROW;
}

static void list_step(RuleCursor *c, uint32_t at)
{
    if (c->mode == RULES_SCAN) {
        c->pos++;
        return;
    }
    const Posting *wild = &c->index->postings.data[WILD_POSTING];
    if (c->wild_pos < wild->len && posting_rows(c->index, WILD_POSTING)[c->wild_pos] == at)
        c->wild_pos++;
    else if (c->mode == RULES_ONE)
        c->pos = NO_ROW;
    else
        c->pos++;
}

static RuleEntry *list_peek(RuleCursor *c, Word goal, uint32_t *at)
{
    RuleList *l = c->list;
    if (!l) return NULL;
    while ((*at = list_place(c)) != NO_ROW) {
        RuleEntry *e = &l->entries.data[*at];
        if (entry_seen(c, e) && (l->constants == 0 || !entry_rejects(l, e, goal))) return e;
        list_step(c, *at);
    }
    return NULL;
}

static RuleEntry *any_peek(RuleCursor *c, Word goal)
{
    for (; c->any_pos < c->any_limit; c->any_pos++) {
        RuleEntry *e = &c->space->wild_rules->entries.data[c->any_pos];
        if (entry_seen(c, e) && (word_is_slot(e->lhs) || !cell_rejects(e->lhs, goal))) return e;
    }
    return NULL;
}

/* -- All rules, for a goal without a head -- */

static bool rows_peek(RuleCursor *c, Word goal, const Relation *r)
{
    for (; c->pos < c->limit; c->pos++) {
        if (!row_visible(r, c->pos, c->view)) continue;
        if (word_is_var(goal) || !cell_rejects(row_cells(r, c->pos)[0], goal)) return true;
    }
    return false;
}

static bool rows_next(RuleCursor *c, Word goal, Rule *out)
{
    const Relation *r = relation_find(c->space, W_SYM(EQUAL), 3);
    if (!rows_peek(c, goal, r)) {
        rules_close(c);
        return false;
    }
    const Word *cells = row_cells(r, c->pos);
    const RowVars *v = row_vars(r, c->pos);
    *out = (Rule){cells[0], cells[1], v->slot_count, v->names, (uint32_t)v->rule_id};
    c->pos++;
    return true;
}

/* -- The interface -- */

bool rules_next(RuleCursor *c, Word goal, Rule *out)
{
    if (!c->space) return false;
    goal = atom_deref(goal);
    if (UNLIKELY(c->mode == RULES_ROWS)) return rows_next(c, goal, out);
    uint32_t at;
    RuleEntry *e = list_peek(c, goal, &at);
    RuleEntry *any = UNLIKELY(c->any_limit) ? any_peek(c, goal) : NULL;
    if (any && (!e || any->id < e->id)) {
        e = any;
        c->any_pos++;
    } else if (e) {
        list_step(c, at);
    } else {
        rules_close(c);
        return false;
    }
    *out = (Rule){e->lhs, e->rhs, e->slot_count, e->vars->names, (uint32_t)e->id};
    return true;
}

bool rules_at_end(RuleCursor *c, Word goal)
{
    if (!c->space) return true;
    goal = atom_deref(goal);
    if (c->mode == RULES_ROWS) return !rows_peek(c, goal, relation_find(c->space, W_SYM(EQUAL), 3));
    uint32_t at;
    return !list_peek(c, goal, &at) && !(c->any_limit && any_peek(c, goal));
}

void rules_close(RuleCursor *c)
{
    Space *s = c->space;
    if (!s) return;
    c->space = NULL;
    if (c->mode == RULES_ROWS) {
        relation_unpin(s, relation_find(s, W_SYM(EQUAL), 3));
        return;
    }
    if (c->list) list_unpin(s, c->list);
    if (c->any_limit) list_unpin(s, s->wild_rules);
}

void rules_copy(const RuleCursor *c, RuleCursor *to)
{
    Space *s = c->space;
    *to = *c;
    if (!s) return;
    if (c->mode == RULES_ROWS) {
        relation_pin(relation_find(s, W_SYM(EQUAL), 3));
        return;
    }
    if (c->list) list_pin(c->list);
    if (c->any_limit) list_pin(s->wild_rules);
}

bool rules_exist(Space *s, uint32_t sym, uint32_t arity)
{
    if (UNLIKELY(s->open_rules)) return true;
    RuleList *l = list_find(s, word_sym(sym), arity);
    return l && l->live;
}

bool rules_without_head(const Space *s)
{
    return s->wild_rules && s->wild_rules->live > 0;
}
