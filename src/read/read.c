#include "read/read.h"

#include "atom/num.h"

/* What a byte can be outside of strings, variables and comments. */
enum { WORD_BYTE, BLANK, NEWLINE, OPEN, CLOSE, COMMENT, HIGH };

#define HIGH_16 HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH, HIGH
static const uint8_t byte_class[256] = {
    ['\t'] = BLANK,   ['\n'] = NEWLINE, ['\v'] = BLANK,   ['\f'] = BLANK,   ['\r'] = BLANK,
    [' '] = BLANK,    ['('] = OPEN,     [')'] = CLOSE,    [';'] = COMMENT,  [0x80] = HIGH_16,
    [0x90] = HIGH_16, [0xA0] = HIGH_16, [0xB0] = HIGH_16, [0xC0] = HIGH_16, [0xD0] = HIGH_16,
    [0xE0] = HIGH_16, [0xF0] = HIGH_16,
};

static unsigned class_of(char c)
{
    return byte_class[(unsigned char)c];
}

/* An expression being read: where its items begin, and its span. */
typedef struct Frame {
    size_t first_item, span;
} Frame;

/* A variable of the form numbered FORM; entries of other forms count as free. */
typedef struct VarEntry {
    uint64_t form;
    Word cell;
    uint32_t name;
} VarEntry;

struct Reader {
    const char *at, *end;
    /* The byte in column 1 of the line, moved right by one for each continuation byte passed since: the difference to AT
     * counts scalars. */
    const char *column_base;
    const char *text;
    uint32_t line, file;
    bool span_leaves;
    Heap *heap;
    SymTab *symbols;
    const Tokens *tokens;
    WordVec items; /* of all open expressions, outermost first */
    VEC(Frame) frames;
    VEC(Span) spans;
    const char *form_start;
    Buf unescaped;
    uint64_t form;
    VarEntry *vars; /* open addressing by name */
    uint32_t var_mask, var_count;
    ReadError error;
};

enum { FIRST_VARS = 16 };

Reader *reader_new(Heap *h, SymTab *symbols, const Tokens *tokens, const char *text, size_t len,
                   uint32_t file)
{
    Reader *r = base_calloc(1, sizeof *r);
    r->text = r->at = r->column_base = len ? text : "";
    r->end = r->text + len;
    r->line = 1;
    r->file = file;
    r->heap = h;
    r->symbols = symbols;
    r->tokens = tokens;
    r->vars = base_calloc(FIRST_VARS, sizeof *r->vars);
    r->var_mask = FIRST_VARS - 1;
    return r;
}

void reader_free(Reader *r)
{
    if (!r) return;
    vec_free(&r->items);
    vec_free(&r->frames);
    vec_free(&r->spans);
    buf_free(&r->unescaped);
    base_free(r->vars);
    base_free(r);
}

void reader_span_leaves(Reader *r)
{
    r->span_leaves = true;
}

/* -- Places and errors -- */

static uint32_t column(const Reader *r)
{
    return (uint32_t)(r->at - r->column_base) + 1;
}

static ReadStatus fail_at(Reader *r, ReadStatus status, const char *message, const ReadError *place)
{
    r->error = *place;
    r->error.message = message;
    r->at = r->end;
    return status;
}

/* The present place, in the form of an error to come. */
static ReadError here(const Reader *r)
{
    ReadError e = {NULL, r->line, column(r), (size_t)(r->at - r->text)};
    return e;
}

static ReadStatus fail(Reader *r, const char *message)
{
    ReadError place = here(r);
    return fail_at(r, READ_ERROR, message, &place);
}

static void pass_newline(Reader *r)
{
    r->line++;
    r->column_base = ++r->at;
}

/* Pass a scalar of SIZE bytes. */
static void pass_scalar(Reader *r, size_t size)
{
    r->at += size;
    r->column_base += size - 1;
}

/* The scalar that begins with a HIGH byte here, into *SCALAR; its size, or 0 after an error. */
static size_t peek_scalar(Reader *r, uint32_t *scalar)
{
    size_t size = utf8_decode(r->at, (size_t)(r->end - r->at), scalar);
    if (size == 0) fail(r, "invalid UTF-8");
    return size;
}

const ReadError *reader_error(const Reader *r)
{
    return &r->error;
}

const Span *reader_spans(const Reader *r, size_t *count)
{
    *count = r->spans.len;
    return r->spans.data;
}

const char *reader_line_at(const Reader *r, size_t offset, size_t *len)
{
    size_t total = (size_t)(r->end - r->text);
    if (offset > total) offset = total;
    const char *newline = memrchr(r->text, '\n', offset);
    const char *from = newline ? newline + 1 : r->text;
    const char *place = r->text + offset;
    const char *to = memchr(place, '\n', (size_t)(r->end - place));
    if (!to) to = r->end;
    if (to > from && to[-1] == '\r') to--;
    *len = (size_t)(to - from);
    return from;
}

/* -- Spans -- */

static size_t open_span(Reader *r)
{
    Span s = {.file = r->file, .line = r->line, .column = column(r)};
    vec_push(&r->spans, s);
    return r->spans.len - 1;
}

static void close_span(Reader *r, size_t index)
{
    Span *s = &r->spans.data[index];
    s->end_line = r->line;
    s->end_column = column(r);
}

/* -- White space -- */

/* Unicode's White_Space beyond ASCII. */
static bool is_white_space(uint32_t c)
{
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* Pass what is neither at STOP nor a newline nor one of the bytes C and D, up to the first of these. */
static bool pass_text(Reader *r, const char *stop, char c, char d)
{
    while (r->at < stop && *r->at != c && *r->at != d && *r->at != '\n') {
        if (LIKELY(class_of(*r->at) != HIGH)) {
            r->at++;
            continue;
        }
        uint32_t scalar;
        size_t size = peek_scalar(r, &scalar);
        if (size == 0) return false;
        pass_scalar(r, size);
    }
    return true;
}

static bool pass_comment(Reader *r)
{
    return pass_text(r, r->end, '\n', '\n');
}

/* Pass white space and comments; false after an error. */
static bool pass_blank(Reader *r)
{
    while (r->at < r->end) {
        switch (class_of(*r->at)) {
        case BLANK:
            r->at++;
            break;
        case NEWLINE:
            pass_newline(r);
            break;
        case COMMENT:
            if (!pass_comment(r)) return false;
            break;
        case HIGH: {
            uint32_t scalar;
            size_t size = peek_scalar(r, &scalar);
            if (size == 0) return false;
            if (!is_white_space(scalar)) return true;
            pass_scalar(r, size);
            break;
        }
        default:
            return true;
        }
    }
    return true;
}

/* -- Words -- */

/* Pass a scalar beyond ASCII unless it is white space: *WORD tells.  False after an error. */
static bool pass_high(Reader *r, bool *word)
{
    uint32_t scalar;
    size_t size = peek_scalar(r, &scalar);
    if (size == 0) return false;
    *word = !is_white_space(scalar);
    if (*word) pass_scalar(r, size);
    return true;
}

/* Pass the rest of a word; false after an error. */
static bool pass_word(Reader *r)
{
    bool word = true;
    while (word) {
        const char *p = r->at;
        while (p < r->end && class_of(*p) == WORD_BYTE) p++;
        r->at = p;
        if (LIKELY(p == r->end || class_of(*p) != HIGH)) return true;
        if (!pass_high(r, &word)) return false;
    }
    return true;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool starts_number(const char *text, size_t len)
{
    if ((*text == '-' || *text == '+') && len > 1) text++;
    return is_digit(*text);
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = *text == '-' || *text == '+'; i < len; i++)
        if (!is_digit(text[i])) return false;
    return true;
}

/* The common case of num_parse: an unsigned integer of few digits. */
static bool short_integer(const char *text, size_t len, Word *out)
{
    if (len > 14) return false; /* 10^14 is below 2^47 */
    int64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i])) return false;
        v = v * 10 + (text[i] - '0');
    }
    *out = word_int48(v);
    return true;
}

/* One scalar, not a quote, between quotes. */
static bool char_literal(const char *text, size_t len, Word *out)
{
    uint32_t scalar;
    if (len < 3 || *text != '\'' || text[1] == '\'' || utf8_decode(text + 1, len - 1, &scalar) != len - 2)
        return false;
    *out = word_char(scalar);
    return text[len - 1] == '\'';
}

static ReadStatus read_word(Reader *r, Word *out)
{
    const char *text = r->at;
    ReadError place = here(r);
    if (!pass_word(r)) return READ_ERROR;
    size_t len = (size_t)(r->at - text);
    if (starts_number(text, len)) {
        if (short_integer(text, len, out) || num_parse(r->heap, text, len, out)) return READ_FORM;
        if (all_digits(text, len)) return fail_at(r, READ_ERROR, "integer too long", &place);
    }
    if (len > UINT32_MAX) return fail_at(r, READ_ERROR, "word too long", &place);
    if (UNLIKELY(*text == '\'') && char_literal(text, len, out)) return READ_FORM;
    uint32_t id = sym_intern(r->symbols, text, len);
    if (!r->tokens || !r->tokens->lookup(r->tokens->context, id, out)) *out = word_sym(id);
    return READ_FORM;
}

/* -- Variables -- */

static VarEntry *var_entry(const Reader *r, uint32_t name)
{
    uint32_t i = (uint32_t)base_hash_word(name) & r->var_mask;
    while (r->vars[i].form == r->form && r->vars[i].name != name) i = (i + 1) & r->var_mask;
    return &r->vars[i];
}

static void grow_vars(Reader *r)
{
    VarEntry *old = r->vars;
    uint32_t old_size = r->var_mask + 1;
    r->var_mask = old_size * 2 - 1;
    r->vars = base_calloc((size_t)old_size * 2, sizeof *r->vars);
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i].form == r->form) *var_entry(r, old[i].name) = old[i];
    base_free(old);
}

/* The cell that stands for NAME in this form. */
static Word form_var(Reader *r, uint32_t name)
{
    VarEntry *e = var_entry(r, name);
    if (e->form == r->form) return e->cell;
    Word cell = atom_new_var(r->heap, name, OBJ_PLAIN);
    *e = (VarEntry){.form = r->form, .cell = cell, .name = name};
    if (++r->var_count > r->var_mask / 2) grow_vars(r);
    return cell;
}

static ReadStatus read_var(Reader *r, Word *out)
{
    const char *name = ++r->at;
    ReadError place = here(r);
    bool more = true;
    while (more && r->at < r->end) {
        char c = *r->at;
        unsigned class = class_of(c);
        if (c == '#') return fail(r, "'#' is reserved in variable names");
        if (class == HIGH) {
            if (!pass_high(r, &more)) return READ_ERROR;
        } else if (class == WORD_BYTE || class == COMMENT) {
            r->at++;
        } else {
            more = false;
        }
    }
    size_t len = (size_t)(r->at - name);
    if (len > UINT32_MAX) return fail_at(r, READ_ERROR, "variable name too long", &place);
    *out = form_var(r, sym_intern(r->symbols, name, len));
    return READ_FORM;
}

/* -- Strings -- */

/* How an escape sequence turned out; CUT: the text ends within it. */
typedef enum Escape { ESCAPE_OK, ESCAPE_BAD, ESCAPE_CUT } Escape;

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Two hex digits of an ASCII character at P. */
static Escape hex_escape(const char **p, const char *end, uint32_t *scalar)
{
    *scalar = 0;
    for (int i = 0; i < 2; i++, ++*p) {
        if (*p == end) return ESCAPE_CUT;
        int digit = hex_value(**p);
        if (digit < 0) return ESCAPE_BAD;
        *scalar = *scalar * 16 + (uint32_t)digit;
    }
    return *scalar <= 0x7F ? ESCAPE_OK : ESCAPE_BAD;
}

/* {H...} at P: up to eight hex digits; further opening braces are passed over, as HE does. */
static Escape unicode_escape(const char **p, const char *end, uint32_t *scalar)
{
    if (*p == end) return ESCAPE_CUT;
    if (**p != '{') return ESCAPE_BAD;
    *scalar = 0;
    for (int digits = 0; *p < end; ++*p) {
        if (**p == '}') {
            ++*p;
            bool valid = *scalar < 0xD800 || (*scalar >= 0xE000 && *scalar <= 0x10FFFF);
            return valid ? ESCAPE_OK : ESCAPE_BAD;
        }
        if (**p == '{') continue;
        int digit = hex_value(**p);
        if (digit < 0 || ++digits > 8) return ESCAPE_BAD;
        *scalar = *scalar * 16 + (uint32_t)digit;
    }
    return ESCAPE_CUT;
}

/* The escape sequence after the backslash at *P, which moves behind it. */
static Escape parse_escape(const char **p, const char *end, uint32_t *scalar)
{
    if (++*p == end) return ESCAPE_CUT;
    char c = *(*p)++;
    switch (c) {
    case '\'':
    case '"':
    case '\\':
        *scalar = (unsigned char)c;
        return ESCAPE_OK;
    case 'n':
        *scalar = '\n';
        return ESCAPE_OK;
    case 'r':
        *scalar = '\r';
        return ESCAPE_OK;
    case 't':
        *scalar = '\t';
        return ESCAPE_OK;
    case '0':
        *scalar = 0;
        return ESCAPE_OK;
    case 'x':
        return hex_escape(p, end, scalar);
    case 'u':
        return unicode_escape(p, end, scalar);
    default:
        return ESCAPE_BAD;
    }
}

/* Append what the escape sequence at the backslash here stands for. */
static ReadStatus read_escape(Reader *r, const ReadError *string_start)
{
    const char *p = r->at;
    uint32_t scalar;
    switch (parse_escape(&p, r->end, &scalar)) {
    case ESCAPE_OK:
        break;
    case ESCAPE_BAD:
        return fail(r, "invalid escape sequence");
    case ESCAPE_CUT:
        return fail_at(r, READ_INCOMPLETE, "unclosed string", string_start);
    }
    buf_put_utf8(&r->unescaped, scalar);
    r->at = p;
    return READ_FORM;
}

static ReadStatus read_string(Reader *r, Word *out)
{
    ReadError start = here(r);
    const char *from = ++r->at; /* text not yet copied */
    vec_clear(&r->unescaped);
    for (;;) {
        if (!pass_text(r, r->end, '"', '\\')) return READ_ERROR;
        if (r->at == r->end) return fail_at(r, READ_INCOMPLETE, "unclosed string", &start);
        if (*r->at == '"') break;
        if (*r->at == '\n') {
            pass_newline(r);
            continue;
        }
        buf_put(&r->unescaped, from, (size_t)(r->at - from));
        ReadStatus s = read_escape(r, &start);
        if (s != READ_FORM) return s;
        from = r->at;
    }
    size_t rest = (size_t)(r->at++ - from);
    if (rest + r->unescaped.len > UINT32_MAX) return fail_at(r, READ_ERROR, "string too long", &start);
    if (r->unescaped.len) {
        buf_put(&r->unescaped, from, rest);
        from = r->unescaped.data;
        rest = r->unescaped.len;
    }
    *out = atom_str(r->heap, from, rest);
    return READ_FORM;
}

/* -- Forms -- */

static ReadStatus read_leaf(Reader *r, Word *out)
{
    switch (*r->at) {
    case '"':
        return read_string(r, out);
    case '$':
        return read_var(r, out);
    default:
        return read_word(r, out);
    }
}

static void open_expr(Reader *r)
{
    Frame f = {r->items.len, open_span(r)};
    vec_push(&r->frames, f);
    r->at++;
}

static ReadStatus close_expr(Reader *r, Word *out)
{
    if (r->frames.len == 0) return fail(r, "unexpected ')'");
    Frame f = vec_pop(&r->frames);
    size_t n = r->items.len - f.first_item;
    if (n > UINT32_MAX) return fail(r, "expression too long");
    r->at++;
    close_span(r, f.span);
    /* An empty sub-expression is a leaf. */
    if (n == 0 && f.span > 0 && !r->span_leaves) r->spans.len--;
    *out = n ? atom_expr(r->heap, r->items.data + f.first_item, (uint32_t)n) : WORD_UNIT;
    r->items.len = f.first_item;
    return READ_FORM;
}

/* A word, variable or string; at top level it is the form, which always has a span. */
static ReadStatus read_item(Reader *r, Word *out)
{
    if (r->frames.len && !r->span_leaves) return read_leaf(r, out);
    size_t span = open_span(r);
    ReadStatus s = read_leaf(r, out);
    if (s == READ_FORM) close_span(r, span);
    return s;
}

static void begin_form(Reader *r)
{
    vec_clear(&r->items);
    vec_clear(&r->frames);
    vec_clear(&r->spans);
    r->form++;
    r->var_count = 0;
}

static ReadStatus end_of_text(Reader *r)
{
    if (r->frames.len == 0) return READ_EOF;
    ReadError place = {NULL, r->spans.data[0].line, r->spans.data[0].column,
                       (size_t)(r->form_start - r->text)};
    return fail_at(r, READ_INCOMPLETE, "unclosed '('", &place);
}

/* Read the next thing that is an atom when complete: READ_FORM with *OUT Nil means "go on". */
static ReadStatus read_step(Reader *r, Word *out)
{
    if (!pass_blank(r)) return READ_ERROR;
    if (r->at == r->end) return end_of_text(r);
    if (r->frames.len == 0) r->form_start = r->at;
    switch (class_of(*r->at)) {
    case OPEN:
        open_expr(r);
        *out = WORD_NIL;
        return READ_FORM;
    case CLOSE:
        return close_expr(r, out);
    default:
        return read_item(r, out);
    }
}

ReadStatus reader_next(Reader *r, Word *out, Span *span)
{
    begin_form(r);
    for (;;) {
        Word w;
        ReadStatus s = read_step(r, &w);
        if (s != READ_FORM) return s;
        if (word_is_nil(w)) continue;
        if (r->frames.len == 0) {
            *out = w;
            *span = r->spans.data[0];
            return READ_FORM;
        }
        vec_push(&r->items, w);
    }
}
