#include "match/match.h"

/* -- Trail -- */

void bind_init(Bind *b, Heap *h)
{
    memset(b, 0, sizeof *b);
    b->heap = h;
    b->wildcard = WORD_NIL;
}

void bind_fini(Bind *b)
{
    vec_free(&b->trail);
}

void bind_undo(Bind *b, size_t mark)
{
    while (b->trail.len > mark) {
        TrailEntry e = vec_pop(&b->trail);
        e.cell->body[0] = e.unbound;
    }
    if (b->scanned > mark) b->scanned = mark;
}

void bind_forget_resolved(Bind *b)
{
    for (size_t i = b->trail.len; i-- > b->scanned;) {
        const TrailEntry *e = &b->trail.data[i];
        if (!word_is_nil(e->unbound)) e->cell->body[0] = e->unbound;
    }
}

/* -- Pairs of item spans still to compare: on the C stack while few -- */

typedef struct Pair {
    const Word *a, *b;
    uint32_t left;
} Pair;

enum { PAIRS_INLINE = 24 };

typedef SMALL_VEC(Pair, PAIRS_INLINE) PairStack;

/* -- Unification (Robinson, with occurs check; ground sub-terms are skipped by it) -- */

/* Is CELL an item of EXPR?  Items that may hold it go to TODO. */
static inline bool is_item_of(Word cell, Word expr, WordVec *todo)
{
    for (uint32_t i = 0, n = expr_len(expr); i < n; i++) {
        Word item = atom_deref(expr_at(expr, i));
        if (item == cell) return true;
        if (atom_is_cons(item) && !expr_is_ground(item)) vec_push(todo, item);
    }
    return false;
}

bool occurs_in(Word cell, Word term)
{
    term = atom_deref(term);
    if (!atom_is_cons(term)) return term == cell;
    if (expr_is_ground(term)) return false;
    WordVec todo = {0};
    bool found = is_item_of(cell, term, &todo);
    if (LIKELY(!todo.data)) return found;
    while (todo.len && !found) found = is_item_of(cell, vec_pop(&todo), &todo);
    vec_free(&todo);
    return found;
}

static bool bind_checked(Bind *b, Word cell, Word value)
{
    if (atom_is_cons(value) && !expr_is_ground(value) && occurs_in(cell, value)) return false;
    bind_cell(b, cell, value);
    return true;
}

/* Two terms of which none is a variable, not the same word and not both expressions; what has a matching of its own is put off. */
static bool compare_atoms(Bind *b, Word x, Word y)
{
    if (atom_equal(x, y)) return true;
    if (!b->custom || !(word_is_ext(x) || word_is_ext(y))) return false;
    vec_push(b->custom, word_is_ext(x) ? x : y);
    vec_push(b->custom, word_is_ext(x) ? y : x);
    return true;
}

/* Two terms that are not the same word and not both expressions. */
static bool unify_atoms(Bind *b, Word x, Word y)
{
    if (word_is_cell(x)) {
        if (word_is_cell(y) && (b->directed || var_serial(y) > var_serial(x))) {
            bind_cell(b, y, x);
            return true;
        }
        return bind_checked(b, x, y);
    }
    if (word_is_cell(y)) return bind_checked(b, y, x);
    if (UNLIKELY(!word_is_nil(b->wildcard)) && (x == b->wildcard || y == b->wildcard)) return true;
    return compare_atoms(b, x, y);
}

/* The slots of a stored pattern. */
typedef struct Slots {
    Word *values;
    const SlotName *names;
} Slots;

static bool match_atoms(Bind *b, Word pattern, Word term, const Slots *slots);

/* Unify X and Y; X is a stored pattern if SLOTS is not NULL. */
static inline ALWAYS_INLINE bool unify_terms(Bind *b, Word x, Word y, const Slots *slots)
{
    PairStack todo;
    Pair at = {&x, &y, 1};
    small_init(&todo);
    bool ok;
    do {
        Word v = atom_deref(*at.a++), w = atom_deref(*at.b++);
        at.left--;
        if (v == w) {
            ok = v != WORD_NAN;
        } else if (atom_is_cons(v) && atom_is_cons(w)) {
            ok = expr_len(v) == expr_len(w);
            if (at.left) small_push(&todo, at);
            at = (Pair){expr_items(v), expr_items(w), expr_len(v)};
        } else {
            ok = slots ? match_atoms(b, v, w, slots) : unify_atoms(b, v, w);
        }
        if (at.left == 0 && todo.len) at = todo.data[--todo.len];
    } while (ok && at.left);
    small_free(&todo);
    return ok;
}

bool unify(Bind *b, Word x, Word y)
{
    return unify_terms(b, x, y, NULL);
}

bool unify_pattern(Bind *b, Word value, Word pattern)
{
    b->directed = true;
    bool ok = unify(b, value, pattern);
    b->directed = false;
    return ok;
}

bool unify_or_undo(Bind *b, Word x, Word y)
{
    Trial t = trial_begin(b);
    return trial_end(b, t, unify(b, x, y));
}

bool unify_pattern_or_undo(Bind *b, Word value, Word pattern)
{
    Trial t = trial_begin(b);
    return trial_end(b, t, unify_pattern(b, value, pattern));
}

/* -- Matching stored patterns -- */

static inline Word slot_value(Heap *h, Word slot, Word *slots, const SlotName *names)
{
    uint32_t i = word_slot_index(slot);
    if (word_is_nil(slots[i])) slots[i] = atom_new_var(h, names ? names[i].name : SYM_EMPTY, 0);
    return slots[i];
}

static bool match_slot(Bind *b, Word pattern, Word term, Word *slots)
{
    Word *slot = &slots[word_slot_index(pattern)];
    if (word_is_nil(*slot)) {
        *slot = term;
        return true;
    }
    return unify(b, term, *slot);
}

/* The instance of the expression PATTERN, if it holds no other with variables; else WORD_NIL.  TWIN: it may have one.  *NEW: all its variables are. */
static inline ALWAYS_INLINE Word instantiate_flat(Heap *h, Word pattern, const Slots *slots, bool twin,
                                                  bool *new)
{
    const Obj *from = word_obj(pattern);
    Obj *copy = heap_obj(h, OBJ_EXPR, 0, from->len, from->len + twin);
    bool ground = true;
    *new = true;
    for (uint32_t i = 0; i < from->len; i++) {
        Word item = from->body[i];
        if (word_is_slot(item)) {
            *new &= word_is_nil(slots->values[word_slot_index(item)]);
            item = slot_value(h, item, slots->values, slots->names);
            ground &= item_is_ground(item);
        } else if (atom_is_cons(item) && !expr_is_ground(item)) {
            return WORD_NIL;
        }
        copy->body[i] = item;
    }
    copy->flags = OBJ_WRITTEN | (ground ? OBJ_GROUND : 0);
    Word instance = word_from_ptr(TAG_HEAP, copy);
    if (twin && !ground) expr_add_twin(h, copy, instance);
    return instance;
}

/* Bind the unbound CELL to the instance of the stored PATTERN, no slot. */
static bool bind_instance(Bind *b, Word cell, Word pattern, const Slots *slots)
{
    bool new = false;
    Word instance = WORD_NIL;
    if (atom_is_cons(pattern) && !expr_is_ground(pattern))
        instance = instantiate_flat(b->heap, pattern, slots, true, &new);
    if (!word_is_nil(instance) && new) {
        bind_cell(b, cell, instance);
        return true;
    }
    if (word_is_nil(instance)) instance = instantiate(b->heap, pattern, slots->values, slots->names);
    return bind_checked(b, cell, instance);
}

/* A pattern and a term that are not the same word and not both expressions. */
static bool match_atoms(Bind *b, Word pattern, Word term, const Slots *slots)
{
    if (word_is_slot(pattern)) return match_slot(b, pattern, term, slots->values);
    if (word_is_cell(term)) return bind_instance(b, term, pattern, slots);
    return compare_atoms(b, pattern, term);
}

bool match_stored(Bind *b, Word pattern, Word term, Word *slots, const SlotName *names)
{
    Slots s = {slots, names};
    return unify_terms(b, pattern, term, &s);
}

bool match_stored_pattern(Bind *b, Word pattern, Word value, Word *slots, const SlotName *names)
{
    b->directed = true;
    bool ok = match_stored(b, pattern, value, slots, names);
    b->directed = false;
    return ok;
}

/* -- Instantiation --
 *
 * The copies lie one after another in the nursery, so they are their own queue: scan them from first to last, copying
 * non-ground children to the end (as Cheney's collector does).  Fresh variable cells lie between them and are
 * stepped over. */

static Word copy_shallow(Heap *h, Word stored)
{
    const Obj *from = word_obj(stored);
    Obj *to = heap_obj(h, OBJ_EXPR, OBJ_GROUND | OBJ_WRITTEN, from->len, from->len);
    memcpy(to->body, from->body, from->len * sizeof(Word));
    return word_from_ptr(TAG_HEAP, to);
}

static size_t copied_size(const Obj *o)
{
    return sizeof(Obj) + (o->kind == OBJ_VAR ? 1 : o->len) * sizeof(Word);
}

/* The copies of one instantiation, so that their ground flags can be set from the leaves up.  Beyond the limit flags are
 * just cleared, which is always right. */
enum { COPIES_MAX = 256 };
typedef struct Copies {
    Obj *obj[COPIES_MAX];
    uint32_t count;
} Copies;

static void flag_ground(Heap *h, char *from, const Copies *copies)
{
    if (copies->count <= COPIES_MAX) {
        /* Children were copied after their parents. */
        for (uint32_t i = copies->count; i-- > 0;) {
            copies->obj[i]->flags &= (uint8_t)~OBJ_GROUND;
            expr_seal(word_from_ptr(TAG_HEAP, copies->obj[i]));
        }
        return;
    }
    for (char *p = from; p < h->top; p += copied_size((Obj *)p)) {
        Obj *o = (Obj *)p;
        if (o->kind == OBJ_EXPR) o->flags &= (uint8_t)~OBJ_GROUND;
    }
}

Word instantiate(Heap *h, Word stored, Word *slots, const SlotName *names)
{
    if (word_is_slot(stored)) return slot_value(h, stored, slots, names);
    if (!atom_is_cons(stored) || expr_is_ground(stored)) return stored;
    if (word_obj(stored)->flags & OBJ_FLAT) {
        bool new;
        return instantiate_flat(h, stored, &(Slots){slots, names}, false, &new);
    }
    char *start = h->top;
    Word root = copy_shallow(h, stored);
    bool ground = true;
    Copies copies;
    copies.count = 0;
    for (char *scan = start; scan < h->top;) {
        Obj *o = (Obj *)scan;
        scan += copied_size(o);
        if (o->kind != OBJ_EXPR) continue;
        if (copies.count < COPIES_MAX) copies.obj[copies.count] = o;
        copies.count++;
        for (uint32_t i = 0; i < o->len; i++) {
            Word item = o->body[i];
            if (word_is_slot(item)) {
                o->body[i] = slot_value(h, item, slots, names);
                ground &= item_is_ground(o->body[i]);
            } else if (atom_is_cons(item) && !expr_is_ground(item)) {
                o->body[i] = copy_shallow(h, item);
            }
        }
    }
    if (ground) return root;
    if (copies.count == 1)
        word_obj(root)->flags &= (uint8_t)~OBJ_GROUND;
    else
        flag_ground(h, start, &copies);
    return root;
}

Word instantiate_value(Heap *h, Word stored, Word *slots, const SlotName *names)
{
    if (!atom_is_cons(stored) || !(word_obj(stored)->flags & OBJ_FLAT))
        return instantiate(h, stored, slots, names);
    bool new;
    return instantiate_flat(h, stored, &(Slots){slots, names}, true, &new);
}

/* -- Copies with other variables -- */

typedef struct Substitution {
    Word cell, value;
} Substitution;

static Word substitute_var(void *context, Heap *h, Word var)
{
    const Substitution *s = context;
    (void)h;
    return var == s->cell ? s->value : var;
}

Word substitute(Heap *h, Word term, Word cell, Word value)
{
    Substitution s = {atom_deref(cell), value};
    return atom_map_vars(h, term, substitute_var, &s);
}

typedef struct Renaming {
    const Word *keep;
    uint32_t keep_count;
    SMALL_VEC(Word, 8) pairs; /* old, new, old, new ... */
} Renaming;

static Word rename_var(void *context, Heap *h, Word var)
{
    Renaming *r = context;
    for (uint32_t i = 0; i < r->keep_count; i++)
        if (atom_deref(r->keep[i]) == var) return var;
    for (size_t i = 0; i < r->pairs.len; i += 2)
        if (r->pairs.data[i] == var) return r->pairs.data[i + 1];
    uint32_t name = word_is_slot(var) ? SYM_EMPTY : word_obj(var)->len;
    Word fresh = atom_new_var(h, name, 0);
    small_push(&r->pairs, var);
    small_push(&r->pairs, fresh);
    return fresh;
}

Word rename_apart(Heap *h, Word term, const Word *keep, uint32_t n)
{
    Renaming r = {.keep = keep, .keep_count = n};
    small_init(&r.pairs);
    Word copy = atom_map_vars(h, term, rename_var, &r);
    small_free(&r.pairs);
    return copy;
}

static Word collect_var(void *context, Heap *h, Word var)
{
    WordVec *out = context;
    (void)h;
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] == var) return var;
    vec_push(out, var);
    return var;
}

void free_variables(Heap *h, Word term, WordVec *out)
{
    atom_map_vars(h, term, collect_var, out);
}
