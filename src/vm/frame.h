/* Frames and choice points of the VM on the machine's stack. */
#ifndef METTA_VM_FRAME_H
#define METTA_VM_FRAME_H

#include "vm/vm.h"

/* Slots of a VM frame.  Locals follow, then the operand stack.  NATIVE is where machine code goes on with a result that machine code
 * gives it, an address, which the collector takes for a double; 0: nowhere, as when the VM has carried out an instruction of the frame since. */
enum { VM_TYPE = 1, VM_CHUNK, VM_NATIVE, VM_LOCALS };
/* Flag of a VM frame, beside FF_GOAL and FF_CHANGED: the call is being made again, after a clause has matched. */
enum { FF_RETRY = 8 };
/* Another one: the evaluation of an operand has, or may have, left it as it was (or changed a local's value that the compiler took for
 * evaluated).  What the code says of whether operands are as the program wrote them does not hold then: see as_written. */
enum { FF_CHECK = 16 };
/* Another one: all variables of the clause exist. */
enum { FF_MADE = 64 };
_Static_assert(!((FF_RETRY | FF_CHECK | FF_MADE) & (FF_GOAL | FF_CHANGED | FF_SUCCEEDED | FF_HELD)),
               "flags are different");
/* Slots of a CHOICE_VM; the saved locals follow. INDEX is where the alternative begins. */
enum { CV_TYPE, CV_CHUNK, CV_LOCALS };
/* Flags of a CHOICE_VM, beside FF_CHANGED. */
enum { CHOICE_DONE = 16, CHOICE_RETRY = 8 };

static inline Chunk *frame_chunk(const Frame *f)
{
    return word_ptr(f->slot[VM_CHUNK]);
}

/* Give F, which waits for a result, VALUE as an operand. */
static inline void frame_push(Frame *f, Word value)
{
    f->slot[VM_LOCALS + frame_chunk(f)->locals + frame_operands(f)] = value;
    f->index++; /* see frame_save */
}

/* Set the locals of F, which is to run C: the first N from FROM, which may lie above them or be they, the others to nothing. */
static inline void set_locals(Frame *f, const Chunk *c, const Word *from, uint32_t n)
{
    Word *locals = f->slot + VM_LOCALS;
    if (n > 0) locals[0] = from[0];
    if (n > 1) locals[1] = from[1];
    for (uint32_t i = 2; i < n; i++) locals[i] = from[i];
    static const Word nothing[2] = {WORD_NIL, WORD_NIL};
    for (uint32_t i = n; i < c->locals; i += 2) memcpy(locals + i, nothing, sizeof nothing);
}

/* Lay a frame for C with the first N of its locals on top of the stack and make it current.  LOCALS may overlap it. */
static inline Frame *lay_frame(Machine *m, Chunk *c, const Word *locals, uint32_t n, Word type,
                               unsigned flags, uint32_t start)
{
    Frame *f = (Frame *)machine_top(m);
    machine_touch(m, f);
    /* First the locals: in a tail call, or when a choice point is taken, they lie above their new place, where the frame is being laid. */
    set_locals(f, c, locals, n);
    f->kind = FRAME_VM;
    f->flags = (uint8_t)(FF_GOAL | flags);
    f->operands = (uint16_t)c->max_stack;
    f->count = VM_LOCALS + c->locals + c->max_stack;
    frame_save(f, start, 0);
    f->gc_mark = 0;
    f->depth = m->depth;
    f->head = m->head = c->name;
    f->parent = m->frame;
    f->slot[SLOT_HELD] = WORD_NIL;
    f->slot[VM_TYPE] = type;
    f->slot[VM_CHUNK] = word_from_ptr(TAG_RAW, c);
    f->slot[VM_NATIVE] = 0;
    m->frame = f;
    return f;
}

/* A frame for a call of C's function. */
static inline Frame *push_frame(Machine *m, Chunk *c, const Word *args, Word type, bool computed)
{
    return lay_frame(m, c, args, c->arity, type, computed ? FF_CHANGED : 0, 0);
}

/* May a call begin here, with no safepoint before it and without passing the limit of depth? */
static inline bool may_go_on(const Machine *m)
{
    return m->depth < m->max_depth && !heap_wants_safepoint(&m->rt->heap);
}

/* Make F, which runs C and is not protected, the frame of another call of C's function where the same type is expected; ARGS are on its
 * own operand stack. */
static inline void again_in_frame(Machine *m, Frame *f, const Chunk *c, const Word *args, bool computed)
{
    m->depth++;
    count_step(m);
    set_locals(f, c, args, c->arity);
    f->flags = (uint8_t)(FF_GOAL | computed * FF_CHANGED);
    f->depth = m->depth;
    assert(word_is_nil(f->slot[SLOT_HELD])); /* only frames that are protected hold something back */
}

/* A frame for the code at START of C, which F runs, with a copy of F's locals; the current frame gets its results. */
static inline Frame *push_block(Machine *m, const Frame *f, Chunk *c, Word type, uint32_t start)
{
    return lay_frame(m, c, f->slot + VM_LOCALS, c->locals, type, f->flags & FF_CHANGED, start);
}

/* Alternatives are left that will give results to F: make the variables of its clause that do not exist yet, which they share.  (Tier 0 makes
 * all when it makes the body.)  Takes time in proportion to their number. */
void make_shared_variables(Machine *m, Frame *f);
/* F, the current frame, is about to be given a result: it, or a copy when it is protected.  See machine_own. */
static inline Frame *own_frame(Machine *m, Frame *f)
{
    if (machine_protects(m, f)) {
        chunk_runs(frame_chunk(f));
        if (!(f->flags & FF_MADE)) make_shared_variables(m, f);
    }
    return machine_own(m, f);
}
/* F, which a choice point protects, is given a result that is not an error: a copy of it becomes current. */
Frame *copy_protected(Machine *m, Frame *f);
/* PARENT, if it is a VM frame that a value which is no error can be given to without further ado, else NULL.  One that a choice point
 * protects becomes current as a copy: there are alternatives, and this one has succeeded.  When the last of them succeeds, that the others have is of no
 * use any more. */
static inline Frame *receiver(Machine *m, Frame *parent)
{
    if (UNLIKELY(parent->kind != FRAME_VM)) return NULL;
    if (machine_protects(m, parent)) return copy_protected(m, parent);
    m->frame = parent;
    if (UNLIKELY(parent->flags & FF_HELD)) return NULL;
    parent->flags &= (uint8_t)~FF_SUCCEEDED;
    machine_touch(m, parent);
    return parent;
}
/* C, the newest choice point: does it hold rows for a frame that asked for them by match_space? */
static inline bool is_row_choice(const Machine *m, const Choice *c)
{
    return c->kind == CHOICE_MATCH && c->frame->kind == FRAME_VM && match_is_bare(c) && !m->rt->debug.derives;
}
/* A row was found for F, the current frame: it, or a copy when it is protected, gets (). */
void give_row(Machine *m, Frame *f);
/* Take the next row of C, such a choice point: the frame that gets it becomes current.  False: there was none, and C is gone. */
bool take_row(Machine *m, Choice *c);
/* Leave a choice point for the alternative at offset ALTERNATIVE of the code that F, the current frame, runs, with the first
 * SAVED of its locals.  The frame moves above it and becomes current again.  TRAIL and KEEP are of the time before anything
 * was bound that the alternative must not see. */
void leave_choice(Machine *m, Frame *f, uint32_t saved, uint32_t alternative, size_t trail, uint64_t keep);
/* Take the alternative of C, the newest choice point: its frame becomes current.  False: it has none any more. */
bool take_choice(Machine *m, Choice *c);

#endif
