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
    void *above; /* the state of the tier above, which owns it, or NULL */
    bool (*make_native)(
        struct Vm *vm, Chunk *c); /* make machine code for C, which is hot; false when that is not possible */
    uint64_t instructions;        /* counted by vm_tier_watched */
#ifdef METTA_OP_COVERAGE
    uint64_t coverage[256]; /* by opcode: how often it ran */
#endif
} Vm;

/* The VM of RT for functions of SCOPE; THRESHOLD calls make a function worth compiling, HOT ones make it hot.  The caller frees it. */
Vm *vm_new(Runtime *rt, Scope *scope, uint32_t threshold, uint32_t hot);
void vm_free(Vm *vm);

/* For the tier above, if there is one: carry out the instructions in the next LENGTH bytes of the current frame, one or the parts of a
 * fusion.  STEP_VM: go on in the frame that is current then, whoever runs it. */
Step vm_step(Machine *m, uint32_t length);
/* Is there machine code for C?  It is made when C has run often enough. */
static inline bool vm_is_native(Vm *vm, Chunk *c)
{
    if (c->native) return true;
    return c->runs >= vm->stats.hot && !c->no_native && !c->stale && vm->make_native(vm, c);
}
/* A call of C begins, an alternative in it, or a round of a loop; or a frame of C goes on with another result of what it has called.  (So code
 * that is called once but searches for long gets hot as well.) */
static inline void chunk_runs(Chunk *c)
{
    c->runs += c->runs < UINT32_MAX;
}
/* A call of C begins, which machine code may carry out if there is any. */
static inline bool vm_begins_native(Vm *vm, Chunk *c)
{
    if (vm_is_native(vm, c)) return true;
    chunk_runs(c);
    return false;
}

/* Engine hooks (see UpperTier in interp/engine.h). */
extern const UpperTier vm_tier;
/* The same; counts and logs each call and instruction (vm/watch.h), which makes it slower. */
extern const UpperTier vm_tier_watched;
/* Is every call counted or logged? */
static inline bool vm_is_watched(const Vm *vm)
{
    const Log *log = vm->stats.log;
    return vm->stats.exact || log_on(log, LOG_TARGET_JIT_EXECUTE, LOG_TRACE) ||
           log_on(log, LOG_TARGET_JIT_BACKTRACK, LOG_DEBUG);
}
/* Is every exit of machine code? */
static inline bool vm_tells_bailouts(const Vm *vm)
{
    return vm->stats.exact || vm->stats.verbose || log_on(vm->stats.log, LOG_TARGET_JIT_EXECUTE, LOG_WARN);
}
/* Which hooks VM needs, given what is to be counted, what the log's filter lets pass, and whether there is a tier above: then it leaves with
 * STEP_VM when a frame is current whose chunk has machine code. */
const UpperTier *vm_tier_for(const Vm *vm);

#endif
