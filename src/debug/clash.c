/* Why a call did not match. */
#include "base/text.h"

#include "debug/state.h"

/* -- Misspellings -- */

/* Names of fewer letters than this are too much like one another. */
enum { SHORT_NAME = 4 };

static size_t tolerance(size_t len)
{
    return len < SHORT_NAME ? 0 : len < 2 * SHORT_NAME ? 1 : 2;
}

static uint32_t search_near(Debugger *d, const Scope *scope, uint32_t head)
{
    SymTab *symbols = d->rt->symbols;
    size_t len, best = SIZE_MAX;
    const char *name = sym_text(symbols, head, &len);
    uint32_t found = NO_HEAD;
    if (len < SHORT_NAME) return NO_HEAD;
    for (uint32_t s = 0; s < sym_count(symbols); s++) {
        size_t other;
        const char *text = sym_text(symbols, s, &other);
        if (s == head || other + 2 < len || len + 2 < other || other < SHORT_NAME) continue;
        size_t distance = text_distance(name, text, other);
        if (distance > tolerance(len) || distance >= best) continue;
        bool function = false;
        for (uint32_t n = 1; n <= 9 && !function; n++)
            function = is_program_function(d, scope, word_sym(s), n);
        if (!function) continue;
        best = distance;
        found = s;
    }
    return found;
}

/* Asked for each irreducible call while stepping, so remembered. */
uint32_t near_function(Debugger *d, const Scope *scope, uint32_t head)
{
    enum { UNKNOWN = 0, FIRST = 1 };
    while (d->near.len <= head) vec_push(&d->near, UNKNOWN);
    if (d->near.data[head] == UNKNOWN) d->near.data[head] = search_near(d, scope, head) + FIRST + 1;
    return d->near.data[head] - FIRST - 1;
}
