/* What the debugging operations do, apart from how a tier calls them: their blocks in debug.inc and the instructions of other
 * tiers come here, so that all tiers say the same. */
#ifndef METTA_BUILTIN_DEBUG_H
#define METTA_BUILTIN_DEBUG_H

#include "rt/rt.h"

/* (trace! MESSAGE VALUE): print MESSAGE to standard error, and log both on mettatron::vm::trace.  Linear in the size of
 * MESSAGE, in that of VALUE only while the target is on.  Does not allocate in the heap. */
void debug_trace(Runtime *rt, Word message, Word value);

#endif
