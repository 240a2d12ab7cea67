/* Atoms: building and inspecting words, equality, order-free hashing.
 *
 * Every function that returns a new atom allocates in the nursery and never collects.
 * Functions that walk terms are iterative: depth is bounded by memory, not by the C stack.
 * "deref" follows bound variable cells; functions below deref what they are given unless they say otherwise. */
#ifndef METTA_ATOM_ATOM_H
#define METTA_ATOM_ATOM_H

#include "atom/heap.h"
#include "atom/symbol.h"

typedef VEC(Word) WordVec;

/* -- Variables -- */

/* Follow bound cells to a value, an unbound cell or a slot. */
static inline Word atom_deref(Word w)
{
    while (word_is_cell(w)) {
        Word value = word_obj(w)->body[0];
        if (word_is_nil(value)) return w;
        w = value;
    }
    return w;
}
/* The same; *CELL becomes the last bound cell on the way, if there is one. */
static inline Word atom_deref_by(Word w, Obj **cell)
{
    while (word_is_cell(w)) {
        Word value = word_obj(w)->body[0];
        if (word_is_nil(value)) return w;
        *cell = word_obj(w);
        w = value;
    }
    return w;
}
/* A fresh unbound cell named by symbol NAME; FLAGS is 0 or OBJ_PLAIN. */
static inline Word atom_new_var(Heap *h, uint32_t name, unsigned flags)
{
    Obj *o = heap_obj(h, OBJ_VAR, flags, name, 1);
    o->body[0] = WORD_MAKE(TAG_NIL, h->next_serial++);
    return word_from_ptr(TAG_VAR, o);
}
/* Serial number of an unbound cell: smaller is older. */
static inline uint64_t var_serial(Word cell)
{
    return word_payload(word_obj(cell)->body[0]);
}
/* The same by the time when it was made: an early cell is older than its making. */
static inline uint64_t serial_of_making(uint64_t serial)
{
    return serial | SERIAL_ORDINARY;
}
/* Make the new CELL an early one, as old as if it had been made before everything else: what binds it is undone by whatever alternative. */
static inline void var_make_early(Word cell)
{
    word_obj(cell)->body[0] = WORD_MAKE(TAG_NIL, var_serial(cell) & ~SERIAL_ORDINARY);
}
/* The number that tells the variable from others of its name. */
static inline uint64_t var_number(Word cell)
{
    return var_serial(cell) & ~SERIAL_ORDINARY;
}

/* -- Expressions -- */

static inline bool atom_is_expr(Word w)
{
    return (word_is_heap(w) && word_obj(w)->kind == OBJ_EXPR) || w == WORD_UNIT;
}
/* A non-empty expression. */
static inline bool atom_is_cons(Word w)
{
    return word_is_heap(w) && word_obj(w)->kind == OBJ_EXPR;
}
/* An expression that is not known to be irreducible. */
static inline bool atom_may_reduce(Word w)
{
    return atom_is_cons(w) && !(word_obj(w)->flags & OBJ_EVALUATED);
}
static inline uint32_t expr_len(Word w)
{
    return w == WORD_UNIT ? 0 : word_obj(w)->len;
}
/* The children, not dereferenced.  W must be a non-empty expression. */
static inline Word *expr_items(Word w)
{
    return word_obj(w)->body;
}
static inline Word expr_at(Word w, uint32_t i)
{
    assert(i < expr_len(w));
    return word_obj(w)->body[i];
}
static inline bool expr_is_ground(Word w)
{
    return w == WORD_UNIT || (word_obj(w)->flags & OBJ_GROUND) != 0;
}
/* May W be an item of an expression that is marked as ground: neither a variable, bound or not, nor an expression without that mark? */
static inline bool item_is_ground(Word w)
{
    return !word_is_var(w) && (!atom_is_cons(w) || expr_is_ground(w));
}
/* The cell of the twin of W, an expression, or NULL if it cannot have one.  The twin is a copy without variables that is marked as irreducible, or W itself as long
 * as there is none: W is not to be marked, since nobody has evaluated it, but if somebody does so it stands for that. */
static inline Obj *expr_twin_cell(Word w)
{
    const Obj *o = word_obj(w);
    return o->flags & OBJ_TWIN ? word_obj(o->body[o->len]) : NULL;
}
/* Let O, an expression with room for one more word, have TWIN. */
static inline void expr_add_twin(Heap *h, Obj *o, Word twin)
{
    Obj *cell = heap_obj(h, OBJ_VAR, 0, SYM_EMPTY, 1);
    cell->body[0] = twin;
    o->flags |= OBJ_TWIN;
    o->body[o->len] = word_from_ptr(TAG_VAR, cell);
}
/* An expression of N items; sets the ground flag when all items are ground.  N = 0 gives Unit. */
Word atom_expr(Heap *h, const Word *items, uint32_t n);
Word atom_expr2(Heap *h, Word a, Word b);
Word atom_expr3(Heap *h, Word a, Word b, Word c);
Word atom_expr4(Heap *h, Word a, Word b, Word c, Word d);
/* An expression of N items to be filled by the caller through *ITEMS; call expr_seal when done.  N > 0. */
static inline Word atom_expr_open(Heap *h, uint32_t n, Word **items)
{
    assert(n > 0);
    Obj *o = heap_obj(h, OBJ_EXPR, 0, n, n);
    *items = o->body;
    return word_from_ptr(TAG_HEAP, o);
}
void expr_seal(Word expr);
/* (Error ATOM CAUSE) */
static inline Word atom_error(Heap *h, Word atom, Word cause)
{
    return atom_expr3(h, W_SYM(ERROR), atom, cause);
}
/* A non-empty expression whose head is the symbol Error. */
static inline bool atom_is_error(Word w)
{
    return atom_is_cons(w) && atom_deref(expr_at(w, 0)) == W_SYM(ERROR);
}
/* Is W (RELATION X Y)? */
static inline bool atom_is_triple(Word w, Word relation)
{
    return atom_is_cons(w) && expr_len(w) == 3 && atom_deref(expr_at(w, 0)) == relation;
}
/* Is every part of the dereferenced term free of unbound variables?  Constant time for flagged expressions. */
bool atom_is_ground(Word w);

/* -- Strings -- */

/* TEXT must be valid UTF-8. */
Word atom_str(Heap *h, const char *text, size_t len);
static inline bool atom_is_str(Word w)
{
    return word_is_heap(w) && word_obj(w)->kind == OBJ_STR;
}
static inline const char *str_text(Word w, size_t *len)
{
    *len = word_obj(w)->len;
    return (const char *)word_obj(w)->body;
}

/* -- Terms as a whole -- */

/* A copy of W in which bound cells are replaced by their values; shares what is ground; W itself when
 * nothing changes.  Needed whenever a term must survive the undoing of bindings. */
Word atom_resolve(Heap *h, Word w);
/* The same, with each unbound variable (cell or slot) replaced by MAP of it; NULL keeps variables. */
typedef Word (*VarMap)(void *context, Heap *h, Word var);
Word atom_map_vars(Heap *h, Word w, VarMap map, void *context);
/* Structural equality after dereferencing.  Numbers compare by value (1 equals 1.0), NaN differs from itself;
 * unbound cells and slots are equal to themselves only. */
bool atom_equal(Word a, Word b);
/* Equality up to a one-to-one renaming of variables. */
bool atom_alpha_equal(Word a, Word b);
/* Hash compatible with atom_equal: equal atoms hash alike.  All variables hash alike, so it also serves
 * atom_alpha_equal.  Linear in the size of the term. */
uint64_t atom_hash(Word w);
/* Symbol, Variable, Expression or Grounded, as a symbol word. */
Word atom_metatype(Word w);

#endif
