#include "jit/guess.h"

Guesses *guesses_of(Chunk *c)
{
    if (!c->guesses) {
        c->guesses = base_calloc(1, sizeof(Guesses) + c->code.len * sizeof(GuessSite));
        c->guesses->count = (uint32_t)c->code.len;
    }
    return c->guesses;
}

const char *guess_name(Guess guess)
{
    switch (guess) {
#define GUESS(bit, id, name, what) \
    case GUESS_##id:               \
        return name;
#include "jit/guesses.inc"
#undef GUESS
    }
    return "";
}

/* The guess that is to blame at S, or 0: what leaves does so for more than the numbers being of another kind, for which there is
 * native code. */
static Guess to_blame(const GuessSite *s, bool floats)
{
    if (s->left > s->wrong / 2 && s->made & GUESS_FUSED) return GUESS_FUSED;
    if (!s->wrong) return 0;
    if (floats) return s->made & GUESS_NO_FLOATS;
    return s->made & GUESS_SMALL;
}

static void count_anew(Guesses *g, uint64_t calls)
{
    g->since = calls;
    for (uint32_t i = 0; i < g->count; i++) g->sites[i].wrong = g->sites[i].left = 0;
}

/* Drop what is wrong elsewhere often enough to come to the limit soon: then the code need not be made again for each. */
static void drop_others(Guesses *g, bool floats)
{
    for (uint32_t i = 0; i < g->count; i++) {
        GuessSite *s = &g->sites[i];
        if (s->wrong >= GUESS_FREQUENT / 4 || s->left >= GUESS_FREQUENT / 4)
            s->dropped |= to_blame(s, floats);
        s->made = 0;
    }
}

GuessVerdict guess_judge(Guesses *g, uint32_t ip, uint64_t calls, bool floats, Guess *dropped)
{
    GuessSite *s = &g->sites[ip];
    *dropped = 0;
    if (!s->made && !s->dropped) return GUESS_GO_ON;
    if (calls - g->since > (uint64_t)GUESS_FREQUENT * GUESS_SELDOM) {
        count_anew(g, calls);
        return GUESS_GO_ON;
    }
    *dropped = to_blame(s, floats);
    if (!*dropped || g->retries == GUESS_RETRIES) return GUESS_GIVE_UP;
    s->dropped |= *dropped;
    g->retries++;
    drop_others(g, floats);
    count_anew(g, calls);
    return GUESS_RETRY;
}
