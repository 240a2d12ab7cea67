/* The symbol table: interning, well-known ids, growth, texts that stay where they are. */
#include "atom/symbol.h"
#include "base/buf.h"
#include "unit.h"

static void test_known(SymTab *t)
{
    static const char *const known[] = {
#define SYM(id, text) text,
#include "atom/symbols.inc"
#undef SYM
    };
    CHECK(sym_count(t) == SYM_COUNT_KNOWN);
    for (uint32_t i = 0; i < SYM_COUNT_KNOWN; i++) {
        CHECK_STR(sym_text(t, i, NULL), known[i]);
        CHECK(sym_intern_cstr(t, known[i]) == i);
    }
    CHECK(sym_count(t) == SYM_COUNT_KNOWN);
    CHECK(word_sym_id(W_SYM(ERROR)) == SYM_ERROR && word_is_sym(W_SYM(ERROR)));
    CHECK(strcmp(sym_text(t, SYM_ERROR, NULL), "Error") == 0);
}

static void test_intern(SymTab *t)
{
    uint32_t foo = sym_intern_cstr(t, "foo"), id;
    CHECK(foo >= SYM_COUNT_KNOWN);
    CHECK(sym_intern(t, "foobar", 3) == foo);
    CHECK(sym_intern_cstr(t, "Foo") != foo);
    CHECK(sym_find(t, "foo", 3, &id) && id == foo);
    uint32_t count = sym_count(t);
    CHECK(!sym_find(t, "never seen", 10, &id));
    CHECK(!sym_find(t, "fo", 2, &id));
    CHECK(sym_count(t) == count); /* finding adds nothing */
    size_t len;
    CHECK_STR(sym_text(t, foo, &len), "foo");
    CHECK(len == 3);
}

/* Any bytes: none, a NUL among them, invalid UTF-8, more than a block. */
static void test_bytes(SymTab *t)
{
    size_t len;
    uint32_t empty = sym_intern(t, "", 0);
    CHECK(sym_intern(t, "x", 0) == empty);
    CHECK(sym_text(t, empty, &len)[0] == '\0' && len == 0);
    uint32_t nul = sym_intern(t, "a\0b", 3);
    CHECK(nul != sym_intern(t, "a", 1) && nul != sym_intern(t, "a\0c", 3));
    CHECK(memcmp(sym_text(t, nul, &len), "a\0b", 4) == 0 && len == 3);
    uint32_t bad = sym_intern(t, "\xFF\xC0", 2);
    CHECK_STR(sym_text(t, bad, NULL), "\xFF\xC0");
    enum { LONG = 200000 };
    char *text = base_alloc(LONG);
    memset(text, 'x', LONG);
    uint32_t big = sym_intern(t, text, LONG);
    CHECK(sym_intern(t, text, LONG) == big && sym_intern(t, text, LONG - 1) != big);
    CHECK(sym_text(t, big, &len)[LONG - 1] == 'x' && sym_text(t, big, &len)[LONG] == '\0' && len == LONG);
    base_free(text);
    CHECK(sym_intern_cstr(t, "after") == sym_intern_cstr(t, "after"));
}

static void test_growth(SymTab *t)
{
    enum { COUNT = 200000 };
    const char *first = sym_text(t, SYM_ERROR, NULL);
    uint32_t base = sym_count(t), wrong = 0;
    Buf b = {0};
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < COUNT; i++) {
            vec_clear(&b);
            buf_printf(&b, "s%u", i);
            wrong += sym_intern(t, b.data, b.len) != base + i;
        }
    CHECK_MSG(wrong == 0, "%u ids", wrong);
    CHECK(sym_count(t) == base + COUNT);
    CHECK(sym_text(t, SYM_ERROR, NULL) == first);
    for (uint32_t i = 0; i < COUNT; i += 997) {
        vec_clear(&b);
        buf_printf(&b, "s%u", i);
        CHECK_STR(sym_text(t, base + i, NULL), buf_cstr(&b));
    }
    /* A text of the table itself may be interned. */
    CHECK(sym_intern_cstr(t, sym_text(t, base, NULL)) == base);
    CHECK(sym_intern(t, sym_text(t, base + 12345, NULL), 2) == sym_intern_cstr(t, "s1"));
    buf_free(&b);
}

int main(void)
{
    SymTab *t = sym_new(), *other = sym_new();
    test_known(t);
    test_intern(t);
    test_bytes(t);
    test_growth(t);
    CHECK(sym_count(other) == SYM_COUNT_KNOWN); /* tables share nothing */
    sym_free(t);
    sym_free(other);
    sym_free(NULL);
    return unit_end();
}
