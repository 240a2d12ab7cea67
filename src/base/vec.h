/* Growable array of any element type, as a struct of three fields.
 *
 *   VEC(uint32_t) ids = {0};
 *   vec_push(&ids, 7);
 *   for (size_t i = 0; i < ids.len; i++) use(ids.data[i]);
 *   vec_free(&ids);
 *
 * A zeroed vector is a valid empty one.  Growth is by half, so pushes are amortised constant time. */
#ifndef METTA_BASE_VEC_H
#define METTA_BASE_VEC_H

#include <string.h>

#include "base/base.h"

#define VEC(T)      \
    struct {        \
        T *data;    \
        size_t len; \
        size_t cap; \
    }

static inline void *vec_grow_raw(void *data, size_t *cap, size_t need, size_t size)
{
    size_t want = *cap + *cap / 2;
    if (want < need) want = need;
    if (want < 8) want = 8;
    *cap = want;
    return base_realloc(data, want * size);
}

/* Make room for N more elements. */
#define vec_reserve(v, n)       \
    ((v)->len + (n) <= (v)->cap \
         ? (void)0              \
         : (void)((v)->data = vec_grow_raw((v)->data, &(v)->cap, (v)->len + (n), sizeof(*(v)->data))))
#define vec_push(v, x) (vec_reserve((v), 1), (void)((v)->data[(v)->len++] = (x)))
#define vec_pop(v) ((v)->data[--(v)->len])
#define vec_last(v) ((v)->data[(v)->len - 1])
#define vec_clear(v) ((void)((v)->len = 0))
#define vec_free(v) (base_free((v)->data), (v)->data = NULL, (v)->len = (v)->cap = 0)

/* Set PLACE to the place of the first element of V, ascending by FIELD, whose FIELD is not less than KEY: the length if all are less.
 * Logarithmic. */
#define vec_search(v, field, key, place)             \
    do {                                             \
        size_t low_ = 0, high_ = (v)->len;           \
        while (low_ < high_) {                       \
            size_t mid_ = low_ + (high_ - low_) / 2; \
            if ((v)->data[mid_].field < (key))       \
                low_ = mid_ + 1;                     \
            else                                     \
                high_ = mid_;                        \
        }                                            \
        (place) = low_;                              \
    } while (0)

/* A vector whose first N elements are in the struct itself, which must not be moved.  small_init before use; vec_last and
 * reading as above. */
#define SMALL_VEC(T, n) \
    struct {            \
        T *data;        \
        size_t len;     \
        size_t cap;     \
        T first[n];     \
    }

static inline void *small_grow_raw(void *data, const void *first, size_t *cap, size_t size)
{
    void *grown = base_alloc(*cap * 2 * size);
    memcpy(grown, data, *cap * size);
    if (data != first) base_free(data);
    *cap *= 2;
    return grown;
}

#define small_init(v) ((v)->data = (v)->first, (v)->len = 0, (v)->cap = COUNT_OF((v)->first))
#define small_push(v, x)                                                                               \
    ((void)((v)->len < (v)->cap ||                                                                     \
            ((v)->data = small_grow_raw((v)->data, (v)->first, &(v)->cap, sizeof(*(v)->data)), true)), \
     (void)((v)->data[(v)->len++] = (x)))
#define small_free(v) ((v)->data == (v)->first ? (void)0 : base_free((v)->data))

#endif
