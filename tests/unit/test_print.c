/* Atoms to text. */
#include "atom/num.h"
#include "atom/print.h"
#include "unit.h"

static const char *const op_names[] = {"+", "match"};

typedef struct Fixture {
    Heap heap;
    SymTab *symbols;
    Names names;
    Buf out;
} Fixture;

static const char *show(Fixture *f, Word w)
{
    vec_clear(&f->out);
    atom_print(&f->names, w, &f->out);
    return buf_cstr(&f->out);
}

static const char *show_raw(Fixture *f, Word w)
{
    vec_clear(&f->out);
    atom_print_raw(&f->names, w, &f->out);
    return buf_cstr(&f->out);
}

static Word symbol(Fixture *f, const char *text)
{
    return word_sym(sym_intern_cstr(f->symbols, text));
}

static const char *quoted(Fixture *f, const char *text, size_t len)
{
    vec_clear(&f->out);
    str_print_quoted(text, len, &f->out);
    return buf_cstr(&f->out);
}

static void test_leaves(Fixture *f)
{
    CHECK_STR(show(f, symbol(f, "a\"b#")), "a\"b#");
    CHECK_STR(show(f, WORD_TRUE), "True");
    CHECK_STR(show(f, WORD_FALSE), "False");
    CHECK_STR(show(f, WORD_UNIT), "()");
    CHECK_STR(show(f, word_int48(-12)), "-12");
    CHECK_STR(show(f, word_double(4)), "4.0");
    CHECK_STR(show(f, WORD_NAN), "NaN");
    CHECK_STR(show(f, num_from_int(&f->heap, INT64_MIN)), "-9223372036854775808");
    CHECK_STR(show(f, word_op(1)), "match");
    CHECK_STR(show(f, W_SYM(EMPTY)), "Empty");
}

static void test_strings(Fixture *f)
{
    Heap *h = &f->heap;
    Word s = atom_str(h, "q\"d", 3);
    CHECK_STR(show(f, s), "\"q\\\"d\"");
    CHECK_STR(show_raw(f, s), "q\"d");
    CHECK_STR(show_raw(f, atom_expr2(h, s, word_double(1))), "(\"q\\\"d\" 1.0)");
    CHECK_STR(show_raw(f, word_int48(1)), "1");
    CHECK_STR(show(f, atom_str(h, "", 0)), "\"\"");
    CHECK_STR(quoted(f, "a\nb\t\r\\'", 7), "\"a\\nb\\t\\r\\\\'\"");
    CHECK_STR(quoted(f, "\0\x1b\x7f", 3), "\"\\0\\u{1b}\\u{7f}\"");
    CHECK_STR(quoted(f, "e\xCC\x81", 3), "\"e\\u{301}\"");
    CHECK_STR(quoted(f, "\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80", 9),
              "\"\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80\"");
    CHECK_STR(quoted(f, "\xC2\x80\xC2\xA0\xC2\xAD", 6), "\"\\u{80}\\u{a0}\\u{ad}\"");
    CHECK_STR(quoted(f, "\xE2\x80\x8B\xE2\x80\xA8\xEF\xBB\xBF", 9), "\"\\u{200b}\\u{2028}\\u{feff}\"");
    CHECK_STR(quoted(f, "\xEE\x80\x80\xF4\x8F\xBF\xBF", 7), "\"\\u{e000}\\u{10ffff}\"");
}

static void test_variables(Fixture *f)
{
    Heap *h = &f->heap;
    uint32_t x = sym_intern_cstr(f->symbols, "x");
    Word plain = atom_new_var(h, x, OBJ_PLAIN);
    CHECK_STR(show(f, plain), "$x");
    h->next_serial = 77;
    Word renamed = atom_new_var(h, x, 0);
    CHECK_STR(show(f, renamed), "$x#77");
    CHECK_STR(show(f, word_slot(3)), "$#3");
    word_obj(plain)->body[0] = renamed;
    CHECK_STR(show(f, atom_expr2(h, plain, plain)), "($x#77 $x#77)");
    word_obj(renamed)->body[0] = word_int48(5);
    CHECK_STR(show(f, atom_expr2(h, plain, renamed)), "(5 5)");
}

static void test_compounds(Fixture *f)
{
    Heap *h = &f->heap;
    Word a = symbol(f, "a"), b = symbol(f, "b");
    Word inner = atom_expr3(h, a, WORD_UNIT, b);
    CHECK_STR(show(f, atom_expr3(h, inner, inner, a)), "((a () b) (a () b) a)");
    CHECK_STR(show(f, atom_expr(h, &inner, 1)), "((a () b))");
    Obj *binds = heap_obj(h, OBJ_BINDS, 0, 0, 1);
    CHECK_STR(show(f, word_from_ptr(TAG_HEAP, binds)), "{  }");
    binds = heap_obj(h, OBJ_BINDS, 0, 4, 4);
    uint32_t x = sym_intern_cstr(f->symbols, "x"), y = sym_intern_cstr(f->symbols, "y");
    const Word words[] = {atom_new_var(h, x, OBJ_PLAIN), inner, atom_new_var(h, y, OBJ_PLAIN), b};
    memcpy(binds->body, words, sizeof words);
    CHECK_STR(show(f, word_from_ptr(TAG_HEAP, binds)), "{ $x <- (a () b), $y <- b }");
    Word nested = atom_expr2(h, a, word_from_ptr(TAG_HEAP, binds));
    CHECK_STR(show(f, nested), "(a { $x <- (a () b), $y <- b })");
}

static void print_thing(const Ext *x, const void *symbols, void *out)
{
    (void)x, (void)symbols;
    buf_puts(out, "Thing");
}

static void destroy_thing(Ext *x)
{
    base_free(x);
}

static void test_externals(Fixture *f)
{
    static const ExtType printed = {.name = "thing", .print = print_thing, .destroy = destroy_thing};
    static const ExtType bare = {.name = "bare", .destroy = destroy_thing};
    Ext *x = base_calloc(1, sizeof *x), *y = base_calloc(1, sizeof *y);
    x->type = &printed;
    y->type = &bare;
    Word items[] = {heap_add_ext(&f->heap, x), heap_add_ext(&f->heap, y)};
    CHECK_STR(show(f, items[0]), "Thing");
    CHECK(strncmp(show(f, items[1]), "bare-0x", 7) == 0);
    CHECK(strncmp(show(f, atom_expr(&f->heap, items, 2)), "(Thing bare-0x", 14) == 0);
}

static void test_depth(Fixture *f)
{
    enum { DEPTH = 1000000 };
    Word w = symbol(f, "a");
    for (int i = 0; i < DEPTH; i++) w = atom_expr(&f->heap, &w, 1);
    const char *text = show(f, w);
    CHECK(strlen(text) == 2 * DEPTH + 1);
    CHECK(text[DEPTH] == 'a');
}

int main(void)
{
    Fixture f = {.symbols = sym_new()};
    CHECK(heap_init(&f.heap, NULL, NULL));
    f.names = (Names){f.symbols, op_names, COUNT_OF(op_names)};
    test_leaves(&f);
    test_strings(&f);
    test_variables(&f);
    test_compounds(&f);
    test_externals(&f);
    test_depth(&f);
    buf_free(&f.out);
    heap_fini(&f.heap);
    sym_free(f.symbols);
    return unit_end();
}
