/* What the watched loop of the VM and its hooks count and log (jit/stats.h): calls, exits to tier 0, alternatives. */
#ifndef METTA_VM_WATCH_H
#define METTA_VM_WATCH_H

#include "vm/frame.h"

/* A call of F was due: HAD it bytecode?  What has no rules is data and does not count. */
void watch_lookup(Vm *vm, const Function *f, bool had);
/* C carries out the call of F, its function, with ARGS. */
void watch_call(Vm *vm, Function *f, const Chunk *c, const Word *args);
/* F, which has no chunk, is tier 0's. */
void watch_interpreted(Vm *vm, const Function *f);
/* An alternative has been taken. */
void watch_backtrack(Vm *vm, const Machine *m);

/* An instruction at work. */
typedef struct WatchPlace {
    Machine *m;
    const Frame *frame;
    const Word *sp;    /* the VM's: what it popped is at SP on.  Machine code's: its operands are below */
    const uint8_t *at; /* the instruction */
} WatchPlace;

/* An exit to tier 0 that may come. */
typedef struct WatchExit {
    const Chunk *chunk;
    uint32_t ip;
    BailoutReason reason; /* BAILOUT_NONE: it is none */
    Word found;
    bool perhaps; /* it is one only if tier 0 has something to evaluate */
} WatchExit;

WatchExit watch_exit_of(const WatchPlace *p);
/* Count E, which has come; STEP is what tier 0 is to do. */
void watch_left(Vm *vm, const WatchExit *e, Step step);
/* The VM leaves at P for REASON. */
void watch_left_for(Vm *vm, const WatchPlace *p, BailoutReason reason);

/* Machine code leaves the instruction where F is to the VM: count why, as far as the values tell.  To be called before the
 * VM carries it out. */
void watch_native_exit(Vm *vm, Machine *m, const Frame *f);
/* Machine code leaves F to the VM since a guess was wrong often. */
void watch_wrong_guess(Vm *vm, const Frame *f);
/* Native code gives the result of F to a frame that it cannot go on in: an exit, unless that gathers results, which C does.  (Operands of the instruction at work are not where the VM has them.) */
void watch_yielded(Vm *vm, const Frame *f, uint32_t ip);
/* C has done for machine code what the instruction of C at IP does, with the outcome STEP: count an exit if that is for another tier.
 * Linear in the number of chunks. */
void watch_step_taken(Vm *vm, const Machine *m, const Chunk *c, uint32_t ip, Step step);
/* Machine code leaves the current frame to the VM, since its own is no more. */
void watch_invalidated(Vm *vm, const Machine *m);

#endif
