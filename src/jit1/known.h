/* What is known of values where control comes in straight code: which locals and operands are small integers, because an instruction before would have
 * left the code if they were not, or has made them; and that the frame has no FF_CHECK, because it is new.
 *
 * All that is known is a set, a word: a bit for each of the first locals, of the first operands, from the bottom, and KNOWN_UNCHECKED. */
#ifndef METTA_JIT1_KNOWN_H
#define METTA_JIT1_KNOWN_H

#include "code/bytecode.h"
#include "jit1/stencil.h"

enum { KNOWN_LOCALS = 46, KNOWN_OPERANDS = 16 };
#define KNOWN_UNCHECKED (UINT64_C(1) << (KNOWN_LOCALS + KNOWN_OPERANDS))

typedef struct Known {
    const Chunk *c;
    const int32_t *heights; /* by offset */
    uint64_t now;           /* what is known where the next instruction stands */
    uint64_t made, from;    /* MADE is known behind the last one because FROM was before */
    uint64_t *lacks;        /* by offset: what some jump there does not know; 0 at first: there is none */
} Known;

/* LOCAL as a set. */
static inline uint64_t known_local(uint32_t local)
{
    return local < KNOWN_LOCALS ? UINT64_C(1) << local : 0;
}

/* The same of an operand. */
static inline uint64_t known_operand(uint32_t operand)
{
    return operand < KNOWN_OPERANDS ? UINT64_C(1) << (KNOWN_LOCALS + operand) : 0;
}

/* What is known of all but operands from HEIGHT on. */
static inline uint64_t known_below(uint64_t known, int32_t height)
{
    uint32_t left = height < 0 ? 0 : height < KNOWN_OPERANDS ? (uint32_t)height : KNOWN_OPERANDS;
    uint64_t above = ((UINT64_C(1) << (KNOWN_OPERANDS - left)) - 1) << (KNOWN_LOCALS + left);
    return known & ~above;
}

/* Control comes to TARGET from elsewhere; NOW is known there then.  Not for what comes from behind TARGET. */
void known_jump(Known *k, uint32_t target, uint64_t now);
/* The code for IP is about to be laid; FLOWS: control comes to it from the code before. */
void known_place(Known *k, uint32_t ip, bool flows);
/* The locals that the stencil ID, index + 1, for what stands at IP looks at. */
uint64_t known_asked(const Known *k, uint32_t ip, uint32_t id);
/* Of the stencil *ID, index + 1, for what stands at IP, the one for what is known; returns what it takes for granted. */
uint64_t known_use(const Known *k, uint32_t ip, uint32_t *id);
/* The stencil ID, index + 1, is for what stands from IP to END; 0: there is none.  CALLS: that is a call, whose result comes back to the code. */
void known_pass(Known *k, uint32_t ip, uint32_t end, uint32_t id, bool calls);

#endif
