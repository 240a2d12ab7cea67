/* The debugger's prompt: one client of the debugger in the public header. */
#ifndef METTA_CLI_DEBUG_H
#define METTA_CLI_DEBUG_H

#include "cli/interrupt.h"

#include <stdio.h>

typedef struct Prompt Prompt;

/* A prompt for RT, attached to it, that reads commands from SCRIPT (may be NULL), then from standard input, and writes to OUT.  IN_REPL: what
 * is typed there runs, there is no program to start.  NULL: out of memory.  The caller frees it before RT. */
Prompt *prompt_new(MtRuntime *rt, const char *script, FILE *out, bool in_repl);
void prompt_free(Prompt *p);
/* PATH, which must outlive P, is the file that line numbers without one mean; or NULL. */
void prompt_set_file(Prompt *p, const char *path);
/* Signals that X counts are answered by stops from now on; NULL: by none. */
void prompt_set_interrupt(Prompt *p, Interrupt *x);
/* Carry out one command outside a run, such as "break fib".  In the REPL (breakpoint!) stops once there was one. */
void prompt_command(Prompt *p, const char *text);
/* Stop at each of the kinds in LIST, separated by commas; false when one is unknown. */
bool prompt_break_on(Prompt *p, const char *list);

typedef enum PromptAnswer { PROMPT_RUN, PROMPT_QUIT } PromptAnswer;
/* Read commands outside a run, until one starts or ends the program. */
PromptAnswer prompt_read(Prompt *p);
/* RT, in which breakpoints have been set, is about to be freed: attach to the new runtime NEXT, with the same breakpoints. */
void prompt_move(Prompt *p, MtRuntime *next);
/* Does the client want the run, which has been ended, to begin anew?  Or the debugger to end? */
bool prompt_wants_restart(const Prompt *p);
bool prompt_wants_end(const Prompt *p);
/* Print the last few events: a query has ended in an error. */
void prompt_tell_events(Prompt *p);
/* The program has ended as STATUS says. */
void prompt_ended(Prompt *p, MtStatus status);

#endif
