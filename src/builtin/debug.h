/* What the debugging operations do, apart from how a tier calls them: their blocks in debug.inc and the instructions of other
 * tiers come here, so that all tiers say the same. */
#ifndef METTA_BUILTIN_DEBUG_H
#define METTA_BUILTIN_DEBUG_H

#include "rt/rt.h"

/* (trace! MESSAGE VALUE): print MESSAGE to standard error, and log both on mettatron::vm::trace.  Linear in the size of
 * MESSAGE, in that of VALUE only while the target is on.  Does not allocate in the heap. */
void debug_trace(Runtime *rt, Word message, Word value);

/* (breakpoint!) and (breakpoint! CONDITION): CONDITION is WORD_NIL for the former.  A condition of True, or none, is a hit: it is
 * counted, logged on mettatron::vm::breakpoint, and told to rt->debug.on_breakpoint; when that says stop, the run ends
 * at the next safepoint.
 *   BI_OK         hit or not, the result is ()
 *   BI_NO_REDUCE  CONDITION is no Bool
 *   BI_ERROR      the build has no debug support; the cause goes to *OUT
 * The latter two do nothing else, so a tier may leave them to tier 0, which calls this again.
 * The handler may evaluate and so collect: words in C locals of the caller do NOT survive, as for Engine.eval. */
BiStatus debug_breakpoint(Runtime *rt, Word condition, Word *out);
/* Name of the function whose body is being evaluated, "" at the top of a query.  Lives as long as RT. */
const char *debug_function(const Runtime *rt);

#endif
