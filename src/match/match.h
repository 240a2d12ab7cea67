/* Bindings: the trail, unification, instantiation of stored terms.
 *
 * Binding a variable cell is the only mutation of a term.  A binding is recorded on the trail when the cell is
 * older than the newest choice point (its serial is below "keep") or lives in the old generation; undoing
 * the trail to a mark restores the state at that mark.
 *
 * A "pattern" here is a stored term: its variables are slots 0..n-1.  Matching a pattern against a heap term fills a
 * slot array in place of renaming the pattern's variables apart (the read and write modes of Warren's abstract machine). */
#ifndef METTA_MATCH_MATCH_H
#define METTA_MATCH_MATCH_H

#include "atom/atom.h"

typedef struct TrailEntry {
    Obj *cell;
    Word
        unbound; /* the Nil-tagged serial to put back; of a cell that was bound already, the value (bind_resolved) */
} TrailEntry;

typedef struct Bind {
    Heap *heap;
    VEC(TrailEntry) trail;
    uint64_t keep; /* cells with a smaller serial must be trailed */
    size_t
        scanned; /* trail entries below were seen by the last collection, and none of them is of bind_resolved */
    /* Pairs (external object, other term) met where only a custom match can decide; NULL: such pairs do not match. */
    WordVec *custom;
    /* Of two variables the second is bound to the first, whatever their age: see unify_pattern. */
    bool directed;
    /* This word matches anything while types are compared; WORD_NIL: no such word. */
    Word wildcard;
} Bind;

void bind_init(Bind *b, Heap *h);
void bind_fini(Bind *b);

/* Bind the unbound CELL to VALUE (dereferenced, not CELL itself). */
static inline void bind_cell(Bind *b, Word cell, Word value)
{
    Obj *o = word_obj(cell);
    if (word_payload(o->body[0]) < b->keep || !heap_in_nursery(b->heap, o)) {
        TrailEntry e = {o, o->body[0]};
        vec_push(&b->trail, e);
    }
    o->body[0] = value;
}
/* CELL is bound to what VALUE is a resolved copy of, no other cell: let VALUE take its place, so that neither is ever compared with the other or resolved
 * again. */
static inline void bind_resolved(Bind *b, Obj *cell, Word value)
{
    TrailEntry e = {cell, cell->body[0]};
    assert(!word_is_nil(e.unbound) && !word_is_cell(e.unbound));
    vec_push(&b->trail, e);
    cell->body[0] = value;
}
/* Take that back in all cells: before a collection, if they are so many that keeping what they were made from, which the trail tells, would take
 * much room. */
void bind_forget_resolved(Bind *b);
/* Undo every recorded binding above MARK. */
void bind_undo(Bind *b, size_t mark);

/* A trial: between begin and end every binding of an existing cell is recorded, so that bind_undo(t.mark) restores
 * the state exactly even where there is no choice point. */
typedef struct Trial {
    size_t mark;
    uint64_t keep;
} Trial;
static inline Trial trial_begin(Bind *b)
{
    Trial t = {b->trail.len, b->keep};
    b->keep = b->heap->next_serial;
    return t;
}
/* Keep the bindings made. */
static inline void trial_commit(Bind *b, Trial t)
{
    b->keep = t.keep;
}
/* Undo them. */
static inline void trial_abort(Bind *b, Trial t)
{
    bind_undo(b, t.mark);
    b->keep = t.keep;
}
/* The one or the other: OK, which is returned, says whether the trial has succeeded. */
static inline bool trial_end(Bind *b, Trial t, bool ok)
{
    if (ok)
        trial_commit(b, t);
    else
        trial_abort(b, t);
    return ok;
}

/* Unify two heap terms (stored ground terms may occur in them), with occurs check.  On false some bindings may have been
 * made: wrap in a trial.  Two variables: the younger is bound to the older. */
bool unify(Bind *b, Word x, Word y);
/* The same as a trial of its own: on false no binding stays. */
bool unify_or_undo(Bind *b, Word x, Word y);
/* As unify, of a value with the pattern of a form such as let.  Of two variables that of the pattern is bound to that of the value,
 * so that nothing sees it any more, as when there is no variable in the pattern but a place for the value. */
bool unify_pattern(Bind *b, Word value, Word pattern);
/* The same as a trial of its own. */
bool unify_pattern_or_undo(Bind *b, Word value, Word pattern);

/* Match the stored PATTERN against the heap TERM.  SLOTS holds one word per pattern variable, WORD_NIL when unset;
 * on success slots seen are set.  Variables of TERM may be bound (to instances of the pattern).  Wrap in a trial.
 * NAMES gives the names of the slots for variables that must be created. */
typedef struct SlotName {
    uint32_t name;   /* symbol id */
    uint32_t serial; /* 0: as written by the programmer; else distinguishes variables of one name */
} SlotName;
bool match_stored(Bind *b, Word pattern, Word term, Word *slots, const SlotName *names);
/* The same as unify_pattern binds. */
bool match_stored_pattern(Bind *b, Word pattern, Word value, Word *slots, const SlotName *names);

/* Build the heap instance of a stored term: slots replaced by SLOTS, unset ones by fresh variables (stored back into
 * SLOTS).  Ground sub-terms are shared with the store.  Linear in the size of the non-ground part. */
Word instantiate(Heap *h, Word stored, Word *slots, const SlotName *names);
/* The same of what is to be bound to a variable: it may have a twin (expr_twin_cell). */
Word instantiate_value(Heap *h, Word stored, Word *slots, const SlotName *names);

/* A copy of TERM with every free occurrence of the unbound CELL replaced by VALUE. */
Word substitute(Heap *h, Word term, Word cell, Word value);
/* A copy of TERM with its unbound variables renamed apart, those in KEEP[0..n-1] (unbound cells) excepted. */
Word rename_apart(Heap *h, Word term, const Word *keep, uint32_t n);
/* Append the distinct unbound cells of TERM to OUT, in order of first occurrence. */
void free_variables(Heap *h, Word term, WordVec *out);
/* Does the unbound CELL occur in TERM? */
bool occurs_in(Word cell, Word term);

#endif
