#include "atom/heap.h"

#include <sys/mman.h>

enum { KIB = 1024, MIB = 1024 * 1024 };
/* Address space reserved, not memory: pages are committed when touched. */
#define RESERVE_NURSERY (UINT64_C(1) << 36)
#define RESERVE_OLD (UINT64_C(1) << 36)
#define NURSERY_SIZE ((size_t)MIB)
#define OLD_TRIGGER ((size_t)32 * MIB)
/* Of the half of the old generation that a major collection has emptied, as much stays ready for the next one. */
#define SPARE_KEPT ((size_t)32 * MIB)

static bool reserve(Area *a, size_t size)
{
    a->start = base_reserve(&size);
    a->end = a->start + size;
    return a->start != NULL;
}

static void release(Area *a)
{
    base_release(a->start, (size_t)(a->end - a->start));
}

static void release_all(Heap *h)
{
    release(&h->nursery);
    release(&h->old);
    release(&h->spare);
}

bool heap_init(Heap *h, HeapRoots roots, void *context)
{
    memset(h, 0, sizeof *h);
    if (!reserve(&h->nursery, RESERVE_NURSERY) || !reserve(&h->old, RESERVE_OLD) ||
        !reserve(&h->spare, RESERVE_OLD)) {
        release_all(h);
        return false;
    }
    h->top = h->nursery.start;
    h->old_top = h->old.start;
    h->nursery_size = NURSERY_SIZE;
    h->old_trigger = OLD_TRIGGER;
    h->limit = h->nursery.start + h->nursery_size;
    h->next_serial = SERIAL_ORDINARY + 1;
    h->roots = roots;
    h->context = context;
#ifdef METTA_STRESS
    h->stress = true;
    h->limit = h->nursery.start;
#endif
    return true;
}

void heap_fini(Heap *h)
{
    /* Objects die in any order, so one that refers to another must not touch it any more. */
    h->ending = true;
    while (h->exts.len) {
        Ext *x = vec_pop(&h->exts);
        if (x->type->destroy) x->type->destroy(x);
    }
    vec_free(&h->exts);
    vec_free(&h->grey);
    release_all(h);
}

size_t heap_bytes(const Heap *h)
{
    return (size_t)(h->top - h->nursery.start) + (size_t)(h->old_top - h->old.start) + h->external;
}

Word heap_add_ext(Heap *h, Ext *x)
{
    x->store_refs = 0;
    x->marked = false;
    x->dirty = true;
    x->fresh = true;
    vec_push(&h->exts, x);
    return word_from_ptr(TAG_EXT, x);
}

/* -- Collection -- */

/* Words of the expression O: its items, and the cell of its twin. */
static inline size_t expr_words(const Obj *o)
{
    return o->len + (o->flags / OBJ_TWIN & 1);
}

/* Body words of an object: at least one, which holds the new address while the object is forwarded. */
static inline size_t body_words(const Obj *o)
{
    if (LIKELY(o->kind == OBJ_EXPR)) return o->len ? expr_words(o) : 1;
    switch ((ObjKind)o->kind) {
    case OBJ_EXPR:
    case OBJ_BINDS:
    case OBJ_BIG:
        return o->len ? o->len : 1;
    case OBJ_VAR:
    case OBJ_I64:
        return 1;
    case OBJ_STR:
        return o->len ? ((size_t)o->len + sizeof(Word) - 1) / sizeof(Word) : 1;
    case OBJ_FORWARD:
        break;
    }
    base_fatal("heap object of unknown kind %u", o->kind);
}

static inline bool is_condemned(const Heap *h, const Obj *o)
{
    const char *p = (const char *)o;
    if (heap_in_nursery(h, p)) return true;
    return h->major && area_holds(&h->spare, p);
}

/* Where O, which was moved, is now. */
static inline Obj *forwarded(const Obj *o)
{
    Obj *to;
    memcpy(&to, o->body, sizeof to);
    return to;
}

static inline Obj *evacuate(Heap *h, Obj *o)
{
    if (o->kind == OBJ_FORWARD) return forwarded(o);
    size_t size = sizeof(Obj) + body_words(o) * sizeof(Word);
    if (UNLIKELY(size > (size_t)(h->old.end - h->old_top)))
        base_fatal("old generation reservation exhausted");
    Obj *to = (Obj *)h->old_top;
    h->old_top += size;
    for (size_t i = 0; i < size / sizeof(Word); i++) ((Word *)to)[i] = ((Word *)o)[i];
    o->kind = OBJ_FORWARD;
    memcpy(o->body, &to, sizeof to);
    return to;
}

static void mark_ext(Heap *h, Ext *x)
{
    if (!h->major || x->marked) return;
    x->marked = true;
    vec_push(&h->grey, x);
}

static inline void visit(Heap *h, Word *slot)
{
    Word w = *slot;
    unsigned tag = word_tag(w);
    if (tag == TAG_HEAP || (tag == TAG_VAR && !(w & WORD_SLOT_BIT))) {
        Obj *o = word_obj(w);
        if (is_condemned(h, o)) {
            *slot = word_from_ptr(tag, evacuate(h, o));
        } else if (h->major && (o->flags & OBJ_STORED) && h->on_stored) {
            h->on_stored(h->context, o);
        }
    } else if (tag == TAG_EXT) {
        mark_ext(h, word_ext(w));
    }
}

void heap_visit(Heap *h, Word *slot)
{
    visit(h, slot);
}

void heap_visit_range(Heap *h, Word *from, size_t n)
{
    for (size_t i = 0; i < n; i++) visit(h, from + i);
}

static void visit_for_ext(void *heap, Word *slot)
{
    heap_visit(heap, slot);
}

static void scan_object(Heap *h, Obj *o)
{
    switch ((ObjKind)o->kind) {
    case OBJ_EXPR:
    case OBJ_BINDS:
        heap_visit_range(h, o->body, expr_words(o));
        break;
    case OBJ_VAR:
        visit(h, o->body);
        break;
    case OBJ_STR:
    case OBJ_I64:
    case OBJ_BIG:
    case OBJ_FORWARD:
        break;
    }
}

/* Scan what was copied and what was marked, until both are exhausted. */
static void drain(Heap *h)
{
    for (;;) {
        while (h->scan_from < h->old_top) {
            Obj *o = (Obj *)h->scan_from;
            h->scan_from += sizeof(Obj) + body_words(o) * sizeof(Word);
            scan_object(h, o);
        }
        if (h->grey.len == 0) return;
        Ext *x = vec_pop(&h->grey);
        if (x->type->trace) x->type->trace(x, visit_for_ext, h);
    }
}

/* External objects whose words may be stale: all that are in use (major: from outside; minor: changed since). */
static void trace_ext_roots(Heap *h)
{
    for (size_t i = 0; i < h->exts.len; i++) {
        Ext *x = h->exts.data[i];
        if (h->major) {
            if (x->store_refs) mark_ext(h, x);
        } else if (x->dirty && x->type->trace) {
            x->type->trace(x, visit_for_ext, h);
        }
        x->dirty = false;
    }
}

static void sweep_exts(Heap *h)
{
    VEC(Ext *) dead = {0};
    size_t kept = 0;
    for (size_t i = 0; i < h->exts.len; i++) {
        Ext *x = h->exts.data[i];
        bool live = x->marked || x->store_refs > 0;
        x->marked = false;
        x->fresh = false;
        if (live)
            h->exts.data[kept++] = x;
        else
            vec_push(&dead, x);
    }
    h->exts.len = kept;
    for (size_t i = 0; i < dead.len; i++)
        if (dead.data[i]->type->destroy) dead.data[i]->type->destroy(dead.data[i]);
    vec_free(&dead);
}

/* Give back the pages of A up to TOP, but for the first KEPT bytes: touching a page for the first time costs as much as filling it. */
static void trim(Area *a, const char *top, size_t kept)
{
    size_t used = (size_t)(top - a->start);
    if (used > kept) madvise(a->start + kept, used - kept, MADV_DONTNEED);
}

static void reset_nursery(Heap *h)
{
    trim(&h->nursery, h->top, h->nursery_size + h->nursery_size / 4);
    h->top = h->nursery.start;
    /* An interrupt that arrives between here and the caller's check only comes one safepoint late. */
    h->limit = h->stress ? h->nursery.start : h->nursery.start + h->nursery_size;
}

bool heap_has_moved(const Heap *h, Word *slot)
{
    const Obj *o = word_obj(*slot);
    if (!is_condemned(h, o)) return true;
    if (o->kind != OBJ_FORWARD) return false;
    *slot = word_from_ptr(word_tag(*slot), forwarded(o));
    return true;
}

static void minor(Heap *h)
{
    h->scan_from = h->old_top;
    h->roots(h->context, h, false);
    trace_ext_roots(h);
    drain(h);
    if (h->on_minor_end) {
        h->on_minor_end(h->context, h);
        drain(h);
    }
    h->minor_count++;
}

static void major(Heap *h)
{
    Area from = h->old;
    char *from_top = h->old_top;
    h->major = true;
    h->old = h->spare;
    h->spare = from;
    h->old_top = h->scan_from = h->old.start;
    /* What is about to be filled is large: fewer page faults.  A kernel without huge pages ignores it. */
    madvise(h->old.start, (size_t)(h->old.end - h->old.start), MADV_HUGEPAGE);
    h->roots(h->context, h, true);
    trace_ext_roots(h);
    drain(h);
    h->major = false;
    trim(&h->spare, from_top, SPARE_KEPT);
    sweep_exts(h);
    if (h->on_major_end) h->on_major_end(h->context);
    size_t live = (size_t)(h->old_top - h->old.start);
    h->old_trigger = live * 2 > OLD_TRIGGER ? live * 2 : OLD_TRIGGER;
    h->external = 0;
    h->major_count++;
}

void heap_collect(Heap *h, bool force_major)
{
    size_t old = (size_t)(h->old_top - h->old.start) + h->external;
    if (force_major || old + (size_t)(h->top - h->nursery.start) > h->old_trigger)
        major(h);
    else
        minor(h);
    reset_nursery(h);
}

void heap_collect_if_due(Heap *h)
{
    if (h->stress || (size_t)(h->top - h->nursery.start) >= h->nursery_size)
        heap_collect(h, false);
    else
        h->limit = h->nursery.start + h->nursery_size;
}
