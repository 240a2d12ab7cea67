/* Rules as the text has them: which there are, where they stand, which expression of them is at work. */
#include "debug/state.h"

enum { NESTING = 24 };

/* -- Looking rules up -- */

static Word open_goal(Debugger *d, uint32_t head, uint32_t arity)
{
    Heap *h = &d->rt->heap;
    Word *items, goal = atom_expr_open(h, arity + 1, &items);
    items[0] = word_sym(head);
    for (uint32_t i = 0; i < arity; i++) items[i + 1] = atom_new_var(h, SYM_EQUAL, 0);
    expr_seal(goal);
    return goal;
}

static void rules_in(Debugger *d, Space *s, uint32_t head, uint32_t arity, FoundRules *out)
{
    if (!rules_exist(s, head, arity + 1)) return;
    Word goal = open_goal(d, head, arity);
    RuleCursor cursor;
    FoundRule found = {.space = s};
    rules_open(s, goal, &cursor);
    while (rules_next(&cursor, goal, &found.rule)) vec_push(out, found);
}

void rules_of(Debugger *d, const Scope *scope, uint32_t head, uint32_t arity, FoundRules *out)
{
    for (size_t i = 0; i < scope->spaces.len; i++) {
        Space *s = scope->spaces.data[i];
        if (arity != ANY_ARITY) rules_in(d, s, head, arity, out);
        for (uint32_t n = 0; arity == ANY_ARITY && n <= MOST_ITEMS; n++) rules_in(d, s, head, n, out);
    }
}

bool is_program_function(Debugger *d, const Scope *scope, Word head, uint32_t n)
{
    if (!word_is_sym(head)) return false;
    for (size_t i = 0; i < scope->spaces.len; i++) {
        Space *s = scope->spaces.data[i];
        if (!rules_exist(s, word_sym_id(head), n)) continue;
        const Module *m = rt_module_of(d->rt, s);
        if (!m || !m->builtin) return true;
    }
    return false;
}

bool part_bindings(Debugger *d, const Rule *rule, Word pattern, Word term, Bindings *out)
{
    Runtime *rt = d->rt;
    Word *slots = base_alloc((rule->slot_count + 1) * sizeof *slots);
    for (uint32_t i = 0; i < rule->slot_count; i++) slots[i] = WORD_NIL;
    Trial t = trial_begin(&rt->bind);
    bool ok = match_stored(&rt->bind, pattern, term, slots, rule->names);
    for (uint32_t i = 0; ok && i < rule->slot_count; i++) {
        if (word_is_nil(slots[i])) continue;
        Binding b = {rule->names[i].name, atom_resolve(&rt->heap, slots[i])};
        vec_push(out, b);
    }
    trial_abort(&rt->bind, t);
    base_free(slots);
    return ok;
}

bool rule_bindings(Debugger *d, const Rule *rule, Word goal, Bindings *out)
{
    return part_bindings(d, rule, rule->lhs, goal, out);
}

Span rule_place(Debugger *d, const Space *s, uint32_t rule)
{
    size_t n;
    const Span *spans = rt_rule_spans(d->rt, s, rule, &n);
    return spans && n ? spans[0] : (Span){0};
}

/* -- Expressions in rules -- */

/* How well may E be an instance of NODE, an expression of a rule, with parts evaluated?  More is better, -1: it is none. */
static int likeness(Word node, Word e, int depth)
{
    e = atom_deref(e);
    if (word_is_var(node) || word_is_slot(node) || depth == 0) return 1;
    if (!atom_is_cons(node)) return atom_equal(node, e) ? 2 : -1;
    if (!atom_is_cons(e)) return 0; /* the value of NODE, perhaps */
    if (expr_len(node) != expr_len(e)) return 0;
    int sum = 1;
    for (uint32_t i = 0; i < expr_len(node); i++) {
        int part = likeness(expr_at(node, i), expr_at(e, i), depth - 1);
        if (part < 0) return 0;
        sum += part;
    }
    return sum;
}

/* An expression itself must have the head and the length. */
static int expression_likeness(Word node, Word e)
{
    if (expr_len(node) != expr_len(e) || !atom_equal(expr_at(node, 0), atom_deref(expr_at(e, 0)))) return -1;
    for (uint32_t i = 1; i < expr_len(node); i++) {
        Word part = expr_at(node, i), is = atom_deref(expr_at(e, i));
        if (!atom_is_cons(part) && !word_is_var(part) && !word_is_slot(part) && !atom_equal(part, is))
            return -1;
    }
    return likeness(node, e, NESTING);
}

/* The expressions of the right side of R, whose places are noted after those of the left side. */
static bool search_rule(Debugger *d, const FoundRule *r, Word e, int *score, Span *place, Word *node)
{
    size_t n = 0, i = 1;
    bool better = false;
    const Span *spans = rt_rule_spans(d->rt, r->space, r->rule.id, &n);
    WordVec todo = {0};
    vec_push(&todo, r->rule.rhs);
    vec_push(&todo, r->rule.lhs);
    bool right = false;
    while (todo.len) {
        Word w = vec_pop(&todo);
        right |= todo.len == 0; /* the left side and its parts are done: this is the right one */
        if (!atom_is_cons(w)) continue;
        int s = right ? expression_likeness(w, e) : -1;
        if (s > *score) {
            *score = s;
            *place = i < n ? spans[i] : n ? spans[0] : (Span){0};
            *node = w;
            better = true;
        }
        i++;
        for (uint32_t k = expr_len(w); k > 0; k--) vec_push(&todo, expr_at(w, k - 1));
    }
    vec_free(&todo);
    return better;
}

size_t count_expressions(Word e)
{
    size_t n = 0;
    WordVec todo = {0};
    vec_push(&todo, e);
    while (todo.len) {
        Word w = vec_pop(&todo);
        if (!atom_is_cons(w)) continue;
        n++;
        for (uint32_t k = 0; k < expr_len(w); k++) vec_push(&todo, expr_at(w, k));
    }
    vec_free(&todo);
    return n;
}

bool item_place(Debugger *d, const FoundRule *r, uint32_t item, Span *place)
{
    size_t n = 0, i = 1;
    Word node, around;
    const Span *spans = rt_rule_spans(d->rt, r->space, r->rule.id, &n);
    if (!expression_at(d, r, place, &node, &around) || item >= expr_len(node)) return false;
    if (!atom_is_cons(expr_at(node, item))) return false;
    while (i < n && (spans[i].line != place->line || spans[i].column != place->column)) i++;
    i++;
    for (uint32_t k = 0; k < item; k++) i += count_expressions(expr_at(node, k));
    if (i < n) *place = spans[i];
    return i < n;
}

bool expression_at(Debugger *d, const FoundRule *r, const Span *place, Word *node, Word *around)
{
    typedef struct Node {
        Word term, around;
    } Node;
    size_t n = 0, i = 1;
    const Span *spans = rt_rule_spans(d->rt, r->space, r->rule.id, &n);
    VEC(Node) todo = {0};
    Node first[] = {{r->rule.rhs, WORD_NIL}, {r->rule.lhs, WORD_NIL}};
    vec_push(&todo, first[0]);
    vec_push(&todo, first[1]);
    bool found = false;
    while (todo.len && i < n && !found) {
        Node at = vec_pop(&todo);
        if (!atom_is_cons(at.term)) continue;
        found = spans[i].line == place->line && spans[i].column == place->column;
        if (found) *node = at.term, *around = at.around;
        i++;
        for (uint32_t k = expr_len(at.term); k > 0; k--) {
            Node part = {expr_at(at.term, k - 1), at.term};
            vec_push(&todo, part);
        }
    }
    vec_free(&todo);
    return found;
}

Word instance(Debugger *d, const Rule *rule, Word part, const Bindings *bindings)
{
    Word *slots = base_alloc((rule->slot_count + 1) * sizeof *slots);
    for (uint32_t i = 0; i < rule->slot_count; i++) {
        /* As the programmer has written it. */
        slots[i] = atom_new_var(&d->rt->heap, rule->names[i].name, OBJ_PLAIN);
        for (size_t k = 0; k < bindings->len; k++)
            if (bindings->data[k].name == rule->names[i].name) slots[i] = bindings->data[k].value;
    }
    Word whole = instantiate(&d->rt->heap, part, slots, rule->names);
    base_free(slots);
    return whole;
}

bool find_expression(Debugger *d, const Scope *scope, uint32_t head, Word e, FoundRule *rule, Span *place,
                     Bindings *bindings)
{
    FoundRules found = {0};
    int score = -1;
    Word node = WORD_NIL;
    e = atom_deref(e);
    if (!atom_is_cons(e)) return false;
    rules_of(d, scope, head, ANY_ARITY, &found);
    for (size_t i = 0; i < found.len; i++)
        if (search_rule(d, &found.data[i], e, &score, place, &node)) *rule = found.data[i];
    if (score >= 0 && bindings) part_bindings(d, &rule->rule, node, e, bindings);
    vec_free(&found);
    return score >= 0;
}
