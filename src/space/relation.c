#include "space/relation.h"

enum {
    HOLES_MIN = 64, /* holes and empty runs that are always tolerated */
    TAGS_MAX = 8,   /* indexes whose places are fetched ahead */
    BIG_RELATION = 1 << 16,
};

/* -- Finding relations -- */

static uint32_t key_home(const Space *s, Word head, uint32_t arity)
{
    return (uint32_t)base_hash_word(head * 31 + arity) & s->rel_mask;
}

static uint32_t key_place(const Space *s, Word head, uint32_t arity)
{
    uint32_t at = key_home(s, head, arity);
    while (s->rel_table[at].rel != NO_ROW &&
           (s->rel_table[at].head != head || s->rel_table[at].arity != arity))
        at = (at + 1) & s->rel_mask;
    return at;
}

Relation *relation_look_up(Space *s, Word head, uint32_t arity)
{
    if (!s->rel_table) return NULL;
    uint32_t rel = s->rel_table[key_place(s, head, arity)].rel;
    s->last_found = (RelationKey){head, arity, rel};
    return rel == NO_ROW ? NULL : s->rels.data[rel];
}

static void keys_grow(Space *s)
{
    RelationKey *old = s->rel_table;
    uint32_t old_cap = old ? s->rel_mask + 1 : 0, cap = old_cap ? old_cap * 2 : 8;
    s->rel_table = base_alloc(cap * sizeof *old);
    memset(s->rel_table, 0xFF, cap * sizeof *old);
    s->rel_mask = cap - 1;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].rel != NO_ROW) s->rel_table[key_place(s, old[i].head, old[i].arity)] = old[i];
    base_free(old);
}

Relation *relation_make(Space *s, Word head, uint32_t arity)
{
    Relation *r = relation_find(s, head, arity);
    if (r) return r;
    if (!s->rel_table || (s->rels.len + 1) * 2 > s->rel_mask) keys_grow(s);
    r = base_calloc(1, sizeof *r);
    r->head = head;
    r->arity = arity;
    r->id = (uint32_t)s->rels.len;
    r->width = relation_is_bag(r) ? 1 : relation_has_head(r) ? arity - 1 : arity;
    s->rel_table[key_place(s, head, arity)] = s->last_found = (RelationKey){head, arity, r->id};
    vec_push(&s->rels, r);
    return r;
}

void row_vars_unref(Store *store, RowVars *v)
{
    if (v && --v->refs == 0) store_free_later(store, v, sizeof *v + v->slot_count * sizeof *v->names);
}

static void row_unref(Store *store, Relation *r, uint32_t row)
{
    Word *cells = r->cells + (size_t)row * r->width;
    for (uint32_t i = 0; i < r->width; i++) {
        store_unref(store, cells[i]);
        cells[i] = WORD_NIL;
    }
    if (!r->vars) return;
    row_vars_unref(store, r->vars[row]);
    r->vars[row] = NULL;
}

void relation_free(Space *s, Relation *r)
{
    if (!store_is_closed(s->store))
        for (size_t i = 0; i < (size_t)r->len * r->width; i++) store_unref_later(s->store, r->cells[i]);
    for (uint32_t row = 0; r->vars && row < r->len; row++) row_vars_unref(s->store, r->vars[row]);
    for (size_t i = 0; i < r->indexes.len; i++) index_free(r->indexes.data[i]);
    for (size_t i = 0; i < r->useless.len; i++) index_free(r->useless.data[i]);
    vec_free(&r->indexes);
    vec_free(&r->useless);
    vec_free(&r->runs);
    base_free(r->cells);
    base_free(r->vars);
    base_free(r->dead);
    base_free(r->graves);
    base_free(r);
}

size_t relation_bytes(const Relation *r)
{
    size_t n = sizeof *r + (size_t)r->cap * r->width * sizeof(Word) + r->runs.cap * sizeof(uint32_t);
    if (r->vars) n += r->cap * sizeof *r->vars;
    if (r->dead) n += r->cap / 8 + sizeof(uint64_t);
    for (size_t i = 0; i < r->indexes.len; i++) n += index_bytes(r->indexes.data[i]);
    return n + r->grave_cap * sizeof(Grave);
}

/* -- Index tags -- */

typedef enum TagKind { TAG_KEYED, TAG_WILD, TAG_ABSENT } TagKind;

static uint32_t tuple_tag(const Relation *r, const Word *cells)
{
    uint64_t state = r->width;
    for (uint32_t i = 0; i < r->width; i++) state = hash_step(state, stored_hash(cells[i]));
    return hash_end(state);
}

/* The tag of a row under an index on one place.  Wild: the place holds a variable, or may when instantiated.
 * Absent: no instance of the row has the place. */
static TagKind place_tag(uint64_t path, const Word *cells, uint32_t *tag)
{
    unsigned depth = path_depth(path);
    Word w = cells[path_at(path, 0)];
    uint64_t state = 0;
    for (unsigned level = 1; level < depth; level++) {
        if (word_is_slot(w)) return TAG_WILD;
        if (!atom_is_cons(w) || expr_len(w) <= path_at(path, level)) return TAG_ABSENT;
        state = hash_step(state, expr_len(w));
        w = expr_items(w)[path_at(path, level)];
    }
    if (!stored_is_ground(w)) return TAG_WILD;
    *tag = depth == 1 ? stored_hash(w) : hash_end(hash_step(state, stored_hash(w)));
    return TAG_KEYED;
}

static void index_add_row(Index *ix, const Relation *r, uint32_t row)
{
    const Word *cells = row_cells(r, row);
    uint32_t tag;
    if (ix->path == PATH_TUPLE) {
        /* All rows can be found by their own shape; those with variables may match other tuples too. */
        index_add(ix, tuple_tag(r, cells), row);
        if (!row_is_ground(r, row)) index_add_wild(ix, row);
        return;
    }
    TagKind kind = place_tag(ix->path, cells, &tag);
    if (kind == TAG_KEYED) index_add(ix, tag, row);
    if (kind == TAG_WILD) index_add_wild(ix, row);
}

static void index_remove_row(Index *ix, const Relation *r, uint32_t row, bool pinned)
{
    const Word *cells = row_cells(r, row);
    uint32_t tag;
    if (ix->path == PATH_TUPLE) {
        index_remove(ix, tuple_tag(r, cells), row, r->dead, pinned);
        if (!row_is_ground(r, row)) index_remove_wild(ix, row, r->dead, pinned);
        return;
    }
    TagKind kind = place_tag(ix->path, cells, &tag);
    if (kind == TAG_KEYED) index_remove(ix, tag, row, r->dead, pinned);
    if (kind == TAG_WILD) index_remove_wild(ix, row, r->dead, pinned);
}

Index *relation_index(const Relation *r, uint64_t path)
{
    for (size_t i = 0; i < r->indexes.len; i++)
        if (r->indexes.data[i]->path == path) return r->indexes.data[i];
    return NULL;
}

/* Was PATH tried on a relation at least half this size?  The emptied index holds that size as its garbage. */
static bool known_useless(Relation *r, uint64_t path)
{
    for (size_t i = 0; i < r->useless.len; i++) {
        Index *ix = r->useless.data[i];
        if (ix->path != path) continue;
        if (r->live <= 2 * ix->garbage) return true;
        index_free(ix);
        r->useless.data[i] = vec_pop(&r->useless);
        return false;
    }
    return false;
}

Index *relation_build_index(Relation *r, uint64_t path)
{
    if (known_useless(r, path)) return NULL;
    Index *ix = index_new(path);
    for (uint32_t row = 0; row < r->len; row++) {
        /* The dead but unreleased have entries, which their release will take out. */
        if (is_dead(r->dead, row) && !(r->grave_count && grave_seen(r, row, 0))) continue;
        index_add_row(ix, r, row);
    }
    if (path != PATH_TUPLE && index_wild_count(ix) > r->live / 2) {
        index_clear(ix);
        ix->garbage = r->live;
        vec_push(&r->useless, ix);
        return NULL;
    }
    vec_push(&r->indexes, ix);
    return ix;
}

/* Enter the new ROW into all indexes.  Each is a cache miss, so their places are fetched ahead together. */
static void indexes_add(Relation *r, uint32_t row)
{
    size_t n = r->indexes.len;
    if (n > 1 && r->len > BIG_RELATION) {
        const Word *cells = row_cells(r, row);
        for (size_t i = 0; i < n && i < TAGS_MAX; i++) {
            const Index *ix = r->indexes.data[i];
            uint32_t tag;
            if (ix->path == PATH_TUPLE)
                index_prefetch(ix, tuple_tag(r, cells));
            else if (place_tag(ix->path, cells, &tag) == TAG_KEYED)
                index_prefetch(ix, tag);
        }
    }
    for (size_t i = 0; i < n; i++) index_add_row(r->indexes.data[i], r, row);
}

/* -- Runs -- */

static void runs_append(Space *s, Relation *r, uint32_t row)
{
    if (LIKELY(s->last == r->id)) {
        vec_last(&s->runs).count++;
        return;
    }
    if (s->runs.len >= UINT32_MAX - 1) base_fatal("a space has too many runs");
    Run run = {r->id, row, 1};
    vec_push(&r->runs, (uint32_t)s->runs.len);
    vec_push(&s->runs, run);
    s->last = r->id;
}

uint32_t row_run(const Space *s, const Relation *r, uint32_t row)
{
    size_t low = 0, high = r->runs.len;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (s->runs.data[r->runs.data[mid]].row <= row)
            low = mid;
        else
            high = mid;
    }
    return r->runs.data[low];
}

/* The newest row of R was taken back. */
static void runs_pop(Space *s, Relation *r)
{
    uint32_t last = vec_last(&r->runs);
    if (--s->runs.data[last].count) return;
    r->runs.len--;
    if (last + 1 == s->runs.len) {
        s->runs.len--;
        s->last = NO_ROW;
    } else {
        s->empty_runs++;
    }
}

static void runs_remap(Space *s, Relation *r, uint32_t floor, const uint32_t *rank)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->runs.len; i++) {
        uint32_t id = r->runs.data[i];
        Run *run = &s->runs.data[id];
        uint32_t end = run->row + run->count;
        if (end > floor) {
            if (run->row >= floor) run->row = rank[run->row - floor];
            run->count = rank[end - floor] - run->row;
        }
        if (run->count) {
            r->runs.data[kept++] = id;
        } else {
            s->empty_runs++;
            if (id + 1 == s->runs.len) s->last = NO_ROW;
        }
    }
    r->runs.len = kept;
}

/* Drop empty runs above those that cursors look at. */
static void runs_compact(Space *s)
{
    uint32_t floor = s->run_pins ? s->run_limit : 0, kept = floor;
    size_t empty_low = s->run_pins ? s->empty_low : 0;
    if (s->empty_runs - empty_low <= HOLES_MIN + (s->runs.len - floor) / 2) return;
    for (size_t i = 0; i < s->rels.len; i++) {
        Relation *r = s->rels.data[i];
        while (r->runs.len && vec_last(&r->runs) >= floor) r->runs.len--;
    }
    for (uint32_t i = floor; i < s->runs.len; i++) {
        Run run = s->runs.data[i];
        if (run.count == 0) continue;
        Relation *r = s->rels.data[run.rel];
        vec_push(&r->runs, kept);
        s->runs.data[kept++] = run;
    }
    s->runs.len = kept;
    s->empty_runs = empty_low;
    s->last = NO_ROW;
}

void runs_pin(Space *s)
{
    /* The newest run must not grow into the view. */
    s->last = NO_ROW;
    s->run_pins++;
    s->run_limit = (uint32_t)s->runs.len;
    s->empty_low = s->empty_runs;
}

void runs_unpin(Space *s)
{
    assert(s->run_pins > 0);
    if (--s->run_pins == 0) runs_compact(s);
}

/* -- Generic rows -- */

static bool row_is_generic(const Relation *r, uint32_t row)
{
    return !relation_has_head(r) && word_is_slot(row_cells(r, row)[0]);
}

static void generics_add(Space *s, Relation *r, uint32_t row)
{
    size_t i = 0;
    while (i < s->generic_rels.len && s->generic_rels.data[i] != r->id) i++;
    if (i == s->generic_rels.len) vec_push(&s->generic_rels, r->id);
    Generic g = {r->id, row};
    vec_push(&s->generics, g);
    r->generic_count++;
}

static void generics_remove(Space *s, Relation *r, uint32_t row)
{
    size_t i = s->generics.len;
    do {
        assert(i > 0);
        i--;
    } while (s->generics.data[i].rel != r->id || s->generics.data[i].row != row);
    memmove(&s->generics.data[i], &s->generics.data[i + 1], (s->generics.len - i - 1) * sizeof(Generic));
    s->generics.len--;
    r->generic_count--;
}

static void generics_remap(Space *s, const Relation *r, uint32_t floor, const uint32_t *rank)
{
    if (r->generic_count == 0) return;
    for (size_t i = 0; i < s->generics.len; i++) {
        Generic *g = &s->generics.data[i];
        if (g->rel == r->id && g->row >= floor) g->row = rank[g->row - floor];
    }
}

/* -- Adding -- */

static void dead_reserve(Relation *r, uint32_t old_cap)
{
    size_t old_words = r->dead ? old_cap / 64 + 1 : 0, words = r->cap / 64 + 1;
    r->dead = base_realloc(r->dead, words * sizeof *r->dead);
    if (words > old_words) memset(r->dead + old_words, 0, (words - old_words) * sizeof *r->dead);
}

static void relation_resize(Relation *r, uint32_t cap)
{
    uint32_t old_cap = r->cap;
    r->cap = cap;
    r->cells = base_realloc(r->cells, (size_t)cap * r->width * sizeof(Word));
    if (r->vars) r->vars = base_realloc(r->vars, (size_t)cap * sizeof *r->vars);
    if (r->dead) dead_reserve(r, old_cap);
}

static void relation_reserve(Relation *r)
{
    if (LIKELY(r->len < r->cap)) return;
    if (r->cap >= ROW_MAX) base_fatal("a relation has too many rows");
    uint32_t cap = r->cap < 4 ? 4 : r->cap < BIG_RELATION ? r->cap * 2 : r->cap + r->cap / 8;
    relation_resize(r, cap < ROW_MAX ? cap : ROW_MAX);
}

static bool is_rule_relation(const Relation *r)
{
    return r->head == W_SYM(EQUAL) && r->arity == 3;
}

static RowVars *row_vars_new(const SlotName *names, uint32_t n)
{
    RowVars *v = base_alloc(sizeof *v + n * sizeof *names);
    v->refs = 1;
    v->slot_count = n;
    v->rule_id = 0;
    if (n) memcpy(v->names, names, n * sizeof *names);
    return v;
}

static void row_attach_vars(Space *s, Relation *r, uint32_t row)
{
    uint32_t n;
    const SlotName *names = store_slots(s->store, &n);
    bool wanted = n > 0 || is_rule_relation(r);
    if (!r->vars && wanted) {
        r->vars = base_alloc((size_t)r->cap * sizeof *r->vars);
        memset(r->vars, 0, row * sizeof *r->vars);
    }
    if (r->vars) r->vars[row] = wanted ? row_vars_new(names, n) : NULL;
}

static inline bool is_plain(Word w)
{
    unsigned tag = word_tag(w);
    return !(tag == TAG_HEAP || tag == TAG_VAR || tag == TAG_EXT);
}

uint32_t relation_add(Space *s, Relation *r, Word atom)
{
    relation_reserve(r);
    uint32_t row = r->len++;
    Word *cells = r->cells + (size_t)row * r->width;
    const Word *args = relation_args(r, &atom);
    store_begin(s->store);
    for (uint32_t i = 0; i < r->width; i++)
        cells[i] = is_plain(args[i]) ? args[i] : store_put(s->store, args[i]);
    row_attach_vars(s, r, row);
    r->live++;
    runs_append(s, r, row);
    indexes_add(r, row);
    if (row_is_generic(r, row)) generics_add(s, r, row);
    if (is_rule_relation(r)) rules_add(s, r->vars[row], cells[0], cells[1]);
    return row;
}

/* -- Finding a row -- */

static bool row_same(Space *s, const Relation *r, uint32_t row, const Word *args)
{
    const Word *cells = row_cells(r, row);
    const RowVars *v = row_vars(r, row);
    for (uint32_t i = 0; i < r->width; i++) {
        Word term = atom_deref(args[i]);
        if (cells[i] == term && is_plain(term) && term != WORD_NAN) continue;
        if (!stored_same(s->store, cells[i], v ? v->names : NULL, term)) return false;
    }
    return true;
}

uint32_t row_skip_dead(const Relation *r, uint32_t row, uint32_t limit)
{
    if (!r->dead || r->grave_count) return row;
    while (row < limit) {
        uint64_t live = ~r->dead[row / 64] >> (row % 64);
        if (live) {
            row += (uint32_t)__builtin_ctzll(live);
            break;
        }
        row = (row / 64 + 1) * 64;
    }
    return row < limit ? row : limit;
}

static uint32_t args_tag(Space *s, const Relation *r, const Word *args)
{
    uint64_t state = r->width;
    for (uint32_t i = 0; i < r->width; i++) {
        uint32_t hash;
        term_hash(s->store, args[i], &hash);
        state = hash_step(state, hash);
    }
    return hash_end(state);
}

static uint32_t scan_for_row(Space *s, const Relation *r, const Word *args)
{
    for (uint32_t row = row_skip_dead(r, 0, r->len); row < r->len; row = row_skip_dead(r, row + 1, r->len))
        if (!is_dead(r->dead, row) && row_same(s, r, row, args)) return row;
    return NO_ROW;
}

uint32_t relation_row_of(Space *s, Relation *r, Word atom)
{
    const Word *args = relation_args(r, &atom);
    Index *ix = relation_index(r, PATH_TUPLE);
    if (!ix) {
        if (r->live <= FEW_ROWS && r->grave_count <= FEW_ROWS) return scan_for_row(s, r, args);
        ix = relation_build_index(r, PATH_TUPLE);
    }
    uint32_t ref = index_find(ix, args_tag(s, r, args));
    if (ref == REF_NONE) return NO_ROW;
    if (!ref_is_posting(ref)) return !is_dead(r->dead, ref) && row_same(s, r, ref, args) ? ref : NO_ROW;
    const uint32_t *rows = posting_rows(ix, ref_posting(ref));
    uint32_t n = ix->postings.data[ref_posting(ref)].len;
    for (uint32_t i = 0; i < n; i++)
        if (!is_dead(r->dead, rows[i]) && row_same(s, r, rows[i], args)) return rows[i];
    return NO_ROW;
}

/* -- Graves -- */

static uint32_t grave_place(const Relation *r, uint32_t row)
{
    uint32_t at = (uint32_t)base_hash_word(row) & (r->grave_cap - 1);
    while (r->graves[at].row != NO_ROW && r->graves[at].row != row) at = (at + 1) & (r->grave_cap - 1);
    return at;
}

bool grave_seen(const Relation *r, uint32_t row, uint64_t view)
{
    const Grave *g = &r->graves[grave_place(r, row)];
    return g->row == row && g->epoch > view;
}

static void graves_resize(Relation *r, uint32_t cap)
{
    Grave *old = r->graves;
    uint32_t old_cap = r->grave_cap;
    r->graves = base_alloc(cap * sizeof *old);
    memset(r->graves, 0xFF, cap * sizeof *old);
    r->grave_cap = cap;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i].row != NO_ROW) r->graves[grave_place(r, old[i].row)] = old[i];
    base_free(old);
}

static void grave_add(Relation *r, uint32_t row, uint64_t epoch)
{
    if ((r->grave_count + 1) * 2 > r->grave_cap) graves_resize(r, r->grave_cap ? r->grave_cap * 2 : 8);
    r->graves[grave_place(r, row)] = (Grave){row, epoch};
    r->grave_count++;
}

/* -- Releasing and compacting -- */

static void row_release(Space *s, Relation *r, uint32_t row, bool pinned)
{
    for (size_t i = 0; i < r->indexes.len; i++) index_remove_row(r->indexes.data[i], r, row, pinned);
    if (row_is_generic(r, row)) generics_remove(s, r, row);
    row_unref(s->store, r, row);
}

/* rank[i]: how row FLOOR + i is called when the holes from FLOOR on are gone (what the next live row would be called,
 * for a hole). */
static uint32_t *rank_rows(const Relation *r, uint32_t floor)
{
    uint32_t n = r->len - floor, next = floor;
    uint32_t *rank = base_alloc((n + 1) * sizeof *rank);
    for (uint32_t i = 0; i <= n; i++) {
        rank[i] = next;
        if (i < n && !is_dead(r->dead, floor + i)) next++;
    }
    return rank;
}

static void rows_move(Relation *r, uint32_t floor, const uint32_t *rank)
{
    for (uint32_t row = floor; row < r->len; row++) {
        uint32_t to = rank[row - floor];
        if (is_dead(r->dead, row) || to == row) continue;
        memcpy(r->cells + (size_t)to * r->width, r->cells + (size_t)row * r->width, r->width * sizeof(Word));
        if (r->vars) r->vars[to] = r->vars[row];
    }
}

static void dead_clear(Relation *r, uint32_t floor)
{
    uint32_t row = floor;
    for (; row < r->len && row % 64; row++) r->dead[row / 64] &= ~(UINT64_C(1) << (row % 64));
    if (row < r->len) memset(r->dead + row / 64, 0, ((r->len - 1) / 64 - row / 64 + 1) * sizeof *r->dead);
}

static void compact_from(Space *s, Relation *r, uint32_t floor)
{
    uint32_t *rank = rank_rows(r, floor);
    for (size_t i = 0; i < r->indexes.len; i++) {
        if (r->live == 0 && floor == 0)
            index_clear(r->indexes.data[i]);
        else
            index_remap(r->indexes.data[i], floor, rank, r->dead);
    }
    rows_move(r, floor, rank);
    runs_remap(s, r, floor, rank);
    generics_remap(s, r, floor, rank);
    dead_clear(r, floor);
    r->len = rank[r->len - floor];
    r->holes = floor ? r->holes_low : 0;
    base_free(rank);
    if (r->cap > BIG_RELATION && r->len < r->cap / 4) relation_resize(r, r->cap / 2);
    runs_compact(s);
}

static void relation_compact(Space *s, Relation *r)
{
    uint32_t floor = r->pins ? r->pin_limit : 0;
    uint32_t holes = r->holes - (r->pins ? r->holes_low : 0), rows = r->len - floor;
    assert(holes <= rows);
    if (holes > rows - holes + HOLES_MIN) compact_from(s, r, floor);
}

void relation_erase(Space *s, Relation *r, uint32_t row)
{
    assert(row < r->len && !is_dead(r->dead, row));
    if (is_rule_relation(r)) rules_remove(s, r->vars[row], row_cells(r, row)[0]);
    if (!r->dead) dead_reserve(r, 0);
    r->dead[row / 64] |= UINT64_C(1) << (row % 64);
    r->live--;
    s->epoch++;
    if (r->pins && row < r->pin_limit) {
        grave_add(r, row, s->epoch);
        return;
    }
    row_release(s, r, row, r->pins > 0);
    if (row + 1 == r->len) {
        r->dead[row / 64] &= ~(UINT64_C(1) << (row % 64));
        r->len--;
        runs_pop(s, r);
    } else {
        r->holes++;
        relation_compact(s, r);
    }
}

/* -- Pins -- */

void relation_pin(Relation *r)
{
    if (r->pins++ && r->len <= r->pin_limit) return;
    r->pin_limit = r->len;
    r->holes_low = r->holes;
}

void relation_unpin(Space *s, Relation *r)
{
    assert(r->pins > 0);
    if (LIKELY(--r->pins || r->grave_count == 0)) return;
    /* With several rows to release none may be dropped from a posting before its turn. */
    bool several = r->grave_count > 1;
    for (uint32_t i = 0; i < r->grave_cap; i++) {
        if (r->graves[i].row == NO_ROW) continue;
        row_release(s, r, r->graves[i].row, several);
        r->graves[i].row = NO_ROW;
        r->holes++;
    }
    r->grave_count = 0;
    if (r->grave_cap > HOLES_MIN) {
        base_free(r->graves);
        r->graves = NULL;
        r->grave_cap = 0;
    }
    relation_compact(s, r);
}
