#include "atom/symbol.h"

#include "base/vec.h"

typedef struct Sym {
    const char *text;
    uint32_t len;
    uint32_t hash;
} Sym;

/* Names are packed into blocks that never move, so sym_text results stay valid. */
struct SymTab {
    VEC(Sym) syms;
    VEC(char *) blocks;
    size_t block_used, block_size;
    uint32_t *slots; /* open addressing, id + 1, 0 is free */
    uint32_t mask;
};

enum { FIRST_SLOTS = 1024, BLOCK_SIZE = 1 << 16 };

static const char *store_text(SymTab *t, const char *text, size_t len)
{
    if (t->block_used + len + 1 > t->block_size) {
        t->block_size = len + 1 > BLOCK_SIZE ? len + 1 : BLOCK_SIZE;
        t->block_used = 0;
        vec_push(&t->blocks, base_alloc(t->block_size));
    }
    char *copy = vec_last(&t->blocks) + t->block_used;
    if (len) memcpy(copy, text, len);
    copy[len] = '\0';
    t->block_used += len + 1;
    return copy;
}

SymTab *sym_new(void)
{
    static const char *const known[] = {
#define SYM(id, text) text,
#include "atom/symbols.inc"
#undef SYM
    };
    SymTab *t = base_calloc(1, sizeof *t);
    t->mask = FIRST_SLOTS - 1;
    t->slots = base_calloc(FIRST_SLOTS, sizeof *t->slots);
    for (uint32_t i = 0; i < SYM_COUNT_KNOWN; i++) {
        uint32_t id = sym_intern_cstr(t, known[i]);
        assert(id == i);
        (void)id;
    }
    return t;
}

void sym_free(SymTab *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->blocks.len; i++) base_free(t->blocks.data[i]);
    vec_free(&t->blocks);
    vec_free(&t->syms);
    base_free(t->slots);
    base_free(t);
}

static void grow_slots(SymTab *t)
{
    uint32_t size = (t->mask + 1) * 2;
    base_free(t->slots);
    t->slots = base_calloc(size, sizeof *t->slots);
    t->mask = size - 1;
    for (uint32_t id = 0; id < t->syms.len; id++) {
        uint32_t i = t->syms.data[id].hash & t->mask;
        while (t->slots[i]) i = (i + 1) & t->mask;
        t->slots[i] = id + 1;
    }
}

/* The slot that holds TEXT, or the free slot where it belongs. */
static uint32_t find_slot(const SymTab *t, const char *text, size_t len, uint32_t hash)
{
    uint32_t i = hash & t->mask;
    while (t->slots[i]) {
        const Sym *s = &t->syms.data[t->slots[i] - 1];
        if (s->hash == hash && s->len == len && memcmp(s->text, text, len) == 0) break;
        i = (i + 1) & t->mask;
    }
    return i;
}

uint32_t sym_intern(SymTab *t, const char *text, size_t len)
{
    uint32_t hash = (uint32_t)base_hash(text, len);
    uint32_t i = find_slot(t, text, len, hash);
    if (t->slots[i]) return t->slots[i] - 1;
    if (len > UINT32_MAX || t->syms.len >= UINT32_MAX - 1) base_fatal("symbol table is full");
    Sym s = {store_text(t, text, len), (uint32_t)len, hash};
    vec_push(&t->syms, s);
    uint32_t id = (uint32_t)t->syms.len - 1;
    t->slots[i] = id + 1;
    if (t->syms.len * 2 > t->mask) grow_slots(t);
    return id;
}

uint32_t sym_intern_cstr(SymTab *t, const char *text)
{
    return sym_intern(t, text, strlen(text));
}

bool sym_find(const SymTab *t, const char *text, size_t len, uint32_t *id)
{
    uint32_t i = find_slot(t, text, len, (uint32_t)base_hash(text, len));
    if (!t->slots[i]) return false;
    *id = t->slots[i] - 1;
    return true;
}

const char *sym_text(const SymTab *t, uint32_t id, size_t *len)
{
    assert(id < t->syms.len);
    if (len) *len = t->syms.data[id].len;
    return t->syms.data[id].text;
}

uint32_t sym_count(const SymTab *t)
{
    return (uint32_t)t->syms.len;
}
