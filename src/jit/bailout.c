#include "jit/bailout.h"

#include <stdlib.h>

#include "atom/num.h"
#include "space/space.h"

const BailoutInfo *bailout_info(unsigned code)
{
    static const BailoutInfo table[BAILOUT_CODES] = {
#define BAILOUT(code, id, name, when) [code] = {name, when},
#include "jit/bailout.inc"
#undef BAILOUT
    };
    static const BailoutInfo none;
    return code < BAILOUT_CODES ? &table[code] : &none;
}

/* -- Kinds -- */

ValueKind value_kind(Word w)
{
    w = atom_deref(w);
    if (word_is_sym(w)) return KIND_SYMBOL;
    if (word_is_var(w)) return KIND_VARIABLE;
    if (word_is_bool(w)) return KIND_BOOL;
    if (word_is_op(w)) return KIND_FUNCTION;
    if (atom_is_expr(w)) return KIND_EXPRESSION;
    if (atom_is_str(w)) return KIND_STRING;
    if (word_is_ext(w)) return word_space(w) ? KIND_SPACE : KIND_OTHER;
    switch (num_kind(w)) {
    case NUM_INT:
        return KIND_INT;
    case NUM_BIG:
        return KIND_BIG_INT;
    case NUM_FLOAT:
        return KIND_FLOAT;
    case NUM_NONE:
        break;
    }
    return KIND_OTHER;
}

void kinds_print(KindSet kinds, Buf *out)
{
    static const char *const names[KIND_COUNT] = {
#define KIND(id, name) name,
#include "jit/kinds.inc"
#undef KIND
    };
    const char *before = "";
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (!(kinds & 1u << kind)) continue;
        buf_puts(out, before);
        buf_puts(out, names[kind]);
        before = "|";
    }
}

KindSet bailout_expected(const Chunk *c, uint32_t ip)
{
    switch (op_first(c->code.data[ip])) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_GUARD_NUMBER:
        return KINDS(INT) | KINDS(FLOAT);
    case OP_GUARD_BOOL:
    case OP_BRANCH_BOOL:
    case OP_TAIL_BRANCH_BOOL:
        return KINDS(BOOL);
    case OP_GUARD_EXPR:
    case OP_SUPERPOSE:
        return KINDS(EXPRESSION);
    case OP_CALL_VALUE:
    case OP_CALL_VALUE_TYPED:
    case OP_TAIL_CALL_VALUE:
    case OP_GUARD_PLAIN:
        return KINDS(SYMBOL);
    case OP_MATCH_SPACE:
        return KINDS(SPACE);
    default:
        return 0;
    }
}

/* -- Sites -- */

void bailouts_fini(Bailouts *b)
{
    vec_free(&b->sites);
    base_free(b->table);
}

static uint32_t site_hash(const BailoutSite *s)
{
    uint64_t place = (uint64_t)s->span.line << 32 | s->span.column;
    return (uint32_t)base_hash_word(((uint64_t)s->function << 32 | s->ip) ^ place * 31 ^
                                    (uint64_t)s->arity << 56 ^ (uint64_t)s->reason << 48);
}

static bool is_same_site(const BailoutSite *a, const BailoutSite *b)
{
    return a->function == b->function && a->arity == b->arity && a->ip == b->ip && a->op == b->op &&
           a->reason == b->reason && a->span.file == b->span.file && a->span.line == b->span.line &&
           a->span.column == b->span.column;
}

static uint32_t table_place(const Bailouts *b, const BailoutSite *s)
{
    uint32_t at = site_hash(s) & b->mask;
    while (b->table[at] && !is_same_site(&b->sites.data[b->table[at] - 1], s)) at = (at + 1) & b->mask;
    return at;
}

static void table_grow(Bailouts *b)
{
    uint32_t size = b->table ? 2 * (b->mask + 1) : 64;
    base_free(b->table);
    b->table = base_calloc(size, sizeof *b->table);
    b->mask = size - 1;
    for (size_t i = 0; i < b->sites.len; i++) b->table[table_place(b, &b->sites.data[i])] = (uint32_t)i + 1;
}

static BailoutSite describe(const Chunk *c, uint32_t ip, BailoutReason reason)
{
    const Span *place = chunk_place(c, ip);
    BailoutSite s = {
        .function = c->name, .arity = c->arity, .ip = ip, .op = c->code.data[ip], .reason = (uint8_t)reason};
    if (place) s.span = *place;
    return s;
}

uint32_t bailout_site(Bailouts *b, const Chunk *c, uint32_t ip, BailoutReason reason, KindSet expected)
{
    assert(ip < c->code.len && bailout_info(reason)->name);
    BailoutSite s = describe(c, ip, reason);
    if (!b->table || b->sites.len * 2 > b->mask) table_grow(b);
    uint32_t at = table_place(b, &s);
    if (b->table[at]) return b->table[at] - 1;
    s.expected = expected ? expected : bailout_expected(c, ip);
    vec_push(&b->sites, s);
    b->table[at] = (uint32_t)b->sites.len;
    return b->table[at] - 1;
}

void bailout_count(Bailouts *b, uint32_t id, Word found)
{
    BailoutSite *s = &b->sites.data[id];
    b->total++;
    b->by_reason[s->reason]++;
    s->count++;
    if (s->reason == BAILOUT_INTEGER_OVERFLOW)
        s->found |= KINDS(BIG_INT);
    else if (!word_is_nil(found))
        s->found |= (KindSet)(1u << value_kind(found));
}

/* -- Ranking -- */

static int compare_sites(const void *x, const void *y, void *context)
{
    const Bailouts *b = context;
    uint32_t i = *(const uint32_t *)x, j = *(const uint32_t *)y;
    uint64_t m = b->sites.data[i].count, n = b->sites.data[j].count;
    if (m != n) return m < n ? 1 : -1;
    return i < j ? -1 : i > j;
}

uint32_t *bailouts_ranked(const Bailouts *b, size_t *count)
{
    uint32_t *ids = base_alloc((b->sites.len + 1) * sizeof *ids);
    *count = 0;
    for (size_t i = 0; i < b->sites.len; i++)
        if (b->sites.data[i].count) ids[(*count)++] = (uint32_t)i;
    qsort_r(ids, *count, sizeof *ids, compare_sites, (void *)(uintptr_t)b);
    return ids;
}
