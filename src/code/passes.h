/* Passes: what is done to the code of a function between the compiler and code_encode.
 *
 * A pass rewrites instructions, never what they mean.  Two things beside jumps refer to instructions: a frame that
 * waits for a result goes on behind the instruction that asked for it, and an expression of a stale chunk is left at its first
 * instruction and goes on at its end.  So an instruction at which an expression begins must stay what control comes to first. */
#ifndef METTA_CODE_PASSES_H
#define METTA_CODE_PASSES_H

#include "code/code.h"

typedef enum PassId {
#define PASS(id, name, doc) PASS_##id,
#include "code/passes.inc"
#undef PASS
    PASS_COUNT
} PassId;

/* Print the code before and after one pass. */
typedef struct PassWatch {
    PassId pass;
    const Names *names;
    Buf *out;
} PassWatch;

/* The pass called NAME (LEN bytes), or PASS_COUNT. */
PassId pass_find(const char *name, size_t len);
const char *pass_name(PassId id);
/* Run all passes on CODE, whose tables are CHUNK's.  WATCH: NULL, or which pass to show. */
void passes_run(Code *code, Chunk *chunk, const PassWatch *watch);

#define PASS(id, name, doc) void pass_##id(Code *code, Chunk *chunk);
#include "code/passes.inc"
#undef PASS

/* -- What passes share -- */

/* For each instruction: does an expression begin there?  To be freed. */
bool *code_starts(const Code *code);
/* For each instruction: may control come to it by a jump or the case of a switch?  To be freed. */
bool *code_targets(const Code *code, const Chunk *chunk);
/* As code_drop; expressions that begin at what is dropped are forgotten. */
void code_remove(Code *code, const bool *drop);
/* Is the code well formed as far as labels and operands go?  Linear. */
bool code_is_sound(const Code *code, const Chunk *chunk);

#endif
