#include "builtin/bodies.h"

#include <math.h>

/* A float function of any number. */
static BiStatus real(Runtime *rt, const Word *arg, Word *out, double (*f)(double), const char *usage)
{
    if (!num_is(arg[0])) return bi_fail(rt, out, "%s", usage);
    *out = word_double(f(num_to_double(arg[0])));
    return BI_OK;
}

/* A rounding: integers need none. */
static BiStatus whole(Runtime *rt, const Word *arg, Word *out, double (*f)(double), const char *usage)
{
    if (num_kind(arg[0]) != NUM_FLOAT && num_is(arg[0])) {
        *out = arg[0];
        return BI_OK;
    }
    return real(rt, arg, out, f, usage);
}

/* By repeated squaring, the order of multiplications that HE's results show: pow() differs in the last digit. */
static double power_of_int(double base, int32_t exponent)
{
    double result = 1;
    for (int32_t e = exponent;; base *= base) {
        if (e & 1) result *= base;
        e /= 2;
        if (e == 0) break;
    }
    return exponent < 0 ? 1 / result : result;
}

#include "builtin/math.inc"
