/* (chain N $v T): N runs as a minimal instruction, and T goes on with its result in place of $v.
 *
 * Code has those in which N is nothing to be run, makes an expression, or is one step of an operation whose result depends on its arguments
 * only; and T is no instruction itself, but evaluated like the rest of a rule, or another chain.  Nothing has an effect before T is evaluated, so
 * that tier 0 can begin anew where a step has no plain result. */
#include "code/compiler.h"

enum { CHAIN_ARGUMENTS = 7 };

/* -- What it looks like -- */

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
    return is_native_call(c, n, BI_eval, 2) && is_operation(c, expr_at(n, 1)) ? expr_at(n, 1) : WORD_NIL;
}

static bool is_list(Compiler *c, Word e)
{
    return word_is_slot(e) ? slot_info(c, e)->state == SLOT_SET : atom_is_expr(e);
}

static bool is_first(Compiler *c, Word n)
{
    if (!atom_is_cons(n)) return !word_is_slot(n);
    if (is_native_call(c, n, BI_cons_atom, 3)) return is_list(c, expr_at(n, 2));
    if (is_native_call(c, n, BI_decons_atom, 2)) return is_list(c, expr_at(n, 1));
    if (!word_is_nil(operation_of(c, n))) return true;
    return !is_minimal(c, n) && !word_is_slot(expr_at(n, 0));
}

bool is_chain(Compiler *c, Word e)
{
    for (unsigned i = 0; i < MAX_NESTING && is_native_call(c, e, BI_chain, 4); i++) {
        Word n = expr_at(e, 1), var = expr_at(e, 2), rest = expr_at(e, 3);
        if (!word_is_slot(var) || slot_info(c, var)->state != SLOT_NONE || has_slot(n, var)) return false;
        if (!is_first(c, n)) return false;
        if (!atom_is_cons(rest)) return !word_is_slot(rest) && rest != W_SYM(NOT_REDUCIBLE);
        if (!is_minimal(c, rest)) return !word_is_slot(expr_at(rest, 0));
        e = rest;
    }
    return false;
}

/* -- Code -- */

static void push_step(Compiler *c, Word call, uint32_t *fallback)
{
    uint32_t n = expr_len(call) - 1;
    for (uint32_t i = 1; i <= n; i++) push_raw(c, expr_at(call, i));
    emit(c, OP_STEP_NATIVE, n, constant(c, expr_at(call, 0)), n, need_label(c, fallback), 0, 0);
}

static void guard_list(Compiler *c, Word list, uint32_t *fallback)
{
    if (word_is_slot(list)) EMIT2(c, OP_GUARD_EXPR, slot_local(c, list), need_label(c, fallback));
}

/* Code that pushes the result of N, which may be an error. */
static void push_first(Compiler *c, Word n, uint32_t *fallback)
{
    Word operation = operation_of(c, n);
    if (is_native_call(c, n, BI_cons_atom, 3)) {
        guard_list(c, expr_at(n, 2), fallback);
        push_raw(c, expr_at(n, 1));
        push_raw(c, expr_at(n, 2));
        EMIT0(c, OP_CONS_ATOM);
        EMIT0(c, OP_ACCEPT);
    } else if (is_native_call(c, n, BI_decons_atom, 2)) {
        guard_list(c, expr_at(n, 1), fallback);
        push_raw(c, expr_at(n, 1));
        EMIT0(c, OP_DECONS_ATOM);
        EMIT0(c, OP_ACCEPT);
    } else if (!word_is_nil(operation)) {
        push_step(c, operation, fallback);
    } else {
        push_raw(c, n);
    }
}

/* From now on VAR stands for what is in LOCAL; templates are mapped so. */
static void map_variable(Compiler *c, Word var, uint32_t local)
{
    *slot_info(c, var) = (SlotInfo){.local = local, .state = SLOT_SET, .raw = true};
    map_templates(c);
}

static void chain_from(Compiler *c, Word e, FormContext form, uint32_t *fallback, int depth)
{
    Word rest = expr_at(e, 3);
    uint32_t local = new_local(c);
    push_first(c, expr_at(e, 1), fallback);
    EMIT1(c, OP_STORE_LOCAL, local);
    map_variable(c, expr_at(e, 2), local);
    if (is_native_call(c, rest, BI_chain, 4))
        chain_from(c, rest, form, fallback, depth - 1);
    else
        compile_part(c, form, rest, depth - 1);
}

void compile_chain(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height, map_first = c->map_first;
    SlotInfo *before = slots_save(c);
    EMIT0(c, OP_ANY_TYPE);
    chain_from(c, e, (FormContext){e, WORD_NIL, 0, 0}, &fallback, depth);
    slots_restore(c, before);
    c->map_first = map_first;
    tail_fallback(c, e, fallback, height);
}
