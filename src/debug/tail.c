/* Calls that have made a last call: nothing on the stack knows of them any more, so the last ones that the debugger was told of are kept
 * here.
 *
 * The calls noted form a stack, as their continuations do: one whose continuation lies above that of a later call has ended.  Of several
 * with the same continuation, each has made the next one as its last call. */
#include "debug/state.h"

static TailCall *nth_newest(Debugger *d, size_t n)
{
    return &d->calls[(d->call_first + d->call_count - 1 - n) % NOTED_CALLS];
}

/* The frame that gets the results of what is called with the continuation F. */
static const Frame *receiver(const Frame *f)
{
    while (f && (f->kind == FRAME_SCOPE || f->kind == FRAME_COLLAPSE || f->kind == FRAME_COLLAPSE_BIND ||
                 (is_line_frame(f) && mark_number(f->slot) == 0)))
        f = f->parent;
    return f;
}

static bool is_at(const TailCall *call, const Frame *f)
{
    return call->frame == f && call->index == f->index;
}

void note_call(Debugger *d, Machine *m)
{
    const Frame *f = receiver(m->frame);
    Word head = atom_deref(expr_at(m->atom, 0));
    if (!word_is_sym(head)) return;
    if (d->call_machine != m) d->call_count = 0;
    d->call_machine = m;
    while (d->call_count) {
        const TailCall *last = nth_newest(d, 0);
        if (last->frame < f) break;
        bool has_called = is_at(last, f) && last->head == m->head && last->depth < m->depth;
        if (has_called) break;
        d->call_count--;
    }
    if (d->call_count == NOTED_CALLS) {
        d->call_first = (d->call_first + 1) % NOTED_CALLS;
        d->call_count--;
    }
    d->call_count++;
    *nth_newest(d, 0) = (TailCall){m->atom, f, f->index, m->depth, word_sym_id(head)};
}

void tail_begin(Walk *w, uint32_t head)
{
    Debugger *d = w->d;
    const Frame *f = receiver(w->frame);
    w->tails = w->tail = 0;
    if (!f || d->call_machine != d->machine) return;
    while (w->tail < d->call_count && nth_newest(d, w->tail)->frame > f) w->tail++;
    while (w->tail + w->tails < d->call_count && is_at(nth_newest(d, w->tail + w->tails), f)) w->tails++;
    /* The last one of them is what was walked last. */
    if (w->tails && nth_newest(d, w->tail)->head == head) {
        w->tail++;
        w->tails--;
    }
}

bool tail_is(const Walk *w, uint32_t head)
{
    return w->tails && nth_newest(w->d, w->tail)->head == head;
}

bool tail_next(Walk *w, Activation *a)
{
    if (w->tails == 0) return false;
    const TailCall *call = nth_newest(w->d, w->tail++);
    w->tails--;
    *a = (Activation){
        .head = call->head, .goal = call->goal, .whole = WORD_NIL, .part = w->call, .tail = true};
    w->call = call->goal;
    return true;
}

void tails_trace(Debugger *d, Heap *h)
{
    for (size_t i = 0; i < d->call_count; i++) heap_visit(h, &nth_newest(d, i)->goal);
}
