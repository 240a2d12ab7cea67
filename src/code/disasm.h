/* Disassembler: chunks as text, in the layout of the debug guide with the source line as one more column. */
#ifndef METTA_CODE_DISASM_H
#define METTA_CODE_DISASM_H

#include "code/chunk.h"
#include "rt/rt.h"

/* Append the whole listing. */
void chunk_disassemble(const Names *names, const Chunk *c, Buf *out);
/* Append the listing with everything that the code refers to behind it: constants, slots, templates, functions, switches, expressions,
 * places, dependencies.  chunk_assemble (code/asm.h) makes the same chunk of it. */
void chunk_dump(const Runtime *rt, const Chunk *c, Buf *out);
/* Append the instruction at OFFSET, one line; returns the offset of the next.  OFFSET must be that of an instruction. */
uint32_t chunk_disassemble_at(const Names *names, const Chunk *c, uint32_t offset, Buf *out);

#endif
