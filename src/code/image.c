#include "code/image.h"

#include "code/digest.h"

/* -- Writing -- */

static bool put_constants(Packer *p, const Chunk *c)
{
    pack_number(p, c->constants.len);
    for (size_t i = 0; i < c->constants.len; i++) {
        pack_number(p, chunk_is_irreducible(c->constants.data[i]));
        if (!pack_term(p, c->constants.data[i])) return false;
    }
    return true;
}

static bool put_templates(Packer *p, const Chunk *c)
{
    pack_number(p, c->slot_map.len);
    for (size_t i = 0; i < c->slot_map.len; i++) {
        pack_number(p, c->slot_map.data[i]);
        pack_symbol(p, c->names.data[i].name);
        pack_number(p, c->names.data[i].serial);
    }
    pack_number(p, c->templates.len);
    for (size_t i = 0; i < c->templates.len; i++) {
        pack_number(p, c->templates.data[i].first);
        pack_number(p, c->templates.data[i].count);
        if (!pack_term(p, c->templates.data[i].term)) return false;
    }
    return true;
}

static void put_functions(Packer *p, const Chunk *c)
{
    pack_number(p, c->functions.len);
    for (size_t i = 0; i < c->functions.len; i++) {
        pack_symbol(p, c->functions.data[i]->name);
        pack_number(p, c->functions.data[i]->arity);
    }
}

static uint32_t count_cases(const Chunk *c, const Switch *s)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->count; k++) n += !word_is_nil(chunk_case(c, s, k)->key);
    return n;
}

static bool put_switches(Packer *p, const Chunk *c)
{
    pack_number(p, c->switches.len);
    for (size_t i = 0; i < c->switches.len; i++) {
        const Switch *s = &c->switches.data[i];
        pack_number(p, count_cases(c, s));
        for (uint32_t k = 0; k < s->count; k++) {
            const SwitchCase *each = chunk_case(c, s, k);
            if (word_is_nil(each->key)) continue;
            if (!pack_term(p, each->key)) return false;
            pack_number(p, each->len);
            pack_number(p, each->target);
        }
    }
    return true;
}

static void put_expressions(Packer *p, const Chunk *c)
{
    pack_number(p, c->expressions.len);
    for (size_t i = 0; i < c->expressions.len; i++) {
        const Expression *e = &c->expressions.data[i];
        pack_number(p, e->at);
        pack_number(p, e->end);
        pack_number(p, e->term);
        pack_number(p, e->type);
        pack_number(p, e->tail);
    }
}

static void put_places(Packer *p, const Chunk *c, uint32_t file)
{
    pack_number(p, c->places.len);
    for (size_t i = 0; i < c->places.len; i++) {
        const Span *s = &c->places.data[i].span;
        bool known = s->line && s->file == file;
        pack_number(p, c->places.data[i].offset);
        pack_number(p, known ? s->line : 0);
        if (!known) continue;
        pack_number(p, s->column);
        pack_number(p, s->end_line);
        pack_number(p, s->end_column);
    }
}

/* RULES: they are depended on, too. */
static bool put_symbols(Packer *p, Scope *scope, const uint32_t *symbols, size_t n, bool rules)
{
    pack_number(p, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t digest;
        if (!digest_symbol((Runtime *)(uintptr_t)p->rt, scope, symbols[i], rules, &digest)) return false;
        pack_symbol(p, symbols[i]);
        pack_number(p, digest);
    }
    return true;
}

static bool put_depends(Packer *p, Scope *scope, const Chunk *c)
{
    return put_symbols(p, scope, c->depends.data, c->depends.len, true) &&
           put_symbols(p, scope, c->uses.data, c->uses.len, false);
}

bool image_put(Packer *p, Scope *scope, const Chunk *c, uint32_t file)
{
    size_t before = p->out.len;
    pack_symbol(p, c->name);
    pack_number(p, c->arity);
    bool ok = put_depends(p, scope, c);
    pack_number(p, c->locals);
    pack_number(p, c->max_stack);
    pack_bytes(p, c->code.data, c->code.len);
    ok = ok && put_constants(p, c) && put_templates(p, c);
    put_functions(p, c);
    ok = ok && put_switches(p, c);
    put_expressions(p, c);
    put_places(p, c, file);
    if (!ok) p->out.len = before;
    return ok;
}

/* -- Reading -- */

static void get_constants(Unpacker *u, Chunk *c)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        bool irreducible = unpack_number(u, 1) != 0;
        Word w = unpack_term(u);
        if (irreducible) chunk_irreducible(w);
        vec_push(&c->constants, w);
    }
}

static void get_slots(Unpacker *u, Chunk *c)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        vec_push(&c->slot_map, (uint8_t)unpack_number(u, UINT8_MAX));
        SlotName name = {.name = unpack_symbol(u)};
        name.serial = (uint32_t)unpack_number(u, UINT32_MAX);
        vec_push(&c->names, name);
    }
}

static void get_templates(Unpacker *u, Chunk *c)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        Template t = {.first = (uint32_t)unpack_number(u, UINT32_MAX)};
        t.count = (uint32_t)unpack_number(u, UINT32_MAX);
        t.term = store_loose(u->rt->store, unpack_term(u));
        vec_push(&c->templates, t);
    }
}

static void get_functions(Unpacker *u, Functions *fs, Chunk *c)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        uint32_t name = unpack_symbol(u), arity = (uint32_t)unpack_number(u, UINT8_MAX);
        if (!u->bad) vec_push(&c->functions, functions_get(fs, name, arity));
    }
}

static void get_switch(Unpacker *u, Chunk *c)
{
    VEC(SwitchCase) cases = {0};
    SwitchCase none = {WORD_NIL, 0, 0};
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        SwitchCase k = {.key = unpack_term(u)};
        k.len = (uint32_t)unpack_number(u, UINT32_MAX);
        k.target = (uint32_t)unpack_number(u, UINT16_MAX);
        vec_push(&cases, k);
    }
    vec_push(&cases, none); /* so that there is a first one */
    if (!u->bad) chunk_add_switch(c, cases.data, n);
    vec_free(&cases);
}

static void get_expressions(Unpacker *u, Chunk *c)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        Expression e = {.at = (uint32_t)unpack_number(u, UINT16_MAX)};
        e.end = (uint32_t)unpack_number(u, UINT16_MAX);
        e.term = (uint16_t)unpack_number(u, UINT16_MAX);
        e.type = (uint16_t)unpack_number(u, UINT16_MAX);
        e.tail = unpack_number(u, 1) != 0;
        vec_push(&c->expressions, e);
    }
}

static void get_places(Unpacker *u, Chunk *c, uint32_t file)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        CodePlace p = {.offset = (uint32_t)unpack_number(u, UINT16_MAX)};
        p.span.line = (uint32_t)unpack_number(u, UINT32_MAX);
        if (p.span.line) {
            p.span.file = file;
            p.span.column = (uint32_t)unpack_number(u, UINT32_MAX);
            p.span.end_line = (uint32_t)unpack_number(u, UINT32_MAX);
            p.span.end_column = (uint32_t)unpack_number(u, UINT32_MAX);
        }
        vec_push(&c->places, p);
    }
}

static void get_depends(Unpacker *u, Chunk *c, bool rules, Dependencies *depends)
{
    uint32_t n = unpack_count(u);
    for (uint32_t i = 0; i < n && !u->bad; i++) {
        Dependency d = {.symbol = unpack_symbol(u), .rules = rules};
        d.digest = unpack_number(u, UINT64_MAX);
        if (rules)
            vec_push(&c->depends, d.symbol);
        else
            vec_push(&c->uses, d.symbol);
        vec_push(depends, d);
    }
}

Chunk *image_get(Unpacker *u, Functions *fs, uint32_t file, Dependencies *depends)
{
    Chunk *c = base_calloc(1, sizeof *c);
    size_t len;
    c->name = unpack_symbol(u);
    c->arity = (uint32_t)unpack_number(u, UINT8_MAX);
    get_depends(u, c, true, depends);
    get_depends(u, c, false, depends);
    c->locals = (uint32_t)unpack_number(u, 256);
    c->max_stack = (uint32_t)unpack_number(u, INT16_MAX);
    const uint8_t *code = unpack_bytes(u, &len);
    for (size_t i = 0; i < len && !u->bad; i++) vec_push(&c->code, code[i]);
    get_constants(u, c);
    get_slots(u, c);
    get_templates(u, c);
    get_functions(u, fs, c);
    uint32_t switches = unpack_count(u);
    for (uint32_t i = 0; i < switches && !u->bad; i++) get_switch(u, c);
    get_expressions(u, c);
    get_places(u, c, file);
    if (!u->bad) return c;
    chunk_free(c);
    return NULL;
}
