/* When the variables of a body come to exist.
 *
 * Tier 0 makes all of them when it makes the body.  That shows in one way only: alternatives that come of evaluating the body share those
 * that were there before.  So code may make a variable as late as it likes, or never when a value takes its place, as long as it is made before
 * the first alternative could be. */
#include "code/compiler.h"

typedef enum Sight { NOWHERE, BOUND_FIRST, USED_FIRST } Sight;

/* The more that is known of ways of which one is taken. */
static Sight either(Sight a, Sight b)
{
    return a > b ? a : b;
}

static Sight look(Compiler *c, Word e, Word slot, int depth);

static Sight look_in_binding(Compiler *c, Word pattern, Word value, Word slot, int depth)
{
    Sight s = look(c, value, slot, depth);
    if (s != NOWHERE) return s;
    return has_slot(pattern, slot) ? BOUND_FIRST : NOWHERE;
}

/* The pairs (PATTERN X) of LIST: their X are values to be bound one after the other, or the templates of cases. */
static Sight look_in_pairs(Compiler *c, Word list, bool cases, Word slot, int depth)
{
    Sight s = NOWHERE;
    for (uint32_t i = 0; i < expr_len(list) && (cases ? s != USED_FIRST : s == NOWHERE); i++) {
        Word pair = expr_at(list, i);
        if (!atom_is_cons(pair) || expr_len(pair) != 2) return has_slot(list, slot) ? USED_FIRST : NOWHERE;
        Word first = expr_at(pair, 0), second = expr_at(pair, 1);
        if (!cases)
            s = look_in_binding(c, first, second, slot, depth);
        else
            s = either(s, has_slot(first, slot) ? BOUND_FIRST : look(c, second, slot, depth));
    }
    return s;
}

/* Items of which several are evaluated: what two of them share exists before. */
static Sight look_in_items(Compiler *c, Word e, Word slot, int depth)
{
    Word in = WORD_NIL;
    for (uint32_t i = 0; i < expr_len(e); i++) {
        if (!has_slot(expr_at(e, i), slot)) continue;
        if (!word_is_nil(in)) return USED_FIRST;
        in = expr_at(e, i);
    }
    return word_is_nil(in) ? NOWHERE : look(c, in, slot, depth);
}

static Sight look_in_alternatives(Compiler *c, Word list, Word slot, int depth)
{
    Sight s = NOWHERE;
    for (uint32_t i = 0; i < expr_len(list); i++) s = either(s, look(c, expr_at(list, i), slot, depth));
    return s;
}

/* What becomes of SLOT first where E is evaluated: is it bound by a pattern, or used? */
static Sight look(Compiler *c, Word e, Word slot, int depth)
{
    if (word_is_slot(e)) return e == slot ? USED_FIRST : NOWHERE;
    if (!atom_is_cons(e) || !has_slot(e, slot)) return NOWHERE;
    if (depth-- == 0) return USED_FIRST;
    Sight s;
    uint32_t native = native_of(c, expr_at(e, 0)), n = expr_len(e);
    if (native == BI_let_ + 1 && n == 4) {
        s = look_in_binding(c, expr_at(e, 1), expr_at(e, 2), slot, depth);
        return s == NOWHERE ? look(c, expr_at(e, 3), slot, depth) : s;
    }
    if (native == BI_let_star + 1 && n == 3 && atom_is_expr(expr_at(e, 1))) {
        s = look_in_pairs(c, expr_at(e, 1), false, slot, depth);
        return s == NOWHERE ? look(c, expr_at(e, 2), slot, depth) : s;
    }
    if ((native == BI_case_ + 1 || native == BI_switch_ + 1) && n == 3 && atom_is_expr(expr_at(e, 2))) {
        s = look(c, expr_at(e, 1), slot, depth);
        return s == NOWHERE ? look_in_pairs(c, expr_at(e, 2), true, slot, depth) : s;
    }
    if (native == BI_if_ + 1 && n == 4) {
        s = look(c, expr_at(e, 1), slot, depth);
        return s == NOWHERE ? either(look(c, expr_at(e, 2), slot, depth), look(c, expr_at(e, 3), slot, depth))
                            : s;
    }
    if (native == BI_superpose + 1 && n == 2 && atom_is_cons(expr_at(e, 1)))
        return look_in_alternatives(c, expr_at(e, 1), slot, depth);
    return look_in_items(c, e, slot, depth);
}

void make_free_variables(Compiler *c, Word rhs)
{
    for (size_t i = 0; i < c->slots.len; i++) {
        Word slot = word_slot((uint32_t)i);
        if (look(c, rhs, slot, MAX_NESTING) == USED_FIRST) use_slot(c, slot);
    }
}

/* -- Patterns -- */

/* Count the slots in PATTERN, unless it is a variable: a value takes its place. */
static void add_pattern(Word pattern, uint32_t *counts)
{
    if (!word_is_slot(pattern)) add_slots(pattern, counts);
}

/* Count the slots of the patterns of let, let*, case and switch in TERM. */
static void add_patterns(Compiler *c, Word term, uint32_t *counts)
{
    WordVec todo = {0};
    vec_push(&todo, term);
    while (todo.len) {
        Word e = vec_pop(&todo);
        if (!atom_is_cons(e) || expr_is_ground(e)) continue;
        uint32_t native = native_of(c, expr_at(e, 0));
        bool pairs = native == BI_let_star + 1 || native == BI_case_ + 1 || native == BI_switch_ + 1;
        if (native == BI_let_ + 1 && expr_len(e) == 4) add_pattern(expr_at(e, 1), counts);
        Word list = pairs && expr_len(e) == 3 ? expr_at(e, native == BI_let_star + 1 ? 1 : 2) : WORD_UNIT;
        for (uint32_t i = 0; atom_is_cons(list) && i < expr_len(list); i++)
            if (atom_is_cons(expr_at(list, i))) add_pattern(expr_at(expr_at(list, i), 0), counts);
        for (uint32_t i = 0; i < expr_len(e); i++) vec_push(&todo, expr_at(e, i));
    }
    vec_free(&todo);
}

/* Does control come to the parts of E in tail position without an alternative having been left on the way? */
static bool goes_straight(Compiler *c, Word e)
{
    if (is_native_call(c, e, BI_if_, 4) || is_native_call(c, e, BI_case_, 3) ||
        is_native_call(c, e, BI_switch_, 3))
        return is_quiet(c, expr_at(e, 1));
    if (is_native_call(c, e, BI_let_, 4)) return is_quiet(c, expr_at(e, 2));
    if (!is_native_call(c, e, BI_let_star, 3) || !atom_is_expr(expr_at(e, 1))) return false;
    for (uint32_t i = 0; i < expr_len(expr_at(e, 1)); i++) {
        Word pair = expr_at(expr_at(e, 1), i);
        if (!atom_is_cons(pair) || expr_len(pair) != 2 || !is_quiet(c, expr_at(pair, 1))) return false;
    }
    return true;
}

void make_pattern_variables(Compiler *c, Word e)
{
    if (c->made || goes_straight(c, e)) return;
    uint32_t *counts = base_calloc(c->slots.len + 1, sizeof *counts);
    add_patterns(c, e, counts);
    for (size_t i = 0; i < c->slots.len; i++) {
        SlotInfo *info = &c->slots.data[i];
        if (!counts[i] || info->state != SLOT_NONE) continue;
        EMIT2(c, OP_NEW_VAR, info->local, constant(c, word_sym(c->clause->rule.names[i].name)));
        info->state = SLOT_UNSEEN;
    }
    base_free(counts);
    c->made = true;
}
