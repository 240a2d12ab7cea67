#include "code/function.h"

#include "code/early.h"

/* Called with each atom of the space. */
static void note_defined(void *context, Word atom)
{
    FunctionNames *names = context;
    if (!atom_is_triple(atom, W_SYM(EQUAL))) return;
    Word lhs = expr_at(atom, 1);
    if (!atom_is_cons(lhs)) return;
    Word head = expr_at(lhs, 0);
    bool named = word_is_sym(head);
    if (!named && !atom_is_cons(head)) return;
    FunctionName f = {named ? word_sym_id(head) : SYM_HEADED, expr_len(lhs) - named};
    /* Programs write the rules of a function one after the other. */
    for (size_t i = names->len; i-- > 0;)
        if (names->data[i].name == f.name && names->data[i].arity == f.arity) return;
    vec_push(names, f);
}

void functions_defined(Space *s, FunctionNames *out)
{
    space_each(s, note_defined, out);
}

static Dependents *dependents_of(Functions *fs, uint32_t symbol)
{
    Dependents none = {0};
    while (fs->dependents.len <= symbol) vec_push(&fs->dependents, none);
    return &fs->dependents.data[symbol];
}

void functions_fini(Functions *fs)
{
    for (uint32_t i = 0; fs->table && i <= fs->mask; i++) base_free(fs->table[i]);
    for (size_t i = 0; i < fs->chunks.len; i++) chunk_free(fs->chunks.data[i]);
    for (size_t i = 0; i < fs->dependents.len; i++) {
        vec_free(&fs->dependents.data[i].dependents.chunks);
        vec_free(&fs->dependents.data[i].users.chunks);
        vec_free(&fs->dependents.data[i].functions);
    }
    base_free(fs->table);
    vec_free(&fs->chunks);
    vec_free(&fs->dependents);
}

/* -- The table -- */

static uint32_t function_place(const Functions *fs, uint32_t name, uint32_t arity)
{
    uint32_t at = (uint32_t)base_hash_word((uint64_t)arity << 32 | name) & fs->mask;
    while (fs->table[at] && (fs->table[at]->name != name || fs->table[at]->arity != arity))
        at = (at + 1) & fs->mask;
    return at;
}

static void table_grow(Functions *fs)
{
    Function **old = fs->table;
    uint32_t old_size = old ? fs->mask + 1 : 0;
    fs->mask = old ? old_size * 2 - 1 : 63;
    fs->table = base_calloc(fs->mask + 1, sizeof *fs->table);
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i]) fs->table[function_place(fs, old[i]->name, old[i]->arity)] = old[i];
    base_free(old);
}

Function *functions_find(Functions *fs, uint32_t name, uint32_t arity)
{
    if (!fs->table || fs->count * 2 > fs->mask) table_grow(fs);
    uint32_t at = function_place(fs, name, arity);
    if (fs->table[at]) return fs->table[at];
    Function *f = base_calloc(1, sizeof *f);
    f->name = name;
    f->arity = arity;
    fs->table[at] = f;
    fs->count++;
    Dependents *d = dependents_of(fs, name);
    f->debugged = d->debugged;
    vec_push(&d->functions, f);
    return f;
}

/* -- Dependencies -- */

/* Leave stale chunks out of the list when they may be half of it. */
static void drop_stale(DependentChunks *list)
{
    if (list->chunks.len < 2 * list->live + 8) return;
    size_t kept = 0;
    for (size_t i = 0; i < list->chunks.len; i++)
        if (!list->chunks.data[i]->stale) list->chunks.data[kept++] = list->chunks.data[i];
    list->chunks.len = list->live = kept;
}

static void list_chunk(DependentChunks *list, Chunk *c)
{
    drop_stale(list);
    vec_push(&list->chunks, c);
}

/* The index of F among the functions that C calls, or NO_SELF. */
static uint32_t index_of(const Chunk *c, const Function *f)
{
    for (uint32_t i = 0; i < c->functions.len; i++)
        if (c->functions.data[i] == f) return i;
    return NO_SELF;
}

void functions_adopt(Functions *fs, Function *f, Chunk *c)
{
    *(f->debugged ? &f->apart : &f->chunk) = c;
    if (f->tier < 1) f->tier = 1;
    c->self = f->debugged ? NO_SELF : index_of(c, f);
    c->id = ++fs->adopted;
    c->sizes = (uint64_t)c->max_stack << 16 | (uint64_t)(c->locals + c->max_stack) << 32;
    chunk_find_relays(c);
    c->early = early_find(c);
    vec_push(&fs->chunks, c);
    for (size_t i = 0; i < c->depends.len; i++)
        list_chunk(&dependents_of(fs, c->depends.data[i])->dependents, c);
    for (size_t i = 0; i < c->uses.len; i++) list_chunk(&dependents_of(fs, c->uses.data[i])->users, c);
}

/* BLAME: the program changes, and may do so again. */
static size_t expire(Functions *fs, Chunk *c, bool blame)
{
    if (c->stale) return 0;
    chunk_expire(c);
    if (c->native) fs->on_expired(fs->context, c);
    fs->stale++;
    Function *f = functions_get(fs, c->name, c->arity);
    if (f->chunk != c && f->apart != c) return 1;
    f->chunk = f->apart = NULL;
    f->native = NULL;
    f->runs = 0;
    f->expired += blame;
    if (blame) f->tier = 0;
    return 1;
}

static void forget_refusal(Function *f, bool blame)
{
    if (f->refusal == REFUSED_NONE) return;
    f->refusal = REFUSED_NONE;
    f->runs = 0;
    f->expired += blame;
}

static size_t expire_all(Functions *fs, DependentChunks *list, bool blame)
{
    size_t n = 0;
    for (size_t i = 0; i < list->chunks.len; i++) n += expire(fs, list->chunks.data[i], blame);
    vec_clear(&list->chunks);
    list->live = 0;
    return n;
}

static size_t symbol_changed(Functions *fs, Dependents *d, bool types, bool blame)
{
    size_t n = expire_all(fs, &d->dependents, blame);
    if (types) n += expire_all(fs, &d->users, blame);
    for (size_t i = 0; i < d->functions.len; i++) forget_refusal(d->functions.data[i], blame);
    return n;
}

static size_t changed(Functions *fs, Word symbol, bool types, bool blame)
{
    size_t n = 0;
    if (!word_is_nil(symbol)) {
        uint32_t id = word_sym_id(symbol);
        return id < fs->dependents.len ? symbol_changed(fs, &fs->dependents.data[id], types, blame) : 0;
    }
    for (size_t i = 0; i < fs->dependents.len; i++)
        n += symbol_changed(fs, &fs->dependents.data[i], types, blame);
    return n;
}

size_t functions_changed(Functions *fs, Word symbol, bool types)
{
    return changed(fs, symbol, types, true);
}

void functions_renew(Functions *fs)
{
    changed(fs, WORD_NIL, true, false);
}

void functions_debug(Functions *fs, uint32_t name, bool debugged)
{
    Dependents *d = dependents_of(fs, name);
    if (d->debugged == debugged) return;
    d->debugged = debugged;
    fs->debugged += debugged ? 1 : -1;
    changed(fs, word_sym(name), true, false);
    for (size_t i = 0; i < d->functions.len; i++) d->functions.data[i]->debugged = debugged;
}

void functions_sweep(Functions *fs)
{
    /* The lists of dependents must not keep what is freed. */
    for (size_t i = 0; i < fs->dependents.len; i++) {
        Dependents *d = &fs->dependents.data[i];
        d->dependents.live = d->users.live = 0;
        drop_stale(&d->dependents);
        drop_stale(&d->users);
    }
    size_t kept = 0;
    for (size_t i = 0; i < fs->chunks.len; i++) {
        Chunk *c = fs->chunks.data[i];
        if (c->stale && !c->marked) {
            chunk_free(c);
            fs->stale--;
            continue;
        }
        c->marked = false;
        fs->chunks.data[kept++] = c;
    }
    fs->chunks.len = kept;
}
