/* Control forms: their branches and bodies run in tail position, so in a frame of their own where a value is wanted. */
#include "code/compiler.h"

/* -- What a form looks like -- */

/* What tier 0 gives for NotReducible names the form around it: such forms stay there. */
static bool is_plain_result(Word e)
{
    return e != W_SYM(NOT_REDUCIBLE);
}

/* A conditional on atoms as they stand. */
static bool is_test(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_if_equal, 5) || is_native_call(c, e, BI_if_error, 4);
}

static Word then_of(Word e)
{
    return expr_at(e, expr_len(e) - 2);
}

static Word else_of(Word e)
{
    return expr_at(e, expr_len(e) - 1);
}

/* A conditional: its branches are the last two items. */
static bool is_if(Compiler *c, Word e)
{
    if (!is_native_call(c, e, BI_if_, 4) && !is_test(c, e)) return false;
    const Signature *sig = simple_signature(c, e);
    return sig && !(is_error_literal(expr_at(e, 1)) && !is_test(c, e)) && can_check(c, sig, e) &&
           is_plain_result(then_of(e)) && is_plain_result(else_of(e));
}

static bool is_let(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_let_, 4) && !is_error_literal(expr_at(e, 2)) &&
           can_check_any(c, expr_at(e, 2)) && is_plain_result(expr_at(e, 3));
}

static bool is_pair(Word e)
{
    return atom_is_cons(e) && expr_len(e) == 2;
}

static bool is_let_star(Compiler *c, Word e)
{
    if (!is_native_call(c, e, BI_let_star, 3) || !atom_is_expr(expr_at(e, 1))) return false;
    Word pairs = expr_at(e, 1);
    for (uint32_t i = 0; i < expr_len(pairs); i++)
        if (!is_pair(expr_at(pairs, i)) || is_error_literal(expr_at(expr_at(pairs, i), 1))) return false;
    return is_plain_result(expr_at(e, 2));
}

/* A list of (pattern template) cases. */
static bool are_cases(Word cases)
{
    if (!atom_is_expr(cases)) return false;
    for (uint32_t i = 0; i < expr_len(cases); i++)
        if (!is_pair(expr_at(cases, i)) || !is_plain_result(expr_at(expr_at(cases, i), 1))) return false;
    return true;
}

static bool is_case(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_case_, 3) && are_cases(expr_at(e, 2));
}

static bool is_switch(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_switch_, 3) && are_cases(expr_at(e, 2)) &&
           !is_error_literal(expr_at(e, 1)) && can_check_any(c, expr_at(e, 1));
}

static bool is_match(Compiler *c, Word e)
{
    if (!is_native_call(c, e, BI_match, 4)) return false;
    const Signature *sig = simple_signature(c, e);
    return sig && !atom_is_cons(expr_at(e, 1)) && can_check(c, sig, e) && is_plain_result(expr_at(e, 3));
}

static bool is_superpose(Compiler *c, Word e)
{
    enum { FEW = 32 };
    if (!is_native_call(c, e, BI_superpose, 2)) return false;
    Word list = expr_at(e, 1);
    if (word_is_slot(list)) return slot_info(c, list)->state == SLOT_SET;
    if (!atom_is_expr(list) || expr_len(list) > FEW) return false;
    for (uint32_t i = 0; i < expr_len(list); i++)
        if (!is_plain_result(expr_at(list, i))) return false;
    return true;
}

static bool is_trace(Compiler *c, Word e)
{
    /* A variable may stand for NotReducible, and then the form with the message evaluated is the result. */
    if (!is_native_call(c, e, BI_trace, 3) || (atom_is_cons(expr_at(e, 1)) && word_is_slot(expr_at(e, 2))))
        return false;
    return !is_error_literal(expr_at(e, 1)) && can_check_any(c, expr_at(e, 1)) &&
           is_plain_result(expr_at(e, 2));
}

/* Are X and Y variables that nothing has seen, and different ones? */
static bool are_new(Compiler *c, Word x, Word y)
{
    return word_is_slot(x) && word_is_slot(y) && x != y && slot_info(c, x)->state == SLOT_NONE &&
           slot_info(c, y)->state == SLOT_NONE;
}

static bool is_if_decons(Compiler *c, Word e)
{
    if (!is_native_call(c, e, BI_if_decons_expr, 6) || !are_new(c, expr_at(e, 2), expr_at(e, 3)))
        return false;
    Word list = expr_at(e, 1);
    if (word_is_slot(list) ? slot_info(c, list)->state != SLOT_SET : !atom_is_expr(list)) return false;
    return !has_slot(list, expr_at(e, 2)) && !has_slot(list, expr_at(e, 3)) &&
           is_plain_result(expr_at(e, 4)) && is_plain_result(expr_at(e, 5));
}

/* Is VALUE a call of decons-atom, whose head and tail PATTERN names? */
static bool is_split(Compiler *c, Word pattern, Word value)
{
    return is_pair(pattern) && are_new(c, expr_at(pattern, 0), expr_at(pattern, 1)) &&
           is_native_call(c, value, BI_decons_atom, 2) && word_is_slot(expr_at(value, 1)) &&
           slot_info(c, expr_at(value, 1))->state == SLOT_SET;
}

static bool is_unify(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_unify, 5) && is_plain_result(expr_at(e, 3)) &&
           is_plain_result(expr_at(e, 4));
}

/* -- if, if-equal, if-error -- */

/* FORM as a context, its item ITEM having become the value in LOCAL (0: none has). */
static FormContext context(Word form, uint32_t item, uint32_t local)
{
    return (FormContext){form, WORD_NIL, item, local};
}

static FormContext branch(Compiler *c, Word form, Word condition)
{
    return is_test(c, form) ? context(form, 0, 0) : (FormContext){form, condition, 0, 0};
}

/* Where a value as it stands is compared with this, the word tells. */
static bool is_plain_constant(Word w)
{
    return word_is_sym(w) || word_is_bool(w) || w == WORD_UNIT;
}

/* Is E a comparison of a variable with a constant? */
static bool compares_with_constant(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_if_equal, 5) && word_is_slot(expr_at(e, 1)) &&
           is_plain_constant(expr_at(e, 2));
}

/* Code that pushes whether the test E comes out True. */
static void push_test(Compiler *c, Word e)
{
    push_raw(c, expr_at(e, 1));
    if (is_native_call(c, e, BI_if_equal, 5)) {
        push_raw(c, expr_at(e, 2));
        emit(c, OP_CALL_NATIVE, 2, constant(c, word_op(BI_alpha_equal)), 2, 0, 0, 0);
        return;
    }
    EMIT1(c, OP_PUSH_CONST, constant(c, WORD_TRUE));
    EMIT1(c, OP_PUSH_CONST, constant(c, WORD_FALSE));
    emit(c, OP_CALL_NATIVE, 3, constant(c, expr_at(e, 0)), 3, 0, 0, 0);
}

/* Code that goes on if the condition of E is True, and at OTHERWISE if it is False.  END: where a value of E that tier 0 finds is pushed;
 * NO_LABEL in tail position.  *FALLBACK: where it jumps when the types of the call are not what they must be. */
static void compile_condition(Compiler *c, Word e, uint32_t otherwise, uint32_t end, uint32_t *fallback,
                              int depth)
{
    bool tail = end == NO_LABEL;
    if (compares_with_constant(c, e)) {
        if (tail) EMIT0(c, OP_ANY_TYPE);
        EMIT4(c, OP_MATCH_CONST, use_slot(c, expr_at(e, 1)), constant(c, expr_at(e, 2)), otherwise,
              otherwise);
        return;
    }
    if (is_test(c, e)) {
        if (tail) EMIT0(c, OP_ANY_TYPE);
        push_test(c, e);
    } else {
        emit_checks(c, simple_signature(c, e), e, fallback);
        compile_value(c, expr_at(e, 1), W_SYM(T_BOOL), depth - 1);
    }
    if (tail)
        EMIT2(c, OP_TAIL_BRANCH_BOOL, otherwise, template(c, e));
    else
        EMIT3(c, OP_BRANCH_BOOL, otherwise, template(c, e), end);
}

static void tail_if(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height, otherwise = new_label(c);
    bool begun = c->begun;
    compile_condition(c, e, otherwise, NO_LABEL, &fallback, depth);
    SlotInfo *before = slots_save(c);
    compile_part(c, branch(c, e, WORD_TRUE), then_of(e), depth - 1);
    slots_restore(c, before);
    c->begun = begun;
    place_label(c, otherwise);
    c->height = height;
    compile_part(c, branch(c, e, WORD_FALSE), else_of(e), depth - 1);
    tail_fallback(c, e, fallback, height);
}

static bool is_quiet_condition(Compiler *c, Word e)
{
    if (word_is_slot(e)) return true;
    if (!atom_is_cons(e) || arithmetic_op(expr_at(e, 0)) == OP_HALT) return !atom_is_cons(e);
    for (uint32_t i = 1; i < expr_len(e); i++) {
        Word item = expr_at(e, i);
        if (atom_is_cons(item) && !is_quiet_condition(c, item)) return false;
        if (word_is_slot(item) && slot_info(c, item)->raw) return false;
    }
    return true;
}

/* Is nothing in TERM new? */
static bool is_seen(Compiler *c, Word term)
{
    uint32_t *counts = count_slots(c, term);
    bool seen = true;
    for (size_t i = 0; i < c->slots.len; i++) seen &= !counts[i] || c->slots.data[i].state == SLOT_SET;
    base_free(counts);
    return seen;
}

bool is_choice(Compiler *c, Word e)
{
    if (!is_if(c, e)) return false;
    Word condition = expr_at(e, 1);
    if (word_is_slot(condition) && slot_info(c, condition)->raw) return false;
    return is_quiet_condition(c, condition) && is_seen(c, condition) && !is_test(c, e);
}

/* Can BRANCH of E be a value in the frame of what is around E?  What a variable stands for may say that E is irreducible. */
static bool is_value_branch(Compiler *c, Word e, Word branch)
{
    return !is_error_literal(branch) && !(word_is_slot(branch) && is_test(c, e));
}

/* Where a value is wanted the branches may share the frame only if the condition leaves no alternatives: see needs_frame. */
bool is_value_if(Compiler *c, Word e, Word type)
{
    return is_if(c, e) && (type == W_SYM(UNDEFINED) || is_test(c, e)) &&
           (is_test(c, e) || is_quiet_condition(c, expr_at(e, 1))) && is_value_branch(c, e, then_of(e)) &&
           is_value_branch(c, e, else_of(e));
}

static void value_branch(Compiler *c, Word whole, Word condition, Word e, int depth)
{
    if (word_is_slot(e) && slot_info(c, e)->kind == KIND_ANY)
        EMIT3(c, OP_BRANCH_VALUE, use_slot(c, e), template(c, whole), constant(c, condition));
    else
        compile_value(c, e, WORD_NIL, depth - 1);
}

void compile_value_if(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height, otherwise = new_label(c), end = new_label(c);
    compile_condition(c, e, otherwise, end, &fallback, depth);
    SlotInfo *before = slots_save(c);
    c->height = height;
    value_branch(c, e, WORD_TRUE, then_of(e), depth);
    EMIT1(c, OP_JUMP, end);
    SlotInfo *then = slots_save(c);
    slots_restore(c, before);
    place_label(c, otherwise);
    c->height = height;
    value_branch(c, e, WORD_FALSE, else_of(e), depth);
    slots_merge(c, then);
    value_fallback(c, e, W_SYM(UNDEFINED), fallback, height);
    slots_of_term(c, e, SLOT_PERHAPS);
    place_label(c, end);
}

/* -- Taking expressions apart -- */

/* Code that puts head and tail of the expression in LIST into the locals of two variables; to OTHERWISE when it has no items. */
static void split_into(Compiler *c, uint32_t list, Word head, Word tail, uint32_t otherwise)
{
    EMIT4(c, OP_SPLIT, list, slot_local(c, head), slot_local(c, tail), otherwise);
    slot_info(c, head)->state = slot_info(c, tail)->state = SLOT_SET;
    slot_info(c, head)->raw = slot_info(c, tail)->raw = true;
}

static void compile_if_decons(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height, otherwise = new_label(c);
    emit_checks(c, simple_signature(c, e), e, &fallback);
    EMIT0(c, OP_ANY_TYPE);
    uint32_t list = store_raw(c, expr_at(e, 1));
    SlotInfo *before = slots_save(c);
    split_into(c, list, expr_at(e, 2), expr_at(e, 3), otherwise);
    compile_part(c, context(e, 0, 0), expr_at(e, 4), depth - 1);
    slots_restore(c, before);
    place_label(c, otherwise);
    /* An error has items, but split does not take it apart. */
    uint32_t error = need_label(c, &fallback);
    EMIT4(c, OP_MATCH_CONST, list, constant(c, WORD_UNIT), error, error);
    compile_part(c, context(e, 0, 0), expr_at(e, 5), depth - 1);
    tail_fallback(c, e, fallback, height);
}

/* -- Binding -- */

static uint32_t fail_label(Compiler *c)
{
    return need_label(c, &c->fail);
}

/* Pop the value and unify it with PATTERN, then E's body BODY in tail position.  What does not match goes to MISS.  WHOLE: the let
 * around it, when spaces in the value are to be asked; WORD_NIL: they are not. */
static void bind_then(Compiler *c, Word pattern, Word whole, uint32_t local, uint32_t miss, FormContext form,
                      Word body, int depth)
{
    uint32_t slow = NO_LABEL, matched = new_label(c);
    SlotInfo *before = slots_save(c);
    match_pattern(c, pattern, local, miss, &slow, MAX_NESTING);
    place_label(c, matched);
    compile_part(c, form, body, depth - 1);
    if (slow != NO_LABEL) {
        place_label(c, slow);
        if (word_is_nil(whole))
            EMIT3(c, OP_MATCH_TEMPLATE, local, template(c, pattern), miss);
        else
            EMIT4(c, OP_MATCH_LET, local, template(c, pattern), template(c, whole), miss);
        EMIT1(c, OP_JUMP, matched);
    }
    slots_restore(c, before);
}

static void store_value(Compiler *c, uint32_t local)
{
    EMIT1(c, OP_STORE_LOCAL, local);
}

/* What VALUE has given may hold variables of PATTERN: those of loops in it, if such a call turned out to be none, were not seen outside. */
static void namesakes_exist(Compiler *c, Word pattern, Word value)
{
    uint32_t *named = count_slots(c, pattern), *inside = count_slots(c, value);
    for (uint32_t i = 0; i < c->slots.len; i++)
        if (named[i] && inside[i]) use_slot(c, word_slot(i));
    base_free(named);
    base_free(inside);
}

/* The local that the value for PATTERN goes to: that of a variable which nothing has seen, or a new one. */
static uint32_t local_for(Compiler *c, Word pattern)
{
    if (word_is_slot(pattern) && slot_info(c, pattern)->state == SLOT_NONE) return slot_local(c, pattern);
    return new_local(c);
}

static void gather_results(Compiler *c, Op op, Word e, int depth);

/* Is E an integer, a size of something, or arithmetic on such?  Adds to *SIZES how often it is the size of SLOT. */
static bool is_about_sizes(Compiler *c, Word e, Word slot, uint32_t *sizes, int depth)
{
    if (!atom_is_cons(e)) return word_is_int(e);
    if (is_native_call(c, e, BI_size_atom, 2)) {
        Word list = expr_at(e, 1);
        *sizes += list == slot;
        return list == slot || expr_is_ground(list);
    }
    if (depth == 0 || expr_len(e) != 3 || arithmetic_op(expr_at(e, 0)) == OP_HALT) return false;
    return is_about_sizes(c, expr_at(e, 1), slot, sizes, depth - 1) &&
           is_about_sizes(c, expr_at(e, 2), slot, sizes, depth - 1);
}

/* Is E (let $x (collapse A) B), where nothing sees of $x more than its size? */
static bool counts_results(Compiler *c, Word e)
{
    Word list = expr_at(e, 1);
    uint32_t sizes = 0;
    if (!word_is_slot(list) || slot_info(c, list)->state != SLOT_NONE || !is_collapse(c, expr_at(e, 2)))
        return false;
    if (!is_about_sizes(c, expr_at(e, 3), list, &sizes, MAX_NESTING)) return false;
    uint32_t *counts = count_slots(c, c->clause->rule.rhs);
    bool alone = counts[word_slot_index(list)] == sizes + 1;
    base_free(counts);
    return alone;
}

/* (let (HEAD TAIL) (decons-atom LIST) BODY) */
static void compile_let_split(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height;
    Word pattern = expr_at(e, 1);
    SlotInfo *before = slots_save(c);
    EMIT0(c, OP_ANY_TYPE);
    split_into(c, slot_local(c, expr_at(expr_at(e, 2), 1)), expr_at(pattern, 0), expr_at(pattern, 1),
               need_label(c, &fallback));
    compile_part(c, context(e, 0, 0), expr_at(e, 3), depth - 1);
    slots_restore(c, before);
    tail_fallback(c, e, fallback, height);
}

static void compile_let(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height;
    /* What a variable stands for may say that the form is irreducible, which names the value. */
    if (is_split(c, expr_at(e, 1), expr_at(e, 2)) && !word_is_slot(expr_at(e, 3))) {
        compile_let_split(c, e, depth);
        return;
    }
    emit_check_any(c, expr_at(e, 2), &fallback);
    if (counts_results(c, e))
        gather_results(c, OP_COLLAPSE_COUNT, expr_at(e, 2), depth - 1);
    else
        compile_value(c, expr_at(e, 2), W_SYM(UNDEFINED), depth - 1);
    namesakes_exist(c, expr_at(e, 1), expr_at(e, 2));
    uint32_t local = local_for(c, expr_at(e, 1));
    store_value(c, local);
    EMIT0(c, OP_ANY_TYPE);
    bind_then(c, expr_at(e, 1), e, local, fail_label(c), context(e, 2, local), expr_at(e, 3), depth);
    tail_fallback(c, e, fallback, height);
}

/* -- Forms that may be their own result --
 *
 * Where a variable is the result of a form, it may stand for NotReducible.  Then the form is its own result, with all that evaluating its parts has
 * bound in it: so these are evaluated with variables that the form has, too, not with such of their own. */

/* VALUE, a part of a form, is evaluated, and what comes of it is the result RESULT if OWN is so.  Evaluation never comes to NotReducible. */
static bool may_be_stuck(Word result, Word value, bool own)
{
    return word_is_slot(result) && !(own && atom_is_cons(value));
}

static bool let_star_may_be_stuck(Word e)
{
    Word pairs = expr_at(e, 1), result = expr_at(e, 2);
    if (pairs == WORD_UNIT) return false;
    Word last = expr_at(pairs, expr_len(pairs) - 1);
    return may_be_stuck(result, expr_at(last, 1), expr_at(last, 0) == result);
}

static bool case_may_be_stuck(Word e)
{
    Word cases = expr_at(e, 2);
    for (uint32_t i = 0; cases != WORD_UNIT && i < expr_len(cases); i++) {
        Word pattern = expr_at(expr_at(cases, i), 0), result = expr_at(expr_at(cases, i), 1);
        if (may_be_stuck(result, expr_at(e, 1), pattern == result)) return true;
    }
    return false;
}

/* The part of a form that comes now may be shown if STUCK; returns what is to be put back into c->shown. */
static bool part_begins(Compiler *c, bool stuck)
{
    bool around = c->shown;
    c->shown |= stuck;
    return around;
}

static void let_star_from(Compiler *c, Word e, uint32_t i, int depth);

/* Pair I of E's list, evaluated and matched; control goes on at MATCHED, where what follows is. */
static void let_star_pair(Compiler *c, Word e, uint32_t i, uint32_t matched, bool follow, int depth)
{
    Word pattern = expr_at(expr_at(expr_at(e, 1), i), 0), value = expr_at(expr_at(expr_at(e, 1), i), 1);
    uint32_t slow = NO_LABEL, miss = fail_label(c);
    bool around = part_begins(c, let_star_may_be_stuck(e));
    compile_value(c, value, W_SYM(UNDEFINED), depth - 1);
    c->shown = around;
    namesakes_exist(c, pattern, value);
    uint32_t local = local_for(c, pattern);
    store_value(c, local);
    match_pattern(c, pattern, local, miss, &slow, MAX_NESTING);
    if (follow) {
        place_label(c, matched);
        let_star_from(c, e, i + 1, depth - 1);
    } else {
        EMIT1(c, OP_JUMP, matched);
    }
    if (slow == NO_LABEL) return;
    place_label(c, slow);
    EMIT3(c, OP_MATCH_TEMPLATE, local, template(c, pattern), miss);
    EMIT1(c, OP_JUMP, matched);
}

/* Pair I of E's list and what follows. */
static void let_star_from(Compiler *c, Word e, uint32_t i, int depth)
{
    Word pairs = expr_at(e, 1);
    if (i == expr_len(pairs)) {
        compile_part(c, context(e, 0, 0), expr_at(e, 2), depth - 1);
        return;
    }
    Word pattern = expr_at(expr_at(pairs, i), 0), value = expr_at(expr_at(pairs, i), 1);
    uint32_t matched = new_label(c), otherwise = new_label(c), height = c->height;
    if (!is_split(c, pattern, value)) {
        let_star_pair(c, e, i, matched, true, depth);
        return;
    }
    SlotInfo *before = slots_save(c);
    split_into(c, slot_local(c, expr_at(value, 1)), expr_at(pattern, 0), expr_at(pattern, 1), otherwise);
    place_label(c, matched);
    let_star_from(c, e, i + 1, depth - 1);
    slots_restore(c, before);
    place_label(c, otherwise);
    c->height = height;
    let_star_pair(c, e, i, matched, false, depth);
}

static void compile_let_star(Compiler *c, Word e, int depth)
{
    SlotInfo *before = slots_save(c);
    EMIT0(c, OP_ANY_TYPE);
    let_star_from(c, e, 0, depth);
    slots_restore(c, before);
}

/* -- case, switch -- */

static void compile_cases(Compiler *c, Word cases, uint32_t local, FormContext form, int depth)
{
    for (uint32_t i = 0; i < expr_len(cases); i++) {
        Word pair = expr_at(cases, i);
        uint32_t next = new_label(c);
        bind_then(c, expr_at(pair, 0), WORD_NIL, local, next, form, expr_at(pair, 1), depth);
        place_label(c, next);
    }
    EMIT0(c, OP_FAIL);
}

/* Can PATTERN match the symbol Empty? */
static bool takes_empty(Word pattern)
{
    return word_is_var(pattern) || pattern == W_SYM(EMPTY);
}

static bool needs_empty(Word cases)
{
    for (uint32_t i = 0; i < expr_len(cases); i++)
        if (takes_empty(expr_at(expr_at(cases, i), 0))) return true;
    return false;
}

static void compile_case(Compiler *c, Word e, int depth)
{
    Word value = expr_at(e, 1), cases = expr_at(e, 2);
    uint32_t local = new_local(c), mark = new_local(c), height = c->height, empty = new_label(c),
             chosen = new_label(c);
    bool alternative = needs_empty(cases);
    EMIT0(c, OP_ANY_TYPE);
    bool around = part_begins(c, case_may_be_stuck(e));
    slots_shared(c, value);
    if (alternative) EMIT2(c, OP_FORK_CASE, mark, empty);
    if (atom_is_cons(value))
        compile_block(c, value, W_SYM(UNDEFINED), depth - 1);
    else
        compile_value(c, value, W_SYM(UNDEFINED), depth - 1);
    c->shown = around;
    EMIT0(c, OP_ACCEPT);
    if (alternative) EMIT1(c, OP_CASE_DONE, mark);
    store_value(c, local);
    place_label(c, chosen);
    namesakes_exist(c, cases, value);
    compile_cases(c, cases, local, context(e, 0, 0), depth);
    if (!alternative) {
        place_label(c, empty);
        return;
    }
    place_label(c, empty);
    c->height = height;
    EMIT1(c, OP_PUSH_CONST, constant(c, W_SYM(EMPTY)));
    store_value(c, local);
    EMIT1(c, OP_JUMP, chosen);
}

static void compile_switch(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height, local = new_local(c);
    emit_check_any(c, expr_at(e, 1), &fallback);
    compile_value(c, expr_at(e, 1), W_SYM(UNDEFINED), depth - 1);
    store_value(c, local);
    EMIT0(c, OP_ANY_TYPE);
    compile_cases(c, expr_at(e, 2), local, context(e, 1, local), depth);
    tail_fallback(c, e, fallback, height);
}

/* -- match, superpose, unify, collapse -- */

static void compile_match(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height;
    emit_checks(c, simple_signature(c, e), e, &fallback);
    EMIT0(c, OP_ANY_TYPE);
    uint32_t argument = same_argument(c, expr_at(e, 2));
    if (argument != NO_LOCAL)
        EMIT1(c, OP_LOAD_LOCAL, argument);
    else
        push_raw(c, expr_at(e, 2));
    compile_value(c, expr_at(e, 1), W_SYM(UNDEFINED), depth - 1);
    EMIT1(c, OP_MATCH_SPACE, need_label(c, &fallback));
    EMIT0(c, OP_POP);
    slots_of_term(c, expr_at(e, 2), SLOT_SET);
    raw_slots(c, expr_at(e, 2));
    compile_part(c, context(e, 0, 0), expr_at(e, 3), depth - 1);
    tail_fallback(c, e, fallback, height);
}

/* The variables of E exist from now on, though nothing has seen those that did not exist before. */
static void make_variables(Compiler *c, Word e)
{
    uint32_t *counts = count_slots(c, e);
    for (uint32_t i = 0; i < c->slots.len; i++)
        if (counts[i]) make_variable(c, word_slot(i));
    base_free(counts);
}

static void superpose_list(Compiler *c, Word e, int depth)
{
    Word list = expr_at(e, 1);
    uint32_t n = expr_len(list);
    if (n > 1) make_variables(c, list); /* alternatives share them */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = new_label(c);
        SlotInfo *before = slots_save(c);
        if (i + 1 < n) EMIT1(c, OP_FORK, next);
        compile_part(c, context(e, 0, 0), expr_at(list, i), depth - 1);
        slots_restore(c, before);
        place_label(c, next);
    }
    if (n == 0) EMIT0(c, OP_FAIL);
}

static void compile_superpose(Compiler *c, Word e, int depth)
{
    Word list = expr_at(e, 1);
    uint32_t fallback = NO_LABEL, height = c->height;
    if (!word_is_slot(list)) {
        EMIT0(c, OP_ANY_TYPE);
        superpose_list(c, e, depth);
        return;
    }
    emit_checks(c, simple_signature(c, e), e, &fallback);
    EMIT0(c, OP_ANY_TYPE);
    EMIT1(c, OP_LOAD_LOCAL, use_slot(c, list));
    EMIT0(c, OP_SUPERPOSE);
    tail_fallback(c, e, fallback, height);
}

static void compile_unify(Compiler *c, Word e, int depth)
{
    uint32_t otherwise = new_label(c);
    Unification u = {.x = expr_at(e, 1), .y = expr_at(e, 2), .otherwise = otherwise, .op = OP_UNIFY_TERMS};
    u.operands[0] = template(c, e);
    EMIT0(c, OP_ANY_TYPE);
    unify_begin(c, &u);
    compile_part(c, context(e, 0, 0), expr_at(e, 3), depth - 1);
    unify_otherwise(c, &u);
    compile_part(c, context(e, 0, 0), expr_at(e, 4), depth - 1);
    unify_end(c, &u);
}

static void compile_trace(Compiler *c, Word e, int depth)
{
    uint32_t fallback = NO_LABEL, height = c->height;
    emit_check_any(c, expr_at(e, 1), &fallback);
    compile_value(c, expr_at(e, 1), W_SYM(UNDEFINED), depth - 1);
    EMIT1(c, OP_TRACE, template(c, expr_at(e, 2)));
    slots_of_term(c, expr_at(e, 2), SLOT_SET);
    EMIT0(c, OP_ANY_TYPE);
    SlotInfo *before = slots_save(c);
    compile_part(c, context(e, 0, 0), expr_at(e, 2), depth - 1);
    slots_restore(c, before);
    tail_fallback(c, e, fallback, height);
}

bool is_breakpoint(Compiler *c, Word e)
{
    Word head = expr_at(e, 0);
    if (native_of(c, head) != BI_breakpoint + 1 || c->rt->overridden.data[BI_breakpoint]) return false;
    if (scope_symbol_types(&c->rt->types, c->scope, word_sym_id(head))->count != 2) return false;
    if (expr_len(e) != 2) return expr_len(e) == 1;
    Op op = atom_is_cons(expr_at(e, 1)) ? arithmetic_op(expr_at(expr_at(e, 1), 0)) : OP_HALT;
    bool compares = op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
    return compares && static_type(c, expr_at(e, 1)) == W_SYM(T_BOOL);
}

void compile_breakpoint(Compiler *c, Word e, int depth)
{
    uint32_t n = expr_len(e) - 1;
    if (n) compile_value(c, expr_at(e, 1), W_SYM(T_BOOL), depth - 1);
    emit(c, OP_BREAKPOINT, n, n, 0, 0, 0, 0);
}

bool is_collapse(Compiler *c, Word e)
{
    return is_native_call(c, e, BI_collapse, 2) && is_plain_result(expr_at(e, 1));
}

/* OP: collapse or collapse_count. */
static void gather_results(Compiler *c, Op op, Word e, int depth)
{
    uint32_t over = new_label(c), height = c->height;
    slots_shared(c, expr_at(e, 1));
    SlotInfo *before = slots_save(c);
    EMIT1(c, op, over);
    c->height = 0;
    if (word_is_slot(expr_at(e, 1))) {
        compile_value(c, expr_at(e, 1), W_SYM(UNDEFINED), depth - 1);
        EMIT0(c, OP_RETURN);
    } else {
        compile_tail(c, expr_at(e, 1), depth - 1);
    }
    slots_restore(c, before);
    c->height = height + 1;
    place_label(c, over);
}

void compile_collapse(Compiler *c, Word e, int depth)
{
    gather_results(c, OP_COLLAPSE, e, depth);
}

/* -- All of them -- */

/* A form has one shape only, so the order does not matter. */
static const struct {
    bool (*is)(Compiler *c, Word e);
    void (*compile)(Compiler *c, Word e, int depth);
} forms[] = {
    {is_if, tail_if},
    {is_if_decons, compile_if_decons},
    {is_let, compile_let},
    {is_let_star, compile_let_star},
    {is_case, compile_case},
    {is_switch, compile_switch},
    {is_match, compile_match},
    {is_superpose, compile_superpose},
    {is_unify, compile_unify},
    {is_trace, compile_trace},
    {is_each, compile_each},
    {is_chain, compile_chain},
    {is_choosing_call, compile_choosing_call},
};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

/* The place in the table of the form E, or FORM_COUNT. */
static unsigned find_form(Compiler *c, Word e)
{
    unsigned i = 0;
    while (i < FORM_COUNT && !forms[i].is(c, e)) i++;
    return i;
}

bool is_form(Compiler *c, Word e)
{
    return find_form(c, e) < FORM_COUNT;
}

bool compile_form(Compiler *c, Word e, int depth)
{
    if (is_native_call(c, e, BI_empty, 1)) {
        EMIT0(c, OP_FAIL);
        return true;
    }
    unsigned i = find_form(c, e);
    if (i == FORM_COUNT) return false;
    forms[i].compile(c, e, depth);
    return true;
}
