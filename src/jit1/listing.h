/* Machine code as text: what was made of each instruction. */
#ifndef METTA_JIT1_LISTING_H
#define METTA_JIT1_LISTING_H

#include "atom/print.h"
#include "jit1/compile.h"

/* Append the code at CODE, which was written by layout L for C: instructions of the bytecode with their lines, each followed by its machine code,
 * as bytes only in a build without a disassembler.  Linear. */
void listing_print(const Names *names, const Layout *l, const Chunk *c, const uint8_t *code, Buf *out);

#endif
