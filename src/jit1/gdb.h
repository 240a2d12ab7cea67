/* gdb's interface for code that is made at run time: an object file in memory for each piece of it, in a list that gdb reads. */
#ifndef METTA_JIT1_GDB_H
#define METTA_JIT1_GDB_H

#include "jit1/info.h"

typedef struct GdbCode GdbCode;

/* Tell gdb of code that has been written. */
GdbCode *gdb_register(const CodeInfo *info);
/* It goes.  Before it is written over: gdb may have put breakpoints into it, and takes them out now.  NULL is fine. */
void gdb_unregister(GdbCode *code);

/* Append the object file: what gdb is told.  Linear. */
void gdb_write_object(const CodeInfo *info, Buf *out);

#endif
