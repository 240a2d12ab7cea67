/* Evaluation directed by types: hyperon.md's interpreter loop.
 *
 *   evaluate A where T is expected:
 *     T is Atom, A is a variable        -> A
 *     A is no expression                -> A, when one of its types matches T
 *     A is an expression, T Expression  -> A
 *     otherwise by the types of A's head: as a function (arguments as its type says), as a tuple (all items), or both;
 *     then call the expression with the values in place. */
#include "interp/engine.h"

/* Slots of an ARGS frame; the values of the items follow. */
enum { ARGS_CALL = 1, ARGS_RESULT, ARGS_TYPE, ARGS_VALUES };

/* -- Casting -- */

/* ERRORS are what type checks have found. */
static Step return_errors(Machine *m, const WordVec *errors)
{
    if (!m->rt->debug.ports || errors->len == 0) return return_many(m, errors);
    m->type = atom_expr(&m->rt->heap, errors->data,
                        (uint32_t)errors->len); /* a register: the debugger may collect */
    WordVec same = {0};
    for (uint32_t i = 0; i < expr_len(m->type); i++) error_made(m, WORD_NIL, expr_at(m->type, i));
    for (uint32_t i = 0; i < expr_len(m->type); i++) vec_push(&same, expr_at(m->type, i));
    Step step = return_many(m, &same);
    vec_free(&same);
    return step;
}

static Step cast(Machine *m, Word atom, Word type)
{
    if (type == W_SYM(UNDEFINED) || type == atom_metatype(atom)) return step_return(m, atom);
    WordVec errors = {0};
    bool ok = type_cast(&m->rt->types, m->scope, atom, type, &errors);
    Step step = ok ? step_return(m, atom) : return_errors(m, &errors);
    vec_free(&errors);
    return step;
}

/* -- Pure calls --
 *
 * Arithmetic and comparison on values at hand, such as (< (+ $n 1) 2), is done in place: no frame, no expression for the
 * call.  Only calls that the general path would carry out in the same way qualify; whatever else turns up (an
 * argument that must be evaluated, a type that does not fit, an error) makes PURE_CALL give up without a trace. */
enum { PURE_DEPTH = 8, PURE_ARGS = 4 };

static bool pure_call(Machine *m, Word t, int depth, Word *out);

static bool fits(Word value, Word type)
{
    if (type == W_SYM(T_NUMBER)) return word_is_int(value) || word_is_double(value) || num_is(value);
    return type == W_SYM(T_BOOL) && word_is_bool(value);
}

/* Plain type of a value, WORD_NIL when it takes more to find out. */
static Word value_type(Machine *m, Word value)
{
    if (atom_is_cons(value)) return WORD_NIL;
    return type_quick(&m->rt->types, m->scope, value);
}

static bool pure_arguments_fit(Machine *m, const Signature *sig, const Word *args)
{
    if (sig->kind == SIGNATURE_SAME) {
        Word a = value_type(m, args[0]), b = value_type(m, args[1]);
        if (word_is_nil(a) || word_is_nil(b) || a == TYPE_COMPOUND || b == TYPE_COMPOUND) return false;
        return a == b || a == W_SYM(UNDEFINED) || b == W_SYM(UNDEFINED);
    }
    for (uint32_t i = 0; i < sig->param_count; i++)
        if (!fits(args[i], sig->params[i].type)) return false;
    return true;
}

static bool pure_call(Machine *m, Word t, int depth, Word *out)
{
    Word head = atom_deref(expr_at(t, 0));
    if (!word_is_op(head) || depth == 0) return false;
    const BuiltinInfo *info = &m->rt->builtins[word_op_index(head)];
    const Signature *sig = &m->rt->types.op_signatures[word_op_index(head)];
    if (!(info->flags & BF_PURE) || !info->body) return false;
    if (sig->kind != SIGNATURE_SIMPLE && sig->kind != SIGNATURE_SAME) return false;
    uint32_t n = sig->param_count;
    if (n > PURE_ARGS || n != expr_len(t) - 1) return false;
    Word args[PURE_ARGS];
    for (uint32_t i = 0; i < n; i++) {
        args[i] = atom_deref(expr_at(t, i + 1));
        if (atom_is_cons(args[i]) && !pure_call(m, args[i], depth - 1, &args[i])) return false;
    }
    return pure_arguments_fit(m, sig, args) && info->body(m->rt, args, n, out) == BI_OK;
}

/* Tracing shows every reduction, so nothing is done in passing then; nor is what the debugger waits for. */
static bool try_pure(Machine *m, Word t, Word *out)
{
    if (UNLIKELY(word_obj(t)->flags & (OBJ_SPOT | OBJ_HOLDS_SPOT))) return false;
    if (UNLIKELY(log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE) || m->rt->debug.derives)) return false;
    return pure_call(m, t, PURE_DEPTH, out);
}

/* -- Items of a call -- */

/* Must ARG be evaluated where a parameter of type TYPE takes it?  (TYPE is WORD_NIL in a tuple.) */
static bool wants_evaluation(Word arg, Word type)
{
    return atom_may_reduce(arg) && type != W_SYM(T_ATOM) && type != W_SYM(T_EXPRESSION);
}

/* Type of item I of a call by function type FN (item 0 is the operation itself); WORD_NIL in a tuple. */
static Word item_type(Word fn, uint32_t i)
{
    if (word_is_nil(fn)) return WORD_NIL;
    return i == 0 ? fn : atom_deref(expr_at(fn, i));
}

/* First item from I on that must be evaluated, or the length. In a tuple an Empty item ends the search, too. */
static uint32_t next_item(Word call, Word fn, uint32_t i)
{
    uint32_t n = expr_len(call);
    for (; i < n; i++) {
        Word item = atom_deref(expr_at(call, i));
        if (wants_evaluation(item, item_type(fn, i))) break;
        if (word_is_nil(fn) && item == W_SYM(EMPTY)) break;
    }
    return i;
}

static Word argument_type(Word fn, uint32_t i)
{
    Word type = item_type(fn, i);
    return word_is_nil(type) ? W_SYM(UNDEFINED) : type;
}

static bool items_are(const Word *values, Word call_atom)
{
    for (uint32_t i = 0; i < expr_len(call_atom); i++)
        if (values[i] != atom_deref(expr_at(call_atom, i))) return false;
    return true;
}

/* All items of F are there: call. */
static Step args_finish(Machine *m, Frame *f)
{
    Word goal = f->slot[ARGS_CALL], result = f->slot[ARGS_RESULT];
    goal_resumes(m, f);
    if (!items_are(f->slot + ARGS_VALUES, goal)) {
        m->made_of = goal;
        m->made = goal = atom_expr(&m->rt->heap, f->slot + ARGS_VALUES, f->count - ARGS_VALUES);
    }
    m->frame = f->parent;
    return call(m, goal, result);
}

static bool accepts_value(Word value, Word type)
{
    return type == W_SYM(UNDEFINED) || fits(value, type);
}

/* Fill ITEMS of CALL from *AT on with what needs no frame: items taken as they are, and pure calls.  Stops at the first that must
 * be evaluated properly (or an Empty item of a tuple); *AT is then its index, else the length.  Tells whether
 * an item was changed. */
static bool take_items(Machine *m, Word call_atom, Word fn, Word *items, uint32_t *at)
{
    bool changed = false;
    uint32_t n = expr_len(call_atom);
    for (; *at < n; ++*at) {
        Word item = atom_deref(expr_at(call_atom, *at));
        if (word_is_nil(fn) && item == W_SYM(EMPTY)) return changed;
        Word value = WORD_UNIT;
        if (wants_evaluation(item, item_type(fn, *at))) {
            if (!try_pure(m, item, &value) || !accepts_value(value, argument_type(fn, *at))) return changed;
            item = value;
            changed = true;
        }
        items[*at] = item;
    }
    return changed;
}

/* Take items of F's call until one must be evaluated. */
static Step args_advance(Machine *m, Frame *f)
{
    Word call_atom = f->slot[ARGS_CALL], fn = f->slot[ARGS_TYPE];
    if (take_items(m, call_atom, fn, f->slot + ARGS_VALUES, &f->index)) f->flags |= FF_CHANGED;
    if (f->index == expr_len(call_atom)) return args_finish(m, f);
    Word item = atom_deref(expr_at(call_atom, f->index));
    if (item == W_SYM(EMPTY) && word_is_nil(fn)) return STEP_FAIL;
    return step_eval(m, item, argument_type(fn, f->index));
}

static Step push_args(Machine *m, Word call_atom, Word fn, Word type, const Word *items, uint32_t at,
                      bool changed)
{
    uint32_t n = expr_len(call_atom);
    Frame *f = machine_push(m, FRAME_ARGS, FF_GOAL | (changed ? FF_CHANGED : 0), ARGS_VALUES + n);
    f->slot[ARGS_CALL] = call_atom;
    f->slot[ARGS_RESULT] = type;
    f->slot[ARGS_TYPE] = fn;
    if (at) memcpy(f->slot + ARGS_VALUES, items, at * sizeof(Word));
    f->index = at;
    return args_advance(m, f);
}

/* Evaluate the items of CALL that FN (WORD_NIL: a tuple) wants evaluated, then call; the result is expected to be of TYPE.
 * FIRST: items below are known to need nothing. */
static Step apply(Machine *m, Word call_atom, Word fn, Word type, uint32_t first)
{
    enum { FEW = 8 };
    uint32_t n = expr_len(call_atom), at = next_item(call_atom, fn, first);
    m->changed = false;
    if (at == n) return call(m, call_atom, type);
    Word items[FEW];
    if (n > FEW) return push_args(m, call_atom, fn, type, NULL, 0, false);
    for (uint32_t i = 0; i < at; i++) items[i] = atom_deref(expr_at(call_atom, i));
    bool changed = take_items(m, call_atom, fn, items, &at);
    if (at < n) return push_args(m, call_atom, fn, type, items, at, changed);
    m->changed = changed;
    return call(m, changed ? atom_expr(&m->rt->heap, items, n) : call_atom, type);
}

/* The index of the builtin that HEAD is, which no program has given rules or a type, or UINT32_MAX. */
static uint32_t untouched_builtin(const Machine *m, Word head)
{
    if (!word_is_sym(head) && !word_is_op(head)) return UINT32_MAX;
    uint32_t i = word_is_op(head) ? word_op_index(head) : rt_native(m->rt, word_sym_id(head)) - 1;
    return i == UINT32_MAX || m->rt->overridden.data[i] ? UINT32_MAX : i;
}

/* Is E an integer, a size, or arithmetic on such, in which X occurs as what is to be measured only? */
static bool is_about_sizes(const Machine *m, Word e, Word x, int depth)
{
    e = atom_deref(e);
    if (!atom_is_cons(e)) return word_is_int(e);
    uint32_t n = expr_len(e), builtin = untouched_builtin(m, atom_deref(expr_at(e, 0)));
    if (builtin == BI_size_atom && n == 2) {
        Word list = atom_deref(expr_at(e, 1));
        return list == x || (atom_is_expr(list) && expr_is_ground(list));
    }
    bool arithmetic = builtin == BI_add || builtin == BI_sub || builtin == BI_mul;
    return arithmetic && n == 3 && depth > 0 && is_about_sizes(m, expr_at(e, 1), x, depth - 1) &&
           is_about_sizes(m, expr_at(e, 2), x, depth - 1);
}

bool only_counts(const Machine *m)
{
    enum { DEPTH = 8 };
    const Frame *f = m->frame;
    if (f->kind != FRAME_ARGS || f->parent->kind != FRAME_TOP || f->index != 2) return false;
    Word let = f->slot[ARGS_CALL], x = atom_deref(expr_at(let, 1));
    if (expr_len(let) != 4 || untouched_builtin(m, atom_deref(expr_at(let, 0))) != BI_let_) return false;
    return word_is_cell(x) && is_about_sizes(m, expr_at(let, 3), x, DEPTH) &&
           !log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE);
}

static bool has_items_of(Word value, Word goal)
{
    if (!atom_is_cons(value) || expr_len(value) != expr_len(goal)) return false;
    return memcmp(expr_items(value), expr_items(goal), expr_len(goal) * sizeof(Word)) == 0;
}

/* Has the evaluation of ORIGINAL left it as it was?  The upper tier gives a copy of it, or of the goal made last, whose items have been
 * compared with those of the original already. */
static bool is_same_result(const Machine *m, Word value, Word original)
{
    if (word_is_nil(m->same_as)) return false;
    if (m->same_as == original || (m->made_of == original && has_items_of(value, m->made))) return true;
    return atom_equal(value, original);
}

Step args_resume(Machine *m, Frame *f, Word value)
{
    Word fn = f->slot[ARGS_TYPE];
    Word original = atom_deref(expr_at(f->slot[ARGS_CALL], f->index));
    if (value == W_SYM(EMPTY) || atom_is_error(value)) {
        if (word_is_nil(fn) || !atom_alpha_equal(value, original)) {
            if (value == W_SYM(EMPTY)) return STEP_FAIL;
            m->frame = f->parent;
            return step_return(m, value);
        }
    }
    bool same = is_same_result(m, value, original);
    f = machine_own(m, f);
    if (!same) f->flags |= FF_CHANGED;
    f->slot[ARGS_VALUES + f->index++] = value;
    return args_advance(m, f);
}

/* -- Expressions -- */

/* Type expected of the result when a function that returns RESULT is called where TYPE is expected. */
static Word result_type(Word result, Word type)
{
    result = atom_deref(result);
    return word_is_var(result) ? type : type_of_result(result);
}

static bool result_fits(const Signature *sig, Word type, Word call_atom)
{
    if (type == W_SYM(UNDEFINED) || type == W_SYM(T_ATOM)) return true;
    if (sig->kind == SIGNATURE_GET) return type_in_box(atom_deref(expr_at(call_atom, 1))) == type;
    if (sig->kind == SIGNATURE_PUT || sig->result.kind == PARAM_FIXED) return false;
    return sig->result.kind == PARAM_ATOM || sig->result.kind == PARAM_ANY ||
           sig->result.kind == PARAM_COMPLEX || sig->result.type == type;
}

/* (-> TYPE-OF-BOX T) or (-> TYPE-OF-BOX T RESULT) for the box that is the first argument. */
static Word box_function(Machine *m, const Signature *sig, Word call_atom)
{
    Word box = atom_deref(expr_at(call_atom, 1)), content = type_in_box(box);
    if (sig->kind == SIGNATURE_GET) return atom_expr3(&m->rt->heap, W_SYM(ARROW), W_SYM(UNDEFINED), content);
    return atom_expr4(&m->rt->heap, W_SYM(ARROW), W_SYM(UNDEFINED), content, W_SYM(UNDEFINED));
}

/* The function type by which a call with a known signature takes its arguments. */
static Word signature_function(Machine *m, const Signature *sig, Word declared, Word call_atom)
{
    if (sig->kind == SIGNATURE_SIMPLE) return declared;
    if (sig->kind != SIGNATURE_SAME) return box_function(m, sig, call_atom);
    /* (-> $t $t R): both sides are evaluated where the type of the one that has one is expected. */
    TypeWorld *w = &m->rt->types;
    Word t = type_quick(w, m->scope, expr_at(call_atom, 1));
    if (t == W_SYM(UNDEFINED) || t == W_SYM(T_ATOM)) t = type_quick(w, m->scope, expr_at(call_atom, 2));
    if (t == W_SYM(T_ATOM)) t = W_SYM(UNDEFINED); /* Atom matches any type, and so does not bind $t */
    return atom_expr4(&m->rt->heap, W_SYM(ARROW), t, t, sig->result.type);
}

/* The type expected of the result of CALL where TYPE is. */
static Word known_result(const Signature *sig, Word declared, Word call_atom, Word type)
{
    if (sig->kind == SIGNATURE_GET) return type_in_box(atom_deref(expr_at(call_atom, 1)));
    if (sig->kind == SIGNATURE_PUT) return W_SYM(UNDEFINED);
    if (sig->result.kind == PARAM_COMPLEX) return type;
    if (sig->result.kind == PARAM_FIXED) return atom_deref(expr_at(declared, expr_len(declared) - 1));
    return result_type(sig->result.type, type);
}

static Step eval_general(Machine *m, Word t, Word type);

static Step eval_known(Machine *m, Word t, Word type, const Signature *sig, Word declared)
{
    if (!result_fits(sig, type, t) || !signature_accepts(&m->rt->types, m->scope, sig, t))
        return eval_general(m, t, type);
    Word result = known_result(sig, declared, t, type);
    /* Arguments that need no evaluation pass as they are: the common case of arithmetic. */
    m->changed = false;
    if (next_item(t, declared, 1) == expr_len(t)) return call(m, t, result);
    return apply(m, t, signature_function(m, sig, declared, t), result, 1);
}

static Step eval_expression(Machine *m, Word t, Word type)
{
    Word head = atom_deref(expr_at(t, 0));
    if (word_is_sym(head)) {
        const SymbolTypes *types = scope_symbol_types(&m->rt->types, m->scope, word_sym_id(head));
        switch (types->signature.kind) {
        case SIGNATURE_NONE:
            return apply(m, t, WORD_NIL, type, 0);
        case SIGNATURE_SIMPLE:
        case SIGNATURE_SAME:
        case SIGNATURE_GET:
        case SIGNATURE_PUT:
            return eval_known(m, t, type, &types->signature, types->types[0]);
        case SIGNATURE_GENERAL:
            break;
        }
    } else if (word_is_op(head)) {
        uint32_t i = word_op_index(head);
        m->changed = false;
        if (UNLIKELY(m->rt->builtins[i].flags & BF_LAZY)) return call(m, t, type);
        const Signature *sig = &m->rt->types.op_signatures[i];
        if (sig->kind != SIGNATURE_NONE && sig->kind != SIGNATURE_GENERAL)
            return eval_known(m, t, type, sig, m->rt->types.op_types[i]);
        if (sig->kind == SIGNATURE_NONE) return apply(m, t, WORD_NIL, type, 0);
    }
    return eval_general(m, t, type);
}

/* -- The general case: several types, type variables, typed heads that are expressions -- */

/* The first function type of TYPES by which T can be called where TYPE is expected, its type variables bound; or WORD_NIL, and
 * ERRORS says why each cannot. */
static Word choose_function(Machine *m, Word t, Word type, const TypeList *types, WordVec *errors)
{
    for (size_t i = 0; i < types->len; i++) {
        const AtomType *candidate = &types->data[i];
        if (!word_is_nil(candidate->error) || !type_is_function(candidate->type)) continue;
        if (type_applicable(&m->rt->types, m->scope, t, candidate->type, type, errors))
            return candidate->type;
    }
    return WORD_NIL;
}

static Step apply_function(Machine *m, Word t, Word function)
{
    Word head = atom_deref(expr_at(t, 0));
    Word result = type_of_result(atom_deref(expr_at(function, expr_len(function) - 1)));
    return apply(m, t, function, result, atom_is_cons(head) ? 0 : 1);
}

static size_t collect_errors(const TypeList *types, WordVec *errors)
{
    for (size_t i = 0; i < types->len; i++)
        if (!word_is_nil(types->data[i].error)) vec_push(errors, types->data[i].error);
    return errors->len;
}

/* Has the head a type that is no function type, or none at all? */
static bool has_other_type(const TypeList *types)
{
    for (size_t i = 0; i < types->len; i++)
        if (word_is_nil(types->data[i].error) && !type_is_function(types->data[i].type)) return true;
    return types->len == 0;
}

/* The head of T is a symbol whose one type DECLARED is a function type. */
static Step eval_function(Machine *m, Word t, Word type, Word declared)
{
    WordVec errors = {0};
    Word function = rename_apart(&m->rt->heap, declared, NULL, 0);
    bool ok = type_applicable(&m->rt->types, m->scope, t, function, type, &errors);
    Step step = ok ? apply_function(m, t, function) : return_errors(m, &errors);
    vec_free(&errors);
    return step;
}

static Step eval_general(Machine *m, Word t, Word type)
{
    Word head = atom_deref(expr_at(t, 0));
    if (word_is_sym(head)) {
        const SymbolTypes *own = scope_symbol_types(&m->rt->types, m->scope, word_sym_id(head));
        if (own->count == 1 && type_is_function(own->types[0]))
            return eval_function(m, t, type, own->types[0]);
    }
    TypeList types = {0};
    types_of(&m->rt->types, m->scope, expr_at(t, 0), &types);
    WordVec errors = {0};
    Step step;
    if (types.len > 0 && collect_errors(&types, &errors) == types.len) {
        step = return_errors(m, &errors);
    } else {
        vec_clear(&errors);
        Word function = choose_function(m, t, type, &types, &errors);
        if (!word_is_nil(function)) {
            step = apply_function(m, t, function);
        } else if (has_other_type(&types)) {
            /* As a tuple; why it is no call comes after that. */
            leave_values(m, &errors);
            step = apply(m, t, WORD_NIL, type, 0);
        } else {
            step = return_errors(m, &errors);
        }
    }
    vec_free(&errors);
    vec_free(&types);
    return step;
}

static bool has_quick_type(Word atom, Word type)
{
    if (word_is_int(atom) || word_is_double(atom)) return type == W_SYM(T_NUMBER);
    return word_is_bool(atom) && type == W_SYM(T_BOOL);
}

/* Tell the debugger that T is about to be evaluated; false: *NEXT is to be done instead. */
static bool tell_reach(Machine *m, Word *t, Word *type, Step *next)
{
    m->atom = *t;
    m->type = *type;
    bool go_on = m->rt->debug.ports->reach(m, next);
    *t = atom_deref(m->atom);
    *type = atom_deref(m->type);
    return go_on;
}

Step eval_step(Machine *m)
{
    Step next;
    if (UNLIKELY(heap_wants_safepoint(&m->rt->heap)) && !safepoint(m)) return STEP_HALT;
    Word t = atom_deref(m->atom), type = atom_deref(m->type);
    if (UNLIKELY(log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE))) log_eval(m, t, type);
    if (type == W_SYM(T_ATOM)) return step_return(m, t);
    if (atom_is_cons(t)) {
        if (type == W_SYM(T_EXPRESSION) || !atom_may_reduce(t)) return step_return(m, t);
        if (is_spot(m, t) && !tell_reach(m, &t, &type, &next)) return next;
        Word value = WORD_UNIT;
        if (try_pure(m, t, &value) && accepts_value(value, type)) return step_return(m, value);
        return eval_expression(m, t, type);
    }
    if (type == W_SYM(UNDEFINED) || word_is_var(t) || has_quick_type(t, type)) return step_return(m, t);
    return cast(m, t, type);
}
