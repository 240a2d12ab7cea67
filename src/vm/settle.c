/* Data: expressions that evaluating gives back, themselves or a copy. */
#include "vm/pieces.h"

/* -- What evaluation leaves as it is -- */

static inline bool is_inert(const Machine *m, Word expr)
{
    const Obj *o = word_obj(expr);
    uint16_t epoch = m->rt->inert_epoch;
    return ((o->note ^ epoch) & INERT_EPOCH) == 0 && epoch != 0 && !(o->flags & OBJ_STORED);
}

/* Evaluating an inert expression would mark it and all its parts: so does this. */
static void mark_settled(Machine *m, Word expr)
{
    WordVec todo = {0};
    vec_push(&todo, expr);
    while (todo.len) {
        expr = vec_pop(&todo);
        word_obj(expr)->flags |= OBJ_EVALUATED;
        for (uint32_t i = 0; i < expr_len(expr); i++) {
            Word item = atom_deref(expr_at(expr, i));
            if (atom_may_reduce(item) && is_inert(m, item)) vec_push(&todo, item);
        }
    }
    vec_free(&todo);
}

/* -- Data that was never evaluated --
 *
 * What evaluating an expression of data does (interp/eval.c), done at once: its items are evaluated, no rule applies, and what is
 * ground is marked: a stored term in a copy, and one whose variables are bound in a copy without them. */
enum { SETTLE_DEPTH = 32 };

static inline bool is_known_data(const Runtime *rt, const Function *f)
{
    return f->data_epoch == rt->inert_epoch && rt->inert_epoch != 0;
}

bool is_data_function(Machine *m, Function *f)
{
    Runtime *rt = m->rt;
    if (is_known_data(rt, f)) return true;
    if (f->name == SYM_HEADED) return false;
    Word head = word_sym(f->name);
    if (!is_plain_head(m, head) || head == W_SYM(EMPTY) || scope_has_rules(m->scope, f->name, f->arity + 1))
        return false;
    rt_note_data_head(rt, f->name);
    f->data_epoch = rt->inert_epoch;
    return true;
}

bool may_be_headless(Machine *m)
{
    Vm *vm = m->rt->upper;
    uint16_t epoch = m->rt->inert_epoch;
    if (vm->headless_epoch == epoch && epoch != 0) return true;
    if (!headless_are_data(&m->rt->types, m->scope)) return false;
    vm->headless_epoch = epoch;
    return true;
}

/* May what has HEAD, which is no symbol, be data?  A head that is an expression is settled as an item. */
static inline bool heads_headless(Machine *m, Word head)
{
    if (word_is_op(head) || word_is_ext(head) || !may_be_headless(m)) return false;
    if (!atom_is_cons(head)) return true;
    Word inner = atom_deref(expr_at(head, 0));
    return atom_is_cons(inner) ||
           /* Of data the head is plain. */
           (word_is_sym(inner) && (is_inert(m, head) || is_plain_head(m, inner)) &&
            !has_typed_expressions(&m->rt->types, inner));
}

/* May EXPR, whose head is no symbol that is known to head data, be data, as far as its head tells? */
static __attribute__((noinline)) bool may_head_data(Machine *m, Word expr, Word head)
{
    Vm *vm = m->rt->upper;
    if (!word_is_sym(head)) return heads_headless(m, head);
    return is_data_function(m, functions_get(&vm->functions, word_sym_id(head), expr_len(expr) - 1));
}

/* May EXPR be data, as far as its head tells? */
static inline bool heads_data(Machine *m, Word expr)
{
    Vm *vm = m->rt->upper;
    Word head = atom_deref(expr_at(expr, 0));
    if (word_is_sym(head)) {
        const Function *f = functions_get(&vm->functions, word_sym_id(head), expr_len(expr) - 1);
        if (LIKELY(is_known_data(m->rt, f))) return true;
    }
    return may_head_data(m, expr, head);
}

/* Is VALUE known to be irreducible?  Then it is marked as evaluating it would. */
static inline bool is_settled(Machine *m, Word value)
{
    if (!is_inert(m, value)) return false;
    mark_settled(m, value);
    return true;
}

/* Is ITEM, dereferenced, ground and irreducible, and marked as evaluating it would? */
static inline bool is_plain_item(Word item)
{
    if (!atom_is_cons(item)) return !word_is_var(item) && item != W_SYM(EMPTY);
    return (word_obj(item)->flags & (OBJ_GROUND | OBJ_EVALUATED)) == (OBJ_GROUND | OBJ_EVALUATED);
}

/* The note of resolved copies that are irreducible now, if there is one. */
static inline uint32_t copies_note(const Machine *m)
{
    uint16_t epoch = m->rt->inert_epoch;
    return epoch ? epoch | (uint32_t)INERT_COPY : UINT32_MAX;
}

/* The twin of EXPR, if it has one that is irreducible now, which NOTE (copies_note) tells; else WORD_NIL. */
static inline Word live_twin(Word expr, uint32_t note)
{
    const Obj *to = expr_twin_cell(expr);
    return to && word_obj(to->body[0])->note == note ? to->body[0] : WORD_NIL;
}

/* Room for a copy, without variables and irreducible, of an expression of N items. */
static inline Obj *open_copy(Machine *m, uint32_t n, uint32_t note)
{
    Obj *copy = heap_obj(&m->rt->heap, OBJ_EXPR, OBJ_GROUND | OBJ_EVALUATED, n, n);
    copy->note = (uint16_t)note;
    return copy;
}

static bool settle_data(Machine *m, Word *value, Word term, int depth);

static inline bool settle_at(Machine *m, Word *value, int depth)
{
    if (is_settled(m, *value)) return true;
    Word twin = live_twin(*value, copies_note(m));
    if (!word_is_nil(twin)) {
        *value = twin;
        return true;
    }
    return depth > 0 && heads_data(m, *value) && settle_data(m, value, WORD_NIL, depth);
}

/* May VALUE be data, as far as the heads tell that TERM has variables for?  It has matched TERM, an expression, unless the code comes from a damaged file. */
static bool parts_are_data(Machine *m, Word term, Word value)
{
    if (!atom_is_cons(value) || expr_len(value) != expr_len(term)) return false;
    for (uint32_t i = 0; i < expr_len(term); i++) {
        Word part = expr_at(term, i);
        if (!atom_is_cons(part)) continue;
        Word item = atom_deref(expr_at(value, i));
        bool done = !atom_may_reduce(item) && !word_is_sym(expr_at(part, 0));
        if (done && !is_inert(m, item) && !heads_data(m, item)) return false;
        if (!parts_are_data(m, part, item)) return false;
    }
    return true;
}

/* As settle_at, of *ITEM, which has matched PART, an expression: see settle_argument. */
static inline bool settle_part(Machine *m, Word *item, Word part, int depth)
{
    if (!atom_is_cons(*item) || expr_len(*item) != expr_len(part)) return false;
    if (atom_may_reduce(*item)) return depth > 0 && heads_data(m, *item) && settle_data(m, item, part, depth);
    if (!word_is_sym(expr_at(part, 0)) && !is_inert(m, *item) && !heads_data(m, *item)) return false;
    return parts_are_data(m, part, *item);
}

/* Settle *ITEM, an item that is no plain one, which an expression has in the place of PART: see settle_data. */
static inline bool settle_item(Machine *m, Word *item, Word part, int depth)
{
    Word was = *item;
    if (word_is_var(was)) return true;
    if (!atom_is_cons(was)) return false; /* Empty */
    if (atom_is_cons(part)) {
        if (!settle_part(m, item, part, depth)) return false;
    } else if (atom_may_reduce(was) && !settle_at(m, item, depth)) {
        return false;
    }
    return true;
}

/* Settle *VALUE, whose head is that of data.  TERM is WORD_NIL or what the value has matched, an expression of as many items: see
 * settle_argument.  What is needed is a copy, made of the settled items, if one is not what it was, if variables are gone, for a stored term, or
 * for what is no more than the same as an instance of a template; else the room for it is given back. */
static bool settle_data(Machine *m, Word *value, Word term, int depth)
{
    Heap *h = &m->rt->heap;
    Obj *was = word_obj(*value);
    Obj *copy = heap_obj(h, OBJ_EXPR, 0, was->len, was->len);
    char *end = h->top;
    bool changed = false, ground = true;
    for (uint32_t i = 0; i < was->len; i++) {
        Word item = atom_deref(was->body[i]);
        Word part = word_is_nil(term) ? WORD_NIL : expr_at(term, i);
        copy->body[i] = item;
        if (!atom_is_cons(part) && is_plain_item(item)) continue;
        if (!settle_item(m, &copy->body[i], part, depth - 1)) return false;
        changed |= copy->body[i] != item;
        ground &= item_is_ground(copy->body[i]);
    }
    if (was->flags & OBJ_GROUND) {
        if (changed || !word_is_nil(term) || was->flags & (OBJ_STORED | OBJ_WRITTEN)) {
            copy->flags = OBJ_GROUND | OBJ_EVALUATED;
            *value = word_from_ptr(TAG_HEAP, copy);
            return true;
        }
        was->flags |= OBJ_EVALUATED;
    } else if (ground) {
        /* It held variables when it was made. */
        copy->flags = OBJ_GROUND | OBJ_EVALUATED;
        copy->note = m->rt->inert_epoch | INERT_COPY;
        *value = word_from_ptr(TAG_HEAP, copy);
        return true;
    } else if (changed) {
        *value = word_from_ptr(TAG_HEAP, copy);
        return true;
    }
    if (h->top == end) h->top = (char *)copy;
    return true;
}

/* -- The same for what is commonest: few expressions were not looked at before --
 *
 * A copy, made at once, of what held variables when it was made and holds none any more, now that they are bound to plain items.  WORD_NIL: that takes
 * more; what was done so far would have been done anyway.
 *
 * Whoever asks for the variable of an item need not make the copy of that again, nor compare it with that: it is the twin of what the variable stands for. */

/* Is what has HEAD, dereferenced, and LEN items known to be data?  False: that takes more to find out.  (See heads_data.) */
static inline ALWAYS_INLINE bool heads_known_data(const Machine *m, Word head, uint32_t len, uint32_t note)
{
    const Vm *vm = m->rt->upper;
    if (LIKELY(word_is_sym(head))) {
        const Function *f = functions_first(&vm->functions, word_sym_id(head), len - 1);
        return f && is_known_data(m->rt, f);
    }
    if (!atom_is_cons(head) || word_obj(head)->note != note) return false;
    if (vm->headless_epoch != m->rt->inert_epoch) return false;
    /* A resolved copy. */
    Word inner = expr_at(head, 0);
    return atom_is_cons(inner) || (word_is_sym(inner) && !has_typed_expressions(&m->rt->types, inner));
}

/* As inner_copy, where items are to be copied, too. */
static __attribute__((noinline)) Word deep_copy(Machine *m, Word expr, uint32_t note, int depth)
{
    const Obj *from = word_obj(expr);
    uint32_t n = from->len;
    if (from->flags & (OBJ_GROUND | OBJ_EVALUATED)) return WORD_NIL;
    Obj *copy = open_copy(m, n, note);
    for (uint32_t i = 0; i < n; i++) {
        Word item = atom_deref(from->body[i]);
        if (!is_plain_item(item)) {
            Word twin = atom_is_cons(item) ? live_twin(item, note) : WORD_NIL;
            if (word_is_nil(twin) && atom_is_cons(item) && depth > 0)
                twin = deep_copy(m, item, note, depth - 1);
            item = twin;
        }
        copy->body[i] = item;
        if (!word_is_nil(item)) continue;
        m->rt->heap.top = (char *)copy;
        return WORD_NIL;
    }
    return heads_data(m, expr) ? word_from_ptr(TAG_HEAP, copy) : WORD_NIL;
}

/* COPY, which was made of EXPR, if that is data. */
static __attribute__((noinline)) Word copy_of_data(Machine *m, Word expr, const Obj *copy)
{
    return heads_data(m, expr) ? word_from_ptr(TAG_HEAP, copy) : WORD_NIL;
}

/* Of EXPR, an item.  PART, if it is an expression, is what it has matched.  (What is called is called last, so that no registers have to be saved.) */
static __attribute__((noinline)) Word inner_copy(Machine *m, Word expr, Word part, uint32_t note)
{
    const Obj *from = word_obj(expr);
    uint32_t n = from->len, i = 0;
    if (from->flags & (OBJ_GROUND | OBJ_EVALUATED)) return WORD_NIL;
    if (atom_is_cons(part) && (expr_len(part) != n || !(word_obj(part)->flags & OBJ_FLAT))) return WORD_NIL;
    Obj *copy = open_copy(m, n, note);
    do {
        Word item = copy->body[i] = atom_deref(from->body[i]);
        if (LIKELY(is_plain_item(item))) continue;
        if (LIKELY(atom_is_cons(item))) {
            item = copy->body[i] = live_twin(item, note);
            if (LIKELY(!word_is_nil(item))) continue;
        }
        m->rt->heap.top = (char *)copy;
        return deep_copy(m, expr, note, SETTLE_DEPTH);
    } while (++i < n);
    if (LIKELY(heads_known_data(m, copy->body[0], n, note))) return word_from_ptr(TAG_HEAP, copy);
    return copy_of_data(m, expr, copy);
}

/* CELL is bound to EXPR, which cannot have a twin: let it be bound to one that can, and has TWIN. */
static __attribute__((noinline)) void bind_copy(Bind *b, Obj *cell, Word expr, Word twin)
{
    const Obj *from = word_obj(expr);
    uint32_t n = from->len;
    Obj *copy = heap_obj(b->heap, OBJ_EXPR, from->flags, n, n + 1);
    for (uint32_t i = 0; i < n; i++) copy->body[i] = from->body[i];
    expr_add_twin(b->heap, copy, twin);
    bind_resolved(b, cell, word_from_ptr(TAG_HEAP, copy));
}

/* Of EXPR, whose head is that of data and which has matched TERM. */
static Word shallow_copy(Machine *m, Word expr, Word term)
{
    const Obj *from = word_obj(expr);
    uint32_t note = copies_note(m), n = from->len;
    if (from->flags & OBJ_GROUND || note > UINT16_MAX) return WORD_NIL;
    Obj *copy = open_copy(m, n, note);
    const Word *parts = expr_items(term);
    for (uint32_t i = 0; i < n; i++) {
        Obj *cell = NULL;
        Word item = copy->body[i] = atom_deref_by(from->body[i], &cell);
        if (is_plain_item(item)) {
            if (UNLIKELY(word_is_heap(parts[i]))) return WORD_NIL;
            continue;
        }
        if (!atom_is_cons(item)) return WORD_NIL;
        Obj *to = expr_twin_cell(item);
        if (to && UNLIKELY(word_obj(to->body[0])->note == note)) {
            if (UNLIKELY(word_is_heap(parts[i]))) return WORD_NIL;
            copy->body[i] = to->body[0];
            continue;
        }
        Word inner = copy->body[i] = inner_copy(m, item, parts[i], note);
        if (UNLIKELY(word_is_nil(inner))) return WORD_NIL;
        if (LIKELY(to))
            bind_resolved(&m->rt->bind, to, inner);
        else if (cell)
            bind_copy(&m->rt->bind, cell, item, inner);
    }
    return word_from_ptr(TAG_HEAP, copy);
}

bool settle(Machine *m, Word *value)
{
    return settle_at(m, value, SETTLE_DEPTH);
}

static bool may_be_settled(Machine *m, Word value, int depth)
{
    if (is_inert(m, value) || !word_is_nil(live_twin(value, copies_note(m)))) return true;
    if (depth == 0 || !heads_data(m, value)) return false;
    for (uint32_t i = 0; i < expr_len(value); i++) {
        Word item = atom_deref(expr_at(value, i));
        if (item == W_SYM(EMPTY) || (atom_may_reduce(item) && !may_be_settled(m, item, depth - 1)))
            return false;
    }
    return true;
}

bool is_settleable(Machine *m, Word value)
{
    return may_be_settled(m, value, SETTLE_DEPTH);
}

bool settle_argument(Machine *m, const Chunk *c, uint32_t index, Word *value)
{
    Word term = c->templates.data[index].term;
    /* A damaged file may have any term there. */
    if (!atom_is_cons(term) || !atom_is_cons(*value) || expr_len(*value) != expr_len(term)) return false;
    if (!atom_may_reduce(*value)) return parts_are_data(m, term, *value);
    if (!word_is_sym(expr_at(term, 0)) && !heads_data(m, *value)) return false;
    Word copy = shallow_copy(m, *value, term);
    if (UNLIKELY(word_is_nil(copy))) return settle_data(m, value, term, SETTLE_DEPTH);
    *value = copy;
    return true;
}

void note_inert(Machine *m, Word value)
{
    if (!expr_is_ground(value)) return;
    const Word *items = expr_items(value);
    if (atom_is_cons(items[0])) return; /* it may have got a function type: settle finds out */
    for (uint32_t i = 1; i < expr_len(value); i++) {
        if (items[i] == W_SYM(EMPTY)) return;
        if (atom_may_reduce(items[i]) && !is_inert(m, items[i])) return;
    }
    word_obj(value)->note = m->rt->inert_epoch;
}

/* -- Relays -- */

/* A result on its way: a ground expression of N ITEMS that is irreducible; WHOLE, or WORD_NIL if it is yet to be made, a copy as open_copy has it of what has
 * the items FROM. */
typedef struct Carried {
    Word whole;
    uint32_t n;
    const Word *items, *from;
} Carried;

/* The relay of C at AT, or NULL. */
static inline const Relay *relay_at(const Chunk *c, uint32_t at)
{
    for (size_t i = 0; i < c->relays.len; i++)
        if (c->relays.data[i].at == at) return &c->relays.data[i];
    return NULL;
}

/* Does R find in RESULT what it should? */
static inline bool finds_same(const Word *locals, const Relay *r, const Carried *result)
{
    if (result->n != r->count || result->items[0] != r->functor) return false;
    for (uint32_t i = 0; i < r->same_count; i++) {
        uint32_t at = r->same[i].item;
        Word local = locals[r->same[i].local], item = result->items[at];
        if (local != result->from[at]) {
            local = atom_deref(local);
            if (UNLIKELY(local != item) && !has_twin(local, item)) return false;
        }
        if (item == WORD_NAN) return false;
    }
    return true;
}

/* Put the parts of what R gives into TO, those of its expressions behind its own.  False: one is no plain item, nor has it a twin. */
static inline ALWAYS_INLINE bool put_parts(const Relay *r, const Word *locals, const Word *result,
                                           uint32_t note, Word *to)
{
    const Word *const places[RELAY_PLACES] = {locals, result, r->words, r->words};
    for (const RelayPart *part = r->parts, *end = part + r->part_count; part < end; part++) {
        Word item = places[part->place][part->index];
        if (part->place < RELAY_WORD) {
            item = atom_deref(item);
            if (UNLIKELY(item == WORD_NIL)) return false;
            if (UNLIKELY(!is_plain_item(item))) {
                item = atom_is_cons(item) ? live_twin(item, note) : WORD_NIL;
                if (UNLIKELY(word_is_nil(item))) return false;
            }
        }
        *to++ = item;
    }
    return true;
}

/* Put the items of what R gives into TO, which has room for all its parts. */
static inline bool make_items(Machine *m, const Relay *r, const Word *locals, const Word *result, Word *to)
{
    uint32_t note = copies_note(m);
    if (UNLIKELY(note > UINT16_MAX) || !put_parts(r, locals, result, note, to)) return false;
    const Word *item = to + r->given;
    for (uint32_t i = 0; i < r->inner_count; i++) {
        uint32_t n = r->inner[i].count;
        if (!heads_known_data(m, *item, n, note)) return false;
        Obj *copy = open_copy(m, n, note);
        for (uint32_t j = 0; j < n; j++) copy->body[j] = *item++;
        to[r->inner[i].item] = word_from_ptr(TAG_HEAP, copy);
    }
    return true;
}

/* CELL is bound to WAS, of which COPY, an item of a result, is a marked copy. */
static void bind_part(Bind *b, Obj *cell, Word was, Word copy)
{
    if (!atom_is_cons(was)) return;
    Obj *to = is_plain_item(was) ? cell : expr_twin_cell(was);
    if (to)
        bind_resolved(b, to, copy);
    else if (!expr_is_ground(was))
        bind_copy(b, cell, was, copy);
}

static Word make_carried(Machine *m, const Carried *result)
{
    if (!word_is_nil(result->whole)) return result->whole;
    Obj *copy = open_copy(m, result->n, copies_note(m));
    for (uint32_t i = 0; i < result->n; i++) {
        Obj *cell = NULL;
        Word item = copy->body[i] = result->items[i], was = atom_deref_by(result->from[i], &cell);
        if (cell && was != item && !has_twin(was, item)) bind_part(&m->rt->bind, cell, was, item);
    }
    return word_from_ptr(TAG_HEAP, copy);
}

Word relay_result(Machine *m, Word value)
{
    Word room[2][RELAY_PARTS];
    if (!expr_is_ground(value)) return value;
    Carried result = {value, expr_len(value), expr_items(value), expr_items(value)};
    for (unsigned i = 0; m->frame->kind == FRAME_VM; i ^= 1) {
        Frame *f = m->frame;
        Chunk *c = frame_chunk(f);
        const Relay *r = relay_at(c, frame_ip(f));
        const Word *locals = f->slot + VM_LOCALS;
        bool protected = machine_protects(m, f);
        /* See receiver and copy_frame. */
        if (!r || (protected ? !(f->flags & FF_MADE) : f->flags & FF_HELD)) break;
        if (!finds_same(locals, r, &result)) break;
        Word argument = atom_deref(locals[r->argument]);
        if (!atom_is_cons(argument) || expr_len(argument) != r->given) break;
        if (!make_items(m, r, locals, result.items, room[i])) break;
        result = (Carried){WORD_NIL, r->given, room[i], expr_items(argument)};
        if (protected) {
            chunk_runs(c);
            f->flags |= FF_SUCCEEDED;
        }
        m->depth = f->depth;
        m->head = f->head;
        m->frame = f->parent;
    }
    return make_carried(m, &result);
}
