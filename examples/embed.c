/* Embedding MeTTa in a C program: a function of ours, a program that calls it, a space that we fill and ask.
 *
 *     cc embed.c $(pkg-config --cflags --libs mettatron) -o embed && ./embed
 */
#include <mettatron.h>

#include <stdio.h>
#include <string.h>

/* (clamp X LOW HIGH): strict, so the arguments are evaluated, checked numbers. */
static MtOutcome clamp(MtRuntime *rt, MtCall *call, void *context)
{
    int64_t x, low, high;
    (void)context;
    if (!mt_get_int(rt, mt_arg(call, 0), &x) || !mt_get_int(rt, mt_arg(call, 1), &low) ||
        !mt_get_int(rt, mt_arg(call, 2), &high))
        return MT_NOT_REDUCIBLE;
    if (low > high)
        mt_return_error(call, "clamp: nothing lies between %d and %d", (int)low, (int)high);
    else
        mt_return(call, mt_int(rt, x < low ? low : x > high ? high : x));
    return MT_RETURNED;
}

/* (divisors N): one result for each divisor. */
static MtOutcome divisors(MtRuntime *rt, MtCall *call, void *context)
{
    int64_t n;
    (void)context;
    if (!mt_get_int(rt, mt_arg(call, 0), &n)) return MT_NOT_REDUCIBLE;
    for (int64_t d = 1; d <= n; d++)
        if (n % d == 0) mt_return(call, mt_int(rt, d));
    return MT_RETURNED;
}

/* (source ATOM): lazy, so it sees the atom as it was written. */
static MtOutcome source(MtRuntime *rt, MtCall *call, void *context)
{
    size_t len;
    (void)context;
    const char *text = mt_print(rt, mt_arg(call, 0), &len);
    mt_return(call, mt_string(rt, text, len));
    return MT_RETURNED;
}

static bool print_result(void *context, MtRuntime *rt, const MtResult *result)
{
    (void)context;
    printf("line %u:", (unsigned)result->span.line);
    for (size_t i = 0; i < result->count; i++) printf(" %s", mt_print(rt, result->atoms[i], NULL));
    putchar('\n');
    return true;
}

static bool print_atom(void *context, MtRuntime *rt, MtAtom atom)
{
    (void)context;
    printf("  %s\n", mt_print(rt, atom, NULL));
    return true;
}

/* Fill a space with facts, then ask who is whose parent. */
static void family(MtRuntime *rt)
{
    static const char *const pairs[][2] = {{"Tom", "Bob"}, {"Pam", "Bob"}, {"Tom", "Liz"}};
    size_t scope = mt_scope_open(rt);
    MtAtom space = mt_space_new(rt), who = mt_variable(rt, "who");
    MtAtom parent = mt_symbol(rt, "parent");
    for (size_t i = 0; i < 3; i++) {
        MtAtom fact[] = {parent, mt_symbol(rt, pairs[i][0]), mt_symbol(rt, pairs[i][1])};
        mt_space_add(rt, space, mt_expression(rt, fact, 3));
    }
    printf("Bob's parents among %zu facts:\n", mt_space_count(rt, space));
    MtAtom pattern[] = {parent, who, mt_symbol(rt, "Bob")};
    mt_space_query(rt, space, mt_expression(rt, pattern, 3), who, print_atom, NULL);
    mt_scope_close(rt, scope);
}

int main(void)
{
    static const char program[] = "(= (double $x) (* 2 $x))\n"
                                  "!(clamp (double 21) 0 40)\n"
                                  "!(divisors 12)\n"
                                  "!(source (double 21))\n"
                                  "!(clamp 1 9 5)\n";
    MtError error;
    MtRuntime *rt = mt_new(NULL, &error);
    if (!rt) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    mt_register(rt, "clamp", "(-> Number Number Number Number)", MT_PURE, "Limits a number.", clamp, NULL);
    mt_register(rt, "divisors", "(-> Number Number)", MT_PURE, "Each divisor.", divisors, NULL);
    mt_register(rt, "source", "(-> Atom String)", MT_LAZY, "The text of an atom.", source, NULL);
    family(rt);
    MtStatus status = mt_run(rt, "program", program, strlen(program), print_result, NULL);
    printf("the program ended: %s\n", mt_status_name(status));
    mt_free(rt);
    return status == MT_QUERY_ERROR ? 0 : 1; /* the last query is meant to fail */
}
