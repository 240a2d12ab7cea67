/* Atoms counted up to equality: what set operations and assertions are made of.
 *
 * Expected time per atom is linear in its size; atoms that are equal only to themselves but hash alike (variables, external
 * objects) are searched one by one.  Holds words: use it within one body, where nothing is collected. */
#ifndef METTA_BUILTIN_MULTISET_H
#define METTA_BUILTIN_MULTISET_H

#include "atom/atom.h"

typedef struct MultisetEntry {
    Word atom; /* the first of its equals */
    uint64_t hash;
    int64_t count; /* for the user; 0 when the entry is new */
} MultisetEntry;

typedef struct Multiset {
    VEC(MultisetEntry) entries; /* in order of first occurrence */
    uint32_t *table;            /* open addressing: entry index + 1 */
    uint32_t mask;
    bool alpha; /* equality up to the names of variables */
} Multiset;

void multiset_init(Multiset *m, bool alpha);
void multiset_free(Multiset *m);
/* The entry of ATOM's equals, or NULL.  Valid until the next multiset_entry. */
MultisetEntry *multiset_find(const Multiset *m, Word atom);
/* The same, added when there is none. */
MultisetEntry *multiset_entry(Multiset *m, Word atom);

#endif
