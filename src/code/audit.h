/* The audit: may a chunk that comes from outside run?
 *
 * chunk_verify says that the code is well formed.  This goes further, for chunks that the compiler did not make in this process: what
 * passes cannot crash the VM, nor run on without a safepoint, whatever it computes.  Beside heights it follows what each local
 * holds, so it knows that an expression is one before an item of it is taken, and asks of each opcode what its body takes for granted.
 *
 * An opcode of which the audit does not know what that is (a row in audit.c) does not pass: its functions are then compiled anew. */
#ifndef METTA_CODE_AUDIT_H
#define METTA_CODE_AUDIT_H

#include "code/chunk.h"
#include "rt/rt.h"

/* On false *ERROR is a static text and *AT the offset it is about, 0 when it is about a table.  Nearly linear in the code. */
bool chunk_audit(const Runtime *rt, const Chunk *c, const char **error, uint32_t *at);
/* The room for operands that the code needs. */
uint32_t chunk_stack_need(const Chunk *c);

#endif
