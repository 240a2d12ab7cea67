/* map-atom, filter-atom, foldl-atom: their templates as loops in the code of the clause.
 *
 * Tier 0 (interp/special.c) makes an instance of the template for each item: its variables are replaced by the values, and the others renamed
 * apart.  Here they have locals of their own, which are empty when an item begins, and templates of the loop are mapped to those
 * (c->map_first).  Variables that the clause has given a value are shared, and must be ground: there is nothing to be renamed in them. */
#include "code/compiler.h"

/* Such a call: the variables that stand for values, and what runs for each item. */
typedef struct Each {
    uint32_t builtin;
    uint32_t first_var, var_count; /* items of the call */
    Word body;
} Each;

/* The loop being made. */
typedef struct Loop {
    Word call;
    Each each;
    uint32_t whole;        /* template of the call */
    uint32_t list, number; /* locals: the expression; how many of its items have begun */
    uint32_t
        vars[2];   /* locals of the variables of the call: the last is the item, the other what was folded */
    uint32_t done; /* local: what was gathered */
    uint32_t left; /* local: the value of a condition that is evaluated again, if any */
    uint32_t begin, end; /* labels */
} Loop;

/* -- What it looks like -- */

static bool find_each(Compiler *c, Word e, Each *out)
{
    if (!atom_is_cons(e)) return false;
    Word head = expr_at(e, 0);
    if (!word_is_sym(head) || !rt_native(c->rt, word_sym_id(head))) return false;
    if (is_native_call(c, e, BI_map_atom, 4))
        *out = (Each){BI_map_atom, 2, 1, expr_at(e, 3)};
    else if (is_native_call(c, e, BI_filter_atom, 4))
        *out = (Each){BI_filter_atom, 2, 1, expr_at(e, 3)};
    else if (is_native_call(c, e, BI_foldl_atom, 6))
        *out = (Each){BI_foldl_atom, 3, 2, expr_at(e, 5)};
    else
        return false;
    return true;
}

/* Is the template of map-atom or filter-atom no instruction, whatever the item is?  What a variable at its head stands for is guarded. */
static bool is_no_instruction(Compiler *c, const Each *each)
{
    Word body = each->body;
    if (!atom_is_cons(body)) return each->builtin == BI_map_atom && !word_is_slot(body);
    Word head = expr_at(body, 0);
    return word_is_slot(head) ? slot_info(c, head)->state == SLOT_SET : !is_minimal(c, body);
}

/* Are the variables of the call new, and different? */
static bool has_new_variables(Compiler *c, Word e, const Each *each)
{
    for (uint32_t i = 0; i < each->var_count; i++) {
        Word var = expr_at(e, each->first_var + i);
        if (!word_is_slot(var) || slot_info(c, var)->state != SLOT_NONE) return false;
        for (uint32_t k = 1; k < each->first_var + i; k++)
            if (has_slot(expr_at(e, k), var)) return false;
    }
    return true;
}

/* Is it known of all variables of BODY whether they hold something? */
static bool is_certain(Compiler *c, Word body)
{
    uint32_t *counts = count_slots(c, body);
    bool certain = true;
    for (size_t i = 0; i < c->slots.len; i++) certain &= !counts[i] || c->slots.data[i].state != SLOT_PERHAPS;
    base_free(counts);
    return certain;
}

bool is_each(Compiler *c, Word e)
{
    Each each;
    if (!find_each(c, e, &each)) return false;
    Word list = expr_at(e, 1);
    if (word_is_slot(list) ? slot_info(c, list)->state != SLOT_SET : !atom_is_expr(list)) return false;
    const Signature *sig = simple_signature(c, e);
    return sig && can_check(c, sig, e) && has_new_variables(c, e, &each) && is_certain(c, each.body) &&
           (each.builtin == BI_foldl_atom || is_no_instruction(c, &each));
}

/* -- Variables -- */

/* Add to COUNTS how often the clause's own variables occur in TERM: those of loops are not among them. */
static void add_shared(Compiler *c, Word term, uint32_t *counts)
{
    WordVec todo = {0};
    vec_push(&todo, term);
    while (todo.len) {
        Word w = vec_pop(&todo);
        Each each;
        if (word_is_slot(w)) counts[word_slot_index(w)]++;
        if (!atom_is_cons(w) || expr_is_ground(w)) continue;
        uint32_t n = find_each(c, w, &each) ? each.first_var : expr_len(w);
        for (uint32_t i = 0; i < n; i++) vec_push(&todo, expr_at(w, i));
        if (n == expr_len(w)) continue;
        uint32_t *inside = count_slots(c, each.body);
        for (size_t i = 0; i < c->slots.len; i++)
            if (c->slots.data[i].state != SLOT_NONE) counts[i] += inside[i];
        base_free(inside);
    }
    vec_free(&todo);
}

uint32_t *count_shared_slots(Compiler *c, Word term)
{
    uint32_t *counts = base_calloc(c->slots.len + 1, sizeof *counts);
    add_shared(c, term, counts);
    return counts;
}

/* Guard that what BODY shares with the clause is ground, and needs no evaluation. */
static void guard_shared(Compiler *c, Word body, uint32_t *fallback)
{
    uint32_t *counts = count_slots(c, body);
    for (size_t i = 0; i < c->slots.len; i++) {
        const SlotInfo *info = &c->slots.data[i];
        if (!counts[i] || info->state == SLOT_NONE || info->kind == KIND_NUMBER || info->kind == KIND_BOOL)
            continue;
        EMIT2(c, OP_GUARD_GROUND, info->local, need_label(c, fallback));
        EMIT2(c, OP_GUARD_SETTLED, info->local, need_label(c, fallback));
    }
    base_free(counts);
}

/* Does the clause have the variables of the call in another place, too? */
static bool has_namesakes(Compiler *c, const Loop *l)
{
    uint32_t *inside = count_slots(c, l->call), *all = count_slots(c, c->clause->rule.rhs);
    bool found = false;
    for (uint32_t i = 0; i < l->each.var_count; i++) {
        uint32_t slot = word_slot_index(expr_at(l->call, l->each.first_var + i));
        found |= all[slot] > inside[slot];
    }
    base_free(inside);
    base_free(all);
    return found;
}

/* Guard that the variables of the call cannot be in the values that are to take their place: tier 0 would replace them there, too, and they might get
 * a value while the loop runs. */
static void guard_values(Compiler *c, const Loop *l, uint32_t *fallback)
{
    if (!has_namesakes(c, l)) return;
    EMIT2(c, OP_GUARD_GROUND, l->list, need_label(c, fallback));
    if (l->each.builtin == BI_foldl_atom) EMIT2(c, OP_GUARD_GROUND, l->vars[0], need_label(c, fallback));
}

/* Variables outside that the call has namesakes of: alternatives in the loop share them, so they exist from now on.  So do all of the
 * call where that may be the subject of an error. */
static void make_namesakes(Compiler *c, const Loop *l)
{
    Word call = l->call;
    bool all = l->each.builtin == BI_filter_atom;
    uint32_t *inside = count_slots(c, call), *outside = count_shared_slots(c, c->clause->rule.rhs);
    for (uint32_t i = 0; i < c->slots.len; i++)
        if (inside[i] && (outside[i] || all)) make_variable(c, word_slot(i));
    base_free(inside);
    base_free(outside);
}

/* From now on the variables of the template that hold nothing, and those of the call, have locals of their own; templates are mapped
 * to these. */
static void map_variables(Compiler *c, const Loop *l)
{
    uint32_t *counts = count_slots(c, l->each.body);
    for (uint32_t i = 0; i < l->each.var_count; i++) {
        Word var = expr_at(l->call, l->each.first_var + i);
        counts[word_slot_index(var)] = 0;
        slot_info(c, var)->local = l->vars[i];
    }
    for (uint32_t i = 0; i < c->slots.len; i++) {
        SlotInfo *info = &c->slots.data[i];
        if (!counts[i] || info->state != SLOT_NONE) continue;
        info->local = new_local(c);
        info->early = 0;
    }
    map_templates(c);
    base_free(counts);
}

static uint32_t item_local(const Loop *l)
{
    return l->vars[l->each.var_count - 1];
}

/* An item begins: the variables of the call hold values, the others of the template nothing. */
static void begin_item(Compiler *c, const Loop *l)
{
    uint32_t *counts = count_slots(c, l->each.body);
    EMIT4(c, OP_EACH_NEXT, l->list, l->number, item_local(l), l->end);
    for (uint32_t i = 0; i < l->each.var_count; i++) {
        SlotInfo *info = slot_info(c, expr_at(l->call, l->each.first_var + i));
        info->state = SLOT_SET;
        info->raw = true;
    }
    for (size_t i = 0; i < c->slots.len; i++)
        if (counts[i] && c->slots.data[i].state == SLOT_NONE) EMIT1(c, OP_CLEAR, c->slots.data[i].local);
    base_free(counts);
}

/* The variables that an instance has for itself, as far as anything needs them before it gives them a value: made in the order in which tier 0 renames them. */
static void make_own_variables(Compiler *c, const Loop *l)
{
    WordVec todo = {0};
    vec_push(&todo, l->each.body);
    while (todo.len) {
        Word w = vec_pop(&todo);
        if (word_is_slot(w)) add_early(c, w);
        if (!atom_is_cons(w) || expr_is_ground(w)) continue;
        for (uint32_t i = expr_len(w); i-- > 0;) vec_push(&todo, expr_at(w, i));
    }
    vec_free(&todo);
}

/* -- Templates whose results are taken as they are, errors too --
 *
 * But an error that arises inside must not get past the template: so it runs in a frame of its own, except when only the whole of it can
 * give one. */

static bool is_value(Compiler *c, Word e)
{
    return word_is_slot(e) ? !slot_info(c, e)->raw : !atom_is_cons(e);
}

/* Arithmetic on numbers: the types of all of it are checked before anything is computed. */
static bool is_plain_arithmetic(Compiler *c, Word e)
{
    if (!atom_is_cons(e)) return is_value(c, e);
    Op op = arithmetic_op(expr_at(e, 0));
    return expr_len(e) == 3 && op != OP_HALT && op != OP_EQ && is_plain_arithmetic(c, expr_at(e, 1)) &&
           is_plain_arithmetic(c, expr_at(e, 2));
}

static bool is_simple(Compiler *c, Word e)
{
    if (!atom_is_cons(e) || is_plain_arithmetic(c, e)) return true;
    for (uint32_t i = 1; i < expr_len(e); i++)
        if (!is_value(c, expr_at(e, i))) return false;
    return true;
}

/* The variables of the call are values from here on; else to *SLOW. */
static void settle_variables(Compiler *c, const Loop *l, uint32_t *slow)
{
    for (uint32_t i = 0; i < l->each.var_count; i++) {
        Word var = expr_at(l->call, l->each.first_var + i);
        if (!has_slot(l->each.body, var)) continue;
        EMIT2(c, OP_GUARD_SETTLED, slot_local(c, var), need_label(c, slow));
        slot_info(c, var)->raw = false;
    }
}

/* Code that pushes the value of the template where it is at work on an item.  *SLOW: where tier 0 is to evaluate it. */
static void compile_step(Compiler *c, const Loop *l, uint32_t *slow, int depth)
{
    Word body = l->each.body;
    if (!atom_is_cons(body)) {
        compile_value(c, body, WORD_NIL, depth - 1);
        return;
    }
    SlotInfo *before = slots_save(c);
    for (uint32_t i = 0; i < l->each.var_count; i++)
        slot_info(c, expr_at(l->call, l->each.first_var + i))->raw = false;
    bool direct = is_simple(c, body) && is_direct_call(c, body);
    slots_restore(c, before);
    if (direct) {
        settle_variables(c, l, slow);
        compile_direct_call(c, body, slow, depth - 1);
    } else {
        compile_block(c, body, W_SYM(UNDEFINED), depth - 1);
    }
}

/* -- The loops -- */

/* Fold the value on the stack, which may be an error, or keep the item if it is True; then the next item. */
static void compile_use(Compiler *c, const Loop *l)
{
    uint32_t accept = new_label(c);
    place_label(c, accept);
    EMIT0(c, OP_ACCEPT);
    if (l->each.builtin == BI_foldl_atom)
        EMIT1(c, OP_STORE_LOCAL, l->vars[0]);
    else
        EMIT5(c, OP_KEEP, l->done, item_local(l), l->left, l->whole, accept);
    EMIT1(c, OP_JUMP, l->begin);
}

static void compile_accepting_loop(Compiler *c, const Loop *l, int depth)
{
    uint32_t slow = NO_LABEL, height = c->height;
    place_label(c, l->begin);
    begin_item(c, l);
    make_own_variables(c, l);
    compile_step(c, l, &slow, depth);
    compile_use(c, l);
    if (slow == NO_LABEL) return;
    place_label(c, slow);
    c->height = height;
    emit_eval(c, l->each.body, W_SYM(UNDEFINED));
    compile_use(c, l);
}

/* Does evaluating the list of instances of the template evaluate each as an item?  Their types must not be those of functions, which is so if
 * that of the first is plain. */
static bool is_list_of_calls(Compiler *c, const Loop *l)
{
    Word body = l->each.body;
    if (!atom_is_cons(body)) return false;
    if (word_is_slot(expr_at(body, 0))) return is_direct_call(c, body);
    if (is_plain_call(c, body) && is_data(c, body)) return false;
    SlotInfo *item = slot_info(c, expr_at(l->call, 2)), before = *item;
    item->state = SLOT_SET;
    Word type = static_type(c, body);
    *item = before;
    return !word_is_nil(type) && type != TYPE_COMPOUND;
}

/* Guard the type of the first instance, then begin anew. */
static void guard_first(Compiler *c, const Loop *l, uint32_t *fallback)
{
    if (word_is_slot(expr_at(l->each.body, 0)) || is_plain_call(c, l->each.body)) return;
    SlotInfo *before = slots_save(c);
    begin_item(c, l);
    emit_check_any(c, l->each.body, fallback);
    EMIT1(c, OP_PUSH_LONG_SMALL, 0);
    EMIT1(c, OP_STORE_LOCAL, l->number);
    slots_restore(c, before);
}

static void gather_result(Compiler *c, const Loop *l, uint32_t changed)
{
    EMIT3(c, OP_GATHER_RESULT, l->done, changed, template(c, l->each.body));
    EMIT1(c, OP_JUMP, l->begin);
}

/* The list of the instances' values is made.  Where an item is no value, tier 0 evaluates the instance. */
static void compile_calls_loop(Compiler *c, const Loop *l, uint32_t changed, int depth)
{
    uint32_t slow = NO_LABEL, height = c->height;
    settle_variables(c, l, &slow);
    compile_value(c, l->each.body, WORD_NIL, depth - 1);
    gather_result(c, l, changed);
    if (slow == NO_LABEL) return;
    place_label(c, slow);
    c->height = height;
    EMIT2(c, OP_EVAL, template(c, l->each.body), constant(c, W_SYM(UNDEFINED)));
    gather_result(c, l, changed);
}

/* The list of instances is made, then evaluated; or of their values at once. */
static void compile_map_loop(Compiler *c, const Loop *l, uint32_t changed, int depth)
{
    place_label(c, l->begin);
    begin_item(c, l);
    make_own_variables(c, l);
    if (changed != NO_LOCAL) {
        compile_calls_loop(c, l, changed, depth);
        return;
    }
    push_raw(c, l->each.body);
    EMIT1(c, OP_GATHER, l->done);
    EMIT1(c, OP_JUMP, l->begin);
}

/* CHANGED: local that says whether results differ from instances; NO_LOCAL if the loop makes instances only, or for other loops than map-atom. */
static void compile_loop(Compiler *c, Loop *l, uint32_t changed, uint32_t *fallback, int depth)
{
    bool map = l->each.builtin == BI_map_atom;
    l->begin = new_label(c);
    l->end = new_label(c);
    EMIT1(c, OP_PUSH_LONG_SMALL, 0);
    EMIT1(c, OP_STORE_LOCAL, l->number);
    if (l->each.builtin != BI_foldl_atom) EMIT1(c, OP_CLEAR, l->done);
    if (l->each.builtin == BI_filter_atom) EMIT1(c, OP_CLEAR, l->left);
    if (changed != NO_LOCAL) {
        EMIT1(c, OP_CLEAR, changed);
        guard_first(c, l, fallback);
    }
    EMIT0(c, OP_ANY_TYPE);
    if (map)
        compile_map_loop(c, l, changed, depth);
    else
        compile_accepting_loop(c, l, depth);
    place_label(c, l->end);
    if (l->each.builtin != BI_foldl_atom) EMIT1(c, OP_GATHERED, l->done);
    if (changed == NO_LOCAL)
        EMIT4(c, OP_RETURN_FORM, l->done, l->whole, 0, l->done);
    else
        EMIT2(c, OP_TAIL_ITEMS, l->done, changed);
}

/* The instances of map-atom evaluated one by one, so that they need not be made; false, and nothing emitted, if they have variables of their own that
 * are needed: tier 0 makes those of all items before it evaluates any. */
static bool compile_calls(Compiler *c, Loop *l, uint32_t *fallback, int depth)
{
    if (l->each.builtin != BI_map_atom || !is_list_of_calls(c, l)) return false;
    SlotInfo *before = slots_save(c);
    CodeMark mark = code_mark(&c->code);
    uint32_t fail = c->fail, otherwise = *fallback, height = c->height, first = (uint32_t)c->early.len;
    compile_loop(c, l, new_local(c), fallback, depth);
    bool needed = false;
    for (size_t i = first; i < c->early.len; i++) needed |= c->early.data[i].needed;
    slots_restore(c, before);
    if (!needed) return true;
    code_rewind(&c->code, mark);
    c->early.len = first;
    c->compared = 0;
    c->fail = fail;
    *fallback = otherwise;
    c->height = height;
    return false;
}

/* What must be so before the loop begins; else to *FALLBACK. */
static void compile_guards(Compiler *c, const Loop *l, const Signature *sig, uint32_t *fallback)
{
    Word body = l->each.body;
    if (l->each.builtin != BI_foldl_atom) {
        EMIT2(c, OP_GUARD_TYPE, constant(c, sig->result.type), need_label(c, fallback));
        if (atom_is_cons(body) && word_is_slot(expr_at(body, 0)))
            EMIT2(c, OP_GUARD_PLAIN, slot_local(c, expr_at(body, 0)), need_label(c, fallback));
    }
    guard_shared(c, body, fallback);
    guard_values(c, l, fallback);
    make_namesakes(c, l);
}

void compile_each(Compiler *c, Word e, int depth)
{
    Loop l = {.call = e, .whole = template(c, e)};
    const Signature *sig = simple_signature(c, e);
    uint32_t fallback = NO_LABEL, height = c->height, map_first = c->map_first;
    find_each(c, e, &l.each);
    emit_checks(c, sig, e, &fallback);
    l.list = store_raw(c, expr_at(e, 1));
    l.number = new_local(c);
    for (uint32_t i = 0; i < l.each.var_count; i++) l.vars[i] = new_local(c);
    l.left = new_local(c);
    l.done = l.each.builtin == BI_foldl_atom ? l.vars[0] : new_local(c);
    if (l.each.builtin == BI_foldl_atom) {
        push_raw(c, expr_at(e, 2));
        EMIT1(c, OP_STORE_LOCAL, l.vars[0]);
    }
    compile_guards(c, &l, sig, &fallback);
    SlotInfo *before = slots_save(c);
    bool shown = c->shown;
    c->shown = false; /* instances have variables of their own */
    map_variables(c, &l);
    if (!compile_calls(c, &l, &fallback, depth)) compile_loop(c, &l, NO_LOCAL, &fallback, depth);
    c->shown = shown;
    slots_restore(c, before);
    c->map_first = map_first;
    tail_fallback(c, e, fallback, height);
}
