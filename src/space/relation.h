/* Relations: rows of one head and arity, their indexes, and the order of rows across relations.
 *
 * Vocabulary.  A row is WIDTH cells, stored words.  Rows are erased in two steps: dead (its bit is set), then released (its
 * references and index entries are gone; the row is a hole until the relation is compacted).
 * An open cursor pins its relation: rows below pin_limit that die are kept as graves with the epoch of their death, so
 * that older views still see them; they are released when the last pin goes.  Rows at or above
 * pin_limit are in no view and are released and compacted at once: a long-lived cursor costs later rows nothing.
 *
 * Insertion order across relations is kept as runs: a run is a stretch of consecutive additions to one relation. */
#ifndef METTA_SPACE_RELATION_H
#define METTA_SPACE_RELATION_H

#include "space/index.h"
#include "space/store.h"

#define NO_ROW UINT32_MAX

enum { FEW_ROWS = 8 /* up to here a scan beats an index */ };

/* The variables of a row; the rows of the relation of rules all have one. */
typedef struct RowVars {
    uint32_t refs;
    uint32_t slot_count;
    uint64_t rule_id; /* ascending in the order of addition */
    SlotName names[];
} RowVars;

typedef struct Grave {
    uint32_t row; /* NO_ROW: free place */
    uint64_t epoch;
} Grave;

typedef struct Relation {
    Word head;      /* symbol or operation; WORD_NIL: any other head, a cell of the row; WORD_UNIT: the bag */
    uint32_t arity; /* items of the expression, 0 in the bag */
    uint32_t width; /* cells of a row */
    uint32_t id;    /* position in Space.rels */
    uint32_t len, cap;
    uint32_t live, holes;
    uint32_t pins, pin_limit, holes_low; /* holes_low: holes below pin_limit */
    uint32_t generic_count;              /* rows in Space.generics */
    Word *cells;
    RowVars **vars; /* by row; NULL: all rows are ground */
    uint64_t *dead; /* bit per row up to cap; NULL: none was ever dead */
    VEC(Index *) indexes;
    VEC(Index *) useless; /* built once, found to be mostly wild and emptied; path says which */
    VEC(uint32_t) runs;   /* positions in Space.runs, ascending */
    Grave *graves;        /* open addressing by row */
    uint32_t grave_count, grave_cap;
} Relation;

typedef struct Run {
    uint32_t rel, row, count;
} Run;

/* A row that patterns of other relations may match: a bare variable, or an expression whose head is one. */
typedef struct Generic {
    uint32_t rel, row;
} Generic;

typedef struct RelationKey {
    Word head;
    uint32_t arity;
    uint32_t rel; /* NO_ROW: free place */
} RelationKey;

typedef struct RuleList RuleList;
typedef struct RuleKey {
    Word head;
    uint32_t arity;
    RuleList *list; /* NULL: free place */
} RuleKey;

struct Space {
    Ext ext;
    Heap *heap;
    Store *store;
    char *name;
    size_t count;
    uint64_t version;
    uint64_t epoch; /* of removals */
    SpaceObserver observer;
    void *observer_context;

    VEC(Relation *) rels;
    RelationKey *rel_table;
    uint32_t rel_mask;
    RelationKey last_found; /* the key looked for last; all 0, which is none, before */
    VEC(Run) runs;
    size_t empty_runs;
    uint32_t last; /* relation of the newest run that may grow, or NO_ROW */
    uint32_t run_pins, run_limit;
    size_t empty_low; /* empty runs below run_limit */
    VEC(Generic) generics;
    VEC(uint32_t) generic_rels; /* relations that ever had generics */
    WordVec slots;              /* scratch of matching */

    RuleKey *rule_table;
    uint32_t rule_mask, rule_lists;
    RuleList *wild_rules;
    uint32_t open_rules; /* live rules whose head is a variable */
    uint64_t next_rule_id;
    void *scope; /* the type checker's */
    void (*release_scope)(void *scope);
};

/* -- Rows -- */

/* The relation that ATOM (dereferenced) belongs to, or NULL; relation_make creates it. */
Relation *relation_look_up(Space *s, Word head, uint32_t arity);
static inline Relation *relation_find(Space *s, Word head, uint32_t arity)
{
    const RelationKey *last = &s->last_found;
    if (LIKELY(last->head == head && last->arity == arity))
        return last->rel == NO_ROW ? NULL : s->rels.data[last->rel];
    return relation_look_up(s, head, arity);
}
Relation *relation_make(Space *s, Word head, uint32_t arity);
void relation_free(Space *s, Relation *r);
size_t relation_bytes(const Relation *r);

/* Head and arity under which the dereferenced ATOM is filed. */
static inline Word relation_key(Word atom, uint32_t *arity)
{
    if (!atom_is_cons(atom)) {
        *arity = 0;
        return WORD_UNIT;
    }
    *arity = expr_len(atom);
    Word head = atom_deref(expr_items(atom)[0]);
    return word_is_sym(head) || word_is_op(head) ? head : WORD_NIL;
}
/* May the dereferenced PATTERN match rows whatever their heads are? */
static inline bool is_headless(Word pattern)
{
    return word_is_cell(pattern) ||
           (atom_is_cons(pattern) && word_is_cell(atom_deref(expr_items(pattern)[0])));
}
static inline bool relation_is_bag(const Relation *r)
{
    return r->head == WORD_UNIT;
}
/* Does a row hold all items but the head? */
static inline bool relation_has_head(const Relation *r)
{
    return r->head != WORD_NIL && r->head != WORD_UNIT;
}
/* The words of *ATOM that correspond to the cells of a row. */
static inline const Word *relation_args(const Relation *r, const Word *atom)
{
    if (relation_is_bag(r)) return atom;
    return expr_items(*atom) + (relation_has_head(r) ? 1 : 0);
}
static inline const Word *row_cells(const Relation *r, uint32_t row)
{
    assert(row < r->len);
    return r->cells + (size_t)row * r->width;
}
static inline const RowVars *row_vars(const Relation *r, uint32_t row)
{
    return r->vars ? r->vars[row] : NULL;
}
static inline bool row_is_ground(const Relation *r, uint32_t row)
{
    const RowVars *v = row_vars(r, row);
    return !v || v->slot_count == 0;
}

/* Append the dereferenced ATOM; returns its row. */
uint32_t relation_add(Space *s, Relation *r, Word atom);
/* The oldest live row that is the same atom as ATOM, or NO_ROW. */
uint32_t relation_row_of(Space *s, Relation *r, Word atom);
void relation_erase(Space *s, Relation *r, uint32_t row);

void row_vars_unref(Store *store, RowVars *v);

/* Unify ROW of R, which has no variables, with ARGS, those of a pattern whose head is that of R. */
bool match_ground(const Relation *r, uint32_t row, Bind *b, const Word *args);

/* -- Views -- */

bool grave_seen(const Relation *r, uint32_t row, uint64_t view);
static inline bool row_visible(const Relation *r, uint32_t row, uint64_t view)
{
    if (LIKELY(!is_dead(r->dead, row))) return true;
    return r->grave_count && grave_seen(r, row, view);
}
/* The first row from ROW on that may be visible, at most LIMIT. */
uint32_t row_skip_dead(const Relation *r, uint32_t row, uint32_t limit);
void relation_pin(Relation *r);
void relation_unpin(Space *s, Relation *r);
void runs_pin(Space *s);
void runs_unpin(Space *s);
/* The run that ROW lies in: smaller is older, across relations. */
uint32_t row_run(const Space *s, const Relation *r, uint32_t row);

/* -- Index paths --
 *
 * A path names a part of a row: nothing (the whole row), a cell, or a place inside a compound cell. */

enum { PATH_TUPLE = 0, PATH_DEPTH_MAX = 3, PATH_POSITION_MAX = UINT16_MAX };
static inline unsigned path_depth(uint64_t path)
{
    return path & 0xFF;
}
static inline uint32_t path_at(uint64_t path, unsigned level)
{
    return path >> (16 * (level + 1)) & UINT16_MAX;
}
static inline uint64_t path_cell(uint32_t cell)
{
    return 1 | (uint64_t)cell << 16;
}
static inline uint64_t path_inside(uint64_t path, uint32_t position)
{
    unsigned depth = path_depth(path);
    assert(depth < PATH_DEPTH_MAX && position <= PATH_POSITION_MAX);
    return (path + 1) | (uint64_t)position << (16 * (depth + 1));
}

/* The index on PATH, or NULL. */
Index *relation_index(const Relation *r, uint64_t path);
/* Build it; NULL when it proves useless: most rows are wild. */
Index *relation_build_index(Relation *r, uint64_t path);

/* -- Rules (rules.c) -- */

void rules_add(Space *s, RowVars *vars, Word lhs, Word rhs);
void rules_remove(Space *s, const RowVars *vars, Word lhs);
void rules_free(Space *s);
size_t rules_bytes(const Space *s);

/* Words that equal nothing but themselves: symbols, operations, Booleans, Unit, inline integers (against each other). */
static inline bool word_is_exact(Word w)
{
    enum {
        EXACT = 1 << (TAG_INT - TAG_INT) | 1 << (TAG_BOOL - TAG_INT) | 1 << (TAG_UNIT - TAG_INT) |
                1 << (TAG_SYM - TAG_INT)
    };
    unsigned t = word_tag(w) - TAG_INT;
    return t < 8 ? EXACT >> t & 1 : t == TAG_OP - TAG_INT;
}
bool cell_rejects_term(Word cell, Word term);
/* Certainly no match between the stored word CELL and the dereferenced heap word TERM?  Constant time (strings aside). */
static inline bool cell_rejects(Word cell, Word term)
{
    if (word_is_exact(cell) && word_is_exact(term)) return cell != term;
    return cell_rejects_term(cell, term);
}

#endif
