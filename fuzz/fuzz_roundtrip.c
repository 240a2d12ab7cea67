/* What is read, printed and read again is equal to what was read first, and prints alike. */
#include "atom/num.h"
#include "atom/print.h"
#include "read/read.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

/* Is there an infinity in W?  Its text reads as a symbol. */
static bool has_infinity(Word w)
{
    VEC(Word) todo = {0};
    vec_push(&todo, w);
    bool found = false;
    while (todo.len && !found) {
        w = vec_pop(&todo);
        found = word_is_double(w) && isinf(word_double_get(w));
        for (uint32_t i = 0; atom_is_cons(w) && i < expr_len(w); i++) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
    return found;
}

static void check_form(Heap *h, SymTab *symbols, Word first)
{
    const Names names = {symbols, NULL, 0};
    Buf text = {0}, again = {0};
    atom_print(&names, first, &text);
    Reader *r = reader_new(h, symbols, NULL, text.data, text.len, 0);
    Word second;
    Span span;
    require(reader_next(r, &second, &span) == READ_FORM);
    atom_print(&names, second, &again);
    require(again.len == text.len && memcmp(again.data, text.data, text.len) == 0);
    if (!has_infinity(first))
        require(atom_alpha_equal(first, second) && atom_hash(first) == atom_hash(second));
    require(reader_next(r, &second, &span) == READ_EOF);
    reader_free(r);
    buf_free(&text);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Heap h;
    require(heap_init(&h, NULL, NULL));
    SymTab *symbols = sym_new();
    Reader *r = reader_new(&h, symbols, NULL, (const char *)data, size, 0);
    Word w;
    Span span;
    while (reader_next(r, &w, &span) == READ_FORM) check_form(&h, symbols, w);
    reader_free(r);
    sym_free(symbols);
    heap_fini(&h);
    return 0;
}
