#include "builtin/builtin.h"

#include <stdarg.h>
#include <stdio.h>

BiStatus bi_fail(Runtime *rt, Word *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    *out = rt_vmessage(rt, fmt, ap);
    va_end(ap);
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
