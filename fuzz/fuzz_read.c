/* The reader on any bytes: it ends, its places lie within the text, and printing takes what it reads. */
#include "atom/print.h"
#include "read/read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

static void check_error(const Reader *r, size_t size)
{
    const ReadError *e = reader_error(r);
    require(e->message && e->offset <= size && e->line >= 1 && e->column >= 1);
    size_t len;
    require(reader_line_at(r, e->offset, &len) && len <= size);
}

static void check_spans(const Reader *r)
{
    size_t n;
    const Span *s = reader_spans(r, &n);
    require(n >= 1);
    for (size_t i = 0; i < n; i++) {
        bool forward = s[i].line < s[i].end_line || s[i].column < s[i].end_column;
        bool ordered = i == 0 || s[i - 1].line < s[i].line || s[i - 1].column < s[i].column;
        require(forward && ordered);
    }
}

static void read_forms(Heap *h, SymTab *symbols, const char *text, size_t size)
{
    const Names names = {symbols, NULL, 0};
    Reader *r = reader_new(h, symbols, NULL, text, size, 0);
    Buf out = {0};
    Word w;
    Span span;
    ReadStatus status;
    while ((status = reader_next(r, &w, &span)) == READ_FORM) {
        check_spans(r);
        vec_clear(&out);
        atom_print(&names, w, &out);
        require(out.len > 0);
    }
    if (status != READ_EOF) check_error(r, size);
    require(reader_next(r, &w, &span) == READ_EOF);
    buf_free(&out);
    reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Heap h;
    require(heap_init(&h, NULL, NULL));
    SymTab *symbols = sym_new();
    read_forms(&h, symbols, (const char *)data, size);
    sym_free(symbols);
    heap_fini(&h);
    return 0;
}
