/* Expressions: operations, calls, data. */
#include "code/compiler.h"

/* -- Leaves -- */

static void push_leaf(Compiler *c, Word leaf)
{
    Instr in = {OP_PUSH_CONST, 0, {0}};
    if (!code_push(c->chunk, leaf, &in)) refuse(c, REFUSED_TOO_LARGE);
    EMIT1(c, (Op)in.op, in.arg[0]);
}

static void slot_value(Compiler *c, Word slot, Word type)
{
    bool fresh = slot_info(c, slot)->state == SLOT_NONE;
    uint32_t local = use_slot(c, slot);
    uint8_t kind = slot_info(c, slot)->kind;
    if (fresh || kind == KIND_NUMBER || kind == KIND_BOOL)
        EMIT1(c, OP_LOAD_LOCAL, local);
    else if (word_is_nil(type))
        EMIT1(c, OP_EVAL_LOCAL, local);
    else
        EMIT2(c, OP_EVAL_TYPED, local, constant(c, type));
}

static void leaf_value(Compiler *c, Word leaf, Word type)
{
    if (word_is_nil(type) && leaf == W_SYM(EMPTY)) {
        EMIT0(c, OP_FAIL);
        raise_height(c, 1); /* never reached with this height, but the code behind expects a value */
        return;
    }
    push_leaf(c, leaf);
}

void emit_eval(Compiler *c, Word e, Word type)
{
    EMIT2(c, OP_EVAL, template(c, e), constant(c, type));
    slots_of_term(c, e, SLOT_SET);
}

void emit_tail_eval(Compiler *c, Word e)
{
    need_variables(c, e);
    EMIT1(c, OP_TAIL_EVAL, template(c, e));
}

bool is_error_literal(Word e)
{
    return atom_is_cons(e) && expr_at(e, 0) == W_SYM(ERROR);
}

/* -- What evaluating an argument may do -- */

/* The first item of E that is evaluated: the head of a tuple is an item like the others. */
static uint32_t first_item(Word e)
{
    return word_is_sym(expr_at(e, 0)) || word_is_op(expr_at(e, 0)) ? 1 : 0;
}

bool is_quiet(Compiler *c, Word e)
{
    if (word_is_slot(e)) return !slot_info(c, e)->raw;
    if (!atom_is_cons(e)) return true;
    Op op = arithmetic_op(expr_at(e, 0));
    bool computed = op != OP_HALT && expr_len(e) == 3;
    if (!computed && !is_known_data(c, e)) return false;
    for (uint32_t i = first_item(e); i < expr_len(e); i++)
        if (!is_quiet(c, expr_at(e, i))) return false;
    return true;
}

/* Tier 0 gathers the arguments of each call in a frame of its own, and an error is held back there when alternatives are left
 * above it.  So E, an argument itself, needs its own frame if an argument of it may leave alternatives and something after
 * that may give an error. */
static bool needs_frame(Compiler *c, Word e)
{
    uint32_t loud = 0;
    for (uint32_t i = first_item(e); i < expr_len(e); i++) loud += !is_quiet(c, expr_at(e, i));
    bool errs = arithmetic_op(expr_at(e, 0)) == OP_HALT && !is_known_data(c, e);
    return loud > 1 || (loud == 1 && errs);
}

static bool is_same(Compiler *c, Word e, int depth);

/* Does evaluating ITEM leave it as it is, if its variables stand for values? */
static bool is_same_item(Compiler *c, Word item, int depth)
{
    if (!atom_is_cons(item) || (term_is_headless(item) && !is_tuple_call(c, item))) return true;
    return depth > 0 && is_known_data(c, item) && is_same(c, item, depth - 1);
}

/* The same for all items of E. */
static bool is_same(Compiler *c, Word e, int depth)
{
    for (uint32_t i = first_item(e); i < expr_len(e); i++)
        if (!is_same_item(c, expr_at(e, i), depth)) return false;
    return true;
}

/* Does a call by SIG take ITEM, its argument I, as it stands? */
static bool takes_raw(const Signature *sig, uint32_t i, Word item)
{
    if (sig->kind == SIGNATURE_SAME) return !atom_is_cons(item);
    return sig->params[i].kind == PARAM_ATOM || sig->params[i].kind == PARAM_META;
}

/* Are the arguments of the call E, by SIG, what the program wrote?  Those that are passed as they stand are. */
static bool are_same(Compiler *c, const Signature *sig, Word e)
{
    for (uint32_t i = 1; i < expr_len(e); i++) {
        bool raw = takes_raw(sig, i - 1, expr_at(e, i));
        if (!raw && !is_same_item(c, expr_at(e, i), MAX_NESTING)) return false;
    }
    return true;
}

static uint32_t with_count(Word e, bool same)
{
    return (expr_len(e) - 1) | (same ? 0 : COMPUTED);
}

/* -- Plain calls and data -- */

static void push_items(Compiler *c, Word e, int depth)
{
    for (uint32_t i = 1; i < expr_len(e); i++) compile_value(c, expr_at(e, i), WORD_NIL, depth - 1);
}

/* A constant data expression that need not be made anew each time. */
static bool is_constant_data(Compiler *c, Word e, int depth)
{
    if (depth == 0 || !expr_is_ground(e) || !is_known_data(c, e)) return false;
    for (uint32_t i = first_item(e); i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        if (item == W_SYM(EMPTY) || (atom_is_cons(item) && !is_constant_data(c, item, depth - 1)))
            return false;
    }
    return true;
}

/* A heap copy of the stored E, marked as irreducible with all its parts. */
static Word irreducible_copy(Compiler *c, Word e)
{
    WordVec items = {0};
    for (uint32_t i = 0; i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        vec_push(&items, atom_is_cons(item) ? irreducible_copy(c, item) : item);
    }
    Word copy = atom_expr(&c->rt->heap, items.data, (uint32_t)items.len);
    vec_free(&items);
    word_obj(copy)->flags |= OBJ_EVALUATED;
    return copy;
}

static void push_data(Compiler *c, Word e, int depth)
{
    if (is_constant_data(c, e, depth)) {
        EMIT1(c, OP_PUSH_CONST, constant(c, irreducible_copy(c, e)));
        return;
    }
    Word head = expr_at(e, 0);
    if (word_is_sym(head)) {
        rt_note_data_head(c->rt, word_sym_id(head));
        EMIT1(c, OP_PUSH_CONST, constant(c, head));
    } else {
        compile_value(c, head, WORD_NIL, depth - 1);
    }
    push_items(c, e, depth);
    emit(c, is_same(c, e, depth) ? OP_MAKE_SAME : OP_MAKE_SEXPR, expr_len(e), expr_len(e), 0, 0, 0, 0);
}

void emit_call(Compiler *c, const Signature *sig, Word e, Word type, bool tail)
{
    uint32_t f = callee(c, word_sym_id(expr_at(e, 0)), expr_len(e) - 1), pops = expr_len(e) - 1,
             n = with_count(e, sig ? are_same(c, sig, e) : is_same(c, e, MAX_NESTING));
    bool typed = !word_is_nil(type) && (tail || type != W_SYM(UNDEFINED));
    if (typed)
        emit(c, tail ? OP_TAIL_CALL_TYPED : OP_CALL_TYPED, pops, constant(c, type), f, n, 0, 0);
    else
        emit(c, tail ? OP_TAIL_CALL : OP_CALL, pops, f, n, 0, 0, 0);
}

static void plain_value(Compiler *c, Word e, Word type, int depth)
{
    if (is_data(c, e)) {
        push_data(c, e, depth);
        return;
    }
    push_items(c, e, depth);
    emit_call(c, NULL, e, type, false);
}

/* -- Data that is an argument --
 *
 * A clause that gives one of its arguments back need not make it anew: (= (proof (is $x $t)) (match &self (is $x $t) (is $x $t))). */

/* Are the stored terms X and Y, of one clause, the same, and would be for whatever X matches?  (1 matches 1.0.) */
static bool is_same_term(Word x, Word y)
{
    if (!atom_is_cons(x) || !atom_is_cons(y))
        return x == y && (word_is_slot(x) || word_is_sym(x) || word_is_bool(x) || x == WORD_UNIT);
    if (expr_len(x) != expr_len(y)) return false;
    for (uint32_t i = 0; i < expr_len(x); i++)
        if (!is_same_term(expr_at(x, i), expr_at(y, i))) return false;
    return true;
}

/* Is E data with all its parts, those whose heads only the VM knows perhaps? */
static bool may_be_data(Compiler *c, Word e, int depth)
{
    if (!atom_is_cons(e)) return e != W_SYM(EMPTY);
    Word head = expr_at(e, 0);
    if (depth == 0 || (word_is_sym(head) && !(is_plain_call(c, e) && is_data(c, e)))) return false;
    if (!word_is_sym(head) && !word_is_slot(head) && !atom_is_cons(head)) return false;
    for (uint32_t i = 0; i < expr_len(e); i++)
        if (!may_be_data(c, expr_at(e, i), depth - 1)) return false;
    return true;
}

/* Does each variable of TERM stand for one place of the left side only?  Other places may have what is equal, but not the same. */
static bool is_linear(Compiler *c, Word term)
{
    uint32_t *all = count_slots(c, c->clause->rule.lhs), *inside = count_slots(c, term);
    bool linear = true;
    for (size_t i = 0; i < c->slots.len; i++) linear &= inside[i] == 0 || all[i] == 1;
    base_free(all);
    base_free(inside);
    return linear;
}

uint32_t same_argument(Compiler *c, Word e)
{
    Word lhs = c->clause->rule.lhs;
    if (c->map_first != c->clause->map_first || !atom_is_cons(e)) return NO_LOCAL;
    for (uint32_t i = 0; i < c->chunk->arity; i++)
        if (is_same_term(expr_at(lhs, i + 1), e) && is_linear(c, e)) return i;
    return NO_LOCAL;
}

static void plain_tail(Compiler *c, Word e, int depth)
{
    if (is_data(c, e)) {
        uint32_t argument = may_be_data(c, e, MAX_NESTING) ? same_argument(c, e) : NO_LOCAL;
        if (argument != NO_LOCAL && !is_raw_argument(c, argument)) {
            rt_note_data_head(c->rt, word_sym_id(expr_at(e, 0)));
            EMIT2(c, OP_RETURN_ARGUMENT, argument, template(c, e));
            return;
        }
        push_data(c, e, depth);
        EMIT0(c, OP_RETURN);
        return;
    }
    push_items(c, e, depth);
    emit_call(c, NULL, e, WORD_NIL, true);
}

/* -- Calls with a declared type, of functions and of the library's operations -- */

Op arithmetic_op(Word head)
{
    if (!word_is_op(head)) return OP_HALT;
    switch (word_op_index(head)) {
    case BI_add:
        return OP_ADD;
    case BI_sub:
        return OP_SUB;
    case BI_mul:
        return OP_MUL;
    case BI_less:
        return OP_LT;
    case BI_less_equal:
        return OP_LE;
    case BI_greater:
        return OP_GT;
    case BI_greater_equal:
        return OP_GE;
    case BI_equal:
        return OP_EQ;
    default:
        return OP_HALT;
    }
}

/* The builtin that a call of HEAD runs, or NULL. */
static const BuiltinInfo *builtin_of(Compiler *c, Word head)
{
    uint32_t native = native_of(c, head);
    return native ? &c->rt->builtins[native - 1] : NULL;
}

/* Opcode of a minimal instruction that makes an atom of its arguments, or OP_HALT. */
static Op list_op(Compiler *c, Word head)
{
    switch (native_of(c, head) - 1) {
    case BI_cons_atom:
        return OP_CONS_ATOM;
    case BI_decons_atom:
        return OP_DECONS_ATOM;
    default:
        return OP_HALT;
    }
}

/* Can the parameters be passed by code: evaluated, or as they stand? */
static bool params_pass(const Signature *sig, Word e)
{
    for (uint32_t i = 0; i < sig->param_count; i++) {
        const Param *p = &sig->params[i];
        if (p->kind == PARAM_META && p->type != W_SYM(T_EXPRESSION) &&
            (atom_is_cons(expr_at(e, i + 1)) || word_is_slot(expr_at(e, i + 1))))
            return false;
    }
    return true;
}

/* Is E a call with a simple type that code can make?  Operations that the engine carries out are not among them. */
static const Signature *typed_signature(Compiler *c, Word e)
{
    enum { NATIVE_ARGUMENTS = 8 };
    Word head = expr_at(e, 0);
    const Signature *sig = simple_signature(c, e);
    if (!sig || head == W_SYM(ERROR) || expr_len(e) > MAX_ARGUMENTS) return NULL;
    const BuiltinInfo *info = builtin_of(c, head);
    if (info) {
        if (!code_may_call(info) && list_op(c, head) == OP_HALT) return NULL;
        if (expr_len(e) > NATIVE_ARGUMENTS || c->rt->overridden.data[native_of(c, head) - 1]) return NULL;
    } else if (!word_is_sym(head) || sig->result.kind == PARAM_ATOM || sig->kind == SIGNATURE_SAME) {
        return NULL;
    }
    return params_pass(sig, e) && can_check(c, sig, e) ? sig : NULL;
}

void push_raw(Compiler *c, Word item)
{
    if (word_is_slot(item)) {
        EMIT1(c, OP_LOAD_LOCAL, use_slot(c, item));
    } else if (atom_is_cons(item)) {
        EMIT1(c, OP_PUSH_TEMPLATE, template(c, item));
        slots_of_term(c, item, SLOT_SET);
    } else {
        push_leaf(c, item);
    }
}

uint32_t store_raw(Compiler *c, Word item)
{
    if (word_is_slot(item)) return use_slot(c, item);
    uint32_t local = new_local(c);
    push_raw(c, item);
    EMIT1(c, OP_STORE_LOCAL, local);
    return local;
}

/* Where which type is expected the sides of == are evaluated. */
static Word type_of_sides(Compiler *c, Word e)
{
    Word type = static_type(c, expr_at(e, 1));
    if (word_is_nil(type) || type == W_SYM(UNDEFINED) || type == W_SYM(T_ATOM))
        type = static_type(c, expr_at(e, 2));
    return word_is_nil(type) || type == W_SYM(T_ATOM) ? W_SYM(UNDEFINED) : type;
}

static void push_arguments(Compiler *c, const Signature *sig, Word e, int depth)
{
    bool same = sig->kind == SIGNATURE_SAME;
    Word sides = same ? type_of_sides(c, e) : WORD_NIL;
    for (uint32_t i = 0; i < sig->param_count; i++) {
        Word item = expr_at(e, i + 1);
        if (takes_raw(sig, i, item))
            push_raw(c, item);
        else
            compile_value(c, item, same ? sides : sig->params[i].type, depth - 1);
    }
}

bool code_may_call(const BuiltinInfo *info)
{
    return info->body && !info->host && !(info->flags & (BF_SPECIAL | BF_LAZY | BF_VARIADIC));
}

bool code_may_run(const BuiltinInfo *info, uint32_t builtin)
{
    if (builtin == BI_get_state || builtin == BI_change_state) return true;
    return (info->flags & BF_PURE) && !(info->flags & (BF_IO | BF_SPACE));
}

static void emit_native(Compiler *c, const BuiltinInfo *info, const Signature *sig, Word e)
{
    Word head = expr_at(e, 0);
    Op op = arithmetic_op(head);
    uint32_t n = expr_len(e) - 1;
    if (op == OP_HALT) op = list_op(c, head);
    if (op != OP_HALT)
        EMIT0(c, op);
    else if (code_may_run(info, native_of(c, head) - 1))
        emit(c, OP_CALL_NATIVE, n, constant(c, head), n, 0, 0, 0);
    else
        emit(c, OP_CALL_BUILTIN, n, constant(c, head), with_count(e, are_same(c, sig, e)), 0, 0, 0);
}

static bool result_fits(const Signature *sig, Word type)
{
    return type == W_SYM(UNDEFINED) || sig->result.kind == PARAM_ATOM || sig->result.kind == PARAM_ANY ||
           sig->result.kind == PARAM_COMPLEX || sig->result.type == type;
}

void value_fallback(Compiler *c, Word e, Word type, uint32_t fallback, uint32_t height)
{
    if (fallback == NO_LABEL) return;
    uint32_t end = new_label(c);
    EMIT1(c, OP_JUMP, end);
    place_label(c, fallback);
    c->height = height;
    EMIT2(c, OP_EVAL, template(c, e), constant(c, type));
    slots_of_term(c, e, SLOT_PERHAPS);
    place_label(c, end);
}

void tail_fallback(Compiler *c, Word e, uint32_t fallback, uint32_t height)
{
    if (fallback == NO_LABEL) return;
    place_label(c, fallback);
    c->height = height;
    EMIT1(c, OP_TAIL_EVAL, template(c, e));
}

/* The call E, which SIG is the signature of, where TYPE is expected. */
static void typed_call(Compiler *c, const Signature *sig, Word e, Word type, int depth, uint32_t *fallback)
{
    const BuiltinInfo *info = builtin_of(c, expr_at(e, 0));
    Word result = declared_result(c, sig, expr_at(e, 0));
    emit_checks(c, sig, e, fallback);
    push_arguments(c, sig, e, depth);
    if (info)
        emit_native(c, info, sig, e);
    else
        emit_call(c, sig, e, word_is_nil(result) ? type : result, false);
}

static bool typed_value(Compiler *c, Word e, Word type, int depth)
{
    const Signature *sig = typed_signature(c, e);
    if (!sig || !result_fits(sig, type)) return false;
    uint32_t fallback = NO_LABEL, height = c->height;
    typed_call(c, sig, e, type, depth, &fallback);
    value_fallback(c, e, type, fallback, height);
    return true;
}

/* In tail position the result must be what the caller expects: else the call itself is in error. */
static void guard_result(Compiler *c, const Signature *sig, uint32_t *fallback)
{
    if (sig->result.kind == PARAM_CONST || sig->result.kind == PARAM_META)
        EMIT2(c, OP_GUARD_TYPE, constant(c, sig->result.type), need_label(c, fallback));
    else if (sig->result.kind == PARAM_FIXED)
        EMIT2(c, OP_GUARD_TYPE, constant(c, W_SYM(UNDEFINED)), need_label(c, fallback));
}

static bool typed_tail(Compiler *c, Word e, int depth)
{
    const Signature *sig = typed_signature(c, e);
    if (!sig) return false;
    uint32_t fallback = NO_LABEL, height = c->height;
    const BuiltinInfo *info = builtin_of(c, expr_at(e, 0));
    guard_result(c, sig, &fallback);
    emit_checks(c, sig, e, &fallback);
    push_arguments(c, sig, e, depth);
    if (info) {
        emit_native(c, info, sig, e);
        if (sig->result.kind == PARAM_ANY || sig->result.kind == PARAM_ATOM || sig->result.kind == PARAM_META)
            EMIT0(c, OP_ANY_TYPE);
        EMIT0(c, OP_RETURN);
    } else {
        emit_call(c, sig, e, declared_result(c, sig, expr_at(e, 0)), true);
    }
    tail_fallback(c, e, fallback, height);
    return true;
}

/* -- Tuples: calls of what the head turns out to be, or data -- */

/* Code for the tuple E; TYPE: of the result, WORD_NIL: the frame's, when in its place (TAIL). */
static void tuple_call(Compiler *c, Word e, Word type, bool tail, int depth, uint32_t *fallback)
{
    if (is_data_tuple(c, e)) {
        push_data(c, e, depth);
        if (tail) EMIT0(c, OP_RETURN);
        return;
    }
    emit_check_head(c, e, fallback);
    compile_value(c, expr_at(e, 0), WORD_NIL, depth - 1);
    push_items(c, e, depth);
    uint32_t n = with_count(e, is_same(c, e, MAX_NESTING)), pops = expr_len(e) - 1;
    if (!tail && type != W_SYM(UNDEFINED))
        emit(c, OP_CALL_VALUE_TYPED, pops, constant(c, type), n, 0, 0, 0);
    else
        emit(c, tail ? OP_TAIL_CALL_VALUE : OP_CALL_VALUE, pops, n, 0, 0, 0, 0);
}

/* -- Calls by themselves -- */

bool is_direct_call(Compiler *c, Word e)
{
    if (is_error_literal(e) || is_form(c, e)) return false;
    if (is_tuple_call(c, e)) return !atom_is_cons(expr_at(e, 0));
    return is_plain_call(c, e) || typed_signature(c, e) != NULL;
}

void compile_direct_call(Compiler *c, Word e, uint32_t *fallback, int depth)
{
    uint32_t place = c->code.place;
    place_expression(c, e);
    uint32_t expression = expression_begins(c, e, false, W_SYM(UNDEFINED));
    if (is_plain_call(c, e))
        plain_value(c, e, W_SYM(UNDEFINED), depth);
    else if (is_tuple_call(c, e))
        tuple_call(c, e, W_SYM(UNDEFINED), false, depth, fallback);
    else
        typed_call(c, typed_signature(c, e), e, W_SYM(UNDEFINED), depth, fallback);
    expression_ends(c, expression);
    c->code.place = place;
}

/* -- Values -- */

void compile_block(Compiler *c, Word e, Word type, int depth)
{
    uint32_t over = new_label(c), height = c->height;
    /* Variables that the rest of the clause shares with E must exist before E runs in its own frame. */
    slots_shared(c, e);
    SlotInfo *before = slots_save(c);
    EMIT2(c, OP_BLOCK, constant(c, type), over);
    c->height = 0;
    compile_tail(c, e, depth);
    slots_restore(c, before);
    c->height = height + 1;
    place_label(c, over);
}

/* Code for the value of expression E; false, and nothing emitted, when there is none. */
static bool compile_expression(Compiler *c, Word e, Word type, int depth)
{
    if (is_error_literal(e)) return false;
    if (is_native_call(c, e, BI_empty, 1)) {
        EMIT0(c, OP_FAIL);
        raise_height(c, 1); /* in a stale chunk tier 0 evaluates it, and may have a value then */
        return true;
    }
    if (is_collapse(c, e)) {
        compile_collapse(c, e, depth);
        return true;
    }
    if (is_breakpoint(c, e)) {
        compile_breakpoint(c, e, depth);
        return true;
    }
    if (is_value_if(c, e, type)) {
        compile_value_if(c, e, depth);
        return true;
    }
    if (is_form(c, e) ||
        (needs_frame(c, e) && (is_plain_call(c, e) || typed_signature(c, e) || is_tuple_call(c, e)))) {
        compile_block(c, e, type, depth);
        return true;
    }
    if (is_plain_call(c, e)) {
        plain_value(c, e, type, depth);
        return true;
    }
    if (is_tuple_call(c, e)) {
        uint32_t fallback = NO_LABEL, height = c->height;
        tuple_call(c, e, type, false, depth, &fallback);
        value_fallback(c, e, type, fallback, height);
        return true;
    }
    return typed_value(c, e, type, depth);
}

void compile_value(Compiler *c, Word e, Word type, int depth)
{
    if (word_is_slot(e)) {
        slot_value(c, e, type);
        return;
    }
    if (!atom_is_cons(e)) {
        leaf_value(c, e, type);
        return;
    }
    /* What is taken as it stands, and an error that is an argument already. */
    if (type == W_SYM(T_EXPRESSION) || type == W_SYM(T_ATOM) ||
        (!word_is_nil(type) && is_error_literal(e) && expr_len(e) == 3)) {
        push_raw(c, e);
        return;
    }
    if (word_is_nil(type)) type = W_SYM(UNDEFINED);
    uint32_t place = c->code.place;
    place_expression(c, e);
    uint32_t expression = expression_begins(c, e, false, type);
    SlotInfo *before = slots_save(c);
    if (depth <= 0 || !compile_expression(c, e, type, depth)) emit_eval(c, e, type);
    kinds_restore(c, before);
    expression_ends(c, expression);
    c->code.place = place;
}

/* -- Tails -- */

static bool tail_expression(Compiler *c, Word e, int depth)
{
    if (compile_form(c, e, depth)) return true;
    if (is_collapse(c, e)) {
        EMIT0(c, OP_ANY_TYPE);
        compile_collapse(c, e, depth);
        EMIT0(c, OP_RETURN);
        return true;
    }
    if (is_breakpoint(c, e)) {
        compile_breakpoint(c, e, depth);
        EMIT0(c, OP_RETURN);
        return true;
    }
    if (is_plain_call(c, e)) {
        plain_tail(c, e, depth);
        return true;
    }
    if (is_tuple_call(c, e)) {
        uint32_t fallback = NO_LABEL, height = c->height;
        tuple_call(c, e, WORD_NIL, true, depth, &fallback);
        tail_fallback(c, e, fallback, height);
        return true;
    }
    return typed_tail(c, e, depth);
}

static void return_slot(Compiler *c, uint32_t local)
{
    const FormContext *x = &c->form;
    if (word_is_nil(x->form))
        EMIT1(c, OP_RETURN_LOCAL, local);
    else if (!word_is_nil(x->condition))
        EMIT3(c, OP_RETURN_BRANCH, local, template(c, x->form), constant(c, x->condition));
    else
        EMIT4(c, OP_RETURN_FORM, local, template(c, x->form), x->item, x->item ? x->local : local);
}

void compile_part(Compiler *c, FormContext form, Word e, int depth)
{
    FormContext around = c->form;
    c->form = form;
    compile_tail(c, e, depth);
    c->form = around;
}

void compile_tail(Compiler *c, Word e, int depth)
{
    if (!c->begun && !is_choice(c, e)) begin_variables(c, e);
    if (e == W_SYM(EMPTY)) {
        EMIT0(c, OP_FAIL);
    } else if (e == W_SYM(NOT_REDUCIBLE)) {
        EMIT0(c, OP_NOT_REDUCIBLE);
    } else if (is_error_literal(e)) {
        need_variables(c, e);
        EMIT1(c, OP_RETURN_ERROR, template(c, e));
    } else if (word_is_slot(e)) {
        return_slot(c, use_slot(c, e));
    } else if (!atom_is_cons(e)) {
        push_leaf(c, e);
        EMIT0(c, OP_RETURN);
    } else {
        uint32_t place = c->code.place;
        place_expression(c, e);
        expression_begins(c, e, true, W_SYM(UNDEFINED));
        if (depth <= 0 || !tail_expression(c, e, depth)) emit_tail_eval(c, e);
        c->code.place = place;
    }
}
