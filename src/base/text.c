#include "base/text.h"

#include <stdbool.h>

size_t text_distance(const char *a, const char *b, size_t b_len)
{
    size_t rows[3][64], n = b_len < 63 ? b_len : 63;
    size_t *older = rows[0], *old = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t *oldest = older;
        older = old, old = row, row = oldest;
        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            size_t best = old[j - 1] + (a[i] != b[j - 1]);
            if (old[j] + 1 < best) best = old[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool exchanged = i > 0 && j > 1 && a[i] == b[j - 2] && a[i - 1] == b[j - 1];
            if (exchanged && older[j - 2] + 1 < best) best = older[j - 2] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

bool text_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

void buf_put_json(Buf *out, const char *text, size_t len)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        if (n == 0) {
            buf_put_utf8(out, 0xFFFD);
            n = 1;
        } else if (c == '"' || c == '\\') {
            buf_putc(out, '\\');
            buf_putc(out, (char)c);
        } else if (text_is_control(c)) {
            buf_printf(out, "\\u%04x", (unsigned)c);
        } else {
            buf_put(out, text + i, n);
        }
        i += n;
    }
    buf_putc(out, '"');
}
