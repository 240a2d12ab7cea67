#include "atom/heap.h"

#include <sys/mman.h>

enum { KIB = 1024, MIB = 1024 * 1024 };
/* Address space reserved, not memory: pages are committed when touched. */
#define RESERVE_NURSERY (UINT64_C(1) << 36)
#define RESERVE_OLD (UINT64_C(1) << 36)
#define NURSERY_SIZE ((size_t)MIB)
#define OLD_TRIGGER ((size_t)8 * MIB)

static char *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool heap_init(Heap *h, HeapRoots roots, void *context)
{
    memset(h, 0, sizeof *h);
    h->nursery = reserve(RESERVE_NURSERY);
    h->old = reserve(RESERVE_OLD);
    if (!h->nursery || !h->old) {
        if (h->nursery) munmap(h->nursery, RESERVE_NURSERY);
        if (h->old) munmap(h->old, RESERVE_OLD);
        return false;
    }
    h->nursery_end = h->nursery + RESERVE_NURSERY;
    h->old_end = h->old + RESERVE_OLD;
    h->top = h->nursery;
    h->old_top = h->old;
    h->nursery_size = NURSERY_SIZE;
    h->old_trigger = OLD_TRIGGER;
    h->limit = h->nursery + h->nursery_size;
    h->next_serial = 1;
    h->roots = roots;
    h->context = context;
#ifdef METTA_STRESS
    h->stress = true;
    h->limit = h->nursery;
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
    munmap(h->nursery, RESERVE_NURSERY);
    munmap(h->old, RESERVE_OLD);
}

size_t heap_bytes(const Heap *h)
{
    return (size_t)(h->top - h->nursery) + (size_t)(h->old_top - h->old) + h->external;
}

void heap_interrupt(Heap *h)
{
    h->limit = NULL;
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

/* Body words of an object: at least one, which holds the new address while the object is forwarded. */
static inline size_t body_words(const Obj *o)
{
    if (LIKELY(o->kind == OBJ_EXPR)) return o->len ? o->len : 1;
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
    return h->major && p >= h->from && p < h->from_top;
}

static inline Obj *evacuate(Heap *h, Obj *o)
{
    if (o->kind == OBJ_FORWARD) {
        Obj *to;
        memcpy(&to, o->body, sizeof to);
        return to;
    }
    size_t size = sizeof(Obj) + body_words(o) * sizeof(Word);
    if (UNLIKELY(size > (size_t)(h->old_end - h->old_top)))
        base_fatal("old generation reservation exhausted");
    Obj *to = (Obj *)h->old_top;
    h->old_top += size;
    memcpy(to, o, size);
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
        heap_visit_range(h, o->body, o->len);
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

static void reset_nursery(Heap *h)
{
    size_t used = (size_t)(h->top - h->nursery);
    size_t keep = h->nursery_size + h->nursery_size / 4;
    if (used > keep) madvise(h->nursery + keep, used - keep, MADV_DONTNEED);
    h->top = h->nursery;
    /* An interrupt that arrives between here and the caller's check only comes one safepoint late. */
    h->limit = h->stress ? h->nursery : h->nursery + h->nursery_size;
}

static void minor(Heap *h)
{
    h->scan_from = h->old_top;
    h->roots(h->context, h, false);
    trace_ext_roots(h);
    drain(h);
    h->minor_count++;
}

static void major(Heap *h)
{
    char *fresh = reserve(RESERVE_OLD);
    if (!fresh) base_fatal("cannot reserve address space for a collection");
    h->major = true;
    h->from = h->old;
    h->from_top = h->old_top;
    h->old = h->old_top = h->scan_from = fresh;
    h->old_end = fresh + RESERVE_OLD;
    /* What is about to be filled is large: fewer page faults.  A kernel without huge pages ignores it. */
    madvise(fresh, RESERVE_OLD, MADV_HUGEPAGE);
    h->roots(h->context, h, true);
    trace_ext_roots(h);
    drain(h);
    h->major = false;
    munmap(h->from, RESERVE_OLD);
    h->from = h->from_top = NULL;
    sweep_exts(h);
    if (h->on_major_end) h->on_major_end(h->context);
    size_t live = (size_t)(h->old_top - h->old);
    h->old_trigger = live * 2 > OLD_TRIGGER ? live * 2 : OLD_TRIGGER;
    h->external = 0;
    h->major_count++;
}

void heap_collect(Heap *h, bool force_major)
{
    size_t old = (size_t)(h->old_top - h->old) + h->external;
    if (force_major || old + (size_t)(h->top - h->nursery) > h->old_trigger)
        major(h);
    else
        minor(h);
    reset_nursery(h);
}

void heap_collect_if_due(Heap *h)
{
    if (h->stress || (size_t)(h->top - h->nursery) >= h->nursery_size)
        heap_collect(h, false);
    else
        h->limit = h->nursery + h->nursery_size;
}
