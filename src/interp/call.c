/* Calls: rules of the scope, builtins, and what becomes of their results. */
#include "interp/engine.h"

enum { SLOTS_INLINE = 48 };

/* -- Results -- */

/* GOAL without variables, all of which are bound; WORD_NIL if one is free. */
static Word without_variables(Heap *h, Word goal)
{
    const Obj *from = word_obj(goal);
    Obj *copy = heap_obj(h, OBJ_EXPR, OBJ_GROUND, from->len, from->len);
    for (uint32_t i = 0; i < from->len; i++) {
        Word item = copy->body[i] = atom_deref(from->body[i]);
        if (item_is_ground(item)) continue;
        h->top = (char *)copy;
        return atom_is_ground(goal) ? atom_resolve(h, goal) : WORD_NIL;
    }
    return word_from_ptr(TAG_HEAP, copy);
}

/* The irreducible GOAL, marked so that evaluating it again costs nothing.  As in HE only an expression that evaluation left as it
 * was is marked, and only ground ones: what a variable is bound to later may make it reducible.  Where variables are bound a copy without
 * them is marked: other alternatives may bind them to something else. */
static Word mark_evaluated(Machine *m, Word goal)
{
    Heap *h = &m->rt->heap;
    if (word_obj(goal)->flags & OBJ_EVALUATED) return goal;
    if (!expr_is_ground(goal)) {
        Word copy = is_counted(m) ? WORD_NIL : without_variables(h, goal);
        if (word_is_nil(copy)) return goal;
        goal = copy;
    } else if (word_obj(goal)->flags & (OBJ_STORED | OBJ_WRITTEN)) {
        goal = atom_expr(h, expr_items(goal), expr_len(goal));
    }
    word_obj(goal)->flags |= OBJ_EVALUATED;
    return goal;
}

/* Tell the debugger of GOAL at PORT; false: *NEXT is to be done instead. */
static bool tell(Machine *m, bool (*port)(Machine *, Step *), Word *goal, Word *type, Step *next)
{
    m->atom = *goal;
    m->type = *type;
    bool go_on = port(m, next);
    *goal = m->atom;
    *type = m->type;
    return go_on;
}

Step call_stuck(Machine *m, Word goal, Word type)
{
    Step next;
    if (is_watched(m) && !tell(m, m->rt->debug.ports->stuck, &goal, &type, &next)) return next;
    if (word_is_nil(type)) return step_return(m, W_SYM(NOT_REDUCIBLE));
    if (m->changed) return step_return(m, goal);
    Step step = step_return(m, mark_evaluated(m, goal));
    m->same_as = goal == m->made ? m->made_of : goal;
    return step;
}

/* A rule says that GOAL is irreducible: so is a copy of it (with what the rule bound), while the goal itself may have other
 * results and must not be marked. */
static Step stuck_by_rule(Machine *m, Word goal, Word type)
{
    Word inert = atom_resolve(&m->rt->heap, goal);
    inert = atom_expr(&m->rt->heap, expr_items(inert), expr_len(inert));
    Step step = call_stuck(m, inert, type);
    if (m->same_as == inert) m->same_as = goal;
    return step;
}

Word error_made(Machine *m, Word goal, Word error)
{
    if (!m->rt->debug.ports) return error;
    m->atom = goal;
    m->value = error;
    m->rt->debug.ports->error(m);
    return m->value;
}

Step call_result(Machine *m, Word goal, Word r, Word type)
{
    r = atom_deref(r);
    if (word_is_nil(type)) return step_return(m, r);
    if (word_is_sym(r)) {
        if (r == W_SYM(NOT_REDUCIBLE)) return stuck_by_rule(m, goal, type);
        if (r == W_SYM(EMPTY)) return STEP_FAIL;
    } else if (atom_is_error(r)) {
        return step_return(m, error_made(m, goal, r));
    }
    return step_eval(m, r, type);
}

Step call_error(Machine *m, Word goal, Word cause, Word type)
{
    return call_result(m, goal, atom_error(&m->rt->heap, goal, cause), type);
}

/* -- Lists of results -- */

bool apply_bindings(Bind *b, Word binds)
{
    const Word *pair = word_obj(binds)->body;
    Trial t = trial_begin(b);
    bool ok = true;
    for (uint32_t i = 0; i + 1 < word_obj(binds)->len && ok; i += 2)
        ok = unify_pattern(b, pair[i + 1], pair[i]);
    return trial_end(b, t, ok);
}

/* Is ITEM a (result bindings) pair as collapse-bind makes them? */
static bool is_bound_pair(Word item)
{
    if (!atom_is_cons(item) || expr_len(item) != 2) return false;
    Word binds = atom_deref(expr_at(item, 1));
    return word_is_heap(binds) && word_obj(binds)->kind == OBJ_BINDS;
}

Step list_resume(Machine *m, Choice *c)
{
    machine_restore(m, c);
    Word items = c->slot[LIST_ITEMS], goal = c->slot[LIST_GOAL], type = c->slot[LIST_TYPE];
    bool bound = c->flags;
    Word item = atom_deref(expr_at(items, c->index++));
    if (c->index == expr_len(items)) machine_drop(m, c);
    if (bound) {
        if (!apply_bindings(&m->rt->bind, atom_deref(expr_at(item, 1)))) return STEP_FAIL;
        item = expr_at(item, 0);
    }
    return call_result(m, goal, item, type);
}

void leave_items(Machine *m, Word goal, Word list, Word type)
{
    if (expr_len(list) == 0) return;
    Choice *c = machine_choice(m, CHOICE_LIST, LIST_SLOTS);
    c->slot[LIST_ITEMS] = list;
    c->slot[LIST_GOAL] = goal;
    c->slot[LIST_TYPE] = type;
}

static Step start_list(Machine *m, Word goal, Word list, Word type, bool bound)
{
    if (expr_len(list) == 0) return STEP_FAIL;
    leave_items(m, goal, list, type);
    m->choice->flags = bound;
    return list_resume(m, m->choice);
}

Step call_many(Machine *m, Word goal, Word list, Word type)
{
    if (list == WORD_UNIT && word_is_nil(type)) return step_return(m, W_SYM(EMPTY));
    return start_list(m, goal, list, type, false);
}

Step call_many_bound(Machine *m, Word goal, Word pairs, Word type)
{
    for (uint32_t i = 0; i < expr_len(pairs); i++)
        if (!is_bound_pair(atom_deref(expr_at(pairs, i))))
            return call_error(m, goal, rt_message(m->rt, "(Atom Bindings) pair is expected"), type);
    return start_list(m, goal, pairs, type, true);
}

Step values_resume(Machine *m, Choice *c)
{
    machine_restore(m, c);
    Word item = expr_at(c->slot[0], c->index++);
    if (c->index == expr_len(c->slot[0])) machine_drop(m, c);
    return step_return(m, item);
}

void leave_values(Machine *m, const WordVec *values)
{
    if (values->len == 0) return;
    Word list = atom_expr(&m->rt->heap, values->data, (uint32_t)values->len);
    machine_choice(m, CHOICE_RETURN, 1)->slot[0] = list;
}

Step return_many(Machine *m, const WordVec *values)
{
    if (values->len == 0) return STEP_FAIL;
    if (values->len == 1) return step_return(m, values->data[0]);
    leave_values(m, values);
    return values_resume(m, m->choice);
}

/* -- Rules -- */

typedef struct RuleSearch {
    RuleCursor cursor;
    uint32_t space; /* index in the scope; the cursor is open while it is below the number of spaces */
} RuleSearch;

static void search_open(Machine *m, RuleSearch *s, Word goal, uint32_t space)
{
    s->space = space;
    if (space < m->scope->spaces.len) rules_open(m->scope->spaces.data[space], goal, &s->cursor);
}

/* The next candidate over all spaces of the scope. */
static bool search_next(Machine *m, RuleSearch *s, Word goal, Rule *rule)
{
    while (s->space < m->scope->spaces.len) {
        if (rules_next(&s->cursor, goal, rule)) return true;
        search_open(m, s, goal, s->space + 1);
    }
    return false;
}

/* Unify the left side of RULE with GOAL; on success *BODY is the instance of its right side. */
static bool try_rule(Machine *m, const Rule *rule, Word goal, Word *body)
{
    Word few[SLOTS_INLINE];
    Word *slots = rule->slot_count <= SLOTS_INLINE ? few : base_alloc(rule->slot_count * sizeof *slots);
    for (uint32_t i = 0; i < rule->slot_count; i++) slots[i] = WORD_NIL;
    bool ok = match_stored(&m->rt->bind, rule->lhs, goal, slots, rule->names);
    if (ok) *body = instantiate(&m->rt->heap, rule->rhs, slots, rule->names);
    if (slots != few) base_free(slots);
    return ok;
}

/* Tell the debugger that GOAL becomes BODY by the rule applied last; false: *NEXT is to be done instead. */
static bool tell_unify(Machine *m, Word *goal, Word *body, Word *type, Step *next)
{
    m->value = *body;
    bool go_on = tell(m, m->rt->debug.ports->unify, goal, type, next);
    *body = m->value;
    return go_on;
}

static Step reduce_to(Machine *m, Word goal, Word body, Word type)
{
    Step next;
    if (is_watched(m) && !tell_unify(m, &goal, &body, &type, &next)) return next;
    Word head = atom_deref(expr_at(goal, 0));
    if (word_is_sym(head)) m->head = word_sym_id(head);
    if (UNLIKELY(log_on(&m->rt->log, LOG_TARGET_EVAL, LOG_TRACE))) log_reduction(m, goal, body);
    body = atom_deref(body);
    if (atom_is_cons(body) && is_function_atom(m, body)) return run_function(m, goal, body, type);
    return call_result(m, goal, body, type);
}

/* S has gone on to the first candidate of another space, and closed the cursor that HERE is a copy of: make both stand
 * before and after that candidate. */
static void search_reopen(Machine *m, RuleSearch *s, RuleSearch *here, Word goal)
{
    Rule first;
    rules_close(&s->cursor);
    search_open(m, here, goal, s->space);
    *s = *here;
    search_next(m, s, goal, &first);
}

/* Rule matched in trial T; candidates from HERE on follow: keep or make the choice point C. */
static void keep_rules(Machine *m, const RuleSearch *here, Word goal, Word type, Choice *c, Trial t,
                       uint64_t keep)
{
    if (!c) {
        c = machine_choice(m, CHOICE_RULES, RULES_SLOTS);
        c->slot[RULES_GOAL] = goal;
        c->slot[RULES_TYPE] = type;
        c->trail = t.mark;
        c->keep = c->born = keep;
    }
    m->rt->bind.keep = c->keep;
    c->index = here->space;
    c->u.rules = here->cursor;
}

/* Find the first rule from S on that matches; leave a choice point if more candidates follow (the next one is looked up
 * before GOAL's variables are bound).  C: the choice point being resumed, NULL for a new call.  *BODY is the instance of
 * the right side. */
static bool find_rule(Machine *m, RuleSearch *s, Word goal, Word type, Choice *c, Word *body)
{
    Rule rule, later;
    Bind *b = &m->rt->bind;
    bool more = search_next(m, s, goal, &rule);
    while (more) {
        RuleSearch here = *s;
        uint32_t space = s->space;
        more = search_next(m, s, goal, &later);
        if (more && s->space != space) search_reopen(m, s, &here, goal);
        Trial t = trial_begin(b);
        uint64_t keep = b->keep;
        if (!try_rule(m, &rule, goal, body)) {
            trial_abort(b, t);
            rule = later;
            continue;
        }
        trial_commit(b, t);
        m->rule_space = m->scope->spaces.data[space];
        m->rule = rule.id;
        if (more && UNLIKELY(c && c->limit) && --c->limit == 0) {
            rules_close(&here.cursor);
            more = false;
        }
        if (more)
            keep_rules(m, &here, goal, type, c, t, keep);
        else if (c)
            machine_drop(m, c);
        return true;
    }
    if (c) machine_drop(m, c);
    return false;
}

Step call_rules(Machine *m, Word goal, Word type)
{
    RuleSearch s;
    search_open(m, &s, goal, 0);
    Word body;
    if (!find_rule(m, &s, goal, type, NULL, &body)) return call_stuck(m, goal, type);
    return reduce_to(m, goal, body, type);
}

Step rules_resume(Machine *m, Choice *c)
{
    machine_restore(m, c);
    Word goal = c->slot[RULES_GOAL], type = c->slot[RULES_TYPE];
    RuleSearch s = {c->u.rules, c->index};
    Word body;
    if (!find_rule(m, &s, goal, type, c, &body)) return STEP_FAIL;
    return reduce_to(m, goal, body, type);
}

/* -- Builtins -- */

static bool has_rules(const Machine *m, Word goal)
{
    Word head = atom_deref(expr_at(goal, 0));
    return word_is_sym(head) && scope_has_rules(m->scope, word_sym_id(head), expr_len(goal));
}

/* The program's own rules for a native symbol are further alternatives of the call. */
static void leave_rules(Machine *m, Word goal, Word type)
{
    Choice *c = machine_choice(m, CHOICE_RULES, RULES_SLOTS);
    c->slot[RULES_GOAL] = goal;
    c->slot[RULES_TYPE] = type;
    c->index = 0;
    rules_open(m->scope->spaces.data[0], goal, &c->u.rules);
}

static Step body_result(Machine *m, Word goal, Word type, BiStatus status, Word out)
{
    switch (status) {
    case BI_OK:
        if (UNLIKELY(m->rt->debug.derives)) m->rt->debug.ports->operation(m, goal, out);
        return call_result(m, goal, out, type);
    case BI_MANY:
        return call_many(m, goal, out, type);
    case BI_NONE:
        return call_result(m, goal, W_SYM(EMPTY), type);
    case BI_NO_REDUCE:
        return call_stuck(m, goal, type);
    case BI_ERROR:
        break;
    }
    return call_error(m, goal, out, type);
}

static Step call_body(Machine *m, Word goal, Word type, const BuiltinInfo *info, uint32_t n)
{
    enum { FEW = 16 };
    Word few[FEW];
    Word *args = n <= FEW ? few : base_alloc(n * sizeof *args);
    for (uint32_t i = 0; i < n; i++) args[i] = atom_deref(expr_at(goal, i + 1));
    Word out = WORD_UNIT;
    BiStatus status;
    if (info->host || (info->flags & (BF_IO | BF_SPACE))) {
        /* Bodies with effects may run modules, and so collect: the call must survive that. */
        m->atom = goal;
        m->type = type;
        status = info->host ? info->host(m->rt, info->context, goal, args, n, &out)
                            : info->body(m->rt, args, n, &out);
        if (UNLIKELY(m->rt->debug.changed)) {
            m->value = out;
            m->rt->debug.ports->changed(m);
            out = m->value;
        }
        goal = m->atom;
        type = m->type;
    } else {
        status = info->body(m->rt, args, n, &out);
    }
    if (args != few) base_free(args);
    return body_result(m, goal, type, status, out);
}

/* Number of arguments that the type of BUILTIN asks for, or that of GOAL when it asks for none. */
static uint32_t wanted_arity(const Machine *m, uint32_t builtin, Word goal)
{
    Word type = m->rt->op_types[builtin];
    if ((m->rt->builtins[builtin].flags & BF_VARIADIC) || !type_is_function(type)) return expr_len(goal) - 1;
    return expr_len(type) - 2;
}

/* Too few arguments, which only calls that skip the type check can have: arithmetic does not reduce, all else fails. */
static Step call_short(Machine *m, uint32_t builtin, Word goal, Word type)
{
    const Signature *sig = &m->rt->types.op_signatures[builtin];
    bool numeric = sig->kind == SIGNATURE_SIMPLE;
    for (uint32_t i = 0; i < sig->param_count; i++)
        numeric &= sig->params[i].type == W_SYM(T_NUMBER) || sig->params[i].type == W_SYM(T_BOOL);
    return numeric ? call_stuck(m, goal, type) : call_error(m, goal, W_SYM(BAD_ARITY), type);
}

static Step call_builtin(Machine *m, uint32_t builtin, Word goal, Word type)
{
    const BuiltinInfo *info = &m->rt->builtins[builtin];
    uint32_t n = expr_len(goal) - 1, wanted = wanted_arity(m, builtin, goal);
    if (n != wanted && (info->symbol || (info->flags & BF_SPECIAL)))
        return info->symbol ? call_rules(m, goal, type) : call_error(m, goal, W_SYM(BAD_ARITY), type);
    if (n < wanted) return call_short(m, builtin, goal, type);
    if (UNLIKELY(m->rt->overridden.data[builtin]) && has_rules(m, goal)) leave_rules(m, goal, type);
    if (info->flags & BF_SPECIAL) return special_handler(builtin)(m, goal, type);
    return call_body(m, goal, type, info, wanted); /* what is too much is not looked at */
}

/* Is the head a variable, or an expression whose leftmost atom is one?  Such calls never match a rule. */
static bool has_variable_head(Machine *m, Word goal)
{
    return word_is_var(type_leftmost(&m->rt->types, goal));
}

Step call(Machine *m, Word goal, Word type)
{
    Step next;
    count_step(m);
    m->other_steps++;
    if (UNLIKELY(++m->depth > m->max_depth))
        return step_return(m, error_made(m, goal, overflow_error(m, goal)));
    if (is_watched(m) && !tell(m, m->rt->debug.ports->call, &goal, &type, &next)) return next;
    Word head = atom_deref(expr_at(goal, 0));
    if (word_is_op(head)) return call_builtin(m, word_op_index(head), goal, type);
    if (word_is_sym(head)) {
        uint32_t native = rt_native(m->rt, word_sym_id(head));
        if (native && m->scope->has_core) return call_builtin(m, native - 1, goal, type);
        if (head == W_SYM(ERROR) && !word_is_nil(type)) return step_return(m, goal);
        if (m->rt->upper_tier && m->rt->upper_tier->enter(m, goal, type, &next)) return next;
    } else if (has_variable_head(m, goal)) {
        return call_stuck(m, goal, type);
    } else if (atom_is_cons(head) && m->rt->upper_tier && m->rt->upper_tier->enter(m, goal, type, &next)) {
        return next;
    }
    return call_rules(m, goal, type);
}

void push_call_return(Machine *m, Word goal, Word type)
{
    Frame *f = machine_push(m, FRAME_CALL_RETURN, changed_flag(m), 2);
    f->slot[0] = goal;
    f->slot[1] = type;
}

/* (function BODY): BODY runs until it is (return X).  A metta-level call comes back through a CALL_RETURN frame. */
Step run_function(Machine *m, Word goal, Word function, Word type)
{
    if (expr_len(function) != 2 || !atom_is_expr(atom_deref(expr_at(function, 1)))) {
        Buf text = {0};
        rt_print(m->rt, function, &text);
        Word cause =
            rt_message(m->rt, "expected: (function (: <body> Expression)), found: %s", buf_cstr(&text));
        buf_free(&text);
        return call_result(m, goal, atom_error(&m->rt->heap, function, cause), type);
    }
    return run_function_rest(m, goal, expr_at(function, 1), type);
}

Step run_function_rest(Machine *m, Word goal, Word rest, Word type)
{
    if (!word_is_nil(type)) push_call_return(m, goal, type);
    Frame *f = machine_push(m, FRAME_FUNCTION, 0, 1);
    f->slot[0] = goal;
    return step_minimal(m, rest);
}
