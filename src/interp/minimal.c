/* Minimal MeTTa: the twelve instructions.  Each runs "raw": it passes its result on without evaluating it. */
#include "interp/engine.h"

/* -- Errors -- */

/* The instruction T is malformed: (Error T "expected: FORM, found: T"). */
static Step malformed(Machine *m, Word t, const char *form)
{
    Buf text = {0};
    rt_print(m->rt, t, &text);
    Word cause = rt_message(m->rt, "expected: %s, found: %s", form, buf_cstr(&text));
    buf_free(&text);
    return step_return(m, atom_error(&m->rt->heap, t, cause));
}

/* -- Instructions -- */

/* One step of evaluating ATOM. */
static Step eval_once(Machine *m, Word atom)
{
    if (atom_is_cons(atom)) return is_instruction(m, atom) ? step_minimal(m, atom) : call(m, atom, WORD_NIL);
    return eval_symbol(m, atom);
}

static Step run_eval(Machine *m, Word t)
{
    if (expr_len(t) != 2) return malformed(m, t, "(eval <atom>)");
    return eval_once(m, atom_deref(expr_at(t, 1)));
}

static Step run_evalc(Machine *m, Word t)
{
    Space *s = expr_len(t) == 3 ? word_space(atom_deref(expr_at(t, 2))) : NULL;
    if (!s) return malformed(m, t, "(evalc <atom> <space>)");
    enter_scope(m, rt_scope(m->rt, s), 0);
    return eval_once(m, atom_deref(expr_at(t, 1)));
}

static Step run_chain(Machine *m, Word t)
{
    if (expr_len(t) != 4 || !word_is_cell(atom_deref(expr_at(t, 2))))
        return malformed(m, t, "(chain <nested> (: <var> Variable) <templ>)");
    Frame *f = machine_push(m, FRAME_CHAIN, 0, 2);
    f->slot[0] = atom_deref(expr_at(t, 2));
    f->slot[1] = expr_at(t, 3);
    return step_minimal(m, expr_at(t, 1));
}

Step chain_resume(Machine *m, Frame *f, Word value)
{
    Word var = f->slot[0], template = f->slot[1];
    m->frame = f->parent;
    return step_minimal(m, substitute(&m->rt->heap, template, var, value));
}

static Step run_unify(Machine *m, Word t)
{
    if (expr_len(t) != 5) return malformed(m, t, "(unify <atom> <pattern> <then> <else>)");
    return unify_then(m, unify, expr_at(t, 1), expr_at(t, 2), t, expr_at(t, 3), expr_at(t, 4), WORD_NIL);
}

Word list_cons(Heap *h, Word head, Word tail)
{
    uint32_t n = expr_len(tail);
    Word *items;
    Word list = atom_expr_open(h, n + 1, &items);
    items[0] = atom_deref(head);
    if (n) memcpy(items + 1, expr_items(tail), n * sizeof(Word));
    expr_seal(list);
    return list;
}

static Step run_cons_atom(Machine *m, Word t)
{
    Word tail = expr_len(t) == 3 ? atom_deref(expr_at(t, 2)) : WORD_NIL;
    if (!atom_is_expr(tail)) return malformed(m, t, "(cons-atom <head> (: <tail> Expression))");
    return step_return(m, list_cons(&m->rt->heap, expr_at(t, 1), tail));
}

Word list_tail(Heap *h, Word list)
{
    return atom_expr(h, expr_items(list) + 1, expr_len(list) - 1);
}

Word list_split(Heap *h, Word list)
{
    Word tail = list_tail(h, list);
    return atom_expr2(h, expr_at(list, 0), tail);
}

static Step run_decons_atom(Machine *m, Word t)
{
    Word list = expr_len(t) == 2 ? atom_deref(expr_at(t, 1)) : WORD_NIL;
    if (!atom_is_cons(list)) return malformed(m, t, "(decons-atom (: <expr> Expression))");
    return step_return(m, list_split(&m->rt->heap, list));
}

static Step run_function_instruction(Machine *m, Word t)
{
    return run_function(m, t, t, WORD_NIL);
}

Step function_resume(Machine *m, Frame *f, Word value)
{
    if (atom_is_cons(value)) {
        if (expr_len(value) == 2 && atom_deref(expr_at(value, 0)) == W_SYM(RETURN)) {
            m->frame = f->parent;
            return step_return(m, expr_at(value, 1));
        }
        if (is_instruction(m, value)) return step_minimal(m, value);
    }
    Word goal = f->slot[0];
    m->frame = f->parent;
    return step_return(m, atom_error(&m->rt->heap, goal, W_SYM(NO_RETURN)));
}

static Step run_collapse_bind(Machine *m, Word t)
{
    if (expr_len(t) != 2) return malformed(m, t, "(collapse-bind <atom>)");
    return collapse_start(m, FRAME_COLLAPSE_BIND, expr_at(t, 1), t, WORD_NIL);
}

/* What the trail says was bound since choice point C: the bindings of one alternative. */
static Word capture_bindings(Machine *m, Choice *c)
{
    Bind *b = &m->rt->bind;
    Heap *h = &m->rt->heap;
    WordVec pairs = {0};
    for (size_t i = c->trail; i < b->trail.len; i++) {
        const TrailEntry *e = &b->trail.data[i];
        if (!word_is_nil(e->unbound) || serial_of_making(word_payload(e->unbound)) >= c->born) continue;
        if (word_is_nil(e->cell->body[0])) continue;
        /* Through the cell's own word the variable could not be named once it is bound: the pair holds the cell unresolved. */
        vec_push(&pairs, word_from_ptr(TAG_VAR, e->cell));
        vec_push(&pairs, kept_result(m, c, e->cell->body[0]));
    }
    Obj *o = heap_obj(h, OBJ_BINDS, 0, (uint32_t)pairs.len, pairs.len ? pairs.len : 1);
    if (pairs.len) memcpy(o->body, pairs.data, pairs.len * sizeof(Word));
    vec_free(&pairs);
    return word_from_ptr(TAG_HEAP, o);
}

Word bound_pair(Machine *m, Word value, Choice *c)
{
    Heap *h = &m->rt->heap;
    Word result = kept_result(m, c, value);
    return atom_expr2(h, result, capture_bindings(m, c));
}

static Step run_superpose_bind(Machine *m, Word t)
{
    Word list = expr_len(t) == 2 ? atom_deref(expr_at(t, 1)) : WORD_NIL;
    if (!atom_is_expr(list)) return malformed(m, t, "(superpose-bind (: <collapsed> Expression))");
    return call_many_bound(m, t, list, WORD_NIL);
}

static Step run_metta(Machine *m, Word t)
{
    Space *s = expr_len(t) == 4 ? word_space(atom_deref(expr_at(t, 3))) : NULL;
    if (!s) return malformed(m, t, "(metta <atom> <type> <space>)");
    enter_scope(m, rt_scope(m->rt, s), FF_GOAL);
    return step_eval(m, expr_at(t, 1), expr_at(t, 2));
}

static Step run_context_space(Machine *m, Word t)
{
    if (expr_len(t) != 1) return malformed(m, t, "(context-space)");
    return step_return(m, space_word(m->scope->own));
}

static Step run_call_native(Machine *m, Word t)
{
    return malformed(m, t, "(call-native name func args)");
}

typedef Step (*Instruction)(Machine *m, Word t);

static Instruction instruction_of(const Machine *m, Word expr)
{
    Word head = atom_deref(expr_at(expr, 0));
    if (!word_is_sym(head)) return NULL;
    uint32_t native = rt_native(m->rt, word_sym_id(head));
    if (native == 0) return NULL;
    switch (native - 1) {
    case BI_eval:
        return run_eval;
    case BI_evalc:
        return run_evalc;
    case BI_chain:
        return run_chain;
    case BI_unify:
        return run_unify;
    case BI_cons_atom:
        return run_cons_atom;
    case BI_decons_atom:
        return run_decons_atom;
    case BI_function:
        return run_function_instruction;
    case BI_collapse_bind:
        return run_collapse_bind;
    case BI_superpose_bind:
        return run_superpose_bind;
    case BI_metta:
        return run_metta;
    case BI_context_space:
        return run_context_space;
    case BI_call_native:
        return run_call_native;
    default:
        return NULL;
    }
}

bool is_instruction(const Machine *m, Word expr)
{
    return instruction_of(m, expr) != NULL;
}

bool is_function_atom(const Machine *m, Word expr)
{
    return instruction_of(m, expr) == run_function_instruction;
}

Step minimal_step(Machine *m)
{
    if (UNLIKELY(heap_wants_safepoint(&m->rt->heap)) && !safepoint(m)) return STEP_HALT;
    Word t = atom_deref(m->atom);
    Step next;
    if (atom_is_cons(t) && is_spot(m, t)) {
        m->atom = t;
        if (!m->rt->debug.ports->reach(m, &next)) return next;
        t = atom_deref(m->atom);
    }
    Instruction run = atom_is_cons(t) ? instruction_of(m, t) : NULL;
    return run ? run(m, t) : step_return(m, t);
}

Step special_instruction(Machine *m, Word goal, Word type)
{
    if (!word_is_nil(type)) push_call_return(m, goal, type);
    return step_minimal(m, goal);
}
