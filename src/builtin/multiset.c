#include "builtin/multiset.h"

enum { FIRST_SIZE = 16 };

void multiset_init(Multiset *m, bool alpha)
{
    memset(m, 0, sizeof *m);
    m->alpha = alpha;
    m->mask = FIRST_SIZE - 1;
    m->table = base_calloc(FIRST_SIZE, sizeof *m->table);
}

void multiset_free(Multiset *m)
{
    vec_free(&m->entries);
    base_free(m->table);
}

/* The place of ATOM in the table: of its entry, or free. */
static uint32_t place_of(const Multiset *m, Word atom, uint64_t hash)
{
    assert(m->entries.len <= m->mask / 2);
    uint32_t i = (uint32_t)hash & m->mask;
    for (; m->table[i]; i = (i + 1) & m->mask) {
        const MultisetEntry *e = &m->entries.data[m->table[i] - 1];
        if (e->hash != hash) continue;
        if (m->alpha ? atom_alpha_equal(e->atom, atom) : atom_equal(e->atom, atom)) break;
    }
    return i;
}

static void grow(Multiset *m)
{
    base_free(m->table);
    m->mask = m->mask * 2 + 1;
    m->table = base_calloc((size_t)m->mask + 1, sizeof *m->table);
    for (size_t k = 0; k < m->entries.len; k++) {
        uint32_t i = (uint32_t)m->entries.data[k].hash & m->mask;
        while (m->table[i]) i = (i + 1) & m->mask;
        m->table[i] = (uint32_t)k + 1;
    }
}

MultisetEntry *multiset_find(const Multiset *m, Word atom)
{
    uint32_t at = m->table[place_of(m, atom, atom_hash(atom))];
    return at ? &m->entries.data[at - 1] : NULL;
}

MultisetEntry *multiset_entry(Multiset *m, Word atom)
{
    uint64_t hash = atom_hash(atom);
    uint32_t place = place_of(m, atom, hash);
    if (!m->table[place]) {
        MultisetEntry e = {.atom = atom, .hash = hash};
        vec_push(&m->entries, e);
        m->table[place] = (uint32_t)m->entries.len;
        if (m->entries.len > m->mask / 2) grow(m);
        return &vec_last(&m->entries);
    }
    return &m->entries.data[m->table[place] - 1];
}
