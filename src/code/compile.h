/* Compiler: the rules of a function to bytecode.
 *
 * What it compiles, it compiles exactly; an expression it has no code for becomes a template that tier 0 evaluates on the
 * same stack; a function it has no code for stays in tier 0 altogether, with a reason. */
#ifndef METTA_CODE_COMPILE_H
#define METTA_CODE_COMPILE_H

#include "code/function.h"
#include "code/passes.h"
#include "rt/rt.h"

/* The reason as text; static. */
const char *compile_refusal_text(CompileRefusal r);

/* May code call the operation: is all of it its body, with a fixed number of arguments? */
bool code_may_call(const BuiltinInfo *info);
/* May code run the body itself, without tier 0, and tier 0 call it again when its result is not plain? */
bool code_may_run(const BuiltinInfo *info, uint32_t builtin);
/* Compile function NAME with ARITY arguments as SCOPE's rules define it now; the functions that it calls are looked up in FS.
 * Returns an owned chunk, or NULL and the reason.  WATCH: NULL, or the pass to show. */
Chunk *compile_function(Runtime *rt, Scope *scope, Functions *fs, uint32_t name, uint32_t arity,
                        const PassWatch *watch, CompileRefusal *why);

#endif
