/* Spaces: multisets of atoms with indexes, streaming queries, and rule lookup.
 *
 * A space keeps one relation per (head symbol, arity): rows of arity-1 words in insertion order; one per arity for
 * expressions whose head is not a symbol; one bag for other atoms.  Per relation, built at first need and kept up to
 * date afterwards: a table of exact rows, hash indexes on single positions, and on positions inside
 * compound arguments.  Rows with variables at an indexed position are in that index's wild list; results
 * come in insertion order always.  Nested ground terms are hash-consed in the store.
 *
 * Row ids only grow, so a cursor's view is fixed when it is opened: rows added later are not seen, rows
 * removed later are still seen. */
#ifndef METTA_SPACE_SPACE_H
#define METTA_SPACE_SPACE_H

#include "match/match.h"

/* -- Store: persistent terms shared by the spaces of one runtime -- */

typedef struct Store Store;
Store *store_new(Heap *h);
/* Spaces may outlive it until they are destroyed, but not be used. */
void store_free(Store *s);
/* Stored terms that lost their last row wait here until a major collection saw no word to them: the runtime calls
 * store_mark from heap->on_stored and store_sweep after each major collection. */
void store_mark(Store *s, Obj *stored);
void store_sweep(Store *s);
/* The stored form of the heap term W, which has slots for variables and no cells: it lives until a major collection meets no
 * word to it, as a term that lost its last row does. */
Word store_loose(Store *s, Word w);
/* Bytes held by stored terms. */
size_t store_bytes(const Store *s);

/* -- Spaces -- */

typedef struct Space Space;

/* A new empty space; it is an external object of the heap (SpaceType). NAME is what it prints as, or NULL for
 * GroundingSpace-0xADDRESS; copied. */
Space *space_new(Heap *h, Store *store, const char *name);
static inline Word space_word(const Space *s)
{
    return word_from_ptr(TAG_EXT, s);
}
/* The space in word W, or NULL. */
Space *word_space(Word w);
const char *space_name(const Space *s);

/* Add one copy of ATOM (a heap term, resolved on the way in).  Amortised linear in its size. */
void space_add(Space *s, Word atom);
/* Remove one copy, the oldest, of an atom equal to ATOM (variables: same names and serials); false when there is none. */
bool space_remove(Space *s, Word atom);
/* Number of atoms. */
size_t space_count(const Space *s);
/* Bytes of rows and indexes (without stored terms). */
size_t space_bytes(const Space *s);
/* Grows with each add and remove: caches compare it. */
uint64_t space_version(const Space *s);

/* Called after each change; ATOM is the heap term given to space_add or space_remove.  One observer per space. */
typedef void (*SpaceObserver)(void *context, Space *s, Word atom, bool added);
void space_observe(Space *s, SpaceObserver f, void *context);

/* What the type checker keeps with a space (its Scope), NULL at first; RELEASE is called with it when the space dies. */
void space_set_scope(Space *s, void *scope, void (*release)(void *scope));
void *space_scope(const Space *s);

/* -- Queries -- */

/* A running query: plain data that can live on the machine stack and be moved; holds no heap words.  An open cursor pins
 * rows removed meanwhile: close one copy of it, once, with cursor_close (cursor_next does it after the last row; closing a
 * closed cursor does nothing).  All fields are private to space/. */
typedef struct Cursor {
    Space *space;         /* NULL: closed */
    struct Relation *rel; /* NULL: over all relations, or only over generic rows */
    struct Index *index;  /* NULL: scan */
    uint64_t view;        /* removal epoch at opening */
    uint32_t mode;
    uint32_t posting;
    uint32_t pos, wild_pos; /* next place in the posting (or row) and in the wild list */
    uint32_t limit;         /* rows at and above are newer than the view */
    uint32_t generic_pos, generic_limit;
    uint32_t pinned; /* other relations that are pinned */
    uint32_t arity;  /* of the pattern; 0: a variable */
    uint32_t bound;  /* bit per argument that was bound at opening */
    uint64_t inside; /* of the first arguments, which are expressions, a bit per item that was bound */
} Cursor;

/* Open a query for PATTERN (a heap term, its unbound cells are the query variables). */
void cursor_open(Space *s, Word pattern, Cursor *c);
/* The next row that matches PATTERN (the same term, perhaps moved): binds its variables and returns true, or
 * closes the cursor and returns false.  A failed row leaves no binding. Bindings are recorded on B's trail if a choice point
 * needs them: open a trial if you must undo without one. */
bool cursor_next(Cursor *c, Bind *b, Word pattern);
/* True when cursor_next is certain to return false: lets the caller drop the choice point before the last row. Looks
 * ahead over rows that cannot match by a cheap test of the arguments that were bound at opening, so PATTERN
 * may have been bound by a row meanwhile; WORD_NIL: do without the test. */
bool cursor_at_end(Cursor *c, Word pattern);
void cursor_close(Cursor *c);
/* Make *TO a cursor of its own at the place of C, to be closed for itself. */
void cursor_copy(const Cursor *c, Cursor *to);
/* Upper bound on the number of rows that PATTERN can match now; exact for fully bound patterns and when all rows at
 * the bound position are ground.  Builds indexes it needs. */
size_t space_estimate(Space *s, Word pattern);
/* Is there any row of the relation that PATTERN belongs to, or one that may match whatever it is?  Constant time. */
bool space_may_match(Space *s, Word pattern);

/* A query without a cursor, of N spaces at once, for small relations: a look at each row that PATTERN may match.  One: no other matches, and the
 * pattern is bound to it.  None: no row matches; what was bound meanwhile stays so until it is undone, as at the next alternative.  Not known:
 * nothing was bound; open cursors. */
typedef enum RowsSeen { ROWS_NONE, ROWS_ONE, ROWS_UNKNOWN } RowsSeen;
RowsSeen space_glance(Space *const *spaces, size_t n, Word pattern, Bind *b);

/* -- Rules: the relation (= LHS RHS) looked up by an instance of LHS -- */

/* Valid until the next safepoint, even when the rule is removed meanwhile. */
typedef struct Rule {
    Word lhs, rhs; /* stored terms */
    uint32_t slot_count;
    const SlotName *names; /* slot_count of them */
    uint32_t id;           /* stable identity of the rule in its space */
} Rule;

/* As a Cursor: moved freely, closed once. */
typedef struct RuleCursor {
    Space *space;          /* NULL: closed */
    struct RuleList *list; /* of the goal's head; NULL: none */
    struct Index *index;   /* NULL: scan */
    uint64_t view;         /* removal epoch at opening */
    uint32_t mode;
    uint32_t posting;
    uint32_t pos, wild_pos, limit;
    uint32_t any_pos, any_limit; /* in the list of rules for any head */
} RuleCursor;

/* Rules whose left side may match GOAL, in insertion order: those with GOAL's head symbol and arity and those whose
 * head is a variable or not a symbol.  Cheap tests on the arguments of GOAL leave out rules that cannot match. */
void rules_open(Space *s, Word goal, RuleCursor *c);
/* All rules whose left side may match an expression that has an expression for a head; rules_next takes a variable for the goal then. */
void rules_open_headed(Space *s, RuleCursor *c);
/* The next candidate into *R, or false (and the cursor is closed). */
bool rules_next(RuleCursor *c, Word goal, Rule *r);
/* True when rules_next is certain to return false.  To be called before a candidate has bound GOAL. */
bool rules_at_end(RuleCursor *c, Word goal);
void rules_close(RuleCursor *c);
/* As cursor_copy. */
void rules_copy(const RuleCursor *c, RuleCursor *to);
/* Does the space hold any rule for head symbol SYM with ARITY items, or any rule with a variable head? Constant time. */
bool rules_exist(Space *s, uint32_t sym, uint32_t arity);

/* Does the space hold any rule whose head is no symbol and no operation, so that it may apply to calls without one? */
bool rules_without_head(const Space *s);

/* Rule.id of the rule added last. */
uint32_t space_last_rule(const Space *s);

/* Visit each atom in insertion order as a fresh heap term. */
typedef void (*SpaceVisit)(void *context, Word atom);
void space_each(Space *s, SpaceVisit f, void *context);

#endif
