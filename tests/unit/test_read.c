/* The reader: syntax, places, errors. */
#include "atom/print.h"
#include "read/read.h"
#include "unit.h"

typedef struct Fixture {
    Heap heap;
    SymTab *symbols;
    Names names;
    Buf out;
} Fixture;

/* Every form of TEXT, printed, with " | " between; an error ends the list as "! LINE:COLUMN message", an incomplete
 * form as "? LINE:COLUMN message". */
static const char *read_all(Fixture *f, const char *text, size_t len)
{
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text, len, 0);
    Word w;
    Span span;
    ReadStatus status;
    vec_clear(&f->out);
    while ((status = reader_next(r, &w, &span)) == READ_FORM) {
        if (f->out.len) buf_puts(&f->out, " | ");
        atom_print(&f->names, w, &f->out);
    }
    if (status != READ_EOF) {
        const ReadError *e = reader_error(r);
        if (f->out.len) buf_putc(&f->out, ' ');
        buf_printf(&f->out, "%c %u:%u %s", status == READ_ERROR ? '!' : '?', e->line, e->column, e->message);
        CHECK(reader_next(r, &w, &span) == READ_EOF);
    }
    reader_free(r);
    return buf_cstr(&f->out);
}

static const char *read_text(Fixture *f, const char *text)
{
    return read_all(f, text, strlen(text));
}

typedef struct Case {
    const char *text, *want;
} Case;

static void check_cases(Fixture *f, const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) CHECK_STR(read_text(f, cases[i].text), cases[i].want);
}

static void test_words(Fixture *f)
{
    static const Case cases[] = {
        {"", ""},
        {" \n\t ", ""},
        {"; only a comment", ""},
        {"a b", "a | b"},
        {"(a (b c) ())", "(a (b c) ())"},
        {"()", "()"},
        {"!1", "!1"},
        {"!(f)", "! | (f)"},
        {"! 1", "! | 1"},
        {"!$x", "!$x"},
        {"a;b\nc", "a | c"},
        {"(a ; comment )\n b)", "(a b)"},
        {"a\"b\"c", "a\"b\"c"},
        {"\"a\"b", "\"a\" | b"},
        {"!\"a\"b", "!\"a\"b"},
        {"a#b #x [ ] { } , ' `", "a#b | #x | [ | ] | { | } | , | ' | `"},
        {"1 -1 +1 007 -0 1.5", "1 | -1 | 1 | 7 | 0 | 1.5"},
        {".5 1. 1e 1_000", ".5 | 1. | 1e | 1_000"},
        {"+ - +a -- -", "+ | - | +a | -- | -"},
        {"1e16 1e15 0.00001 5e-324 1e400", "1e16 | 1000000000000000.0 | 1e-5 | 5e-324 | inf"},
        {"9223372036854775808 12345678901234 123456789012345678",
         "9223372036854775808 | 12345678901234 | 123456789012345678"},
        {"\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9"},
        {"a\xC2\xA0"
         "b\xE3\x80\x80(c)\xE2\x80\xA8"
         "d\xC2\x85",
         "a | b | (c) | d"},
        {"a\xE2\x80\x8B"
         "b",
         "a\xE2\x80\x8B"
         "b"}, /* the zero-width space is not white space */
        {"a\vb\fc\rd", "a | b | c | d"},
    };
    check_cases(f, cases, COUNT_OF(cases));
    CHECK(strcmp(read_all(f, "a\0b", 3), "a") == 0 && f->out.len == 3);
}

static void test_variables(Fixture *f)
{
    static const Case cases[] = {
        {"$x", "$x"},
        {"$", "$"},
        {"($ $_ $x\"y)", "($ $_ $x\"y)"},
        {"$x;comment", "$x;comment"},
        {"$x$y", "$x$y"},
        {"($x)$y(a)", "($x) | $y | (a)"},
        {"$x#1 b", "! 1:3 '#' is reserved in variable names"},
        {"$\xC3\xA9\xC2\xA0"
         "a",
         "$\xC3\xA9 | a"},
    };
    check_cases(f, cases, COUNT_OF(cases));
}

/* One cell for one name in one form, another in the next form. */
static void test_variable_cells(Fixture *f)
{
    static const char text[] = "($x $y ($x)) $x";
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text, strlen(text), 0);
    Word first, second;
    Span span;
    CHECK(reader_next(r, &first, &span) == READ_FORM);
    CHECK(reader_next(r, &second, &span) == READ_FORM);
    CHECK(word_is_cell(expr_at(first, 0)));
    CHECK(expr_at(first, 0) == expr_at(expr_at(first, 2), 0));
    CHECK(expr_at(first, 0) != expr_at(first, 1));
    CHECK(expr_at(first, 0) != second);
    CHECK(!expr_is_ground(first));
    reader_free(r);
}

static void test_many_variables(Fixture *f)
{
    enum { COUNT = 5000 };
    Buf text = {0};
    buf_putc(&text, '(');
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < COUNT; i++) buf_printf(&text, "$v%d ", i);
    buf_putc(&text, ')');
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text.data, text.len, 0);
    Word w;
    Span span;
    CHECK(reader_next(r, &w, &span) == READ_FORM);
    CHECK(expr_len(w) == 2 * COUNT);
    int same = 0;
    for (uint32_t i = 0; i < COUNT; i++) same += expr_at(w, i) == expr_at(w, i + COUNT);
    CHECK(same == COUNT);
    CHECK(expr_at(w, 0) != expr_at(w, 1));
    reader_free(r);
    buf_free(&text);
}

static void test_strings(Fixture *f)
{
    static const Case cases[] = {
        {"\"\"", "\"\""},
        {"\"a b\"", "\"a b\""},
        {"\"a\nb\"", "\"a\\nb\""},
        {"\"\\x41\\u{e9}\"", "\"A\xC3\xA9\""},
        {"\"\\\\ \\r \\x00 \\x1b\"", "\"\\\\ \\r \\0 \\u{1b}\""},
        {"\"\\n\\t\\'\\\"\\0\"", "\"\\n\\t'\\\"\\0\""},
        {"\"\\u{{41}\\u{}\\u{00000041}\"", "\"A\\0A\""},
        {"\"x\\x7Fy\"", "\"x\\u{7f}y\""},
        {"\"a(b;c)\" d", "\"a(b;c)\" | d"},
        {"a \"bad\\q\"", "a ! 1:7 invalid escape sequence"},
        {"\"\\xFF\"", "! 1:2 invalid escape sequence"},
        {"\"\\x4g\"", "! 1:2 invalid escape sequence"},
        {"\"\\u41\"", "! 1:2 invalid escape sequence"},
        {"\"\\u{d800}\"", "! 1:2 invalid escape sequence"},
        {"\"\\u{110000}\"", "! 1:2 invalid escape sequence"},
        {"\"\\u{000000041}\"", "! 1:2 invalid escape sequence"},
        {"\"abc", "? 1:1 unclosed string"},
        {"\"abc\\", "? 1:1 unclosed string"},
        {"\"abc\\x4", "? 1:1 unclosed string"},
        {"\"abc\\u{4", "? 1:1 unclosed string"},
        {"(a\n \"abc\n)", "? 2:2 unclosed string"},
    };
    check_cases(f, cases, COUNT_OF(cases));
}

static void test_errors(Fixture *f)
{
    static const Case cases[] = {
        {"a\n b))", "a | b ! 2:3 unexpected ')'"},
        {")", "! 1:1 unexpected ')'"},
        {"(a b)) c", "(a b) ! 1:6 unexpected ')'"},
        {"a\n  (b (c)\n (d", "a ? 2:3 unclosed '('"},
        {"(", "? 1:1 unclosed '('"},
        {"\xC3\xA9\xF0\x9F\x98\x80 (", "\xC3\xA9\xF0\x9F\x98\x80 ? 1:4 unclosed '('"},
        {"\"\xC3\xA9\" )", "\"\xC3\xA9\" ! 1:5 unexpected ')'"},
        {"; \xC3\xA9\n)", "! 2:1 unexpected ')'"},
        {"a \xFF", "a ! 1:3 invalid UTF-8"},
        {"ab\xC3(", "! 1:3 invalid UTF-8"},
        {"a \xE2\x82", "a ! 1:3 invalid UTF-8"},
        {"; \xC0\x80", "! 1:3 invalid UTF-8"},
        {"\"a\xED\xA0\x80\"", "! 1:3 invalid UTF-8"},
        {"$a\xFE", "! 1:3 invalid UTF-8"},
        {"(a \x80)", "! 1:4 invalid UTF-8"},
    };
    check_cases(f, cases, COUNT_OF(cases));
}

static bool is_span(Span s, unsigned line, unsigned column, unsigned end_line, unsigned end_column)
{
    return s.line == line && s.column == column && s.end_line == end_line && s.end_column == end_column;
}

static void test_spans(Fixture *f)
{
    static const char text[] = " foo\n(a () (\xC3\xA9 (c)\n) \"x\ny\" (d)) ()\n\"\xC3\xA9\"$v";
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text, strlen(text), 7);
    Word w;
    Span s;
    size_t n;
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(is_span(s, 1, 2, 1, 5));
    CHECK(s.file == 7);
    CHECK(reader_spans(r, &n) && n == 1);
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(is_span(s, 2, 1, 4, 8));
    const Span *spans = reader_spans(r, &n);
    CHECK(n == 4);
    CHECK(is_span(spans[0], 2, 1, 4, 8));
    CHECK(is_span(spans[1], 2, 7, 3, 2)); /* () has none */
    CHECK(is_span(spans[2], 2, 10, 2, 13));
    CHECK(is_span(spans[3], 4, 4, 4, 7));
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(w == WORD_UNIT && is_span(s, 4, 9, 4, 11));
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(is_span(s, 5, 1, 5, 4));
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(is_span(s, 5, 4, 5, 6));
    CHECK(reader_next(r, &w, &s) == READ_EOF);
    CHECK(reader_spans(r, &n) && n == 0);
    reader_free(r);
}

static void test_leaf_spans(Fixture *f)
{
    static const char text[] = "(a () (\"x\ny\" $v)\n42) () b";
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text, strlen(text), 0);
    Word w;
    Span s;
    size_t n;
    reader_span_leaves(r);
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(is_span(s, 1, 1, 3, 4));
    const Span *spans = reader_spans(r, &n);
    CHECK(n == 7);
    CHECK(is_span(spans[0], 1, 1, 3, 4));
    CHECK(is_span(spans[1], 1, 2, 1, 3));
    CHECK(is_span(spans[2], 1, 4, 1, 6));
    CHECK(is_span(spans[3], 1, 7, 2, 7));
    CHECK(is_span(spans[4], 1, 8, 2, 3));
    CHECK(is_span(spans[5], 2, 4, 2, 6));
    CHECK(is_span(spans[6], 3, 1, 3, 3));
    CHECK(reader_next(r, &w, &s) == READ_FORM && is_span(s, 3, 5, 3, 7));
    CHECK(reader_spans(r, &n) && n == 1);
    CHECK(reader_next(r, &w, &s) == READ_FORM && is_span(s, 3, 8, 3, 9));
    CHECK(reader_spans(r, &n) && n == 1);
    CHECK(reader_next(r, &w, &s) == READ_EOF);
    reader_free(r);
}

static void test_lines(Fixture *f)
{
    static const char text[] = "one\r\ntwo\n\nfour";
    Reader *r = reader_new(&f->heap, f->symbols, NULL, text, strlen(text), 0);
    static const struct {
        size_t offset;
        const char *line;
    } cases[] = {{0, "one"}, {3, "one"},   {4, "one"},   {5, "two"},  {8, "two"},
                 {9, ""},    {10, "four"}, {14, "four"}, {99, "four"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t len;
        const char *line = reader_line_at(r, cases[i].offset, &len);
        CHECK_MSG(len == strlen(cases[i].line) && memcmp(line, cases[i].line, len) == 0, "offset %zu: %.*s",
                  cases[i].offset, (int)len, line);
    }
    reader_free(r);
    r = reader_new(&f->heap, f->symbols, NULL, NULL, 0, 0);
    size_t len;
    reader_line_at(r, 0, &len);
    CHECK(len == 0);
    reader_free(r);
}

static bool lookup(void *context, uint32_t symbol, Word *out)
{
    if (symbol != *(uint32_t *)context) return false;
    *out = word_op(9);
    return true;
}

static void test_tokens(Fixture *f)
{
    uint32_t plus = sym_intern_cstr(f->symbols, "+");
    const Tokens tokens = {lookup, &plus};
    static const char text[] = "(+ - 1 \"+\" $+)";
    Reader *r = reader_new(&f->heap, f->symbols, &tokens, text, strlen(text), 0);
    Word w;
    Span s;
    CHECK(reader_next(r, &w, &s) == READ_FORM);
    CHECK(expr_at(w, 0) == word_op(9));
    CHECK(expr_at(w, 1) == word_sym(sym_intern_cstr(f->symbols, "-")));
    CHECK(expr_at(w, 2) == word_int48(1));
    CHECK(atom_is_str(expr_at(w, 3)));
    CHECK(word_is_cell(expr_at(w, 4)));
    reader_free(r);
}

static void test_depth(Fixture *f)
{
    enum { DEPTH = 1000000 };
    Buf text = {0};
    for (int i = 0; i < DEPTH; i++) buf_putc(&text, '(');
    CHECK_STR(read_all(f, text.data, text.len), "? 1:1 unclosed '('");
    for (int i = 0; i < DEPTH; i++) buf_putc(&text, ')');
    const char *printed = read_all(f, text.data, text.len);
    CHECK(f->out.len == text.len && memcmp(printed, text.data, text.len) == 0);
    buf_free(&text);
}

int main(void)
{
    Fixture f = {.symbols = sym_new()};
    CHECK(heap_init(&f.heap, NULL, NULL));
    f.names = (Names){f.symbols, NULL, 0};
    test_words(&f);
    test_variables(&f);
    test_variable_cells(&f);
    test_many_variables(&f);
    test_strings(&f);
    test_errors(&f);
    test_spans(&f);
    test_leaf_spans(&f);
    test_lines(&f);
    test_tokens(&f);
    test_depth(&f);
    buf_free(&f.out);
    heap_fini(&f.heap);
    sym_free(f.symbols);
    return unit_end();
}
