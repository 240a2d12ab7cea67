#include "rt/machine.h"

static void push_bottom(Machine *m)
{
    /* A frame and a choice point that nothing ever resumes, so that machine_top needs no tests. */
    Frame *f = (Frame *)m->stack;
    *f = (Frame){.kind = FRAME_TOP};
    m->frame = f;
    Choice *c = (Choice *)frame_end(f);
    memset(c, 0, sizeof *c);
    c->kind = CHOICE_BOTTOM;
    c->frame = f;
    c->top = (char *)(c + 1);
    m->choice = c;
    m->clean = m->stack;
}

static void begin(Machine *m)
{
    m->max_depth = UINT32_MAX;
    m->depth = 0;
    m->head = NO_HEAD;
    m->atom = m->type = m->value = m->abort_cause = m->made = m->made_of = m->entered = WORD_NIL;
    m->steps = m->choices = m->other_steps = 0;
    push_bottom(m);
}

bool machine_init(Machine *m, Runtime *rt, size_t size)
{
    memset(m, 0, sizeof *m);
    void *p = base_reserve(&size);
    if (!p) return false;
    m->rt = rt;
    m->stack = p;
    m->stack_end = m->stack + size;
    m->gc_epoch = 1;
    begin(m);
    return true;
}

void machine_reset(Machine *m)
{
    vec_clear(&m->results);
    begin(m);
}

void machine_fini(Machine *m)
{
    vec_free(&m->results);
    base_release(m->stack, (size_t)(m->stack_end - m->stack));
}

size_t machine_stack_bytes(const Machine *m)
{
    return (size_t)(machine_top(m) - m->stack);
}

Frame *machine_push(Machine *m, FrameKind kind, unsigned flags, uint32_t count)
{
    Frame *f = (Frame *)machine_top(m);
    machine_touch(m, f);
    f->kind = (uint8_t)kind;
    f->flags = (uint8_t)flags;
    f->operands = 0;
    f->count = count;
    f->index = 0;
    f->gc_mark = 0;
    f->depth = m->depth;
    f->head = m->head;
    f->parent = m->frame;
    for (uint32_t i = 0; i < count; i++) f->slot[i] = WORD_NIL;
    m->frame = f;
    return f;
}

Frame *machine_own(Machine *m, Frame *f)
{
    assert(m->frame == f);
    if (!machine_protects(m, f)) {
        machine_touch(m, f);
        frame_begin_goal(f);
        return f;
    }
    Frame *copy = (Frame *)machine_top(m);
    machine_touch(m, copy);
    *copy = *f;
    copy->gc_mark = 0;
    /* Two at a time, for they were not written just now.  One too many is no harm: the stack goes on. */
    for (uint32_t i = 0, n = frame_live(f); i < n; i += 2)
        memcpy(copy->slot + i, f->slot + i, 2 * sizeof(Word));
    frame_begin_goal(copy);
    m->frame = copy;
    return copy;
}

Choice *machine_choice(Machine *m, ChoiceKind kind, uint32_t count)
{
    Choice *c = (Choice *)machine_top(m);
    machine_touch(m, c);
    c->kind = (uint8_t)kind;
    c->flags = 0;
    c->changed = m->changed;
    c->unused = 0;
    c->count = count;
    c->index = 0;
    c->limit = 0;
    c->prev = m->choice;
    c->frame = m->frame;
    c->top = (char *)(c->slot + count);
    c->trail = m->rt->bind.trail.len;
    c->keep = c->born = m->rt->heap.next_serial;
    c->depth = m->depth;
    c->head = m->head;
    c->scope = m->scope;
    for (uint32_t i = 0; i < count; i++) c->slot[i] = WORD_NIL;
    m->choice = c;
    m->choices++;
    m->rt->bind.keep = c->keep;
    return c;
}

/* -- Collection -- */

static void trace_frames(Machine *m, Heap *h, Frame *f, const char *stop)
{
    for (; f && (char *)f >= stop && f->gc_mark != m->gc_epoch; f = f->parent) {
        f->gc_mark = m->gc_epoch;
        heap_visit_range(h, f->slot, frame_live(f));
    }
}

/* Is it too much to keep both the resolved copies that the trail tells of and what they were made from? */
static bool has_many_resolved(const Bind *b)
{
    enum { MANY = 2048 };
    return b->trail.len - b->scanned > MANY;
}

void machine_forget_resolved(Bind *b)
{
    if (has_many_resolved(b)) bind_forget_resolved(b);
}

/* Visit the cells and values of the trail entries from FROM on. */
static void visit_trail(Bind *b, Heap *h, size_t from)
{
    for (size_t i = from; i < b->trail.len; i++) {
        TrailEntry *e = &b->trail.data[i];
        Word cell = word_from_ptr(TAG_VAR, e->cell);
        heap_visit(h, &cell);
        e->cell = word_obj(cell);
        heap_visit(h, &e->cell->body[0]);
        heap_visit(h, &e->unbound);
    }
}

/* Drop the entries from FROM on that no choice point needs: those of cells younger than the choice point that would
 * undo them, and, if FORGOTTEN, those of cells that were bound already, which have their first values again.  NEWER holds the choice points with marks above FROM, newest first; BASE is the next older one.
 * Returns the place of the first entry of a cell that was bound already, or the end. */
static size_t compact_trail(Bind *b, size_t from, bool forgotten, Choice **newer, size_t n,
                            const Choice *base)
{
    size_t out = from, resolved = SIZE_MAX;
    uint64_t keep = base->keep;
    for (size_t i = from; i < b->trail.len; i++) {
        while (n > 0 && newer[n - 1]->trail <= i) {
            keep = newer[--n]->keep;
            newer[n]->trail = out;
        }
        Word unbound = b->trail.data[i].unbound;
        bool bound = !word_is_nil(unbound);
        if (bound ? forgotten : word_payload(unbound) >= keep) continue;
        if (bound && resolved == SIZE_MAX) resolved = out;
        b->trail.data[out++] = b->trail.data[i];
    }
    while (n > 0) newer[--n]->trail = out;
    b->trail.len = out;
    return resolved < out ? resolved : out;
}

void machine_trace_trail(Machine *m, Heap *h, bool major)
{
    Bind *b = &m->rt->bind;
    size_t from = major ? 0 : b->scanned;
    bool forgotten = has_many_resolved(b);
    visit_trail(b, h, from);
    VEC(Choice *) newer = {0};
    Choice *c = m->choice;
    for (; c->prev && c->trail > from; c = c->prev) vec_push(&newer, c);
    b->scanned = compact_trail(b, from, forgotten, newer.data, newer.len, c);
    vec_free(&newer);
}

static void mark_scope(Heap *h, const Scope *s)
{
    Word own = space_word(s->own);
    heap_visit(h, &own);
}

void machine_trace(Machine *m, Heap *h, bool major)
{
    const char *stop = major ? m->stack : m->clean;
    m->gc_epoch++;
    heap_visit(h, &m->atom);
    heap_visit(h, &m->type);
    heap_visit(h, &m->value);
    heap_visit(h, &m->abort_cause);
    heap_visit(h, &m->made);
    heap_visit(h, &m->made_of);
    heap_visit(h, &m->entered);
    trace_frames(m, h, m->frame, stop);
    for (Choice *c = m->choice; c && (char *)c >= stop; c = c->prev) {
        if ((char *)c < m->stack || (char *)c >= m->stack_end) break; /* the outer machine's */
        heap_visit_range(h, c->slot, c->count);
        if (c->scope) mark_scope(h, c->scope);
        trace_frames(m, h, c->frame, stop);
    }
    heap_visit_range(h, m->results.data, m->results.len);
    if (m->scope) mark_scope(h, m->scope);
    m->clean = machine_top(m);
}
