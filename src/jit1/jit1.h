/* Tier 2: machine code for chunks, one stencil per instruction or fusion.
 *
 * It shares frames, choice points and everything else with the VM, and leaves to it whatever is rare, one instruction at a time: a frame can
 * be run by either at any moment.  A chunk gets code when it was called often enough; the code goes when the chunk expires, or to make room. */
#ifndef METTA_JIT1_JIT1_H
#define METTA_JIT1_JIT1_H

#include "vm/vm.h"

typedef struct Jit1 Jit1;

typedef struct Jit1Config {
    uint32_t cache_bytes; /* of machine code, at most; 0: 16 MiB */
    bool perf;            /* write what gets code to files for perf (jit1/perf.h) */
    bool debug;           /* tell gdb of it */
    uint32_t force_exit;  /* the guard of each piece of code that always fails, UINT32_MAX for all; 0: none */
    uint32_t cache_entries; /* chunks with machine code, at most; 0: as many as there is room for */
} Jit1Config;

/* Put the tier on top of VM.  NULL when machine code cannot be had here; *REASON says why, a static text.  The caller frees it, before VM. */
Jit1 *jit1_new(Vm *vm, const Jit1Config *config, const char **reason);
void jit1_free(Jit1 *j);
/* Append the listing of F's machine code, or that it has none. */
void jit1_list(const Jit1 *j, const Function *f, Buf *out);
/* Its hooks, for rt->upper_tier; to be asked for again whenever those of the VM may be others (vm_tier_for). */
const UpperTier *jit1_tier(Jit1 *j);

#endif
