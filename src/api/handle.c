/* Handles: words that the host program holds. */
#include "api/api.h"

/* A local handle is its place + 1; a kept one has the top bit, its generation and its place + 1. */
#define KEPT_BIT (UINT64_C(1) << 63)

static MtAtom kept_handle(const MtRuntime *x, uint32_t place)
{
    return (MtAtom){KEPT_BIT | (uint64_t)(x->kept.data[place].generation & 0x7FFFFFFF) << 32 | (place + 1)};
}

static Kept *find_kept(const MtRuntime *x, MtAtom atom)
{
    uint32_t place = (uint32_t)atom.id - 1;
    assert(place < x->kept.len);
    Kept *k = &x->kept.data[place];
    assert(k->used && kept_handle(x, place).id == atom.id && "handle used after its release");
    return k;
}

MtAtom api_local(MtRuntime *x, Word w)
{
    if (word_is_nil(w)) return (MtAtom){0};
    vec_push(&x->locals, w);
    return (MtAtom){x->locals.len};
}

Word api_word(const MtRuntime *x, MtAtom atom)
{
    if (atom.id == 0) return WORD_NIL;
    if (atom.id & KEPT_BIT) return atom_deref(find_kept(x, atom)->word);
    assert(atom.id <= x->locals.len && "handle used after its scope");
    return atom_deref(x->locals.data[atom.id - 1]);
}

void api_trace(void *host, Heap *h)
{
    MtRuntime *x = host;
    heap_visit_range(h, x->locals.data, x->locals.len);
    for (size_t i = 0; i < x->kept.len; i++)
        if (x->kept.data[i].used) heap_visit(h, &x->kept.data[i].word);
}

void api_rest(MtRuntime *x)
{
    if (x->busy == 0 && heap_wants_safepoint(&x->rt->heap)) heap_collect(&x->rt->heap, false);
}

size_t mt_scope_open(MtRuntime *x)
{
    return x->locals.len;
}

void mt_scope_close(MtRuntime *x, size_t mark)
{
    assert(mark <= x->locals.len);
    x->locals.len = mark;
}

MtAtom mt_keep(MtRuntime *x, MtAtom atom)
{
    Word w = api_word(x, atom);
    if (word_is_nil(w)) return (MtAtom){0};
    uint32_t place;
    if (x->first_free) {
        place = x->first_free - 1;
        x->first_free = x->kept.data[place].next_free;
    } else {
        place = (uint32_t)x->kept.len;
        vec_push(&x->kept, (Kept){0});
    }
    Kept *k = &x->kept.data[place];
    k->word = w;
    k->used = true;
    return kept_handle(x, place);
}

void mt_release(MtRuntime *x, MtAtom atom)
{
    if (atom.id == 0) return;
    assert((atom.id & KEPT_BIT) && "only handles made by mt_keep are released one by one");
    Kept *k = find_kept(x, atom);
    k->used = false;
    k->generation++;
    k->next_free = x->first_free;
    x->first_free = (uint32_t)atom.id;
}

void api_hand_out(MtRuntime *x, size_t first, MtOnAtom on_atom, void *context)
{
    size_t end = x->locals.len;
    x->busy++;
    for (size_t i = first; i < end; i++) {
        if (!on_atom(context, x, (MtAtom){i + 1})) break;
        mt_scope_close(x, end);
    }
    x->busy--;
    mt_scope_close(x, first);
}
