/* Making atoms and looking at them. */
#include "api/api.h"

#include <inttypes.h>
#include <stdio.h>

/* -- Making -- */

MtAtom mt_symbol(MtRuntime *x, const char *name)
{
    return api_local(x, rt_sym(x->rt, name));
}

MtAtom mt_variable(MtRuntime *x, const char *name)
{
    return api_local(x, atom_new_var(&x->rt->heap, sym_intern_cstr(x->rt->symbols, name), OBJ_PLAIN));
}

MtAtom mt_int(MtRuntime *x, int64_t value)
{
    return api_local(x, num_from_int(&x->rt->heap, value));
}

MtAtom mt_float(MtRuntime *x, double value)
{
    return api_local(x, word_double(value));
}

MtAtom mt_bool(MtRuntime *x, bool value)
{
    return api_local(x, word_bool(value));
}

/* Append TEXT with what is not UTF-8 replaced. */
static void put_valid(Buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        buf_put_utf8(out, n ? c : 0xFFFD);
        i += n ? n : 1;
    }
}

Word api_string(MtRuntime *x, const char *text, size_t len)
{
    Buf valid = {0};
    put_valid(&valid, text, len);
    Word atom = atom_str(&x->rt->heap, valid.data, valid.len);
    buf_free(&valid);
    return atom;
}

MtAtom mt_string(MtRuntime *x, const char *text, size_t len)
{
    api_rest(x);
    return api_local(x, api_string(x, text, len));
}

MtAtom mt_expression(MtRuntime *x, const MtAtom *items, size_t count)
{
    WordVec words = {0};
    api_rest(x);
    for (size_t i = 0; i < count; i++) {
        Word w = api_word(x, items[i]);
        assert(!word_is_nil(w));
        vec_push(&words, w);
    }
    MtAtom atom = api_local(x, atom_expr(&x->rt->heap, words.data, (uint32_t)count));
    vec_free(&words);
    return atom;
}

/* -- Host objects -- */

typedef struct HostObject {
    Ext ext;
    const MtHostType *type;
    void *object;
    Word type_word; /* a symbol: needs no rooting */
} HostObject;

static void destroy_host(Ext *e)
{
    HostObject *o = (HostObject *)e;
    if (o->type->destroy) o->type->destroy(o->object);
    base_free(o);
}

static void print_host(const Ext *e, const void *symbols, void *buf)
{
    const HostObject *o = (const HostObject *)e;
    char text[1024];
    (void)symbols;
    if (o->type->print) {
        size_t n = o->type->print(o->object, text, sizeof text);
        buf_put(buf, text, n < sizeof text ? n : sizeof text - 1);
    } else {
        buf_printf(buf, "%s-0x%" PRIxPTR, o->type->name, (uintptr_t)o->object);
    }
}

static bool equal_hosts(const Ext *a, const Ext *b)
{
    const HostObject *x = (const HostObject *)a, *y = (const HostObject *)b;
    if (x->type != y->type) return false;
    return x->object == y->object || (x->type->equal && x->type->equal(x->object, y->object));
}

static Word type_of_host(const Ext *e)
{
    return ((const HostObject *)e)->type_word;
}

static const ExtType host_type = {
    .name = "host",
    .destroy = destroy_host,
    .print = print_host,
    .equal = equal_hosts,
    .type_of = type_of_host,
};

MtAtom mt_host(MtRuntime *x, const MtHostType *type, void *object)
{
    HostObject *o = base_calloc(1, sizeof *o);
    o->ext.type = &host_type;
    o->type = type;
    o->object = object;
    o->type_word = rt_sym(x->rt, type->name);
    return api_local(x, heap_add_ext(&x->rt->heap, &o->ext));
}

static HostObject *host_object(Word w)
{
    return (HostObject *)word_ext_of(w, &host_type);
}

void *mt_get_host(MtRuntime *x, MtAtom atom, const MtHostType *type)
{
    HostObject *o = host_object(api_word(x, atom));
    return o && o->type == type ? o->object : NULL;
}

/* -- Looking -- */

MtKind mt_kind(MtRuntime *x, MtAtom atom)
{
    Word w = api_word(x, atom);
    if (word_is_nil(w)) return MT_NONE;
    if (word_is_sym(w)) return MT_SYMBOL;
    if (word_is_var(w)) return MT_VARIABLE;
    if (atom_is_expr(w)) return MT_EXPRESSION;
    if (word_is_bool(w)) return MT_BOOL;
    if (atom_is_str(w)) return MT_STRING;
    if (word_is_op(w)) return MT_FUNCTION;
    if (word_is_ext(w)) return word_space(w) ? MT_SPACE : host_object(w) ? MT_HOST : MT_OTHER;
    switch (num_kind(w)) {
    case NUM_INT:
        return MT_INT;
    case NUM_BIG:
        return MT_BIG_INT;
    case NUM_FLOAT:
        return MT_FLOAT;
    case NUM_NONE:
        break;
    }
    return MT_OTHER;
}

const char *mt_text(MtRuntime *x, MtAtom atom, size_t *len)
{
    Word w = api_word(x, atom);
    size_t n = 0;
    const char *text = NULL;
    if (word_is_sym(w))
        text = sym_text(x->rt->symbols, word_sym_id(w), &n);
    else if (word_is_cell(w))
        text = sym_text(x->rt->symbols, word_obj(w)->len, &n);
    else if (atom_is_str(w))
        text = str_text(w, &n);
    if (len) *len = n;
    if (!text) return NULL;
    vec_clear(&x->text);
    buf_put(&x->text, text, n);
    return buf_cstr(&x->text);
}

bool mt_get_int(MtRuntime *x, MtAtom atom, int64_t *out)
{
    Word w = api_word(x, atom);
    if (num_kind(w) != NUM_INT) return false;
    *out = num_int(w);
    return true;
}

bool mt_get_float(MtRuntime *x, MtAtom atom, double *out)
{
    Word w = api_word(x, atom);
    if (!num_is(w)) return false;
    *out = num_to_double(w);
    return true;
}

bool mt_get_bool(MtRuntime *x, MtAtom atom, bool *out)
{
    Word w = api_word(x, atom);
    if (!word_is_bool(w)) return false;
    *out = w == WORD_TRUE;
    return true;
}

size_t mt_count(MtRuntime *x, MtAtom atom)
{
    Word w = api_word(x, atom);
    return atom_is_expr(w) ? expr_len(w) : 0;
}

MtAtom mt_at(MtRuntime *x, MtAtom atom, size_t index)
{
    Word w = api_word(x, atom);
    if (!atom_is_expr(w) || index >= expr_len(w)) return (MtAtom){0};
    return api_local(x, expr_at(w, (uint32_t)index));
}

bool mt_is_error(MtRuntime *x, MtAtom atom)
{
    return atom_is_error(api_word(x, atom));
}

bool mt_equal(MtRuntime *x, MtAtom a, MtAtom b)
{
    return atom_equal(api_word(x, a), api_word(x, b));
}

bool mt_alpha_equal(MtRuntime *x, MtAtom a, MtAtom b)
{
    return atom_alpha_equal(api_word(x, a), api_word(x, b));
}

const char *mt_print(MtRuntime *x, MtAtom atom, size_t *len)
{
    vec_clear(&x->printed);
    Word w = api_word(x, atom);
    if (!word_is_nil(w)) rt_print(x->rt, w, &x->printed);
    if (len) *len = x->printed.len;
    return buf_cstr(&x->printed);
}
