/* The heap of one evaluation thread: heap objects, allocation, the copying collector.
 *
 * Two generations.  Objects are born in the nursery by bumping a pointer.  A minor collection copies the
 * live ones to the old generation; a major one copies everything live to a fresh old generation
 * (Cheney, "A nonrecursive list compacting algorithm", 1970).
 *
 * The one rule that keeps C code simple: ALLOCATION NEVER COLLECTS.  The nursery is a large reserved address range
 * that simply grows during one step; the engine collects at its safepoints (heap_wants_collection), where every live
 * word is in a place that the root callback visits.  Between two safepoints a Word in a C local stays valid.
 *
 * Objects outside both generations (stored terms of a space) are legal targets of words; the collector
 * leaves them alone, except that a major collection reports each one it meets (heap->on_stored).
 *
 * Old objects are mutated in two ways only: binding a variable cell (recorded on the trail) and changing an
 * external object (HeapExt.dirty). */
#ifndef METTA_ATOM_HEAP_H
#define METTA_ATOM_HEAP_H

#include "atom/word.h"
#include "base/vec.h"

typedef enum ObjKind {
    OBJ_EXPR,  /* len children */
    OBJ_VAR,   /* variable cell: len = symbol id of its name; one word: value or Nil-tagged serial number */
    OBJ_STR,   /* len bytes of UTF-8 text, padded */
    OBJ_I64,   /* one raw 64-bit integer that does not fit 48 bits */
    OBJ_BIG,   /* len GMP limbs, sign in the flags */
    OBJ_BINDS, /* len words: variable, value, variable, value ... */
    OBJ_FORWARD = 0xFF
} ObjKind;

enum {
    OBJ_GROUND = 1,    /* EXPR: holds no variable anywhere (absence says nothing) */
    OBJ_EVALUATED = 2, /* EXPR: known to be irreducible */
    OBJ_NEGATIVE = 4,  /* BIG: sign */
    OBJ_TWIN = 4,      /* EXPR: a word behind its items is the cell of its twin (expr_twin_cell) */
    OBJ_PLAIN = 8,     /* VAR: written by the programmer: prints without its number */
    OBJ_FLAT = 8,      /* EXPR that is stored: no item is a heap object */
    OBJ_STORED = 16,   /* lives in a space's store, not in the heap */
    /* EXPR, for the debugger: its evaluation is to be told; a part of it is such. */
    OBJ_SPOT = 32,
    OBJ_HOLDS_SPOT = 64,
    /* EXPR: an instance of what was written, which other alternatives may evaluate, too: as of a stored term, a copy of it is marked as
     * evaluated. */
    OBJ_WRITTEN = 128,
};

/* A heap object: a header word, then its body. */
typedef struct Obj {
    uint8_t kind;
    uint8_t flags;
    uint16_t
        note; /* EXPR: the epoch in which it was found inert, 0: none (rt/rt.h); a stored term: the store's */
    uint32_t len;
    Word body[];
} Obj;

typedef struct Ext Ext;

/* What the collector and the printer need to know of a kind of external object. */
typedef struct ExtType {
    const char *name;
    /* Visit every Word the object holds that may point into the heap (NULL: none). */
    void (*trace)(Ext *x, void (*visit)(void *heap, Word *slot), void *heap);
    /* Release the object: no word refers to it any more. */
    void (*destroy)(Ext *x);
    /* Append its text (NULL: name-0xADDRESS).  SYMTAB is a const SymTab *. */
    void (*print)(const Ext *x, const void *symtab, void *buf);
    /* Equality beside identity (NULL: identity only). */
    bool (*equal)(const Ext *a, const Ext *b);
    /* For boxes of one word, instead of print and equal: they print as (NAME WORD) and are equal when their words are. */
    const Word *(*content)(const Ext *x);
    /* Its MeTTa type, a word that needs no rooting (NULL: %Undefined%). */
    Word (*type_of)(const Ext *x);
} ExtType;

/* Base of every external object; embed it first.  Created with heap_add_ext, freed by the collector when unmarked and
 * without store_refs. */
struct Ext {
    const ExtType *type;
    uint32_t store_refs; /* references from outside the heap: stored terms, modules, C handles */
    bool marked;         /* reached in this major collection */
    bool dirty;          /* its words changed since the last collection */
    bool fresh;          /* created since the last major collection */
};

/* Bit of the serial numbers of variable cells that are as old as their number says; without it they count as older than all others. */
#define SERIAL_ORDINARY (UINT64_C(1) << 47)

typedef struct Heap Heap;
typedef void (*HeapRoots)(void *context, Heap *h, bool major);

/* A range of reserved addresses. */
typedef struct Area {
    char *start, *end;
} Area;

struct Heap {
    char *top;           /* next free byte of the nursery */
    char *_Atomic limit; /* safepoint wanted when top passes it; set to NULL to interrupt */
    Area nursery, old;
    /* The other half of the old generation: empty, but during a major collection, which empties it. */
    Area spare;
    char *old_top;
    char *scan_from;      /* during a collection: Cheney's scan pointer */
    size_t nursery_size;  /* bytes between collections */
    size_t old_trigger;   /* old bytes that start a major collection */
    size_t external;      /* bytes held by external objects and retired stored terms, a hint */
    uint64_t next_serial; /* of variable cells; ordinary */
    VEC(Ext *) exts;
    VEC(Ext *) grey; /* marked, not yet traced */
    HeapRoots roots;
    void *context;
    void (*on_stored)(void *context, Obj *stored); /* a major collection met a stored term */
    void (*on_major_end)(void *context);           /* all that is live has been met */
    /* A minor collection has reached all that is live, and may visit more words: see heap_has_moved. */
    void (*on_minor_end)(void *context, Heap *h);
    bool major;  /* a major collection is running */
    bool ending; /* heap_fini runs: external objects may be gone already */
    bool stress; /* collect at every safepoint */
    uint64_t minor_count, major_count;
};

/* Initialise; reserves address space only.  Returns false when the reservation fails. */
bool heap_init(Heap *h, HeapRoots roots, void *context);
/* Destroys every external object and unmaps. */
void heap_fini(Heap *h);

/* SIZE bytes (a multiple of 8) of nursery; never collects, never fails (exhausted reservation is fatal). */
static inline void *heap_alloc(Heap *h, size_t size)
{
    char *p = h->top;
    if (UNLIKELY(size > (size_t)(h->nursery.end - p))) base_fatal("nursery reservation exhausted");
    h->top = p + size;
    return p;
}
/* An object with room for WORDS body words; the caller fills the body. */
static inline Obj *heap_obj(Heap *h, ObjKind kind, unsigned flags, uint32_t len, size_t words)
{
    Obj *o = heap_alloc(h, sizeof(Obj) + words * sizeof(Word));
    o->kind = (uint8_t)kind;
    o->flags = (uint8_t)flags;
    o->note = 0;
    o->len = len;
    return o;
}

static inline Obj *word_obj(Word w)
{
    return (Obj *)word_ptr(w);
}

static inline bool area_holds(const Area *a, const void *p)
{
    return (size_t)((const char *)p - a->start) < (size_t)(a->end - a->start);
}
static inline bool heap_in_nursery(const Heap *h, const void *p)
{
    return area_holds(&h->nursery, p);
}
/* Bytes of live and dead objects in both generations, plus the external hint. */
size_t heap_bytes(const Heap *h);

/* True at a safepoint when the engine should call heap_collect (or was interrupted). */
static inline bool heap_wants_safepoint(const Heap *h)
{
    return h->top >= h->limit;
}
/* Make the next safepoint test true; async-signal-safe and thread-safe. */
static inline void heap_interrupt(Heap *h)
{
    h->limit = NULL;
}
/* Run a minor or, when due or FORCE_MAJOR, a major collection.  Only at a safepoint. */
void heap_collect(Heap *h, bool force_major);
/* The same, not forced, if the nursery is full; else only take back an interrupt. */
void heap_collect_if_due(Heap *h);

/* For root callbacks: forward the word in *SLOT. */
void heap_visit(Heap *h, Word *slot);
void heap_visit_range(Heap *h, Word *from, size_t n);

/* For on_minor_end: the expression or variable in *SLOT, which nobody has visited, is in use, and *SLOT is it from now on; false: it is gone. */
bool heap_has_moved(const Heap *h, Word *slot);

/* Register X (type set, allocated with base_alloc) and return its word. */
Word heap_add_ext(Heap *h, Ext *x);
static inline Ext *word_ext(Word w)
{
    assert(word_is_ext(w));
    return (Ext *)word_ptr(w);
}
/* The object of W when it is of TYPE, else NULL. */
static inline Ext *word_ext_of(Word w, const ExtType *type)
{
    return word_is_ext(w) && word_ext(w)->type == type ? word_ext(w) : NULL;
}

#endif
