/* What the command prints: results, errors with their place, timings. */
#ifndef METTA_CLI_OUTPUT_H
#define METTA_CLI_OUTPUT_H

#include "mettatron.h"

#include <stdio.h>

typedef struct Output {
    FILE *file;
    bool sexpr;  /* one result a line */
    bool timing; /* tell how long each query took */
} Output;

/* Print one query's results and flush: an MtOnResult, CONTEXT is an Output. */
bool output_result(void *context, MtRuntime *rt, const MtResult *result);
/* Print one atom and a newline: an MtOnAtom. */
bool output_atom(void *context, MtRuntime *rt, MtAtom atom);
/* What the program prints: an MtOutput. */
void output_text(void *context, const char *text, size_t len);
/* Print an error to stderr: message with its place, the source line, a caret. */
void output_error(const MtError *error);
/* Nanoseconds as text that a person reads: "1.24 ms". */
void output_duration(FILE *to, uint64_t ns);

#endif
