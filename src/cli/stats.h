/* The report of --stats and :stats. */
#ifndef METTA_CLI_STATS_H
#define METTA_CLI_STATS_H

#include "mettatron.h"

#include <stdio.h>

/* Print all figures of RT, where compiled code was left and why, and what was not compiled: as text, or as one JSON object. */
void stats_print(FILE *to, MtRuntime *rt, bool json);

#endif
