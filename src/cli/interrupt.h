/* Ctrl-C: a thread waits for SIGINT and asks the runtime to stop.  So nothing runs in a signal handler, and no
 * writable global is needed. */
#ifndef METTA_CLI_INTERRUPT_H
#define METTA_CLI_INTERRUPT_H

#include "mettatron.h"

/* From now on SIGINT interrupts what RT runs; a third one in a row, unanswered, ends the process with status 130.
 * Returns NULL when no thread can be made: then SIGINT ends the process as usual. */
typedef struct Interrupt Interrupt;
Interrupt *interrupt_start(MtRuntime *rt);
/* An evaluation has ended: interrupts count from zero again. */
void interrupt_reset(Interrupt *x);
/* End the thread; NULL is fine. */
void interrupt_stop(Interrupt *x);

#endif
