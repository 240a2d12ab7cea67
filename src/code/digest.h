/* What the compiler sees of a symbol, as a number that is the same in every process.
 *
 * A chunk takes for granted what the rules and types of some symbols are (Chunk.depends, Chunk.uses).  A chunk that was compiled elsewhere may be
 * used when each of these has the digest that it had there. */
#ifndef METTA_CODE_DIGEST_H
#define METTA_CODE_DIGEST_H

#include "rt/rt.h"

/* The digest of SYMBOL as SCOPE sees it: its types, its native meaning, and with RULES its rules in order.  False when something in them exists in this
 * process only.  Linear in the size of the rules and types. */
bool digest_symbol(Runtime *rt, Scope *scope, uint32_t symbol, bool rules, uint64_t *digest);

#endif
