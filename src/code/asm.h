/* Assembler: the text of a chunk, as chunk_dump (code/disasm.h) writes it, to the chunk.
 *
 *     === double/1 ===
 *     locals: 1, upvalues: 0, arity: 1
 *
 *     load_local 0
 *     jump       there
 *     there:
 *     dup
 *     add
 *     return
 *
 * Line by line.  Before the instructions: the title and the line of counts.  An instruction may have its offset and source line before
 * it, which are passed over, and a comment behind it.  A jump is a distance from the end of the instruction, an offset with '@' before
 * it, or a label, which stands before an instruction on a line of its own.  Then tables, in any order; without a "max stack" it is
 * what the code needs.  Labels may stand for offsets in tables, too.  docs/mbc.md describes the tables. */
#ifndef METTA_CODE_ASM_H
#define METTA_CODE_ASM_H

#include "code/function.h"
#include "rt/rt.h"

/* The chunk that TEXT describes, owned by the caller, or NULL, and "LINE:COLUMN: what is wrong" is appended to ERROR.  It has passed
 * chunk_audit (code/audit.h): the VM can run it.  Functions are looked up in FS, words are read with the tokens of the top module.
 * Constants and templates live as long as chunk_trace is called for the chunk, or no collection comes. */
Chunk *chunk_assemble(Runtime *rt, Functions *fs, const char *text, size_t len, Buf *error);

#endif
