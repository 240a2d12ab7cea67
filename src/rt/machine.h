/* The machine state of one evaluation: plain data shared by all engines.
 *
 * One stack holds frames (continuations) and choice points.  A frame is what to do with a result; its parent lies below
 * it.  A choice point is an alternative not yet taken; while it exists, every frame below it is protected: it may be
 * resumed again, so whoever resumes a protected frame copies it first (machine_own).  No C frame ever
 * holds an alternative, and no MeTTa call nests the C stack.
 *
 * A new frame or choice point is placed above both the current frame and the newest choice point, so parents always lie
 * below children, and everything above the newest of the two is free. */
#ifndef METTA_RT_MACHINE_H
#define METTA_RT_MACHINE_H

#include "rt/rt.h"

typedef enum FrameKind {
#define FRAME(id, ...) FRAME_##id,
#include "rt/frames.inc"
#undef FRAME
    FRAME_COUNT
} FrameKind;

#define NO_HEAD UINT32_MAX

enum {
    FF_GOAL = 1, /* receives the results of a complete evaluation: holds error results back */
    FF_CHANGED =
        4, /* ARGS: an item is not what it was; where a goal waits for its result: m->changed of that goal */
    FF_SUCCEEDED = 2, /* this goal has delivered a result that is not an error, and may deliver more */
    FF_HELD = 32,     /* SLOT_HELD may hold something */
};

typedef struct Frame {
    uint8_t kind;
    uint8_t flags;
    uint16_t operands; /* FRAME_VM: slots at the end for operands */
    uint32_t count;    /* slots */
    uint32_t index;    /* progress: next argument, item ...; FRAME_VM: see frame_save */
    uint32_t gc_mark;  /* collection that last visited this frame */
    uint32_t depth;    /* logical nesting of reductions when it was pushed */
    uint32_t head;     /* symbol of the function whose body it belongs to */
    struct Frame *parent;
    Word slot[];
} Frame;

/* Slot 0 of every FF_GOAL frame: held-back errors, a list (error (rest ...)) or WORD_NIL. */
enum { SLOT_HELD = 0 };

typedef enum ChoiceKind {
#define CHOICE(id, ...) CHOICE_##id,
#include "rt/frames.inc"
#undef CHOICE
    CHOICE_COUNT
} ChoiceKind;

typedef struct Choice {
    uint8_t kind;
    uint8_t flags;
    bool changed; /* what the machine's is when the alternative is taken */
    uint8_t unused;
    uint32_t count; /* slots */
    uint32_t index; /* next alternative of a list, space of the scope ... */
    uint32_t
        limit; /* CHOICE_MATCH: number of spaces to search; CHOICE_VM: see vm/frame.h; for a debugger: see interp/engine.h */
    struct Choice *prev;
    Frame *frame; /* continuation of the alternative */
    char *top;    /* the stack below is protected */
    size_t trail;
    uint64_t
        keep; /* bindings of cells with smaller serials must be undone: they existed when it was made, or results hold them */
    uint64_t born; /* cells with smaller serials existed when it was made */
    uint32_t depth, head;
    Scope *scope;
    union {
        Cursor cursor;
        RuleCursor rules;
        Frame *owner; /* CHOICE_HELD, barriers: the goal frame they belong to */
    } u;
    Word slot[];
} Choice;

struct Machine {
    Runtime *rt;
    char *stack, *stack_end;
    Frame *frame;   /* current continuation */
    Choice *choice; /* newest choice point; never NULL while running */
    Scope *scope;
    uint32_t depth, max_depth;
    uint32_t
        fuel; /* calls that machine code may make from when it was entered until it must look at the limits */
    char *floor;   /* of the stack, for machine code (jit1/native.h) */
    bool told;     /* alternatives that are taken are told, so that machine code leaves that to others */
    uint32_t head; /* symbol of the function whose body is being evaluated, NO_HEAD at the top of a query */
    /* Registers: the atom being evaluated, the type expected of it (WORD_NIL: minimal instruction), the result. */
    Word atom, type, value;
    bool changed;        /* the call at work has items that evaluation changed */
    Word same_as;        /* VALUE stands for this very expression, found irreducible; else WORD_NIL */
    Word made, made_of;  /* the goal made last of evaluated items, and the expression whose items they are */
    Word entered;        /* the goal that the tier above has begun last for tier 0 */
    uint64_t entered_at; /* steps: it is at work as long as they are no more */
    char *clean;         /* stack below was visited by the last collection and not changed since */
    uint32_t gc_epoch;
    uint64_t steps;
    uint64_t choices;        /* choice points made */
    uint64_t other_steps;    /* of the steps: those that are no calls carried out by chunks */
    Machine *outer;          /* the machine that this one was started from */
    Word abort_cause;        /* not WORD_NIL: the run ends with this cause */
    WordVec results;         /* of the query being run */
    const Space *rule_space; /* where the rule applied last is, and which it was */
    uint32_t rule;
};

/* Reserve a stack of SIZE bytes of address space, or of fewer if there are not as many (base_reserve); false when that fails. */
bool machine_init(Machine *m, Runtime *rt, size_t size);
void machine_fini(Machine *m);
/* Make M as new, to be used again. */
void machine_reset(Machine *m);
/* Bytes of stack in use. */
size_t machine_stack_bytes(const Machine *m);
/* Visit all words of the machine (collector root), the trail excepted. */
void machine_trace(Machine *m, Heap *h, bool major);
/* Before a collection: forget the resolved copies that cells are bound to in place of what they were made from, unless they are few.  Those that stay
 * are still known when the next alternatives meet them. */
void machine_forget_resolved(Bind *b);
/* Visit and trim the trail; M is the innermost machine, whose chain of choice points goes on into the outer ones. */
void machine_trace_trail(Machine *m, Heap *h, bool major);

/* Where a FRAME_VM goes on in its code, and how many operands it holds: in one number, so that saving both is one store. */
static inline void frame_save(Frame *f, uint32_t ip, uint32_t operands)
{
    f->index = ip << 16 | operands;
}
static inline uint32_t frame_ip(const Frame *f)
{
    return f->index >> 16;
}
static inline uint32_t frame_operands(const Frame *f)
{
    return f->index & UINT16_MAX;
}

static inline char *frame_end(const Frame *f)
{
    return (char *)(f->slot + f->count);
}
/* Slots of F in use: all but the free operands of a FRAME_VM. */
static inline uint32_t frame_live(const Frame *f)
{
    return f->kind == FRAME_VM ? f->count - f->operands + frame_operands(f) : f->count;
}
static inline char *machine_top(const Machine *m)
{
    char *a = frame_end(m->frame), *b = m->choice->top;
    return a > b ? a : b;
}
/* Is F protected by a choice point?  Then it must not be changed: see machine_own. */
static inline bool machine_protects(const Machine *m, const Frame *f)
{
    return (const char *)m->choice > (const char *)f;
}
static inline void machine_touch(Machine *m, void *p)
{
    if ((char *)p < m->clean) m->clean = (char *)p;
}

/* Push a frame with COUNT slots, all WORD_NIL, as the current one. */
Frame *machine_push(Machine *m, FrameKind kind, unsigned flags, uint32_t count);
/* What F knows of the goal that has just given its result is of no use to the next one. */
static inline void frame_begin_goal(Frame *f)
{
    if (f->flags & FF_GOAL) f->slot[SLOT_HELD] = WORD_NIL;
    f->flags &= (uint8_t)~(FF_SUCCEEDED | FF_HELD);
}
/* The current frame F, or a copy of it above the choice points when it is protected; it becomes current. */
Frame *machine_own(Machine *m, Frame *f);
/* Push a choice point with COUNT slots that resumes in the current frame and scope. */
Choice *machine_choice(Machine *m, ChoiceKind kind, uint32_t count);
/* Remove the newest choice point. */
static inline void machine_drop(Machine *m, Choice *c)
{
    assert(m->choice == c);
    m->choice = c->prev;
    m->rt->bind.keep = m->choice->keep;
}
/* Put the state back to what it was when C, the newest choice point, was made. */
static inline void machine_restore(Machine *m, Choice *c)
{
    assert(m->choice == c);
    if (m->rt->bind.trail.len > c->trail) bind_undo(&m->rt->bind, c->trail);
    m->frame = c->frame;
    m->scope = c->scope;
    m->depth = c->depth;
    m->head = c->head;
    m->changed = c->changed;
}
/* Room left for SIZE more bytes? */
static inline bool machine_has_room(const Machine *m, size_t size)
{
    return (size_t)(m->stack_end - machine_top(m)) > size + 4096;
}

#endif
