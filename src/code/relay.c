#include "code/chunk.h"

/* The instructions that a relay is made of, one after the other. */
typedef struct Reader {
    const Chunk *c;
    uint32_t at;
} Reader;

/* If OP stands there, whatever it is fused with: its operands, and R goes on behind it; else NULL. */
static const uint8_t *pass(Reader *r, Op op)
{
    const uint8_t *code = r->c->code.data + r->at;
    uint32_t length = op_info((uint8_t)op)->length;
    if (r->at + length > r->c->code.len || op_first(*code) != op) return NULL;
    r->at += length;
    return code + 1;
}

/* An item of the expression in local WHOLE, put into a local behind that, is compared with a local before it. */
static bool read_same(Reader *r, uint8_t whole, Relay *relay)
{
    const uint8_t *get = pass(r, OP_GET_ITEM), *match = get ? pass(r, OP_MATCH_SAME) : NULL;
    if (!match || relay->same_count == RELAY_SAME) return false;
    relay->same[relay->same_count].item = get[1];
    relay->same[relay->same_count++].local = match[1];
    return get[0] == whole && get[2] > whole && match[0] == get[2] && match[1] < whole;
}

/* -- What it gives -- */

/* What parts are put together for; STORED is the first local that is written on the way. */
typedef struct Maker {
    const Chunk *c;
    const Template *t;
    Relay *relay;
    uint8_t stored;
} Maker;

/* The variable SLOT of the template: if an item of the result must be the same, that. */
static RelayPart part_of_variable(const Maker *k, Word slot)
{
    uint8_t local = k->c->slot_map.data[k->t->first + word_slot_index(slot)];
    const Relay *relay = k->relay;
    for (uint8_t i = 0; i < relay->same_count; i++)
        if (relay->same[i].local == local) return (RelayPart){RELAY_RESULT, relay->same[i].item};
    return (RelayPart){RELAY_LOCAL, local};
}

/* ITEM is no expression. */
static bool add_part(const Maker *k, Word item)
{
    Relay *relay = k->relay;
    uint8_t at = relay->part_count;
    if (word_is_heap(item) || word_is_cell(item) || item == WORD_NIL || item == W_SYM(EMPTY)) return false;
    if (at == RELAY_PARTS) return false;
    relay->words[at] = item;
    relay->parts[at] = word_is_slot(item) ? part_of_variable(k, item) : (RelayPart){RELAY_WORD, at};
    relay->part_count++;
    return relay->parts[at].place != RELAY_LOCAL || relay->parts[at].index < k->stored;
}

static bool add_made(const Maker *k, Word expr)
{
    Relay *relay = k->relay;
    uint8_t inner = relay->inner_count;
    if (!atom_is_cons(expr) || expr_len(expr) > RELAY_ITEMS || inner == RELAY_INNER) return false;
    relay->inner[inner].item = relay->part_count;
    relay->inner[inner].count = (uint8_t)expr_len(expr);
    relay->inner_count++;
    relay->parts[relay->part_count++] = (RelayPart){RELAY_MADE, inner};
    return true;
}

static bool add_parts(const Maker *k)
{
    Word term = k->t->term;
    if (!atom_is_cons(term) || expr_len(term) > RELAY_ITEMS || !word_is_sym(expr_at(term, 0))) return false;
    k->relay->given = (uint8_t)expr_len(term);
    for (uint32_t i = 0; i < expr_len(term); i++) {
        Word item = expr_at(term, i);
        if (!(word_is_heap(item) ? add_made(k, item) : add_part(k, item))) return false;
    }
    for (uint32_t i = 0; i < expr_len(term); i++) {
        Word item = expr_at(term, i);
        for (uint32_t j = 0; word_is_heap(item) && j < expr_len(item); j++)
            if (!add_part(k, expr_at(item, j))) return false;
    }
    return true;
}

/* The beginning of a relay: the operands of what stores the result, and of what matches it.  False: it is none. */
static bool begin_relay(Reader *r, const uint8_t **store, const uint8_t **match)
{
    *store = pass(r, OP_STORE_LOCAL);
    if (*store) (void)pass(r, OP_ANY_TYPE); /* an expression of data has any */
    *match = *store ? pass(r, OP_MATCH_FUNCTOR) : NULL;
    return *match && (*match)[0] == (*store)[0];
}

static bool may_be_relay(const Chunk *c, uint32_t at)
{
    Reader r = {c, at};
    const uint8_t *store, *match;
    return begin_relay(&r, &store, &match);
}

static bool read_relay(const Chunk *c, uint32_t at, Relay *relay)
{
    Reader r = {c, at};
    const uint8_t *store, *match;
    if (!begin_relay(&r, &store, &match)) return false;
    *relay = (Relay){.at = at, .functor = c->constants.data[op_read16(match + 1)], .count = match[3]};
    const uint8_t *give;
    while (!(give = pass(&r, OP_RETURN_ARGUMENT)))
        if (!read_same(&r, store[0], relay)) return false;
    relay->argument = give[0];
    Maker k = {c, &c->templates.data[op_read16(give + 1)], relay, store[0]};
    return word_is_sym(relay->functor) && relay->argument < store[0] && add_parts(&k);
}

void chunk_find_relays(Chunk *c)
{
    uint32_t at = 0, len = (uint32_t)c->code.len;
    while (at < len && !may_be_relay(c, at)) at++;
    if (at == len) return;
    /* Operands may look like instructions. */
    const char *error;
    uint32_t wrong;
    int32_t *heights = chunk_heights(c, &error, &wrong);
    Relay relay;
    for (; heights && at < len; at++)
        if (heights[at] >= 0 && read_relay(c, at, &relay)) vec_push(&c->relays, relay);
    base_free(heights);
}
