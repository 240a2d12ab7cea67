/* Exits: where code of one tier is left for the tier below, and why.
 *
 * An exit has a static SITE: a place in the code of a function and a reason.  Sites are known by what they are, not by the chunk
 * that they are in, so that counting goes on when a function is compiled anew.  The sum over sites is the sum over reasons is
 * the total, always. */
#ifndef METTA_JIT_BAILOUT_H
#define METTA_JIT_BAILOUT_H

#include "code/chunk.h"

typedef enum BailoutReason {
#define BAILOUT(code, id, name, when) BAILOUT_##id = code,
#include "jit/bailout.inc"
#undef BAILOUT
} BailoutReason;
enum { BAILOUT_CODES = 64 }; /* codes are smaller */
/* Native code leaves calls of more arguments to the VM. */
enum { NATIVE_ARGUMENTS = 8 };

typedef struct BailoutInfo {
    const char *name; /* NULL: no such code */
    const char *when;
} BailoutInfo;
/* What is known of code CODE. */
const BailoutInfo *bailout_info(unsigned code);

/* -- Kinds of values -- */

typedef enum ValueKind {
#define KIND(id, name) KIND_##id,
#include "jit/kinds.inc"
#undef KIND
    KIND_COUNT
} ValueKind;
/* A set of kinds: bit K stands for kind K. */
typedef uint16_t KindSet;
#define KINDS(id) ((KindSet)(1u << KIND_##id))

ValueKind value_kind(Word w);
/* Append the names, "Int|Float"; nothing for none. */
void kinds_print(KindSet kinds, Buf *out);
/* The kinds that the instruction at IP of C wants its operands to be; none when it takes any. */
KindSet bailout_expected(const Chunk *c, uint32_t ip);

/* -- Sites -- */

typedef struct BailoutSite {
    uint32_t function, arity; /* name: a symbol */
    uint32_t ip;
    uint8_t op;
    uint8_t reason;
    KindSet expected, found; /* found: of all values that were seen there */
    Span span;               /* line 0: not known */
    uint64_t count;
} BailoutSite;

typedef struct Bailouts {
    VEC(BailoutSite) sites; /* the index is the site's id, which stays */
    uint32_t *table;        /* open addressing: id + 1; 0 is free */
    uint32_t mask;
    uint64_t total;
    uint64_t by_reason[BAILOUT_CODES];
} Bailouts;

void bailouts_fini(Bailouts *b);
/* The id of the site at IP of C for REASON, made at first use.  EXPECTED: the kinds of values that go on, or 0 for those that the
 * instruction wants.  Constant time on average. */
uint32_t bailout_site(Bailouts *b, const Chunk *c, uint32_t ip, BailoutReason reason, KindSet expected);

/* Count an exit at site ID; FOUND is the value that caused it, or WORD_NIL.  Does not allocate in the heap. */
void bailout_count(Bailouts *b, uint32_t id, Word found);

/* Ids of the sites that were used, most frequent first, then by id; COUNT of them, to be freed. */
uint32_t *bailouts_ranked(const Bailouts *b, size_t *count);

#endif
