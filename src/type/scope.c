#include "type/scope.h"

#include "type/type.h"

Scope *scope_new(Space *own)
{
    Scope *s = base_calloc(1, sizeof *s);
    s->own = own;
    vec_push(&s->spaces, own);
    return s;
}

void scope_free(Scope *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->by_symbol.len; i++) {
        if (!s->by_symbol.data[i]) continue;
        base_free(s->by_symbol.data[i]->types);
        base_free(s->by_symbol.data[i]);
    }
    vec_free(&s->by_symbol);
    vec_free(&s->spaces);
    base_free(s);
}

static void forget_types(Scope *s)
{
    for (size_t i = 0; i < s->by_symbol.len; i++)
        if (s->by_symbol.data[i]) s->by_symbol.data[i]->epoch = 0;
}

bool scope_has_rules(const Scope *s, uint32_t sym, uint32_t len)
{
    for (size_t i = 0; i < s->spaces.len; i++)
        if (rules_exist(s->spaces.data[i], sym, len)) return true;
    return false;
}

void scope_add_space(Scope *s, Space *dependency)
{
    for (size_t i = 0; i < s->spaces.len; i++)
        if (s->spaces.data[i] == dependency) return;
    vec_push(&s->spaces, dependency);
    forget_types(s);
}

void scope_trace(Scope *s, Heap *h)
{
    for (size_t i = 0; i < s->by_symbol.len; i++) {
        SymbolTypes *t = s->by_symbol.data[i];
        if (t) heap_visit_range(h, t->types, t->count);
    }
}

/* -- The type world -- */

void type_world_init(TypeWorld *w, Heap *h, Bind *b)
{
    memset(w, 0, sizeof *w);
    w->heap = h;
    w->bind = b;
    w->inferred.round = 1; /* that of no entry */
    w->epoch = 1;
    w->left_expr = w->left_atom = WORD_NIL;
}

static void note_typed_expression(TypeWorld *w, Word subject)
{
    Word head = atom_deref(expr_at(subject, 0));
    if (!word_is_sym(head)) {
        w->typed_expr_other = true;
        return;
    }
    uint32_t id = word_sym_id(head);
    while (w->typed_expr_head.len <= id) vec_push(&w->typed_expr_head, 0);
    w->typed_expr_head.data[id] = 1;
}

void type_world_note(TypeWorld *w, Word atom)
{
    atom = atom_deref(atom);
    if (!atom_is_cons(atom)) return;
    Word head = atom_deref(expr_at(atom, 0));
    if (head != W_SYM(COLON) && head != W_SYM(SUBTYPE) && !word_is_var(head)) return;
    w->epoch++;
    if (expr_len(atom) < 2) return;
    Word subject = atom_deref(expr_at(atom, 1));
    if (atom_is_cons(subject))
        note_typed_expression(w, subject);
    else if (word_is_var(subject))
        w->typed_expr_other = true;
}

void type_world_fini(TypeWorld *w)
{
    base_free(w->inferred.table);
    vec_free(&w->inferred.young);
    vec_free(&w->typed_expr_head);
}

/* -- Inferred types of expressions -- */

enum { FEWEST_INFERRED = 256, MOST_INFERRED = 1 << 18 };

static InferredType *inferred_place(const InferredTypes *t, Word expr)
{
    return &t->table[(uint32_t)(base_hash_word(expr) >> 16) & t->mask];
}

static bool is_known(const InferredTypes *t, const InferredType *i, Word expr)
{
    return i->expr == expr && i->round == t->round;
}

static void forget_inferred(InferredTypes *t)
{
    t->round++;
    t->used = 0;
    vec_clear(&t->young);
}

/* Is anything in the table worth looking at? */
static bool inferred_is_open(TypeWorld *w)
{
    InferredTypes *t = &w->inferred;
    if (UNLIKELY(t->epoch != w->epoch)) {
        t->epoch = w->epoch;
        forget_inferred(t);
    }
    return t->used > 0;
}

const InferredType *inferred_find(TypeWorld *w, const Scope *s, Word expr)
{
    if (!inferred_is_open(w)) return NULL;
    const InferredType *i = inferred_place(&w->inferred, expr);
    return is_known(&w->inferred, i, expr) && i->scope == s && i->spaces == s->spaces.len ? i : NULL;
}

static void inferred_grow(InferredTypes *t)
{
    uint32_t size = t->table ? t->mask + 1 : 0;
    InferredType *old = t->table;
    t->mask = (size ? 2 * size : FEWEST_INFERRED) - 1;
    t->table = base_calloc(t->mask + 1, sizeof *t->table);
    for (uint32_t i = 0; i < size; i++)
        if (old[i].round == t->round) *inferred_place(t, old[i].expr) = old[i];
    base_free(old);
}

static void inferred_put(InferredTypes *t, InferredType i)
{
    InferredType *place = inferred_place(t, i.expr);
    t->used += place->round != t->round;
    *place = i;
}

void inferred_note(TypeWorld *w, const Scope *s, Word expr, Word type)
{
    InferredTypes *t = &w->inferred;
    inferred_is_open(w);
    if (!t->table || (t->used * 2 > t->mask && t->mask < MOST_INFERRED)) inferred_grow(t);
    inferred_put(t, (InferredType){expr, type, s, (uint32_t)s->spaces.len, t->round});
    vec_push(&t->young, expr);
}

void type_world_moves(TypeWorld *w, bool major)
{
    w->left_expr = w->left_atom = WORD_NIL;
    /* Scopes may go, and stored terms. */
    if (major) forget_inferred(&w->inferred);
}

void type_world_moved(TypeWorld *w, Heap *h)
{
    InferredTypes *t = &w->inferred;
    for (size_t k = 0; k < t->young.len; k++) {
        InferredType *place = inferred_place(t, t->young.data[k]), i = *place;
        if (!is_known(t, place, t->young.data[k])) continue;
        place->round = 0;
        t->used--;
        if (!heap_has_moved(h, &i.expr)) continue;
        heap_visit(h, &i.type);
        inferred_put(t, i);
    }
    vec_clear(&t->young);
}

/* -- Declared types of symbols -- */

/* Append every T with (HEAD SUBJECT T) in the scope, unless it is an unbound variable or %Undefined%. */
static void query_pairs(TypeWorld *w, Scope *s, Word head, Word subject, WordVec *out)
{
    Word var = atom_new_var(w->heap, SYM_COLON, 0);
    Word pattern = atom_expr3(w->heap, head, subject, var);
    for (size_t i = 0; i < s->spaces.len; i++) {
        Cursor c;
        cursor_open(s->spaces.data[i], pattern, &c);
        for (;;) {
            Trial t = trial_begin(w->bind);
            bool found = cursor_next(&c, w->bind, pattern);
            Word type = found ? atom_resolve(w->heap, var) : WORD_NIL;
            trial_abort(w->bind, t);
            if (!found) break;
            if (!word_is_var(type) && type != W_SYM(UNDEFINED)) vec_push(out, type);
        }
    }
}

static bool contains(const WordVec *v, size_t from, Word type)
{
    for (size_t i = from; i < v->len; i++)
        if (atom_equal(v->data[i], type)) return true;
    return false;
}

/* A fact such as (:< $t (List $t)) gives each type endlessly many supertypes: no more than these are looked at. */
enum { MOST_SUPERTYPES = 256 };

/* Close V (from index FROM) under the ':<' facts. */
void scope_add_supertypes(TypeWorld *w, Scope *s, WordVec *v, size_t from)
{
    for (size_t i = from; i < v->len && v->len - from < MOST_SUPERTYPES; i++) {
        WordVec found = {0};
        query_pairs(w, s, W_SYM(SUBTYPE), v->data[i], &found);
        for (size_t k = 0; k < found.len; k++)
            if (!contains(v, from, found.data[k])) vec_push(v, found.data[k]);
        vec_free(&found);
    }
}

void scope_declared_types(TypeWorld *w, Scope *s, Word subject, WordVec *out)
{
    size_t from = out->len;
    query_pairs(w, s, W_SYM(COLON), subject, out);
    scope_add_supertypes(w, s, out, from);
}

const SymbolTypes *scope_symbol_types(TypeWorld *w, Scope *s, uint32_t id)
{
    while (s->by_symbol.len <= id) vec_push(&s->by_symbol, NULL);
    SymbolTypes *t = s->by_symbol.data[id];
    if (LIKELY(t && t->epoch == w->epoch)) return t;
    if (!t) t = s->by_symbol.data[id] = base_calloc(1, sizeof *t);
    WordVec types = {0};
    scope_declared_types(w, s, word_sym(id), &types);
    base_free(t->types);
    t->types = types.data;
    t->count = (uint32_t)types.len;
    t->epoch = w->epoch;
    signature_from_types(t->types, t->count, &t->signature);
    return t;
}

/* -- Signatures -- */

static ParamKind classify(Word type)
{
    type = atom_deref(type);
    if (type == W_SYM(T_ATOM)) return PARAM_ATOM;
    if (type == W_SYM(UNDEFINED)) return PARAM_ANY;
    if (type_is_meta(type)) return PARAM_META;
    return word_is_sym(type) ? PARAM_CONST : PARAM_COMPLEX;
}

/* Is TYPE (M VAR), M a symbol? */
static bool is_box_type(Word type, Word var)
{
    return atom_is_cons(type) && expr_len(type) == 2 && word_is_sym(atom_deref(expr_at(type, 0))) &&
           atom_deref(expr_at(type, 1)) == var;
}

/* SIGNATURE_GET, SIGNATURE_PUT, or SIGNATURE_GENERAL when TYPE is of neither form. */
static SignatureKind box_signature(Word type)
{
    Word box = atom_deref(expr_at(type, 1)), last = atom_deref(expr_at(type, expr_len(type) - 1));
    Word var = atom_is_cons(box) && expr_len(box) == 2 ? atom_deref(expr_at(box, 1)) : WORD_NIL;
    if (!word_is_cell(var) || !is_box_type(box, var)) return SIGNATURE_GENERAL;
    if (expr_len(type) == 3) return last == var ? SIGNATURE_GET : SIGNATURE_GENERAL;
    bool put = expr_len(type) == 4 && atom_deref(expr_at(type, 2)) == var && is_box_type(last, var) &&
               atom_deref(expr_at(last, 0)) == atom_deref(expr_at(box, 0));
    return put ? SIGNATURE_PUT : SIGNATURE_GENERAL;
}

static bool is_same_signature(Word type)
{
    Word a = atom_deref(expr_at(type, 1));
    return expr_len(type) == 4 && word_is_cell(a) && a == atom_deref(expr_at(type, 2)) &&
           classify(expr_at(type, 3)) == PARAM_CONST;
}

void signature_from_types(const Word *types, uint32_t count, Signature *out)
{
    memset(out, 0, sizeof *out);
    out->kind = count == 0 ? SIGNATURE_NONE : SIGNATURE_GENERAL;
    if (count != 1 || !type_is_function(types[0])) return;
    Word type = types[0];
    uint32_t n = expr_len(type) - 2;
    if (n > SIGNATURE_MAX_PARAMS) return;
    bool simple = true;
    for (uint32_t i = 0; i < n; i++) {
        Word p = atom_deref(expr_at(type, i + 1));
        out->params[i] = (Param){classify(p), word_is_sym(p) ? p : W_SYM(UNDEFINED)};
        simple &= out->params[i].kind != PARAM_COMPLEX;
    }
    Word result = atom_deref(expr_at(type, n + 1));
    out->result = (Param){classify(result), word_is_sym(result) ? result : W_SYM(UNDEFINED)};
    if (atom_is_cons(result) && atom_is_ground(result)) out->result.kind = PARAM_FIXED;
    out->param_count = n;
    if (simple && (out->result.kind != PARAM_COMPLEX || word_is_cell(result)))
        out->kind = SIGNATURE_SIMPLE;
    else if (is_same_signature(type))
        out->kind = SIGNATURE_SAME;
    else if (n > 0)
        out->kind = box_signature(type);
}
