/* Atoms as bytes, for files that hold programs (code/mbc.h).
 *
 * Numbers are little-endian base 128.  Names are indexes into one table of texts.  Reading is checked throughout: what is wrong marks the
 * Unpacker as bad and ends it, and later reads give 0; whoever reads asks once at the end.  Nothing is allocated that the bytes
 * left do not pay for. */
#ifndef METTA_CODE_PACK_H
#define METTA_CODE_PACK_H

#include "rt/rt.h"

typedef struct Packer {
    const Runtime *rt;
    Buf out;
    VEC(uint32_t) places;  /* by symbol: place in the table + 1 */
    VEC(uint32_t) symbols; /* the table */
} Packer;

void packer_free(Packer *p);
void pack_number(Packer *p, uint64_t n);
void pack_bytes(Packer *p, const void *data, size_t len);
void pack_symbol(Packer *p, uint32_t symbol);
/* A form of a program, read without tokens: its words are looked up when it is unpacked. */
void pack_form(Packer *p, Word form);
/* A constant or a stored term of a chunk; false when it holds something that exists in this process only. */
bool pack_term(Packer *p, Word term);
/* Append the table of names. */
void pack_table(const Packer *p, Buf *out);

typedef struct Unpacker {
    Runtime *rt;
    const uint8_t *at, *end;
    bool bad;
    uint32_t *symbols; /* the table */
    uint32_t symbol_count;
    Word *cells;     /* by place in the table: the variable of that name in the form at work */
    uint32_t *forms; /* the number of the form it is of */
    uint32_t form;
} Unpacker;

void unpacker_free(Unpacker *u);
/* Read the table of names. */
void unpack_table(Unpacker *u);
/* A number, at most MOST. */
uint64_t unpack_number(Unpacker *u, uint64_t most);
/* How many things follow that take a byte each or more. */
uint32_t unpack_count(Unpacker *u);
/* *LEN bytes, which stay where they are; NULL when they are cut off. */
const uint8_t *unpack_bytes(Unpacker *u, size_t *len);
uint32_t unpack_symbol(Unpacker *u);
/* The form as the reader would read it now: words by TOKENS, the variables fresh cells, one for each name. */
Word unpack_form(Unpacker *u, const Tokens *tokens);
/* A term of a chunk, with slots; one of the heap. */
Word unpack_term(Unpacker *u);

#endif
