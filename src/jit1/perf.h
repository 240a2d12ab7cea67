/* What perf reads: which functions have machine code where, and of which lines it was made. */
#ifndef METTA_JIT1_PERF_H
#define METTA_JIT1_PERF_H

#include "jit1/info.h"

/* Two files that grow as code is made: a map of names, which "perf report" reads, and a dump of the code with its lines, which "perf inject --jit"
 * makes object files of. */
typedef struct PerfFiles PerfFiles;

/* Open /tmp/perf-PID.map and /tmp/jit-PID.dump, which the runtimes of a process share.  Where that cannot be done perf shows addresses. */
PerfFiles *perf_open(void);
void perf_close(PerfFiles *p);
/* Tell of code that has been written.  NULL is fine. */
void perf_note(PerfFiles *p, const CodeInfo *info);

#endif
