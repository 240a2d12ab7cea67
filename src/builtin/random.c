#include "builtin/bodies.h"

#include <math.h>
#include <sys/random.h>

/* xoroshiro128++ (Blackman and Vigna), seeded by splitmix64. */
typedef struct RandomGenerator {
    Ext base;
    uint64_t state[2];
} RandomGenerator;

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t next_random(uint64_t state[2])
{
    uint64_t a = state[0], b = state[1], result = rotate(a + b, 17) + a;
    b ^= a;
    state[0] = rotate(a, 49) ^ b ^ (b << 21);
    state[1] = rotate(b, 28);
    return result;
}

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void seed_generator(uint64_t state[2], uint64_t seed)
{
    state[0] = splitmix(&seed);
    state[1] = splitmix(&seed);
}

static uint64_t entropy(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = base_now_ns();
    return seed;
}

/* Uniform below WIDTH > 0: values of the last, incomplete round are thrown away. */
static uint64_t below(uint64_t state[2], uint64_t width)
{
    assert(width > 0);
    uint64_t surplus = (UINT64_MAX % width + 1) % width, x;
    do x = next_random(state);
    while (x > UINT64_MAX - surplus);
    return x % width;
}

static double unit_interval(uint64_t state[2])
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static void destroy_generator(Ext *x)
{
    base_free(x);
}

static Word type_of_generator(const Ext *x)
{
    (void)x;
    return W_SYM(T_RANDOM);
}

static const ExtType generator_type = {
    .name = "RandomGenerator",
    .destroy = destroy_generator,
    .type_of = type_of_generator,
};

static Word new_generator(Runtime *rt, uint64_t seed)
{
    RandomGenerator *g = base_calloc(1, sizeof *g);
    g->base.type = &generator_type;
    seed_generator(g->state, seed);
    return heap_add_ext(&rt->heap, &g->base);
}

static RandomGenerator *generator_of(Word w)
{
    return (RandomGenerator *)word_ext_of(w, &generator_type);
}

/* A number as a 64-bit integer: truncated, and cut to the range. */
static bool integer_of(Word w, int64_t *value)
{
    if (!num_is(w)) return false;
    double d = num_to_double(w);
    if (num_kind(w) == NUM_INT)
        *value = num_int(w);
    else if (d >= 0x1p63)
        *value = INT64_MAX;
    else
        *value = d >= -0x1p63 ? (int64_t)d : d < 0 ? INT64_MIN : 0;
    return true;
}

static BiStatus fail_empty_range(Word *out)
{
    *out = W_SYM(RANGE_IS_EMPTY);
    return BI_ERROR;
}

#include "builtin/random.inc"
