/* Listings of programs as they are read. */
#ifndef METTA_CLI_DUMP_H
#define METTA_CLI_DUMP_H

#include "mettatron.h"

#include <stdio.h>

typedef struct AstDump {
    FILE *file;
    size_t forms;    /* headers printed */
    bool after_mark; /* the form before was the "!" of a query */
} AstDump;

/* Print one node on a line, before a form also a header: an MtOnNode, CONTEXT is an AstDump. */
bool dump_node(void *context, MtRuntime *rt, const MtNode *node);

#endif
