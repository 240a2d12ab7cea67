/* Tier 1: the bytecode VM.
 *
 * It runs chunks on frames of the same machine that tier 0 uses.  A call that it does not handle is handed to tier 0 with the
 * frame as continuation, and tier 0 hands calls of compiled functions to it: results, errors and alternatives flow
 * through both alike. */
#ifndef METTA_VM_VM_H
#define METTA_VM_VM_H

#include "code/chunk.h"
#include "code/compile.h"
#include "interp/engine.h"

/* Slots of a VM frame.  Locals follow, then the operand stack; index is the number of operands. */
enum { VM_TYPE = 1, VM_CHUNK, VM_IP, VM_LOCALS };

/* What is known of one function symbol; a function with several numbers of arguments is compiled for the first only. */
typedef struct FunctionCell {
    uint32_t arity;
    uint32_t runs;  /* calls in tier 0 since the rules last changed */
    uint64_t epoch; /* of rules and types that CHUNK or REFUSAL stands for */
    Chunk *chunk;
    CompileRefusal refusal;
    bool seen;
} FunctionCell;

typedef struct Vm {
    Scope *scope;            /* functions are compiled for this scope only */
    VEC(FunctionCell) cells; /* by symbol id */
    VEC(Chunk *) chunks;     /* all that may still be on a stack */
    uint32_t threshold;      /* calls before a function is compiled */
    uint64_t bytecode_runs, interpreter_runs, compilations;
} Vm;

/* The VM for functions of SCOPE; THRESHOLD calls make a function worth compiling.  The caller frees it. */
Vm *vm_new(Scope *scope, uint32_t threshold);
void vm_free(Vm *vm);

/* Engine hooks (see UpperTier in interp/engine.h). */
extern const UpperTier vm_tier;

/* The chunk of NAME as it is now, compiled if need be; NULL and the reason when it cannot be. */
const Chunk *vm_function(Runtime *rt, uint32_t name, uint32_t arity, CompileRefusal *why);

#endif
