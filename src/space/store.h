/* The store's private face: stored terms, their hashes and reference counts.
 *
 * A stored term is an Obj with OBJ_STORED set, preceded in memory by a StoredHead.  Ground terms are hash-consed: two
 * ground terms of one shape are one object, so children are compared by word.  (1) and (1.0) are two shapes with one
 * hash: equality of atoms compares numbers by value, identity of stored terms does not.
 * Terms with variables belong to one row and are not shared; their variables are slots.
 *
 * Obj.note of a stored term: bit 0 says it is on the retired list, the rest is the last cycle that marked it. */
#ifndef METTA_SPACE_STORE_H
#define METTA_SPACE_STORE_H

#include "space/space.h"

typedef struct StoredHead {
    uint32_t refs;
    uint32_t hash;
} StoredHead;

static inline StoredHead *stored_head(Word w)
{
    assert(word_is_heap(w) && (word_obj(w)->flags & OBJ_STORED));
    return (StoredHead *)word_ptr(w) - 1;
}

/* Hash of a leaf that is not on the heap.  Numbers that are equal agree. */
uint32_t double_hash(Word w);
uint32_t ext_hash(Word w);
/* Hash of any variable: all alike, so that a removal can find a row before variables are compared. */
enum { VARIABLE_HASH = 0x5bd1e995 };

static inline uint32_t inline_hash(Word w)
{
    if (UNLIKELY(word_is_double(w))) return double_hash(w);
    if (UNLIKELY(word_is_ext(w))) return ext_hash(w);
    if (UNLIKELY(word_is_var(w))) return VARIABLE_HASH;
    return (uint32_t)(base_hash_word(w) >> 32);
}
/* Hash of a word of a row or of a stored term: constant time. */
static inline uint32_t stored_hash(Word w)
{
    return word_is_heap(w) ? stored_head(w)->hash : inline_hash(w);
}
static inline bool stored_is_ground(Word w)
{
    return word_is_heap(w) ? (word_obj(w)->flags & OBJ_GROUND) != 0 : !word_is_var(w);
}
/* Hash of a heap term, compatible with atom_equal; false when it holds an unbound variable. */
bool term_hash(Store *s, Word w, uint32_t *hash);

/* How hashes of parts are combined, also along index paths. */
static inline uint64_t hash_step(uint64_t state, uint32_t part)
{
    state = (state ^ part) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ (state >> 29);
}
static inline uint32_t hash_end(uint64_t state)
{
    return (uint32_t)((state * UINT64_C(0xd6e8feb86659fd93)) >> 32);
}

/* Counts of references.  Words that are not counted are ignored. */
void store_ref(Store *s, Word w);
void store_unref(Store *s, Word w);
/* The same for the destruction of a space: external objects are let go at the next sweep only, since the heap may be
 * destroying them, in any order, at this moment. */
void store_unref_later(Store *s, Word w);

/* Free the SIZE bytes at P, from base_alloc, at the next sweep: C code between two safepoints may still read them. */
void store_free_later(Store *s, void *p, size_t size);

/* Start a new atom: forget the slots of the last one. */
void store_begin(Store *s);
/* The stored form of the heap term W, with one reference owned by the caller.  Variables become slots,
 * numbered from 0 since store_begin. */
Word store_put(Store *s, Word w);
/* The names of the slots made since store_begin; valid until the next store_begin. */
const SlotName *store_slots(const Store *s, uint32_t *count);
SlotName cell_slot_name(const Obj *cell);

/* Is the heap term W the same atom as STORED: ground parts equal, variables by name and serial? */
bool stored_same(Store *s, Word stored, const SlotName *names, Word w);

/* Each space holds the Store struct alive, so that spaces may be destroyed after store_free. */
void store_attach(Store *s);
void store_detach(Store *s);
/* store_free was called: nothing may be released any more. */
bool store_is_closed(const Store *s);

#endif
