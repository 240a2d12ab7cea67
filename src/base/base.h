/* Common ground of every file: fixed-width types, branch hints, checked casts, fatal exit.
 *
 * Knows nothing of MeTTa.  Everything in base/ is prefixed base_, buf_, vec_ or log_. */
#ifndef METTA_BASE_BASE_H
#define METTA_BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define NORETURN __attribute__((noreturn))
/* For a function that is made once for each constant argument that its callers give. */
#define ALWAYS_INLINE __attribute__((always_inline))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Allocation: never returns NULL.  Running out of address space is fatal: user-visible memory limits are
 * enforced at safepoints, long before malloc can fail. The caller owns the result; free with base_free. */
void *base_alloc(size_t size);
void *base_calloc(size_t count, size_t size);
void *base_realloc(void *old, size_t size);
void base_free(void *ptr);
/* A NUL-terminated copy of LEN bytes of TEXT; the caller owns it. */
char *base_strndup(const char *text, size_t len);

/* Reserve *SIZE bytes of address space: no memory until touched, then zeroed.  Where the system (or a tool such as valgrind) has not
 * as many, fewer, and *SIZE tells how many.  NULL: not even a useful part.  The caller frees it with base_release. */
void *base_reserve(size_t *size);
void base_release(void *space, size_t size);

/* Print "mettatron: fatal: ..." to stderr and abort: for broken invariants and exhausted memory only. */
void base_fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/* Well-mixed 64-bit hash of LEN bytes (XXH3). */
uint64_t base_hash(const void *data, size_t len);
/* Well-mixed hash of one word; cheap. */
static inline uint64_t base_hash_word(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}
static inline uint64_t base_hash_mix(uint64_t seed, uint64_t x)
{
    return base_hash_word(seed * UINT64_C(0x9e3779b97f4a7c15) + x);
}

/* Wall-clock nanoseconds of a monotonic clock. */
uint64_t base_now_ns(void);

#endif
