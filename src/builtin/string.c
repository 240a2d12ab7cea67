#include "builtin/bodies.h"

#include <stdlib.h>

/* TEXT, which is freed, as a string result. */
static BiStatus give_string(Runtime *rt, Buf *text, Word *out)
{
    assert(*out == WORD_UNIT);
    BiStatus status = BI_OK;
    if (text->len > UINT32_MAX)
        status = bi_fail(rt, out, "string too long");
    else
        *out = atom_str(&rt->heap, text->data ? text->data : "", text->len);
    buf_free(text);
    return status;
}

/* A brace that is neither doubled nor part of {} is left out. */
static void fill_places(Runtime *rt, Word format, Word values, Buf *out)
{
    size_t len;
    const char *text = str_text(format, &len);
    uint32_t next = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i], after = i + 1 < len ? text[i + 1] : 0;
        if (c != '{' && c != '}') {
            buf_putc(out, c);
        } else if (after == c) {
            buf_putc(out, c);
            i++;
        } else if (c == '{' && after == '}') {
            if (next < expr_len(values)) atom_print_raw(&rt->names, expr_at(values, next++), out);
            i++;
        }
    }
}

static int compare_strings(const void *a, const void *b)
{
    size_t x_len, y_len;
    const char *x = str_text(*(const Word *)a, &x_len), *y = str_text(*(const Word *)b, &y_len);
    int order = memcmp(x, y, x_len < y_len ? x_len : y_len);
    return order ? order : (x_len > y_len) - (x_len < y_len);
}

static bool append_char(Runtime *rt, Word w, Buf *text)
{
    if (word_is_char(w))
        buf_put_utf8(text, word_char_scalar(w));
    else if (atom_is_str(w))
        atom_print_raw(&rt->names, w, text);
    return word_is_char(w) || atom_is_str(w);
}

#include "builtin/string.inc"
