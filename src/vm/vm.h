/* Tier 1: the bytecode VM.
 *
 * It runs chunks on frames of the same machine that tier 0 uses.  A call that it does not handle is handed to tier 0 with the
 * frame as continuation, and tier 0 hands calls of compiled functions to it: results, errors and alternatives flow
 * through both alike. */
#ifndef METTA_VM_VM_H
#define METTA_VM_VM_H

#include "code/compile.h"
#include "code/mbc.h"
#include "interp/engine.h"
#include "jit/stats.h"

typedef struct Vm {
    Scope *scope; /* functions are compiled for this scope only */
    Functions functions;
    uint32_t threshold; /* calls before a function is compiled */
    VEC(struct Mbc *)
    programs; /* compiled programs, whose chunks are taken instead of compiling; the owner's */
    uint16_t
        headless_epoch; /* the runtime's inert_epoch when expressions whose head is no symbol were found to be data */
    uint64_t entered; /* calls that came from tier 0 */
    uint64_t interpreter_runs, compilations, expirations;
    JitStats stats;
    uint64_t instructions; /* counted by vm_tier_watched */
#ifdef METTA_OP_COVERAGE
    uint64_t coverage[256]; /* by opcode: how often it ran */
#endif
} Vm;

/* The VM of RT for functions of SCOPE; THRESHOLD calls make a function worth compiling, HOT ones make it hot.  The caller frees it. */
Vm *vm_new(Runtime *rt, Scope *scope, uint32_t threshold, uint32_t hot);
void vm_free(Vm *vm);

/* Engine hooks (see UpperTier in interp/engine.h). */
extern const UpperTier vm_tier;
/* The same; counts and logs each call and instruction (vm/watch.h), which makes it slower. */
extern const UpperTier vm_tier_watched;
/* Which of them VM needs, given what is to be counted and what the log's filter lets pass. */
const UpperTier *vm_tier_for(const Vm *vm);

#endif
