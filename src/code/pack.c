#include "code/pack.h"

/* What a byte before an atom, or a part of one, says. */
typedef enum Code {
    PACKED_SYMBOL, /* name; in a form: a word */
    PACKED_EXPR,   /* number of items, then these */
    PACKED_VAR,    /* name */
    PACKED_SLOT,   /* number */
    PACKED_NATURAL,
    PACKED_NEGATIVE, /* its absolute value less 1 */
    PACKED_BIG,      /* text */
    PACKED_FLOAT,    /* 8 bytes */
    PACKED_STRING,   /* text */
    PACKED_CHAR,     /* scalar */
    PACKED_UNIT,
    PACKED_FALSE,
    PACKED_TRUE,
    PACKED_OP, /* name */
    PACKED_TOP /* the space of the top module */
} Code;

/* -- Writing -- */

void packer_free(Packer *p)
{
    buf_free(&p->out);
    vec_free(&p->places);
    vec_free(&p->symbols);
}

static void put_number(Buf *out, uint64_t n)
{
    for (; n >= 0x80; n >>= 7) buf_putc(out, (char)(n | 0x80));
    buf_putc(out, (char)n);
}

void pack_number(Packer *p, uint64_t n)
{
    put_number(&p->out, n);
}

void pack_bytes(Packer *p, const void *data, size_t len)
{
    pack_number(p, len);
    buf_put(&p->out, data, len);
}

void pack_symbol(Packer *p, uint32_t symbol)
{
    while (p->places.len <= symbol) vec_push(&p->places, 0);
    if (!p->places.data[symbol]) {
        vec_push(&p->symbols, symbol);
        p->places.data[symbol] = (uint32_t)p->symbols.len;
    }
    pack_number(p, p->places.data[symbol] - 1);
}

void pack_table(const Packer *p, Buf *out)
{
    put_number(out, p->symbols.len);
    for (size_t i = 0; i < p->symbols.len; i++) {
        size_t len;
        const char *text = sym_text(p->rt->symbols, p->symbols.data[i], &len);
        put_number(out, len);
        buf_put(out, text, len);
    }
}

static void put_code(Packer *p, Code code)
{
    buf_putc(&p->out, (char)code);
}

static void put_named(Packer *p, Code code, uint32_t symbol)
{
    put_code(p, code);
    pack_symbol(p, symbol);
}

static void put_int(Packer *p, int64_t n)
{
    put_code(p, n < 0 ? PACKED_NEGATIVE : PACKED_NATURAL);
    pack_number(p, n < 0 ? (uint64_t)-(n + 1) : (uint64_t)n);
}

static void put_float(Packer *p, Word w)
{
    put_code(p, PACKED_FLOAT);
    for (int i = 0; i < 8; i++) buf_putc(&p->out, (char)(w >> (8 * i)));
}

static void put_text(Packer *p, Code code, const char *text, size_t len)
{
    put_code(p, code);
    pack_bytes(p, text, len);
}

static bool put_object(Packer *p, Word w)
{
    const Obj *o = word_obj(w);
    if (o->kind == OBJ_STR) {
        put_text(p, PACKED_STRING, (const char *)o->body, o->len);
    } else if (o->kind == OBJ_I64) {
        put_int(p, num_int(w));
    } else if (o->kind == OBJ_BIG) {
        Buf digits = {0};
        num_print(w, &digits);
        put_text(p, PACKED_BIG, digits.data, digits.len);
        buf_free(&digits);
    } else {
        return false;
    }
    return true;
}

static bool put_op(Packer *p, Word w)
{
    const BuiltinInfo *info = &p->rt->builtins[word_op_index(w)];
    if (info->host) return false;
    put_named(p, PACKED_OP, sym_intern_cstr(p->rt->symbols, info->name));
    return true;
}

static bool put_leaf(Packer *p, Word w)
{
    if (word_is_sym(w))
        put_named(p, PACKED_SYMBOL, word_sym_id(w));
    else if (word_is_slot(w))
        put_code(p, PACKED_SLOT), pack_number(p, word_slot_index(w));
    else if (word_is_cell(w))
        put_named(p, PACKED_VAR, word_obj(w)->len);
    else if (word_is_int(w))
        put_int(p, word_int48_get(w));
    else if (word_is_bool(w))
        put_code(p, w == WORD_TRUE ? PACKED_TRUE : PACKED_FALSE);
    else if (word_is_char(w))
        put_code(p, PACKED_CHAR), pack_number(p, word_char_scalar(w));
    else if (w == WORD_UNIT)
        put_code(p, PACKED_UNIT);
    else if (w == space_word(p->rt->top->space))
        put_code(p, PACKED_TOP);
    else if (word_is_op(w))
        return put_op(p, w);
    else if (word_is_double(w))
        put_float(p, w);
    else
        return word_is_heap(w) && put_object(p, w);
    return true;
}

/* In pre-order. */
bool pack_term(Packer *p, Word term)
{
    WordVec todo = {0};
    bool ok = true;
    vec_push(&todo, term);
    while (ok && todo.len) {
        Word w = atom_deref(vec_pop(&todo));
        if (!atom_is_cons(w)) {
            ok = put_leaf(p, w);
            continue;
        }
        put_code(p, PACKED_EXPR);
        pack_number(p, expr_len(w));
        for (uint32_t i = expr_len(w); i-- > 0;) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
    return ok;
}

void pack_form(Packer *p, Word form)
{
    if (!pack_term(p, form)) base_fatal("a form holds what no text can say");
}

/* -- Reading -- */

void unpacker_free(Unpacker *u)
{
    base_free(u->symbols);
    base_free(u->cells);
    base_free(u->forms);
}

static uint64_t fail(Unpacker *u)
{
    u->bad = true;
    u->at = u->end;
    return 0;
}

uint64_t unpack_number(Unpacker *u, uint64_t most)
{
    uint64_t n = 0;
    for (unsigned shift = 0; u->at < u->end && shift < 64; shift += 7) {
        uint8_t byte = *u->at++;
        if (shift == 63 && byte > 1) break;
        n |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return n <= most ? n : fail(u);
    }
    return fail(u);
}

uint32_t unpack_count(Unpacker *u)
{
    uint64_t left = (uint64_t)(u->end - u->at);
    uint32_t n = (uint32_t)unpack_number(u, left < UINT32_MAX ? left : UINT32_MAX);
    if ((size_t)(u->end - u->at) < n) fail(u);
    return u->bad ? 0 : n;
}

const uint8_t *unpack_bytes(Unpacker *u, size_t *len)
{
    *len = unpack_count(u);
    if (u->bad) return NULL;
    const uint8_t *data = u->at;
    u->at += *len;
    return data;
}

static bool is_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t scalar;
        size_t n = utf8_decode(text + i, len - i, &scalar);
        if (n == 0) return false;
        i += n;
    }
    return true;
}

static const char *unpack_text(Unpacker *u, size_t *len)
{
    const char *text = (const char *)unpack_bytes(u, len);
    if (!u->bad && !is_text(text, *len)) fail(u);
    return u->bad ? NULL : text;
}

void unpack_table(Unpacker *u)
{
    uint32_t n = unpack_count(u);
    u->symbols = base_calloc((size_t)n + 1, sizeof *u->symbols);
    u->cells = base_calloc((size_t)n + 1, sizeof *u->cells);
    u->forms = base_calloc((size_t)n + 1, sizeof *u->forms);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        size_t len;
        const char *text = unpack_text(u, &len);
        if (!u->bad) u->symbols[i] = sym_intern(u->rt->symbols, text, len);
    }
    u->symbol_count = n;
}

/* Place in the table. */
static uint32_t unpack_name(Unpacker *u)
{
    if (u->symbol_count == 0) return (uint32_t)fail(u);
    return (uint32_t)unpack_number(u, u->symbol_count - 1);
}

uint32_t unpack_symbol(Unpacker *u)
{
    uint32_t place = unpack_name(u);
    return u->bad ? 0 : u->symbols[place];
}

static Word unpack_var(Unpacker *u)
{
    uint32_t place = unpack_name(u);
    if (u->bad) return WORD_UNIT;
    if (u->forms[place] != u->form)
        u->cells[place] = atom_new_var(&u->rt->heap, u->symbols[place], OBJ_PLAIN);
    u->forms[place] = u->form;
    return u->cells[place];
}

static Word unpack_float(Unpacker *u)
{
    uint64_t bits = 0;
    double d;
    if (u->end - u->at < 8) return (Word)fail(u);
    for (int i = 0; i < 8; i++) bits |= (uint64_t)*u->at++ << (8 * i);
    memcpy(&d, &bits, sizeof d);
    return word_double(d);
}

static Word unpack_big(Unpacker *u)
{
    size_t len;
    Word w = WORD_UNIT;
    const char *text = unpack_text(u, &len);
    if (!u->bad && (len == 0 || !num_parse(&u->rt->heap, text, len, &w))) fail(u);
    return w;
}

static Word unpack_string(Unpacker *u)
{
    size_t len;
    const char *text = unpack_text(u, &len);
    return u->bad ? WORD_UNIT : atom_str(&u->rt->heap, text, len);
}

static Word unpack_char(Unpacker *u)
{
    uint64_t scalar = unpack_number(u, 0x10FFFF);
    if (scalar >= 0xD800 && scalar < 0xE000) fail(u);
    return word_char((uint32_t)scalar);
}

static Word unpack_op(Unpacker *u)
{
    const char *name = sym_text(u->rt->symbols, unpack_symbol(u), NULL);
    for (uint32_t i = 0; i < u->rt->builtin_count && !u->bad; i++) {
        const BuiltinInfo *info = &u->rt->builtins[i];
        if (!info->symbol && !info->host && strcmp(info->name, name) == 0) return word_op(i);
    }
    fail(u);
    return WORD_UNIT;
}

static Word unpack_word(Unpacker *u, const Tokens *tokens)
{
    uint32_t symbol = unpack_symbol(u);
    Word w;
    if (u->bad) return WORD_UNIT;
    return tokens && tokens->lookup(tokens->context, symbol, &w) ? w : word_sym(symbol);
}

/* What a term of a chunk may hold and a form has no word for. */
static Word unpack_meant(Unpacker *u, Code code)
{
    switch (code) {
    case PACKED_SLOT:
        return word_slot((uint32_t)unpack_number(u, UINT16_MAX));
    case PACKED_FALSE:
        return WORD_FALSE;
    case PACKED_TRUE:
        return WORD_TRUE;
    case PACKED_OP:
        return unpack_op(u);
    case PACKED_TOP:
        return space_word(u->rt->top->space);
    default:
        fail(u);
        return WORD_UNIT;
    }
}

/* TOKENS: of a form; NULL: it is a term. */
static Word unpack_leaf(Unpacker *u, Code code, const Tokens *tokens)
{
    Heap *h = &u->rt->heap;
    switch (code) {
    case PACKED_SYMBOL:
        return unpack_word(u, tokens);
    case PACKED_NATURAL:
        return num_from_int(h, (int64_t)unpack_number(u, INT64_MAX));
    case PACKED_NEGATIVE:
        return num_from_int(h, -(int64_t)unpack_number(u, INT64_MAX) - 1);
    case PACKED_BIG:
        return unpack_big(u);
    case PACKED_FLOAT:
        return unpack_float(u);
    case PACKED_STRING:
        return unpack_string(u);
    case PACKED_CHAR:
        return unpack_char(u);
    case PACKED_UNIT:
        return WORD_UNIT;
    case PACKED_VAR:
        if (tokens) return unpack_var(u);
        break;
    default:
        if (!tokens) return unpack_meant(u, code);
        break;
    }
    fail(u);
    return WORD_UNIT;
}

typedef struct OpenExpr {
    size_t first; /* of its items */
    uint32_t left;
} OpenExpr;
typedef VEC(OpenExpr) OpenExprs;

/* W is the next item; close the expressions that it completes. */
static void close_exprs(Unpacker *u, WordVec *items, OpenExprs *open, Word w)
{
    vec_push(items, w);
    while (open->len && --vec_last(open).left == 0) {
        size_t first = vec_pop(open).first;
        Word expr = atom_expr(&u->rt->heap, items->data + first, (uint32_t)(items->len - first));
        items->len = first;
        vec_push(items, expr);
    }
}

static Word unpack_atom(Unpacker *u, const Tokens *tokens)
{
    WordVec items = {0};
    OpenExprs open = {0};
    do {
        Code code = (Code)unpack_number(u, PACKED_TOP);
        if (u->bad) break;
        if (code != PACKED_EXPR) {
            close_exprs(u, &items, &open, unpack_leaf(u, code, tokens));
            continue;
        }
        OpenExpr e = {items.len, unpack_count(u)};
        if (e.left == 0) fail(u);
        vec_push(&open, e);
    } while (!u->bad && open.len);
    Word w = u->bad ? WORD_UNIT : items.data[0];
    vec_free(&items);
    vec_free(&open);
    return w;
}

Word unpack_form(Unpacker *u, const Tokens *tokens)
{
    u->form++;
    return unpack_atom(u, tokens);
}

Word unpack_term(Unpacker *u)
{
    return unpack_atom(u, NULL);
}
