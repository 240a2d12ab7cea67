#include "code/term.h"

#include "atom/num.h"

#include <math.h>
#include <stdlib.h>

/* -- Words -- */

static bool is_delimiter(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == ';' || c == '"';
}

static bool starts_number(const char *text, size_t len)
{
    if (len > 1 && (*text == '-' || *text == '+')) text++;
    return *text >= '0' && *text <= '9';
}

/* What the bare word TEXT is read as. */
static Word read_bare(const Runtime *rt, uint32_t symbol)
{
    Word w;
    Tokens tokens = rt_tokens((Runtime *)(uintptr_t)rt, rt->top);
    return tokens.lookup(tokens.context, symbol, &w) ? w : word_sym(symbol);
}

/* Does TEXT, the name of SYMBOL, read back as W? */
static bool is_bare(const Runtime *rt, const char *text, size_t len, uint32_t symbol, Word w)
{
    if (len == 0 || strchr("#$'\"", *text) || starts_number(text, len)) return false;
    for (size_t i = 0; i < len; i++)
        if (is_delimiter(text[i]) || (unsigned char)text[i] < 0x20) return false;
    return read_bare(rt, symbol) == w;
}

/* -- Writing -- */

static void write_quoted(const char *prefix, const char *text, size_t len, Buf *out)
{
    buf_puts(out, prefix);
    str_print_quoted(text, len, out);
}

void term_write_symbol(const Runtime *rt, uint32_t id, Buf *out)
{
    size_t len;
    const char *text = sym_text(rt->symbols, id, &len);
    if (is_bare(rt, text, len, id, word_sym(id)))
        buf_put(out, text, len);
    else
        write_quoted("#", text, len, out);
}

static void write_op(const Runtime *rt, Word w, Buf *out)
{
    const BuiltinInfo *info = &rt->builtins[word_op_index(w)];
    uint32_t id;
    size_t len = strlen(info->name);
    if (info->host)
        write_quoted("#unreadable", info->name, len, out);
    else if (sym_find(rt->symbols, info->name, len, &id) && is_bare(rt, info->name, len, id, w))
        buf_put(out, info->name, len);
    else
        write_quoted("#op", info->name, len, out);
}

static bool write_token(const Runtime *rt, const TokenMap *t, Word w, Buf *out)
{
    for (uint32_t i = 0; t && t->keys && i <= t->mask; i++) {
        size_t len;
        if (!t->keys[i] || t->words[i] != w) continue;
        const char *text = sym_text(rt->symbols, t->keys[i] - 1, &len);
        if (!is_bare(rt, text, len, t->keys[i] - 1, w)) continue;
        buf_put(out, text, len);
        return true;
    }
    return false;
}

/* An external object: by a word that stands for it in the program, such as &self. */
static void write_ext(const Runtime *rt, Word w, Buf *out)
{
    if (write_token(rt, &rt->top->tokens, w, out) || write_token(rt, rt->top->core_tokens, w, out)) return;
    Buf text = {0};
    atom_print(&rt->names, w, &text);
    write_quoted("#unreadable", text.data, text.len, out);
    buf_free(&text);
}

static void write_double(Word w, Buf *out)
{
    double d = word_double_get(w);
    if (isnan(d))
        buf_puts(out, "#nan");
    else if (isinf(d))
        buf_puts(out, d > 0 ? "#inf" : "#-inf");
    else
        num_print(w, out);
}

static void write_char(Word w, Buf *out)
{
    uint32_t scalar = word_char_scalar(w);
    if (scalar > 0x20 && scalar < 0x7F && scalar != '\'')
        buf_printf(out, "'%c'", (char)scalar);
    else
        buf_printf(out, "#char%u", (unsigned)scalar);
}

static void write_bool(const Runtime *rt, Word w, Buf *out)
{
    if (!write_token(rt, rt->top->core_tokens, w, out)) buf_puts(out, w == WORD_TRUE ? "#true" : "#false");
}

static void write_leaf(const Runtime *rt, Word w, Buf *out)
{
    if (word_is_sym(w))
        term_write_symbol(rt, word_sym_id(w), out);
    else if (word_is_op(w))
        write_op(rt, w, out);
    else if (word_is_ext(w))
        write_ext(rt, w, out);
    else if (word_is_bool(w))
        write_bool(rt, w, out);
    else if (word_is_double(w))
        write_double(w, out);
    else if (word_is_char(w))
        write_char(w, out);
    else if (word_is_slot(w) || word_is_int(w) || word_is_heap(w) || w == WORD_UNIT)
        atom_print(&rt->names, w, out);
    else
        buf_puts(out, "#unreadable\"\"");
}

typedef struct OpenTerm {
    Word expr;
    uint32_t next;
} OpenTerm;

void term_write(const Runtime *rt, Word w, Buf *out)
{
    VEC(OpenTerm) open = {0};
    for (;;) {
        if (atom_is_cons(w)) {
            OpenTerm o = {w, 0};
            vec_push(&open, o);
            buf_putc(out, '(');
        } else {
            write_leaf(rt, w, out);
        }
        while (open.len && vec_last(&open).next == expr_len(vec_last(&open).expr)) {
            buf_putc(out, ')');
            open.len--;
        }
        if (open.len == 0) break;
        OpenTerm *o = &vec_last(&open);
        if (o->next > 0) buf_putc(out, ' ');
        w = expr_at(o->expr, o->next++);
    }
    vec_free(&open);
}

/* -- Reading -- */

typedef struct TermReader {
    Runtime *rt;
    const char *at, *end;
    const char *error;
} TermReader;

static bool fail(TermReader *r, const char *error)
{
    r->error = error;
    return false;
}

static bool read_number(TermReader *r, uint32_t *out)
{
    uint64_t n = 0;
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && n <= UINT32_MAX)
        n = n * 10 + (uint64_t)(*r->at++ - '0');
    *out = (uint32_t)n;
    return (r->at > from && n <= UINT32_MAX) || fail(r, "a number is wanted");
}

/* The hexadecimal digits of \u{...} at r->at, with the closing brace. */
static bool read_scalar(TermReader *r, Buf *out)
{
    uint32_t scalar = 0;
    if (r->at == r->end || *r->at++ != '{') return fail(r, "invalid escape sequence");
    for (; r->at < r->end && *r->at != '}'; r->at++) {
        const char *digits = "0123456789abcdef", *digit = *r->at ? strchr(digits, *r->at) : NULL;
        if (!digit || scalar > 0x10FFFF) return fail(r, "invalid escape sequence");
        scalar = scalar * 16 + (uint32_t)(digit - digits);
    }
    if (r->at == r->end || scalar > 0x10FFFF || (scalar >= 0xD800 && scalar < 0xE000))
        return fail(r, "invalid escape sequence");
    r->at++;
    buf_put_utf8(out, scalar);
    return true;
}

static bool read_escape(TermReader *r, Buf *out)
{
    static const char letters[] = "ntr0\"\\", values[] = "\n\t\r\0\"\\";
    if (r->at == r->end || !*r->at) return fail(r, "unclosed string");
    char c = *r->at++;
    const char *letter = strchr(letters, c);
    if (c == 'u') return read_scalar(r, out);
    if (!letter) return fail(r, "invalid escape sequence");
    buf_putc(out, values[letter - letters]);
    return true;
}

/* The string whose opening quote is at r->at. */
static bool read_quoted(TermReader *r, Buf *out)
{
    if (r->at == r->end || *r->at++ != '"') return fail(r, "'\"' is wanted");
    while (r->at < r->end && *r->at != '"') {
        uint32_t scalar;
        size_t n = utf8_decode(r->at, (size_t)(r->end - r->at), &scalar);
        if (n == 0) return fail(r, "invalid UTF-8");
        if (*r->at == '\\') {
            r->at++;
            if (!read_escape(r, out)) return false;
            continue;
        }
        buf_put(out, r->at, n);
        r->at += n;
    }
    if (r->at == r->end) return fail(r, "unclosed string");
    r->at++;
    return true;
}

static bool find_operation(const Runtime *rt, const char *name, size_t len, Word *out)
{
    for (uint32_t i = 0; i < rt->builtin_count; i++) {
        const BuiltinInfo *info = &rt->builtins[i];
        if (info->symbol || info->host || strlen(info->name) != len || memcmp(info->name, name, len) != 0)
            continue;
        *out = word_op(i);
        return true;
    }
    return false;
}

static bool passes(TermReader *r, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0) return false;
    r->at += n;
    return true;
}

static bool read_named_op(TermReader *r, Word *out)
{
    Buf name = {0};
    bool ok = read_quoted(r, &name);
    if (ok && !find_operation(r->rt, name.data, name.len, out)) ok = fail(r, "no such operation");
    buf_free(&name);
    return ok;
}

static bool read_named_symbol(TermReader *r, Word *out)
{
    Buf name = {0};
    bool ok = read_quoted(r, &name);
    if (ok) *out = word_sym(sym_intern(r->rt->symbols, name.data ? name.data : "", name.len));
    buf_free(&name);
    return ok;
}

static bool read_char(TermReader *r, Word *out)
{
    uint32_t scalar;
    if (!read_number(r, &scalar)) return false;
    if (scalar > 0x10FFFF || (scalar >= 0xD800 && scalar < 0xE000)) return fail(r, "no such character");
    *out = word_char(scalar);
    return true;
}

/* What begins with '#', which has been passed. */
static bool read_marked(TermReader *r, Word *out)
{
    static const struct {
        const char *name;
        Word word;
    } fixed[] = {{"true", WORD_TRUE}, {"false", WORD_FALSE}, {"nan", WORD_NAN}};
    if (r->at < r->end && *r->at == '"') return read_named_symbol(r, out);
    if (passes(r, "op")) return read_named_op(r, out);
    if (passes(r, "char")) return read_char(r, out);
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        *out = fixed[i].word;
        if (passes(r, fixed[i].name)) return true;
    }
    *out = word_double(r->at < r->end && *r->at == '-' ? -INFINITY : INFINITY);
    if (passes(r, "inf") || passes(r, "-inf")) return true;
    if (passes(r, "unreadable")) return fail(r, "this value exists in a running program only");
    return fail(r, "nothing is written like this");
}

static bool read_string(TermReader *r, Word *out)
{
    Buf text = {0};
    bool ok = read_quoted(r, &text);
    if (ok) *out = atom_str(&r->rt->heap, text.data, text.len);
    buf_free(&text);
    return ok;
}

static bool read_slot(TermReader *r, Word *out)
{
    uint32_t n;
    if (!passes(r, "$#")) return fail(r, "a variable is written as a slot, $#0");
    if (!read_number(r, &n)) return false;
    *out = word_slot(n);
    return true;
}

static bool read_word(TermReader *r, Word *out)
{
    const char *from = r->at;
    while (r->at < r->end && !is_delimiter(*r->at)) r->at++;
    size_t len = (size_t)(r->at - from);
    if (len == 0) return fail(r, "a term is wanted");
    if (starts_number(from, len) && num_parse(&r->rt->heap, from, len, out)) return true;
    *out = read_bare(r->rt, sym_intern(r->rt->symbols, from, len));
    return true;
}

static bool read_leaf(TermReader *r, Word *out)
{
    switch (*r->at) {
    case '"':
        return read_string(r, out);
    case '$':
        return read_slot(r, out);
    case '#':
        r->at++;
        return read_marked(r, out);
    case '\'':
        if (r->end - r->at < 3 || r->at[2] != '\'') return fail(r, "a character is written as 'a'");
        *out = word_char((unsigned char)r->at[1]);
        r->at += 3;
        return true;
    default:
        return read_word(r, out);
    }
}

typedef VEC(size_t) Opens;

static bool read_step(TermReader *r, WordVec *items, Opens *opens)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t')) r->at++;
    if (r->at == r->end || *r->at == '\n') return fail(r, opens->len ? "unclosed '('" : "a term is wanted");
    Word w;
    if (*r->at == '(') {
        r->at++;
        vec_push(opens, items->len);
        return true;
    }
    if (*r->at == ')') {
        if (opens->len == 0) return fail(r, "unexpected ')'");
        r->at++;
        size_t first = vec_pop(opens);
        w = WORD_UNIT;
        if (items->len > first)
            w = atom_expr(&r->rt->heap, items->data + first, (uint32_t)(items->len - first));
        items->len = first;
    } else if (!read_leaf(r, &w)) {
        return false;
    }
    vec_push(items, w);
    return true;
}

bool term_read(Runtime *rt, const char **at, const char *end, Word *out, const char **error)
{
    TermReader r = {rt, *at, end, NULL};
    WordVec items = {0};
    Opens opens = {0};
    bool ok = true;
    do ok = read_step(&r, &items, &opens);
    while (ok && opens.len);
    if (ok) *out = items.data[0];
    vec_free(&items);
    vec_free(&opens);
    *at = r.at;
    *error = r.error;
    return ok;
}
