#include "vm/frame.h"

#include "vm/pieces.h"

/* -- Variables that alternatives share -- */

/* The choice points above F count what has a serial number below KEEP as older.  False: they are so many that it would take too long to
 * tell all. */
static bool raise_keep(Machine *m, const Frame *f, uint64_t keep)
{
    enum { MANY = 32 };
    unsigned n = 0;
    for (Choice *c = m->choice; (char *)c > (const char *)f; c = c->prev) {
        if (n++ == MANY) return false;
        c->keep = keep;
    }
    m->rt->bind.keep = m->choice->keep;
    return true;
}

void make_shared_variables(Machine *m, Frame *f)
{
    const Chunk *c = frame_chunk(f);
    const Template *t = chunk_clause_template(c, frame_ip(f));
    Heap *h = &m->rt->heap;
    f->flags |= FF_MADE;
    if (!t || t->count == 0) return;
    const uint8_t *map = c->slot_map.data + t->first;
    machine_touch(m, f);
    bool early = !raise_keep(m, f, h->next_serial + t->count);
    for (uint32_t i = 0; i < t->count; i++) {
        Word *local = &f->slot[VM_LOCALS + map[i]];
        if (!word_is_nil(*local)) continue;
        *local = atom_new_var(h, c->names.data[t->first + i].name, 0);
        if (early) var_make_early(*local);
    }
}

/* -- Choice points -- */

void give_here(Machine *m, Frame *f, Word value)
{
    m->depth = f->depth;
    m->head = f->head;
    if (machine_protects(m, f)) {
        f = copy_protected(m, f);
    } else {
        machine_touch(m, f);
        frame_begin_goal(f);
    }
    frame_push(f, value);
}

bool take_row(Machine *m, Choice *c)
{
    if (!match_more(m, c)) return false;
    give_here(m, m->frame, WORD_UNIT);
    return true;
}

bool take_item(Machine *m, Choice *c)
{
    machine_restore(m, c);
    Word item = atom_deref(expr_at(c->slot[LIST_ITEMS], c->index));
    if (item == W_SYM(EMPTY) || item == W_SYM(NOT_REDUCIBLE) || atom_is_error(item)) return false;
    if (must_evaluate(m, &item)) return false;
    if (++c->index == expr_len(c->slot[LIST_ITEMS])) machine_drop(m, c);
    give_here(m, m->frame, item);
    return true;
}

void leave_choice(Machine *m, Frame *f, uint32_t saved, uint32_t alternative, size_t trail, uint64_t keep)
{
    assert(m->frame == f && !machine_protects(m, f) && frame_operands(f) == 0);
    /* Above the frame there may be a choice point that was put in below those that are there (held-back errors). */
    char *place = m->choice->top > (char *)f ? m->choice->top : (char *)f;
    machine_touch(m, f);
    m->frame = put_choice(m, place, f, m->depth, f->index, frame_chunk(f), saved, alternative, trail, keep);
}

bool take_choice(Machine *m, Choice *c)
{
    if (c->flags & CHOICE_DONE) {
        machine_restore(m, c);
        machine_drop(m, c);
        return false;
    }
    chunk_runs(word_ptr(c->slot[CV_CHUNK]));
    m->changed = c->changed;
    m->frame = retake_frame(m, c);
    m->depth = m->frame->depth;
    m->head = m->frame->head;
    return true;
}
