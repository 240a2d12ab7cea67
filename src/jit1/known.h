/* What is known of values where control comes in straight code: which locals are small integers, because an instruction before would have
 * left the code if they were not.
 *
 * Sets of locals are words, bit by bit; of what is beyond KNOWN_LOCALS nothing is known. */
#ifndef METTA_JIT1_KNOWN_H
#define METTA_JIT1_KNOWN_H

#include "jit1/bytecode.h"
#include "jit1/stencil.h"

enum { KNOWN_LOCALS = 63 };
/* The operand on top, which is in a register. */
#define KNOWN_TOP (UINT64_C(1) << KNOWN_LOCALS)

typedef struct Known {
    const Chunk *c;
    uint64_t now;    /* what is known where the next instruction stands */
    uint64_t *lacks; /* by offset: what some jump there does not know; KNOWN_TOP: there is a jump there */
} Known;

/* LOCAL as a set. */
static inline uint64_t known_local(uint32_t local)
{
    return local < KNOWN_LOCALS ? UINT64_C(1) << local : 0;
}

void known_init(Known *k, const Chunk *c);
void known_fini(Known *k);
/* Control comes to TARGET from elsewhere; NOW is known there then.  Not for what comes from behind TARGET. */
static inline void known_jump(Known *k, uint32_t target, uint64_t now)
{
    k->lacks[target] |= ~now | KNOWN_TOP;
}
/* The code for IP is about to be laid; FLOWS: control comes to it from the code before. */
void known_place(Known *k, uint32_t ip, bool flows);
/* Of the stencil *ID, index + 1, for what stands at IP, the one for what is known; returns what it takes for granted. */
uint64_t known_use(const Known *k, uint32_t ip, uint32_t *id);
/* The stencil ID, index + 1, is for what stands from IP to END; 0: there is none.  CALLS: that is a call, whose result comes back to the code. */
void known_pass(Known *k, uint32_t ip, uint32_t end, uint32_t id, bool calls);

#endif
