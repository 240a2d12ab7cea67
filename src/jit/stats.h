/* What is counted and told of the tiers above the interpreter: runs, compilations, exits.
 *
 * Rare events (compilations) are counted always.  What happens at every call, instruction or exit is counted only when it is
 * asked for, by code of its own, so that it costs nothing otherwise.  The log targets mettatron::jit::hybrid::* are
 * written here, and the lines of --jit-log. */
#ifndef METTA_JIT_STATS_H
#define METTA_JIT_STATS_H

#include "code/function.h"
#include "jit/bailout.h"
#include "jit/guess.h"
#include "rt/machine.h"

/* A function's way up.  It is Failed when native code was tried and cannot be made. */
typedef enum ChunkLife {
    CHUNK_COLD,    /* called, and not compiled yet */
    CHUNK_WARMING, /* has bytecode */
    CHUNK_HOT,     /* the same, and has been called often enough for native code */
    CHUNK_JITTED,  /* has native code */
    CHUNK_FAILED,
    CHUNK_LIVES
} ChunkLife;

typedef struct JitStats {
    const Runtime *rt; /* names, files; never changed */
    Log *log;
    bool exact;   /* every call is counted */
    bool verbose; /* --jit-log: a line to standard error for each compilation and each exit of native code */
    uint32_t hot; /* calls that make a function hot */
    Bailouts native;                   /* exits of native code to the VM; when exact */
    Bailouts bytecode;                 /* of the VM to tier 0; when exact */
    uint64_t stage1_runs, stage2_runs; /* calls carried out by native code */
    uint64_t compilations, failures;   /* native */
    uint64_t recompilations, given_up; /* verdicts on guesses (jit/guess.h) */
    uint64_t code_bytes;               /* of native code ever made */
    uint64_t cache_hits, cache_misses; /* calls that found native code; for which it had to be made */
    uint64_t chunk_hits, chunk_misses; /* calls that found bytecode, and that did not; when exact */
    uint64_t backtracks;               /* alternatives that the VM took; when exact */
    const Chunk *last_chunk;           /* where native code was left last, if not on the side of a guard */
    uint32_t last_ip;
} JitStats;

void jit_stats_init(JitStats *s, Runtime *rt, uint32_t hot);
void jit_stats_fini(JitStats *s);

/* Where F, which is or was compiled or called, is on its way. */
ChunkLife chunk_life(const JitStats *s, const Function *f);
/* "Cold", "Warming" ... */
const char *chunk_life_name(ChunkLife life);

/* -- Events; each is counted, logged and printed as is asked for -- */

/* F was compiled to bytecode, C, in NS nanoseconds, or C is NULL and f->refusal says why not. */
void jit_note_bytecode(JitStats *s, const Function *f, const Chunk *c, uint64_t ns);
/* The chunk of F was compiled to BYTES bytes of native code of stage STAGE in NS nanoseconds. */
void jit_note_compiled(JitStats *s, Function *f, unsigned stage, uint32_t bytes, uint64_t ns);
/* That cannot be done, or is not worth while any more; REASON is a static text. */
void jit_note_failed(JitStats *s, Function *f, unsigned stage, const char *reason);
/* F has no native code any more, though it may get some again; REASON is a static text. */
void jit_note_dropped(JitStats *s, Function *f, const char *reason);
/* Native code of C was left at IP, the offset of an instruction where the VM goes on.  FOUND: the value that was not as it should be, or
 * WORD_NIL.  EXPECTED: the kinds that go on, or 0 for those that the instruction wants.  Does not allocate in the heap. */
void jit_note_bailout(JitStats *s, const Chunk *c, uint32_t ip, BailoutReason reason, Word found,
                      KindSet expected);
/* Native code of C is to be made again without the guess DROPPED at IP, or what is there is given up. */
void jit_note_verdict(JitStats *s, const Chunk *c, uint32_t ip, GuessVerdict verdict, Guess dropped);
/* The VM left C for tier 0 on behalf of the instruction at IP. */
void jit_note_exit(JitStats *s, const Chunk *c, uint32_t ip, BailoutReason reason, Word found);

/* Native code at AT of C was entered; code was left with RESULTS results for another tier. */
void jit_note_entry(JitStats *s, const Chunk *c, const void *at);
void jit_note_completed(JitStats *s, uint64_t results);

#endif
