/* What machine code and the C code around it agree on.
 *
 * Machine code keeps in registers: the machine, the current frame, up to two operands from the top of the stack, and what it would otherwise
 * load and store at each call:
 *
 *   fuel    calls that it may still make before it must look at the limits, the nursery and the clock
 *   depth   m->depth
 *   floor   frames from here on are protected by no choice point and were made since the last collection, or touched: the current
 *           one is among them
 *
 * Everything else is where the VM has it, so any instruction can be left for the VM.  A frame with FF_CHECK is the VM's to its end, unless the
 * code looks out for that (Layout.checks). */
#ifndef METTA_JIT1_NATIVE_H
#define METTA_JIT1_NATIVE_H

#include "vm/pieces.h"

/* What FLOOR is now. */
static inline char *machine_floor(const Machine *m)
{
    return m->choice->top > m->clean ? m->choice->top : m->clean;
}

/* Where machine code goes on, and with what. */
typedef struct Target {
    const void *code;
    uint64_t value;
} Target;

/* The beginning of a Native, which machine code may read: where it begins, and ways in by offset, as bytes from there. */
typedef struct Ways {
    const char *code;
    const uint32_t *map;
} Ways;

/* The code for the alternative of C, the newest choice point, with FUEL left, if it can be taken with nothing else to be done; or NULL. */
static inline const Ways *easy_ways(const Machine *m, const Choice *c, uint64_t fuel)
{
    if (UNLIKELY(c->kind != CHOICE_VM || (c->flags & CHOICE_DONE))) return NULL;
    if (UNLIKELY(m->told || heap_wants_safepoint(&m->rt->heap))) return NULL;
    if (UNLIKELY(fuel > m->max_depth - c->depth)) return NULL;
    return (const Ways *)((const Chunk *)word_ptr(c->slot[CV_CHUNK]))->native;
}

/* With a length: the instructions are left to the VM only because a guess of theirs was wrong often. */
enum { STEP_WRONG = 1 << 16 };
/* How far it is from BACK, where a result of a call goes, to code for a frame that takes it where it is (jit1/inplace.h): it stands right before
 * that place.  0: there is none. */
static inline uint32_t way_to_stay(const void *back)
{
    uint32_t way;
    memcpy(&way, (const char *)back - sizeof way, sizeof way);
    return way;
}

/* Called by machine code.  Carry out the LENGTH bytes of instructions of F at AT (as frame_save has it), 0: the one there, and go on. */
Target jit1_step(Machine *m, Frame *f, uint32_t at, uint32_t length, uint64_t depth, uint64_t fuel);
/* The same; NULL as code: go on behind them. */
Target jit1_along(Machine *m, Frame *f, uint32_t at, uint32_t length, uint64_t depth, uint64_t fuel);
/* STEP was taken on behalf of the instruction of F at AT; F is saved, to be given its result. */
Target jit1_leave(Machine *m, Frame *f, uint32_t at, Step step, uint64_t fuel);
/* Before C takes a step on behalf of F: what is in registers is put where that expects it, but for m->frame. */
void jit1_close(Machine *m, Frame *f, uint64_t depth, uint64_t fuel);
/* That was STEP, for the instruction of C at IP; F is saved, to be given its result, or gone, and if C has run a program the chunk may be, too. */
Target jit1_take(Machine *m, const Chunk *c, uint32_t ip, Step step, uint64_t fuel);
/* F gives the call that it carries out, by the instruction at IP. */
Target jit1_stuck(Machine *m, Frame *f, uint32_t ip, uint64_t depth, uint64_t fuel);
/* F gives template TEMPLATE, evaluated, by the instruction at AT.  NULL as code: it is a value, which its caller takes and is yet to be given. */
Target jit1_evaluate(Machine *m, Frame *f, uint32_t template, uint32_t at, uint64_t depth, uint64_t fuel);
/* tell_breakpoint and tell_trace. */
bool jit1_breakpoint(Machine *m, Word condition);
void jit1_trace(Machine *m, Word message, Word value);
/* push_block in what F runs. */
void jit1_block(Machine *m, Frame *f, Word type, uint32_t start);
/* A variable named NAME. */
Word jit1_new_var(Heap *h, uint32_t name);
/* Take the newest alternative, with FUEL left, if that is one of machine code and nothing else is to be done: where to go on in the
 * current frame, and the fuel left then.  NULL as code: none was taken, though some may have turned out to be none. */
Target jit1_alternative(Machine *m, uint64_t fuel);
/* Take the newest alternative. */
Target jit1_fail(Machine *m, Frame *f, uint64_t depth, uint64_t fuel);
/* The instruction of F at AT gives VALUE to its parent, which is any frame. */
Target jit1_yield(Machine *m, Frame *f, Word value, uint32_t at, uint64_t depth, uint64_t fuel);
/* Give VALUE to F, a frame that gathers results, if nobody is to be told: then the newest alternative is to be taken. */
bool jit1_gather(Machine *m, const Frame *f, Word value);
/* Give VALUE to F, which waits for it, but not where it said. */
Target jit1_given(Machine *m, Frame *f, Word value, uint64_t depth, uint64_t fuel);

#endif
