#include "builtin/bodies.h"
#include "builtin/multiset.h"

/* Append the items of EXPR in brackets, as the results of a query are shown. */
static void report_list(Runtime *rt, const char *title, Word expr, Buf *report)
{
    buf_puts(report, title);
    for (uint32_t i = 0; i < expr_len(expr); i++) {
        if (i) buf_puts(report, ", ");
        rt_print(rt, expr_at(expr, i), report);
    }
    buf_putc(report, ']');
}

/* Append what occurs more often on one side (SIGN 1: than expected, -1: than got). */
static void report_difference(Runtime *rt, const char *title, const Multiset *m, int64_t sign, Buf *report)
{
    bool first = true;
    for (size_t i = 0; i < m->entries.len; i++) {
        const MultisetEntry *e = &m->entries.data[i];
        for (int64_t k = sign * e->count; k > 0; k--) {
            buf_puts(report, first ? title : ", ");
            rt_print(rt, e->atom, report);
            first = false;
        }
    }
}

static bool is_balanced(const Multiset *m)
{
    for (size_t i = 0; i < m->entries.len; i++)
        if (m->entries.data[i].count) return false;
    return true;
}

static Word report(Runtime *rt, const Word *arg, const Multiset *m)
{
    Buf text = {0};
    report_list(rt, "\nExpected: [", arg[1], &text);
    report_list(rt, "\nGot: [", arg[0], &text);
    report_difference(rt, "\nMissed results: ", m, -1, &text);
    report_difference(rt, "\nExcessive results: ", m, 1, &text);
    Word w = atom_str(&rt->heap, text.data, text.len);
    buf_free(&text);
    return w;
}

/* ARG: results, expected results, the assertion and, with MESSAGE, what to say when they differ. */
static BiStatus check_results(Runtime *rt, const Word *arg, bool alpha, bool message, Word *out)
{
    if (!atom_is_expr(arg[0]) || !atom_is_expr(arg[1])) return bi_fail_not_expr(rt, out);
    Multiset balance;
    multiset_init(&balance, alpha);
    for (uint32_t i = 0; i < expr_len(arg[0]); i++) multiset_entry(&balance, expr_at(arg[0], i))->count++;
    for (uint32_t i = 0; i < expr_len(arg[1]); i++) multiset_entry(&balance, expr_at(arg[1], i))->count--;
    if (!is_balanced(&balance))
        *out = atom_error(&rt->heap, arg[2], message ? arg[3] : report(rt, arg, &balance));
    multiset_free(&balance);
    return BI_OK;
}

#include "builtin/assert.inc"
