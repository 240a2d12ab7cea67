#include "space/index.h"

#include <string.h>

enum {
    DIR_MIN = 8,
    POOL_MIN = 32,
    MOVE_MAX = 256, /* more entries than this are not moved to close one hole */
    BIG_POOL = 1 << 16,
};

/* -- Directory -- */

static uint32_t dir_home(const Index *ix, uint32_t tag)
{
    return (uint32_t)(((uint64_t)tag * ix->dir_cap) >> 32);
}

static uint32_t dir_after(const Index *ix, uint32_t at)
{
    return at + 1 == ix->dir_cap ? 0 : at + 1;
}

/* The place of TAG, or the free place where it belongs. */
static uint32_t dir_place(const Index *ix, uint32_t tag)
{
    uint32_t at = dir_home(ix, tag);
    while (ix->dir[at].ref != REF_NONE && ix->dir[at].tag != tag) at = dir_after(ix, at);
    return at;
}

/* A directory of CAP places with the entries that still have a reference. */
static void dir_rebuild(Index *ix, uint32_t cap)
{
    DirEntry *old = ix->dir;
    uint32_t old_cap = ix->dir_cap;
    ix->dir = base_alloc((size_t)cap * sizeof *ix->dir);
    memset(ix->dir, 0xFF, (size_t)cap * sizeof *ix->dir);
    ix->dir_cap = cap;
    ix->dir_used = 0;
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i].ref == REF_NONE) continue;
        ix->dir[dir_place(ix, old[i].tag)] = old[i];
        ix->dir_used++;
    }
    base_free(old);
}

static void dir_reserve(Index *ix)
{
    if (LIKELY((uint64_t)(ix->dir_used + 1) * 4 <= (uint64_t)ix->dir_cap * 3)) return;
    uint64_t cap = ix->dir_cap < BIG_POOL ? (uint64_t)ix->dir_cap * 2 : (uint64_t)ix->dir_cap * 3 / 2;
    if (cap > UINT32_MAX) base_fatal("an index has too many keys");
    dir_rebuild(ix, (uint32_t)cap);
}

static void dir_delete(Index *ix, uint32_t at)
{
    for (uint32_t next = dir_after(ix, at); ix->dir[next].ref != REF_NONE; next = dir_after(ix, next)) {
        uint32_t home = dir_home(ix, ix->dir[next].tag);
        /* An entry may move back to AT unless its home lies cyclically in (at, next]. */
        bool stays = at <= next ? at < home && home <= next : at < home || home <= next;
        if (stays) continue;
        ix->dir[at] = ix->dir[next];
        at = next;
    }
    ix->dir[at].ref = REF_NONE;
    ix->dir_used--;
}

/* -- Pool and postings -- */

/* Copy the postings to a new pool with room for N more entries. */
static void pool_compact(Index *ix, size_t n)
{
    size_t cap = ix->pool_len - ix->garbage;
    cap += cap / 8 + n + POOL_MIN;
    uint32_t *pool = base_alloc(cap * sizeof *pool);
    size_t len = 0;
    for (size_t i = 0; i < ix->postings.len; i++) {
        Posting *p = &ix->postings.data[i];
        if (p->len) memcpy(pool + len, ix->pool + p->off, p->len * sizeof *pool);
        p->off = (uint32_t)len;
        len += p->cap;
    }
    assert(len + n <= cap);
    base_free(ix->pool);
    ix->pool = pool;
    ix->pool_len = len;
    ix->pool_cap = cap;
    ix->garbage = 0;
}

static void pool_reserve(Index *ix, size_t n)
{
    if (ix->pool_len + n <= ix->pool_cap) return;
    if (ix->garbage > ix->pool_len / 4) {
        pool_compact(ix, n);
    } else {
        size_t cap = ix->pool_cap + (ix->pool_cap < BIG_POOL ? ix->pool_cap : ix->pool_cap / 8);
        if (cap < ix->pool_len + n) cap = ix->pool_len + n + POOL_MIN;
        ix->pool = base_realloc(ix->pool, cap * sizeof *ix->pool);
        ix->pool_cap = cap;
    }
    if (ix->pool_cap > UINT32_MAX) base_fatal("an index has too many rows");
}

static void posting_grow(Index *ix, uint32_t posting)
{
    uint32_t len = ix->postings.data[posting].len, want = len + len / 2 + 2;
    pool_reserve(ix, want);
    Posting *p = &ix->postings.data[posting];
    if ((size_t)p->off + p->cap == ix->pool_len) {
        ix->pool_len += want - p->cap;
    } else {
        if (len) memcpy(ix->pool + ix->pool_len, ix->pool + p->off, len * sizeof *ix->pool);
        p->off = (uint32_t)ix->pool_len;
        ix->pool_len += want;
        ix->garbage += p->cap;
    }
    p->cap = want;
}

static void posting_append(Index *ix, uint32_t posting, uint32_t row)
{
    Posting *p = &ix->postings.data[posting];
    if (p->len == p->cap) {
        posting_grow(ix, posting);
        p = &ix->postings.data[posting];
    }
    assert(p->len == 0 || ix->pool[p->off + p->len - 1] < row);
    ix->pool[p->off + p->len++] = row;
}

static uint32_t posting_new(Index *ix)
{
    if (ix->free_postings.len) return vec_pop(&ix->free_postings);
    vec_push(&ix->postings, ((Posting){0}));
    return (uint32_t)ix->postings.len - 1;
}

static void posting_free(Index *ix, uint32_t posting)
{
    ix->garbage += ix->postings.data[posting].cap;
    ix->postings.data[posting] = (Posting){0};
    vec_push(&ix->free_postings, posting);
}

static void posting_filter(Index *ix, Posting *p, DeadSet dead)
{
    uint32_t *rows = ix->pool + p->off, kept = 0;
    for (uint32_t i = 0; i < p->len; i++)
        if (!is_dead(dead, rows[i])) rows[kept++] = rows[i];
    p->len = kept;
    p->dead = 0;
}

static uint32_t row_position(const uint32_t *rows, uint32_t len, uint32_t row)
{
    uint32_t low = 0, high = len;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (rows[mid] < row)
            low = mid + 1;
        else
            high = mid;
    }
    assert(low < len && rows[low] == row);
    return low;
}

static void posting_remove(Index *ix, uint32_t posting, uint32_t row, DeadSet dead, bool pinned)
{
    Posting *p = &ix->postings.data[posting];
    uint32_t *rows = ix->pool + p->off;
    uint32_t at = row_position(rows, p->len, row), after = p->len - at - 1;
    if (after == 0) {
        p->len--;
    } else if (at == 0) {
        /* The oldest goes first most often. */
        p->off++;
        p->len--;
        p->cap--;
        ix->garbage++;
    } else if (after <= MOVE_MAX) {
        memmove(rows + at, rows + at + 1, after * sizeof *rows);
        p->len--;
    } else {
        p->dead++;
    }
    if (!pinned && p->dead > p->len / 2) posting_filter(ix, p, dead);
}

/* -- Index -- */

Index *index_new(uint64_t path)
{
    Index *ix = base_calloc(1, sizeof *ix);
    ix->path = path;
    index_clear(ix);
    return ix;
}

void index_clear(Index *ix)
{
    base_free(ix->dir);
    base_free(ix->pool);
    ix->dir = NULL;
    ix->dir_cap = 0;
    dir_rebuild(ix, DIR_MIN);
    vec_clear(&ix->postings);
    vec_clear(&ix->free_postings);
    vec_push(&ix->postings, ((Posting){0}));
    ix->pool = NULL;
    ix->pool_len = ix->pool_cap = ix->garbage = 0;
}

void index_free(Index *ix)
{
    if (!ix) return;
    base_free(ix->dir);
    base_free(ix->pool);
    vec_free(&ix->postings);
    vec_free(&ix->free_postings);
    base_free(ix);
}

void index_add(Index *ix, uint32_t tag, uint32_t row)
{
    assert(row < ROW_MAX);
    dir_reserve(ix);
    DirEntry *e = &ix->dir[dir_place(ix, tag)];
    if (e->ref == REF_NONE) {
        *e = (DirEntry){tag, row};
        ix->dir_used++;
    } else if (ref_is_posting(e->ref)) {
        posting_append(ix, ref_posting(e->ref), row);
    } else {
        uint32_t first = e->ref, posting = posting_new(ix);
        e->ref = REF_POSTING | posting;
        posting_append(ix, posting, first);
        posting_append(ix, posting, row);
    }
}

void index_add_wild(Index *ix, uint32_t row)
{
    posting_append(ix, WILD_POSTING, row);
}

void index_remove(Index *ix, uint32_t tag, uint32_t row, DeadSet dead, bool pinned)
{
    uint32_t at = dir_place(ix, tag), ref = ix->dir[at].ref;
    assert(ref != REF_NONE);
    if (!ref_is_posting(ref)) {
        assert(ref == row);
        dir_delete(ix, at);
        return;
    }
    posting_remove(ix, ref_posting(ref), row, dead, pinned);
    /* A cursor may hold the number of a posting, so while one is open numbers are not given to other tags. */
    if (!pinned && ix->postings.data[ref_posting(ref)].len == 0) {
        posting_free(ix, ref_posting(ref));
        dir_delete(ix, at);
    }
}

void index_remove_wild(Index *ix, uint32_t row, DeadSet dead, bool pinned)
{
    posting_remove(ix, WILD_POSTING, row, dead, pinned);
}

uint32_t index_find(const Index *ix, uint32_t tag)
{
    return ix->dir[dir_place(ix, tag)].ref;
}

uint32_t index_count(const Index *ix, uint32_t ref)
{
    if (ref == REF_NONE) return 0;
    if (!ref_is_posting(ref)) return 1;
    const Posting *p = &ix->postings.data[ref_posting(ref)];
    return p->len - p->dead;
}

static void posting_remap(Index *ix, Posting *p, uint32_t floor, const uint32_t *rank, DeadSet dead)
{
    if (p->len == 0) return;
    uint32_t *rows = ix->pool + p->off, kept = 0;
    for (uint32_t i = 0; i < p->len; i++) {
        uint32_t row = rows[i];
        if (row < floor)
            rows[kept++] = row;
        else if (!is_dead(dead, row))
            rows[kept++] = rank[row - floor];
        else
            p->dead--;
    }
    p->len = kept;
}

void index_remap(Index *ix, uint32_t floor, const uint32_t *rank, DeadSet dead)
{
    for (size_t i = 0; i < ix->postings.len; i++) posting_remap(ix, &ix->postings.data[i], floor, rank, dead);
    bool emptied = false;
    for (uint32_t i = 0; i < ix->dir_cap; i++) {
        uint32_t ref = ix->dir[i].ref;
        if (ref == REF_NONE) continue;
        if (!ref_is_posting(ref)) {
            if (ref >= floor) ix->dir[i].ref = rank[ref - floor];
        } else if (floor == 0 && ix->postings.data[ref_posting(ref)].len == 0) {
            posting_free(ix, ref_posting(ref));
            ix->dir[i].ref = REF_NONE;
            emptied = true;
        }
    }
    if (emptied) dir_rebuild(ix, ix->dir_cap);
}

size_t index_bytes(const Index *ix)
{
    return sizeof *ix + (size_t)ix->dir_cap * sizeof *ix->dir + ix->postings.cap * sizeof *ix->postings.data +
           ix->free_postings.cap * sizeof(uint32_t) + ix->pool_cap * sizeof *ix->pool;
}
