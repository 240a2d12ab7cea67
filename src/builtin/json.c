/* JSON to atoms and back, with explicit stacks: nesting is bounded by memory only. */
#include "builtin/bodies.h"
#include "builtin/multiset.h"

/* -- Writing -- */

typedef struct JsonList {
    WordVec items;
    size_t next;
    bool object; /* items are (key value) pairs */
} JsonList;

typedef struct JsonWriter {
    Runtime *rt;
    Buf text;
    VEC(JsonList) open;
    size_t objects; /* among the open ones */
} JsonWriter;

/* A space may contain itself. */
enum { MAX_OBJECTS = 10000 };

static void writer_free(JsonWriter *w)
{
    for (size_t i = 0; i < w->open.len; i++) vec_free(&w->open.data[i].items);
    vec_free(&w->open);
    buf_free(&w->text);
}

static void write_escaped(Buf *out, char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *l = letters; *l; l += 2) {
        if (*l != c) continue;
        buf_putc(out, '\\');
        buf_putc(out, l[1]);
        return;
    }
    buf_printf(out, "\\u%04x", (unsigned char)c);
}

static void write_string(Buf *out, const char *prefix, const char *text, size_t len)
{
    buf_putc(out, '"');
    buf_puts(out, prefix);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\')
            write_escaped(out, text[i]);
        else
            buf_putc(out, text[i]);
    }
    buf_putc(out, '"');
}

static void write_symbol(JsonWriter *w, uint32_t id, const char *prefix)
{
    size_t len;
    const char *text = sym_text(w->rt->symbols, id, &len);
    write_string(&w->text, prefix, text, len);
}

static void write_number(JsonWriter *w, Word number)
{
    if (num_kind(number) == NUM_FLOAT && !__builtin_isfinite(num_to_double(number)))
        buf_puts(&w->text, "null");
    else
        num_print(number, &w->text);
}

static void collect_atom(void *context, Word atom)
{
    WordVec *items = context;
    vec_push(items, atom);
}

static void open_list(JsonWriter *w, Word expr)
{
    JsonList list = {.object = false};
    for (uint32_t i = 0; i < expr_len(expr); i++) vec_push(&list.items, expr_at(expr, i));
    vec_push(&w->open, list);
    buf_putc(&w->text, '[');
}

static BiStatus open_object(JsonWriter *w, Space *space, Word *error)
{
    if (++w->objects > MAX_OBJECTS) return bi_fail(w->rt, error, "Encode failed: spaces nested too deeply");
    JsonList list = {.object = true};
    space_each(space, collect_atom, &list.items);
    vec_push(&w->open, list);
    buf_putc(&w->text, '{');
    return BI_OK;
}

static BiStatus fail_unsupported(JsonWriter *w, Word value, Word *error)
{
    Buf text = {0};
    BiStatus status =
        bi_fail(w->rt, error, "Encode failed for atom (unsupported type): %s", bi_text(w->rt, value, &text));
    buf_free(&text);
    return status;
}

/* Write a value; of a list or object only its beginning. */
static BiStatus write_value(JsonWriter *w, Word value, Word *error)
{
    value = atom_deref(value);
    size_t len;
    if (atom_is_expr(value))
        open_list(w, value);
    else if (word_is_sym(value) && value == W_SYM(NULL))
        buf_puts(&w->text, "null");
    else if (word_is_sym(value))
        write_symbol(w, word_sym_id(value), "sym!:");
    else if (word_is_cell(value))
        write_symbol(w, word_obj(value)->len, "var!:");
    else if (word_is_bool(value))
        buf_puts(&w->text, value == WORD_TRUE ? "true" : "false");
    else if (num_is(value))
        write_number(w, value);
    else if (atom_is_str(value)) {
        const char *text = str_text(value, &len);
        write_string(&w->text, "", text, len);
    } else if (word_space(value))
        return open_object(w, word_space(value), error);
    else
        return fail_unsupported(w, value, error);
    return BI_OK;
}

/* Write the key of PAIR; the value is left in *VALUE. */
static BiStatus write_key(JsonWriter *w, Word pair, Word *value, Word *error)
{
    pair = atom_deref(pair);
    if (!atom_is_cons(pair) || expr_len(pair) != 2)
        return bi_fail(
            w->rt, error,
            "Input space must be a dictionary space consists of key-value pairs only or empty space. "
            "Use dict-space function");
    Word key = atom_deref(expr_at(pair, 0));
    if (!atom_is_str(key)) return bi_fail(w->rt, error, "Key/value pair is expected, key must be a string");
    size_t len;
    const char *text = str_text(key, &len);
    write_string(&w->text, "", text, len);
    buf_putc(&w->text, ':');
    *value = expr_at(pair, 1);
    return BI_OK;
}

static BiStatus write_next(JsonWriter *w, Word *error)
{
    assert(w->open.len);
    JsonList *list = &vec_last(&w->open);
    if (list->next == list->items.len) {
        buf_putc(&w->text, list->object ? '}' : ']');
        w->objects -= list->object;
        vec_free(&list->items);
        w->open.len--;
        return BI_OK;
    }
    if (list->next) buf_puts(&w->text, ", ");
    Word value = list->items.data[list->next++];
    BiStatus status = list->object ? write_key(w, value, &value, error) : BI_OK;
    return status == BI_OK ? write_value(w, value, error) : status;
}

static BiStatus encode(JsonWriter *w, Word atom, Word *error)
{
    BiStatus status = write_value(w, atom, error);
    while (status == BI_OK && w->open.len) status = write_next(w, error);
    if (status == BI_OK && w->text.len > UINT32_MAX)
        return bi_fail(w->rt, error, "Encode failed: string too long");
    return status;
}

/* -- Reading -- */

typedef struct JsonReader {
    Runtime *rt;
    const char *text, *at;
    size_t len;
    VEC(JsonList) open; /* items of objects: key, value, key, value ... */
    Multiset names;     /* of variables: count is their index in VARS */
    WordVec vars;
    bool has_names;
    Buf string;
    const char *problem;
} JsonReader;

static void reader_fini(JsonReader *r)
{
    for (size_t i = 0; i < r->open.len; i++) vec_free(&r->open.data[i].items);
    vec_free(&r->open);
    if (r->has_names) multiset_free(&r->names);
    vec_free(&r->vars);
    buf_free(&r->string);
}

static bool stop(JsonReader *r, const char *problem)
{
    r->problem = problem;
    return false;
}

static BiStatus fail_decode(JsonReader *r, Word *out)
{
    unsigned line = 1, column = 1;
    for (const char *p = r->text; p < r->at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return bi_fail(r->rt, out, "Failed to decode string. Reason: %s at line %u column %u", r->problem, line,
                   column);
}

/* The next byte that is not white space, 0 at the end. */
static char peek(JsonReader *r)
{
    const char *end = r->text + r->len;
    while (r->at < end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
    return r->at < end ? *r->at : 0;
}

static bool read_hex(JsonReader *r, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        char c = r->at < r->text + r->len ? *r->at : 0;
        uint32_t digit = c >= '0' && c <= '9'                     ? (uint32_t)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (uint32_t)((c | 0x20) - 'a' + 10)
                                                                  : 16;
        if (digit > 15) return stop(r, "invalid escape");
        *value = *value << 4 | digit;
        r->at++;
    }
    return true;
}

/* The rest of \uXXXX, which for a surrogate is a pair of them. */
static bool read_unicode(JsonReader *r)
{
    uint32_t scalar, low;
    if (!read_hex(r, &scalar)) return false;
    if (scalar >= 0xD800 && scalar < 0xE000) {
        if (scalar >= 0xDC00 || r->text + r->len - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
            return stop(r, "lone surrogate in escape");
        r->at += 2;
        if (!read_hex(r, &low)) return false;
        if (low < 0xDC00 || low >= 0xE000) return stop(r, "lone surrogate in escape");
        scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00);
    }
    buf_put_utf8(&r->string, scalar);
    return true;
}

static bool read_escape(JsonReader *r)
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    char c = r->at < r->text + r->len ? *r->at++ : 0;
    if (c == 'u') return read_unicode(r);
    for (const char *l = letters; *l; l += 2) {
        if (*l != c) continue;
        buf_putc(&r->string, l[1]);
        return true;
    }
    return stop(r, "invalid escape");
}

/* A string literal into r->string. */
static bool read_string(JsonReader *r)
{
    assert(*r->at == '"');
    vec_clear(&r->string);
    for (r->at++; r->at < r->text + r->len;) {
        char c = *r->at++;
        if (c == '"') return true;
        if ((unsigned char)c < 0x20) return stop(r, "control character in string");
        if (c != '\\')
            buf_putc(&r->string, c);
        else if (!read_escape(r))
            return false;
    }
    return stop(r, "end of text inside of a string");
}

/* Variables of one text with one name are one variable. */
static Word variable(JsonReader *r, const char *name, size_t len)
{
    if (!r->has_names) multiset_init(&r->names, false);
    r->has_names = true;
    uint32_t id = sym_intern(r->rt->symbols, name, len);
    MultisetEntry *e = multiset_entry(&r->names, word_sym(id));
    if (e->count == 0) {
        vec_push(&r->vars, atom_new_var(&r->rt->heap, id, OBJ_PLAIN));
        e->count = (int64_t)r->vars.len;
    }
    return r->vars.data[e->count - 1];
}

static Word string_value(JsonReader *r)
{
    const char *text = r->string.len ? r->string.data : "";
    size_t len = r->string.len;
    if (len >= 5 && memcmp(text, "sym!:", 5) == 0)
        return word_sym(sym_intern(r->rt->symbols, text + 5, len - 5));
    if (len >= 5 && memcmp(text, "var!:", 5) == 0) return variable(r, text + 5, len - 5);
    return atom_str(&r->rt->heap, text, len);
}

static size_t pass_digits(JsonReader *r)
{
    const char *from = r->at;
    while (r->at < r->text + r->len && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - from);
}

/* Pass C if it is next. */
static bool pass(JsonReader *r, char c)
{
    if (r->at == r->text + r->len || *r->at != c) return false;
    r->at++;
    return true;
}

static bool read_number(JsonReader *r, Word *value)
{
    const char *from = r->at;
    pass(r, '-');
    bool zero = pass(r, '0'), good = zero || pass_digits(r) > 0;
    if (good && pass(r, '.')) good = pass_digits(r) > 0;
    if (good && (pass(r, 'e') || pass(r, 'E'))) {
        if (!pass(r, '+')) pass(r, '-');
        good = pass_digits(r) > 0;
    }
    if (!good) return stop(r, "invalid number");
    if (!num_parse(&r->rt->heap, from, (size_t)(r->at - from), value)) return stop(r, "invalid number");
    if (num_kind(*value) == NUM_FLOAT && !__builtin_isfinite(num_to_double(*value)))
        return stop(r, "number out of range");
    return true;
}

static bool read_literal(JsonReader *r, Word *value)
{
    static const struct {
        const char *text;
        Word value;
    } literals[] = {{"true", WORD_TRUE}, {"false", WORD_FALSE}, {"null", W_SYM(NULL)}};
    size_t left = (size_t)(r->text + r->len - r->at);
    for (size_t i = 0; i < COUNT_OF(literals); i++) {
        size_t len = strlen(literals[i].text);
        if (left < len || memcmp(r->at, literals[i].text, len) != 0) continue;
        r->at += len;
        *value = literals[i].value;
        return true;
    }
    return stop(r, r->at == r->text + r->len ? "end of text where a value is expected" : "expected a value");
}

/* The space of an object's pairs; of a key that occurs more than once the last value counts. */
static Word object_value(JsonReader *r, const WordVec *items)
{
    Space *space = rt_space_new(r->rt, NULL);
    Multiset keys;
    assert(items->len % 2 == 0);
    multiset_init(&keys, false);
    for (size_t i = 0; i < items->len; i += 2) multiset_entry(&keys, items->data[i])->count = (int64_t)i;
    for (size_t k = 0; k < keys.entries.len; k++) {
        const MultisetEntry *e = &keys.entries.data[k];
        space_add(space, atom_expr2(&r->rt->heap, e->atom, items->data[e->count + 1]));
    }
    multiset_free(&keys);
    return space_word(space);
}

static Word close_list(JsonReader *r)
{
    JsonList list = vec_pop(&r->open);
    Word w = list.object ? object_value(r, &list.items)
                         : atom_expr(&r->rt->heap, list.items.data, (uint32_t)list.items.len);
    r->at++;
    vec_free(&list.items);
    return w;
}

static bool read_key(JsonReader *r)
{
    if (peek(r) != '"') return stop(r, "expected a key");
    if (!read_string(r)) return false;
    const char *text = r->string.len ? r->string.data : "";
    vec_push(&vec_last(&r->open).items, atom_str(&r->rt->heap, text, r->string.len));
    if (peek(r) != ':') return stop(r, "expected `:`");
    r->at++;
    return true;
}

typedef enum Step { STEP_OPENED, STEP_VALUE, STEP_FAILED } Step;

/* Begin a value: *VALUE, or a list or object that is not empty was opened and its first value comes next. */
static Step begin_value(JsonReader *r, Word *value)
{
    char c = peek(r);
    if (c == '[' || c == '{') {
        JsonList list = {.object = c == '{'};
        vec_push(&r->open, list);
        r->at++;
        if (peek(r) == (list.object ? '}' : ']')) {
            *value = close_list(r);
            return STEP_VALUE;
        }
        return !list.object || read_key(r) ? STEP_OPENED : STEP_FAILED;
    }
    bool good = c == '"'                             ? read_string(r)
                : c == '-' || (c >= '0' && c <= '9') ? read_number(r, value)
                                                     : read_literal(r, value);
    if (good && c == '"') *value = string_value(r);
    return good ? STEP_VALUE : STEP_FAILED;
}

/* Put VALUE into the innermost open list; when that ends, it is the next value. */
static Step end_value(JsonReader *r, Word *value)
{
    assert(r->open.len);
    JsonList *list = &vec_last(&r->open);
    vec_push(&list->items, *value);
    char c = peek(r);
    if (c == ',') {
        r->at++;
        return !list->object || read_key(r) ? STEP_OPENED : STEP_FAILED;
    }
    if (c != (list->object ? '}' : ']')) {
        stop(r, list->object ? "expected `,` or `}`" : "expected `,` or `]`");
        return STEP_FAILED;
    }
    *value = close_list(r);
    return STEP_VALUE;
}

static bool decode(JsonReader *r, Word *value)
{
    Step step = STEP_OPENED;
    while (step == STEP_OPENED || (step == STEP_VALUE && r->open.len))
        step = step == STEP_OPENED ? begin_value(r, value) : end_value(r, value);
    if (step == STEP_FAILED) return false;
    peek(r);
    return r->at == r->text + r->len || stop(r, "trailing characters");
}

#include "builtin/json.inc"
