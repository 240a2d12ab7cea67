/* The smallest unit-test library: count what holds, tell what does not, sum up.
 *
 *     int main(void)
 *     {
 *         CHECK(1 + 1 == 2);
 *         CHECK_MSG(n == 3, "n is %d", n);
 *         CHECK_STR(text, "expected");
 *         return unit_end();
 *     }
 */
#ifndef METTA_TESTS_UNIT_H
#define METTA_TESTS_UNIT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned unit_passed, unit_failed;

#define CHECK_MSG(condition, ...)                                          \
    do {                                                                   \
        if (condition) {                                                   \
            unit_passed++;                                                 \
        } else {                                                           \
            unit_failed++;                                                 \
            printf("%s:%d: failed: %s: ", __FILE__, __LINE__, #condition); \
            printf(__VA_ARGS__);                                           \
            putchar('\n');                                                 \
        }                                                                  \
    } while (0)
#define CHECK(condition) CHECK_MSG(condition, "is false")
#define CHECK_STR(got, want)                                                                         \
    do {                                                                                             \
        const char *unit_got = (got), *unit_want = (want);                                           \
        CHECK_MSG(strcmp(unit_got, unit_want) == 0, "got \"%s\", want \"%s\"", unit_got, unit_want); \
    } while (0)

/* The next number below N of the sequence in STATE, the same on every machine (Knuth's MMIX generator). */
static inline uint32_t unit_below(uint64_t *state, uint32_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % n;
}

/* The last line of a test program and its exit status. */
static inline int unit_end(void)
{
    printf("%u passed, %u failed\n", unit_passed, unit_failed);
    return unit_failed != 0;
}

#endif
