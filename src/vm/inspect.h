/* Values and frames in the log, for whoever debugs compiled code: called by breakpoints and traces in it, and by hand from a debugger.
 * The names are those of the debug guide.  Target: mettatron::jit::runtime::debug, level trace. */
#ifndef METTA_VM_INSPECT_H
#define METTA_VM_INSPECT_H

#include "vm/frame.h"

/* Is anybody listening? */
static inline bool jit_runtime_debug_on(const Machine *m)
{
    return log_on(&m->rt->log, LOG_TARGET_JIT_DEBUG, LOG_TRACE);
}
/* Log VALUE: its text and its bits. */
void jit_runtime_debug_print(Machine *m, Word value);
/* Log the operands of the current frame, if it is one of compiled code, by index, then its locals. */
void jit_runtime_debug_stack(Machine *m);

#endif
