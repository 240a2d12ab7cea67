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
/* Another one: the frame that left it is right below, as it was before its call, but for its locals and what a collection would have changed; its
 * size is in LIMIT. */
enum { CHOICE_ABOVE = 1 };

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

/* -- Words of frames --
 *
 * A processor waits when it loads what has just been stored piece by piece, or more than one store has left.  So headers are stored as whole
 * words, and what may just have been stored word by word is copied so. */

/* Copy the 64 bits at FROM, whatever they are. */
static inline void copy_word(void *to, const void *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    __asm__("" : : : "memory");
}
/* The first word of F: kind, flags, operands, count. */
static inline uint64_t frame_first(const Frame *f)
{
    uint64_t first;
    memcpy(&first, f, sizeof first);
    return first;
}
/* The same for a frame that begins to run C. */
static inline uint64_t first_word(const Chunk *c, unsigned flags)
{
    assert(c->sizes == ((uint64_t)c->max_stack << 16 | (uint64_t)(c->locals + c->max_stack) << 32));
    return c->sizes + (FRAME_VM | flags << 8 | (uint64_t)VM_LOCALS << 32);
}
/* F begins with FIRST, is to go on at INDEX (frame_save), and no collection has visited it. */
static inline void frame_begin(Frame *f, uint64_t first, uint32_t index)
{
    uint64_t second = index;
    memcpy(f, &first, sizeof first);
    memcpy(&f->index, &second, sizeof second);
}
/* Give TO the parent, depth and head of FROM, and the slots before its locals but what it holds back.  From the last on, for TO may begin in FROM. */
static inline void copy_call(Frame *to, const Frame *from)
{
    copy_word(&to->slot[VM_NATIVE], &from->slot[VM_NATIVE]);
    copy_word(&to->slot[VM_CHUNK], &from->slot[VM_CHUNK]);
    copy_word(&to->slot[VM_TYPE], &from->slot[VM_TYPE]);
    copy_word(&to->parent, &from->parent);
    copy_word(&to->depth, &from->depth);
}
_Static_assert(offsetof(Frame, kind) == 0 && offsetof(Frame, flags) == 1 && offsetof(Choice, kind) == 0 &&
                   offsetof(Choice, flags) == 1 && offsetof(Choice, count) == 4,
               "words of headers");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first field is in the lowest bits");
_Static_assert(offsetof(Frame, gc_mark) == offsetof(Frame, index) + 4 &&
                   offsetof(Frame, head) == offsetof(Frame, depth) + 4,
               "copied together");

/* -- Frames -- */

/* Set the locals of F, which is to run C: the first N from FROM, which may lie above them or be they, the others to nothing. */
static inline void set_locals(Frame *f, const Chunk *c, const Word *from, uint32_t n)
{
    Word *locals = f->slot + VM_LOCALS;
    /* Two at a time would wait for what has just been stored one by one; and they are too few for a call of memmove.  Perhaps one too
     * many, here and below: the stack goes on. */
    uint32_t i = 0;
    do {
        locals[i] = from[i];
        __asm__("" : : : "memory");
    } while (++i < n);
    if (n >= c->locals) return;
    Word *at = locals + n, *end = locals + c->locals;
    at[0] = at[1] = WORD_NIL;
    for (at += 2; at < end; at += 4) at[0] = at[1] = at[2] = at[3] = WORD_NIL;
}

/* Lay the frame F for C, whose results PARENT gets, with the first N of its locals, which may overlap it. */
static inline void lay_frame_at(Machine *m, Frame *f, Frame *parent, uint32_t depth, Chunk *c,
                                const Word *locals, uint32_t n, Word type, unsigned flags, uint32_t start)
{
    machine_touch(m, f);
    /* First the locals: in a tail call, or when a choice point is taken, they lie above their new place, where the frame is being laid. */
    set_locals(f, c, locals, n);
    frame_begin(f, first_word(c, (uint8_t)(FF_GOAL | flags)), start << 16);
    f->depth = depth;
    f->head = c->name;
    f->parent = parent;
    f->slot[SLOT_HELD] = WORD_NIL;
    f->slot[VM_TYPE] = type;
    f->slot[VM_CHUNK] = word_from_ptr(TAG_RAW, c);
    f->slot[VM_NATIVE] = 0;
}

/* The same on top of the stack; it becomes current. */
static inline Frame *lay_frame(Machine *m, Chunk *c, const Word *locals, uint32_t n, Word type,
                               unsigned flags, uint32_t start)
{
    Frame *f = (Frame *)machine_top(m);
    lay_frame_at(m, f, m->frame, m->depth, c, locals, n, type, flags, start);
    m->head = c->name;
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
/* A copy of F, which a choice point protects, becomes current, but for the slots from its locals on.  See copy_frame. */
static inline Frame *begin_copy(Machine *m, const Frame *f)
{
    chunk_runs(frame_chunk(f));
    Frame *copy = (Frame *)m->choice->top;
    assert((char *)copy >= frame_end(f));
    machine_touch(m, copy);
    frame_begin(copy, frame_first(f) & ~(uint64_t)((FF_SUCCEEDED | FF_HELD) << 8), f->index);
    copy_call(copy, f);
    copy->slot[SLOT_HELD] = WORD_NIL;
    m->frame = copy;
    return copy;
}
/* F, which a choice point protects, is about to be given a result: a copy of it becomes current.  See machine_own. */
static inline Frame *copy_frame(Machine *m, Frame *f)
{
    if (!(f->flags & FF_MADE)) make_shared_variables(m, f);
    Frame *copy = begin_copy(m, f);
    /* Four at a time, for they were not written just now.  Some too many are no harm: the stack goes on. */
    for (uint32_t i = VM_LOCALS, n = frame_live(f); i < n; i += 4)
        memcpy(copy->slot + i, f->slot + i, 4 * sizeof(Word));
    return copy;
}
/* F, the current frame, is about to be given a result: it, or a copy when it is protected. */
static inline Frame *own_frame(Machine *m, Frame *f)
{
    return machine_protects(m, f) ? copy_frame(m, f) : machine_own(m, f);
}
/* F, which a choice point protects, is given a result that is not an error: a copy of it becomes current. */
static inline Frame *copy_protected(Machine *m, Frame *f)
{
    Frame *copy = copy_frame(m, f);
    f->flags |= FF_SUCCEEDED;
    return copy;
}
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
/* C, the newest choice point: does it hold rows for a frame that asked for them by match_space?  Of a conjunction some are for those of its patterns
 * that are not bound yet. */
static inline bool is_row_choice(const Machine *m, const Choice *c)
{
    return c->kind == CHOICE_MATCH && c->frame->kind == FRAME_VM && match_is_bare(c) && !m->rt->debug.derives;
}
/* Give VALUE, which is no error, to F, the current frame and one that waits for it: it, or a copy when it is protected. */
void give_here(Machine *m, Frame *f, Word value);
/* Take the next row of C, such a choice point: the frame that gets it becomes current.  False: the newest alternative is to be taken, which may be C again, or one
 * of what C has left above it for other conjuncts. */
bool take_row(Machine *m, Choice *c);
/* C, the newest choice point: does it hold results of a call for a frame of bytecode that takes any? */
static inline bool is_item_choice(const Choice *c)
{
    return c->kind == CHOICE_LIST && c->frame->kind == FRAME_VM && !c->flags &&
           c->slot[LIST_TYPE] == W_SYM(UNDEFINED);
}
/* Give the next item of C, such a choice point, to that frame, which becomes current.  False: tier 0 has to look at it, and C is as it was. */
bool take_item(Machine *m, Choice *c);
/* The first word of a CHOICE_VM with FLAGS of its own that saves SAVED locals: kind, flags, count. */
static inline uint64_t choice_first(unsigned flags, uint32_t saved)
{
    return flags << 8 | CHOICE_VM | (uint64_t)(CV_LOCALS + saved) << 32;
}
/* Lay C, which begins with FIRST, ends at TOP and becomes the newest choice point, for the alternative at offset ALTERNATIVE of the code that F
 * runs; the locals that it saves are to be put there.  LIMIT: how far C is above F, if F stays where it is. */
static inline void lay_choice(Machine *m, Choice *c, const Frame *f, uint32_t depth, uint64_t first,
                              uint32_t alternative, uint32_t limit, char *top, size_t trail, uint64_t keep)
{
    uint64_t all = first | (frame_first(f) & FF_CHANGED << 8);
    memcpy(c, &all, sizeof all);
    c->index = alternative;
    c->limit = limit;
    c->prev = m->choice;
    c->frame = f->parent;
    c->top = top;
    c->trail = trail;
    c->keep = c->born = keep;
    c->depth = depth;
    c->head = f->head;
    c->scope = m->scope;
    c->slot[CV_TYPE] = f->slot[VM_TYPE];
    c->slot[CV_CHUNK] = f->slot[VM_CHUNK];
    m->choice = c;
    m->rt->bind.keep = keep;
    if (UNLIKELY((++m->choices & (STEPS_PER_SAFEPOINT - 1)) == 0)) heap_interrupt(&m->rt->heap);
}
/* A choice point at PLACE for the alternative at offset ALTERNATIVE of CODE, which F, the current frame, runs with no operands; the first
 * SAVED of its locals are for the alternative.  The frame moves behind it, to go on at INDEX (frame_save); there is nothing above F but what is
 * below PLACE.  DEPTH is the machine's: calls that were carried out in place are deeper than their frame. */
static inline Frame *put_choice(Machine *m, char *place, const Frame *f, uint32_t depth, uint32_t index,
                                const Chunk *code, uint32_t saved, uint32_t alternative, size_t trail,
                                uint64_t keep)
{
    Choice *c = (Choice *)place;
    Frame *moved = (Frame *)(c->slot + CV_LOCALS + saved);
    /* From the last on, for they may overlap. */
    const Word *from = f->slot + VM_LOCALS + code->locals;
    Word *to = moved->slot + VM_LOCALS + code->locals;
    while (from > f->slot + VM_LOCALS) copy_word(--to, --from);
    copy_call(moved, f);
    copy_word(&moved->slot[SLOT_HELD], &f->slot[SLOT_HELD]);
    frame_begin(moved, frame_first(f), index);
    lay_choice(m, c, moved, depth, choice_first(CHOICE_RETRY, saved), alternative, 0, (char *)moved, trail,
               keep);
    from = moved->slot + VM_LOCALS;
    for (to = c->slot + CV_LOCALS; to < (Word *)moved; to++, from++) copy_word(to, from);
    return moved;
}
/* Leave a choice point for the alternative at offset ALTERNATIVE of the code that F, the current frame, runs, with the first
 * SAVED of its locals.  The frame moves above it and becomes current again.  TRAIL and KEEP are of the time before anything
 * was bound that the alternative must not see. */
void leave_choice(Machine *m, Frame *f, uint32_t saved, uint32_t alternative, size_t trail, uint64_t keep);
/* F, which left C and is right below, is to run the alternative in CHUNK. */
static inline Frame *reset_frame(Machine *m, Frame *f, const Choice *c, const Chunk *chunk)
{
    machine_touch(m, f);
    uint64_t second = (uint64_t)c->index << 16;
    memcpy(&f->index, &second, sizeof second);
    f->flags = (uint8_t)(FF_GOAL | (c->flags & (FF_CHANGED | CHOICE_RETRY)));
    f->slot[VM_TYPE] = c->slot[CV_TYPE];
    /* Last, for it may write over the beginning of C. */
    set_locals(f, chunk, c->slot + CV_LOCALS, c->count - CV_LOCALS);
    return f;
}
/* Take the alternative of C, the newest choice point, which is not done: its frame takes the place of C, unless a choice point that was put in
 * below C since then lies above it (held-back errors).  The machine's registers are left to who makes it current. */
static inline Frame *retake_frame(Machine *m, Choice *c)
{
    Chunk *chunk = word_ptr(c->slot[CV_CHUNK]);
    if (UNLIKELY(m->rt->bind.trail.len > c->trail)) bind_undo(&m->rt->bind, c->trail);
    m->scope = c->scope;
    machine_drop(m, c);
    char *place = c->flags & CHOICE_ABOVE ? (char *)c - c->limit : (char *)c;
    if (LIKELY((c->flags & CHOICE_ABOVE) && m->choice->top <= place))
        return reset_frame(m, (Frame *)place, c, chunk);
    Frame *f = (Frame *)(m->choice->top > place ? m->choice->top : place);
    /* What is needed of C is read before it is written over. */
    lay_frame_at(m, f, c->frame, c->depth, chunk, c->slot + CV_LOCALS, c->count - CV_LOCALS, c->slot[CV_TYPE],
                 c->flags & (FF_CHANGED | CHOICE_RETRY), c->index);
    return f;
}
/* Take the alternative of C, the newest choice point: its frame becomes current.  False: it has none any more. */
bool take_choice(Machine *m, Choice *c);

#endif
