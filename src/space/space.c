#include "space/relation.h"

#include "base/buf.h"

/* -- The external object -- */

static void space_destroy(Ext *x)
{
    Space *s = (Space *)x;
    if (s->scope) s->release_scope(s->scope);
    rules_free(s);
    for (size_t i = 0; i < s->rels.len; i++) relation_free(s, s->rels.data[i]);
    vec_free(&s->rels);
    vec_free(&s->runs);
    vec_free(&s->generics);
    vec_free(&s->generic_rels);
    vec_free(&s->slots);
    base_free(s->rel_table);
    base_free(s->name);
    store_detach(s->store);
    base_free(s);
}

static void space_print(const Ext *x, const void *symtab, void *buf)
{
    const Space *s = (const Space *)x;
    (void)symtab;
    if (s->name)
        buf_puts(buf, s->name);
    else
        buf_printf(buf, "GroundingSpace-%p", (const void *)s);
}

static Word space_type_of(const Ext *x)
{
    (void)x;
    return W_SYM(T_SPACE);
}

static const ExtType space_type = {
    .name = "GroundingSpace",
    .destroy = space_destroy,
    .print = space_print,
    .type_of = space_type_of,
};

Space *space_new(Heap *h, Store *store, const char *name)
{
    Space *s = base_calloc(1, sizeof *s);
    s->ext.type = &space_type;
    s->heap = h;
    s->store = store;
    s->name = name ? base_strndup(name, strlen(name)) : NULL;
    s->last = NO_ROW;
    store_attach(store);
    h->external += sizeof *s;
    heap_add_ext(h, &s->ext);
    return s;
}

Space *word_space(Word w)
{
    return (Space *)word_ext_of(w, &space_type);
}

const char *space_name(const Space *s)
{
    return s->name;
}

void space_set_scope(Space *s, void *scope, void (*release)(void *scope))
{
    s->scope = scope;
    s->release_scope = release;
}

void *space_scope(const Space *s)
{
    return s->scope;
}

/* -- Contents -- */

static void note_change(Space *s, Word atom, bool added)
{
    s->version++;
    if (s->observer) s->observer(s->observer_context, s, atom, added);
}

void space_add(Space *s, Word atom)
{
    Word w = atom_deref(atom);
    uint32_t arity;
    Word head = relation_key(w, &arity);
    /* Facts mostly arrive in stretches of one relation. */
    Relation *r = s->last != NO_ROW ? s->rels.data[s->last] : NULL;
    if (!r || r->head != head || r->arity != arity) r = relation_make(s, head, arity);
    relation_add(s, r, w);
    s->count++;
    note_change(s, atom, true);
}

bool space_remove(Space *s, Word atom)
{
    Word w = atom_deref(atom);
    uint32_t arity;
    Word head = relation_key(w, &arity);
    Relation *r = relation_find(s, head, arity);
    uint32_t row = r && r->live ? relation_row_of(s, r, w) : NO_ROW;
    if (row == NO_ROW) return false;
    relation_erase(s, r, row);
    s->count--;
    note_change(s, atom, false);
    return true;
}

size_t space_count(const Space *s)
{
    return s->count;
}

size_t space_bytes(const Space *s)
{
    size_t n = sizeof *s + s->runs.cap * sizeof(Run) + s->generics.cap * sizeof(Generic) + rules_bytes(s);
    if (s->rel_table) n += ((size_t)s->rel_mask + 1) * sizeof *s->rel_table;
    for (size_t i = 0; i < s->rels.len; i++) n += relation_bytes(s->rels.data[i]);
    return n;
}

uint64_t space_version(const Space *s)
{
    return s->version;
}

void space_observe(Space *s, SpaceObserver f, void *context)
{
    s->observer = f;
    s->observer_context = context;
}

uint32_t space_last_rule(const Space *s)
{
    assert(s->next_rule_id > 0);
    return (uint32_t)(s->next_rule_id - 1);
}
