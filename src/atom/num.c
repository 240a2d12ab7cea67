#include "atom/num.h"

#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static_assert(sizeof(mp_limb_t) == sizeof(Word) && GMP_NAIL_BITS == 0, "a limb is a body word");
static_assert(sizeof(double) == 8, "IEEE 754 doubles");

#define TWO_63 9223372036854775808.0 /* one more than the largest 64-bit integer */

enum {
    LIMB_BITS = 64,
    DOUBLE_LIMBS = 16,      /* the largest double has 1024 bits */
    DIGITS_PER_LIMB = 19,   /* decimal digits that always fit one limb */
    EXACT_DIGITS = 15,      /* every decimal of so many digits survives decimal -> double -> decimal */
    ROUND_TRIP_DIGITS = 17, /* so many digits identify every double */
    TIE_DIGITS = 25,        /* more than a double half-way between two decimals of 17 digits has */
    EXACT_POWER = 22,       /* 10^22 is the largest power of ten that is a double */
    MAX_DIGITS = NUM_MAX_LIMBS * DIGITS_PER_LIMB
};

/* -- Inspecting -- */

static bool is_obj(Word w, ObjKind kind)
{
    return word_is_heap(w) && word_obj(w)->kind == kind;
}

NumKind num_kind(Word w)
{
    if (word_is_int(w)) return NUM_INT;
    if (word_is_double(w)) return NUM_FLOAT;
    if (is_obj(w, OBJ_I64)) return NUM_INT;
    return is_obj(w, OBJ_BIG) ? NUM_BIG : NUM_NONE;
}

/* Is W an integer of at most 64 bits?  Then it is in *OUT. */
static inline bool is_int64(Word w, int64_t *out)
{
    if (word_is_int(w)) {
        *out = word_int48_get(w);
        return true;
    }
    if (!is_obj(w, OBJ_I64)) return false;
    *out = (int64_t)word_obj(w)->body[0];
    return true;
}

int64_t num_int(Word w)
{
    assert(num_kind(w) == NUM_INT);
    return word_is_int(w) ? word_int48_get(w) : (int64_t)word_obj(w)->body[0];
}

Word num_from_int(Heap *h, int64_t v)
{
    if (LIKELY(int_fits48(v))) return word_int48(v);
    Obj *o = heap_obj(h, OBJ_I64, 0, 1, 1);
    o->body[0] = (Word)v;
    return word_from_ptr(TAG_HEAP, o);
}

/* An integer of any size as sign and magnitude.  A small one keeps its magnitude in ONE, so a Nat is
 * passed by pointer only.  Zero has no limbs. */
typedef struct Nat {
    const mp_limb_t *limbs;
    mp_size_t n;
    bool negative;
    mp_limb_t one;
} Nat;

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static void nat_view(Nat *x, Word w)
{
    if (is_obj(w, OBJ_BIG)) {
        const Obj *o = word_obj(w);
        x->limbs = (const mp_limb_t *)o->body;
        x->n = (mp_size_t)o->len;
        x->negative = (o->flags & OBJ_NEGATIVE) != 0;
        return;
    }
    int64_t v = num_int(w);
    x->one = magnitude(v);
    x->limbs = &x->one;
    x->n = v != 0;
    x->negative = v < 0;
}

/* -- Big results --
 *
 * Results are computed in place in a heap object that is as large as the result can become, and is then cut
 * down: to its significant limbs, or to a smaller kind of integer.  The object is the newest of the nursery, so
 * cutting down means moving the top back. */

static Obj *big_open(Heap *h, size_t limbs)
{
    return heap_obj(h, OBJ_BIG, 0, (uint32_t)limbs, limbs);
}

static mp_limb_t *big_limbs(Obj *o)
{
    return (mp_limb_t *)o->body;
}

static bool fits_int64(uint64_t mag, bool negative)
{
    return mag <= (uint64_t)INT64_MAX + (negative ? 1 : 0);
}

/* Finish the newest object O, whose limbs are filled: the integer in its smallest form. */
static Word big_close(Heap *h, Obj *o, bool negative)
{
    size_t n = o->len;
    while (n && o->body[n - 1] == 0) n--;
    if (n == 0 || (n == 1 && fits_int64(o->body[0], negative))) {
        uint64_t mag = n ? o->body[0] : 0;
        h->top = (char *)o;
        return num_from_int(h, (int64_t)(negative ? 0 - mag : mag));
    }
    o->len = (uint32_t)n;
    o->flags = negative ? OBJ_NEGATIVE : 0;
    h->top = (char *)(o->body + n);
    return word_from_ptr(TAG_HEAP, o);
}

static Word big_from_uint(Heap *h, uint64_t mag, bool negative)
{
    Obj *o = big_open(h, 1);
    o->body[0] = mag;
    return big_close(h, o, negative);
}

static int compare_magnitude(const Nat *a, const Nat *b)
{
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    return a->n ? mpn_cmp(a->limbs, b->limbs, a->n) : 0;
}

/* |A| + |B| with the given sign. */
static Word add_magnitudes(Heap *h, const Nat *a, const Nat *b, bool negative)
{
    if (a->n < b->n) {
        const Nat *swap = a;
        a = b;
        b = swap;
    }
    Obj *o = big_open(h, (size_t)a->n + 1);
    mp_limb_t carry = 0;
    if (b->n)
        carry = mpn_add(big_limbs(o), a->limbs, a->n, b->limbs, b->n);
    else if (a->n)
        mpn_copyi(big_limbs(o), a->limbs, a->n);
    o->body[a->n] = carry;
    return big_close(h, o, negative);
}

/* A - B for two integers of one sign. */
static Word subtract_magnitudes(Heap *h, const Nat *a, const Nat *b, bool negative)
{
    if (compare_magnitude(a, b) < 0) {
        const Nat *swap = a;
        a = b;
        b = swap;
        negative = !negative;
    }
    Obj *o = big_open(h, (size_t)a->n);
    if (b->n)
        mpn_sub(big_limbs(o), a->limbs, a->n, b->limbs, b->n);
    else if (a->n)
        mpn_copyi(big_limbs(o), a->limbs, a->n);
    return big_close(h, o, negative);
}

static Word big_add(Heap *h, const Nat *a, const Nat *b, bool negate_b)
{
    if (a->negative == (b->negative != negate_b)) return add_magnitudes(h, a, b, a->negative);
    return subtract_magnitudes(h, a, b, a->negative);
}

static Word big_mul(Heap *h, const Nat *a, const Nat *b)
{
    if (a->n == 0 || b->n == 0) return word_int48(0);
    if (a->n < b->n) {
        const Nat *swap = a;
        a = b;
        b = swap;
    }
    Obj *o = big_open(h, (size_t)(a->n + b->n));
    mpn_mul(big_limbs(o), a->limbs, a->n, b->limbs, b->n);
    return big_close(h, o, a->negative != b->negative);
}

/* Truncated quotient or remainder; B is not zero. */
static Word big_div(Heap *h, const Nat *a, const Nat *b, bool remainder)
{
    assert(b->n > 0);
    size_t quotient_limbs = a->n < b->n ? 0 : (size_t)(a->n - b->n + 1);
    if (quotient_limbs == 0) {
        Obj *o = big_open(h, remainder ? (size_t)a->n : 0);
        if (o->len) mpn_copyi(big_limbs(o), a->limbs, a->n);
        return big_close(h, o, a->negative);
    }
    /* The wanted result lies first, the other behind it, where big_close cuts it off. */
    size_t first = remainder ? (size_t)b->n : quotient_limbs;
    Obj *o = big_open(h, quotient_limbs + (size_t)b->n);
    mp_limb_t *lower = big_limbs(o), *upper = lower + first;
    mpn_tdiv_qr(remainder ? upper : lower, remainder ? lower : upper, 0, a->limbs, a->n, b->limbs, b->n);
    o->len = (uint32_t)first;
    return big_close(h, o, remainder ? a->negative : a->negative != b->negative);
}

/* -- Arithmetic -- */

/* The float that is the number W, which is no object. */
static double word_to_double(Word w)
{
    return word_is_int(w) ? (double)word_int48_get(w) : word_double_get(w);
}

static double float_arith(NumOp op, double a, double b)
{
    switch (op) {
    case NUM_ADD:
        return a + b;
    case NUM_SUB:
        return a - b;
    case NUM_MUL:
        return a * b;
    case NUM_DIV:
        return a / b;
    case NUM_MOD:
        return fmod(a, b);
    }
    base_fatal("bad arithmetic operation %d", (int)op);
}

/* A OP B in 64 bits; false when the result does not fit, or there is none. */
static bool int_arith(NumOp op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case NUM_ADD:
        return !__builtin_add_overflow(a, b, out);
    case NUM_SUB:
        return !__builtin_sub_overflow(a, b, out);
    case NUM_MUL:
        return !__builtin_mul_overflow(a, b, out);
    case NUM_DIV:
        if (b == 0) return false;
        if (b == -1) return !__builtin_sub_overflow(0, a, out);
        *out = a / b;
        return true;
    case NUM_MOD:
        if (b == 0) return false;
        *out = b == -1 ? 0 : a % b;
        return true;
    }
    base_fatal("bad arithmetic operation %d", (int)op);
}

static NumStatus big_arith(Heap *h, NumOp op, Word a, Word b, Word *out)
{
    Nat x, y;
    nat_view(&x, a);
    nat_view(&y, b);
    if (op == NUM_MUL && x.n + y.n > NUM_MAX_LIMBS + 1) return NUM_TOO_BIG;
    switch (op) {
    case NUM_ADD:
    case NUM_SUB:
        *out = big_add(h, &x, &y, op == NUM_SUB);
        break;
    case NUM_MUL:
        *out = big_mul(h, &x, &y);
        break;
    case NUM_DIV:
    case NUM_MOD:
        *out = big_div(h, &x, &y, op == NUM_MOD);
        break;
    }
    return is_obj(*out, OBJ_BIG) && word_obj(*out)->len > NUM_MAX_LIMBS ? NUM_TOO_BIG : NUM_OK;
}

/* Where integers of 64 bits do not do. */
static NumStatus other_arith(Heap *h, NumOp op, Word a, Word b, Word *out)
{
    if (word_is_number(a) && word_is_number(b) && (!word_is_int(a) || !word_is_int(b))) {
        *out = word_double(float_arith(op, word_to_double(a), word_to_double(b)));
        return NUM_OK;
    }
    NumKind ka = num_kind(a), kb = num_kind(b);
    if (ka == NUM_NONE || kb == NUM_NONE) return NUM_NOT_NUMBER;
    if (ka == NUM_FLOAT || kb == NUM_FLOAT) {
        *out = word_double(float_arith(op, num_to_double(a), num_to_double(b)));
        return NUM_OK;
    }
    if ((op == NUM_DIV || op == NUM_MOD) && kb == NUM_INT && num_int(b) == 0) return NUM_DIV_BY_ZERO;
    return big_arith(h, op, a, b, out);
}

NumStatus num_arith(Heap *h, NumOp op, Word a, Word b, Word *out)
{
    int64_t x, y, result;
    if (LIKELY(is_int64(a, &x) && is_int64(b, &y)) && int_arith(op, x, y, &result)) {
        *out = num_from_int(h, result);
        return NUM_OK;
    }
    return other_arith(h, op, a, b, out);
}

/* What the operations below do not do themselves. */
static __attribute__((noinline)) Word arith_words(Heap *h, NumOp op, Word x, Word y)
{
    Word result;
    return num_arith(h, op, atom_deref(x), atom_deref(y), &result) == NUM_OK ? result : WORD_NIL;
}

#define OPERATION(name, op)                                       \
    Word num_##name(Heap *h, Word x, Word y)                      \
    {                                                             \
        int64_t a, b, result;                                     \
        if (UNLIKELY(!is_int64(x, &a) || !is_int64(y, &b)) ||     \
            UNLIKELY(__builtin_##name##_overflow(a, b, &result))) \
            return arith_words(h, op, x, y);                      \
        return num_from_int(h, result);                           \
    }
OPERATION(add, NUM_ADD)
OPERATION(sub, NUM_SUB)
OPERATION(mul, NUM_MUL)
#undef OPERATION

Word num_abs(Heap *h, Word w)
{
    switch (num_kind(w)) {
    case NUM_FLOAT:
        return word_double(fabs(word_double_get(w)));
    case NUM_INT: {
        int64_t v = num_int(w);
        if (v >= 0) return w;
        return v == INT64_MIN ? big_from_uint(h, magnitude(v), false) : num_from_int(h, -v);
    }
    case NUM_BIG: {
        Nat x;
        nat_view(&x, w);
        if (!x.negative) return w;
        Obj *o = big_open(h, (size_t)x.n);
        mpn_copyi(big_limbs(o), x.limbs, x.n);
        return big_close(h, o, false);
    }
    case NUM_NONE:
        break;
    }
    base_fatal("num_abs of something that is no number");
}

/* -- Integers and doubles -- */

/* The 64 bits of X from its highest set bit down; *EXPONENT is the weight of the lowest of them and *EXACT
 * tells whether nothing but zeros was left off. */
static uint64_t top_bits(const Nat *x, int64_t *exponent, bool *exact)
{
    assert(x->n > 0 && x->limbs[x->n - 1] != 0);
    mp_size_t top = x->n - 1;
    int shift = __builtin_clzll(x->limbs[top]);
    uint64_t bits = x->limbs[top] << shift;
    *exponent = (int64_t)top * LIMB_BITS - shift;
    *exact = true;
    if (top == 0) return bits;
    uint64_t next = x->limbs[top - 1];
    if (shift) bits |= next >> (LIMB_BITS - shift);
    *exact = (next << shift) == 0 && (top == 1 || mpn_zero_p(x->limbs, top - 1));
    return bits;
}

static double big_to_double(const Nat *x)
{
    int64_t exponent;
    bool exact;
    uint64_t bits = top_bits(x, &exponent, &exact);
    /* What was left off only matters in a tie, and there one low bit, far below a double's 53, stands for it. */
    double d = (double)(exact ? bits : bits | 1);
    d = exponent > 2000 ? INFINITY : ldexp(d, (int)exponent);
    return x->negative ? -d : d;
}

double num_to_double(Word w)
{
    switch (num_kind(w)) {
    case NUM_FLOAT:
        return word_double_get(w);
    case NUM_INT:
        return (double)num_int(w);
    case NUM_BIG: {
        Nat x;
        nat_view(&x, w);
        return big_to_double(&x);
    }
    case NUM_NONE:
        break;
    }
    base_fatal("num_to_double of something that is no number");
}

/* The magnitude of a finite integral D with |D| >= 2^63 in LIMBS. */
static Nat nat_from_double(double d, mp_limb_t limbs[DOUBLE_LIMBS])
{
    int exponent;
    double fraction = frexp(fabs(d), &exponent);
    uint64_t bits = (uint64_t)ldexp(fraction, LIMB_BITS);
    int shift = exponent - LIMB_BITS; /* the value is bits * 2^shift */
    assert(shift >= 0 && exponent <= DOUBLE_LIMBS * LIMB_BITS);
    Nat x = {.limbs = limbs, .n = (exponent + LIMB_BITS - 1) / LIMB_BITS, .negative = d < 0};
    memset(limbs, 0, (size_t)x.n * sizeof limbs[0]);
    int low = shift / LIMB_BITS, by = shift % LIMB_BITS;
    limbs[low] = bits << by;
    if (by) limbs[low + 1] = bits >> (LIMB_BITS - by);
    return x;
}

bool num_from_double(Heap *h, double d, Word *out)
{
    if (!isfinite(d)) return false;
    d = trunc(d);
    if (d >= -TWO_63 && d < TWO_63) {
        *out = num_from_int(h, (int64_t)d);
        return true;
    }
    mp_limb_t limbs[DOUBLE_LIMBS];
    Nat x = nat_from_double(d, limbs);
    Obj *o = big_open(h, (size_t)x.n);
    mpn_copyi(big_limbs(o), x.limbs, x.n);
    *out = big_close(h, o, x.negative);
    return true;
}

/* -- Comparing and hashing -- */

static int compare_nats(const Nat *a, const Nat *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    int c = compare_magnitude(a, b);
    c = (c > 0) - (c < 0);
    return a->negative ? -c : c;
}

static int compare_int_double(int64_t v, double d)
{
    if (d >= TWO_63) return -1;
    if (d < -TWO_63) return 1;
    int64_t whole = (int64_t)d;
    if (v != whole) return v < whole ? -1 : 1;
    double rest = d - (double)whole;
    return (rest < 0) - (rest > 0);
}

static int compare_big_double(const Nat *x, double d)
{
    if (isinf(d)) return d > 0 ? -1 : 1;
    /* Every big integer lies outside the doubles below 2^63. */
    if (fabs(d) < TWO_63) return x->negative ? -1 : 1;
    mp_limb_t limbs[DOUBLE_LIMBS];
    Nat y = nat_from_double(d, limbs);
    return compare_nats(x, &y);
}

/* Integer A against double D. */
static int compare_mixed(Word a, double d)
{
    if (isnan(d)) return NUM_UNORDERED;
    if (num_kind(a) == NUM_INT) return compare_int_double(num_int(a), d);
    Nat x;
    nat_view(&x, a);
    return compare_big_double(&x, d);
}

/* Where integers of 64 bits do not do. */
static int other_compare(Word a, Word b)
{
    NumKind ka = num_kind(a), kb = num_kind(b);
    assert(ka != NUM_NONE && kb != NUM_NONE);
    if (ka == NUM_FLOAT && kb == NUM_FLOAT) {
        double x = word_double_get(a), y = word_double_get(b);
        return isnan(x) || isnan(y) ? NUM_UNORDERED : (x > y) - (x < y);
    }
    if (kb == NUM_FLOAT) return compare_mixed(a, word_double_get(b));
    if (ka == NUM_FLOAT) {
        int c = compare_mixed(b, word_double_get(a));
        return c == NUM_UNORDERED ? c : -c;
    }
    Nat x, y;
    nat_view(&x, a);
    nat_view(&y, b);
    return compare_nats(&x, &y);
}

int num_compare(Word a, Word b)
{
    int64_t x, y;
    if (LIKELY(is_int64(a, &x) && is_int64(b, &y))) return (x > y) - (x < y);
    return other_compare(a, b);
}

static __attribute__((noinline)) int order_words(Word x, Word y)
{
    x = atom_deref(x);
    y = atom_deref(y);
    return num_is(x) && num_is(y) ? num_compare(x, y) : NUM_NEITHER;
}

int num_order(Word x, Word y)
{
    int64_t a, b;
    if (UNLIKELY(!is_int64(x, &a) || !is_int64(y, &b))) return order_words(x, y);
    return (a > b) - (a < b);
}

static uint64_t hash_double(double d)
{
    if (d >= -TWO_63 && d < TWO_63 && d == trunc(d)) return base_hash_word((uint64_t)(int64_t)d);
    return base_hash_mix(1, word_double(d));
}

uint64_t num_hash(Word w)
{
    switch (num_kind(w)) {
    case NUM_FLOAT:
        return hash_double(word_double_get(w));
    case NUM_INT:
        return base_hash_word((uint64_t)num_int(w));
    case NUM_BIG: {
        /* A big integer that some double equals must hash like it. */
        Nat x;
        nat_view(&x, w);
        double d = big_to_double(&x);
        if (compare_big_double(&x, d) == 0) return hash_double(d);
        return base_hash_mix(x.negative, base_hash(x.limbs, (size_t)x.n * sizeof x.limbs[0]));
    }
    case NUM_NONE:
        break;
    }
    base_fatal("num_hash of something that is no number");
}

/* -- Reading -- */

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p)) p++;
    return p;
}

/* The parts of a number's text: digits [. fraction] [exponent].  Empty fraction: no point. */
typedef struct NumText {
    bool negative;
    const char *digits, *digits_end;
    const char *fraction, *fraction_end;
    const char *exponent, *exponent_end; /* with its sign */
} NumText;

static bool split_number(const char *text, size_t len, NumText *t)
{
    const char *p = text, *end = text + len;
    memset(t, 0, sizeof *t);
    if (p < end && (*p == '-' || *p == '+')) t->negative = *p++ == '-';
    t->digits = p;
    t->digits_end = p = skip_digits(p, end);
    if (t->digits == p) return false;
    if (p < end && *p == '.') {
        t->fraction = p + 1;
        t->fraction_end = p = skip_digits(p + 1, end);
        if (t->fraction == p) return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        t->exponent = ++p;
        if (p < end && (*p == '-' || *p == '+')) p++;
        const char *first = p;
        t->exponent_end = p = skip_digits(p, end);
        if (first == p) return false;
    }
    return p == end;
}

static bool parse_big(Heap *h, const NumText *t, Word *out)
{
    size_t n = (size_t)(t->digits_end - t->digits);
    if (n > MAX_DIGITS) return false;
    /* mpn_set_str wants digit values, most significant first. */
    unsigned char *values = base_alloc(n);
    for (size_t i = 0; i < n; i++) values[i] = (unsigned char)(t->digits[i] - '0');
    Obj *o = big_open(h, n / DIGITS_PER_LIMB + 2); /* mpn_set_str wants one limb to spare */
    mp_size_t used = mpn_set_str(big_limbs(o), values, n, 10);
    base_free(values);
    assert(used <= (mp_size_t)o->len);
    o->len = (uint32_t)used;
    *out = big_close(h, o, t->negative);
    return true;
}

static bool parse_int(Heap *h, const NumText *t, Word *out)
{
    if (t->digits_end - t->digits >= DIGITS_PER_LIMB) return parse_big(h, t, out);
    int64_t v = 0;
    for (const char *p = t->digits; p < t->digits_end; p++) v = v * 10 + (*p - '0');
    *out = num_from_int(h, t->negative ? -v : v);
    return true;
}

/* The power of ten of the last digit: the written exponent less the digits behind the point.  Exponents far
 * out of every double's range are cut off. */
static int64_t decimal_exponent(const NumText *t)
{
    const int64_t limit = INT64_C(1) << 50;
    int64_t e = 0;
    bool negative = false;
    for (const char *p = t->exponent; p < t->exponent_end; p++) {
        if (*p == '-') negative = true;
        if (is_digit(*p) && e < limit) e = e * 10 + (*p - '0');
    }
    return (negative ? -e : e) - (t->fraction_end - t->fraction);
}

/* DIGITS * 10^EXPONENT by the C library.  Without a decimal point its text means the same in every locale. */
static double decimal_to_double(const char *digits, size_t n, int64_t exponent)
{
    char small[64];
    char *text = n < sizeof small - 24 ? small : base_alloc(n + 24);
    memcpy(text, digits, n);
    snprintf(text + n, 24, "e%lld", (long long)exponent);
    double d = strtod(text, NULL);
    if (text != small) base_free(text);
    return d;
}

static double parse_long_float(const NumText *t, int64_t exponent)
{
    Buf digits = {0};
    buf_put(&digits, t->digits, (size_t)(t->digits_end - t->digits));
    buf_put(&digits, t->fraction, (size_t)(t->fraction_end - t->fraction));
    double d = decimal_to_double(digits.data, digits.len, exponent);
    buf_free(&digits);
    return d;
}

static double parse_float(const NumText *t)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t exponent = decimal_exponent(t);
    int64_t digits = (t->digits_end - t->digits) + (t->fraction_end - t->fraction);
    if (digits > EXACT_DIGITS || exponent < -EXACT_POWER || exponent > EXACT_POWER)
        return parse_long_float(t, exponent);
    /* Both operands are exact, so one correctly rounded operation gives the nearest double (Clinger 1990). */
    int64_t m = 0;
    for (const char *p = t->digits; p < t->digits_end; p++) m = m * 10 + (*p - '0');
    for (const char *p = t->fraction; p < t->fraction_end; p++) m = m * 10 + (*p - '0');
    return exponent < 0 ? (double)m / powers[-exponent] : (double)m * powers[exponent];
}

bool num_parse(Heap *h, const char *text, size_t len, Word *out)
{
    NumText t;
    if (!split_number(text, len, &t)) return false;
    if (!t.fraction && !t.exponent) return parse_int(h, &t, out);
    double d = parse_float(&t);
    *out = word_double(t.negative ? -d : d);
    return true;
}

/* -- Printing -- */

static void print_uint(uint64_t v, Buf *out)
{
    char text[24];
    char *p = text + sizeof text;
    do *--p = (char)('0' + v % 10);
    while (v /= 10);
    buf_put(out, p, (size_t)(text + sizeof text - p));
}

static void print_big(const Nat *x, Buf *out)
{
    mpz_t view;
    mpz_roinit_n(view, x->limbs, x->negative ? -x->n : x->n);
    size_t room = mpz_sizeinbase(view, 10) + 2; /* sign and NUL */
    vec_reserve(out, room);
    mpz_get_str(out->data + out->len, 10, view);
    out->len += strlen(out->data + out->len);
}

/* A positive double as d.ddd * 10^exponent. */
typedef struct Decimal {
    char digits[TIE_DIGITS];
    int count, exponent;
} Decimal;

/* Round D to COUNT significant digits.  The C library's point is skipped, whatever the locale makes of it. */
static Decimal round_decimal(double d, int count)
{
    char text[64];
    Decimal r = {.count = 0};
    snprintf(text, sizeof text, "%.*e", count - 1, d);
    const char *p = text;
    for (; *p != 'e'; p++)
        if (is_digit(*p)) r.digits[r.count++] = *p;
    assert(r.count == count);
    r.exponent = (int)strtol(p + 1, NULL, 10);
    return r;
}

static double decimal_value(const Decimal *r)
{
    return decimal_to_double(r->digits, (size_t)r->count, r->exponent - (r->count - 1));
}

/* The next larger decimal of as many digits. */
static void step_up(Decimal *r)
{
    int i = r->count - 1;
    while (i > 0 && r->digits[i] == '9') r->digits[i--] = '0';
    if (r->digits[i] != '9') {
        r->digits[i]++;
    } else {
        r->digits[i] = '1';
        r->exponent++;
    }
}

static bool is_power_of_two(double d)
{
    int exponent;
    return frexp(d, &exponent) == 0.5;
}

/* Is D half-way between R and its larger neighbour? */
static bool is_tie(double d, const Decimal *r)
{
    Decimal exact = round_decimal(d, TIE_DIGITS);
    int i = r->count;
    if (memcmp(exact.digits, r->digits, (size_t)i) != 0 || exact.digits[i++] != '5') return false;
    while (i < TIE_DIGITS && exact.digits[i] == '0') i++;
    return i == TIE_DIGITS;
}

/* The shortest digits that read back as D, and of those the nearest to it, the larger in a tie. */
static Decimal shortest_decimal(double d)
{
    int count = d < 2.3e-308 ? 1 : EXACT_DIGITS; /* a subnormal may have less than 15 digits of precision */
    Decimal r = round_decimal(d, count);
    while (count < ROUND_TRIP_DIGITS && decimal_value(&r) != d) {
        /* The doubles below a power of two are twice as dense: the nearest decimal, if below, may miss it where the
         * farther one above does not. */
        if (is_power_of_two(d)) {
            step_up(&r);
            if (decimal_value(&r) == d) break;
        }
        r = round_decimal(d, ++count);
    }
    if (count > EXACT_DIGITS && is_tie(d, &r)) step_up(&r);
    while (r.count > 1 && r.digits[r.count - 1] == '0') r.count--;
    return r;
}

static void print_exponent_form(const Decimal *r, Buf *out)
{
    buf_putc(out, r->digits[0]);
    if (r->count > 1) {
        buf_putc(out, '.');
        buf_put(out, r->digits + 1, (size_t)r->count - 1);
    }
    buf_printf(out, "e%d", r->exponent);
}

static void print_positional(const Decimal *r, Buf *out)
{
    int whole = r->exponent + 1; /* digits before the point */
    if (whole <= 0) buf_puts(out, "0.");
    for (int i = whole; i < 0; i++) buf_putc(out, '0');
    for (int i = 0; i < r->count; i++) {
        if (i == whole && i > 0) buf_putc(out, '.');
        buf_putc(out, r->digits[i]);
    }
    for (int i = r->count; i < whole; i++) buf_putc(out, '0');
    if (whole >= r->count) buf_puts(out, ".0");
}

static void print_double(double d, Buf *out)
{
    if (isnan(d)) {
        buf_puts(out, "NaN");
        return;
    }
    if (signbit(d)) buf_putc(out, '-');
    d = fabs(d);
    if (isinf(d)) {
        buf_puts(out, "inf");
    } else if (d < 1e15 && d == trunc(d)) {
        /* Doubles are dense enough here that only an integer's own digits identify it. */
        print_uint((uint64_t)d, out);
        buf_puts(out, ".0");
    } else {
        Decimal r = shortest_decimal(d);
        if (r.exponent >= 16 || r.exponent < -4)
            print_exponent_form(&r, out);
        else
            print_positional(&r, out);
    }
}

void num_print(Word w, Buf *out)
{
    switch (num_kind(w)) {
    case NUM_INT: {
        int64_t v = num_int(w);
        if (v < 0) buf_putc(out, '-');
        print_uint(magnitude(v), out);
        return;
    }
    case NUM_BIG: {
        Nat x;
        nat_view(&x, w);
        print_big(&x, out);
        return;
    }
    case NUM_FLOAT:
        print_double(word_double_get(w), out);
        return;
    case NUM_NONE:
        break;
    }
    base_fatal("num_print of something that is no number");
}
