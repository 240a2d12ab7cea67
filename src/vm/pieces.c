#include "vm/pieces.h"

#include "builtin/debug.h"
#include "vm/inspect.h"

enum { SLOTS_INLINE = 32 };

/* -- Values -- */

static __attribute__((noinline)) Word noted(Machine *m, Word value)
{
    note_inert(m, value);
    return value;
}

Word make_expression(Machine *m, const Word *items, uint32_t n, bool same)
{
    Word *to, value = atom_expr_open(&m->rt->heap, n, &to);
    /* The flags that all items have: what is no expression is ground and, as the program wrote it, evaluated. */
    unsigned flags = OBJ_GROUND | OBJ_EVALUATED;
    const Word *end = items + n;
    do {
        Word item = *to++ = *items++;
        if (atom_is_cons(item))
            flags &= word_obj(item)->flags;
        else if (word_is_var(item))
            flags = 0;
    } while (items < end);
    if (!same) flags &= ~(unsigned)OBJ_EVALUATED;
    word_obj(value)->flags = flags & OBJ_GROUND ? (uint8_t)flags & (OBJ_GROUND | OBJ_EVALUATED) : 0;
    return LIKELY(flags != OBJ_GROUND) ? value : noted(m, value);
}

/* VALUE is data, and what is inert of it is noted.  COMPUTED: evaluation made some of its items; if not, evaluating it leaves it as it is. */
static void note_computed(Word value, bool computed)
{
    if (!computed && expr_is_ground(value)) word_obj(value)->flags |= OBJ_EVALUATED;
}

Word make_data(Machine *m, Word head, const Word *args, uint32_t n, bool computed)
{
    Word value = make_call(m, head, args, n);
    note_inert(m, value);
    note_computed(value, computed);
    return value;
}

bool make_headless(Machine *m, const Word *items, uint32_t n, bool computed, Word *out)
{
    if (word_is_op(items[0]) || word_is_ext(items[0]) || !may_be_headless(m)) return false;
    *out = make_expression(m, items, n, false);
    note_computed(*out, computed);
    return true;
}

bool make_tuple(Machine *m, const Word *items, uint32_t n, bool computed, Word *out)
{
    Vm *vm = m->rt->upper;
    if (!word_is_sym(items[0])) return make_headless(m, items, n, computed, out);
    Function *f = functions_get(&vm->functions, word_sym_id(items[0]), n - 1);
    if (f->chunk || !is_data_function(m, f)) return false;
    *out = make_data(m, items[0], items + 1, n - 1, computed);
    return true;
}

Function *headed_function(Machine *m, Word head, uint32_t n)
{
    Vm *vm = m->rt->upper;
    if (!atom_is_cons(head) || m->rt->debug.watching) return NULL;
    Function *f = functions_get(&vm->functions, SYM_HEADED, n);
    if (!f->chunk) return NULL;
    do head = atom_deref(expr_at(head, 0));
    while (atom_is_cons(head));
    return word_is_var(head) ? NULL : f;
}

bool are_comparable(Machine *m, Word x, Word y)
{
    if (must_evaluate(m, &x) || must_evaluate(m, &y)) return false;
    Word a = quick_type(m, x), b = quick_type(m, y);
    if (word_is_nil(a) || word_is_nil(b) || a == TYPE_COMPOUND || b == TYPE_COMPOUND) return false;
    /* Where a call that == is an argument of is checked an Atom is of a type of its own; that is rare enough to leave it to tier 0. */
    return a == b || a == W_SYM(UNDEFINED) || b == W_SYM(UNDEFINED);
}

bool is_plain_head(Machine *m, Word head)
{
    if (!word_is_sym(head) || head == W_SYM(ERROR)) return false;
    uint32_t id = word_sym_id(head);
    if (rt_native(m->rt, id)) return false;
    return scope_symbol_types(&m->rt->types, m->scope, id)->count == 0;
}

bool is_untyped_head(Machine *m, Word head)
{
    return is_plain_head(m, head) && !has_typed_expressions(&m->rt->types, head);
}

bool heads_tuple(Machine *m, Word head)
{
    if (word_is_sym(head) || m->rt->types.typed_expr_other) return false;
    if (atom_is_cons(head)) return type_quick(&m->rt->types, m->scope, head) == W_SYM(UNDEFINED);
    return is_inert_atom(head);
}

/* -- Terms -- */

/* The locals of a template's slots; a chunk without any has no table of them. */
static const uint8_t *template_map(const Chunk *c, const Template *t)
{
    return t->count ? c->slot_map.data + t->first : NULL;
}

/* The values of a template's slots, in FEW or, when they are many, in memory of their own. */
static Word *load_slots(const Frame *f, const Chunk *c, const Template *t, Word *few)
{
    const uint8_t *map = template_map(c, t);
    Word *slots = t->count <= SLOTS_INLINE ? few : base_alloc(t->count * sizeof *slots);
    for (uint32_t i = 0; i < t->count; i++) slots[i] = atom_deref(f->slot[VM_LOCALS + map[i]]);
    return slots;
}

/* Slots that have got a value now are those of later templates, too. */
static void store_slots(Frame *f, const Chunk *c, const Template *t, const Word *slots)
{
    const uint8_t *map = template_map(c, t);
    for (uint32_t i = 0; i < t->count; i++) {
        Word *local = &f->slot[VM_LOCALS + map[i]];
        if (word_is_nil(*local)) *local = slots[i];
    }
}

static const SlotName *template_names(const Chunk *c, const Template *t)
{
    return t->count ? c->names.data + t->first : NULL;
}

Word instantiate_template(Machine *m, Frame *f, const Chunk *c, uint32_t index)
{
    const Template *t = &c->templates.data[index];
    Word few[SLOTS_INLINE];
    if (!word_is_slot(t->term) && (!atom_is_cons(t->term) || expr_is_ground(t->term))) return t->term;
    Word *slots = load_slots(f, c, t, few);
    Word atom = instantiate(&m->rt->heap, t->term, slots, template_names(c, t));
    store_slots(f, c, t, slots);
    if (slots != few) base_free(slots);
    return atom;
}

/* The form that is template WHOLE with VALUE as item I; *CHANGED: it is not what the item was. */
static Word with_item(Machine *m, Frame *f, const Chunk *c, uint32_t whole, uint32_t i, Word value,
                      bool *changed)
{
    Word goal = instantiate_template(m, f, c, whole);
    *changed = !atom_equal(expr_at(goal, i), value);
    Word *items, copy = atom_expr_open(&m->rt->heap, expr_len(goal), &items);
    for (uint32_t k = 0; k < expr_len(goal); k++) items[k] = k == i ? value : atom_deref(expr_at(goal, k));
    expr_seal(copy);
    return copy;
}

Word make_call(Machine *m, Word head, const Word *args, uint32_t n)
{
    Word *items;
    uint32_t named = head != W_SYM(HEADED);
    Word goal = atom_expr_open(&m->rt->heap, n + named, &items);
    if (named) items[0] = head;
    for (uint32_t i = 0; i < n; i++) items[i + named] = atom_deref(args[i]);
    expr_seal(goal);
    return goal;
}

Word rebuild_goal(Machine *m, const Frame *f, const Chunk *c)
{
    return make_call(m, word_sym(c->name), f->slot + VM_LOCALS, c->arity);
}

/* -- What the program wrote -- */

/* Is VALUE what TERM, a part of template T, stands for, word for word?  False says nothing. */
static bool is_filled_in(const Frame *f, const uint8_t *map, Word term, Word value)
{
    value = atom_deref(value);
    if (word_is_slot(term)) return atom_deref(f->slot[VM_LOCALS + map[word_slot_index(term)]]) == value;
    if (term == value || !atom_is_cons(term)) return term == value;
    if (!atom_is_cons(value) || expr_len(term) != expr_len(value)) return false;
    for (uint32_t i = 0; i < expr_len(term); i++)
        if (!is_filled_in(f, map, expr_at(term, i), expr_at(value, i))) return false;
    return true;
}

static bool are_filled_in(const Frame *f, const Chunk *c, const Template *t, Word head, const Word *items,
                          uint32_t n)
{
    const uint8_t *map = template_map(c, t);
    uint32_t headed = !word_is_nil(head);
    if (!atom_is_cons(t->term) || expr_len(t->term) != n + headed) return false;
    if (headed && !is_filled_in(f, map, expr_at(t->term, 0), head)) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!is_filled_in(f, map, expr_at(t->term, i + headed), items[i])) return false;
    return true;
}

static bool equals_template(Machine *m, const Frame *f, const Chunk *c, const Template *t, Word goal)
{
    Word few[SLOTS_INLINE];
    Word *slots = load_slots(f, c, t, few);
    Word written = instantiate(&m->rt->heap, t->term, slots, template_names(c, t));
    if (slots != few) base_free(slots);
    return atom_equal(written, goal);
}

bool as_written(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word goal)
{
    const Expression *e = chunk_innermost(c, offset);
    return e && equals_template(m, f, c, &c->templates.data[e->term], goal);
}

bool items_as_written(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word head,
                      const Word *items, uint32_t n)
{
    const Expression *e = chunk_innermost(c, offset);
    if (!e) return false;
    const Template *t = &c->templates.data[e->term];
    if (head == W_SYM(HEADED)) head = WORD_NIL;
    if (are_filled_in(f, c, t, head, items, n)) return true;
    Word goal = word_is_nil(head) ? atom_expr(&m->rt->heap, items, n) : make_call(m, head, items, n);
    return equals_template(m, f, c, t, goal);
}

bool is_unchanged(Machine *m, const Frame *f, const Chunk *c, uint32_t index, Word value)
{
    if (LIKELY(!(f->flags & FF_CHECK)) || !atom_is_cons(value)) return false;
    return equals_template(m, f, c, &c->templates.data[index], value);
}

bool is_mere_list(Machine *m, Word list, bool made)
{
    if (!atom_is_cons(list)) return true;
    Word head = atom_deref(expr_at(list, 0));
    bool inert = num_is(head) || word_is_bool(head);
    if (!made || !inert || !may_be_headless(m)) return false;
    note_inert(m, list);
    return true;
}

/* -- Matching -- */

static bool unify_arguments(Machine *m, Frame *f, const Chunk *c, uint32_t lhs)
{
    const Template *t = &c->templates.data[lhs];
    const uint8_t *map = template_map(c, t);
    Word few[SLOTS_INLINE];
    Word *slots = t->count <= SLOTS_INLINE ? few : base_alloc(t->count * sizeof *slots);
    for (uint32_t i = 0; i < t->count; i++) slots[i] = WORD_NIL;
    bool ok = true;
    for (uint32_t i = 0; i < c->arity && ok; i++)
        ok = match_stored(&m->rt->bind, expr_at(t->term, i + 1), f->slot[VM_LOCALS + i], slots,
                          template_names(c, t));
    for (uint32_t i = 0; i < t->count && ok; i++)
        if (map[i] >= c->arity) f->slot[VM_LOCALS + map[i]] = slots[i];
    if (slots != few) base_free(slots);
    return ok;
}

bool unify_head(Machine *m, Frame *f, const Chunk *c, uint32_t lhs, uint32_t alternative)
{
    Bind *b = &m->rt->bind;
    Trial t = trial_begin(b);
    uint64_t keep = b->keep;
    if (!trial_end(b, t, unify_arguments(m, f, c, lhs))) return false;
    if (alternative) leave_choice(m, f, c->arity, alternative, t.mark, keep);
    return true;
}

bool bind_new(Machine *m, const Chunk *c, Word var, uint32_t pattern, uint32_t n)
{
    const Template *t = &c->templates.data[pattern];
    var = atom_deref(var);
    /* A damaged file may have any term there. */
    if (!word_is_cell(var) || !atom_is_cons(t->term) || expr_len(t->term) != n) return false;
    Word few[SLOTS_INLINE];
    Word *slots = t->count <= SLOTS_INLINE ? few : base_alloc(t->count * sizeof *slots);
    for (uint32_t i = 0; i < t->count; i++) slots[i] = WORD_NIL;
    Word value = instantiate_value(&m->rt->heap, t->term, slots, template_names(c, t));
    if (slots != few) base_free(slots);
    bind_cell(&m->rt->bind, var, value);
    return true;
}

/* What came of a trial of unification. */
static MatchOutcome match_outcome(Machine *m, Trial t, bool ok, const WordVec *custom)
{
    Bind *b = &m->rt->bind;
    b->custom = NULL;
    bool asks = ok && custom && custom->len > 0;
    if (trial_end(b, t, ok && !asks)) return MATCH_YES;
    return asks ? MATCH_CUSTOM : MATCH_NO;
}

/* CUSTOM: empty, or NULL when spaces are not asked. */
static MatchOutcome match_pattern(Machine *m, Frame *f, const Chunk *c, Word value, uint32_t pattern,
                                  WordVec *custom)
{
    const Template *t = &c->templates.data[pattern];
    Bind *b = &m->rt->bind;
    Word few[SLOTS_INLINE];
    Word *slots = load_slots(f, c, t, few);
    Trial trial = trial_begin(b);
    b->custom = custom;
    bool ok = match_stored_pattern(b, t->term, value, slots, template_names(c, t));
    MatchOutcome outcome = match_outcome(m, trial, ok, custom);
    if (outcome == MATCH_YES) store_slots(f, c, t, slots);
    if (slots != few) base_free(slots);
    return outcome;
}

MatchOutcome match_let(Machine *m, Frame *f, const Chunk *c, Word value, uint32_t pattern)
{
    WordVec custom = {0};
    MatchOutcome outcome = match_pattern(m, f, c, value, pattern, &custom);
    vec_free(&custom);
    return outcome;
}

bool match_template(Machine *m, Frame *f, const Chunk *c, Word value, uint32_t pattern)
{
    return match_pattern(m, f, c, value, pattern, NULL) == MATCH_YES;
}

MatchOutcome match_space(Machine *m, Frame *f, const Chunk *c)
{
    const Word *top = f->slot + VM_LOCALS + c->locals + frame_operands(f);
    Space *space = word_space(atom_deref(top[-1]));
    Word pattern = atom_deref(top[-2]);
    if (UNLIKELY(!space || m->rt->debug.derives)) return MATCH_CUSTOM;
    f->index -= 2; /* see frame_save */
    bool found =
        UNLIKELY(is_conjunction(pattern)) ? match_all(m, space, pattern) : match_rows(m, space, pattern);
    if (!found) return MATCH_NO;
    give_here(m, f, WORD_UNIT);
    return MATCH_YES;
}

static MatchOutcome unify_pair(Machine *m, Word a, Word b)
{
    WordVec custom = {0};
    Trial trial = trial_begin(&m->rt->bind);
    m->rt->bind.custom = &custom;
    bool ok = unify(&m->rt->bind, a, b);
    MatchOutcome outcome = match_outcome(m, trial, ok, &custom);
    vec_free(&custom);
    return outcome;
}

MatchOutcome unify_templates(Machine *m, Frame *f, const Chunk *c, uint32_t x, uint32_t y)
{
    Word a = instantiate_template(m, f, c, x), b = instantiate_template(m, f, c, y);
    return unify_pair(m, a, b);
}

/* As unify_custom (interp/query.c) for PATTERN alone; the result of F, the current frame, is (). */
static MatchOutcome ask_space(Machine *m, Frame *f, Space *space, Word pattern)
{
    Bind *b = &m->rt->bind;
    Trial t = trial_begin(b);
    if (!match_rows(m, space, pattern)) {
        trial_abort(b, t);
        return MATCH_NO;
    }
    b->keep = m->choice->keep;
    give_here(m, f, WORD_UNIT);
    return MATCH_ROW;
}

MatchOutcome unify_or_ask(Machine *m, Frame *f, const Chunk *c, uint32_t x, uint32_t y)
{
    Word a = atom_deref(instantiate_template(m, f, c, x)), b = atom_deref(instantiate_template(m, f, c, y));
    bool first = word_is_ext(a);
    Word other = first ? b : a;
    Space *space = word_space(first ? a : b);
    if (LIKELY(!space) || word_is_ext(other) || word_is_var(other) || m->rt->debug.derives)
        return unify_pair(m, a, b);
    return ask_space(m, f, space, other);
}

/* -- Leaving -- */

Step call_again(Machine *m, const Frame *f, const Chunk *c, uint32_t offset, Word goal, Word type)
{
    return call_tier0(m, goal, type, !as_written(m, f, c, offset, goal));
}

Step call_form(Machine *m, Frame *f, const Chunk *c, uint32_t whole, uint32_t i, Word value, Word type)
{
    bool changed;
    Word goal = with_item(m, f, c, whole, i, value, &changed);
    return call_tier0(m, goal, type, changed);
}

Step call_after_safepoint(Machine *m, Word goal, Word type, bool computed)
{
    m->atom = goal;
    m->type = type;
    if (!safepoint(m)) return STEP_HALT;
    return call_tier0(m, m->atom, m->type, computed);
}

bool safepoint_again(Machine *m)
{
    const Frame *f = m->frame;
    m->atom = rebuild_goal(m, f, frame_chunk(f));
    m->type = f->slot[VM_TYPE];
    if (!safepoint(m)) return false;
    /* The collection has seen the frame, which goes on and changes. */
    machine_touch(m, m->frame);
    return true;
}

Step leave_for(Machine *m, Frame *f, const Chunk *c, uint32_t index)
{
    Word atom = instantiate_template(m, f, c, index), type = f->slot[VM_TYPE];
    m->frame = f->parent;
    return step_eval(m, atom, type);
}

/* The goal of F, no clause of which has matched.  One that tier 0 has called is that very expression, which is to be marked and may be evaluated
 * again where it came from. */
static Word stuck_goal(Machine *m, const Frame *f, const Chunk *c)
{
    if (m->steps != m->entered_at || word_is_nil(m->entered)) return rebuild_goal(m, f, c);
    assert(expr_len(m->entered) == c->arity + (c->name != SYM_HEADED));
    return m->entered;
}

Step leave_stuck(Machine *m, Frame *f, const Chunk *c)
{
    Word goal = stuck_goal(m, f, c), type = f->slot[VM_TYPE];
    goal_resumes(m, f);
    m->frame = f->parent;
    return call_stuck(m, goal, type);
}

Step leave_not_reducible(Machine *m, Frame *f, const Chunk *c)
{
    Word goal = atom_resolve(&m->rt->heap, rebuild_goal(m, f, c)), type = f->slot[VM_TYPE];
    goal_resumes(m, f);
    m->frame = f->parent;
    return call_stuck(m, goal, type);
}

Step leave_function(Machine *m, Frame *f, const Chunk *c, Word body)
{
    Word goal = rebuild_goal(m, f, c), type = f->slot[VM_TYPE];
    goal_resumes(m, f);
    m->frame = f->parent;
    return run_function(m, goal, body, type);
}

Step leave_function_rest(Machine *m, Frame *f, const Chunk *c, Word rest)
{
    Word goal = rebuild_goal(m, f, c), type = f->slot[VM_TYPE];
    goal_resumes(m, f);
    m->frame = f->parent;
    return run_function_rest(m, goal, rest, type);
}

Step leave_form_rest(Machine *m, Frame *f, const Chunk *c, uint32_t rest, uint32_t whole)
{
    Word form = instantiate_template(m, f, c, whole), next = instantiate_template(m, f, c, rest);
    m->frame = f->parent;
    m->changed = false;
    push_call_return(m, form, f->slot[VM_TYPE]);
    return step_minimal(m, next);
}

bool is_body_of(const Machine *m, Word atom, Word type)
{
    bool function = word_is_sym(type) && rt_native(m->rt, word_sym_id(type)) == BI_function + 1;
    return function && atom_is_cons(atom) && is_function_atom(m, atom);
}

bool leave_list(Machine *m, Frame *f, Word list)
{
    Word type = f->slot[VM_TYPE], items = atom_deref(list);
    if (!atom_is_expr(items) || word_is_nil(type)) return false;
    Word goal = make_call(m, word_op(BI_superpose), &items, 1);
    m->frame = f->parent;
    leave_items(m, goal, items, type);
    return true;
}

Step call_superpose(Machine *m, Frame *f, Word list)
{
    Word type = f->slot[VM_TYPE], goal = make_call(m, word_op(BI_superpose), &list, 1);
    m->frame = f->parent;
    list = atom_deref(list);
    return atom_is_expr(list) ? call_many(m, goal, list, type) : call_tier0(m, goal, type, false);
}

Step leave_halted(Machine *m, const Frame *f, const Chunk *c)
{
    m->abort_cause = atom_error(&m->rt->heap, rebuild_goal(m, f, c), rt_sym(m->rt, "Halted"));
    return STEP_HALT;
}

Step leave_no_return(Machine *m, Frame *f, const Chunk *c, uint32_t whole)
{
    Word goal = instantiate_template(m, f, c, whole), type = f->slot[VM_TYPE];
    m->frame = f->parent;
    return call_error(m, goal, W_SYM(NO_RETURN), type);
}

Step stuck_form(Machine *m, Frame *f, const Chunk *c, uint32_t whole, uint32_t i, Word value, Word type)
{
    bool changed = false;
    Word goal = i ? with_item(m, f, c, whole, i, value, &changed) : instantiate_template(m, f, c, whole);
    m->changed = changed;
    return call_stuck(m, atom_resolve(&m->rt->heap, goal), type);
}

Step leave_with(Machine *m, Frame *f, const Chunk *c, Word value)
{
    Word type = f->slot[VM_TYPE];
    if (value == W_SYM(NOT_REDUCIBLE)) return leave_not_reducible(m, f, c);
    m->frame = f->parent;
    if (value == W_SYM(EMPTY)) return STEP_FAIL;
    if (atom_is_error(value)) return step_return(m, value);
    if (atom_is_cons(value) && !must_evaluate(m, &value)) return step_return(m, value);
    return step_eval(m, value, type);
}

static uint32_t native_index(const Machine *m, Word head)
{
    return word_is_op(head) ? word_op_index(head) : rt_native(m->rt, word_sym_id(head)) - 1;
}

Word native_result(const Machine *m, Word head)
{
    return type_of_result(m->rt->types.op_signatures[native_index(m, head)].result.type);
}

Step call_operation(Machine *m, const Frame *f, uint32_t offset, Word head, const Word *args, uint32_t n,
                    bool computed)
{
    Word goal = make_call(m, head, args, n);
    if (UNLIKELY(f->flags & FF_CHECK)) computed = !as_written(m, f, frame_chunk(f), offset, goal);
    return call_tier0(m, goal, native_result(m, head), computed);
}

bool step_pure(Machine *m, Word head, const Word *args, uint32_t n, Word *result)
{
    enum { FEW = 8 };
    Word few[FEW], out = WORD_UNIT;
    assert(n <= FEW);
    for (uint32_t i = 0; i < n; i++) few[i] = atom_deref(args[i]);
    uint32_t builtin = native_index(m, head);
    if (m->rt->overridden.data[builtin] || m->rt->builtins[builtin].body(m->rt, few, n, &out) != BI_OK)
        return false;
    *result = atom_deref(out);
    return true;
}

/* Must OUT, the result of operation HEAD with ARGS, be evaluated?  Then *TYPE is for what; what a box holds may have got another type than it had when
 * it was put there. */
static bool goes_on(Machine *m, Word head, const Word *args, Word *out, Word *type)
{
    bool boxed = m->rt->types.op_signatures[native_index(m, head)].kind == SIGNATURE_GET;
    Word content = boxed ? type_in_box(args[0]) : WORD_NIL;
    if (!word_is_nil(content)) {
        *type = content;
        if (!atom_is_cons(*out)) return content != W_SYM(T_ATOM) && !fits_type(*out, content);
    }
    return *type != W_SYM(T_ATOM) && must_evaluate(m, out);
}

NativeOutcome call_pure(Machine *m, const Frame *f, uint32_t offset, Word head, const Word *args, uint32_t n,
                        Word *result, Step *step)
{
    enum { FEW = 8 };
    Word few[FEW], out = WORD_UNIT, type = native_result(m, head);
    assert(n <= FEW);
    for (uint32_t i = 0; i < n; i++) few[i] = atom_deref(args[i]);
    BiStatus status = m->rt->builtins[native_index(m, head)].body(m->rt, few, n, &out);
    if (status == BI_NONE) return NATIVE_NONE;
    out = atom_deref(out);
    bool special = out == W_SYM(NOT_REDUCIBLE) || out == W_SYM(EMPTY) || atom_is_error(out);
    if (status != BI_OK || special) {
        /* Once more in tier 0: the operation is pure. */
        *step = call_again(m, f, frame_chunk(f), offset, make_call(m, head, few, n), type);
        return NATIVE_STEP;
    }
    if (goes_on(m, head, few, &out, &type)) {
        *step = step_eval(m, out, type);
        return NATIVE_STEP;
    }
    *result = out;
    return NATIVE_VALUE;
}

/* -- Debugging -- */

bool tell_breakpoint(Machine *m, Word condition)
{
    Word cause = WORD_NIL;
    if (UNLIKELY(jit_runtime_debug_on(m)) && condition != WORD_FALSE) jit_runtime_debug_stack(m);
    return debug_breakpoint(m->rt, condition, &cause) == BI_OK;
}

Step call_breakpoint(Machine *m, const Word *args, uint32_t n)
{
    return call_tier0(m, make_call(m, rt_sym(m->rt, "breakpoint!"), args, n), W_SYM(UNDEFINED), true);
}

void tell_trace(Machine *m, Word message, Word value)
{
    if (UNLIKELY(jit_runtime_debug_on(m))) jit_runtime_debug_print(m, value);
    debug_trace(m->rt, atom_deref(message), value);
}
