#include "builtin/builtin.h"

#include <stdarg.h>
#include <stdio.h>

BiStatus bi_fail(Runtime *rt, Word *out, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0) base_fatal("cannot format the message \"%s\"", fmt);
    char *text = base_alloc((size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    *out = word_sym(sym_intern(rt->symbols, text, (size_t)len));
    base_free(text);
    return BI_ERROR;
}

BiStatus bi_fail_not_expr(Runtime *rt, Word *out)
{
    return bi_fail(rt, out, "Atom is not an ExpressionAtom");
}

const char *bi_text(Runtime *rt, Word w, Buf *text)
{
    atom_print_raw(&rt->names, w, text);
    return buf_cstr(text);
}
