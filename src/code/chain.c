/* Minimal instructions: (function BODY) as the body of a rule, and (chain N $v T) where it is evaluated.
 *
 * Instructions run one after the other, and pass results on as they are.  N is a step here when code knows it: nothing to be run, an
 * expression made or taken apart, one step of an operation whose result depends on its arguments only, or one step of a function
 * (call_step), which is all of it if its body is a (function ...).  Tier 0 runs other instructions (run), and the rest of the body where code
 * cannot go on: by then what was done has been done. */
#include "code/compiler.h"

enum { CHAIN_ARGUMENTS = 7 };

/* Where the last of the instructions leads: to the (return X) of a rule's body, or to what the form FORM gives. */
typedef struct Ending {
    Word form;      /* WORD_NIL: the first */
    uint32_t whole; /* template of the form */
} Ending;

/* -- What it looks like -- */

/* Is E the instruction BUILTIN with N items?  Rules that a program adds for its symbol do not count. */
static bool is_instruction(Compiler *c, Word e, uint32_t builtin, uint32_t n)
{
    return atom_is_cons(e) && expr_len(e) == n && native_of(c, expr_at(e, 0)) == builtin + 1;
}

/* Is E a call of an operation that one step carries out? */
static bool is_operation(Compiler *c, Word e)
{
    if (!atom_is_cons(e) || is_minimal(c, e)) return false;
    uint32_t native = native_of(c, expr_at(e, 0));
    if (native == 0 || c->rt->overridden.data[native - 1]) return false;
    const BuiltinInfo *info = &c->rt->builtins[native - 1];
    const Signature *sig = &c->rt->types.op_signatures[native - 1];
    bool plain = sig->kind == SIGNATURE_SIMPLE || sig->kind == SIGNATURE_SAME;
    return plain && code_may_call(info) && code_may_run(info, native - 1) &&
           sig->param_count == expr_len(e) - 1 && sig->param_count <= CHAIN_ARGUMENTS;
}

/* The operation that N is a step of, or WORD_NIL. */
static Word operation_of(Compiler *c, Word n)
{
    return is_instruction(c, n, BI_eval, 2) && is_operation(c, expr_at(n, 1)) ? expr_at(n, 1) : WORD_NIL;
}

/* Is N one step of a call of a function? */
static bool is_call_step(Compiler *c, Word n)
{
    if (!is_instruction(c, n, BI_eval, 2) || !atom_is_cons(expr_at(n, 1))) return false;
    Word head = expr_at(expr_at(n, 1), 0);
    return word_is_sym(head) && native_of(c, head) == 0 && expr_len(expr_at(n, 1)) <= MAX_ARGUMENTS;
}

static bool is_list(Compiler *c, Word e)
{
    return word_is_slot(e) ? slot_info(c, e)->state == SLOT_SET : atom_is_expr(e);
}

/* Is N no instruction, whatever its variables stand for? */
static bool is_result(Compiler *c, Word n)
{
    if (!atom_is_cons(n)) return !word_is_slot(n);
    return !is_minimal(c, n) && !word_is_slot(expr_at(n, 0));
}

/* Can the variable of the chain E have a local for the result of its first part? */
static bool names_result(Compiler *c, Word e)
{
    Word var = expr_at(e, 2);
    return word_is_slot(var) && slot_info(c, var)->state == SLOT_NONE && !has_slot(expr_at(e, 1), var);
}

bool is_chain(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_chain, 4) && names_result(c, e);
}

/* -- Steps -- */

static void push_operation(Compiler *c, Word call, uint32_t *fallback)
{
    uint32_t n = expr_len(call) - 1;
    for (uint32_t i = 1; i <= n; i++) push_raw(c, expr_at(call, i));
    emit(c, OP_STEP_NATIVE, n, constant(c, expr_at(call, 0)), n, need_label(c, fallback), 0, 0);
}

static void push_call_step(Compiler *c, Word call)
{
    uint32_t n = expr_len(call) - 1;
    for (uint32_t i = 1; i <= n; i++) push_raw(c, expr_at(call, i));
    emit(c, OP_CALL_STEP, n, callee(c, word_sym_id(expr_at(call, 0)), n), n, 0, 0, 0);
    EMIT0(c, OP_ACCEPT_ANY);
}

static void guard_list(Compiler *c, Word list, uint32_t *fallback)
{
    if (word_is_slot(list)) EMIT2(c, OP_GUARD_EXPR, slot_local(c, list), need_label(c, fallback));
}

/* Code that pushes the result of N, whatever it is; to FALLBACK, made at need, when nothing is done yet. */
static void push_first(Compiler *c, Word n, uint32_t *fallback)
{
    Word operation = operation_of(c, n);
    if (is_instruction(c, n, BI_cons_atom, 3) && is_list(c, expr_at(n, 2))) {
        guard_list(c, expr_at(n, 2), fallback);
        push_raw(c, expr_at(n, 1));
        push_raw(c, expr_at(n, 2));
        EMIT0(c, OP_CONS_ATOM);
        EMIT0(c, OP_ACCEPT);
    } else if (is_instruction(c, n, BI_decons_atom, 2) && is_list(c, expr_at(n, 1))) {
        guard_list(c, expr_at(n, 1), fallback);
        push_raw(c, expr_at(n, 1));
        EMIT0(c, OP_DECONS_ATOM);
        EMIT0(c, OP_ACCEPT);
    } else if (!word_is_nil(operation)) {
        push_operation(c, operation, fallback);
    } else if (is_result(c, n)) {
        push_raw(c, n);
    } else if (is_call_step(c, n)) {
        push_call_step(c, expr_at(n, 1));
        raw_slots(c, n);
    } else {
        EMIT1(c, OP_RUN, template(c, n));
        slots_of_term(c, n, SLOT_SET);
        raw_slots(c, n);
        EMIT0(c, OP_ACCEPT_ANY);
    }
}

/* -- The instructions -- */

static void compile_rest(Compiler *c, Word t, const Ending *end, int depth);

/* Tier 0 runs template REST and all that follows. */
static void leave_rest(Compiler *c, uint32_t rest, const Ending *end)
{
    if (word_is_nil(end->form))
        EMIT1(c, OP_FUNCTION_REST, rest);
    else
        EMIT2(c, OP_FORM_REST, rest, end->whole);
}

static void leave_term(Compiler *c, Word t, const Ending *end)
{
    need_variables(c, t);
    leave_rest(c, template(c, t), end);
}

static void rest_at(Compiler *c, uint32_t label, uint32_t rest, const Ending *end)
{
    if (label == NO_LABEL) return;
    place_label(c, label);
    c->height = 0;
    leave_rest(c, rest, end);
}

/* From now on VAR stands for what is in LOCAL; templates are mapped so. */
static void map_variable(Compiler *c, Word var, uint32_t local)
{
    *slot_info(c, var) = (SlotInfo){.local = local, .state = SLOT_SET, .raw = true};
    map_templates(c);
}

static void chain_from(Compiler *c, Word e, const Ending *end, int depth)
{
    uint32_t fallback = NO_LABEL, map_first = c->map_first, rest = template(c, e), local = new_local(c);
    SlotInfo *before = slots_save(c);
    push_first(c, expr_at(e, 1), &fallback);
    EMIT1(c, OP_STORE_LOCAL, local);
    map_variable(c, expr_at(e, 2), local);
    compile_rest(c, expr_at(e, 3), end, depth - 1);
    slots_restore(c, before);
    c->map_first = map_first;
    rest_at(c, fallback, rest, end);
}

static void unify_from(Compiler *c, Word e, const Ending *end, int depth)
{
    uint32_t rest = template(c, e), otherwise = new_label(c), custom = new_label(c);
    Unification u = {.x = expr_at(e, 1), .y = expr_at(e, 2), .otherwise = otherwise, .op = OP_UNIFY_STEP};
    u.operands[0] = otherwise;
    u.operands[1] = custom;
    unify_begin(c, &u);
    compile_rest(c, expr_at(e, 3), end, depth - 1);
    unify_otherwise(c, &u);
    compile_rest(c, expr_at(e, 4), end, depth - 1);
    unify_end(c, &u);
    rest_at(c, custom, rest, end);
}

/* (eval (if-equal A B T E)) and (eval (if-error A T E)): T or E is the next instruction. */
static bool is_test_step(Compiler *c, Word e)
{
    if (word_is_nil(operation_of(c, e))) return false;
    Word test = expr_at(e, 1);
    return is_native_call(c, test, BI_if_equal, 5) || is_native_call(c, test, BI_if_error, 4);
}

static void test_from(Compiler *c, Word e, const Ending *end, int depth)
{
    Word test = expr_at(e, 1);
    uint32_t n = expr_len(test) - 1, fallback = NO_LABEL, rest = template(c, e), otherwise = new_label(c);
    for (uint32_t i = 1; i + 2 <= n; i++) push_raw(c, expr_at(test, i));
    EMIT1(c, OP_PUSH_CONST, constant(c, WORD_TRUE));
    EMIT1(c, OP_PUSH_CONST, constant(c, WORD_FALSE));
    emit(c, OP_STEP_NATIVE, n, constant(c, expr_at(test, 0)), n, need_label(c, &fallback), 0, 0);
    EMIT2(c, OP_TAIL_BRANCH_BOOL, otherwise, rest);
    SlotInfo *before = slots_save(c);
    compile_rest(c, expr_at(test, n - 1), end, depth - 1);
    slots_restore(c, before);
    place_label(c, otherwise);
    before = slots_save(c);
    compile_rest(c, expr_at(test, n), end, depth - 1);
    slots_restore(c, before);
    rest_at(c, fallback, rest, end);
}

/* X is the result of the function: as it stands if the call is a step, else evaluated. */
static void compile_return(Compiler *c, Word x, int depth)
{
    if (word_is_slot(x)) {
        EMIT1(c, OP_RETURN_VALUE, use_slot(c, x));
        return;
    }
    need_variables(c, x);
    EMIT1(c, OP_GIVE_STEP, template(c, x));
    compile_tail(c, x, depth - 1);
}

/* Code for the instruction T, and what follows from it. */
static void compile_rest(Compiler *c, Word t, const Ending *end, int depth)
{
    bool function = word_is_nil(end->form);
    if (depth <= 0)
        leave_term(c, t, end);
    else if (function && atom_is_cons(t) && expr_len(t) == 2 && expr_at(t, 0) == W_SYM(RETURN))
        compile_return(c, expr_at(t, 1), depth);
    else if (is_instruction(c, t, BI_chain, 4) && names_result(c, t))
        chain_from(c, t, end, depth);
    else if (is_instruction(c, t, BI_unify, 5))
        unify_from(c, t, end, depth);
    else if (is_test_step(c, t))
        test_from(c, t, end, depth);
    else if (!function && is_result(c, t) && t != W_SYM(NOT_REDUCIBLE))
        compile_part(c, (FormContext){end->form, WORD_NIL, 0, 0}, t, depth - 1);
    else
        leave_term(c, t, end);
}

void compile_chain(Compiler *c, Word e, int depth)
{
    Ending end = {e, template(c, e)};
    EMIT0(c, OP_ANY_TYPE);
    compile_rest(c, e, &end, depth);
}

/* -- Bodies of rules -- */

bool is_function_body(Compiler *c, Word rhs)
{
    return atom_is_cons(rhs) && native_of(c, expr_at(rhs, 0)) == BI_function + 1;
}

void compile_function_body(Compiler *c, Word rhs, int depth)
{
    Ending end = {WORD_NIL, 0};
    if (expr_len(rhs) != 2 || !atom_is_expr(expr_at(rhs, 1))) {
        need_variables(c, rhs);
        EMIT1(c, OP_TAIL_FUNCTION, template(c, rhs));
        return;
    }
    /* The type tells tier 0 that it is no expression like others. */
    expression_begins(c, rhs, true, expr_at(rhs, 0));
    compile_rest(c, expr_at(rhs, 1), &end, depth);
}
