/* Guesses: what native code takes for granted though it can be made without, how often each was wrong, and what becomes of that.
 *
 * A site is an instruction of a chunk, its id the offset.  Where what the code there takes for granted is not so a longer way is taken, which
 * counts: one through other native code, or an exit to the VM.  When that was often the case the code of the chunk is to be made again
 * without the guess.  What leaves often and is no guess, or was made without it, is given up, and so is all when a chunk was made again too
 * often: the code stays as it is.  Where guesses are right nothing is counted. */
#ifndef METTA_JIT_GUESS_H
#define METTA_JIT_GUESS_H

#include "code/chunk.h"

typedef enum Guess {
#define GUESS(bit, id, name, what) GUESS_##id = 1 << (bit),
#include "jit/guesses.inc"
#undef GUESS
} Guess;
enum {
    GUESS_FREQUENT = 100, /* times that a guess was wrong: to compile again costs less than these did */
    GUESS_SELDOM = 64,    /* more calls than this for each of them: they were no matter */
    GUESS_RETRIES = 4,    /* times that code is made again: more would not pay */
};

typedef struct GuessSite {
    uint8_t
        wrong; /* times that native code took its longer way, up to GUESS_FREQUENT, since the code was made */
    uint8_t left;    /* the same of exits */
    uint8_t made;    /* guesses that the code makes and can be made without */
    uint8_t dropped; /* those that are not to be made again */
} GuessSite;

/* What was learned of the guesses in a chunk: one block of memory, which the chunk owns. */
typedef struct Guesses {
    uint64_t since;  /* calls there had been when counting began */
    uint64_t floats; /* locals that were floats where a guess was wrong, bit by bit */
    uint32_t count;  /* of sites */
    uint32_t retries;
    GuessSite sites[];
} Guesses;

/* The guesses in C, made at first use. */
Guesses *guesses_of(Chunk *c);
/* "small" */
const char *guess_name(Guess guess);

typedef enum GuessVerdict {
    GUESS_GO_ON, /* that is no guess, or has been given up before, or is seldom after all */
    GUESS_RETRY, /* the code is to be made again; counting begins anew */
    GUESS_GIVE_UP,
} GuessVerdict;
/* A guess at the site IP was wrong GUESS_FREQUENT times, CALLS calls after the beginning of all.  FLOATS: numbers were floats there.  *DROPPED:
 * the guess that is dropped at it or, GUESS_GIVE_UP, 0.  Linear in the length of the code. */
GuessVerdict guess_judge(Guesses *g, uint32_t ip, uint64_t calls, bool floats, Guess *dropped);

/* One of the counters of a site reaches the limit with this event. */
static inline bool guess_count(uint8_t *counter)
{
    return *counter < GUESS_FREQUENT && ++*counter == GUESS_FREQUENT;
}

#endif
