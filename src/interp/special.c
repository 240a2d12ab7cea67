/* Operations the engine carries out itself: control, collapse, case, list functions. */
#include "interp/engine.h"

/* -- if, let -- */

/* The condition is a free variable: both branches, each under its binding. */
static Step if_both(Machine *m, Word goal, Word condition, Word type)
{
    Heap *h = &m->rt->heap;
    Word pairs[2];
    for (unsigned i = 0; i < 2; i++) {
        Obj *o = heap_obj(h, OBJ_BINDS, 0, 2, 2);
        o->body[0] = condition;
        o->body[1] = i == 0 ? WORD_TRUE : WORD_FALSE;
        pairs[i] = atom_expr2(h, expr_at(goal, 2 + i), word_from_ptr(TAG_HEAP, o));
    }
    return call_many_bound(m, goal, atom_expr(h, pairs, 2), type);
}

static Step special_if(Machine *m, Word goal, Word type)
{
    Word condition = atom_deref(expr_at(goal, 1));
    if (condition == WORD_TRUE) return call_result(m, goal, expr_at(goal, 2), type);
    if (condition == WORD_FALSE) return call_result(m, goal, expr_at(goal, 3), type);
    if (word_is_var(condition)) return if_both(m, goal, condition, type);
    return call_stuck(m, goal, type);
}

static Step special_let(Machine *m, Word goal, Word type)
{
    return unify_then(m, unify_pattern, expr_at(goal, 2), expr_at(goal, 1), goal, expr_at(goal, 3),
                      W_SYM(EMPTY), type);
}

static Step special_unify(Machine *m, Word goal, Word type)
{
    return unify_then(m, unify, expr_at(goal, 1), expr_at(goal, 2), goal, expr_at(goal, 3), expr_at(goal, 4),
                      type);
}

/* Slots of a LET_STAR frame. */
enum { LETS_GOAL = 1, LETS_TYPE, LETS_SLOTS };

/* The pair (pattern atom) number I of GOAL, or WORD_NIL. */
static Word let_pair(Word goal, uint32_t i)
{
    Word pair = atom_deref(expr_at(atom_deref(expr_at(goal, 1)), i));
    return atom_is_cons(pair) && expr_len(pair) == 2 ? pair : WORD_NIL;
}

static Step let_star_next(Machine *m, Frame *f)
{
    Word goal = f->slot[LETS_GOAL], type = f->slot[LETS_TYPE];
    Word pairs = atom_deref(expr_at(goal, 1));
    if (f->index == expr_len(pairs)) {
        goal_resumes(m, f);
        m->frame = f->parent;
        return call_result(m, goal, expr_at(goal, 2), type);
    }
    Word pair = let_pair(goal, f->index);
    if (word_is_nil(pair)) {
        static const char text[] = "List of (<pattern> <atom>) pairs is expected as a second argument";
        m->frame = f->parent;
        return call_error(m, goal, atom_str(&m->rt->heap, text, sizeof text - 1), type);
    }
    return step_eval(m, expr_at(pair, 1), W_SYM(UNDEFINED));
}

static Step special_let_star(Machine *m, Word goal, Word type)
{
    if (!atom_is_expr(atom_deref(expr_at(goal, 1)))) return call_result(m, goal, expr_at(goal, 2), type);
    Frame *f = machine_push(m, FRAME_LET_STAR, FF_GOAL | changed_flag(m), LETS_SLOTS);
    f->slot[LETS_GOAL] = goal;
    f->slot[LETS_TYPE] = type;
    return let_star_next(m, f);
}

/* As for an argument of let: an error or Empty that the evaluation made ends it. */
static bool let_value_stops(Word value, Word original)
{
    if (value != W_SYM(EMPTY) && !atom_is_error(value)) return false;
    return !atom_alpha_equal(value, original);
}

Step let_star_resume(Machine *m, Frame *f, Word value)
{
    Word pair = let_pair(f->slot[LETS_GOAL], f->index);
    if (let_value_stops(value, expr_at(pair, 1))) {
        if (value == W_SYM(EMPTY)) return STEP_FAIL;
        m->frame = f->parent;
        return step_return(m, value);
    }
    if (!unify_pattern_or_undo(&m->rt->bind, value, expr_at(pair, 0))) return STEP_FAIL;
    f = machine_own(m, f);
    f->index++;
    return let_star_next(m, f);
}

/* -- superpose, collapse -- */

static Step special_superpose(Machine *m, Word goal, Word type)
{
    Word list = atom_deref(expr_at(goal, 1));
    if (!atom_is_expr(list))
        return call_error(m, goal, rt_message(m->rt, "superpose expects single expression as an argument"),
                          type);
    return call_many(m, goal, list, type);
}

/* CHOICE_COLLAPSE stays below everything the collapsed evaluation leaves; results gather in its lists, newest first:
 * (result (older ...)). */
enum { COLLAPSE_GOAL, COLLAPSE_TYPE, COLLAPSE_RESULTS, COLLAPSE_ERRORS, COLLAPSE_SLOTS };
/* Flag: results are counted only, in INDEX, errors in LIMIT. */
enum { COLLAPSE_COUNTS = 1 };

void collapse_open(Machine *m, FrameKind kind, Word goal, Word type)
{
    Choice *c = machine_choice(m, CHOICE_COLLAPSE, COLLAPSE_SLOTS);
    c->slot[COLLAPSE_GOAL] = goal;
    c->slot[COLLAPSE_TYPE] = type;
    Frame *f = machine_push(m, kind, 0, 0);
    c->u.owner = f;
}

void collapse_counts(Machine *m)
{
    m->choice->flags = COLLAPSE_COUNTS;
}

Step collapse_start(Machine *m, FrameKind kind, Word atom, Word goal, Word type)
{
    collapse_open(m, kind, goal, type);
    return kind == FRAME_COLLAPSE ? step_eval(m, atom, W_SYM(UNDEFINED)) : step_minimal(m, atom);
}

/* The choice point of a collapse lies directly below its frame. */
static Choice *collapse_choice(const Frame *f)
{
    Choice *c = (Choice *)((char *)f - offsetof(Choice, slot) - COLLAPSE_SLOTS * sizeof(Word));
    assert(c->kind == CHOICE_COLLAPSE && c->u.owner == f);
    return c;
}

bool is_counted(Machine *m)
{
    const Frame *f = m->frame;
    return f->kind == FRAME_COLLAPSE && (collapse_choice(f)->flags & COLLAPSE_COUNTS);
}

static void gather(Machine *m, Choice *c, unsigned list, Word item)
{
    machine_touch(m, c);
    c->slot[list] = atom_expr2(&m->rt->heap, item, c->slot[list]);
    c->index += list == COLLAPSE_RESULTS;
}

void collapse_take(Machine *m, const Frame *f, Word value)
{
    Choice *c = collapse_choice(f);
    if (value == W_SYM(EMPTY)) return;
    unsigned list = atom_is_error(value) ? COLLAPSE_ERRORS : COLLAPSE_RESULTS;
    if (c->flags & COLLAPSE_COUNTS)
        *(list == COLLAPSE_ERRORS ? &c->limit : &c->index) += 1;
    else
        gather(m, c, list, kept_result(m, c, value));
}

Step collapse_bind_resume(Machine *m, Frame *f, Word value)
{
    Choice *c = collapse_choice(f);
    if (value != W_SYM(EMPTY)) gather(m, c, COLLAPSE_RESULTS, bound_pair(m, value, c));
    return STEP_FAIL;
}

Word gathered(Heap *h, Word list)
{
    uint32_t n = 0;
    for (Word l = list; !word_is_nil(l); l = expr_at(l, 1)) n++;
    if (n == 0) return WORD_UNIT;
    Word *items;
    Word expr = atom_expr_open(h, n, &items);
    for (Word l = list; !word_is_nil(l); l = expr_at(l, 1)) items[--n] = expr_at(l, 0);
    expr_seal(expr);
    return expr;
}

/* An expression of N times (). */
static Word units(Heap *h, uint32_t n)
{
    if (n == 0) return WORD_UNIT;
    Word *items;
    Word expr = atom_expr_open(h, n, &items);
    for (uint32_t i = 0; i < n; i++) items[i] = WORD_UNIT;
    expr_seal(expr);
    return expr;
}

Step collapse_end(Machine *m, Choice *c)
{
    Word goal = c->slot[COLLAPSE_GOAL], type = c->slot[COLLAPSE_TYPE];
    /* Errors count only where nothing else came. */
    Word list = c->slot[word_is_nil(c->slot[COLLAPSE_RESULTS]) ? COLLAPSE_ERRORS : COLLAPSE_RESULTS];
    bool counts = c->flags & COLLAPSE_COUNTS;
    uint32_t count = c->index ? c->index : c->limit;
    machine_restore(m, c);
    machine_drop(m, c);
    return call_result(m, goal, counts ? units(&m->rt->heap, count) : gathered(&m->rt->heap, list), type);
}

static Step special_collapse(Machine *m, Word goal, Word type)
{
    bool counts = only_counts(m);
    collapse_open(m, FRAME_COLLAPSE, goal, type);
    if (counts) collapse_counts(m);
    return step_eval(m, expr_at(goal, 1), W_SYM(UNDEFINED));
}

static Step special_capture(Machine *m, Word goal, Word type)
{
    /* Evaluated in the space of the module whose text is being run, results one by one. */
    push_call_return(m, goal, type);
    enter_scope(m, m->rt->current->scope, FF_GOAL);
    return step_eval(m, expr_at(goal, 1), W_SYM(UNDEFINED));
}

/* -- case, switch -- */

/* Go on with the template of the first of CASES whose pattern unifies with VALUE. */
static Step switch_on(Machine *m, Word goal, Word value, Word cases, Word type)
{
    uint32_t n = atom_is_expr(cases) ? expr_len(cases) : 0;
    for (uint32_t i = 0; i < n; i++) {
        Word pair = atom_deref(expr_at(cases, i));
        if (!atom_is_cons(pair) || expr_len(pair) != 2) break;
        if (unify_pattern_or_undo(&m->rt->bind, value, expr_at(pair, 0)))
            return call_result(m, goal, expr_at(pair, 1), type);
    }
    return call_result(m, goal, W_SYM(EMPTY), type);
}

static Step special_switch(Machine *m, Word goal, Word type)
{
    return switch_on(m, goal, expr_at(goal, 1), atom_deref(expr_at(goal, 2)), type);
}

/* Slots of a CASE frame. INDEX becomes 1 when a result came. */
enum { CASE_GOAL = 1, CASE_TYPE, CASE_SLOTS };

static Step special_case(Machine *m, Word goal, Word type)
{
    Choice *c = machine_choice(m, CHOICE_CASE, 2);
    c->slot[0] = goal;
    c->slot[1] = type;
    Frame *f = machine_push(m, FRAME_CASE, FF_GOAL | changed_flag(m), CASE_SLOTS);
    f->slot[CASE_GOAL] = goal;
    f->slot[CASE_TYPE] = type;
    c->u.owner = f;
    return step_eval(m, expr_at(goal, 1), W_SYM(UNDEFINED));
}

Step case_resume(Machine *m, Frame *f, Word value)
{
    if (value == W_SYM(EMPTY)) return STEP_FAIL;
    Word goal = f->slot[CASE_GOAL], type = f->slot[CASE_TYPE];
    f->index = 1;
    if (m->choice->kind == CHOICE_CASE && m->choice->u.owner == f) machine_drop(m, m->choice);
    goal_resumes(m, f);
    m->frame = f->parent;
    return switch_on(m, goal, value, atom_deref(expr_at(goal, 2)), type);
}

Step case_empty(Machine *m, Choice *c)
{
    Word goal = c->slot[0], type = c->slot[1];
    bool any = c->u.owner->index != 0;
    machine_restore(m, c);
    machine_drop(m, c);
    if (any) return STEP_FAIL;
    return switch_on(m, goal, W_SYM(EMPTY), atom_deref(expr_at(goal, 2)), type);
}

/* -- map-atom, filter-atom, foldl-atom --
 *
 * The template runs once per item with the item in place of its variable and its other variables renamed apart.
 * INDEX is the item at work; LEFT the value of a condition that is being evaluated once more. */
enum { EACH_GOAL = 1, EACH_TYPE, EACH_DONE, EACH_LEFT, EACH_SLOTS };

static Word each_list(Word goal)
{
    return atom_deref(expr_at(goal, 1));
}

static Word each_template(Machine *m, Word template, const Word *vars, const Word *values, uint32_t n)
{
    Heap *h = &m->rt->heap;
    Word cells[2];
    for (uint32_t i = 0; i < n; i++) cells[i] = atom_deref(vars[i]);
    Word copy = rename_apart(h, template, cells, n);
    for (uint32_t i = 0; i < n; i++)
        if (word_is_cell(cells[i])) copy = substitute(h, copy, cells[i], values[i]);
    return copy;
}

static Step each_next(Machine *m, Frame *f);
static Step fold_next(Machine *m, Frame *f);

static Step each_start(Machine *m, FrameKind kind, Word goal, Word type, Word done)
{
    if (!word_is_var(atom_deref(expr_at(goal, kind == FRAME_FOLD ? 3 : 2)))) return call_stuck(m, goal, type);
    if (!atom_is_expr(each_list(goal))) {
        if (kind != FRAME_FOLD) return call_result(m, goal, WORD_UNIT, type);
        return call_error(m, goal, rt_message(m->rt, "Expression is expected as a first argument"), type);
    }
    Frame *f = machine_push(m, kind, FF_GOAL | changed_flag(m), EACH_SLOTS);
    f->slot[EACH_GOAL] = goal;
    f->slot[EACH_TYPE] = type;
    f->slot[EACH_DONE] = done;
    f->slot[EACH_LEFT] = WORD_NIL;
    return kind == FRAME_FOLD ? fold_next(m, f) : each_next(m, f);
}

static Step each_finish(Machine *m, Frame *f, Word result)
{
    Word goal = f->slot[EACH_GOAL], type = f->slot[EACH_TYPE];
    goal_resumes(m, f);
    m->frame = f->parent;
    return call_result(m, goal, result, type);
}

static Step each_next(Machine *m, Frame *f)
{
    Word goal = f->slot[EACH_GOAL], list = each_list(goal);
    if (f->index == expr_len(list)) return each_finish(m, f, gathered(&m->rt->heap, f->slot[EACH_DONE]));
    Word item = expr_at(list, f->index);
    Word run = each_template(m, expr_at(goal, 3), expr_items(goal) + 2, &item, 1);
    /* An instruction runs as it is; a condition that is none is evaluated, so that (> $x 2) works as written. */
    if (f->kind == FRAME_MAP || (atom_is_cons(run) && is_instruction(m, run))) return step_minimal(m, run);
    return step_eval(m, run, W_SYM(UNDEFINED));
}

static Step special_map_atom(Machine *m, Word goal, Word type)
{
    return each_start(m, FRAME_MAP, goal, type, WORD_NIL);
}

Step map_resume(Machine *m, Frame *f, Word value)
{
    f = machine_own(m, f);
    f->slot[EACH_DONE] = atom_expr2(&m->rt->heap, value, f->slot[EACH_DONE]);
    f->index++;
    return each_next(m, f);
}

static Step special_filter_atom(Machine *m, Word goal, Word type)
{
    return each_start(m, FRAME_FILTER, goal, type, WORD_NIL);
}

Step filter_resume(Machine *m, Frame *f, Word value)
{
    if (value != WORD_TRUE && value != WORD_FALSE) {
        if (!condition_goes_on(f->slot[EACH_LEFT], value))
            return each_finish(m, f, atom_error(&m->rt->heap, f->slot[EACH_GOAL], W_SYM(NO_RETURN)));
        f = machine_own(m, f);
        f->slot[EACH_LEFT] = value;
        return step_eval(m, value, W_SYM(UNDEFINED));
    }
    f = machine_own(m, f);
    f->slot[EACH_LEFT] = WORD_NIL;
    Word item = expr_at(each_list(f->slot[EACH_GOAL]), f->index++);
    if (value == WORD_TRUE) f->slot[EACH_DONE] = atom_expr2(&m->rt->heap, item, f->slot[EACH_DONE]);
    return each_next(m, f);
}

static Step special_foldl_atom(Machine *m, Word goal, Word type)
{
    return each_start(m, FRAME_FOLD, goal, type, atom_deref(expr_at(goal, 2)));
}

static Step fold_next(Machine *m, Frame *f)
{
    Word goal = f->slot[EACH_GOAL], list = each_list(goal);
    if (f->index == expr_len(list)) return each_finish(m, f, f->slot[EACH_DONE]);
    const Word values[] = {f->slot[EACH_DONE], expr_at(list, f->index)};
    Word run = each_template(m, expr_at(goal, 5), expr_items(goal) + 3, values, 2);
    return step_eval(m, run, W_SYM(UNDEFINED));
}

Step fold_resume(Machine *m, Frame *f, Word value)
{
    if (value == W_SYM(EMPTY)) return STEP_FAIL;
    f = machine_own(m, f);
    f->slot[EACH_DONE] = value;
    f->index++;
    return fold_next(m, f);
}

/* -- Table -- */

SpecialHandler special_handler(uint32_t builtin)
{
    switch (builtin) {
    case BI_match:
        return special_match;
    case BI_get_atoms:
        return special_get_atoms;
    case BI_if_:
        return special_if;
    case BI_let_:
        return special_let;
    case BI_let_star:
        return special_let_star;
    case BI_unify:
        return special_unify;
    case BI_case_:
        return special_case;
    case BI_switch_:
    case BI_switch_minimal:
        return special_switch;
    case BI_superpose:
        return special_superpose;
    case BI_collapse:
        return special_collapse;
    case BI_capture:
        return special_capture;
    case BI_map_atom:
        return special_map_atom;
    case BI_filter_atom:
        return special_filter_atom;
    case BI_foldl_atom:
        return special_foldl_atom;
    default:
        return special_instruction;
    }
}
