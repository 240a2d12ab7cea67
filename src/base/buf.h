/* Growable byte buffer for building text.  A zeroed Buf is a valid empty one; free with buf_free. */
#ifndef METTA_BASE_BUF_H
#define METTA_BASE_BUF_H

#include "base/vec.h"

#include <stdarg.h>
#include <string.h>

typedef VEC(char) Buf;

static inline void buf_putc(Buf *b, char c)
{
    vec_push(b, c);
}

static inline void buf_put(Buf *b, const char *text, size_t len)
{
    vec_reserve(b, len);
    if (len) memcpy(b->data + b->len, text, len);
    b->len += len;
}

static inline void buf_puts(Buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_printf(Buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(Buf *b, const char *fmt, va_list ap);

/* The text with a NUL after it; valid until the next change. */
const char *buf_cstr(Buf *b);

static inline void buf_free(Buf *b)
{
    vec_free(b);
}

/* UTF-8.  Append one Unicode scalar value. */
void buf_put_utf8(Buf *b, uint32_t scalar);
/* Decode the scalar at TEXT (LEN > 0 bytes left) into *SCALAR; returns its length in bytes, 0 when invalid
 * (overlong forms, surrogates and values above U+10FFFF are invalid). */
size_t utf8_decode(const char *text, size_t len, uint32_t *scalar);

#endif
