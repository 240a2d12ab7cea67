/* Calls of functions that only choose among their arguments, such as a conditional of one's own: no call is made.
 *
 * Each clause has a different constant at one argument that is evaluated, and variables elsewhere; its right side is one of the
 * arguments, or an atom.  An argument of type Atom is then compiled in place of the call, as a branch. */
#include "code/compiler.h"

typedef struct Choosing {
    const Signature *sig;
    ClauseVec clauses;
    uint32_t selector; /* the argument with the constants */
} Choosing;

static bool is_evaluated(const Param *p)
{
    return p->kind == PARAM_CONST || p->kind == PARAM_ANY;
}

static bool is_selector(const Choosing *ch, uint32_t argument)
{
    if (!is_evaluated(&ch->sig->params[argument])) return false;
    for (size_t i = 0; i < ch->clauses.len; i++) {
        Word key = expr_at(ch->clauses.data[i].rule.lhs, argument + 1);
        if (!word_is_sym(key) && !word_is_bool(key) && !word_is_int(key)) return false;
        for (size_t k = 0; k < i; k++)
            if (expr_at(ch->clauses.data[k].rule.lhs, argument + 1) == key) return false;
    }
    return true;
}

/* The argument that SLOT is the whole pattern of, or NO_LOCAL. */
static uint32_t argument_named(const Rule *rule, Word slot)
{
    for (uint32_t i = 1; i < expr_len(rule->lhs); i++)
        if (expr_at(rule->lhs, i) == slot) return i - 1;
    return NO_LOCAL;
}

/* Are all patterns but the selector's different variables, and is the right side one of them or an atom? */
static bool only_chooses(const Choosing *ch, const Rule *rule)
{
    for (uint32_t i = 0; i + 1 < expr_len(rule->lhs); i++) {
        Word pattern = expr_at(rule->lhs, i + 1);
        if (i != ch->selector && (!word_is_slot(pattern) || argument_named(rule, pattern) != i)) return false;
    }
    Word rhs = rule->rhs;
    if (word_is_slot(rhs)) return argument_named(rule, rhs) != NO_LOCAL;
    return !atom_is_cons(rhs) && rhs != W_SYM(NOT_REDUCIBLE);
}

/* What the clause makes of the call E can be compiled in its place. */
static bool is_branch(Compiler *c, const Choosing *ch, const Rule *rule, Word e)
{
    if (!word_is_slot(rule->rhs)) return true;
    uint32_t argument = argument_named(rule, rule->rhs);
    Word branch = expr_at(e, argument + 1);
    if (is_evaluated(&ch->sig->params[argument])) return true;
    bool function = atom_is_cons(branch) && native_of(c, expr_at(branch, 0)) == BI_function + 1;
    return branch != W_SYM(NOT_REDUCIBLE) && !function;
}

static bool params_choose(const Signature *sig, Word e)
{
    if (sig->result.kind != PARAM_ANY && sig->result.kind != PARAM_COMPLEX) return false;
    for (uint32_t i = 0; i < sig->param_count; i++) {
        if (sig->params[i].kind != PARAM_ATOM && !is_evaluated(&sig->params[i])) return false;
        if (is_error_literal(expr_at(e, i + 1)) && is_evaluated(&sig->params[i])) return false;
    }
    return true;
}

/* Find out whether E is such a call; then CH describes it, and its clauses are to be freed. */
static bool find_choosing(Compiler *c, Word e, Choosing *ch)
{
    enum { FEW = 8 };
    Word head = expr_at(e, 0);
    *ch = (Choosing){.sig = NULL};
    if (!word_is_sym(head) || native_of(c, head) || head == W_SYM(ERROR)) return false;
    if (functions_get(c->functions, word_sym_id(head), expr_len(e) - 1)->debugged) return false;
    ch->sig = simple_signature(c, e);
    if (!ch->sig || ch->sig->kind != SIGNATURE_SIMPLE || !params_choose(ch->sig, e) ||
        !can_check(c, ch->sig, e))
        return false;
    bool ok = collect_clauses(c, word_sym_id(head), expr_len(e) - 1, &ch->clauses);
    ok = ok && ch->clauses.len > 0 && ch->clauses.len <= FEW;
    for (ch->selector = 0; ok && ch->selector < ch->sig->param_count; ch->selector++)
        if (is_selector(ch, ch->selector)) break;
    ok = ok && ch->selector < ch->sig->param_count;
    for (size_t i = 0; ok && i < ch->clauses.len; i++)
        ok = only_chooses(ch, &ch->clauses.data[i].rule) && is_branch(c, ch, &ch->clauses.data[i].rule, e);
    if (ok)
        depend(c, head);
    else
        vec_free(&ch->clauses);
    return ok;
}

bool is_choosing_call(Compiler *c, Word e)
{
    Choosing ch;
    if (!find_choosing(c, e, &ch)) return false;
    vec_free(&ch.clauses);
    return true;
}

/* -- Code -- */

/* The branch of the call E that RULE chooses; LOCALS hold its evaluated arguments. */
static void compile_chosen(Compiler *c, const Choosing *ch, const Rule *rule, Word e, const uint32_t *locals,
                           int depth)
{
    uint32_t argument = word_is_slot(rule->rhs) ? argument_named(rule, rule->rhs) : NO_LOCAL;
    FormContext form = {e, WORD_NIL, ch->selector + 1, locals[ch->selector]};
    if (argument == NO_LOCAL)
        compile_part(c, form, rule->rhs, depth - 1);
    else if (is_evaluated(&ch->sig->params[argument]))
        EMIT1(c, OP_RETURN_LOCAL, locals[argument]);
    else
        compile_part(c, form, expr_at(e, argument + 1), depth - 1);
}

/* The call itself, for a value that no clause has a constant for. */
static void compile_real_call(Compiler *c, const Choosing *ch, Word e, const uint32_t *locals)
{
    for (uint32_t i = 0; i < ch->sig->param_count; i++) {
        if (is_evaluated(&ch->sig->params[i]))
            EMIT1(c, OP_LOAD_LOCAL, locals[i]);
        else
            push_raw(c, expr_at(e, i + 1));
    }
    emit_call(c, ch->sig, e, declared_result(c, ch->sig, expr_at(e, 0)), true);
}

void compile_choosing_call(Compiler *c, Word e, int depth)
{
    Choosing ch;
    uint32_t locals[SIGNATURE_MAX_PARAMS], fallback = NO_LABEL, height = c->height, call = new_label(c);
    if (!find_choosing(c, e, &ch)) base_fatal("a call does not choose any more");
    emit_checks(c, ch.sig, e, &fallback);
    for (uint32_t i = 0; i < ch.sig->param_count; i++) {
        if (!is_evaluated(&ch.sig->params[i])) continue;
        compile_value(c, expr_at(e, i + 1), ch.sig->params[i].type, depth - 1);
        locals[i] = new_local(c);
        EMIT1(c, OP_STORE_LOCAL, locals[i]);
    }
    for (size_t i = 0; i < ch.clauses.len; i++) {
        const Rule *rule = &ch.clauses.data[i].rule;
        uint32_t next = new_label(c);
        EMIT4(c, OP_MATCH_CONST, locals[ch.selector], constant(c, expr_at(rule->lhs, ch.selector + 1)), next,
              call);
        EMIT1(c, OP_INLINED, call);
        if (ch.sig->result.kind == PARAM_ANY) EMIT0(c, OP_ANY_TYPE);
        SlotInfo *before = slots_save(c);
        compile_chosen(c, &ch, rule, e, locals, depth);
        slots_restore(c, before);
        place_label(c, next);
    }
    place_label(c, call);
    c->height = height;
    compile_real_call(c, &ch, e, locals);
    vec_free(&ch.clauses);
    tail_fallback(c, e, fallback, height);
}
