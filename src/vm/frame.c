#include "vm/frame.h"

void leave_choice(Machine *m, Frame *f, uint32_t saved, uint32_t alternative, size_t trail, uint64_t keep)
{
    assert(m->frame == f && !machine_protects(m, f) && frame_operands(f) == 0);
    size_t size = sizeof(Choice) + (CV_LOCALS + saved) * sizeof(Word);
    Frame *moved = (Frame *)((char *)f + size);
    machine_touch(m, f);
    copy_slots_up(moved->slot, f->slot, frame_live(f));
    *moved = *f;
    Choice *c = (Choice *)f;
    c->kind = CHOICE_VM;
    c->flags = (uint8_t)((moved->flags & FF_CHANGED) | CHOICE_RETRY);
    c->changed = false;
    c->unused = 0;
    c->count = CV_LOCALS + saved;
    c->index = alternative;
    c->limit = 0;
    c->prev = m->choice;
    c->frame = moved->parent;
    c->top = (char *)moved;
    c->trail = trail;
    c->keep = c->born = keep;
    c->depth = m->depth;
    c->head = m->head;
    c->scope = m->scope;
    c->slot[CV_TYPE] = moved->slot[VM_TYPE];
    c->slot[CV_CHUNK] = moved->slot[VM_CHUNK];
    for (uint32_t i = 0; i < saved; i++) c->slot[CV_LOCALS + i] = moved->slot[VM_LOCALS + i];
    moved->gc_mark = 0;
    m->choice = c;
    m->frame = moved;
    m->rt->bind.keep = keep;
    if (UNLIKELY((++m->choices & (STEPS_PER_SAFEPOINT - 1)) == 0)) heap_interrupt(&m->rt->heap);
}

bool take_choice(Machine *m, Choice *c)
{
    machine_restore(m, c);
    machine_drop(m, c);
    if (c->flags & CHOICE_DONE) return false;
    /* The new frame may take the place of the choice point: what is still needed of it is read first. */
    lay_frame(m, word_ptr(c->slot[CV_CHUNK]), c->slot + CV_LOCALS, c->count - CV_LOCALS, c->slot[CV_TYPE],
              c->flags & (FF_CHANGED | CHOICE_RETRY), c->index);
    return true;
}
