/* Chunks as bytes, for files that hold programs (code/mbc.h). */
#ifndef METTA_CODE_IMAGE_H
#define METTA_CODE_IMAGE_H

#include "code/function.h"
#include "code/pack.h"

/* A symbol that a chunk depends on, with its digest (code/digest.h) when the chunk was compiled. */
typedef struct Dependency {
    uint32_t symbol;
    bool rules; /* they matter, not only the types */
    uint64_t digest;
} Dependency;
typedef VEC(Dependency) Dependencies;

/* Append C, which SCOPE's rules were compiled to; FILE is that of the places to be kept.  False, and nothing is appended, when it holds what exists
 * in this process only. */
bool image_put(Packer *p, Scope *scope, const Chunk *c, uint32_t file);
/* The next chunk, owned by the caller, whose places are in FILE; what it depends on is appended to DEPENDS.  NULL when the bytes describe none; it
 * has yet to pass chunk_audit.  Its constants are words of the heap, its templates loose ones of the store. */
Chunk *image_get(Unpacker *u, Functions *fs, uint32_t file, Dependencies *depends);

#endif
