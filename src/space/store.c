#include "space/store.h"

#include "atom/num.h"

#if defined(__SANITIZE_ADDRESS__)
#define STORE_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STORE_POISON 1
#endif
#endif
#ifdef STORE_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    CHUNK_SIZE = 64 * 1024,
    SMALL_MAX = 256, /* larger blocks come from malloc */
    SMALL_CLASSES = SMALL_MAX / 8 + 1,
    FEW_SLOTS = 16, /* up to here a linear search beats hashing */
    IS_RETIRED = 1,
};

typedef struct LargeBlock {
    struct LargeBlock *prev, *next;
} LargeBlock;

/* A compound being stored or hashed: the source and how far it got. */
typedef struct WalkFrame {
    const Obj *source;
    uint32_t next;
    bool ground;
    uint64_t hash;
} WalkFrame;

typedef struct SamePair {
    Word stored, term;
} SamePair;

struct Store {
    Heap *heap;
    uint32_t spaces; /* attached */
    bool closed;
    uint16_t cycle; /* of marking, 15 bits, never 0 */
    size_t bytes;

    /* Table of ground terms: open addressing, linear probing; high 16 bits of an entry are hash bits. */
    Word *table;
    size_t mask, used;

    void *free_blocks[SMALL_CLASSES];
    char *bump, *bump_end;
    VEC(char *) chunks;
    LargeBlock *large;

    VEC(Obj *) retired;
    VEC(Ext *) unref_later;
    VEC(void *) free_later;

    /* Scratch, kept between calls. */
    VEC(WalkFrame) frames;
    WordVec out;
    VEC(SamePair) pairs;
    VEC(SlotName) slots;
    uint32_t *slot_map; /* open addressing: slot + 1 */
    uint32_t slot_map_cap;
};

/* -- Blocks -- */

static void *block_new(Store *s, size_t size)
{
    assert(size % 8 == 0);
    s->bytes += size;
    if (size > SMALL_MAX) {
        LargeBlock *b = base_alloc(sizeof *b + size);
        *b = (LargeBlock){NULL, s->large};
        if (s->large) s->large->prev = b;
        s->large = b;
        return b + 1;
    }
    void *p = s->free_blocks[size / 8];
    if (p) {
        ASAN_UNPOISON_MEMORY_REGION(p, size);
        memcpy(&s->free_blocks[size / 8], p, sizeof p);
        return p;
    }
    if ((size_t)(s->bump_end - s->bump) < size) {
        s->bump = base_alloc(CHUNK_SIZE);
        s->bump_end = s->bump + CHUNK_SIZE;
        vec_push(&s->chunks, s->bump);
    }
    p = s->bump;
    s->bump += size;
    return p;
}

static void block_free(Store *s, void *p, size_t size)
{
    s->bytes -= size;
    if (size <= SMALL_MAX) {
        memcpy(p, &s->free_blocks[size / 8], sizeof p);
        s->free_blocks[size / 8] = p;
        ASAN_POISON_MEMORY_REGION(p, size);
        return;
    }
    LargeBlock *b = (LargeBlock *)p - 1;
    if (b->prev) b->prev->next = b->next;
    if (b->next) b->next->prev = b->prev;
    if (s->large == b) s->large = b->next;
    base_free(b);
}

static size_t body_words(ObjKind kind, uint32_t len)
{
    if (kind == OBJ_STR) return len / sizeof(Word) + 1;
    return kind == OBJ_I64 ? 1 : len;
}

static size_t block_size(const Obj *o)
{
    return sizeof(StoredHead) + sizeof(Obj) + body_words(o->kind, o->len) * sizeof(Word);
}

/* A stored object with one reference; the body is zeroed for strings only. */
static Obj *stored_new(Store *s, ObjKind kind, unsigned flags, uint32_t len, uint32_t hash)
{
    size_t words = body_words(kind, len);
    StoredHead *head = block_new(s, sizeof *head + sizeof(Obj) + words * sizeof(Word));
    *head = (StoredHead){1, hash};
    Obj *o = (Obj *)(head + 1);
    o->kind = (uint8_t)kind;
    o->flags = (uint8_t)(flags | OBJ_STORED);
    o->note = 0;
    o->len = len;
    if (kind == OBJ_STR) o->body[words - 1] = 0;
    return o;
}

/* -- Hashes -- */

uint32_t double_hash(Word w)
{
    double d = word_double_get(w);
    if (d >= -0x1p47 && d < 0x1p47) {
        int64_t i = (int64_t)d;
        if ((double)i == d) return (uint32_t)(base_hash_word(word_int48(i)) >> 32);
        return (uint32_t)(base_hash_word(w) >> 32);
    }
    /* Boxed and big integers may equal this one. */
    return (uint32_t)(num_hash(w) >> 32);
}

uint32_t ext_hash(Word w)
{
    /* Those with an equality of their own may change, so only their type counts. */
    const Ext *x = word_ext(w);
    uintptr_t id = x->type->equal ? (uintptr_t)x->type : (uintptr_t)x;
    return (uint32_t)(base_hash_word(id) >> 32);
}

/* Hash of a heap object without words inside. */
static uint32_t boxed_hash(Word w)
{
    const Obj *o = word_obj(w);
    switch ((ObjKind)o->kind) {
    case OBJ_STR:
        return (uint32_t)(base_hash(o->body, o->len) >> 32);
    case OBJ_I64:
    case OBJ_BIG:
        return (uint32_t)(num_hash(w) >> 32);
    case OBJ_BINDS:
        return OBJ_BINDS;
    case OBJ_EXPR:
    case OBJ_VAR:
    case OBJ_FORWARD:
        break;
    }
    base_fatal("object of kind %u has no hash", o->kind);
}

static uint32_t leaf_hash(Word w)
{
    if (!word_is_heap(w)) return inline_hash(w);
    if (word_obj(w)->flags & OBJ_STORED) return stored_head(w)->hash;
    return boxed_hash(w);
}

static void walk_enter(Store *s, const Obj *o)
{
    WalkFrame f = {o, 0, true, o->len};
    vec_push(&s->frames, f);
}

bool term_hash(Store *s, Word w, uint32_t *hash)
{
    w = atom_deref(w);
    if (!atom_is_cons(w) || (word_obj(w)->flags & OBJ_STORED)) {
        *hash = leaf_hash(w);
        return stored_is_ground(w);
    }
    vec_clear(&s->frames);
    walk_enter(s, word_obj(w));
    for (;;) {
        WalkFrame *f = &vec_last(&s->frames);
        if (f->next == f->source->len) {
            uint32_t h = hash_end(f->hash);
            bool ground = f->ground;
            s->frames.len--;
            if (s->frames.len == 0) {
                *hash = h;
                return ground;
            }
            f = &vec_last(&s->frames);
            f->hash = hash_step(f->hash, h);
            f->ground &= ground;
            continue;
        }
        Word item = atom_deref(f->source->body[f->next++]);
        if (atom_is_cons(item) && !(word_obj(item)->flags & OBJ_STORED)) {
            walk_enter(s, word_obj(item));
            continue;
        }
        f->ground &= stored_is_ground(item);
        f->hash = hash_step(f->hash, leaf_hash(item));
    }
}

/* -- The table of ground terms -- */

enum { ENTRY_HASH_SHIFT = 48 };

static Word entry_make(uint32_t hash, const Obj *o)
{
    return ((Word)(hash >> 16) << ENTRY_HASH_SHIFT) | (uintptr_t)o;
}

static Obj *entry_obj(Word entry)
{
    return (Obj *)(uintptr_t)(entry & WORD_PAYLOAD);
}

static uint32_t obj_hash(const Obj *o)
{
    return ((const StoredHead *)o - 1)->hash;
}

static void table_grow(Store *s)
{
    size_t old_cap = s->table ? s->mask + 1 : 0, cap = old_cap ? old_cap * 2 : 64;
    Word *old = s->table;
    s->table = base_calloc(cap, sizeof(Word));
    s->mask = cap - 1;
    for (size_t i = 0; i < old_cap; i++) {
        if (!old[i]) continue;
        size_t at = obj_hash(entry_obj(old[i])) & s->mask;
        while (s->table[at]) at = (at + 1) & s->mask;
        s->table[at] = old[i];
    }
    base_free(old);
}

static void table_insert(Store *s, Obj *o)
{
    if ((s->used + 1) * 4 > (s->table ? s->mask + 1 : 0) * 3) table_grow(s);
    size_t at = obj_hash(o) & s->mask;
    while (s->table[at]) at = (at + 1) & s->mask;
    s->table[at] = entry_make(obj_hash(o), o);
    s->used++;
}

static void table_remove(Store *s, const Obj *o)
{
    size_t at = obj_hash(o) & s->mask;
    while (entry_obj(s->table[at]) != o) at = (at + 1) & s->mask;
    /* Move later members of the run back over the hole (Knuth, volume 3, 6.4 algorithm R). */
    for (size_t next = (at + 1) & s->mask; s->table[next]; next = (next + 1) & s->mask) {
        size_t home = obj_hash(entry_obj(s->table[next])) & s->mask;
        if (((next - home) & s->mask) < ((next - at) & s->mask)) continue;
        s->table[at] = s->table[next];
        at = next;
    }
    s->table[at] = 0;
    s->used--;
}

/* The ground stored term of exactly this shape, or NULL.  BODY has whole words for all but strings. */
static Obj *table_find(const Store *s, ObjKind kind, unsigned sign, uint32_t len, const Word *body,
                       uint32_t hash)
{
    if (!s->table) return NULL;
    size_t size = kind == OBJ_STR ? len : body_words(kind, len) * sizeof(Word);
    for (size_t at = hash & s->mask; s->table[at]; at = (at + 1) & s->mask) {
        if (s->table[at] >> ENTRY_HASH_SHIFT != hash >> 16) continue;
        Obj *o = entry_obj(s->table[at]);
        if (obj_hash(o) == hash && o->kind == kind && o->len == len && (o->flags & OBJ_NEGATIVE) == sign &&
            memcmp(o->body, body, size) == 0)
            return o;
    }
    return NULL;
}

/* -- References -- */

static void retire(Store *s, Obj *o)
{
    s->heap->external += block_size(o);
    if (o->note & IS_RETIRED) return;
    o->note |= IS_RETIRED;
    vec_push(&s->retired, o);
}

static void obj_ref(Store *s, Obj *o)
{
    StoredHead *head = (StoredHead *)o - 1;
    if (UNLIKELY(head->refs == UINT32_MAX)) base_fatal("too many references to one stored term");
    if (head->refs++ == 0) {
        size_t size = block_size(o);
        s->heap->external -= size < s->heap->external ? size : s->heap->external;
    }
}

void store_ref(Store *s, Word w)
{
    if (word_is_heap(w)) {
        assert(word_obj(w)->flags & OBJ_STORED);
        obj_ref(s, word_obj(w));
    } else if (word_is_ext(w)) {
        word_ext(w)->store_refs++;
    }
}

void store_unref(Store *s, Word w)
{
    if (word_is_heap(w)) {
        StoredHead *head = stored_head(w);
        assert(head->refs > 0);
        if (--head->refs == 0) retire(s, word_obj(w));
    } else if (word_is_ext(w) && !s->heap->ending) {
        assert(word_ext(w)->store_refs > 0);
        word_ext(w)->store_refs--;
    }
}

void store_unref_later(Store *s, Word w)
{
    if (word_is_ext(w))
        vec_push(&s->unref_later, word_ext(w));
    else
        store_unref(s, w);
}

void store_free_later(Store *s, void *p, size_t size)
{
    if (s->closed) {
        base_free(p);
        return;
    }
    s->heap->external += size;
    vec_push(&s->free_later, p);
}

static void stored_free(Store *s, Obj *o)
{
    if (o->kind == OBJ_EXPR)
        for (uint32_t i = 0; i < o->len; i++) store_unref(s, o->body[i]);
    if (o->flags & OBJ_GROUND) table_remove(s, o);
    block_free(s, (StoredHead *)o - 1, block_size(o));
}

void store_mark(Store *s, Obj *stored)
{
    assert(stored->flags & OBJ_STORED);
    stored->note = (uint16_t)((stored->note & IS_RETIRED) | s->cycle << 1);
}

void store_sweep(Store *s)
{
    while (s->unref_later.len) vec_pop(&s->unref_later)->store_refs--;
    while (s->free_later.len) base_free(vec_pop(&s->free_later));
    size_t kept = 0;
    /* Freeing a term may retire its children: they are appended and met by this same loop. */
    for (size_t i = 0; i < s->retired.len; i++) {
        Obj *o = s->retired.data[i];
        if (((StoredHead *)o - 1)->refs > 0) {
            o->note &= (uint16_t)~IS_RETIRED;
        } else if (o->note >> 1 == s->cycle) {
            s->heap->external += block_size(o);
            s->retired.data[kept++] = o;
        } else {
            stored_free(s, o);
        }
    }
    s->retired.len = kept;
    s->cycle = s->cycle == INT16_MAX ? 1 : (uint16_t)(s->cycle + 1);
}

/* -- Slots -- */

void store_begin(Store *s)
{
    vec_clear(&s->slots);
}

const SlotName *store_slots(const Store *s, uint32_t *count)
{
    *count = (uint32_t)s->slots.len;
    return s->slots.data;
}

SlotName cell_slot_name(const Obj *cell)
{
    SlotName n = {cell->len, 0};
    if (cell->flags & OBJ_PLAIN) return n;
    n.serial = (uint32_t)word_payload(cell->body[0]);
    if (n.serial == 0) n.serial = 1;
    return n;
}

static bool same_name(SlotName a, SlotName b)
{
    return a.name == b.name && a.serial == b.serial;
}

static uint32_t slot_map_home(const Store *s, SlotName n)
{
    return (uint32_t)base_hash_word((uint64_t)n.serial << 32 | n.name) & (s->slot_map_cap - 1);
}

static void slot_map_put(Store *s, uint32_t slot)
{
    uint32_t at = slot_map_home(s, s->slots.data[slot]);
    while (s->slot_map[at]) at = (at + 1) & (s->slot_map_cap - 1);
    s->slot_map[at] = slot + 1;
}

static void slot_map_rebuild(Store *s)
{
    base_free(s->slot_map);
    s->slot_map_cap = 4 * FEW_SLOTS;
    while (s->slot_map_cap < s->slots.len * 4) s->slot_map_cap *= 2;
    s->slot_map = base_calloc(s->slot_map_cap, sizeof *s->slot_map);
    for (uint32_t i = 0; i < s->slots.len; i++) slot_map_put(s, i);
}

static Word slot_of(Store *s, SlotName n)
{
    uint32_t count = (uint32_t)s->slots.len;
    if (count <= FEW_SLOTS) {
        for (uint32_t i = 0; i < count; i++)
            if (same_name(s->slots.data[i], n)) return word_slot(i);
        vec_push(&s->slots, n);
        if (count == FEW_SLOTS) slot_map_rebuild(s);
        return word_slot(count);
    }
    for (uint32_t at = slot_map_home(s, n); s->slot_map[at]; at = (at + 1) & (s->slot_map_cap - 1))
        if (same_name(s->slots.data[s->slot_map[at] - 1], n)) return word_slot(s->slot_map[at] - 1);
    vec_push(&s->slots, n);
    if (s->slots.len * 2 > s->slot_map_cap)
        slot_map_rebuild(s);
    else
        slot_map_put(s, count);
    return word_slot(count);
}

/* -- Storing -- */

static Word put_boxed(Store *s, Word w)
{
    const Obj *o = word_obj(w);
    uint32_t hash = boxed_hash(w), len = o->len;
    /* Bindings are live only inside one evaluation: a stored copy is empty. */
    if (o->kind == OBJ_BINDS) len = 0;
    unsigned sign = o->flags & OBJ_NEGATIVE;
    Obj *found = table_find(s, o->kind, sign, len, o->body, hash);
    if (found) {
        obj_ref(s, found);
    } else {
        found = stored_new(s, o->kind, sign | OBJ_GROUND, len, hash);
        size_t size = o->kind == OBJ_STR ? len : body_words(o->kind, len) * sizeof(Word);
        memcpy(found->body, o->body, size);
        table_insert(s, found);
    }
    return word_from_ptr(TAG_HEAP, found);
}

/* W is dereferenced and not an expression of the heap. */
static Word put_leaf(Store *s, Word w)
{
    if (word_is_heap(w) && !(word_obj(w)->flags & OBJ_STORED)) return put_boxed(s, w);
    if (word_is_cell(w)) return slot_of(s, cell_slot_name(word_obj(w)));
    store_ref(s, w);
    return w;
}

/* The expression of the stored ITEMS, whose references it takes over. */
static Word close_expr(Store *s, const Word *items, uint32_t len)
{
    uint64_t state = len;
    bool ground = true, flat = true;
    for (uint32_t i = 0; i < len; i++) {
        ground &= stored_is_ground(items[i]);
        flat &= !word_is_heap(items[i]);
        state = hash_step(state, stored_hash(items[i]));
    }
    uint32_t hash = hash_end(state);
    Obj *o = ground ? table_find(s, OBJ_EXPR, 0, len, items, hash) : NULL;
    if (o) {
        obj_ref(s, o);
        for (uint32_t i = 0; i < len; i++) store_unref(s, items[i]);
    } else {
        o = stored_new(s, OBJ_EXPR, (ground ? OBJ_GROUND : 0) | (flat ? OBJ_FLAT : 0), len, hash);
        memcpy(o->body, items, len * sizeof(Word));
        if (ground) table_insert(s, o);
    }
    return word_from_ptr(TAG_HEAP, o);
}

static Word put_expr(Store *s, Word w)
{
    vec_clear(&s->frames);
    vec_clear(&s->out);
    walk_enter(s, word_obj(w));
    for (;;) {
        WalkFrame *f = &vec_last(&s->frames);
        if (f->next < f->source->len) {
            Word item = atom_deref(f->source->body[f->next++]);
            if (atom_is_cons(item) && !(word_obj(item)->flags & OBJ_STORED))
                walk_enter(s, word_obj(item));
            else
                vec_push(&s->out, put_leaf(s, item));
            continue;
        }
        uint32_t len = f->source->len;
        Word made = close_expr(s, s->out.data + s->out.len - len, len);
        s->out.len -= len;
        s->frames.len--;
        if (s->frames.len == 0) return made;
        vec_push(&s->out, made);
    }
}

Word store_put(Store *s, Word w)
{
    w = atom_deref(w);
    if (atom_is_cons(w) && !(word_obj(w)->flags & OBJ_STORED)) return put_expr(s, w);
    return put_leaf(s, w);
}

Word store_loose(Store *s, Word w)
{
    Word stored = store_put(s, w);
    store_unref(s, stored);
    return stored;
}

/* -- Comparing a stored term with an atom to be removed -- */

static bool same_leaf(Word stored, const SlotName *names, Word term)
{
    if (word_is_slot(stored))
        return word_is_cell(term) &&
               same_name(names[word_slot_index(stored)], cell_slot_name(word_obj(term)));
    return !word_is_cell(term) && atom_equal(stored, term);
}

bool stored_same(Store *s, Word stored, const SlotName *names, Word w)
{
    vec_clear(&s->pairs);
    SamePair p = {stored, w};
    for (;;) {
        p.term = atom_deref(p.term);
        if (atom_is_cons(p.stored) && atom_is_cons(p.term)) {
            const Obj *a = word_obj(p.stored), *b = word_obj(p.term);
            if (a->len != b->len) return false;
            if (a != b)
                for (uint32_t i = 0; i < a->len; i++) {
                    SamePair child = {a->body[i], b->body[i]};
                    vec_push(&s->pairs, child);
                }
        } else if (!same_leaf(p.stored, names, p.term)) {
            return false;
        }
        if (s->pairs.len == 0) return true;
        p = vec_pop(&s->pairs);
    }
}

/* -- The store as a whole -- */

Store *store_new(Heap *h)
{
    Store *s = base_calloc(1, sizeof *s);
    s->heap = h;
    s->cycle = 1;
    return s;
}

void store_free(Store *s)
{
    if (!s) return;
    assert(!s->closed);
    s->closed = true;
    for (LargeBlock *b = s->large; b;) {
        LargeBlock *next = b->next;
        base_free(b);
        b = next;
    }
    for (size_t i = 0; i < s->chunks.len; i++) base_free(s->chunks.data[i]);
    vec_free(&s->chunks);
    base_free(s->table);
    base_free(s->slot_map);
    vec_free(&s->retired);
    vec_free(&s->unref_later);
    while (s->free_later.len) base_free(vec_pop(&s->free_later));
    vec_free(&s->free_later);
    vec_free(&s->frames);
    vec_free(&s->out);
    vec_free(&s->pairs);
    vec_free(&s->slots);
    if (s->spaces == 0) base_free(s);
}

void store_attach(Store *s)
{
    assert(!s->closed);
    s->spaces++;
}

void store_detach(Store *s)
{
    assert(s->spaces > 0);
    if (--s->spaces == 0 && s->closed) base_free(s);
}

bool store_is_closed(const Store *s)
{
    return s->closed;
}

size_t store_bytes(const Store *s)
{
    return s->bytes + (s->table ? (s->mask + 1) * sizeof(Word) : 0);
}
