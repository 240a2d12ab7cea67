/* The REPL: reads lines until the parentheses balance, runs them, prints the results; lines that begin with ":" are
 * commands (commands.inc). */
#ifndef METTA_CLI_REPL_H
#define METTA_CLI_REPL_H

#include "cli/interrupt.h"
#include "cli/output.h"

/* Run until :quit or the end of the input; returns the exit status. */
int repl_run(MtRuntime *rt, Interrupt *interrupt, Output *out);

#endif
