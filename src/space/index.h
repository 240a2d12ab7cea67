/* Index: a multimap from 32-bit tags to ascending row numbers.
 *
 * A tag is a hash, so an index gives a superset of the rows wanted and the caller tests each row (two tags collide once in
 * 2^32 pairs).  A tag with one row holds it in the directory; one with more has a posting, a contiguous
 * ascending run of the pool.  Posting 0 is the wild list: rows that any tag may match.
 *
 * Rows are added in ascending order.  A row in the middle of a long posting is not taken out when it is removed:
 * the caller recognises it as dead until the posting is filtered. */
#ifndef METTA_SPACE_INDEX_H
#define METTA_SPACE_INDEX_H

#include "base/vec.h"

typedef struct Posting {
    uint32_t off, len, cap;
    uint32_t dead; /* removed rows still in it */
} Posting;

typedef struct DirEntry {
    uint32_t tag, ref;
} DirEntry;

typedef struct Index {
    uint64_t path; /* what the tags are hashes of; the caller's business */
    DirEntry *dir; /* open addressing in tag order, so that growing it is one sequential pass */
    uint32_t dir_cap, dir_used;
    VEC(Posting) postings;
    VEC(uint32_t) free_postings;
    uint32_t *pool;
    size_t pool_len, pool_cap, garbage;
} Index;

/* A reference is a row, a posting, or none. */
enum { WILD_POSTING = 0 };
#define REF_NONE UINT32_MAX
#define REF_POSTING (UINT32_C(1) << 31)
#define ROW_MAX (UINT32_C(1) << 30)
static inline bool ref_is_posting(uint32_t ref)
{
    return (ref & REF_POSTING) != 0 && ref != REF_NONE;
}
static inline uint32_t ref_posting(uint32_t ref)
{
    assert(ref_is_posting(ref));
    return ref & ~REF_POSTING;
}

/* Rows that may still be removed from view: bit set for dead rows. */
typedef const uint64_t *DeadSet;
static inline bool is_dead(DeadSet dead, uint32_t row)
{
    return dead && (dead[row / 64] >> (row % 64) & 1);
}

Index *index_new(uint64_t path);
void index_free(Index *ix);
void index_add(Index *ix, uint32_t tag, uint32_t row);
void index_add_wild(Index *ix, uint32_t row);
/* Row ROW goes.  When PINNED, positions of rows below it stay what they are; otherwise DEAD tells which rows may
 * be dropped for good. */
void index_remove(Index *ix, uint32_t tag, uint32_t row, DeadSet dead, bool pinned);
void index_remove_wild(Index *ix, uint32_t row, DeadSet dead, bool pinned);
/* The rows of TAG. */
uint32_t index_find(const Index *ix, uint32_t tag);
/* How many rows REF has, without the wild ones. */
uint32_t index_count(const Index *ix, uint32_t ref);
static inline uint32_t index_wild_count(const Index *ix)
{
    return ix->postings.data[WILD_POSTING].len - ix->postings.data[WILD_POSTING].dead;
}
static inline const uint32_t *posting_rows(const Index *ix, uint32_t posting)
{
    return ix->pool + ix->postings.data[posting].off;
}
static inline void index_prefetch(const Index *ix, uint32_t tag)
{
    __builtin_prefetch(&ix->dir[((uint64_t)tag * ix->dir_cap) >> 32]);
}
/* Rows were renumbered: row R >= FLOOR is RANK[R - FLOOR] now, or gone when it is in DEAD. */
void index_remap(Index *ix, uint32_t floor, const uint32_t *rank, DeadSet dead);
void index_clear(Index *ix);
size_t index_bytes(const Index *ix);

#endif
