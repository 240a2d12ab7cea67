/* Numbers: representation, exact arithmetic, comparison, hashing, text. */
#include "atom/num.h"
#include "unit.h"

#include <math.h>

static const char *text_of(Word w)
{
    static Buf b;
    vec_clear(&b);
    num_print(w, &b);
    return buf_cstr(&b);
}

static Word number(Heap *h, const char *text)
{
    Word w = WORD_NIL;
    CHECK_MSG(num_parse(h, text, strlen(text), &w), "%s", text);
    return w;
}

static const char *calc(Heap *h, const char *a, NumOp op, const char *b)
{
    Word out = WORD_NIL;
    CHECK(num_arith(h, op, number(h, a), number(h, b), &out) == NUM_OK);
    return text_of(out);
}

#define MAX64 "9223372036854775807"
#define MIN64 "-9223372036854775808"

static void test_kinds(Heap *h)
{
    CHECK(num_kind(word_int48(5)) == NUM_INT);
    CHECK(num_kind(word_double(5)) == NUM_FLOAT);
    CHECK(num_kind(WORD_NAN) == NUM_FLOAT);
    CHECK(num_kind(WORD_TRUE) == NUM_NONE);
    CHECK(num_kind(WORD_UNIT) == NUM_NONE);
    CHECK(num_kind(atom_str(h, "1", 1)) == NUM_NONE);
    const int64_t edges[] = {0,         1,        -1, INT48_MAX, INT48_MIN, INT48_MAX + 1, INT48_MIN - 1,
                             INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        Word w = num_from_int(h, edges[i]);
        CHECK(num_kind(w) == NUM_INT);
        CHECK(num_int(w) == edges[i]);
        CHECK(word_is_int(w) == int_fits48(edges[i]));
    }
}

static void test_parse(Heap *h)
{
    static const char *const pairs[][2] = {
        {"1", "1"},
        {"-1", "-1"},
        {"+1", "1"},
        {"007", "7"},
        {"-0", "0"},
        {"1.5", "1.5"},
        {"-1.5e3", "-1500.0"},
        {"1e3", "1000.0"},
        {"1E-2", "0.01"},
        {"+2.0", "2.0"},
        {"-0.0", "-0.0"},
        {"1e400", "inf"},
        {"-1e400", "-inf"},
        {"1e-400", "0.0"},
        {"1e99999999999999999999", "inf"},
        {"0e99999999999999999999", "0.0"},
        {"1e-99999999999999999999", "0.0"},
        {MAX64, MAX64},
        {MIN64, MIN64},
        {"9223372036854775808", "9223372036854775808"},
        {"-9223372036854775809", "-9223372036854775809"},
        {"0000000000000000000000000000000000000001", "1"},
        {"0000000000000000000000000000000000000000", "0"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"0.1000000000000000055511151231257827021181583404541015625", "0.1"},
        {"123456789012345678901234567890.5", "1.2345678901234568e29"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) CHECK_STR(text_of(number(h, pairs[i][0])), pairs[i][1]);
    static const char *const others[] = {"",    "+",    "-",   ".5",   "1.",    "1_000", "0x10",
                                         "1e",  "1.e5", "1e+", "--1",  "1.5.2", "NaN",   "inf",
                                         "nan", "1 ",   " 1",  "1e5x", "1a",    "+.5",   "1e1.5"};
    Word w;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        CHECK_MSG(!num_parse(h, others[i], strlen(others[i]), &w), "%s", others[i]);
}

static void test_float_text(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {4, "4.0"},
        {100, "100.0"},
        {0.01, "0.01"},
        {1e15, "1000000000000000.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e16"},
        {1.5e16, "1.5e16"},
        {1.2345678901234567e19, "1.2345678901234567e19"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-5"},
        {1e-7, "1e-7"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {123.456, "123.456"},
        {1e300 * 1e300, "inf"},
        {-0.5, "-0.5"},
        /* ties go up, and powers of two look above them for a short text */
        {562949953421312.25, "562949953421312.3"},
        {2.98023223876953125e-8, "2.9802322387695313e-8"},
        {7.120236347223045e-307, "7.120236347223045e-307"},
        {5.6843418860808015e-14, "5.684341886080802e-14"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_STR(text_of(word_double(cases[i].value)), cases[i].text);
    CHECK_STR(text_of(WORD_NAN), "NaN");
    CHECK_STR(text_of(word_double(-INFINITY)), "-inf");
}

static void test_small_arith(Heap *h)
{
    CHECK_STR(calc(h, "2", NUM_ADD, "3"), "5");
    CHECK_STR(calc(h, "2", NUM_ADD, "3.5"), "5.5");
    CHECK_STR(calc(h, "7", NUM_DIV, "2"), "3");
    CHECK_STR(calc(h, "-7", NUM_DIV, "2"), "-3");
    CHECK_STR(calc(h, "-7", NUM_MOD, "2"), "-1");
    CHECK_STR(calc(h, "7", NUM_MOD, "-2"), "1");
    CHECK_STR(calc(h, "7.5", NUM_MOD, "2"), "1.5");
    CHECK_STR(calc(h, "1", NUM_DIV, "0.0"), "inf");
    CHECK_STR(calc(h, "-1", NUM_DIV, "0.0"), "-inf");
    CHECK_STR(calc(h, "0.0", NUM_DIV, "0"), "NaN");
    CHECK_STR(calc(h, "7.5", NUM_MOD, "0"), "NaN");
    Word out = WORD_NIL;
    CHECK(num_arith(h, NUM_DIV, word_int48(1), word_int48(0), &out) == NUM_DIV_BY_ZERO);
    CHECK(num_arith(h, NUM_MOD, word_int48(1), word_int48(0), &out) == NUM_DIV_BY_ZERO);
    CHECK(num_arith(h, NUM_MOD, number(h, "1" MAX64), word_int48(0), &out) == NUM_DIV_BY_ZERO);
    CHECK(num_arith(h, NUM_ADD, word_int48(1), WORD_TRUE, &out) == NUM_NOT_NUMBER);
    CHECK(num_arith(h, NUM_ADD, WORD_UNIT, word_double(1), &out) == NUM_NOT_NUMBER);
}

static void test_big_arith(Heap *h)
{
    CHECK_STR(calc(h, MAX64, NUM_ADD, "1"), "9223372036854775808");
    CHECK_STR(calc(h, MIN64, NUM_SUB, "1"), "-9223372036854775809");
    CHECK_STR(calc(h, MIN64, NUM_DIV, "-1"), "9223372036854775808");
    CHECK_STR(calc(h, MIN64, NUM_MOD, "-1"), "0");
    CHECK_STR(calc(h, MAX64, NUM_MUL, MAX64), "85070591730234615847396907784232501249");
    CHECK_STR(calc(h, MIN64, NUM_MUL, MIN64), "85070591730234615865843651857942052864");
    CHECK_STR(calc(h, "9223372036854775808", NUM_SUB, "1"), MAX64);
    CHECK_STR(calc(h, "-9223372036854775809", NUM_ADD, "1"), MIN64);
    CHECK_STR(calc(h, "100000000000000000000", NUM_SUB, "100000000000000000000"), "0");
    CHECK_STR(calc(h, "100000000000000000000", NUM_SUB, "-1"), "100000000000000000001");
    CHECK_STR(calc(h, "1", NUM_SUB, "100000000000000000000"), "-99999999999999999999");
    CHECK_STR(calc(h, "100000000000000000000", NUM_ADD, "0"), "100000000000000000000");
    CHECK_STR(calc(h, "0", NUM_SUB, "100000000000000000000"), "-100000000000000000000");
    CHECK_STR(calc(h, "100000000000000000000", NUM_MUL, "0"), "0");
    CHECK_STR(calc(h, "-100000000000000000000", NUM_DIV, "3"), "-33333333333333333333");
    CHECK_STR(calc(h, "-100000000000000000000", NUM_MOD, "3"), "-1");
    CHECK_STR(calc(h, "100000000000000000000", NUM_MOD, "-7"), "2");
    CHECK_STR(calc(h, "5", NUM_DIV, "100000000000000000000"), "0");
    CHECK_STR(calc(h, "-5", NUM_MOD, "100000000000000000000"), "-5");
    CHECK_STR(calc(h, MIN64, NUM_DIV, "9223372036854775808"), "-1");
    CHECK_STR(calc(h, "340282366920938463463374607431768211456", NUM_MOD, "18446744073709551616"), "0");
    CHECK_STR(calc(h, "100000000000000000000", NUM_ADD, "0.5"), "1e20");
    CHECK(num_kind(number(h, MAX64)) == NUM_INT);
    CHECK(num_kind(number(h, "9223372036854775808")) == NUM_BIG);
    CHECK_STR(text_of(num_abs(h, number(h, MIN64))), "9223372036854775808");
    CHECK_STR(text_of(num_abs(h, number(h, "-100000000000000000000"))), "100000000000000000000");
    CHECK_STR(text_of(num_abs(h, word_int48(-3))), "3");
    CHECK_STR(text_of(num_abs(h, word_double(-0.0))), "0.0");
}

/* n! both ways: multiplying up, dividing down. */
static void test_factorial(Heap *h)
{
    Word f = word_int48(1);
    for (int i = 2; i <= 100; i++) CHECK(num_arith(h, NUM_MUL, f, word_int48(i), &f) == NUM_OK);
    CHECK_STR(text_of(f),
              "933262154439441526816992388562667004907159682643816214685929638952175999932299156089"
              "41463976156518286253697920827223758251185210916864000000000000000000000000");
    for (int i = 100; i >= 2; i--) CHECK(num_arith(h, NUM_DIV, f, word_int48(i), &f) == NUM_OK);
    CHECK(f == word_int48(1));
}

static void test_too_big(Heap *h)
{
    Word f = number(h, "1" MAX64);
    NumStatus s = NUM_OK;
    int squarings = 0;
    while (s == NUM_OK && squarings < 40) {
        s = num_arith(h, NUM_MUL, f, f, &f);
        squarings++;
    }
    CHECK(s == NUM_TOO_BIG);
    CHECK_MSG(squarings > 18, "%d", squarings);
}

static int compare(Heap *h, const char *a, const char *b)
{
    Word x = number(h, a), y = number(h, b);
    int c = num_compare(x, y);
    CHECK_MSG(num_compare(y, x) == -c, "%s %s", a, b);
    if (c == 0) CHECK_MSG(num_hash(x) == num_hash(y), "%s %s", a, b);
    return c;
}

static void test_compare(Heap *h)
{
    CHECK(compare(h, "1", "2") < 0);
    CHECK(compare(h, "1", "1.0") == 0);
    CHECK(compare(h, "0", "-0.0") == 0);
    CHECK(compare(h, "0.0", "-0.0") == 0);
    CHECK(compare(h, "1", "1.5") < 0);
    CHECK(compare(h, "-1", "-1.5") > 0);
    CHECK(compare(h, "1", "1e400") < 0);
    CHECK(compare(h, "1", "-1e400") > 0);
    CHECK(compare(h, "9007199254740993", "9007199254740992.0") > 0);
    CHECK(compare(h, MAX64, "9223372036854775808.0") < 0);
    CHECK(compare(h, "9223372036854775808", "9223372036854775808.0") == 0);
    CHECK(compare(h, MIN64, "-9223372036854775808.0") == 0);
    CHECK(compare(h, "100000000000000000000", "1e20") == 0);
    CHECK(compare(h, "-100000000000000000000", "-1e20") == 0);
    CHECK(compare(h, "100000000000000000001", "1e20") > 0);
    CHECK(compare(h, "100000000000000000000", "1e400") < 0);
    CHECK(compare(h, "100000000000000000000", "1.0") > 0);
    CHECK(compare(h, "100000000000000000000", MAX64) > 0);
    CHECK(compare(h, "-100000000000000000000", MIN64) < 0);
    CHECK(num_compare(WORD_NAN, word_int48(1)) == 2);
    CHECK(num_compare(word_double(1), WORD_NAN) == 2);
    CHECK(num_compare(number(h, "1" MAX64), WORD_NAN) == 2);
}

static void test_conversion(Heap *h)
{
    CHECK(num_to_double(number(h, "100000000000000000000")) == 1e20);
    CHECK(num_to_double(number(h, "-18446744073709551617")) == -18446744073709551616.0);
    /* 2^64 + 2^11 is a tie, one more is not */
    CHECK(num_to_double(number(h, "18446744073709553664")) == 18446744073709551616.0);
    CHECK(num_to_double(number(h, "18446744073709553665")) == 18446744073709555712.0);
    /* 2^128 + 2^75: the tie shows in the lowest limb only */
    CHECK(num_to_double(number(h, "340282366920938501242306470388929921024")) == 0x1p128);
    CHECK(num_to_double(number(h, "340282366920938501242306470388929921025")) == 0x1.0000000000001p128);
    static const double values[] = {1.9,  -1.9,   0.5,     1e18, 9.3e18, -9223372036854775808.0,
                                    1e22, -1e300, 0x1p1023};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        Word w = WORD_NIL;
        CHECK(num_from_double(h, values[i], &w));
        CHECK(num_kind(w) != NUM_FLOAT);
        CHECK(num_to_double(w) == trunc(values[i]));
        CHECK(num_compare(w, word_double(trunc(values[i]))) == 0);
    }
    Word w;
    CHECK(!num_from_double(h, NAN, &w));
    CHECK(!num_from_double(h, INFINITY, &w));
}

/* Is RESULT the integer WANTED, in the smallest form? */
static bool is_integer(Word result, __int128 wanted)
{
    char digits[48], *p = digits + sizeof digits - 1;
    unsigned __int128 rest = wanted < 0 ? -(unsigned __int128)wanted : (unsigned __int128)wanted;
    *p = 0;
    do *--p = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    if (wanted < 0) *--p = '-';
    bool fits = wanted >= INT64_MIN && wanted <= INT64_MAX;
    if (num_kind(result) != (fits ? NUM_INT : NUM_BIG)) return false;
    return (!fits || word_is_int(result) == int_fits48((int64_t)wanted)) && strcmp(text_of(result), p) == 0;
}

static void check_words(Heap *h, int64_t x, int64_t y)
{
    Word a = num_from_int(h, x), b = num_from_int(h, y), bound = atom_new_var(h, SYM_EMPTY, 0);
    word_obj(bound)->body[0] = b;
    CHECK_MSG(is_integer(num_add(h, a, b), (__int128)x + y), "%ld + %ld", x, y);
    CHECK_MSG(is_integer(num_sub(h, a, b), (__int128)x - y), "%ld - %ld", x, y);
    CHECK_MSG(is_integer(num_mul(h, a, b), (__int128)x * y), "%ld * %ld", x, y);
    CHECK_MSG(is_integer(num_sub(h, a, bound), (__int128)x - y), "%ld - %ld, bound", x, y);
    CHECK_MSG(num_order(a, b) == (x > y) - (x < y), "%ld, %ld", x, y);
    CHECK_MSG(num_order(a, bound) == (x > y) - (x < y), "%ld, %ld, bound", x, y);
    CHECK_MSG(atom_equal(a, b) == (x == y), "%ld, %ld", x, y);
}

/* Around the borders of 48 and 64 bits, and of products that reach them. */
static void test_words(Heap *h)
{
    const int64_t near[] = {0,         1,          5,         INT64_C(1) << 16, INT64_C(1) << 31,
                            11863283,  3037000500, INT48_MAX, INT48_MIN,        (INT64_C(1) << 62) - 1,
                            INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT_OF(near); i++)
        for (size_t k = 0; k < COUNT_OF(near); k++)
            for (int d = 0; d < 16; d++) {
                /* Two less to one more of each, as far as there are integers. */
                uint64_t x = (uint64_t)near[i] + (uint64_t)(d % 4) - 2,
                         y = (uint64_t)near[k] + (uint64_t)(d / 4) - 2;
                check_words(h, (int64_t)x, (int64_t)y);
                check_words(h, (int64_t)(0 - x), (int64_t)y);
            }
    Word wide = num_from_int(h, INT64_MAX), huge = number(h, "9223372036854775808");
    CHECK(num_order(wide, huge) == -1 && num_order(huge, wide) == 1);
    CHECK(num_order(wide, WORD_NAN) == NUM_UNORDERED && num_order(WORD_NAN, WORD_NAN) == NUM_UNORDERED);
    CHECK(num_order(wide, word_double(0x1p63)) == -1 && num_order(word_int48(1), word_double(1)) == 0);
    CHECK(num_order(wide, WORD_TRUE) == NUM_NEITHER && num_order(WORD_UNIT, word_int48(1)) == NUM_NEITHER);
    CHECK(num_order(atom_new_var(h, SYM_EMPTY, 0), wide) == NUM_NEITHER);
    CHECK(word_is_nil(num_add(h, wide, WORD_TRUE)) && word_is_nil(num_mul(h, WORD_UNIT, wide)));
    CHECK(word_is_nil(num_sub(h, wide, atom_new_var(h, SYM_EMPTY, 0))));
    CHECK(num_add(h, word_int48(1), word_double(0.5)) == word_double(1.5));
    CHECK(num_mul(h, wide, word_double(2)) == word_double(0x1p64));
    CHECK_STR(text_of(num_sub(h, huge, word_int48(1))), MAX64);
}

int main(void)
{
    Heap h;
    CHECK(heap_init(&h, NULL, NULL));
    test_kinds(&h);
    test_parse(&h);
    test_float_text();
    test_small_arith(&h);
    test_big_arith(&h);
    test_factorial(&h);
    test_too_big(&h);
    test_compare(&h);
    test_conversion(&h);
    test_words(&h);
    heap_fini(&h);
    return unit_end();
}
