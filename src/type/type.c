#include "type/type.h"

#include "atom/num.h"

bool type_is_function(Word type)
{
    type = atom_deref(type);
    return atom_is_cons(type) && expr_len(type) > 1 && atom_deref(expr_at(type, 0)) == W_SYM(ARROW);
}

bool type_is_meta(Word type)
{
    return type == W_SYM(T_ATOM) || type == W_SYM(T_SYMBOL) || type == W_SYM(T_VARIABLE) ||
           type == W_SYM(T_EXPRESSION) || type == W_SYM(T_GROUNDED);
}

/* Types that match every other. */
static bool is_any(Word type)
{
    return type == W_SYM(UNDEFINED) || type == W_SYM(T_ATOM);
}

bool types_match(TypeWorld *w, Word a, Word b)
{
    return is_any(a) || is_any(b) || unify_or_undo(w->bind, a, b);
}

/* -- Quick types -- */

enum { QUICK_DEPTH = 6 };

/* Type of a grounded atom that is no operation, or WORD_NIL. */
static Word grounded_type(Word atom)
{
    if (word_is_bool(atom)) return W_SYM(T_BOOL);
    if (num_is(atom)) return W_SYM(T_NUMBER);
    if (atom_is_str(atom)) return W_SYM(T_STRING);
    if (word_is_char(atom)) return W_SYM(T_CHAR);
    if (word_is_ext(atom) && word_ext(atom)->type->type_of)
        return word_ext(atom)->type->type_of(word_ext(atom));
    return WORD_NIL;
}

static Word grounded_quick(Word atom)
{
    Word type = grounded_type(atom);
    if (atom_is_cons(type) && atom_is_ground(type)) return TYPE_COMPOUND;
    return word_is_sym(type) ? type : WORD_NIL;
}

Word type_in_box(Word atom)
{
    Word type = word_is_ext(atom) ? grounded_type(atom) : WORD_NIL;
    if (!atom_is_cons(type) || expr_len(type) != 2) return WORD_NIL;
    Word inner = atom_deref(expr_at(type, 1));
    return word_is_sym(inner) ? inner : WORD_NIL;
}

static Word symbol_quick(TypeWorld *w, Scope *s, Word atom)
{
    const SymbolTypes *t = scope_symbol_types(w, s, word_sym_id(atom));
    if (t->count == 0) return W_SYM(UNDEFINED);
    if (t->count == 1 && word_is_sym(t->types[0])) return t->types[0];
    return WORD_NIL;
}

static const Signature *head_signature(TypeWorld *w, Scope *s, Word head)
{
    if (word_is_sym(head)) return &scope_symbol_types(w, s, word_sym_id(head))->signature;
    if (word_is_op(head)) return &w->op_signatures[word_op_index(head)];
    return NULL;
}

bool headless_are_data(const TypeWorld *w, const Scope *s)
{
    if (w->typed_expr_other) return false;
    for (size_t i = 0; i < s->spaces.len; i++)
        if (rules_without_head(s->spaces.data[i])) return false;
    return true;
}

bool is_inert_atom(Word w)
{
    return num_is(w) || word_is_bool(w) || word_is_char(w) || atom_is_str(w) || w == WORD_UNIT;
}

static Word quick(TypeWorld *w, Scope *s, Word atom, int depth);

/* An argument of TYPE where the parameter is of another.  When a call is checked before it is evaluated an Atom may be
 * anything; in the inference of the type of a nested call it may not. */
static bool passes(Word type, bool inferring)
{
    return type == W_SYM(UNDEFINED) || (!inferring && type == W_SYM(T_ATOM));
}

/* A box that is there, not one that must be computed, and a value of the type that is in it. */
static bool box_accepts(TypeWorld *w, Scope *s, const Signature *sig, Word call, bool inferring, int depth)
{
    Word content = type_in_box(atom_deref(expr_at(call, 1)));
    if (word_is_nil(content) || sig->kind == SIGNATURE_GET) return !word_is_nil(content);
    Word type = quick(w, s, expr_at(call, 2), depth);
    return type == content || (!word_is_nil(type) && passes(type, inferring));
}

static bool accepts(TypeWorld *w, Scope *s, const Signature *sig, Word call, bool inferring, int depth)
{
    if (expr_len(call) != sig->param_count + 1) return false;
    if (sig->kind == SIGNATURE_SAME) {
        Word a = quick(w, s, expr_at(call, 1), depth);
        Word b = quick(w, s, expr_at(call, 2), depth);
        if (word_is_nil(a) || word_is_nil(b) || a == TYPE_COMPOUND || b == TYPE_COMPOUND) return false;
        return a == b || passes(a, inferring) || passes(b, inferring);
    }
    if (sig->kind == SIGNATURE_GET || sig->kind == SIGNATURE_PUT)
        return box_accepts(w, s, sig, call, inferring, depth);
    if (sig->kind != SIGNATURE_SIMPLE) return false;
    for (uint32_t i = 0; i < sig->param_count; i++) {
        const Param *p = &sig->params[i];
        if (p->kind == PARAM_ATOM) continue;
        Word arg = atom_deref(expr_at(call, i + 1));
        if (p->kind == PARAM_META && atom_metatype(arg) == p->type) continue;
        Word type = quick(w, s, arg, depth);
        if (word_is_nil(type)) return false;
        if (p->kind == PARAM_ANY || type == p->type || passes(type, inferring)) continue;
        return false;
    }
    return true;
}

static Word child0(Word expr)
{
    return atom_deref(expr_at(expr, 0));
}

/* The chain is walked without following variables, so that what is cached does not depend on bindings. */
Word type_leftmost(TypeWorld *w, Word expr)
{
    Word end = w->left_atom;
    bool known = !word_is_nil(w->left_expr) && (expr == w->left_expr || expr_at(expr, 0) == w->left_expr ||
                                                expr_at(w->left_expr, 0) == expr);
    if (!known)
        for (end = expr; atom_is_cons(end);) end = expr_at(end, 0);
    w->left_expr = expr;
    w->left_atom = end;
    for (end = atom_deref(end); atom_is_cons(end);) end = child0(end);
    return end;
}

/* An expression whose head is an expression has no type if the leftmost atom has none: no head on the way has one. */
static Word nested_head_quick(TypeWorld *w, Scope *s, Word atom)
{
    Word left = type_leftmost(w, atom);
    if (w->typed_expr_other || has_typed_expressions(w, left)) return WORD_NIL;
    if (left == WORD_UNIT || word_is_var(left)) return W_SYM(UNDEFINED);
    if (word_is_sym(left) && scope_symbol_types(w, s, word_sym_id(left))->count == 0) return W_SYM(UNDEFINED);
    return WORD_NIL;
}

static Word signature_quick(TypeWorld *w, Scope *s, Word atom, int depth)
{
    Word head = atom_deref(expr_at(atom, 0));
    if (atom_is_cons(head)) return nested_head_quick(w, s, atom);
    const Signature *sig = head_signature(w, s, head);
    if (!sig || has_typed_expressions(w, head)) return WORD_NIL;
    if (sig->kind == SIGNATURE_NONE) return W_SYM(UNDEFINED);
    bool box = sig->kind == SIGNATURE_GET || sig->kind == SIGNATURE_PUT;
    if (depth == 0 || (sig->result.kind == PARAM_COMPLEX && !box) ||
        !accepts(w, s, sig, atom, true, depth - 1))
        return WORD_NIL;
    if (sig->kind == SIGNATURE_GET) return type_in_box(atom_deref(expr_at(atom, 1)));
    return sig->result.kind == PARAM_FIXED || box ? TYPE_COMPOUND : sig->result.type;
}

static Word expression_quick(TypeWorld *w, Scope *s, Word atom, int depth)
{
    Word type = signature_quick(w, s, atom, depth);
    if (!word_is_nil(type) || !expr_is_ground(atom)) return type;
    const InferredType *known = inferred_find(w, s, atom);
    if (!known) return WORD_NIL;
    if (word_is_nil(known->type)) return W_SYM(UNDEFINED);
    if (word_is_sym(known->type)) return known->type;
    return atom_is_cons(known->type) ? TYPE_COMPOUND : WORD_NIL;
}

static Word quick(TypeWorld *w, Scope *s, Word atom, int depth)
{
    atom = atom_deref(atom);
    if (word_is_int(atom) || word_is_double(atom)) return W_SYM(T_NUMBER);
    if (word_is_sym(atom)) return symbol_quick(w, s, atom);
    if (word_is_var(atom) || atom == WORD_UNIT) return W_SYM(UNDEFINED);
    if (atom_is_cons(atom)) return expression_quick(w, s, atom, depth);
    return grounded_quick(atom);
}

Word type_quick(TypeWorld *w, Scope *s, Word atom)
{
    return quick(w, s, atom, QUICK_DEPTH);
}

bool signature_accepts(TypeWorld *w, Scope *s, const Signature *sig, Word call)
{
    return accepts(w, s, sig, call, false, QUICK_DEPTH);
}

/* -- General inference --
 *
 * Types of an expression are made from the types of all its parts, bottom up, with an explicit stack: an open
 * expression waits in NODES while the types of its children collect in TYPES. */

typedef struct TypeNode {
    Word expr;
    uint32_t next;      /* child to visit */
    uint32_t types_at;  /* first of its children's types */
    uint32_t counts_at; /* first of its children's counts */
} TypeNode;

typedef struct Inference {
    TypeWorld *world;
    Scope *scope;
    VEC(TypeNode) nodes;
    TypeList types;
    VEC(uint32_t) counts; /* per finished child of an open node: number of its types */
} Inference;

static void push_value_type(TypeList *out, Word type)
{
    AtomType t = {type, WORD_NIL};
    vec_push(out, t);
}

static void leaf_types(TypeWorld *w, Scope *s, Word atom, TypeList *out)
{
    if (word_is_var(atom) || atom == WORD_UNIT) return;
    if (word_is_sym(atom)) {
        const SymbolTypes *t = scope_symbol_types(w, s, word_sym_id(atom));
        for (uint32_t i = 0; i < t->count; i++)
            push_value_type(out, rename_apart(w->heap, t->types[i], NULL, 0));
        return;
    }
    Word type = word_is_op(atom) ? w->op_types[word_op_index(atom)] : grounded_type(atom);
    if (word_is_nil(type) || type == W_SYM(UNDEFINED)) return;
    push_value_type(out, rename_apart(w->heap, type, NULL, 0));
}

/* The types of the children of one expression: OFFSET[i]..OFFSET[i+1] in LIST. */
typedef struct ChildTypes {
    const AtomType *list;
    const uint32_t *counts;
    uint32_t n;
    Word expr;
} ChildTypes;

/* All combinations of one value type per element. */
static void tuple_types(Inference *in, const ChildTypes *c, WordVec *out)
{
    uint32_t n = c->n;
    uint32_t *start = base_alloc(n * sizeof *start), *at = base_calloc(n, sizeof *at);
    WordVec heads = {0};
    for (uint32_t i = 0, k = 0; i < n; k += c->counts[i++]) start[i] = k;
    for (uint32_t k = 0; k < c->counts[0]; k++)
        if (!type_is_function(c->list[k].type)) vec_push(&heads, c->list[k].type);
    bool any = heads.len > 0;
    for (uint32_t i = 1; i < n; i++) any &= c->counts[i] > 0;
    while (any) {
        Word *items;
        Word tuple = atom_expr_open(in->world->heap, n, &items);
        items[0] = heads.data[at[0]];
        for (uint32_t i = 1; i < n; i++) items[i] = c->list[start[i] + at[i]].type;
        expr_seal(tuple);
        vec_push(out, tuple);
        uint32_t i = n;
        while (i-- > 0) {
            if (++at[i] < (i ? c->counts[i] : heads.len)) break;
            at[i] = 0;
        }
        any = i != UINT32_MAX;
    }
    vec_free(&heads);
    base_free(start);
    base_free(at);
}

static void push_error(Inference *in, TypeList *out, Word function_type, Word call, Word cause)
{
    AtomType t = {function_type, atom_error(in->world->heap, call, cause)};
    vec_push(out, t);
}

static Word bad_arg(Heap *h, uint32_t index, Word expected, Word actual)
{
    return atom_expr4(h, W_SYM(BAD_ARG_TYPE), num_from_int(h, index), atom_resolve(h, expected),
                      atom_resolve(h, actual));
}

static bool reduced_match(TypeWorld *w, Word a, Word b)
{
    w->bind->wildcard = W_SYM(UNDEFINED);
    bool ok = unify(w->bind, a, b);
    w->bind->wildcard = WORD_NIL;
    return ok;
}

/* An argument whose type does not matter: untyped, or the parameter is %Undefined%, Atom or its metatype. */
static bool argument_is_free(const ChildTypes *c, uint32_t i, Word expected)
{
    return c->counts[i] == 0 || expected == W_SYM(UNDEFINED) || expected == W_SYM(T_ATOM) ||
           expected == atom_metatype(expr_at(c->expr, i));
}

/* Search over the alternatives of argument types, depth first without recursion: CHOICE[i] is the next type of argument
 * i to try, MARK[i] the trail before it was matched. */
typedef struct ArgSearch {
    uint32_t *start, *choice;
    Trial *trial;
    bool *matched;
} ArgSearch;

static void search_init(ArgSearch *a, const ChildTypes *c)
{
    a->start = base_alloc(c->n * sizeof *a->start);
    a->choice = base_calloc(c->n, sizeof *a->choice);
    a->trial = base_calloc(c->n, sizeof *a->trial);
    a->matched = base_calloc(c->n, sizeof *a->matched);
    for (uint32_t i = 0, k = 0; i < c->n; k += c->counts[i++]) a->start[i] = k;
}

static void search_fini(ArgSearch *a)
{
    base_free(a->start);
    base_free(a->choice);
    base_free(a->trial);
    base_free(a->matched);
}

/* Match argument I with its next alternative; false when none is left. On true a trial is open. */
static bool search_advance(Inference *in, ArgSearch *a, const ChildTypes *c, Word fn, uint32_t i)
{
    Word expected = atom_deref(expr_at(fn, i));
    uint32_t limit = argument_is_free(c, i, expected) ? 1 : c->counts[i];
    bool is_free = argument_is_free(c, i, expected);
    while (a->choice[i] < limit) {
        uint32_t k = a->choice[i]++;
        a->trial[i] = trial_begin(in->world->bind);
        if (is_free || reduced_match(in->world, c->list[a->start[i] + k].type, expected)) {
            a->matched[i] = true;
            return true;
        }
        trial_abort(in->world->bind, a->trial[i]);
    }
    return false;
}

static void application_types(Inference *in, const ChildTypes *c, Word fn, TypeList *out)
{
    Heap *h = in->world->heap;
    if (expr_len(fn) - 2 != c->n - 1) {
        push_error(in, out, fn, c->expr, W_SYM(BAD_ARITY));
        return;
    }
    ArgSearch a;
    search_init(&a, c);
    VEC(uint32_t) failed = {0}; /* pairs: parameter, type of its argument */
    uint32_t i = 1;
    while (i > 0) {
        if (i == c->n) {
            push_value_type(out, atom_resolve(h, expr_at(fn, i)));
            if (--i == 0) break;
            trial_abort(in->world->bind, a.trial[i]);
            continue;
        }
        if (search_advance(in, &a, c, fn, i)) {
            if (++i < c->n) a.choice[i] = 0, a.matched[i] = false;
            continue;
        }
        for (uint32_t k = 0; !a.matched[i] && k < c->counts[i]; k++) {
            vec_push(&failed, i);
            vec_push(&failed, a.start[i] + k);
        }
        if (--i > 0) trial_abort(in->world->bind, a.trial[i]);
    }
    /* Now that no type variable is bound any more, errors show the parameters as they were declared. */
    for (size_t k = 0; k < failed.len; k += 2)
        push_error(in, out, fn, c->expr,
                   bad_arg(h, failed.data[k], expr_at(fn, failed.data[k]), c->list[failed.data[k + 1]].type));
    vec_free(&failed);
    search_fini(&a);
}

static void combine(Inference *in, const ChildTypes *c, TypeList *out)
{
    WordVec values = {0};
    tuple_types(in, c, &values);
    /* Looking up a fact hashes the whole expression: not where there can be none. */
    Word head = atom_deref(expr_at(c->expr, 0));
    if (word_is_var(head) || has_typed_expressions(in->world, head))
        scope_declared_types(in->world, in->scope, c->expr, &values);
    scope_add_supertypes(in->world, in->scope, &values, 0);
    for (size_t i = 0; i < values.len; i++) push_value_type(out, values.data[i]);
    vec_free(&values);
    for (uint32_t k = 0; k < c->counts[0]; k++)
        if (type_is_function(c->list[k].type)) application_types(in, c, c->list[k].type, out);
}

/* One type or none is worth noting.  Its variables are renamed: those in FOUND may be bound. */
static void note_types(Inference *in, Word expr, const TypeList *found)
{
    if (!expr_is_ground(expr) || found->len > 1) return;
    if (found->len == 1 && !word_is_nil(found->data[0].error)) return;
    Word type = found->len ? rename_apart(in->world->heap, found->data[0].type, NULL, 0) : WORD_NIL;
    inferred_note(in->world, in->scope, expr, type);
}

/* What type_quick says as a list of types: one, or none (WORD_NIL). */
static Word value_type(TypeWorld *w, Scope *s, Word atom, Word quick_type)
{
    if (quick_type != W_SYM(UNDEFINED)) return quick_type;
    if (!atom_is_cons(atom)) return WORD_NIL;
    /* A function that is declared to return %Undefined% has a type; an untyped one has none. */
    const Signature *sig = head_signature(w, s, child0(atom));
    return sig && sig->kind != SIGNATURE_NONE ? quick_type : WORD_NIL;
}

enum { APPLIED_DEPTH = 3 };

static bool known_type(TypeWorld *w, Scope *s, Word atom, int depth, Word *out);

/* Does argument I of CALL have one type or none, which FUNCTION accepts?  What that binds stays. */
static bool argument_applies(TypeWorld *w, Scope *s, Word call, Word function, uint32_t i, int depth)
{
    Word arg = atom_deref(expr_at(call, i)), expected = atom_deref(expr_at(function, i)), type;
    if (!known_type(w, s, arg, depth, &type)) return false;
    if (word_is_nil(type) || expected == W_SYM(UNDEFINED) || expected == W_SYM(T_ATOM)) return true;
    return expected == atom_metatype(arg) || reduced_match(w, type, expected);
}

/* The type of ATOM, a symbol or operation, as it was declared, if it has but one; else WORD_NIL. */
static Word only_type(TypeWorld *w, Scope *s, Word atom)
{
    if (word_is_op(atom)) return w->op_types[word_op_index(atom)];
    if (!word_is_sym(atom)) return WORD_NIL;
    const SymbolTypes *t = scope_symbol_types(w, s, word_sym_id(atom));
    return t->count == 1 ? t->types[0] : WORD_NIL;
}

/* The one function type of HEAD, if nothing else tells what type calls of it have; else WORD_NIL. */
static Word only_function(TypeWorld *w, Scope *s, Word head)
{
    Word type = has_typed_expressions(w, head) ? WORD_NIL : only_type(w, s, head);
    return type_is_function(type) ? type : WORD_NIL;
}

/* The type of CALL by the one type of its function, when its arguments have one type each. */
static bool applied_type(TypeWorld *w, Scope *s, Word call, int depth, Word *out)
{
    Word function = depth ? only_function(w, s, child0(call)) : WORD_NIL;
    uint32_t n = expr_len(call);
    if (word_is_nil(function) || expr_len(function) != n + 1) return false;
    function = rename_apart(w->heap, function, NULL, 0);
    Trial t = trial_begin(w->bind);
    bool ok = true;
    for (uint32_t i = 1; i < n && ok; i++) ok = argument_applies(w, s, call, function, i, depth - 1);
    if (ok) *out = atom_resolve(w->heap, expr_at(function, n));
    trial_abort(w->bind, t);
    return ok;
}

/* The type of ATOM if there is one, or none (WORD_NIL), and it is known by now or found without a search. */
static bool known_type(TypeWorld *w, Scope *s, Word atom, int depth, Word *out)
{
    bool ground = atom_is_cons(atom) && expr_is_ground(atom);
    const InferredType *known = ground ? inferred_find(w, s, atom) : NULL;
    if (known) {
        *out = word_is_nil(known->type) ? WORD_NIL : rename_apart(w->heap, known->type, NULL, 0);
        return true;
    }
    Word type = type_quick(w, s, atom);
    if (!word_is_nil(type) && type != TYPE_COMPOUND) {
        *out = value_type(w, s, atom, type);
        return true;
    }
    if (!atom_is_cons(atom)) {
        type = only_type(w, s, atom);
        if (word_is_nil(type) || type == W_SYM(UNDEFINED)) return false;
        *out = rename_apart(w->heap, type, NULL, 0);
        return true;
    }
    if (!applied_type(w, s, atom, depth, out)) return false;
    if (ground) inferred_note(w, s, atom, rename_apart(w->heap, *out, NULL, 0));
    return true;
}

/* Append the types of ATOM that are known without looking at parts of it that are deeper than DEPTH. */
static bool quick_types(TypeWorld *w, Scope *s, Word atom, int depth, TypeList *out)
{
    if (!atom_is_cons(atom)) {
        leaf_types(w, s, atom, out);
        return true;
    }
    Word type;
    if (!known_type(w, s, atom, depth, &type)) return false;
    if (!word_is_nil(type)) push_value_type(out, type);
    return true;
}

/* All children of the top node are done: replace their types by those of the expression. */
static void finish_node(Inference *in)
{
    TypeNode node = vec_pop(&in->nodes);
    TypeList found = {0};
    ChildTypes c = {NULL, in->counts.data + node.counts_at, expr_len(node.expr), node.expr};
    if (in->types.data) c.list = in->types.data + node.types_at;
    /* Now that the types of its parts are noted they may tell. */
    if (!quick_types(in->world, in->scope, node.expr, 1, &found)) {
        combine(in, &c, &found);
        note_types(in, node.expr, &found);
    }
    in->types.len = node.types_at;
    in->counts.len = node.counts_at;
    for (size_t i = 0; i < found.len; i++) vec_push(&in->types, found.data[i]);
    vec_push(&in->counts, (uint32_t)found.len);
    vec_free(&found);
}

static void visit_atom(Inference *in, Word atom)
{
    size_t before = in->types.len;
    if (quick_types(in->world, in->scope, atom, 0, &in->types)) {
        vec_push(&in->counts, (uint32_t)(in->types.len - before));
        return;
    }
    TypeNode n = {atom, 0, (uint32_t)before, (uint32_t)in->counts.len};
    vec_push(&in->nodes, n);
}

void types_of(TypeWorld *w, Scope *s, Word atom, TypeList *out)
{
    atom = atom_deref(atom);
    if (quick_types(w, s, atom, APPLIED_DEPTH, out)) return;
    Inference in = {.world = w, .scope = s};
    visit_atom(&in, atom);
    while (in.nodes.len) {
        TypeNode *n = &vec_last(&in.nodes);
        if (n->next == expr_len(n->expr))
            finish_node(&in);
        else
            visit_atom(&in, atom_deref(expr_at(n->expr, n->next++)));
    }
    for (size_t i = 0; i < in.types.len; i++) vec_push(out, in.types.data[i]);
    vec_free(&in.nodes);
    vec_free(&in.types);
    vec_free(&in.counts);
}

/* -- Checks -- */

/* Types of ATOM, or the single %Undefined%. */
static void types_or_undefined(TypeWorld *w, Scope *s, Word atom, TypeList *out)
{
    types_of(w, s, atom, out);
    if (out->len == 0) push_value_type(out, W_SYM(UNDEFINED));
}

static bool is_free_meta(Word formal, Word arg)
{
    return formal == W_SYM(T_ATOM) || (type_is_meta(formal) && atom_metatype(arg) == formal);
}

/* The alternatives of one argument during type_applicable. */
typedef struct ArgState {
    TypeList types; /* empty when there is but the type ONLY */
    Word only;
    uint32_t next;
    Trial trial;
} ArgState;

static bool arg_advance(TypeWorld *w, ArgState *a, Word call, Word formal, uint32_t index, WordVec *errors)
{
    while (a->next < (a->types.len ? a->types.len : 1)) {
        AtomType t = a->types.len ? a->types.data[a->next] : (AtomType){a->only, WORD_NIL};
        a->next++;
        a->trial = trial_begin(w->bind);
        if (!word_is_nil(t.error))
            vec_push(errors, t.error);
        else if (types_match(w, formal, t.type))
            return true;
        else
            vec_push(errors, atom_error(w->heap, call, bad_arg(w->heap, index, formal, t.type)));
        trial_abort(w->bind, a->trial);
    }
    return false;
}

static void arg_enter(TypeWorld *w, Scope *s, ArgState *a, Word formal, Word arg)
{
    vec_clear(&a->types);
    a->next = 0;
    a->only = W_SYM(UNDEFINED); /* which any formal matches */
    if (is_free_meta(formal, arg)) return;
    if (!known_type(w, s, arg, APPLIED_DEPTH, &a->only)) types_or_undefined(w, s, arg, &a->types);
    if (word_is_nil(a->only)) a->only = W_SYM(UNDEFINED);
}

static bool result_matches(TypeWorld *w, Word call, Word result, Word expected, WordVec *errors)
{
    if (types_match(w, result, expected)) return true;
    Heap *h = w->heap;
    Word cause = atom_expr3(h, W_SYM(BAD_TYPE), atom_resolve(h, expected), atom_resolve(h, result));
    vec_push(errors, atom_error(h, call, cause));
    return false;
}

bool type_applicable(TypeWorld *w, Scope *s, Word call, Word function_type, Word expected, WordVec *errors)
{
    uint32_t n = expr_len(call);
    if (expr_len(function_type) - 2 != n - 1) {
        vec_push(errors, atom_error(w->heap, call, W_SYM(BAD_ARITY)));
        return false;
    }
    enum { FEW = 6 };
    ArgState few[FEW];
    ArgState *args = n <= FEW ? few : base_alloc(n * sizeof *args);
    memset(args, 0, n * sizeof *args);
    uint32_t i = 1;
    if (n > 1) arg_enter(w, s, &args[1], expr_at(function_type, 1), atom_deref(expr_at(call, 1)));
    bool found = false;
    while (i > 0 && !found) {
        if (i == n) {
            found = result_matches(w, call, expr_at(function_type, n), expected, errors);
            if (!found && --i > 0) trial_abort(w->bind, args[i].trial);
        } else if (arg_advance(w, &args[i], call, expr_at(function_type, i), i, errors)) {
            if (++i < n) arg_enter(w, s, &args[i], expr_at(function_type, i), atom_deref(expr_at(call, i)));
        } else if (--i > 0) {
            trial_abort(w->bind, args[i].trial);
        }
    }
    /* Commit from the newest to the oldest: each restores the threshold that was in force before it. */
    for (uint32_t k = n; found && k-- > 1;) trial_commit(w->bind, args[k].trial);
    for (uint32_t k = 0; k < n; k++) vec_free(&args[k].types);
    if (args != few) base_free(args);
    return found;
}

bool type_cast(TypeWorld *w, Scope *s, Word atom, Word expected, WordVec *errors)
{
    TypeList types = {0};
    types_or_undefined(w, s, atom, &types);
    size_t first = errors->len;
    bool ok = false;
    for (size_t i = 0; i < types.len && !ok; i++) {
        if (!word_is_nil(types.data[i].error)) continue;
        ok = types_match(w, expected, types.data[i].type);
        if (ok) break;
        Heap *h = w->heap;
        Word cause =
            atom_expr3(h, W_SYM(BAD_TYPE), atom_resolve(h, expected), atom_resolve(h, types.data[i].type));
        vec_push(errors, atom_error(h, atom, cause));
    }
    if (ok) errors->len = first;
    vec_free(&types);
    return ok;
}

bool type_only_errors(TypeWorld *w, Scope *s, Word atom, WordVec *errors)
{
    TypeList types = {0};
    types_or_undefined(w, s, atom, &types);
    bool only = true;
    for (size_t i = 0; i < types.len; i++) only &= !word_is_nil(types.data[i].error);
    for (size_t i = 0; only && i < types.len; i++) vec_push(errors, types.data[i].error);
    vec_free(&types);
    return only;
}
